import type { LedgerView } from '../core/lookup.ts';
import { externalIds } from '../ledger/bindings.ts';
import { ledgerTime } from '../ledger/in-flight.ts';
import { lookOf } from './look.ts';
import type { Parts } from './parts.ts';

/** What the ledger knows, for a system that is about to be asked directly. */
export function viewFor(parts: Parts, connection: string): LedgerView {
  const { db, names, clock, estate } = parts;
  const { entity } = estate.connections[connection]!;
  const told = { connection, entity, subject: '', received_at: clock.now(), decision: null };
  const asOf = (lookedAt: Date | null) => lookOf(parts, told, { memory: null, looked: [], lookedAt });
  let begun: Promise<Date> | null = null;
  return {
    ...asOf(null),
    inFlight: async (name) => {
      begun ??= ledgerTime(db);
      return asOf(await begun).inFlight(name);
    },
    idsOf: async ({ name: kind }, keys) => {
      const kept = new Map(keys.map((key) => [names.key(kind, key), key]));
      const wanted = [...kept.keys()].map((key) => ({ connection, entity, kind, key }));
      const bound = await externalIds(db, wanted);
      return new Map(bound.map(({ key, external_id }) => [kept.get(key)!, external_id]));
    },
  };
}
