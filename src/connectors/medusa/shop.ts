import { textWithin } from '../../core/bounded.ts';
import { type Duration, milliseconds } from '../../core/clock.ts';
import type { Context } from '../../core/connector.ts';
import type { Secret } from '../../core/estate.ts';
import { FaultError, rejected } from '../../core/fault.ts';
import { patiently } from '../../core/patience.ts';
import { retryAfterOf } from '../../core/silence.ts';
import { faultOfAnswer, faultOfSilence, type Told } from './errors.ts';

/** A Medusa connection as its ports see it, every default filled in. */
export interface Settings {
  /** Origin of the Medusa server, without a slash at its end. */
  readonly url: string;
  /** Secret API key of a user of Medusa. */
  readonly key: Secret;
  /** What notices of Medusa are signed with; two while one replaces the other, none where it sends no notices. */
  readonly signedWith: readonly Secret[];
  readonly timeout: Duration;
  readonly settle: Duration;
  readonly every: Duration;
  readonly overlap: Duration;
  readonly sweep: Duration;
  readonly paymentsWithin: Duration;
  readonly from: string | undefined;
  /** First part of the names of Mapping tables: `medusa` for `medusa-taxes`. */
  readonly tables: string;
  /** Whether Medusa tells the customer when something is shipped or came back. */
  readonly notifyCustomers: boolean;
}

/** One request: what it is called in words, and whether it may change something. */
export interface Ask {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly what: string;
  readonly body?: object;
}

/**
 * One Medusa by its Admin API. Every failure is a FaultError, classified in errors.ts.
 *
 * @see https://docs.medusajs.com/api/admin
 */
export class Shop {
  readonly settings: Settings;

  constructor(settings: Settings) {
    this.settings = settings;
  }

  /** Reads; repeated a few times where it fails in passing. `query` in the order given. */
  async read<T>(path: string, query: Readonly<Record<string, string | readonly string[]>>, cx: Context): Promise<T> {
    const parameters = new URLSearchParams();
    for (const [name, value] of Object.entries(query))
      for (const one of typeof value === 'string' ? [value] : value) parameters.append(name, one);
    const ask: Ask = { method: 'GET', path: `${path}?${parameters}`, what: `reading ${path.split('/')[2]}` };
    return patiently(cx, ['transient'], () => this.#once<T>(ask, cx));
  }

  /** Reads one record; null where Medusa has none of that id. */
  async readOne<T>(path: string, fields: string, cx: Context): Promise<T | null> {
    try {
      return await this.read<T>(path, { fields }, cx);
    } catch (error) {
      if (error instanceof FaultError && 'cause' in error.fault && error.fault.cause === 'not-found') return null;
      throw error;
    }
  }

  /** Changes something: made once, for what got no answer may have landed. */
  write<T>(what: string, path: string, body: object, cx: Context): Promise<T> {
    return this.#once<T>({ method: 'POST', path, what, body }, cx);
  }

  remove(what: string, path: string, cx: Context): Promise<unknown> {
    return this.#once<unknown>({ method: 'DELETE', path, what }, cx);
  }

  /** Medusa's id of a location of the hub's, from Mapping table `{tables}-locations`. */
  locationOf(code: string, cx: Context): string {
    const table = `${this.settings.tables}-locations`;
    const id = cx.mapping(table).get(code);
    if (/^sloc_\w+$/.test(id)) return id;
    throw rejected(
      `Mapping table '${table}' gives '${id.slice(0, 60)}' for '${code}', which is no stock location of Medusa's (sloc_…).`,
      'unmapped',
      'location',
    );
  }

  async #once<T>(ask: Ask, cx: Context): Promise<T> {
    const { url, timeout } = this.settings;
    let response: Response;
    let text: string;
    try {
      response = await cx.fetch(`${url}${ask.path}`, {
        method: ask.method,
        headers: {
          authorization: `Basic ${Buffer.from(`${this.#key(cx)}:`).toString('base64')}`,
          'user-agent': 'crossdock',
          ...(ask.body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(ask.body === undefined ? {} : { body: JSON.stringify(ask.body) }),
        redirect: 'manual',
        timeout,
      });
      text = await textWithin(response);
    } catch (thrown) {
      throw faultOfSilence(ask, thrown);
    }
    const told = parsed(text);
    const retry = retryAfterOf(response.headers.get('retry-after'), cx.clock.now());
    if (response.status !== 200 || told === null) throw faultOfAnswer(ask, response.status, told, retry);
    return told as T;
  }

  #key(cx: Context): string {
    const name = this.settings.key.secret;
    try {
      return cx.secret(name);
    } catch (cause) {
      throw new FaultError({ kind: 'refused', message: `the secret ${name} is missing` }, { cause });
    }
  }
}

/**
 * A list of a product or variant, which Medusa leaves out of its answer while that is being made or changed: it is not empty then, it is not told. `what`: `the prices of MUG`.
 * Throws `transient`.
 */
export function listed<T>(list: readonly T[] | null | undefined, what: string): readonly T[] {
  if (list) return list;
  const message = `Medusa does not say ${what}, as of a product that is being made or changed; it is asked again`;
  throw new FaultError({ kind: 'transient', message });
}

function parsed(text: string): Told | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Told) : null;
  } catch {
    return null;
  }
}

/** `at` less some time, as Medusa writes instants. */
export const before = (at: string, time: Duration): string =>
  new Date(Date.parse(at) - milliseconds(time)).toISOString();
