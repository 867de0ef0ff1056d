import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Call } from './call.ts';
import type { Database } from './database.ts';
import { Env, transaction } from './env.ts';
import {
  accessDenied,
  accessError,
  badRequest,
  keyError,
  missingError,
  notFound,
  OdooError,
  typeError,
  unauthorized,
} from './errors.ts';
import { methodNames, methodOf } from './methods.ts';
import { fieldsGet } from './read.ts';
import type { Engine, Outcome } from './server.ts';
import { isVals, type Json } from './types.ts';

const page = (status: number, title: string, text = '') =>
  `<!doctype html>\n<html lang=en>\n<title>${status} ${title}</title>\n<h1>${title}</h1>\n<p>${text}</p>\n`;

function send(
  response: ServerResponse,
  status: number,
  type: string,
  body: string,
  headers: Record<string, string> = {},
): void {
  if (response.destroyed) return;
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body), ...headers });
  response.end(body);
}

const sendJson = (response: ServerResponse, status: number, value: Json): void =>
  send(response, status, 'application/json; charset=utf-8', JSON.stringify(value ?? null));

const errorBody = (error: OdooError): { [key: string]: Json } => ({
  name: error.name,
  message: error.message,
  arguments: [error.message, ...error.extra],
  context: error.context,
  debug: `Traceback (most recent call last):\n${error.name}: ${error.message}`,
});

const versionInfo = (db: Database): Json => ({
  server_version: db.version >= 19 ? '19.0' : '18.0-20250506',
  server_version_info: [db.version, 0, 0, 'final', 0, ''],
  server_serie: `${db.version}.0`,
  protocol_version: 1,
});

/** The user an API key belongs to; undefined for bad, expired and wrong-scope keys. */
function userOfKey(db: Database, key: string): number | undefined {
  const table = db.table('res.users.apikeys');
  for (const id of table.lookup('key', key)) {
    const row = table.rows.get(id)!;
    const expired = typeof row.expiration_date === 'string' && row.expiration_date < db.now();
    if (!expired && (row.scope === false || row.scope === 'rpc')) return Number(row.user_id);
  }
  return undefined;
}

const isJson = (request: IncomingMessage) => (request.headers['content-type'] ?? '').startsWith('application/json');

/** Speaks Odoo's protocols over HTTP. */
export class Rpc {
  private readonly engine: Engine;
  private readonly db: Database;

  constructor(engine: Engine) {
    this.engine = engine;
    this.db = engine.db;
  }

  async handle(request: IncomingMessage, response: ServerResponse, body: Buffer): Promise<void> {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    if (pathname === '/web/health') return sendJson(response, 200, { status: 'pass' });
    if (pathname === '/web/version' && this.db.version >= 19)
      return sendJson(response, 200, {
        version_info: [this.db.version, 0, 0, 'final', 0, ''],
        version: `${this.db.version}.0`,
      });
    if (pathname === '/web/webclient/version_info') return this.versionInfo(response, body);
    if (pathname === '/jsonrpc') return this.jsonrpc(request, response, body);
    if (pathname.startsWith('/json/2/')) return this.json2(request, response, pathname.slice(8), body);
    if (pathname.startsWith('/doc-bearer/') && this.db.version >= 19)
      return this.documentation(request, response, pathname.slice(12));
    send(response, 404, 'text/html; charset=utf-8', page(404, 'Not Found'));
  }

  private versionInfo(response: ServerResponse, body: Buffer): void {
    const given = parse(body);
    sendJson(response, 200, {
      jsonrpc: '2.0',
      id: (isVals(given) ? given.id : null) ?? null,
      result: versionInfo(this.db),
    });
  }

  private async jsonrpc(request: IncomingMessage, response: ServerResponse, body: Buffer): Promise<void> {
    const inferred = this.db.version >= 19 ? 415 : 400;
    if (request.method !== 'POST' || !isJson(request))
      return send(
        response,
        inferred,
        'text/html; charset=utf-8',
        page(inferred, inferred === 415 ? 'Unsupported Media Type' : 'Bad Request'),
      );
    const given = parse(body);
    if (!isVals(given)) return send(response, 400, 'text/html; charset=utf-8', 'Invalid JSON data');
    const answer = (outcome: Outcome): void => this.answerRpc(response, given.id ?? null, outcome);
    try {
      const call = this.service(given.params);
      if ('result' in call) return answer(call);
      await this.engine.handle(call, { request, response, answer, named: false });
    } catch (error) {
      if (!(error instanceof OdooError)) throw error;
      answer({ error });
    }
  }

  /** A result of nothing leaves `result` out. */
  private answerRpc(response: ServerResponse, id: Json, outcome: Outcome): void {
    sendJson(response, 200, { jsonrpc: '2.0', id, ...this.body(outcome) });
  }

  private body(outcome: Outcome): { [key: string]: Json } {
    if ('result' in outcome) return (outcome.result ?? null) === null ? {} : { result: outcome.result };
    const code = this.db.version >= 19 ? 0 : 200;
    return { error: { code, message: 'Odoo Server Error', data: errorBody(outcome.error) } };
  }

  private service(params: Json): Call | { result: Json } {
    const owner = this.db.version >= 19 ? 'JSONRPC' : 'RPC';
    if (!isVals(params) || params.service === undefined)
      throw typeError(`${owner}.jsonrpc() missing 3 required positional arguments: 'service', 'method', and 'args'`);
    const args = (params.args ?? []) as Json[];
    if (params.service === 'common') return { result: this.common(String(params.method), args) };
    if (params.service === 'db') return { result: params.method === 'list' ? [this.db.name] : null };
    if (params.service !== 'object') throw keyError(String(params.service));
    return this.object(String(params.method), args);
  }

