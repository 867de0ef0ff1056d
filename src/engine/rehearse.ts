import { type Difference, differences } from '../core/differences.ts';
import { type AnyDocumentType, countable } from '../core/document.ts';
import type { AnyFlow } from '../core/estate.ts';
import { faultOf } from '../core/fault.ts';
import type { Draft } from '../core/flow.ts';
import { masked } from '../core/mask.ts';
import { currentDocuments, heardVersions, knownStates } from '../ledger/echoes.ts';
import { documentPlace, intact } from './look.ts';
import type { Parts } from './parts.ts';
import { typeOf } from './validate.ts';

/** Why something cannot be done as it is. */
export interface Trouble {
  cause: string;
  message: string;
}

/** What would be written of one document: fields and money, before and after. Personal and payment data reads as its class. */
export interface Change {
  kind: string;
  key: string;
  is: 'new' | 'changed';
  fields: Difference[];
  currency: string | null;
  /** Minor units that the document is worth more than before. */
  minor: bigint;
}

/** Compares documents that a flow would make of a connection's events, and that were found valid, with those that the ledger holds; `bodies` stands for what would be there by then. Writes nothing. */
export async function rehearse(
  parts: Pick<Parts, 'db' | 'vault' | 'names'>,
  flow: AnyFlow,
  { connection, entity }: { connection: string; entity: string },
  drafts: readonly Draft[],
  bodies: ReadonlyMap<string, unknown> = new Map(),
): Promise<{ changes: Change[]; trouble: Trouble | null }> {
  const keyed = drafts.map((draft) => {
    const type = typeOf(flow, draft);
    return { draft, type, key: parts.names.key(type.name, type.key(draft.body)) };
  });
  const rows = await currentDocuments(
    parts.db,
    keyed.map(({ type, key }) => ({ entity, kind: type.name, key })),
  );
  const heard = await heardVersions(
    parts.db,
    keyed.map(({ type, key }) => ({ connection, entity, kind: type.name, key })),
  );
  const states = await knownStates(
    parts.db,
    keyed.map(({ type, key }) => ({ connection, entity, kind: type.name, key, flow: flow.id })),
  );
  const changes: Change[] = [];
  for (const { draft, type, key } of keyed) {
    const row = rows.find((one) => one.kind === type.name && one.key === key);
    const made = bodies.get(documentPlace(entity, type.name, key));
    if (draft.onlyIfNew && (row !== undefined || made !== undefined)) continue;
    const known = row && heard.find((one) => one.kind === type.name && one.key === key);
    const written = states.find((one) => one.kind === type.name && one.key === key)?.written;
    const versions = [known?.version, written?.version].filter((version) => version != null);
    const { sourceVersion } = draft;
    if (sourceVersion !== undefined && versions.some((version) => sourceVersion < version)) continue;
    try {
      changes.push(...changeOf(type, key, made ?? (row ? intact(parts, row) : null), draft.body));
    } catch (error) {
      return { changes: [], trouble: troubleOf(error) };
    }
  }
  return { changes, trouble: null };
}

/** What a translation threw, as trouble. */
export function troubleOf(error: unknown): Trouble {
  const fault = faultOf(error, 'rejected');
  return { cause: (fault.kind === 'rejected' && fault.cause) || 'flow-failed', message: fault.message };
}

function changeOf(type: AnyDocumentType, key: string, before: unknown, after: unknown): Change[] {
  const plain = differences(before, after);
  if (plain.length === 0) return [];
  const shown = new Map(
    differences(before === null ? null : masked(type.schema, before).body, masked(type.schema, after).body).map(
      (one) => [one.pointer, one],
    ),
  );
  const measureOf = (body: unknown) => countable(type.measure(body as never));
  const [old, now] = [before === null ? null : measureOf(before), measureOf(after)];
  return [
    {
      kind: type.name,
      key,
      is: before === null ? 'new' : 'changed',
      fields: plain.map(({ pointer }) => shown.get(pointer) ?? { pointer, before: '[hidden]', after: '[hidden]' }),
      currency: now.currency ?? old?.currency ?? null,
      minor: now.minor - (old?.minor ?? 0n),
    },
  ];
}
