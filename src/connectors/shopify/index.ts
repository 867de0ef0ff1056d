import { type Duration, milliseconds } from '../../core/clock.ts';
import type { Connection, PollSource, Sink, WebhookSource } from '../../core/connector.ts';
import { HubError } from '../../core/errors.ts';
import type { Secret } from '../../core/estate.ts';
import type { CancellationDocument } from '../../model/cancellation.ts';
import type { CatalogueItemDocument } from '../../model/catalogue-item.ts';
import type { CustomerDocument } from '../../model/customer.ts';
import type { DeliveryPromiseDocument } from '../../model/delivery-promise.ts';
import type { PriceDocument } from '../../model/price.ts';
import type { RefundDocument } from '../../model/refund.ts';
import type { ReturnDocument } from '../../model/return.ts';
import type { ShipmentDocument } from '../../model/shipment.ts';
import type { StockLevelDocument } from '../../model/stock-level.ts';
import { check } from './check.ts';
import { type ApiVersion, versions } from './documents/document.ts';
import {
  readCustomer,
  readOrder,
  readProduct,
  type ShopifyCustomer,
  type ShopifyOrder,
  type ShopifyProduct,
} from './native.ts';
import { type Settings, Shop } from './shop.ts';
import { cancellations } from './sinks/cancellations.ts';
import { catalogue } from './sinks/catalogue.ts';
import { customerUpdates } from './sinks/customer-updates.ts';
import { prices } from './sinks/prices.ts';
import { promises } from './sinks/promises.ts';
import { refunds } from './sinks/refunds.ts';
import { returns } from './sinks/returns.ts';
import { shipments } from './sinks/shipments.ts';
import { stockLevels } from './sinks/stock-levels.ts';
import { customerSource } from './sources/customers.ts';
import { orderSource } from './sources/orders.ts';
import { productSource } from './sources/products.ts';
import { Subscriptions } from './sources/subscriptions.ts';
import { notices } from './sources/webhooks.ts';

export type { ShopifyCustomer, ShopifyOrder, ShopifyProduct } from './native.ts';

export interface ShopifyConfig {
  /** Company, brand or country whose shop it is. Default 'main'. */
  readonly entity?: string;
  /** The shop's own domain, such as `example.myshopify.com`. */
  readonly shop: string;
  /** Access token of the app for the Admin API. */
  readonly token: Secret;
  /** The app's client secrets, which webhooks are signed with: the one in force, and another one while they are changed. */
  readonly clientSecrets: readonly [Secret, ...Secret[]];
  /** Address of the hub as Shopify reaches it, such as `https://hub.example.com`. Without it there are no webhooks, and changes are found by polling. */
  readonly hub?: string;
  /** Admin API version. Default 2026-07. */
  readonly version?: ApiVersion;
  /** How often changes are looked for without being told. Default 1m. */
  readonly every?: Duration;
  /** RFC 3339: orders and customers that last changed before are not read. Default: all that the token may see. */
  readonly from?: string;
  /** From how many orders, products or customers on they are read by a bulk operation for the first time. Default 1000; Infinity for never. */
  readonly bulkFrom?: number;
  /** Which amounts are kept: in the shop's currency, or in the customer's. Default 'shop'. Never change it once orders have crossed. */
  readonly money?: 'shop' | 'presentment';
  /**
   * Price lists of the hub whose prices belong to a market: `{ 'web-usd': 'gid://shopify/PriceList/1' }`. Prices of lists that are not here are the shop's
   * own. Default: none is.
   */
  readonly priceLists?: Readonly<Record<string, string>>;
  /** First part of the names of Mapping tables. Default 'shopify': `shopify-taxes`, `shopify-locations`, … */
  readonly tables?: string;
  /** Whether Shopify mails the customer when something is shipped, refunded or cancelled. Default false. */
  readonly notifyCustomers?: boolean;
  /** Longest wait for one answer. Default 30s. */
  readonly timeout?: Duration;
  /** How long Shopify may still commit after we stopped waiting. Default 60s. */
  readonly settle?: Duration;
  /** Another address than `https://{shop}`: for a proxy, or the simulated shop. */
  readonly url?: string;
}

