import { createServer, type RequestListener, type Server } from 'node:http';
import type { Socket } from 'node:net';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/connector.ts';
import { HubError } from '../core/errors.ts';
import { sameBytes, sha256 } from '../core/seal.ts';
import type { Hub } from '../engine/hub.ts';
import { SignIn } from '../guard/sign-in.ts';
import type { Reader } from '../ledger/database.ts';
import { askLedger } from '../ledger/vitals.ts';
import { Metrics } from '../watch/metrics.ts';
import { LedgerReader, type Reading, within } from '../watch/reading.ts';
import { addressOf, listenOn, urlOf } from './address.ts';
import { type ApiOptions, addApi } from './api/index.ts';
import { RateLimit, rateFrom } from './api/limits.ts';
import { css, favicon } from './assets.ts';
import { keepRoom } from './crowd.ts';
import { type IntakeDoor, intakeDoor } from './intake.ts';
import { answerError, PROBLEM, problem, problemOf, sendProblem } from './problem.ts';
import { clearedCookie, cookieOf, guardHeaders, sessionCookie } from './security.ts';
import { announcedPage, confirmPage, signedOutPage, spentPage } from './sign-in-pages.ts';
import { statusPage } from './status-page.ts';

/** What the server shows of a hub. */
export type ServedHub = Pick<Hub, 'away'> & {
  /** Without it nothing is received over HTTP. */
  readonly webhooks?: Pick<Hub['webhooks'], 'port' | 'receive'>;
  /** Without it nothing is answered at the same addresses. */
  readonly inquiries?: Pick<Hub['inquiries'], 'port' | 'read' | 'answer'>;
  readonly parts: { readonly estate: { readonly name: string }; readonly vault: Pick<Hub['parts']['vault'], 'unseal'> };
};

export interface ServerOptions {
  hub: ServedHub;
  db: Reader;
  clock: Clock;
  log: Log;
  /** Used or refused; without one the first free of 7070 to 7090 is taken, unless CROSSDOCK_PORT names one. */
  port?: number;
  /** CROSSDOCK_HOST, else 127.0.0.1. */
  host?: string;
  /** The Metrics whose `observe` the engine's Log went through. */
  metrics?: Metrics;
  /** Prints a new sign-in link where the hub runs; without it a link comes at the start only. Must not be a log that leaves the machine. */
  announce?: (link: string) => void;
  /** Serves /api/v1 (docs/api.md) from the parts of the running Hub. */
  api?: Pick<ApiOptions, 'parts' | 'version'>;
  /** CROSSDOCK_HOST, CROSSDOCK_PORT, CROSSDOCK_API_RATE, and CROSSDOCK_METRICS_TOKEN: a bearer token (16 characters or more) that may read /metrics. */
  env?: NodeJS.ProcessEnv;
}

export interface RunningServer {
  url: string;
  /** Works once, within 15 minutes. */
  signInLink: string;
  stop(): Promise<void>;
}

const PATIENCE = 2_000;
const BETWEEN_LINKS = 10_000;
const BODY_LIMIT = 16 * 1024;
const MOST_CONNECTIONS = 1_000;

