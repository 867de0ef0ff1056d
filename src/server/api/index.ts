import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { TSchema } from 'typebox';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import type { Clock } from '../../core/clock.ts';
import type { Log } from '../../core/connector.ts';
import { HubError } from '../../core/errors.ts';
import { misfit } from '../../core/misfit.ts';
import { actorOf, type Bearer, Tokens } from '../../guard/tokens.ts';
import { removeOldRequests } from '../../ledger/requests.ts';
import { type ApiAccess, prepareApiAccess, scopedLedger } from '../../ledger/scope.ts';
import { idempotencyKey, once } from './idempotency.ts';
import { RateLimit, rateFrom, Turnstile } from './limits.ts';
import { openApi } from './openapi.ts';
import { type Access, type ApiParts, type ApiRoute, type Call, route } from './route.ts';
import { auditRoutes } from './routes/audit.ts';
import { connectionRoutes } from './routes/connections.ts';
import { deliveryRoutes } from './routes/deliveries.ts';
import { documentRoutes } from './routes/documents.ts';
import { eventRoutes } from './routes/events.ts';
import { exceptionRoutes } from './routes/exceptions.ts';
import { flowRoutes } from './routes/flows.ts';
import { lookupRoutes } from './routes/lookups.ts';
import { mappingRoutes } from './routes/mappings.ts';
import { tokenRoutes } from './routes/token.ts';
import { traceRoutes } from './routes/trace.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Who may use the route; a route of the API without it is refused at the start, and answers nobody. */
    access?: Access;
  }
  interface FastifyRequest {
    bearer: Bearer | null;
  }
}

export interface ApiOptions {
  /** Of the running Hub. */
  parts: ApiParts;
  clock: Clock;
  log: Log;
  /** CROSSDOCK_API_RATE: requests a minute per token. */
  env: NodeJS.ProcessEnv;
  /** Of this release, for the OpenAPI document. */
  version: string;
  /** Refuses to answer what the answer's schema does not allow: for tests. */
  checkAnswers?: boolean;
}

const PREFIX = '/api/v1';
const BODY_LIMIT = 64 * 1024;
/** Transactions at once, of the pool's twelve connections; and requests that may wait for one. */
const MOST_AT_ONCE = 4;
const MOST_WAITING = 400;
const HOUR = 3_600_000;

/** The routes of the API, the OpenAPI document made from them among them. */
export function apiRoutes(version: string): ApiRoute[] {
  const routes: ApiRoute[] = [
    ...eventRoutes,
    ...documentRoutes,
    ...deliveryRoutes,
    ...exceptionRoutes,
    ...traceRoutes,
    ...mappingRoutes,
    ...connectionRoutes,
    ...flowRoutes,
    ...lookupRoutes,
    ...auditRoutes,
    ...tokenRoutes,
  ];
  const document = route({
    method: 'GET',
    path: '/openapi.json',
    access: 'public',
    tag: 'OpenAPI',
    summary: 'This document',
    answer: Type.Record(Type.String(), Type.Unknown()),
    run: async () => described,
  });
  routes.push(document);
  const described = openApi(routes, version);
  return routes;
}

/** Adds `/api/v1` to the server. Whoever has no token, not the scopes or not the entities gets nothing: a route says who may use it or is not served. */
export function addApi(app: FastifyInstance, options: ApiOptions): void {
  const api = new Api(options);
  app.register(
    async (scope) => {
      scope.addHook('onRoute', ({ method, url, config }) => {
        if (config?.access === undefined)
          throw new HubError('INTERNAL', `the route ${String(method)} ${url} does not say who may use it`);
      });
      scope.decorateRequest('bearer', null);
      scope.addHook('onRequest', (request, reply) => api.admit(request, reply));
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser(
        'application/json',
        { parseAs: 'string' },
        scope.getDefaultJsonParser('error', 'error'),
      );
      for (const declared of apiRoutes(options.version)) api.add(scope, declared);
    },
    { prefix: PREFIX },
  );
  const stopping = new AbortController();
  let tidying: Promise<void> = Promise.resolve();
  app.addHook('onReady', async () => {
    void api.prepare();
    tidying = api.tidy(stopping.signal);
  });
  app.addHook('onClose', async () => {
    stopping.abort();
    await tidying;
  });
}

