import { Type } from 'typebox';
import { HubError } from '../../../core/errors.ts';
import { importMapping } from '../../../engine/mappings.ts';
import { covers } from '../../../guard/tokens.ts';
import type { Sql } from '../../../ledger/database.ts';
import type { MappingVersion } from '../../../ledger/mappings.ts';
import { mappingsNamed, pageOfMappings, pageOfMappingVersions } from '../../../ledger/pages/mappings.ts';
import { paged } from '../cursor.ts';
import { type Call, route } from '../route.ts';
import { entityQuery, exact, MappingDetail, MappingView, Name, pageOf, pageQuery, Reason } from '../schemas.ts';
import { mappingDetail, mappingView } from '../shapes.ts';

const NameParams = exact({ name: Name });
const Version = Type.Integer({ minimum: 1, maximum: 2_147_483_647 });

/** The one table of that name; a token of several entities may have to say which. */
async function find(sql: Sql, name: string, entity: string | null, version: number | null): Promise<MappingVersion> {
  const found = await mappingsNamed(sql, { name, entity, version });
  if (found.length > 1)
    throw new HubError('BAD_USE', `several entities have a Mapping table '${name}'`, {
      hint: 'say which: ?entity=NAME',
    });
  if (!found[0])
    throw new HubError(
      'NOT_FOUND',
      `there is no Mapping table '${name}'${version === null ? '' : ` at version ${version}`}`,
    );
  return found[0];
}

/** The entity a new table is for: the one that was named, or the only one there can be. */
function entityOf({ bearer, parts }: Call, named: string | undefined): string {
  const known = [...new Set(Object.values(parts.estate.connections).map(({ entity }) => entity))].filter((entity) =>
    covers(bearer, entity),
  );
  const entity = named ?? (known.length === 1 ? known[0]! : undefined);
  if (entity === undefined)
    throw new HubError('BAD_USE', 'the request must say for which entity the table is', {
      hint: 'add "entity" to the body',
    });
  if (!known.includes(entity)) throw new HubError('NOT_FOUND', `there is no entity '${entity}'`);
  return entity;
}

export const mappingRoutes = [
  route({
    method: 'GET',
    path: '/mappings',
    access: { scopes: ['read'] },
    tag: 'Mapping tables',
    summary: 'Mapping tables at their newest version',
    query: exact({ ...pageQuery, ...entityQuery }),
    answer: pageOf(MappingView),
    run: (call) =>
      paged(
        call,
        (after: { entity: string; name: string } | null, limit) =>
          call.ledger.transaction((sql) => pageOfMappings(sql, { after, entity: call.query.entity ?? null, limit })),
        ({ entity, name }) => ({ entity, name }),
        (rows) => rows.map(mappingView),
      ),
  }),
  route({
    method: 'GET',
    path: '/mappings/:name',
    access: { scopes: ['read'] },
    tag: 'Mapping tables',
    summary: 'A Mapping table with its rows',
    params: NameParams,
    query: exact({ ...entityQuery, version: Type.Optional(Version) }),
    answer: MappingDetail,
    run: ({ ledger, params: { name }, query: { entity = null, version = null } }) =>
      ledger.transaction(async (sql) => mappingDetail(await find(sql, name, entity, version))),
  }),
  route({
    method: 'GET',
    path: '/mappings/:name/versions',
    access: { scopes: ['read'] },
    tag: 'Mapping tables',
    summary: 'Versions of a Mapping table, newest first',
    params: NameParams,
    query: exact({ ...pageQuery, ...entityQuery }),
    answer: pageOf(MappingView),
    run: (call) =>
      call.ledger.transaction(async (sql) => {
        const { name, entity } = await find(sql, call.params.name, call.query.entity ?? null, null);
        return paged(
          call,
          (before: number | null, limit) => pageOfMappingVersions(sql, { entity, name, before, limit }),
          ({ version }) => version,
          (rows) => rows.map(mappingView),
        );
      }),
  }),
  route({
    method: 'POST',
    path: '/mappings/:name/versions',
    access: { scopes: ['mappings:write'] },
    tag: 'Mapping tables',
    summary: 'Write the next version of a Mapping table',
    about:
      'Whole tables, never single rows; running hubs use it within seconds. With `basedOn` nothing is written when somebody else was faster.',
    params: exact({ name: Type.String({ pattern: '^[a-z0-9][a-z0-9._-]{0,79}$' }) }),
    body: exact({
      reason: Reason,
      entity: Type.Optional(Name),
      owner: Type.Optional(
        Type.String({ minLength: 1, maxLength: 100, description: 'Who answers for it; needed for a new table.' }),
      ),
      about: Type.Optional(Type.String({ maxLength: 1000 })),
      basedOn: Type.Optional(
        Type.Integer({ minimum: 0, description: 'The version that was read and changed; 0 for a new table.' }),
      ),
      rows: Type.Record(Type.String({ minLength: 1, maxLength: 300 }), Type.String({ maxLength: 1000 }), {
        maxProperties: 50_000,
      }),
    }),
    bodyLimit: 8 * 1024 * 1024,
    writes: true,
    status: 201,
    answer: MappingView,
    run: async (call) => {
      const { reason, rows, owner, about, basedOn } = call.body;
      const entity = entityOf(call, call.body.entity);
      const { name } = call.params;
      const version = await importMapping(
        call.ledger,
        { entity, name, rows, owner, about, basedOn },
        call.decision(reason),
      );
      const [written] = await call.ledger.transaction((sql) =>
        pageOfMappingVersions(sql, { entity, name, before: version + 1, limit: 1 }),
      );
      return mappingView(written!);
    },
  }),
];
