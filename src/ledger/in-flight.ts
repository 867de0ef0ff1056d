import type { Sql } from './database.ts';
import { columns } from './rows.ts';

/** A delivery that takes something, as another version of its document may have done before it. */
export interface TakingDelivery {
  deliveryId: string;
  documentId: string;
  entity: string;
  connection: string;
}

export interface TakenQuantity {
  deliveryId: string;
  name: string;
  /** '' where nobody has said from where. */
  place: string;
  /** Plain decimal; negative where a later version takes less, 0 where it takes what the one before took. */
  quantity: string;
}

/**
 * Has the subjects told again that are about these names: `changed` is a query with entity, connection and name; `at` when they were looked at; `afresh` even where
 * nothing changed.
 */
const nudged = (changed: string, { at = 'null::timestamptz', afresh = false } = {}): string =>
  `insert into nudge (entity, connection, source, subject, shard, looked_at, afresh)
   select distinct c.entity, c.connection, c.source, c.subject, c.shard, ${at}, ${afresh} from (${changed}) as x join concern c using (entity, connection, name)
   order by c.connection, c.source, c.subject
   on conflict (connection, source, subject) do update set looked_at = greatest(nudge.looked_at, excluded.looked_at), afresh = nudge.afresh or excluded.afresh`;

/**
 * Puts into flight what deliveries take, together with what those took that gave way to them (`supersedeWaiting` or `giveWay` came before). Whoever heeds it is told again,
 * of all names, also where the sum stays what it was: a channel that was told a figure between a sale and its cancellation has added the goods to it since.
 */
export async function putInFlight(
  sql: Sql,
  deliveries: readonly TakingDelivery[],
  taken: readonly TakenQuantity[],
): Promise<void> {
  if (deliveries.length === 0) return;
  await sql.query(
    'in_flight_put',
    `with own as (select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[]) as o (delivery_id, document_id, entity, connection)),
     given_way as (
       delete from in_flight f using own o
       where f.document_id = o.document_id and f.connection = o.connection and f.told_at is null and not exists (select from delivery d where d.id = f.delivery_id)
       returning o.delivery_id, f.name, f.place, f.quantity),
     put as (
       insert into in_flight (entity, connection, delivery_id, document_id, name, place, quantity)
       select o.entity, o.connection, o.delivery_id, o.document_id, t.name, t.place, sum(t.quantity)
       from (select * from unnest($5::uuid[], $6::text[], $7::text[], $8::numeric[]) as n (delivery_id, name, place, quantity) union all select * from given_way) t
       join own o using (delivery_id)
       group by 1, 2, 3, 4, 5, 6 having sum(t.quantity) <> 0
       on conflict (delivery_id, name, place) do update set quantity = in_flight.quantity + excluded.quantity
       returning 1)
     ${nudged(
       `select o.entity, o.connection, t.name from unnest($5::uuid[], $6::text[]) as t (delivery_id, name) join own o using (delivery_id)
        union select o.entity, o.connection, g.name from given_way g join own o using (delivery_id)`,
       { afresh: true },
     )}`,
    [
      ...columns(deliveries, ['deliveryId', 'documentId', 'entity', 'connection']),
      ...columns(taken, ['deliveryId', 'name', 'place', 'quantity']),
    ],
  );
}

/** Versions that a person decided are not delivered to a connection. */
export async function dismissedVersions(
  sql: Sql,
  documents: readonly { readonly connection: string; readonly documentId: string }[],
): Promise<{ connection: string; documentId: string; version: number }[]> {
  return sql.query<{ connection: string; documentId: string; version: number }>(
    'versions_dismissed',
    `select h.connection, h.document_id as "documentId", h.version
     from delivery_history h join unnest($1::text[], $2::uuid[]) as o (connection, document_id) using (connection, document_id)
     where h.outcome = 'dismissed'`,
    columns(documents, ['connection', 'documentId']),
  );
}

/** Delivered: what is read at the connection from now on counts it. */
export async function tellInFlight(sql: Sql, deliveryIds: readonly string[]): Promise<void> {
  if (deliveryIds.length === 0) return;
  await sql.query('in_flight_tell', 'update in_flight set told_at = clock_timestamp() where delivery_id = any($1)', [
    deliveryIds,
  ]);
}

/** Delivered to a connection of which only look-ups ask what is in flight: they ask the ledger first, so whatever they read afterwards counts it. */
export async function forgetInFlight(sql: Sql, deliveryIds: readonly string[]): Promise<void> {
  if (deliveryIds.length === 0) return;
  await sql.query('in_flight_forget', 'delete from in_flight where delivery_id = any($1)', [deliveryIds]);
}