export interface ShopifyConnection extends Connection {
  readonly sources: {
    readonly orders: PollSource<ShopifyOrder>;
    readonly products: PollSource<ShopifyProduct>;
    readonly customers: PollSource<ShopifyCustomer>;
    readonly orderNotices: WebhookSource<unknown>;
    readonly productNotices: WebhookSource<unknown>;
    readonly customerNotices: WebhookSource<unknown>;
  };
  readonly sinks: {
    readonly stockLevels: Sink<typeof StockLevelDocument>;
    readonly prices: Sink<typeof PriceDocument>;
    readonly catalogue: Sink<typeof CatalogueItemDocument>;
    readonly shipments: Sink<typeof ShipmentDocument>;
    readonly refunds: Sink<typeof RefundDocument>;
    readonly returns: Sink<typeof ReturnDocument>;
    readonly cancellations: Sink<typeof CancellationDocument>;
    readonly promises: Sink<typeof DeliveryPromiseDocument>;
    readonly customers: Sink<typeof CustomerDocument>;
  };
}

const REST: Duration = '5s';

/**
 * One Shopify shop by the Admin GraphQL API, versions 2026-07 and 2026-10. Throws HubError CONFIG_INVALID for a setting that cannot be.
 *
 * @see https://shopify.dev/docs/api/admin-graphql
 */
export function shopify(config: ShopifyConfig): ShopifyConnection {
  const shop = new Shop(settingsOf(config));
  const orders = new Subscriptions(shop, 'orders');
  const products = new Subscriptions(shop, 'products');
  const customers = new Subscriptions(shop, 'customers');
  return {
    connector: 'shopify',
    entity: config.entity ?? 'main',
    sources: {
      orders: orderSource(shop, orders),
      products: productSource(shop, products),
      customers: customerSource(shop, customers),
      orderNotices: notices(shop.settings, 'orders', 'orders', readOrder),
      productNotices: notices(shop.settings, 'products', 'products', readProduct),
      customerNotices: notices(shop.settings, 'customers', 'customers', readCustomer),
    },
    sinks: {
      stockLevels: stockLevels(shop),
      prices: prices(shop),
      catalogue: catalogue(shop),
      shipments: shipments(shop),
      refunds: refunds(shop),
      returns: returns(shop),
      cancellations: cancellations(shop),
      promises: promises(shop),
      customers: customerUpdates(shop),
    },
    check: (cx) => check(shop, [orders, products, customers], cx),
  };
}

function settingsOf(config: ShopifyConfig): Settings {
  const wrong = (what: string, hint?: string) =>
    new HubError('CONFIG_INVALID', `shopify ${what}`, hint ? { hint } : {});
  const domain = config.shop.toLowerCase();
  if (!/^[a-z0-9][a-z0-9-]*\.myshopify\.com$/.test(domain))
    throw wrong(
      `shop '${config.shop}' is not such as example.myshopify.com`,
      'it is shown in the settings under Domains',
    );
  const url = (config.url ?? `https://${domain}`).replace(/\/+$/, '');
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) throw wrong(`url '${url}' is no http(s) address`);
  const hub = config.hub?.replace(/\/+$/, '');
  if (hub !== undefined && (!URL.canParse(hub) || !/^https:$|^http:$/.test(new URL(hub).protocol)))
    throw wrong(`hub '${hub}' is no address`, 'Shopify takes https only, with a certificate that is publicly trusted');
  const version = config.version ?? versions[0];
  if (!(versions as readonly string[]).includes(version))
    throw wrong(`version '${version}' is none of ${versions.join(', ')}`);
  if (config.clientSecrets.length === 0)
    throw wrong('clientSecrets is empty', 'webhooks are signed with the client secret');
  if (config.from !== undefined && Number.isNaN(Date.parse(config.from)))
    throw wrong(`from '${config.from}' is no time`);
  const {
    every = '1m',
    timeout = '30s',
    settle = '60s',
    money = 'shop',
    tables = 'shopify',
    notifyCustomers = false,
    bulkFrom = 1000,
    priceLists = {},
  } = config;
  if (!(bulkFrom >= 1)) throw wrong(`bulkFrom ${bulkFrom} is no number of 1 and up`);
  for (const [list, id] of Object.entries(priceLists))
    if (!/^gid:\/\/shopify\/PriceList\/\d+$/.test(id))
      throw wrong(`priceLists '${list}': '${id}' is no price list of Shopify's (gid://shopify/PriceList/…)`);
  if (new Set(Object.values(priceLists)).size < Object.keys(priceLists).length)
    throw wrong('priceLists names a price list of Shopify twice', 'two lists would overwrite each other');
  for (const duration of [every, timeout, settle]) milliseconds(duration);
  const { token, clientSecrets, from } = config;
  return {
    url,
    domain,
    version,
    token,
    clientSecrets,
    timeout,
    settle,
    every,
    rest: milliseconds(every) < milliseconds(REST) ? every : REST,
    from,
    money,
    bulkFrom,
    hub,
    notifyCustomers,
    priceLists: new Map(Object.entries(priceLists)),
    tables,
  };
}
