import { randomBytes } from 'node:crypto';
import { type Clock, type Duration, milliseconds } from '../core/clock.ts';
import { HubError } from '../core/errors.ts';
import { newId } from '../core/ids.ts';
import { sha256 } from '../core/seal.ts';
import { appendAudit } from '../ledger/audit.ts';
import { connectionStates } from '../ledger/connections.ts';
import type { Database, Ledger, Sql } from '../ledger/database.ts';
import { addToken, findTokens, liveToken, revokeToken, type TokenRow, touchToken } from '../ledger/tokens.ts';

/** What a token may be allowed to do; everything that is not named is refused. */
export const scopes = {
  read: 'see events, documents, deliveries, Exceptions, Mapping tables, connections and flows, personal data masked',
  'exceptions:write': 'retry, edit and dismiss Exceptions',
  'mappings:write': 'write the next version of a Mapping table',
  'connections:write': 'pause, resume and test connections',
  'lookups:read': 'ask systems for what the estate offers as look-ups, such as stock and prices',
  'audit:read': 'read the audit, and verify its chain (a token for all entities)',
  'personal:read': 'see personal and payment data and raw payloads, each reading audited',
} as const;

export type TokenScope = keyof typeof scopes;

/** Who asks: a live token. */
export interface Bearer {
  id: string;
  name: string;
  scopes: readonly TokenScope[];
  /** `['*']`: every entity. */
  entities: readonly string[];
  expiresAt: Date;
}

const MARK = 'crossdock_';
/** 256 bits in base64url, after the mark that secret scanners find it by. */
const SHAPE = /^crossdock_[\w-]{43}$/;
const REMEMBERED = 3_000;
const TOUCHED = 60_000;
const MOST_REMEMBERED = 1_000;
const DAY = 86_400_000;
const LONGEST_DAYS = 730;

/** Who acts by a token, as Exceptions and the audit name it. */
export const actorOf = ({ id, name }: Pick<Bearer, 'id' | 'name'>): string => `api:${name}:${id.slice(-12)}`;

/**
 * Makes a token of 256 random bits for the API and audits it. Returns it with its row: it is stored as SHA-256 only and cannot be shown again.
 * `entities` is `['*']` for every one. Throws HubError BAD_USE for a scope, name, entity or life (1 hour to 730 days) that is wrong.
 */
export async function createToken(
  db: Pick<Ledger, 'transaction'>,
  asked: { name: string; scopes: readonly string[]; entities: readonly string[]; life: Duration; by: string },
): Promise<{ token: string; row: TokenRow }> {
  const life = milliseconds(asked.life);
  checkAsked(asked, life);
  const token = `${MARK}${randomBytes(32).toString('base64url')}`;
  const row = await db.transaction(async (sql) => {
    await checkEntities(sql, asked.entities);
    const made = await addToken(sql, {
      id: newId(),
      name: asked.name,
      digest: sha256(token),
      scopes: [...new Set(asked.scopes)],
      entities: [...new Set(asked.entities)],
      created_by: asked.by,
      seconds: life / 1000,
    });
    await audit(sql, made, 'token.created', asked.by, {
      scopes: made.scopes,
      expiresAt: made.expires_at.toISOString(),
    });
    return made;
  });
  return { token, row };
}

function checkAsked(
  { name, scopes: wanted, entities }: { name: string; scopes: readonly string[]; entities: readonly string[] },
  life: number,
): void {
  if (!/^[a-z0-9][a-z0-9._-]{0,59}$/.test(name))
    throw new HubError('BAD_USE', `'${name}' is not a name for a token`, {
      hint: 'lower-case letters, digits, dots, hyphens and underscores, at most 60, such as warehouse-app',
    });
  const unknown = wanted.filter((scope) => !Object.hasOwn(scopes, scope));
  if (unknown.length > 0 || wanted.length === 0)
    throw new HubError('BAD_USE', unknown.length > 0 ? `there is no scope '${unknown[0]}'` : 'a token needs a scope', {
      hint: `scopes are ${Object.keys(scopes).join(', ')}`,
    });
  if (entities.length === 0 || (entities.length > 1 && entities.includes('*')))
    throw new HubError('BAD_USE', 'a token is for named entities or for all of them');
  if (life < 3_600_000 || life > LONGEST_DAYS * DAY)
    throw new HubError('BAD_USE', `a token lives from 1 hour to ${LONGEST_DAYS} days`, { hint: 'such as 90d' });
}

