import type { Duration } from '../../core/clock.ts';
import type { Context } from '../../core/connector.ts';
import type { Secret } from '../../core/estate.ts';
import { FaultError } from '../../core/fault.ts';
import { patiently } from '../../core/patience.ts';
import { type Asked, faultOfException, faultOfSilence, faultOfStatus, OdooFault, retryAfter } from './errors.ts';
import { type Dialect, dialectOf, methodOf, positions, supported } from './versions.ts';

export interface Address {
  /** Without a slash at its end. */
  readonly url: string;
  readonly database: string;
  readonly login: string;
  readonly key: Secret;
  readonly timeout: Duration;
}

export interface Call {
  /** Records the method works on. */
  readonly ids?: readonly number[];
  /** Arguments by name, in any order; `versions.ts` knows their positions. */
  readonly args?: readonly (readonly [name: string, value: unknown])[];
  readonly context?: Readonly<Record<string, unknown>>;
}

/** Who speaks: from the first conversation, kept by the caller. */
export interface Introduction {
  readonly dialect: Dialect;
  /** Version as the server writes it, such as "19.0". */
  readonly version: string;
  readonly uid: number;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly retry: number | null;
}

/**
 * One Odoo database over HTTP: JSON-2 on 19, JSON-RPC before (XML-RPC never: its faults may hide a commit).
 * Every failure is a FaultError, classified in errors.ts; a call to a method that writes is `unknown` unless it is certain that nothing landed. Calls that only read are
 * repeated a few times where that helps, others where Odoo asked to wait.
 */
export class OdooTransport {
  readonly #address: Address;

  constructor(address: Address) {
    this.#address = address;
  }

  /** Finds out version and user. Throws `refused` for a bad key, an unknown database or a version we do not speak. */
  async introduce(cx: Context): Promise<Introduction> {
    const { version, dialect } = await this.version(cx);
    if (!dialect)
      throw new OdooFault({ kind: 'refused', message: `this is Odoo ${version}; supported are ${supported}` });
    return { dialect, version, uid: await this.#uid(dialect, cx) };
  }

  /** `/web/version` (19 and later) or `common.version`; neither needs a key. */
  async version(cx: Context): Promise<{ version: string; dialect: Dialect | null }> {
    const asked = { what: 'version', writes: false };
    const answer = await this.#send('/web/version', { method: 'GET' }, asked, cx);
    if (answer.status === 200 && isObject(answer.body) && Array.isArray(answer.body.version_info))
      return { version: String(answer.body.version), dialect: dialectOf(answer.body.version_info) };
    if (answer.status !== 200 && answer.status !== 404) throw faultOfStatus(asked, answer.status, answer.retry);
    const told = await this.#jsonRpc('common', 'version', [], asked, cx);
    if (!isObject(told) || !Array.isArray(told.server_version_info))
      throw new OdooFault({ kind: 'refused', message: 'there is no Odoo at this address' });
    return { version: String(told.server_version), dialect: dialectOf(told.server_version_info) };
  }

  /** Calls a public method and gives its result; null where it has none. A wizard's dictionary is a result like any other: look before you trust. */
  async call(who: Introduction, model: string, method: string, call: Call, cx: Context): Promise<unknown> {
    const { records, writes } = methodOf(method);
    const asked = { what: `${model}.${method}`, writes };
    const args = call.args ?? [];
    const ids = records ? [...(call.ids ?? [])] : undefined;
    const context = call.context ?? {};
    cx.log.debug('odoo call', { model, method, ids: ids?.length, protocol: who.dialect.protocol });
    const once =
      who.dialect.protocol === 'json-2'
        ? () => this.#json2(`/json/2/${model}/${method}`, { ...Object.fromEntries(args), ids, context }, asked, cx)
        : () => {
            const values = [...(ids ? [ids] : []), ...positions(method, args)];
            const named = [this.#address.database, who.uid, this.#key(cx), model, method, values, { context }];
            return this.#jsonRpc('object', 'execute_kw', named, asked, cx);
          };
    return patiently(cx, writes ? ['throttled'] : ['transient', 'throttled'], once);
  }

  async #uid(dialect: Dialect, cx: Context): Promise<number> {
    const asked = { what: 'sign-in', writes: false };
    if (dialect.protocol === 'json-2') {
      const context = await this.#json2('/json/2/res.users/context_get', {}, asked, cx);
      if (isObject(context) && typeof context.uid === 'number') return context.uid;
    } else {
      const { database, login } = this.#address;
      const uid = await this.#jsonRpc('common', 'authenticate', [database, login, this.#key(cx), {}], asked, cx);
      if (typeof uid === 'number') return uid;
    }
    throw new OdooFault({
      kind: 'refused',
      message: 'Odoo does not accept login and key (wrong, revoked, expired or of another scope)',
    });
  }

  #key(cx: Context): string {
    try {
      return cx.secret(this.#address.key.secret);
    } catch (cause) {
      throw new OdooFault({ kind: 'refused', message: `the secret ${this.#address.key.secret} is missing` }, null, {
        cause,
      });
    }
  }

  async #json2(path: string, body: unknown, asked: Asked, cx: Context): Promise<unknown> {
    const headers = { authorization: `bearer ${this.#key(cx)}`, 'x-odoo-database': this.#address.database };
    const answer = await this.#send(path, { method: 'POST', headers, body: JSON.stringify(body) }, asked, cx);
    if (answer.status === 200) {
      if (answer.body === undefined) throw faultOfStatus(asked, 500, null);
      return answer.body;
    }
    if (isObject(answer.body) && typeof answer.body.name === 'string')
      throw faultOfException(asked, answer.body.name, answer.body.message);
    throw faultOfStatus(asked, answer.status, answer.retry);
  }

  async #jsonRpc(service: string, method: string, args: unknown[], asked: Asked, cx: Context): Promise<unknown> {
    const body = JSON.stringify({ jsonrpc: '2.0', method: 'call', id: 1, params: { service, method, args } });
    const answer = await this.#send('/jsonrpc', { method: 'POST', body }, asked, cx);
    if (answer.status !== 200) throw faultOfStatus(asked, answer.status, answer.retry);
    if (!isObject(answer.body)) throw faultOfStatus(asked, 500, null);
    const { error } = answer.body;
    if (error === undefined) return answer.body.result ?? null;
    const data = isObject(error) ? error.data : undefined;
    if (isObject(data) && typeof data.name === 'string') throw faultOfException(asked, data.name, data.message);
    throw faultOfStatus(asked, 500, null);
  }

  async #send(path: string, init: RequestInit, asked: Asked, cx: Context): Promise<Answer> {
    const { url, timeout } = this.#address;
    const headers = { ...init.headers, 'content-type': 'application/json', 'x-crossdock-node': cx.node };
    try {
      const response = await cx.fetch(`${url}${path}`, {
        ...init,
        headers,
        redirect: 'manual',
        timeout,
        reads: !asked.writes,
      });
      const text = await response.text();
      const retry = retryAfter(response.headers.get('retry-after'), cx.clock.now());
      return { status: response.status, body: parsed(text), retry };
    } catch (thrown) {
      const fault = faultOfSilence(asked, thrown);
      if (!(thrown instanceof FaultError))
        cx.log.warn('odoo gave no answer', { what: asked.what, kind: fault.fault.kind });
      throw fault;
    }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
