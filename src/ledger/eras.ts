import type { Sql } from './database.ts';
import { type LaneKey, refreshLanes } from './lanes.ts';
import { skipNumbers } from './partner-numbers.ts';
import { columns } from './rows.ts';

/** A stretch of the ledger's life; every one after the first began with a restore. */
export interface Era {
  readonly number: number;
  readonly id: string;
  readonly began_at: Date;
  /** The moment of the backup; null in the first era. */
  readonly backup_at: Date | null;
  /** Links of the audit chain when it began. */
  readonly audit_seq: bigint;
  readonly adopted_at: Date | null;
  /** Seconds since it began, by the ledger's clock. */
  readonly age: number;
}

const select = `select number, id, began_at, backup_at, audit_seq, adopted_at, extract(epoch from clock_timestamp() - began_at)::float8 as age from era`;

export async function currentEra(sql: Sql): Promise<Era> {
  const [row] = await sql.query<Era>('era_current', `${select} order by number desc limit 1`);
  return row!;
}

export async function allEras(sql: Sql): Promise<Era[]> {
  return sql.query<Era>('eras', `${select} order by number`);
}

export async function ledgerId(sql: Sql): Promise<string> {
  const [row] = await sql.query<{ value: string }>('ledger_id', "select value from setting where name = 'ledger'");
  return row!.value;
}

/** Remembers that a source was read to its end in an era. */
export async function sourceWasRead(sql: Sql, era: number, connection: string, source: string): Promise<void> {
  await sql.query(
    'era_source',
    'insert into era_source (era, connection, source) values ($1, $2, $3) on conflict do nothing',
    [era, connection, source],
  );
}

/** How far the sources of an era are: those that were read to their end, and events that wait to be routed (behind a parked one not counted). */
export async function catchingUp(
  sql: Sql,
  era: number,
): Promise<{ read: { connection: string; source: string }[]; unrouted: number }> {
  const [row] = await sql.query<{ read: { connection: string; source: string }[]; unrouted: number }>(
    'era_catching_up',
    `select (select coalesce(jsonb_agg(jsonb_build_object('connection', connection, 'source', source)), '[]') from era_source where era = $1) as read,
       (select count(*)::int from event e where state = 'new' and received_at <= (select max(read_at) from era_source where era = $1)
          and not exists (select from event p where p.connection = e.connection and p.subject = e.subject and p.seq < e.seq and p.state = 'parked')) as unrouted`,
    [era],
  );
  return row!;
}

/** More than a partner is sent between a backup and its restore, and few enough of the nine digits that EDI has. */
const NUMBERS_SINCE_BACKUP = 100_000;

/**
 * Makes the deliveries that a restored ledger holds open ready for their era; nothing of them is under way any more. Those of `repeatable` sinks wait again
 * (so that a newer version, read again from the source, takes their place). Of others whatever was under way is unknown; once settled they are
 * asked about. Returns how many there are, or null when another hub has done it.
 */
export async function adoptRestored(
  sql: Sql,
  era: number,
  repeatable: readonly { connection: string; sink: string }[],
): Promise<number | null> {
  const [mine] = await sql.query(
    'era_adopt',
    'update era set adopted_at = now() where number = $1 and adopted_at is null returning 1',
    [era],
  );
  if (!mine) return null;
  await skipNumbers(sql, NUMBERS_SINCE_BACKUP);
  await sql.query(
    'era_free_lanes',
    "update lane set holder = null, lease_until = null, quiet_until = '-infinity' where holder is not null or quiet_until > '-infinity'",
  );
  const open = await sql.query<LaneKey>(
    'era_deliveries',
    `with r as (select * from unnest($1::text[], $2::text[]) as r (connection, sink))
     update delivery d set
       state = case when d.state = 'parked' then d.state when exists (select from r where r.connection = d.connection and r.sink = d.sink) then 'waiting'
         when d.state = 'leased' then 'unknown' else d.state end,
       settled_at = case when exists (select from r where r.connection = d.connection and r.sink = d.sink) then null
         when d.state = 'leased' then greatest(d.settled_at, d.intent_settles) else d.settled_at end
     returning d.connection, d.sink, d.lane_key as "laneKey"`,
    columns(repeatable, ['connection', 'sink']),
  );
  await refreshLanes(sql, [...new Map(open.map((lane) => [JSON.stringify(lane), lane])).values()]);
  return open.length;
}
