import type { Sql } from './database.ts';
import { columns } from './rows.ts';

export interface LaneKey {
  connection: string;
  sink: string;
  laneKey: string;
}

/**
 * Makes lanes where they are missing and takes the next `count` places in each, under the lane's row lock: so a place's order is the order of
 * commits. Lanes must be given once each; they are locked in sorted order. Returns the first place given per lane.
 */
export async function takePlaces(
  sql: Sql,
  lanes: readonly (LaneKey & { entity: string; priority: number; count: number })[],
): Promise<Map<string, bigint>> {
  const rows = await sql.query<{ connection: string; sink: string; key: string; first: bigint }>(
    'lanes_take_places',
    `insert into lane (connection, sink, key, entity, priority, next_place)
     select connection, sink, key, entity, priority, count
     from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::smallint[], $6::bigint[]) as l (connection, sink, key, entity, priority, count)
     order by connection, sink, key
     on conflict (connection, sink, key) do update set next_place = lane.next_place + excluded.next_place, priority = excluded.priority
     returning connection, sink, key, next_place - (select count from unnest($1::text[], $2::text[], $3::text[], $6::bigint[]) as c (connection, sink, key, count)
       where c.connection = lane.connection and c.sink = lane.sink and c.key = lane.key) as first`,
    columns(lanes, ['connection', 'sink', 'laneKey', 'entity', 'priority', 'count']),
  );
  return new Map(rows.map((row) => [laneId({ ...row, laneKey: row.key }), row.first]));
}

export const laneId = (lane: LaneKey): string => JSON.stringify([lane.connection, lane.sink, lane.laneKey]);

/**
 * Sets when the head of each lane may be worked: null while it waits for a binding, is parked, or the lane is leased or empty. A delivery
 * other than the unknown one waits until the lane is quiet. What nothing holds up has been ready since it was owed, so that of several lanes the one that has waited longest goes
 * first. Empty, quiet lanes are removed. The caller's transaction changed these lanes.
 */
export async function refreshLanes(sql: Sql, lanes: readonly LaneKey[]): Promise<void> {
  if (lanes.length === 0) return;
  await sql.query(
    'lanes_refresh',
    `with wanted as (
       select connection, sink, key from lane
       where (connection, sink, key) in (select * from unnest($1::text[], $2::text[], $3::text[]))
       order by connection, sink, key for update),
     heads as (
       select w.connection, w.sink, w.key, h.state, h.waits, h.not_before, h.created_at
       from wanted w left join lateral (
         select state, waits, not_before, created_at from delivery d
         where d.connection = w.connection and d.sink = w.sink and d.lane_key = w.key order by place limit 1) h on true)
     update lane l set ready_at = case
         when l.holder is not null or h.waits > 0 then null
         when h.state = 'unknown' then h.not_before
         when h.state = 'waiting' then greatest(h.created_at, h.not_before, l.quiet_until)
       end
     from heads h where l.connection = h.connection and l.sink = h.sink and l.key = h.key`,
    columns(lanes, ['connection', 'sink', 'laneKey']),
  );
}

/**
 * Removes lanes that hold nothing and need not stay quiet. Returns how many. In the caller's transaction: the lanes are locked first and looked
 * into again by a second statement, or a delivery that was added in between would lose its lane.
 */
export async function removeEmptyLanes(sql: Sql): Promise<number> {
  const idle = await sql.query<LaneKey>(
    'lanes_lock_empty',
    `select connection, sink, key as "laneKey" from lane l
     where ready_at is null and holder is null and quiet_until < clock_timestamp()
       and not exists (select from delivery d where d.connection = l.connection and d.sink = l.sink and d.lane_key = l.key)
     limit 5000 for update skip locked`,
  );
  if (idle.length === 0) return 0;
  const rows = await sql.query(
    'lanes_remove_empty',
    `delete from lane l where (connection, sink, key) in (select * from unnest($1::text[], $2::text[], $3::text[]))
       and not exists (select from delivery d where d.connection = l.connection and d.sink = l.sink and d.lane_key = l.key)
     returning 1`,
    columns(idle, ['connection', 'sink', 'laneKey']),
  );
  return rows.length;
}