/** Starts the hub's HTTP server: health, metrics, sign-in and the status page. Throws HubError CONFIG_INVALID when it cannot listen. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { clock, env = process.env } = options;
  const signIn = new SignIn(clock);
  const own = { port: 0, url: '' };
  const app = buildApp({ ...options, env }, signIn, own);
  const asked = {
    ...(options.host === undefined ? {} : { host: options.host }),
    ...(options.port === undefined ? {} : { port: options.port }),
  };
  const address = addressOf(asked, env);
  try {
    await listenOn(address, async (host, port) => {
      await app.listen({ host, port });
    });
  } catch (error) {
    await app.close();
    throw error;
  }
  const bound = app.server.address();
  own.port = typeof bound === 'object' && bound ? bound.port : 0;
  own.url = urlOf(address.host, own.port);
  return { url: own.url, signInLink: linkTo(own.url, signIn.issue()), stop: () => app.close() };
}

const linkTo = (url: string, token: string): string => `${url}/sign-in?token=${token}`;

type Own = { port: number; url: string };

function buildApp(options: ServerOptions & { env: NodeJS.ProcessEnv }, signIn: SignIn, own: Own): FastifyInstance {
  const { log, clock, db, metrics } = options;
  const { webhooks, inquiries: doors } = options.hub;
  const inquiries = doors && { doors, rate: new RateLimit(rateFrom(options.env), clock) };
  const app = fastify({
    logger: false,
    bodyLimit: BODY_LIMIT,
    forceCloseConnections: true,
    serverFactory: (routes) =>
      serverOf(routes, webhooks ? intakeDoor({ webhooks, inquiries, clock, log, metrics }) : null),
    routerOptions: { maxParamLength: 200 },
    frameworkErrors: (error, _request, reply) => sendProblem(reply, problemOf(error)),
    clientErrorHandler: answerBrokenRequest,
  });
  keepRoom(app.server, MOST_CONNECTIONS);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    async (_: unknown, text: string) => Object.fromEntries(new URLSearchParams(text)),
  );
  app.addHook('onRequest', async (request, reply) => guardHeaders(request, reply));
  app.setErrorHandler(answerError(log));
  if (metrics) countAnswers(app, metrics);
  app.setNotFoundHandler((_request, reply) => sendProblem(reply, problem(404, 'NOT_FOUND', 'nothing is here')));
  const session = new Sessions(signIn, own);
  const reader = new LedgerReader(db, clock);
  addAssets(app);
  addHealth(app, options);
  addMetrics(app, options, session, reader);
  addSignIn(app, options, signIn, own, session);
  addStatus(app, options, session, reader);
  if (options.api) addApi(app, { ...options.api, clock, log, env: options.env });
  return app;
}

/** Node's server with the times and sizes that strangers get; the intake's door stands before the routes. */
function serverOf(routes: RequestListener, intake: IntakeDoor | null): Server {
  const times = { requestTimeout: 15_000, headersTimeout: 10_000, keepAliveTimeout: 10_000 };
  const server = createServer(
    { ...times, connectionsCheckingInterval: 2_000, maxHeaderSize: 16 * 1024 },
    (request, response) => {
      if (!intake?.(request, response)) routes(request, response);
    },
  );
  return server.setTimeout(30_000);
}

function countAnswers(app: FastifyInstance, metrics: Metrics): void {
  app.addHook('onResponse', async ({ method, routeOptions: { url = 'none' } }, { statusCode: status, elapsedTime }) =>
    metrics.answered({ method, route: url, status, seconds: elapsedTime / 1000 }),
  );
}

