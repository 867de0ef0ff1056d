import type { Sql } from './database.ts';

/** A write that carried an Idempotency-Key: what was asked, and what was answered once its effect was committed. */
export interface RequestRow {
  digest: Buffer;
  status: number | null;
  answer_sealed: Buffer | null;
}

/**
 * Takes a key for this transaction, or returns the request that has it. Another transaction that holds the same key is waited for: it commits
 * its answer, which is returned, or fails, and the key is ours. Keys older than 24 hours are free.
 */
export async function takeRequestKey(
  sql: Sql,
  request: { tokenId: string; key: Buffer; digest: Buffer },
): Promise<RequestRow | null> {
  const taken = await sql.query(
    'request_take',
    `insert into api_request as r (token_id, key, digest) values ($1, $2, $3)
     on conflict (token_id, key) do update set digest = excluded.digest, status = null, answer_sealed = null, created_at = now()
       where r.created_at < now() - interval '24 hours'
     returning 1`,
    [request.tokenId, request.key, request.digest],
  );
  if (taken.length === 1) return null;
  const [row] = await sql.query<RequestRow>(
    'request_read',
    'select digest, status, answer_sealed from api_request where token_id = $1 and key = $2',
    [request.tokenId, request.key],
  );
  return row!;
}

export async function answerRequest(
  sql: Sql,
  request: { tokenId: string; key: Buffer },
  answer: { status: number; sealed: Buffer },
): Promise<void> {
  await sql.query(
    'request_answer',
    'update api_request set status = $3, answer_sealed = $4 where token_id = $1 and key = $2',
    [request.tokenId, request.key, answer.status, answer.sealed],
  );
}

/** Removes answers older than 24 hours, at most 5,000. Returns how many. */
export async function removeOldRequests(sql: Sql): Promise<number> {
  const rows = await sql.query(
    'requests_remove',
    `delete from api_request where (token_id, key) in (
       select token_id, key from api_request where created_at < now() - interval '24 hours' limit 5000 for update skip locked) returning 1`,
  );
  return rows.length;
}
