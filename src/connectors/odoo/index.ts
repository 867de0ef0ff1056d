import { type Duration, milliseconds } from '../../core/clock.ts';
import type { Connection, Sink } from '../../core/connector.ts';
import { HubError } from '../../core/errors.ts';
import type { Secret } from '../../core/estate.ts';
import type { CustomerDocument } from '../../model/customer.ts';
import type { JournalEntryDocument } from '../../model/journal-entry.ts';
import type { OrderDocument } from '../../model/order.ts';
import type { PaymentDocument } from '../../model/payment.ts';
import type { ProductDocument } from '../../model/product.ts';
import type { StockAdjustmentDocument } from '../../model/stock-adjustment.ts';
import { check } from './check.ts';
import { customers } from './customers.ts';
import { Odoo } from './database.ts';
import { journalEntries } from './journal-entries.ts';
import { payments } from './payments.ts';
import { products } from './products.ts';
import { saleOrders } from './sale-orders.ts';
import { stockAdjustments } from './stock-adjustments.ts';

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
  };
  /** Module of the external ids instead of `hub_<connection>`: letters, digits and `_`. Never change it once orders have crossed. */
  readonly prefix?: string;
}

export interface OdooConnection extends Connection {
  readonly sinks: {
    readonly customers: Sink<typeof CustomerDocument>;
    readonly products: Sink<typeof ProductDocument>;
    readonly saleOrders: Sink<typeof OrderDocument>;
    readonly stockAdjustments: Sink<typeof StockAdjustmentDocument>;
    readonly journalEntries: Sink<typeof JournalEntryDocument>;
    readonly payments: Sink<typeof PaymentDocument>;
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
  return {
    connector: 'odoo',
    entity: config.entity ?? 'main',
    writer: `odoo ${url} ${database} ${company ?? '(only company)'}`,
    sources: {},
    sinks: {
      customers: customers(one, batch.customers ?? 500),
      products: products(one, batch.products ?? 250),
      saleOrders: saleOrders(one, batch.orders ?? 25),
      stockAdjustments: stockAdjustments(one, batch.adjustments ?? 50),
      journalEntries: journalEntries(one, batch.entries ?? 50),
      payments: payments(one, batch.payments ?? 10),
    },
    check: (cx) => check(one, cx),
  };
}

/** One spelling for one server, for it is part of the writer's name. */
function addressOf(url: string): string {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new HubError('CONFIG_INVALID', `odoo url '${url}' is not an http(s) address`);
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`.replace(/\/+$/, '');
}