/** What cannot be read as HTTP at all is answered in the same form, without Fastify's help. */
function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const status = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 }[error.code ?? ''] ?? 400;
  const body = JSON.stringify(problem(status, 'BAD_USE', 'this is not a request that the hub understands'));
  socket.end(
    `HTTP/1.1 ${status} Error\r\nContent-Type: ${PROBLEM}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

/** A browser's session. The cookie carries the port in its name: browsers share cookies among all ports of a host. */
class Sessions {
  readonly #signIn: SignIn;
  readonly #own: Own;

  constructor(signIn: SignIn, own: Own) {
    this.#signIn = signIn;
    this.#own = own;
  }

  get #cookie(): string {
    return `crossdock_session_${this.#own.port}`;
  }

  holds(request: FastifyRequest): boolean {
    const value = cookieOf(request, this.#cookie);
    return value !== null && this.#signIn.use(value);
  }

  open(request: FastifyRequest, reply: FastifyReply, token: string): boolean {
    const value = this.#signIn.redeem(token);
    if (value) reply.header('set-cookie', sessionCookie(request, this.#cookie, value));
    return value !== null;
  }

  close(request: FastifyRequest, reply: FastifyReply): void {
    const value = cookieOf(request, this.#cookie);
    if (value) this.#signIn.end(value);
    reply.header('set-cookie', clearedCookie(request, this.#cookie));
  }
}

function addAssets(app: FastifyInstance): void {
  app.get('/status.css', async (_, reply) =>
    reply.header('cache-control', 'no-cache').type('text/css; charset=utf-8').send(css),
  );
  app.get('/favicon.svg', async (_, reply) =>
    reply.header('cache-control', 'max-age=86400').type('image/svg+xml').send(favicon),
  );
}

function addHealth(app: FastifyInstance, { hub, db, clock }: ServerOptions): void {
  let asking: Promise<unknown> | null = null;
  app.get('/healthz', async () => ({ status: 'alive' }));
  app.get('/readyz', async () => {
    if (hub.away !== null)
      throw new HubError('LEDGER_AWAY', 'the ledger cannot be reached; the hub tries again by itself');
    asking ??= askLedger(db).finally(() => {
      asking = null;
    });
    await within(asking, PATIENCE, clock);
    return { status: 'ready' };
  });
}

function addMetrics(
  app: FastifyInstance,
  { env, log, ...options }: ServerOptions & { env: NodeJS.ProcessEnv },
  session: Sessions,
  reader: LedgerReader,
): void {
  const metrics = options.metrics ?? new Metrics({ version: 'unknown' });
  const token = env.CROSSDOCK_METRICS_TOKEN;
  if (token && token.length < 16)
    throw new HubError('CONFIG_INVALID', 'CROSSDOCK_METRICS_TOKEN is shorter than 16 characters', {
      hint: 'make one with: openssl rand -hex 32',
    });
  const digest = token ? sha256(token) : null;
  const bears = ({ headers }: FastifyRequest): boolean => {
    const given = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
    return digest !== null && given !== undefined && sameBytes(digest, sha256(given));
  };
  app.get('/metrics', async (request, reply) => {
    if (!bears(request) && !session.holds(request))
      throw new HubError('UNAUTHENTICATED', 'metrics need a sign-in or the bearer token of CROSSDOCK_METRICS_TOKEN');
    const reading = await reader.read().catch((error: Error) => {
      log.warn('metrics without the ledger', { error: error.message });
      return null;
    });
    return reply.type(metrics.contentType).send(await metrics.text(reading));
  });
}

function addSignIn(
  app: FastifyInstance,
  { announce, clock }: ServerOptions,
  signIn: SignIn,
  own: Own,
  session: Sessions,
): void {
  const asHtml = (reply: FastifyReply, status: number, text: string): FastifyReply =>
    reply.code(status).type('text/html; charset=utf-8').send(text);
  let quietUntil = Number.NEGATIVE_INFINITY;

  app.get<{ Querystring: { token?: unknown } }>('/sign-in', async ({ query: { token } }, reply) =>
    typeof token === 'string' && signIn.accepts(token)
      ? asHtml(reply, 200, confirmPage(token))
      : asHtml(reply, 401, spentPage(announce !== undefined)),
  );
  app.post<{ Body?: { token?: string } }>('/sign-in', async (request, reply) => {
    refuseForeign(request);
    if (!session.open(request, reply, request.body?.token ?? ''))
      return asHtml(reply, 401, spentPage(announce !== undefined));
    return reply.redirect('/', 303);
  });
  app.post('/sign-out', async (request, reply) => {
    refuseForeign(request);
    session.close(request, reply);
    return reply.redirect('/', 303);
  });
  if (!announce) return;
  app.post('/sign-in-links', async (request, reply) => {
    refuseForeign(request);
    if (clock.monotonic() >= quietUntil) {
      quietUntil = clock.monotonic() + BETWEEN_LINKS;
      announce(linkTo(own.url, signIn.issue()));
    }
    return asHtml(reply, 200, announcedPage());
  });
}

/** Forms of other sites get no answer here (SameSite keeps the cookie from them; this keeps the rest). */
function refuseForeign({ headers }: FastifyRequest): void {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none')
    throw new HubError('UNAUTHENTICATED', 'this form was sent by another site');
}

function addStatus(
  app: FastifyInstance,
  { hub, clock, log, announce }: ServerOptions,
  session: Sessions,
  reader: LedgerReader,
): void {
  app.get<{ Querystring: { hold?: string } }>('/', async (request, reply) => {
    if (!session.holds(request)) {
      if (!/\btext\/html\b/.test(request.headers.accept ?? ''))
        throw new HubError('UNAUTHENTICATED', 'the status page needs a sign-in', {
          hint: 'open the sign-in link that the hub printed',
        });
      return reply
        .code(401)
        .type('text/html; charset=utf-8')
        .send(signedOutPage(announce !== undefined));
    }
    let reading: Reading | null = reader.last;
    let away = hub.away === null ? null : 'The hub tries again by itself.';
    try {
      reading = await reader.read();
    } catch (error) {
      log.warn('status page without the ledger', { error: (error as Error).message });
      away = 'It gave no answer just now.';
    }
    const { estate, vault } = hub.parts;
    const held = request.query.hold !== undefined;
    const text = statusPage({ estate: estate.name, vault, reading, away, now: clock.now(), held });
    return reply.type('text/html; charset=utf-8').send(text);
  });
}
