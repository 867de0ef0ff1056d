import type { Sql } from '../ledger/database.ts';
import { heardVersions, noteHeard } from '../ledger/echoes.ts';
import type { Plan, PlannedDocument } from './translate.ts';

/** Whether a document is compared with what its connection told of the same record by other sources. */
export const isVersioned = ({ draft }: PlannedDocument): boolean => draft.sourceVersion !== undefined;

/** How old the states of records are that a batch brings. */
export interface Ages {
  /** Those older than what was written of the same record, before or by an earlier plan of the batch. */
  readonly older: ReadonlySet<PlannedDocument>;
  /** Call when the documents are written. */
  remember(): Promise<void>;
}

/**
 * Compares the states of records that come by several ways with the newest that was written of each (Resequencer without waiting: what is late is left out). Call it with their
 * documents locked; `isThere` says which of them are there already.
 */
export async function agesOf(
  sql: Sql,
  plans: readonly Plan[],
  isThere: (document: PlannedDocument['write']) => boolean,
): Promise<Ages> {
  const told = plans.flatMap(({ event: { connection }, documents }) =>
    documents.filter(isVersioned).map((planned) => {
      const { entity, kind, key } = planned.write;
      return { planned, row: { connection, entity, kind, key, version: planned.draft.sourceVersion! } };
    }),
  );
  const known = new Map(
    (
      await heardVersions(
        sql,
        told.map(({ row }) => row),
      )
    ).map((row) => [idOf(row), row]),
  );
  const older = new Set<PlannedDocument>();
  const newest = new Map<string, (typeof told)[number]['row']>();
  for (const { planned, row } of told) {
    const there = isThere(planned.write);
    const before = newest.get(idOf(row)) ?? (there ? known.get(idOf(row)) : undefined);
    // What is made when new only is not written, then.
    if (planned.draft.onlyIfNew && (there || before !== undefined)) continue;
    if (before !== undefined && row.version < before.version) older.add(planned);
    else if (row.version !== before?.version) newest.set(idOf(row), row);
  }
  return { older, remember: () => noteHeard(sql, [...newest.values()]) };
}

const idOf = ({ connection, entity, kind, key }: { connection: string; entity: string; kind: string; key: string }) =>
  JSON.stringify([connection, entity, kind, key]);
