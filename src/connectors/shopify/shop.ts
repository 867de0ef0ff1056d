import type { Duration } from '../../core/clock.ts';
import type { Context } from '../../core/connector.ts';
import type { Secret } from '../../core/estate.ts';
import { FaultError } from '../../core/fault.ts';
import type { Budget } from './budget.ts';
import { type Document, inCurrency } from './documents/document.ts';
import { type Answer, ShopifyTransport } from './transport.ts';

/** A Shopify connection as its ports see it, every default filled in. */
export interface Settings {
  readonly url: string;
  /** Domain that Shopify names the shop by, such as `example.myshopify.com`. */
  readonly domain: string;
  readonly version: string;
  readonly token: Secret;
  readonly clientSecrets: readonly Secret[];
  readonly timeout: Duration;
  readonly settle: Duration;
  readonly every: Duration;
  /** Shortest time between two looks at customers or products, whose notices come in swarms: each order changes both. */
  readonly rest: Duration;
  readonly from: string | undefined;
  readonly money: 'shop' | 'presentment';
  /** Records from which on the first read goes by a bulk operation. */
  readonly bulkFrom: number;
  /** Where the hub is reached from outside, without a slash at its end; undefined where no webhooks are wanted. */
  readonly hub: string | undefined;
  /** Whether Shopify mails the customer when something is shipped. */
  readonly notifyCustomers: boolean;
  /** Price list of the hub → Shopify's id of the price list that its prices go to; those of other lists are the shop's own. */
  readonly priceLists: ReadonlyMap<string, string>;
  /** First part of the names of Mapping tables: `shopify` for `shopify-taxes`. */
  readonly tables: string;
}

/** One shop: its settings and the way to it. */
export class Shop {
  readonly settings: Settings;
  readonly #transport: ShopifyTransport;

  constructor(settings: Settings, budget?: Budget) {
    this.settings = settings;
    this.#transport = new ShopifyTransport(settings, budget);
  }

  /** The same shop by another version of its API, out of the same budget. */
  onVersion(version: string): Shop {
    return new Shop({ ...this.settings, version }, this.budget);
  }

  get budget(): Budget {
    return this.#transport.budget;
  }

  /** Sends a document, with amounts in the currency that is kept. */
  call<T>(document: Document, variables: object, cx: Context, weight = ''): Promise<T> {
    return this.#transport.call<T>(inCurrency(document, this.settings.money), variables, cx, weight);
  }

  answer<T>(document: Document, variables: object, cx: Context): Promise<Answer<T>> {
    return this.#transport.answer<T>(inCurrency(document, this.settings.money), variables, cx);
  }

  /** Shopify's id of a location of the hub's, from Mapping table `{tables}-locations`. */
  locationOf(code: string, cx: Context): string {
    const id = cx.mapping(`${this.settings.tables}-locations`).get(code);
    if (!/^gid:\/\/shopify\/Location\/\d+$/.test(id))
      throw new FaultError({
        kind: 'rejected',
        message: `Mapping table '${this.settings.tables}-locations' gives '${id.slice(0, 60)}' for '${code}', which is no location of Shopify's (gid://shopify/Location/…).`,
        cause: 'unmapped',
        field: 'location',
      });
    return id;
  }
}