  private common(method: string, args: readonly Json[]): Json {
    if (method === 'version') return versionInfo(this.db);
    const wanted =
      method === 'authenticate' ? ['db', 'login', 'password', 'user_agent_env'] : ['db', 'login', 'password'];
    const missing = wanted.slice(args.length);
    if (missing.length)
      throw typeError(
        `exp_${method}() missing ${missing.length} required positional argument${missing.length > 1 ? 's' : ''}: ${missing.map((name) => `'${name}'`).join(', ')}`,
      );
    this.checkDatabase(args[0]);
    const user = userOfKey(this.db, String(args[2]));
    return user !== undefined && this.db.table('res.users').rows.get(user)?.login === args[1] ? user : false;
  }

  private checkDatabase(name: Json): void {
    if (name === this.db.name) return;
    const message = `connection to server at "localhost", port 5432 failed: FATAL:  database "${String(name)}" does not exist\n`;
    throw new OdooError('psycopg2.OperationalError', 500, message);
  }

  private object(method: string, args: readonly Json[]): Call {
    const [name, uid, key, model, called, ...rest] = args;
    this.checkDatabase(name);
    if (!this.db.table('res.users').rows.has(Number(uid))) throw missingError('res.users', Number(uid), Number(uid));
    if (userOfKey(this.db, String(key)) !== uid) throw accessDenied();
    const [positional, keywords] =
      method === 'execute' ? [rest, {}] : [(rest[0] ?? []) as Json[], (rest[1] ?? {}) as { [key: string]: Json }];
    return { uid: Number(uid), model: String(model), method: String(called), args: { positional, keywords } };
  }

  private async json2(request: IncomingMessage, response: ServerResponse, path: string, body: Buffer): Promise<void> {
    if (this.db.version < 19)
      return send(response, 303, 'text/html; charset=utf-8', page(303, 'See Other'), {
        location: `/web/login?redirect=${encodeURIComponent(`/json/2/${path}?`)}`,
      });
    const answer = (outcome: Outcome): void => {
      if ('result' in outcome) sendJson(response, 200, outcome.result);
      else sendJson(response, outcome.error.status, errorBody(outcome.error));
    };
    const [model = '', method = '', ...more] = path.split('/').map(decodeURIComponent);
    try {
      const database = request.headers['x-odoo-database'];
      if (database !== undefined && database !== this.db.name)
        return send(response, 404, 'text/html; charset=utf-8', page(404, 'Not Found', 'No database is selected'));
      if (request.method !== 'POST' || !method || more.length)
        throw notFound('Did you mean POST /json/2/<model>/<method>?');
      if (!isJson(request)) return send(response, 415, 'text/html; charset=utf-8', page(415, 'Unsupported Media Type'));
      const uid = this.bearer(request);
      const given = readBody(body);
      const named = isVals(given) ? given : {};
      await this.engine.handle({ uid, model, method, args: { named } }, { request, response, answer, named: true });
    } catch (error) {
      if (!(error instanceof OdooError)) throw error;
      answer({ error });
    }
  }

  private bearer(request: IncomingMessage): number {
    const [scheme = '', key = ''] = (request.headers.authorization ?? '').split(' ');
    if (scheme.toLowerCase() !== 'bearer')
      throw unauthorized('User not authenticated, use an API Key with a Bearer Authorization header.');
    const user = userOfKey(this.db, key);
    if (user === undefined) throw unauthorized('Invalid apikey');
    return user;
  }

  /** `/doc-bearer/<model>.json`: fields, methods and parameter names, for those who may read the documentation. */
  private documentation(request: IncomingMessage, response: ServerResponse, file: string): void {
    try {
      const env = new Env(this.db, this.bearer(request), {}, transaction(this.db.now()));
      if (!env.groups.has('api_doc.group_allow_doc'))
        throw accessError('This page is only accessible to Technical Documentation users.');
      sendJson(
        response,
        200,
        file === 'index.json' ? modelIndex(this.db) : modelPage(env, file.replace(/\.json$/, '')),
      );
    } catch (error) {
      if (!(error instanceof OdooError)) throw error;
      sendJson(response, error.status, errorBody(error));
    }
  }
}

const modelIndex = (db: Database): Json => ({
  models: [...db.models.values()].map(({ name, label }) => ({ model: name, name: label })),
});

function modelPage(env: Env, name: string): Json {
  const model = env.db.models.get(name);
  if (!model) throw notFound(`the model '${name}' does not exist`);
  const methods = methodNames(env, model).map((method) => {
    const { kind, params } = methodOf(env, model, method)!;
    const parameters = params.map((param) => [bare(param), { name: bare(param), optional: param.endsWith('?') }]);
    return [
      method,
      { model: name, api: kind === 'model' ? ['model'] : [], parameters: Object.fromEntries(parameters) },
    ];
  });
  return {
    model: name,
    name: model.label,
    doc: null,
    fields: fieldsGet(env, model, undefined, undefined),
    methods: Object.fromEntries(methods),
  };
}

const bare = (param: string) => param.replace('?', '');

function parse(body: Buffer): Json {
  try {
    return JSON.parse(body.toString('utf8')) as Json;
  } catch {
    return undefined;
  }
}

/** JSON-2 bodies must be JSON; the message is the one of Python's parser. */
function readBody(body: Buffer): Json {
  const text = body.toString('utf8');
  if (text === '') return {};
  const value = parse(body);
  if (value !== undefined) return value;
  const at = text.length;
  throw badRequest(`could not parse the body as json: Expecting value: line 1 column ${at + 1} (char ${at})`);
}
