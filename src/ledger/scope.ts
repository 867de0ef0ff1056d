import { HubError } from '../core/errors.ts';
import type { Database, Ledger, Sql } from './database.ts';

/** What a session of the API may see: the entities of its token ('*': all), and that token's own stored answers. */
export interface Scope {
  entities: readonly string[];
  token: string;
}

/** How the API's transactions are bound by row-level security: `role` to take on, or null for the ledger's own role, which FORCE ROW LEVEL SECURITY binds. */
export interface ApiAccess {
  role: string | null;
}

/**
 * Prepares the role of the API's transactions (sql/002). Where it cannot be made, the ledger's own role serves when row-level security binds it.
 * Throws HubError API_UNBOUND when it does not (a superuser, BYPASSRLS): then nothing would keep entities apart.
 */
export async function prepareApiAccess(db: Database): Promise<ApiAccess> {
  const [made] = await db.query<{ role: string | null }>('api_role', 'select prepare_api_role() as role');
  if (made!.role !== null) return { role: made!.role };
  const [bound] = await db.query<{ bound: boolean; owner: string }>(
    'api_bound',
    `select current_user as owner, bool_and(row_security_active(c.oid)) as bound from pg_class c
     where c.relnamespace = 'crossdock'::regnamespace and c.relrowsecurity group by 1`,
  );
  if (bound!.bound) return { role: null };
  throw new HubError(
    'API_UNBOUND',
    `the ledger's role ${bound!.owner} bypasses row-level security, and the role ${bound!.owner}_api could not be made`,
    {
      hint: `as an administrator of PostgreSQL: create role "${bound!.owner}_api" nologin; grant "${bound!.owner}_api" to "${bound!.owner}"`,
    },
  );
}

/** Longest an API statement may run, in milliseconds. */
const PATIENCE = 10_000;

/** The ledger as one token sees it: each transaction takes on the role and the entities before anything else, until it ends. */
export function scopedLedger(db: Database, { role }: ApiAccess, { entities, token }: Scope): Ledger {
  const entity = entities.includes('*') ? '*' : JSON.stringify(entities);
  // Lists have many filters that are mostly absent: one plan for all of them would be a scan, and compiling it
  // takes longer than running it.
  const enter = async (sql: Sql): Promise<Sql> => {
    await sql.query(
      'scope_enter',
      `select set_config('crossdock.entity', $1, true), set_config('crossdock.token', $2, true), set_config('statement_timeout', $3, true),
         set_config('plan_cache_mode', 'force_custom_plan', true), set_config('jit', 'off', true), set_config('role', coalesce($4, current_user), true)`,
      [entity, token, String(PATIENCE), role],
    );
    return sql;
  };
  const ledger: Ledger = {
    transaction: (work) => db.transaction(async (sql) => work(await enter(sql))),
    snapshot: (work) => db.snapshot(async (sql) => work(await enter(sql))),
    query: (name, text, values) => ledger.transaction((sql) => sql.query(name, text, values)),
  };
  return ledger;
}
