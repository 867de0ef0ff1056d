import { type Duration, milliseconds } from '../../core/clock.ts';
import type { Connection, PollSource, Sink, WebhookSource } from '../../core/connector.ts';
import { HubError } from '../../core/errors.ts';
import type { Secret } from '../../core/estate.ts';
import type { Lookup } from '../../core/lookup.ts';
import type { CustomerDocument } from '../../model/customer.ts';
import type { JournalEntryDocument } from '../../model/journal-entry.ts';
import type { OrderDocument } from '../../model/order.ts';
import type { PaymentDocument } from '../../model/payment.ts';
import type { PriceDocument } from '../../model/price.ts';
import type { ProductDocument } from '../../model/product.ts';
import type { ReceiptDocument } from '../../model/receipt.ts';
import type { RefundDocument } from '../../model/refund.ts';
import type { ReturnDocument } from '../../model/return.ts';
import type { ShipmentDocument } from '../../model/shipment.ts';
import type { StockAdjustmentDocument } from '../../model/stock-adjustment.ts';
import type { StockLevelDocument } from '../../model/stock-level.ts';
import { check } from './check.ts';
import { Odoo } from './database.ts';
import { priceLookup } from './lookups/prices.ts';
import { stockLookup } from './lookups/stock-levels.ts';
import { customers } from './sinks/customers.ts';
import { journalEntries } from './sinks/journal-entries.ts';
import { payments } from './sinks/payments.ts';
import { products } from './sinks/products.ts';
import { receipts } from './sinks/receipts.ts';
import { refunds } from './sinks/refunds.ts';
import { returns } from './sinks/returns.ts';
import { saleOrders } from './sinks/sale-orders.ts';
import { shipments } from './sinks/shipments.ts';
import { stockAdjustments } from './sinks/stock-adjustments.ts';
import { stockLevelSink } from './sinks/stock-levels.ts';
import { type CatalogueRecord, catalogue } from './sources/catalogue.ts';
import { type ContactRecord, contacts } from './sources/contacts.ts';
import { type CreditNoteRecord, creditNotes } from './sources/credit-notes.ts';
import { hints } from './sources/hints.ts';
import { type OrderRecord, orders } from './sources/orders.ts';
import { type DeliveryRecord, pickings } from './sources/pickings.ts';
import { type PriceRecord, prices } from './sources/prices.ts';
import { type ReturnRecord, returns as returnSource } from './sources/returns.ts';
import { type StockRecord, stockLevels } from './sources/stock-levels.ts';
import { Turnstile } from './sources/turnstile.ts';

export interface OdooConfig {
  /** Where Odoo is, such as `https://erp.example.com`. */
  readonly url: string;
  readonly database: string;
  readonly login: string;
  /** API key of the login: a dedicated user with an e-mail address and the roles Sales, Inventory and Accounting. */
  readonly key: Secret;
  /** Name or id; without it the user's only company. */
  readonly company?: string | number;
  /** Code of the warehouse that ships orders and holds the stock; without it Odoo's choice for orders, the company's first for stock. */
  readonly warehouse?: string;
  /** Whose data this is in the hub. */
  readonly entity?: string;
  /** How long Odoo may still commit after we stopped waiting: its `limit_time_real` (120 s). */
  readonly settle?: Duration;
  /** Longest wait for one answer (150 s); longer than Odoo's own limit. */
  readonly timeout?: Duration;
  /** Documents in one call. */
  readonly batch?: {
    readonly customers?: number;
    readonly products?: number;
    readonly orders?: number;
    readonly adjustments?: number;
    readonly entries?: number;
    readonly payments?: number;
    readonly shipments?: number;
    readonly receipts?: number;
    readonly returns?: number;
    readonly refunds?: number;
    readonly stockLevels?: number;
  };
  /**
   * Minor units by which Odoo's total of an order may differ from what the customer was charged (5): a line for rounding makes up for it. A larger difference goes to a person.
   */
  readonly rounding?: number;
  /** What stock levels that are written count: pieces on the shelf (`on-hand`, the default), or those that are free beside what Odoo has reserved. */
  readonly stockCounts?: 'on-hand' | 'free';
  /** How its changes are captured. */
  readonly capture?: {
    /** How far each poll looks back (180 s): longer than Odoo's `limit_time_real`, with some time for clocks that differ. */
    readonly overlap?: Duration;
    /** How often everything is compared (1d). */
    readonly full?: Duration;
    /** Records that are read and stored together (200). */
    readonly page?: number;
    /** How often each source is polled. */
    readonly every?: {
      readonly stockLevels?: Duration;
      readonly catalogue?: Duration;
      readonly prices?: Duration;
      readonly pickings?: Duration;
      readonly contacts?: Duration;
      readonly creditNotes?: Duration;
      readonly returns?: Duration;
      readonly orders?: Duration;
    };
    /** RFC 3339, UTC: credit notes, returns and changes of orders of before are not told to anybody. Default: when the hub first reads them. */
    readonly goLive?: string;
    /** Plain decimal: pieces of each product that are never promised, in each warehouse (0). */
    readonly safety?: string;
    /** Takes hints of automation rules at `POST /in/{connection}/changed-{source}?token=…`, from whoever knows one of these. */
    readonly hints?: readonly Secret[];
  };
  /** Module of the external ids instead of `hub_<connection>`: letters, digits and `_`. Never change it once orders have crossed. */
  readonly prefix?: string;
}

type Capturing = NonNullable<OdooConfig['capture']>;

