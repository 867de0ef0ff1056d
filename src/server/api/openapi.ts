import type { TObject, TSchema } from 'typebox';
import { scopes } from '../../guard/tokens.ts';
import type { ApiRoute } from './route.ts';
import { ProblemView } from './schemas.ts';

type Json = Record<string, unknown>;

const INTRODUCTION = `Operate a Crossdock hub: what came in, what went out, what stands as an Exception, and putting it right.

Every request but this document carries a bearer token (\`crossdock token create\`). Errors are RFC 9457 problem details with a stable \`code\`.
Lists are newest first, paged by an opaque \`cursor\`. Writes take an \`Idempotency-Key\`. Times are RFC 3339 in UTC.`;

const problems: Record<number, string> = {
  400: 'The request was not understood.',
  401: 'No token, or one that is unknown, expired or revoked.',
  403: 'The token lacks a scope or entities.',
  404: 'Nothing that this token may see is known under that id or name.',
  409: 'The record is in a state in which this cannot be done.',
  413: 'The body is too large.',
  415: 'The body is not JSON.',
  422: 'The Idempotency-Key was used for another request.',
  429: 'Too many requests with this token: Retry-After says when to go on.',
  503: 'The ledger is away, or the hub has too much to do: Retry-After says when to try again.',
};

/** The OpenAPI 3.1 document of the API, made from its routes and their schemas. Schemas with a title become components. */
export function openApi(routes: readonly ApiRoute[], version: string): Json {
  const components = new Map<string, Json>();
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const path = route.path.replaceAll(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route, components) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Crossdock API',
      version,
      description: INTRODUCTION,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/api/v1' }],
    tags: [...new Set(routes.map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    components: {
      schemas: Object.fromEntries([...components].sort(([a], [b]) => (a < b ? -1 : 1))),
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          description: `A token made with \`crossdock token create\`. Scopes:\n${Object.entries(scopes)
            .map(([name, about]) => `- \`${name}\`: ${about}`)
            .join('\n')}`,
        },
      },
    },
  };
}

function operation(route: ApiRoute, components: Map<string, Json>): Json {
  const { access } = route;
  const needed = typeof access === 'object' ? access.scopes : [];
  const about = [
    route.about,
    needed.length > 0 ? `Scopes: ${needed.map((scope) => `\`${scope}\``).join(', ')}.` : undefined,
    typeof access === 'object' && access.allEntities ? 'For tokens of all entities.' : undefined,
  ].filter((text) => text !== undefined);
  const json = (schema: TSchema): Json => ({ 'application/json': { schema: named(schema, components) } });
  return {
    operationId: operationId(route),
    tags: [route.tag],
    summary: route.summary,
    ...(about.length > 0 ? { description: about.join('\n\n') } : {}),
    security: access === 'public' ? [] : [{ token: [...needed] }],
    parameters: [
      ...parametersOf('path', route.params, components),
      ...parametersOf('query', route.query, components),
      ...(route.writes ? [idempotencyHeader] : []),
    ],
    ...(route.body ? { requestBody: { required: true, content: json(route.body) } } : {}),
    responses: {
      [route.status ?? 200]: {
        description: route.writes
          ? 'Done, or done before under the same Idempotency-Key (then Idempotency-Replayed is true).'
          : 'The answer.',
        content: json(route.answer),
      },
      ...Object.fromEntries(
        problemsOf(route).map((status) => [
          status,
          {
            description: problems[status],
            content: { 'application/problem+json': { schema: named(ProblemView, components) } },
          },
        ]),
      ),
    },
  };
}

/** `getExceptions`, `postExceptionsIdRetry`. */
const operationId = ({ method, path }: ApiRoute): string =>
  method.toLowerCase() +
  path
    .split(/[/:.]+/)
    .filter((part) => part !== '')
    .map((part) => part[0]!.toUpperCase() + part.slice(1))
    .join('');

const idempotencyHeader: Json = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  schema: { type: 'string', minLength: 1, maxLength: 255 },
  description: 'The same key with the same request has one effect; kept 24 hours.',
};

function problemsOf({ access, params, body, writes }: ApiRoute): number[] {
  if (access === 'public') return [];
  const path = params ? [404] : [];
  const bodies = body ? [413, 415] : [];
  return [400, 401, 403, ...path, ...(writes ? [409, 422] : []), ...bodies, 429, 503].sort();
}

function parametersOf(where: 'path' | 'query', schema: TObject | undefined, components: Map<string, Json>): Json[] {
  const required: readonly string[] = (schema as { required?: string[] } | undefined)?.required ?? [];
  return Object.entries((schema?.properties ?? {}) as Record<string, TSchema>).map(([name, field]) => {
    const { description, ...rest } = named(field, components);
    return {
      name,
      in: where,
      required: required.includes(name),
      ...(description === undefined ? {} : { description }),
      schema: rest,
    };
  });
}

/** Plain JSON of a schema, in which every schema that has a title is a reference to its component. */
function named(schema: TSchema, components: Map<string, Json>): Json {
  return refer(JSON.parse(JSON.stringify(schema)) as Json, components) as Json;
}

function refer(node: unknown, components: Map<string, Json>): unknown {
  if (Array.isArray(node)) return node.map((part) => refer(part, components));
  if (node === null || typeof node !== 'object') return node;
  const parts = Object.fromEntries(Object.entries(node).map(([name, part]) => [name, refer(part, components)]));
  if (typeof parts.title !== 'string' || parts.type !== 'object') return parts;
  components.set(parts.title, parts);
  return { $ref: `#/components/schemas/${parts.title}` };
}
