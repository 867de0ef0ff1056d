import type { Sql } from './database.ts';

const PREFIX = 'approval ';

/** Notes what a flow is approved for, as text to compare. True when that is news. */
export async function noteApproval(sql: Sql, flow: string, words: string): Promise<boolean> {
  const rows = await sql.query(
    'approval_note',
    `insert into setting (name, value) values ($1, $2)
     on conflict (name) do update set value = excluded.value where setting.value <> excluded.value returning 1`,
    [PREFIX + flow, words],
  );
  return rows.length === 1;
}

/** Forgets the approvals of all flows but these. Returns the flows that were approved until now. */
export async function endApprovals(sql: Sql, flows: readonly string[]): Promise<string[]> {
  const rows = await sql.query<{ flow: string }>(
    'approvals_end',
    "delete from setting where name like 'approval %' and not substr(name, 10) = any($1) returning substr(name, 10) as flow",
    [flows],
  );
  return rows.map(({ flow }) => flow);
}
