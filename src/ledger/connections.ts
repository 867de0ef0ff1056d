import type { Sql } from './database.ts';

export interface ConnectionState {
  name: string;
  entity: string;
  connector: string;
  state: 'active' | 'paused';
  reason: string | null;
  changed_at: Date;
}

/** Makes the rows of the estate's connections; a pause survives. */
export async function registerConnections(
  sql: Sql,
  connections: readonly { name: string; entity: string; connector: string }[],
): Promise<void> {
  for (const { name, entity, connector } of connections)
    await sql.query(
      'connection_register',
      'insert into connection (name, entity, connector) values ($1, $2, $3) on conflict (name) do update set entity = excluded.entity, connector = excluded.connector',
      [name, entity, connector],
    );
}

export async function connectionStates(sql: Sql): Promise<ConnectionState[]> {
  return sql.query<ConnectionState>(
    'connections',
    'select name, entity, connector, state, reason, changed_at from connection order by name',
  );
}

/** Pauses or resumes a connection. Returns true when that changed something. */
export async function setConnectionState(
  sql: Sql,
  name: string,
  state: 'active' | 'paused',
  reason: string | null,
  by: string,
): Promise<boolean> {
  const rows = await sql.query(
    'connection_set',
    'update connection set state = $2, reason = $3, changed_by = $4, changed_at = now() where name = $1 and state <> $2 returning 1',
    [name, state, reason, by],
  );
  return rows.length === 1;
}

export async function readCursor(sql: Sql, connection: string, source: string): Promise<string | null> {
  const [row] = await sql.query<{ value: string }>(
    'cursor_read',
    'select value from cursor where connection = $1 and source = $2',
    [connection, source],
  );
  return row?.value ?? null;
}

/** Saves a cursor; the caller checks the poller's lease in the same transaction. */
export async function saveCursor(
  sql: Sql,
  entity: string,
  connection: string,
  source: string,
  value: string,
): Promise<void> {
  await sql.query(
    'cursor_save',
    'insert into cursor (entity, connection, source, value) values ($1, $2, $3, $4) on conflict (connection, source) do update set value = excluded.value, saved_at = now()',
    [entity, connection, source, value],
  );
}

/** Notes that a source should be read now, for whichever hub reads it. */
export async function noteHint(sql: Sql, poller: string): Promise<void> {
  await sql.query(
    'hint_note',
    `insert into setting (name, value) values ('hint ' || $1, clock_timestamp()::text)
     on conflict (name) do update set value = excluded.value`,
    [poller],
  );
}

/** When each source was last hinted at, as text to compare. */
export async function readHints(sql: Sql): Promise<Map<string, string>> {
  const rows = await sql.query<{ poller: string; at: string }>(
    'hints_read',
    "select substr(name, 6) as poller, value as at from setting where name like 'hint %'",
  );
  return new Map(rows.map(({ poller, at }) => [poller, at]));
}
