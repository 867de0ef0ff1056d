import type { Context, Item, Result } from '../../../core/connector.ts';
import { type Fault, FaultError, isOwn, rejected } from '../../../core/fault.ts';
import { OdooFault } from '../errors.ts';

/** Name of the field with a text that PostgreSQL cannot hold (a NUL, half of a surrogate pair), or null. */
function unstorable(value: unknown, field = 'document'): string | null {
  if (typeof value === 'string') return value.includes('\0') || !value.isWellFormed() ? field : null;
  if (typeof value !== 'object' || value === null) return null;
  for (const [name, part] of Object.entries(value)) {
    const found = unstorable(part, Array.isArray(value) ? field : name);
    if (found !== null) return found;
  }
  return null;
}

/**
 * Delivers what can be prepared: an item whose preparation is `rejected` fails alone, any other Fault stops all of them before anything was sent.
 * Answers in the order of the items.
 */
export async function deliverPrepared<T, P>(
  items: readonly Item<T>[],
  prepare: (item: Item<T>) => Promise<P> | P,
  send: (prepared: readonly { item: Item<T>; prepared: P }[]) => Promise<Result[]>,
): Promise<Result[]> {
  const results: (Result | null)[] = [];
  const ready: { place: number; item: Item<T>; prepared: P }[] = [];
  for (const [place, item] of items.entries()) {
    results[place] = null;
    try {
      const field = unstorable(item.document);
      if (field !== null)
        throw rejected(
          `${field} holds a character that Odoo cannot store (a NUL or half of a pair)`,
          'odoo-text',
          field,
        );
      ready.push({ place, item, prepared: await prepare(item) });
    } catch (error) {
      if (!(error instanceof FaultError) || error.fault.kind !== 'rejected') throw error;
      results[place] = { outcome: 'failed', fault: error.fault };
    }
  }
  if (ready.length > 0) {
    const sent = await send(ready);
    ready.forEach(({ place }, index) => {
      results[place] = sent[index]!;
    });
  }
  return results.map((result) => result!);
}

/** Delivers one item after the other. Once the connection fails nothing more is tried: the rest is `untouched` and comes again. */
export async function oneByOne<T>(items: readonly T[], deliver: (item: T) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  let broken = false;
  for (const item of items) {
    const result: Result = broken ? { outcome: 'untouched' } : await deliver(item);
    broken ||= result.outcome === 'failed' && !isOwn(result.fault);
    results.push(result);
  }
  return results;
}

/** The Odoo id of a document this one needs. */
export function linked(item: Item<unknown>, kind: string, key: string): string {
  const id = item.links.get(`${kind}:${key}`);
  if (id === undefined || !/^\d+$/.test(id))
    throw rejected(`${kind} '${key}' is not bound to a record in Odoo yet`, 'not-bound', kind);
  return id;
}

/** What is told together travels in lanes of its own: a payment may come before the lines that it is for, a refund before its payment. Milliseconds. */
const patience = 20_000;
export const isFresh = ({ owedAt }: Item<unknown>, { clock }: Pick<Context, 'clock'>): boolean =>
  owedAt !== undefined && clock.now().getTime() - owedAt.getTime() < patience;

/** A Fault of a step after the record has landed: whatever it was, the document may be there. Leaves faults of `cx.fetch` (a lost lease) as they are. */
export function afterLanding(error: unknown, what: string): Fault {
  if (error instanceof OdooFault)
    return { kind: 'unknown', message: `${what}, but the next step failed: ${error.fault.message}` };
  throw error;
}
