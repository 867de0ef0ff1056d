import type { Sql } from './database.ts';
import { columns } from './rows.ts';

/** A version of a document that is sent under a number. */
export interface Numbered {
  documentId: string;
  version: number;
}

/**
 * The number of each document version at a sink, in the same order: given once, unique within the connection, rising from 1. Part of the transaction
 * that commits the Intents, so that a repeat of the same delivery carries the same number.
 */
export async function numbersOf(
  sql: Sql,
  to: { entity: string; connection: string; sink: string },
  versions: readonly Numbered[],
): Promise<number[]> {
  const wanted = columns(versions, ['documentId', 'version']);
  await sql.query(
    'partner_numbers_give',
    `with wanted as (select * from unnest($4::uuid[], $5::integer[]) as w (document_id, version)),
     missing as (
       select w.*, row_number() over (order by w.document_id, w.version) as nth, count(*) over () as total from wanted w
       where not exists (select from partner_number n where n.connection = $2 and n.sink = $3 and n.document_id = w.document_id and n.version = w.version)),
     counted as (
       insert into partner_counter (entity, connection, last) select $1, $2, count(*) from missing having count(*) > 0
       on conflict (connection) do update set last = partner_counter.last + excluded.last returning last)
     insert into partner_number (entity, connection, sink, document_id, version, number)
     select $1, $2, $3, m.document_id, m.version, c.last - m.total + m.nth from missing m, counted c`,
    [to.entity, to.connection, to.sink, ...wanted],
  );
  const rows = await sql.query<{ number: bigint }>(
    'partner_numbers_read',
    `select n.number from unnest($3::uuid[], $4::integer[]) with ordinality as w (document_id, version, place)
     join partner_number n on n.connection = $1 and n.sink = $2 and n.document_id = w.document_id and n.version = w.version order by w.place`,
    [to.connection, to.sink, ...wanted],
  );
  return rows.map(({ number }) => Number(number));
}

/** After a restore: numbers given since the backup are not in the ledger, and must not be given again to something else. */
export async function skipNumbers(sql: Sql, count: number): Promise<void> {
  await sql.query('partner_counters_skip', 'update partner_counter set last = last + $1', [count]);
}
