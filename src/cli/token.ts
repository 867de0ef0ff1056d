import type { Duration } from '../core/clock.ts';
import { HubError } from '../core/errors.ts';
import { createToken, endToken, scopes } from '../guard/tokens.ts';
import { listTokens, type TokenRow } from '../ledger/tokens.ts';
import { actor } from './mapping.ts';
import { withLedger } from './open.ts';
import { printJson, sayTo, since, table } from './print.ts';

/** What `--scope` may be, for the help. */
export const scopesHelp = (): string =>
  Object.entries(scopes)
    .map(([name, about]) => `  ${name.padEnd(18)} ${about}`)
    .join('\n');

export async function createTokenCommand(options: {
  name: string;
  scope: string[];
  entity?: string[];
  allEntities?: boolean;
  expires: string;
  json?: boolean;
}): Promise<void> {
  const { name, scope, entity = [], allEntities = false, json = false } = options;
  if (allEntities === entity.length > 0)
    throw new HubError('BAD_USE', 'say for which entities the token is', {
      hint: 'either --entity NAME (once or more) or --all-entities',
    });
  const life = lifeOf(options.expires);
  await withLedger(async ({ db }) => {
    const { token, row } = await createToken(db, {
      name,
      scopes: scope,
      entities: allEntities ? ['*'] : entity,
      life,
      by: actor(),
    });
    if (json) return printJson({ token, ...visible(row) });
    const say = sayTo(false);
    say(token);
    sayTo(true)(
      `\nThis is the only time the token is shown: the ledger keeps its SHA-256.\nIt is ${row.name} (${row.id.slice(-12)}), may ${row.scopes.join(', ')}, for ${entitiesOf(row)}, until ${row.expires_at.toISOString()}.\nTry it:  curl -H "authorization: Bearer $TOKEN" http://127.0.0.1:${process.env.CROSSDOCK_PORT || 7070}/api/v1/exceptions`,
    );
  });
}

function lifeOf(text: string): Duration {
  if (!/^\d+(h|d)$/.test(text))
    throw new HubError('BAD_USE', `'${text}' is not a life for a token`, { hint: 'write it as 12h or 90d' });
  return text as Duration;
}

const entitiesOf = ({ entities }: TokenRow): string => (entities.includes('*') ? 'all entities' : entities.join(', '));

const stateOf = (row: TokenRow): 'live' | 'expired' | 'revoked' =>
  row.revoked_at ? 'revoked' : row.expires_at <= new Date() ? 'expired' : 'live';

const visible = (row: TokenRow) => ({
  id: row.id,
  name: row.name,
  state: stateOf(row),
  scopes: row.scopes,
  entities: row.entities,
  createdAt: row.created_at,
  createdBy: row.created_by,
  expiresAt: row.expires_at,
  lastUsedAt: row.last_used_at,
  revokedAt: row.revoked_at,
  revokedBy: row.revoked_by,
});

export async function listTokensCommand({
  all = false,
  json = false,
}: {
  all?: boolean;
  json?: boolean;
}): Promise<void> {
  await withLedger(async ({ db }) => {
    const rows = (await listTokens(db)).filter((row) => all || stateOf(row) === 'live');
    if (json) return printJson(rows.map(visible));
    if (rows.length === 0)
      return sayTo(false)(`No ${all ? '' : 'live '}tokens. Make one: crossdock token create --help`);
    sayTo(false)(
      table(
        ['id', 'name', 'state', 'scopes', 'entities', 'expires', 'last used', 'made by'],
        rows.map((row) => [
          row.id.slice(-12),
          row.name,
          stateOf(row),
          row.scopes.join(' '),
          row.entities.join(' '),
          row.expires_at.toISOString().slice(0, 10),
          row.last_used_at ? `${since(row.last_used_at)} ago` : 'never',
          row.created_by,
        ]),
      ),
    );
  });
}

export async function revokeTokenCommand(id: string, { reason }: { reason: string }): Promise<void> {
  await withLedger(async ({ db }) => {
    const { name } = await endToken(db, id, { by: actor(), reason });
    sayTo(false)(`${name} is revoked. Running hubs refuse it within 5 seconds.`);
  });
}
