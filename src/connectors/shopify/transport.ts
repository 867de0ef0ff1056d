import { textWithin } from '../../core/bounded.ts';
import type { Duration } from '../../core/clock.ts';
import type { Context } from '../../core/connector.ts';
import type { Secret } from '../../core/estate.ts';
import { FaultError } from '../../core/fault.ts';
import { patiently } from '../../core/patience.ts';
import { retryAfterOf } from '../../core/silence.ts';
import { Budget, type ThrottleStatus } from './budget.ts';
import type { Document } from './documents/document.ts';
import { faultOfErrors, faultOfSilence, faultOfStatus, type GraphqlError } from './errors.ts';

export interface Address {
  /** Origin of the shop, such as `https://example.myshopify.com`. */
  readonly url: string;
  readonly version: string;
  readonly token: Secret;
  readonly timeout: Duration;
}

interface Told {
  readonly data?: unknown;
  readonly errors?: readonly GraphqlError[];
  readonly extensions?: {
    readonly cost?: { readonly requestedQueryCost?: number; readonly throttleStatus?: ThrottleStatus };
  };
}

/** An answer, and when Shopify gave it by its own clock (ours where it does not say). */
export interface Answer<T> {
  readonly data: T;
  readonly at: Date;
  /** The API version that answered: another one than was asked for once that is no longer served. */
  readonly version: string | null;
}

/**
 * The Admin API of one shop over HTTP: one POST a document. Every failure is a FaultError, classified in errors.ts; calls are held back while the
 * budget is short.
 */
export class ShopifyTransport {
  readonly #address: Address;
  readonly budget: Budget;

  constructor(address: Address, budget = new Budget()) {
    this.#address = address;
    this.budget = budget;
  }

  /** Sends a document and gives its `data`. `weight` makes calls of one document that differ much in cost count apart. */
  async call<T>(document: Document, variables: object, cx: Context, weight = ''): Promise<T> {
    return (await this.answer<T>(document, variables, cx, weight)).data;
  }

  /**
   * As `call`, with the moment of the answer. What only reads is repeated a few times where that helps.
   */
  async answer<T>(document: Document, variables: object, cx: Context, weight = ''): Promise<Answer<T>> {
    const passing = document.writes ? [] : (['transient', 'throttled'] as const);
    return patiently(cx, passing, () => this.#once<T>(document, variables, cx, weight));
  }

  async #once<T>(document: Document, variables: object, cx: Context, weight: string): Promise<Answer<T>> {
    const name = `${document.name}${weight}`;
    const held = await this.budget.take(name, cx.clock, cx.signal);
    if (held > 0)
      throw new FaultError({
        kind: 'throttled',
        message: `the budget of the shop is spent; ${document.name} was not sent`,
        retryAfter: held,
        alone: true,
      });
    const { told, ...answer } = await this.#send(document, variables, cx);
    const cost = told.extensions?.cost;
    this.budget.heard(name, cost?.requestedQueryCost, cost?.throttleStatus, cx.clock);
    if (told.errors && told.errors.length > 0)
      throw faultOfErrors(
        document,
        told.errors,
        Math.max(250, this.budget.wait(cost?.requestedQueryCost ?? 0, cx.clock)),
      );
    if (!isObject(told.data)) throw faultOfStatus(document, 500, null);
    return { data: told.data as T, ...answer };
  }

  async #send(
    document: Document,
    variables: object,
    cx: Context,
  ): Promise<{ told: Told; at: Date; version: string | null }> {
    const { url, version, timeout } = this.#address;
    let response: Response;
    let text: string;
    try {
      response = await cx.fetch(`${url}/admin/api/${version}/graphql.json`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'x-shopify-access-token': this.#token(cx),
          'user-agent': 'crossdock',
        },
        body: JSON.stringify({ query: document.text, operationName: document.name, variables }),
        timeout,
        reads: !document.writes,
      });
      text = await textWithin(response);
    } catch (thrown) {
      throw faultOfSilence(document, thrown);
    }
    const retry = retryAfterOf(response.headers.get('retry-after'), cx.clock.now());
    const told = parsed(text);
    if (response.status !== 200 && !(isObject(told) && Array.isArray(told.errors) && hasCode(told.errors)))
      throw faultOfStatus(document, response.status, retry);
    if (!isObject(told)) throw faultOfStatus(document, 500, null);
    const date = Date.parse(response.headers.get('date') ?? '');
    return {
      told: told as Told,
      at: Number.isNaN(date) ? cx.clock.now() : new Date(date),
      version: response.headers.get('x-shopify-api-version'),
    };
  }

  #token(cx: Context): string {
    const name = this.#address.token.secret;
    try {
      return cx.secret(name);
    } catch (cause) {
      throw new FaultError({ kind: 'refused', message: `the secret ${name} is missing` }, { cause });
    }
  }
}

/** REST-like refusals (`{"errors": "[API] Invalid API key"}`) carry none. */
const hasCode = (errors: readonly unknown[]): boolean =>
  errors.some((error) => isObject(error) && isObject(error.extensions) && typeof error.extensions.code === 'string');

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