/** Never to be delivered: a newer version behind it takes what it took, and without one nobody does. The delivery is still there, and its lane's lock is the caller's. */
export async function dropInFlight(sql: Sql, deliveryId: string): Promise<void> {
  await sql.query(
    'in_flight_drop',
    `with newer as (
       select n.id from delivery d join delivery n on n.document_id = d.document_id and n.connection = d.connection and n.sink = d.sink and n.version > d.version
       where d.id = $1 order by n.place limit 1),
     own as (
       select o.name, o.place, o.quantity, newer.id as newer, n.delivery_id is not null as known
       from in_flight o left join newer on true left join in_flight n on n.delivery_id = newer.id and n.name = o.name and n.place = o.place where o.delivery_id = $1),
     added as (
       update in_flight f set quantity = f.quantity + own.quantity from own where own.known and f.delivery_id = own.newer and f.name = own.name and f.place = own.place),
     passed as (
       update in_flight f set delivery_id = own.newer from own where own.newer is not null and not own.known and f.delivery_id = $1 and f.name = own.name and f.place = own.place),
     gone as (
       delete from in_flight f using own where (own.newer is null or own.known) and f.delivery_id = $1 and f.name = own.name and f.place = own.place
       returning f.entity, f.connection, f.name)
     ${nudged('select * from gone')}`,
    [deliveryId],
  );
}

/** Somebody has put goods of these names on a shelf of its own: all who are told figures of them are told again, also where nothing changed. */
export async function tellAfresh(
  sql: Sql,
  restocked: readonly { readonly entity: string; readonly name: string }[],
): Promise<void> {
  if (restocked.length === 0) return;
  await sql.query(
    'figures_tell_afresh',
    nudged(
      'select c.entity, c.connection, c.name from concern c join unnest($1::text[], $2::text[]) as n (entity, name) using (entity, name)',
      { afresh: true },
    ),
    columns(restocked, ['entity', 'name']),
  );
}

/** Forgets what a connection was told before `looked`, when all that changed there until then has been read. Returns how many subjects are told again. */
export async function landInFlight(sql: Sql, connection: string, looked: Date): Promise<number> {
  const rows = await sql.query(
    'in_flight_land',
    `with gone as (delete from in_flight where connection = $1 and told_at < $2 returning entity, connection, name)
     ${nudged('select * from gone', { at: '$2::timestamptz' })} returning 1`,
    [connection, looked],
  );
  return rows.length;
}

/** What is in flight of a name to a connection, that a record which was read at `looked` does not count; null: nothing that is in flight. */
export async function inFlightOf(
  sql: Sql,
  { entity, connection, name }: { entity: string; connection: string; name: string },
  looked: Date | null,
): Promise<{ place: string; quantity: string }[]> {
  return sql.query<{ place: string; quantity: string }>(
    'in_flight_of',
    `select place, trim_scale(sum(quantity))::text as quantity from (
       select place, document_id, sum(quantity) as quantity from in_flight
       where entity = $1 and connection = $2 and name = $3 and (told_at is null or $4::timestamptz is null or told_at >= $4)
       group by place, document_id) f
     where quantity > 0 group by place`,
    [entity, connection, name, looked],
  );
}

export interface ConcernRow {
  entity: string;
  connection: string;
  source: string;
  subject: string;
  shard: number;
  name: string;
}

/** Remembers what subjects are about; what they were about once stays, which costs a telling at most. */
export async function addConcerns(sql: Sql, concerns: readonly ConcernRow[]): Promise<void> {
  if (concerns.length === 0) return;
  await sql.query(
    'concerns_add',
    `insert into concern (entity, connection, source, subject, shard, name)
     select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::smallint[], $6::text[]) as c (entity, connection, source, subject, shard, name)
     order by connection, source, subject, name on conflict do nothing`,
    columns(concerns, ['entity', 'connection', 'source', 'subject', 'shard', 'name']),
  );
}

export interface Nudge {
  entity: string;
  connection: string;
  source: string;
  subject: string;
  shard: number;
  looked_at: Date | null;
  afresh: boolean;
}

/** Takes subjects that are to be told again; one whose last telling is not yet routed waits for the next time. */
export async function takeNudges(sql: Sql): Promise<Nudge[]> {
  return sql.query<Nudge>(
    'nudges_take',
    `with due as (
       select connection, source, subject from nudge n
       where not exists (select from event e where e.connection = n.connection and e.subject = n.subject and e.payload_sealed is null)
       order by connection, source, subject limit 500 for update skip locked)
     delete from nudge n using due d where n.connection = d.connection and n.source = d.source and n.subject = d.subject
     returning n.entity, n.connection, n.source, n.subject, n.shard, n.looked_at, n.afresh`,
  );
}

/** Appends an event without a record for each. */
export async function appendTellings(sql: Sql, tellings: readonly (Nudge & { id: string })[]): Promise<void> {
  await sql.query(
    'events_tell_again',
    `insert into event (id, entity, connection, source, subject, shard, looked_at, afresh, occurred_at)
     select t.*, now() from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::smallint[], $7::timestamptz[], $8::boolean[]) as t`,
    columns(tellings, ['id', 'entity', 'connection', 'source', 'subject', 'shard', 'looked_at', 'afresh']),
  );
}

/** Remembers when the source began to read what these events say. */
export async function noteLooked(sql: Sql, eventIds: readonly string[], looked: Date): Promise<void> {
  if (eventIds.length === 0) return;
  await sql.query('events_looked', 'update event set looked_at = $2 where id = any($1::uuid[])', [eventIds, looked]);
}

/** The ledger's clock. */
export async function ledgerTime(sql: Sql): Promise<Date> {
  const [row] = await sql.query<{ now: Date }>('ledger_time', 'select clock_timestamp() as now');
  return row!.now;
}
