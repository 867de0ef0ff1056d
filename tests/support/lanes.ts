import { newId } from '../../src/core/ids.ts';
import type { Database, Sql } from '../../src/ledger/database.ts';
import { addDeliveries, type ClaimTerms, claimDeliveries, type NewDelivery } from '../../src/ledger/deliveries.ts';
import { type LaneKey, laneId, refreshLanes, takePlaces } from '../../src/ledger/lanes.ts';

export const here: LaneKey = { connection: 'target', sink: 'notes', laneKey: 'a' };
/** Each differs from it in one thing: what is done to a lane may touch none of them. */
export const neighbours: readonly LaneKey[] = [
  { ...here, connection: 'other' },
  { ...here, sink: 'other' },
  { ...here, laneKey: 'b' },
];
export const all = [here, ...neighbours];
export const holder = newId();
export const nameOf = ({ connection, sink, laneKey }: LaneKey): string => `${connection} ${sink} ${laneKey}`;
export const names = (lanes: readonly LaneKey[]): string[] => lanes.map(nameOf).sort();

const terms = (changes: Partial<ClaimTerms> = {}): ClaimTerms => ({
  connection: 'target',
  sink: 'notes',
  holder,
  max: 10,
  maxLines: 1000,
  leaseSeconds: 30,
  deadlineSeconds: 60,
  settleSeconds: 120,
  ...changes,
});

/** Lanes and what is owed in them, without an engine: what one statement does to them and to nothing else. */
export function laneYard(db: Database) {
  return {
    clean: () => db.query('clean', 'truncate lane, delivery, awaits, delivery_history, binding'),

    /** Adds deliveries to a lane; it may be worked at once unless told otherwise. Returns their ids. */
    owe: (lane: LaneKey, ...changes: Partial<NewDelivery & { priority: number }>[]): Promise<string[]> =>
      db.transaction(async (sql) => {
        const wanted = changes.length > 0 ? changes : [{}];
        const { priority = 0 } = wanted[0]!;
        const places = await takePlaces(sql, [{ ...lane, entity: 'main', priority, count: wanted.length }]);
        const first = places.get(laneId(lane))!;
        const rows = wanted.map(({ priority: _, ...change }, n) => ({
          ...owed(lane),
          place: first + BigInt(n),
          ...change,
        }));
        await addDeliveries(sql, rows);
        await refreshLanes(sql, [lane]);
        return rows.map(({ id }) => id);
      }),

    /** A transaction that uses no index: what is in order is so because it was asked for. */
    unindexed: <T>(work: (sql: Sql) => Promise<T>): Promise<T> =>
      db.transaction(async (sql) => {
        await sql.query(
          '',
          `set local plan_cache_mode = force_custom_plan; set local enable_indexscan = off; set local enable_indexonlyscan = off; set local enable_bitmapscan = off`,
        );
        return work(sql);
      }),

    claimIn: (sql: Sql, changes?: Partial<ClaimTerms>) => claimDeliveries(sql, terms(changes)),

    /** Names of the lanes of which this is true. */
    lanesThat: async (condition: string): Promise<string[]> =>
      names(await db.query<LaneKey>('', `select connection, sink, key as "laneKey" from lane where ${condition}`)),
    /** Names of the lanes of the deliveries of which this is true. */
    deliveriesThat: async (condition: string): Promise<string[]> =>
      names(
        await db.query<LaneKey>('', `select connection, sink, lane_key as "laneKey" from delivery where ${condition}`),
      ),
    change: (set: string, which = 'true') => db.query('', `update lane set ${set} where ${which}`),

    /** Runs `work` in a transaction while another is open that has done `open`; it is not kept waiting for longer than a second. */
    meanwhile: <T>(open: (sql: Sql) => Promise<unknown>, work: (sql: Sql) => Promise<T>): Promise<T> =>
      db.transaction(async (sql) => {
        await open(sql);
        return db.transaction(async (other) => {
          await other.query('patience', "set local lock_timeout = '1s'");
          return work(other);
        });
      }),
  };
}

const owed = (lane: LaneKey): NewDelivery => ({
  ...lane,
  id: newId(),
  entity: 'main',
  flow: 'f',
  place: 0n,
  documentId: newId(),
  kind: 'note',
  key: lane.laneKey,
  version: 1,
  eventId: newId(),
  waits: 0,
  notBefore: null,
  labels: {},
  promisedAt: null,
  lines: 1,
  currency: null,
  minor: 0n,
  absolute: 0n,
});
