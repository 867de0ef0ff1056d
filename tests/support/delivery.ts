import { systemClock } from '../../src/core/clock.ts';
import type { Result } from '../../src/core/connector.ts';
import { Breaker } from '../../src/engine/breaker.ts';
import { Deliverer } from '../../src/engine/deliver.ts';
import type { Hub } from '../../src/engine/hub.ts';
import { type ExceptionRow, listExceptions } from '../../src/ledger/exceptions.ts';
import { readFigures } from '../../src/ledger/figures.ts';
import { type NativeNote, noteHub, send, type TestLedger } from './hub.ts';
import { type NoteItem, type Target, until } from './target.ts';

/** Who decides on Exceptions. */
export const decision = { by: 'cli:anna', reason: 'checked' };

export const exceptions = (ledger: TestLedger): Promise<ExceptionRow[]> => listExceptions(ledger.db, null, 100);
/** What is said of an Exception. */
export const words = (ledger: TestLedger, exception: ExceptionRow): string =>
  ledger.vault.unseal(exception.message_sealed, `exception:${exception.id}`).toString();

/** Answers each item by itself: `say` gives a Result, or undefined for what the target would do. */
export const each =
  (target: Target, say: (item: NoteItem) => Result | undefined) =>
  (items: readonly NoteItem[]): Result[] =>
    items.map((item) => say(item) ?? target.commit([item])[0]!);

/** Routes notes while nothing may be delivered, and stops: what follows can be delivered step by step. */
export async function routedOnly(
  ledger: TestLedger,
  sink: ReturnType<Target['sink']>,
  notes: NativeNote[],
  attempts = 12,
): Promise<{ hub: Hub; deliverer: Deliverer }> {
  const hub = noteHub(ledger, sink, { terms: { attempts } });
  await ledger.db.query(
    'known',
    `insert into connection (name, entity, connector, state) values ('target', 'main', 'test', 'paused')`,
  );
  await hub.start();
  await Promise.all(notes.map((note) => send(hub, note)));
  await until('all is routed', async () => (await readFigures(ledger.db)).events.waiting === 0);
  await hub.stop();
  return { hub, deliverer: new Deliverer(hub.parts, hub.parts.wiring.sinks[0]!, new Breaker(systemClock)) };
}

/** Notes k000, k001, … */
export const numbered = (count: number): NativeNote[] =>
  Array.from({ length: count }, (_, n) => ({ id: `k${String(n).padStart(3, '0')}`, n: n + 1 }));
