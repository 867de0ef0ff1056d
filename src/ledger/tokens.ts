import type { Sql } from './database.ts';

/** A token of the API as the ledger keeps it: never the token itself. */
export interface TokenRow {
  id: string;
  name: string;
  scopes: string[];
  /** `['*']`: every entity. */
  entities: string[];
  created_at: Date;
  created_by: string;
  expires_at: Date;
  last_used_at: Date | null;
  revoked_at: Date | null;
  revoked_by: string | null;
}

const visible = 'id, name, scopes, entities, created_at, created_by, expires_at, last_used_at, revoked_at, revoked_by';

export async function addToken(
  sql: Sql,
  token: Pick<TokenRow, 'id' | 'name' | 'scopes' | 'entities' | 'created_by'> & { digest: Buffer; seconds: number },
): Promise<TokenRow> {
  const [row] = await sql.query<TokenRow>(
    'token_add',
    `insert into api_token (id, name, digest, scopes, entities, created_by, expires_at)
     values ($1, $2, $3, $4, $5, $6, now() + make_interval(secs => $7)) returning ${visible}`,
    [token.id, token.name, token.digest, token.scopes, token.entities, token.created_by, token.seconds],
  );
  return row!;
}

/** The token of a digest that is neither expired nor revoked by now, by the ledger's clock; or null. */
export async function liveToken(sql: Sql, digest: Buffer): Promise<TokenRow | null> {
  const [row] = await sql.query<TokenRow>(
    'token_live',
    `select ${visible} from api_token where digest = $1 and revoked_at is null and expires_at > clock_timestamp()`,
    [digest],
  );
  return row ?? null;
}

/** Remembers that a token was used; often enough is once a minute. */
export async function touchToken(sql: Sql, id: string): Promise<void> {
  await sql.query(
    'token_touch',
    `update api_token set last_used_at = now() where id = $1 and (last_used_at is null or last_used_at < now() - interval '50 seconds')`,
    [id],
  );
}

/** All tokens, newest first, those that no longer work included. */
export async function listTokens(sql: Sql): Promise<TokenRow[]> {
  return sql.query<TokenRow>('tokens_list', `select ${visible} from api_token order by id desc`);
}

/** Tokens whose id is or ends with `id`, or whose name it is; those that no longer work included. */
export async function findTokens(sql: Sql, id: string): Promise<TokenRow[]> {
  return sql.query<TokenRow>(
    'tokens_find',
    `select ${visible} from api_token where id::text = $1 or right(id::text, 12) = $1 or name = $1`,
    [id],
  );
}

/** Revokes a token; false when it was revoked already. */
export async function revokeToken(sql: Sql, id: string, by: string): Promise<boolean> {
  const rows = await sql.query(
    'token_revoke',
    'update api_token set revoked_at = now(), revoked_by = $2 where id = $1 and revoked_at is null returning 1',
    [id, by],
  );
  return rows.length === 1;
}