class Api {
  readonly #options: ApiOptions;
  readonly #tokens: Tokens;
  readonly #rate: RateLimit;
  readonly #turnstile = new Turnstile(MOST_AT_ONCE, MOST_WAITING);
  #access: Promise<ApiAccess> | null = null;

  constructor(options: ApiOptions) {
    this.#options = options;
    this.#tokens = new Tokens(options.parts.db, options.clock);
    this.#rate = new RateLimit(rateFrom(options.env), options.clock);
  }

  /** Lets a request in or throws HubError UNAUTHENTICATED, RATE_LIMITED or FORBIDDEN. */
  async admit(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { access } = request.routeOptions.config;
    if (access === 'public') return;
    const token = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1];
    const bearer = token === undefined ? null : await this.#turnstile.run(() => this.#tokens.recognise(token));
    if (!bearer)
      throw new HubError(
        'UNAUTHENTICATED',
        token === undefined ? 'the request carries no bearer token' : 'the token is unknown, expired or revoked',
        {
          hint: 'crossdock token create makes one; send it as: authorization: Bearer TOKEN',
        },
      );
    const wait = this.#rate.take(bearer.id);
    if (wait > 0) {
      reply.header('retry-after', String(wait));
      throw new HubError('RATE_LIMITED', `this token has used up its requests; the next one is free in ${wait} s`);
    }
    allow(access, bearer);
    request.bearer = bearer;
  }

  add(app: FastifyInstance, declared: ApiRoute): void {
    const read = {
      params: reader(declared.params, 'path'),
      query: reader(declared.query ?? Type.Object({}, { additionalProperties: false }), 'query'),
      body: reader(declared.body, 'body'),
    };
    const answers = Compile(declared.answer);
    app.route({
      method: declared.method,
      url: declared.path,
      config: { access: declared.access },
      bodyLimit: declared.bodyLimit ?? BODY_LIMIT,
      handler: async (request, reply) => {
        const asked = {
          params: read.params(request.params),
          query: read.query(numbersIn(declared.query, request.query)),
          body: read.body(request.body),
        };
        const { status, answer, replayed } = await this.#answer(declared, request, asked);
        if (this.#options.checkAnswers && !answers.Check(answer)) {
          const [wrong] = answers.Errors(answer);
          throw new Error(`${declared.method} ${declared.path} answers ${wrong?.instancePath} ${wrong?.message}`);
        }
        if (replayed) reply.header('idempotency-replayed', 'true');
        return reply.code(status).type('application/json; charset=utf-8').send(JSON.stringify(answer));
      },
    });
  }

  async #answer(declared: ApiRoute, request: FastifyRequest, asked: Pick<Call, 'params' | 'query' | 'body'>) {
    const { parts, log } = this.#options;
    const status = declared.status ?? 200;
    if (declared.access === 'public') return { status, answer: await declared.run(asked as Call), replayed: false };
    const bearer = request.bearer!;
    const ledger = scopedLedger(parts.db, await this.#prepared(), { entities: bearer.entities, token: bearer.id });
    const path = request.url.split('?')[0]!;
    const { limit: _, cursor: __, ...filters } = asked.query as Record<string, unknown>;
    const rung = new Set<string>();
    const call: Call = {
      ...asked,
      parts,
      bearer,
      ledger,
      bell: parts.bell,
      actor: actorOf(bearer),
      place: `${path} ${JSON.stringify(Object.entries(filters).sort())}`,
      decision: (reason) => ({ by: actorOf(bearer), reason }),
    };
    const run = async () => {
      if (!declared.writes) return { status, answer: await declared.run(call), replayed: false };
      const key = idempotencyKey(request.headers['idempotency-key']);
      return once(
        { ledger, vault: parts.vault },
        { token: bearer.id, key, request: [declared.method, path, asked.body] },
        async (joined) => {
          rung.clear();
          const bell = { ring: (topic: string) => void rung.add(topic) };
          return { status, answer: await declared.run({ ...call, ledger: joined, bell }) };
        },
      );
    };
    try {
      const answered = declared.slow ? await run() : await this.#turnstile.run(run);
      for (const topic of rung) parts.bell.ring(topic);
      return answered;
    } catch (error) {
      throw ours(error, log);
    }
  }

  /** Says at the start what is wrong with the ledger's roles, when something is; requests ask again. */
  async prepare(): Promise<void> {
    await this.#prepared().catch((error: Error & { hint?: string }) =>
      this.#options.log.error('the API is off', { error: error.message, hint: error.hint }),
    );
  }

  /** The role of the transactions, asked for until there is an answer. */
  #prepared(): Promise<ApiAccess> {
    this.#access ??= prepareApiAccess(this.#options.parts.db).then(
      (access) => {
        if (access.role === null)
          this.#options.log.warn('the API works as the owner of the ledger, bound by FORCE ROW LEVEL SECURITY', {
            hint: 'docs/api.md, "The role of the API"',
          });
        return access;
      },
      (error: unknown) => {
        this.#access = null;
        throw error;
      },
    );
    return this.#access;
  }

  /** Removes stored answers that are past their day, hourly. */
  async tidy(signal: AbortSignal): Promise<void> {
    const { parts, clock, log } = this.#options;
    while (!signal.aborted) {
      await clock.sleep(HOUR, signal);
      if (signal.aborted) return;
      await removeOldRequests(parts.db).catch((error: Error) =>
        log.warn('old answers of the API were not removed', { error: error.message }),
      );
    }
  }
}