export interface OdooConnection extends Connection {
  readonly sources: {
    readonly stockLevels: PollSource<StockRecord>;
    readonly catalogue: PollSource<CatalogueRecord>;
    readonly prices: PollSource<PriceRecord>;
    readonly pickings: PollSource<DeliveryRecord>;
    readonly contacts: PollSource<ContactRecord>;
    readonly creditNotes: PollSource<CreditNoteRecord>;
    readonly returns: PollSource<ReturnRecord>;
    readonly orders: PollSource<OrderRecord>;
  } & Readonly<Record<`hint-${string}`, WebhookSource<never>>>;
  readonly lookups: {
    readonly stockLevels: Lookup<typeof StockLevelDocument>;
    readonly prices: Lookup<typeof PriceDocument>;
  };
  readonly sinks: {
    readonly customers: Sink<typeof CustomerDocument>;
    readonly products: Sink<typeof ProductDocument>;
    readonly saleOrders: Sink<typeof OrderDocument>;
    readonly stockAdjustments: Sink<typeof StockAdjustmentDocument>;
    readonly journalEntries: Sink<typeof JournalEntryDocument>;
    readonly payments: Sink<typeof PaymentDocument>;
    readonly shipments: Sink<typeof ShipmentDocument>;
    readonly receipts: Sink<typeof ReceiptDocument>;
    readonly returns: Sink<typeof ReturnDocument>;
    readonly refunds: Sink<typeof RefundDocument>;
    readonly stockLevels: Sink<typeof StockLevelDocument>;
  };
}

/**
 * One company of one Odoo database: 19 by JSON-2, 18 by JSON-RPC, 17 by JSON-RPC (experimental, never run by us).
 * Throws HubError CONFIG_INVALID for a setting that cannot be.
 *
 * @see https://www.odoo.com/documentation/19.0/developer/reference/external_api.html
 */
export function odoo(config: OdooConfig): OdooConnection {
  const url = addressOf(config.url);
  const settle = config.settle ?? '120s';
  const timeout = config.timeout ?? '150s';
  milliseconds(settle);
  milliseconds(timeout);
  if (config.prefix !== undefined && !/^[a-z][a-z0-9_]{1,60}$/i.test(config.prefix))
    throw new HubError('CONFIG_INVALID', `odoo prefix '${config.prefix}': letters, digits and _ only, at most 61`);
  const { database, login, key, company, warehouse, prefix, batch = {} } = config;
  const one = new Odoo({ url, database, login, key, company, warehouse, prefix, settle, timeout });
  const polled = sourcesOf(one, config.capture ?? {});
  return {
    connector: 'odoo',
    entity: config.entity ?? 'main',
    writer: `odoo ${url} ${database} ${company ?? '(only company)'}`,
    sources: { ...polled, ...hints(Object.values(polled), config.capture?.hints ?? []) },
    sinks: {
      customers: customers(one, batch.customers ?? 500),
      products: products(one, batch.products ?? 250),
      saleOrders: saleOrders(one, batch.orders ?? 25, config.rounding ?? 5),
      stockAdjustments: stockAdjustments(one, batch.adjustments ?? 50),
      journalEntries: journalEntries(one, batch.entries ?? 50),
      payments: payments(one, batch.payments ?? 10),
      shipments: shipments(one, batch.shipments ?? 10),
      receipts: receipts(one, batch.receipts ?? 10),
      returns: returns(one, batch.returns ?? 10),
      refunds: refunds(one, batch.refunds ?? 10, config.rounding ?? 5),
      stockLevels: stockLevelSink(one, {
        max: batch.stockLevels ?? 200,
        counts: config.stockCounts ?? 'on-hand',
        safety: config.capture?.safety ?? '0',
      }),
    },
    lookups: { stockLevels: stockLookup(one, config.capture?.safety ?? '0'), prices: priceLookup(one) },
    check: (cx) => check(one, cx),
  };
}

/** Throws HubError CONFIG_INVALID for an overlap that loses changes, or a safety stock that is none. */
function sourcesOf(odoo: Odoo, capturing: Capturing) {
  const { overlap = '180s', full = '1d', page = 200, every = {}, safety = '0', goLive } = capturing;
  if (milliseconds(overlap) < milliseconds(odoo.settings.settle))
    throw new HubError(
      'CONFIG_INVALID',
      `odoo overlap ${overlap}: shorter than settle (${odoo.settings.settle}), changes would be lost`,
    );
  if (!/^\d{1,9}(\.\d{1,6})?$/.test(safety))
    throw new HubError('CONFIG_INVALID', `odoo safety '${safety}': a plain decimal such as 2, not negative`);
  if (goLive !== undefined && Number.isNaN(Date.parse(goLive)))
    throw new HubError('CONFIG_INVALID', `odoo goLive '${goLive}' is no time such as 2026-11-01T00:00:00Z`);
  const from = goLive === undefined ? null : new Date(goLive).toISOString();
  const capture = { odoo, turnstile: new Turnstile(), overlap, full, page };
  milliseconds(full);
  return {
    stockLevels: stockLevels(capture, { every: every.stockLevels ?? '20s', safety }),
    catalogue: catalogue(capture, every.catalogue ?? '60s'),
    prices: prices(capture, every.prices ?? '60s'),
    pickings: pickings(capture, every.pickings ?? '30s'),
    contacts: contacts(capture, every.contacts ?? '60s'),
    creditNotes: creditNotes(capture, { every: every.creditNotes ?? '60s', from }),
    returns: returnSource(capture, { every: every.returns ?? '60s', from }),
    orders: orders(capture, { every: every.orders ?? '60s', from }),
  };
}

/** One spelling for one server, for it is part of the writer's name. */
function addressOf(url: string): string {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new HubError('CONFIG_INVALID', `odoo url '${url}' is not an http(s) address`);
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`.replace(/\/+$/, '');
}
