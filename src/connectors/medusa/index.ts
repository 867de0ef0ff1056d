import { type Duration, milliseconds } from '../../core/clock.ts';
import type { Connection, PollSource, Sink, WebhookSource } from '../../core/connector.ts';
import { HubError } from '../../core/errors.ts';
import type { Secret } from '../../core/estate.ts';
import type { CatalogueItemDocument } from '../../model/catalogue-item.ts';
import type { DeliveryPromiseDocument } from '../../model/delivery-promise.ts';
import type { PriceDocument } from '../../model/price.ts';
import type { ReturnDocument } from '../../model/return.ts';
import type { ShipmentDocument } from '../../model/shipment.ts';
import type { StockLevelDocument } from '../../model/stock-level.ts';
import { catalogue } from './catalogue.ts';
import { check } from './check.ts';
import { type MedusaOrder, type MedusaProduct, readOrder, readProduct } from './native.ts';
import { notices } from './notices.ts';
import { orderSource, type Sweep } from './orders.ts';
import { prices } from './prices.ts';
import { productSource } from './products.ts';
import { promises } from './promises.ts';
import { returns } from './returns.ts';
import { shipments } from './shipments.ts';
import { type Settings, Shop } from './shop.ts';
import { stockLevels } from './stock-levels.ts';

export type { MedusaOrder, MedusaProduct } from './native.ts';

export interface MedusaConfig {
  /** Company, brand or country whose shop it is. Default 'main'. */
  readonly entity?: string;
  /** Where the Medusa server is, such as `https://shop.example.com`. */
  readonly url: string;
  /** Secret API key (`sk_…`) for the Admin API. */
  readonly key: Secret;
  /** What the subscriber in Medusa signs its notices with (`whsec_…`), and another one while they are changed. Without it changes are found by polling. */
  readonly signedWith?: readonly Secret[];
  /** How often changes are looked for without being told. Default 1m. */
  readonly every?: Duration;
  /** How far each look reaches back: longer than Medusa takes from naming the time of a change to committing it. Default 30s. */
  readonly overlap?: Duration;
  /** How often payments are looked through for refunds and captures of a part, which Medusa shows nowhere as a change. Default 10m. */
  readonly sweep?: Duration;
  /** How old a payment may be that is looked through. Default 90d. */
  readonly paymentsWithin?: Duration;
  /** RFC 3339: orders that last changed before are not read. Default: all. */
  readonly from?: string;
  /** First part of the names of Mapping tables. Default 'medusa': `medusa-taxes`, `medusa-locations`, … */
  readonly tables?: string;
  /** Whether Medusa tells the customer when something is shipped or asked back. Default false. */
  readonly notifyCustomers?: boolean;
  /** Longest wait for one answer. Default 30s. */
  readonly timeout?: Duration;
  /** How long Medusa may still commit after we stopped waiting. Default 60s. */
  readonly settle?: Duration;
}

export interface MedusaConnection extends Connection {
  readonly sources: {
    readonly orders: PollSource<MedusaOrder>;
    readonly products: PollSource<MedusaProduct>;
    readonly orderNotices: WebhookSource<unknown>;
    readonly productNotices: WebhookSource<unknown>;
  };
  readonly sinks: {
    readonly shipments: Sink<typeof ShipmentDocument>;
    readonly returns: Sink<typeof ReturnDocument>;
    readonly stockLevels: Sink<typeof StockLevelDocument>;
    readonly prices: Sink<typeof PriceDocument>;
    readonly catalogue: Sink<typeof CatalogueItemDocument>;
    readonly promises: Sink<typeof DeliveryPromiseDocument>;
  };
}

/**
 * One shop on Medusa 2 by its Admin API. Throws HubError CONFIG_INVALID for a setting that cannot be.
 *
 * @see https://docs.medusajs.com/api/admin
 */
export function medusa(config: MedusaConfig): MedusaConnection {
  const settings = settingsOf(config);
  const shop = new Shop(settings);
  const sweep: Sweep = { due: false };
  const hear = (type: string): void => {
    if (type.startsWith('payment.')) sweep.due = true;
  };
  return {
    connector: 'medusa',
    entity: config.entity ?? 'main',
    sources: {
      orders: orderSource(shop, sweep),
      products: productSource(shop),
      orderNotices: notices({ topic: 'orders', settings, decode: readOrder, hear }),
      productNotices: notices({ topic: 'products', settings, decode: readProduct }),
    },
    sinks: {
      shipments: shipments(shop),
      returns: returns(shop),
      stockLevels: stockLevels(shop),
      prices: prices(shop),
      catalogue: catalogue(shop),
      promises: promises(shop),
    },
    check: (cx) => check(shop, cx),
  };
}

function settingsOf(config: MedusaConfig): Settings {
  const url = config.url.replace(/\/+$/, '');
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol) || new URL(url).username !== '')
    throw new HubError('CONFIG_INVALID', `medusa url '${config.url}' is no http(s) address without credentials`);
  const { from, key } = config;
  if (from !== undefined && Number.isNaN(Date.parse(from)))
    throw new HubError('CONFIG_INVALID', `medusa from '${from}' is no time`);
  const { every = '1m', overlap = '30s', sweep = '10m', paymentsWithin = '90d' } = config;
  const { timeout = '30s', settle = '60s', tables = 'medusa' } = config;
  for (const duration of [every, overlap, sweep, paymentsWithin, timeout, settle]) milliseconds(duration);
  const { signedWith = [], notifyCustomers = false } = config;
  return {
    ...{ url, key, signedWith, timeout, settle, every, overlap, sweep, paymentsWithin, tables, notifyCustomers },
    from: from === undefined ? undefined : new Date(from).toISOString(),
  };
}