/** Deny by default: a route that declares nothing is nobody's. */
function allow(access: Access | undefined, { scopes, entities }: Bearer): void {
  if (access === 'any-token') return;
  if (access === undefined || access === 'public') throw new HubError('FORBIDDEN', 'nobody may use this');
  const missing = access.scopes.filter((scope) => !scopes.includes(scope));
  if (missing.length > 0)
    throw new HubError('FORBIDDEN', `this needs the scope ${missing.join(' and ')}`, {
      hint: 'crossdock token create --scope …',
    });
  if (access.allEntities && !entities.includes('*'))
    throw new HubError('FORBIDDEN', 'this needs a token for all entities');
}

/** Checks a part of a request. Throws HubError BAD_USE naming the first field that does not fit. */
function reader(schema: TSchema | undefined, where: string): (value: unknown) => unknown {
  if (schema === undefined) return () => undefined;
  const validator = Compile(schema);
  return (value) => {
    if (validator.Check(value)) return value;
    const { at, words } = misfit(validator.Errors(value));
    throw new HubError('BAD_USE', `${where}${at} ${words}`, { hint: `${PREFIX}/openapi.json describes every request` });
  };
}

/** A query string is all text: what the schema says is a whole number becomes one. */
function numbersIn(schema: TSchema | undefined, query: unknown): unknown {
  const properties = (schema as { properties?: Record<string, { type?: string }> } | undefined)?.properties ?? {};
  return Object.fromEntries(
    Object.entries(query as Record<string, unknown>).map(([name, value]) => [
      name,
      typeof value === 'string' && /^\d{1,15}$/.test(value) && properties[name]?.type === 'integer'
        ? Number(value)
        : value,
    ]),
  );
}

/** What PostgreSQL refused, in our words. */
function ours(error: unknown, log: Log): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (error instanceof HubError) return error;
  if (code === '57014')
    return new HubError('OVERLOADED', 'this took longer than a request may', {
      cause: error,
      hint: 'ask for less: since, filters',
    });
  if (/^22/.test(code))
    return new HubError('BAD_USE', 'a value in the request cannot be kept as text', { cause: error });
  if (code === '42501') {
    log.error('row-level security or rights refused a statement of the API', { error });
    return new HubError('FORBIDDEN', 'the token may not do this', { cause: error });
  }
  return error;
}
