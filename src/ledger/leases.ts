import type { Sql } from './database.ts';
import { columns } from './rows.ts';

/** A named lease as held: the epoch is its fencing token and never repeats. */
export interface Lease {
  readonly name: string;
  readonly holder: string;
  readonly epoch: bigint;
}

/**
 * Takes or renews leases for `seconds` by the ledger's clock: free, expired and own ones are given, others not (nor those on which an open
 * transaction of the last holder still counts).
 * An own, unexpired lease keeps its epoch; any other gets a new one.
 */
export async function takeLeases(sql: Sql, holder: string, names: string[], seconds: number): Promise<Lease[]> {
  if (names.length === 0) return [];
  await sql.query('lease_rows', 'insert into lease (name) select unnest($1::text[]) on conflict do nothing', [names]);
  const renewed = await sql.query<Lease>(
    'lease_renew',
    `update lease set expires_at = clock_timestamp() + make_interval(secs => $3)
     where name in (select name from lease where name = any($2) and holder = $1 and expires_at > clock_timestamp() order by name for no key update)
     returning name, holder, epoch`,
    [holder, names, seconds],
  );
  const others = names.filter((name) => !renewed.some((lease) => lease.name === name));
  const taken = await sql.query<Lease>(
    'lease_take',
    `update lease set epoch = nextval('lease_epoch'), holder = $1, expires_at = clock_timestamp() + make_interval(secs => $3)
     where name in (select name from lease where name = any($2) and (holder is null or expires_at <= clock_timestamp()) order by name for update skip locked)
     returning name, holder, epoch`,
    [holder, others, seconds],
  );
  return [...renewed, ...taken];
}

/** Notes that the sources of these leases were just read to their end. */
export async function noteReadToEnd(sql: Sql, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  await sql.query('lease_read', 'update lease set read_at = clock_timestamp() where name = any($1)', [names]);
}

/** Of sources, by the names of their leases, those that were not read to their end within so many seconds by any hub. */
export async function unreadFor(
  sql: Sql,
  sources: readonly { readonly name: string; readonly seconds: number }[],
): Promise<Set<string>> {
  const rows = await sql.query<{ name: string }>(
    'leases_unread',
    `select n.name from unnest($1::text[], $2::float8[]) as n (name, seconds)
     where not exists (select from lease l where l.name = n.name and l.read_at > clock_timestamp() - make_interval(secs => n.seconds))`,
    columns(sources, ['name', 'seconds']),
  );
  return new Set(rows.map(({ name }) => name));
}

/** Of the names, those whose lease nobody holds now. */
export async function freeLeases(sql: Sql, names: readonly string[]): Promise<string[]> {
  const rows = await sql.query<{ name: string }>(
    'leases_free',
    `select name from unnest($1::text[]) as n (name)
     where not exists (select from lease l where l.name = n.name and l.holder is not null and l.expires_at > clock_timestamp())`,
    [names],
  );
  return rows.map((row) => row.name);
}

/**
 * True while the lease is ours; in a transaction it stays so until the commit: no takeover gets the row, while its renewal does (key share and
 * no key update do not conflict), or one slow transaction would let every other lease of this hub run out.
 */
export async function holdsLease(sql: Sql, lease: Lease): Promise<boolean> {
  const rows = await sql.query(
    'lease_check',
    'select 1 from lease where name = $1 and holder = $2 and epoch = $3 and expires_at > clock_timestamp() for key share',
    [lease.name, lease.holder, lease.epoch],
  );
  return rows.length === 1;
}

export async function releaseLeases(sql: Sql, leases: readonly Lease[]): Promise<void> {
  await sql.query(
    'lease_release',
    `update lease set holder = null, expires_at = '-infinity'
     from unnest($1::text[], $2::bigint[]) as mine (name, epoch) where lease.name = mine.name and lease.epoch = mine.epoch`,
    [leases.map((lease) => lease.name), leases.map((lease) => lease.epoch)],
  );
}

/** Marks this hub process as alive and says how many are; one is alive while seen within the last 30 seconds. */
export async function heartbeat(sql: Sql, node: string, about: object): Promise<number> {
  const [row] = await sql.query<{ live: number }>(
    'node_heartbeat',
    `with me as (insert into node (id, about) values ($1, $2) on conflict (id) do update set seen_at = clock_timestamp(), about = excluded.about)
     select count(*)::int + 1 as live from node where id <> $1 and seen_at > clock_timestamp() - interval '30 seconds'`,
    [node, about],
  );
  return row!.live;
}

export async function removeNode(sql: Sql, node: string): Promise<void> {
  await sql.query('node_remove', "delete from node where id = $1 or seen_at < clock_timestamp() - interval '1 day'", [
    node,
  ]);
}