/** An entity that no connection has is a slip, once connections are known. */
async function checkEntities(sql: Sql, entities: readonly string[]): Promise<void> {
  if (entities.includes('*')) return;
  const known = new Set((await connectionStates(sql)).map(({ entity }) => entity));
  const unknown = entities.find((entity) => !known.has(entity));
  if (known.size > 0 && unknown !== undefined)
    throw new HubError('BAD_USE', `no connection belongs to an entity '${unknown}'`, {
      hint: `entities are ${[...known].sort().join(', ')}`,
    });
}

/** Revokes the one token that has this id, the last 12 characters of it, or this name. Hubs refuse it within 5 seconds. */
export async function endToken(
  db: Pick<Ledger, 'transaction'>,
  id: string,
  decision: { by: string; reason: string },
): Promise<TokenRow> {
  return db.transaction(async (sql) => {
    const found = await findTokens(sql, id);
    const live = found.filter(({ revoked_at }) => revoked_at === null);
    if (found.length === 0)
      throw new HubError('NOT_FOUND', `there is no token '${id}'`, { hint: 'crossdock token list' });
    if (live.length > 1)
      throw new HubError('CONFLICT', `${live.length} tokens are called '${id}'`, {
        hint: 'name one by its id: crossdock token list',
      });
    const [token] = live;
    if (!token || !(await revokeToken(sql, token.id, decision.by)))
      throw new HubError('CONFLICT', `the token '${id}' was revoked before`);
    await audit(sql, token, 'token.revoked', decision.by, { reason: decision.reason });
    return token;
  });
}

/** One record per entity, so that each entity's auditors see who was let in; none names another entity. */
async function audit(sql: Sql, token: TokenRow, action: string, actor: string, detail: object): Promise<void> {
  await appendAudit(
    sql,
    token.entities.map((entity) => ({
      entity,
      actor,
      action,
      object: `token:${token.id}`,
      detail: { name: token.name, ...detail },
    })),
  );
}

/** Whether a token is for an entity. */
export const covers = ({ entities }: Pick<Bearer, 'entities'>, entity: string): boolean =>
  entities.includes('*') || entities.includes(entity);

/** Recognises tokens. A live one is remembered for 3 seconds, so a revocation holds on every hub within 5. */
export class Tokens {
  readonly #db: Database;
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #known = new Map<string, { bearer: Bearer; until: number }>();
  readonly #touched = new Map<string, number>();

  constructor(db: Database, clock: Pick<Clock, 'monotonic'>) {
    this.#db = db;
    this.#clock = clock;
  }

  /** The bearer of a token, or null when it is none, has expired or was revoked. */
  async recognise(token: string): Promise<Bearer | null> {
    if (!SHAPE.test(token)) return null;
    const digest = sha256(token);
    const key = digest.toString('base64');
    const now = this.#clock.monotonic();
    const known = this.#known.get(key);
    if (known && known.until > now && known.bearer.expiresAt > new Date()) return known.bearer;
    this.#known.delete(key);
    const row = await liveToken(this.#db, digest);
    if (!row) return null;
    const bearer: Bearer = {
      id: row.id,
      name: row.name,
      scopes: row.scopes as TokenScope[],
      entities: row.entities,
      expiresAt: row.expires_at,
    };
    // The time of asking counts, not that of the answer: a revocation may have been committed in between.
    this.#known.set(key, { bearer, until: now + REMEMBERED });
    if (this.#known.size > MOST_REMEMBERED) this.#known.delete(this.#known.keys().next().value!);
    await this.#touch(row.id, now);
    return bearer;
  }

  async #touch(id: string, now: number): Promise<void> {
    if (now - (this.#touched.get(id) ?? Number.NEGATIVE_INFINITY) < TOUCHED) return;
    this.#touched.set(id, now);
    if (this.#touched.size > MOST_REMEMBERED) this.#touched.delete(this.#touched.keys().next().value!);
    await touchToken(this.#db, id);
  }
}
