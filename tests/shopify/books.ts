import { startSimulatedOdoo } from '../../src/cli/simulated-odoo.ts';
import { odoo } from '../../src/connectors/odoo/index.ts';
import type { Connection, Sink } from '../../src/core/connector.ts';
import { secret } from '../../src/core/estate.ts';
import type { WebOrdersParts } from '../../src/flows/web-orders.ts';
import { CustomerDocument } from '../../src/model/customer.ts';
import { type Order, OrderDocument } from '../../src/model/order.ts';
import { type Payment, PaymentDocument } from '../../src/model/payment.ts';
import { ProductDocument } from '../../src/model/product.ts';
import { type Refund, RefundDocument } from '../../src/model/refund.ts';
import { ReturnDocument } from '../../src/model/return.ts';
import { judge } from '../../src/simulators/retailer/judge.ts';
import { type BooksLedger, shopLedger } from '../../src/simulators/retailer/ledgers.ts';
import type { Shop } from '../../src/simulators/shopify/index.ts';
import type { Order as Sold } from '../../src/simulators/shopify/records.ts';
import { totalOf } from '../../src/simulators/shopify/sums.ts';
import { people } from '../odoo/estate.ts';
import { connectionOf } from '../support/hub.ts';
import { recording, type Written } from '../support/recording.ts';

/** Where the orders of the story go. */
export interface Books {
  readonly connection: Connection;
  readonly to: WebOrdersParts['to'];
  /** Key of the books' login. */
  readonly key: string;
  /** Rows of the Mapping tables, by their names. */
  readonly tables: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Names of the orders that are there. */
  seen(): Promise<ReadonlySet<string>>;
  /** How what is there differs from the shop's own ledger, in words. */
  wrong(shop: Shop): Promise<string[]>;
  stop(): Promise<void>;
}

/** Books that write down everything they are given, and are there at once. */
export function recorder(): Books {
  const written: Written[] = [];
  const to = {
    customer: recording(CustomerDocument, written),
    product: recording(ProductDocument, written),
    order: recording(OrderDocument, written),
    payment: recording(PaymentDocument, written),
    refund: recording(RefundDocument, written),
    return: recording(ReturnDocument, written),
  };
  return {
    connection: connectionOf({ sinks: to as unknown as Record<string, Sink> }),
    to,
    key: '',
    tables: {},
    seen: async () => new Set(written.flatMap(({ kind, body }) => (kind === 'order' ? [(body as Order).number] : []))),
    wrong: async (shop) => [...differences(shop, written), ...doubles(written)],
    stop: async () => undefined,
  };
}

/** How the newest of each record that came differs from the shop's own ledger. */
function differences(shop: Shop, written: readonly Written[]): string[] {
  const newest = new Map<string, Written>();
  for (const one of written) newest.set(`${one.kind} ${one.key}`, one);
  const body = <T>(kind: string, key: string): T | undefined => newest.get(`${kind} ${key}`)?.body as T | undefined;
  const amounts = <T extends { order: string; amount: number }>(kind: string): Map<string, number> => {
    const sums = new Map<string, number>();
    for (const one of newest.values()) {
      if (one.kind !== kind) continue;
      const { order, amount } = one.body as T;
      sums.set(order, (sums.get(order) ?? 0) + amount);
    }
    return sums;
  };
  const paid = amounts<Payment>('payment');
  const back = amounts<Refund>('refund');
  return [...shop.orders.values()].flatMap((sold) => {
    const key = `web:${sold.id.split('/').at(-1)}`;
    const order = body<Order>('order', key);
    if (!order) return [`${sold.name} never came`];
    const wrong: string[] = [];
    if (order.total !== orderedOf(sold)) wrong.push(`${sold.name}: ${order.total} instead of ${orderedOf(sold)}`);
    if ((order.state === 'cancelled') !== (sold.cancelledAt !== null)) wrong.push(`${sold.name}: is ${order.state}`);
    const moneyOf = (kind: string): number =>
      sold.transactions.filter((one) => one.kind === kind).reduce((sum, { amount }) => sum + Number(amount.shop), 0);
    if ((paid.get(key) ?? 0) !== moneyOf('SALE'))
      wrong.push(`${sold.name}: paid ${paid.get(key)} instead of ${moneyOf('SALE')}`);
    if ((back.get(key) ?? 0) !== moneyOf('REFUND'))
      wrong.push(`${sold.name}: refunded ${back.get(key)} instead of ${moneyOf('REFUND')}`);
    return wrong;
  });
}

/** What is ordered after removals, in cents, from the shop's own records. */
function orderedOf(sold: Sold): number {
  const removed = sold.refunds.filter(({ transactions, returnId }) => transactions.length === 0 && returnId === null);
  const off = removed
    .flatMap(({ lines }) => lines)
    .reduce((sum, { subtotal, tax }) => sum + subtotal.shop + (sold.taxesIncluded ? 0n : tax.shop), 0n);
  return Number(totalOf(sold).shop - off);
}

/** A version of a record that came more than once, or after a newer one. */
function doubles(written: readonly Written[]): string[] {
  const last = new Map<string, number>();
  return written.flatMap(({ kind, key, version }) => {
    const before = last.get(`${kind} ${key}`) ?? 0;
    last.set(`${kind} ${key}`, Math.max(before, version));
    return version > before ? [] : [`${kind} ${key}: version ${version} after ${before}`];
  });
}

/** Orders line by line, payments, refunds, and what was kept of each order. */
function moneyAndOrders(shop: Shop, ledger: BooksLedger): string[] {
  const { ordersToOdoo, paymentsToOdoo, refundsToOdoo, keptToOdoo } = judge({
    till: [],
    shop: shopLedger(shop),
    books: ledger,
    warehouse: { shipments: [], received: [], promised: {} },
    excepted: [],
  });
  return [ordersToOdoo, paymentsToOdoo, refundsToOdoo, keptToOdoo].flatMap((hop) => {
    const { lost, duplicated, outOfOrder, wrong } = hop;
    return lost + duplicated + outOfOrder === 0 || wrong.length > 0 ? wrong : [JSON.stringify(hop)];
  });
}

/**
 * A simulated Odoo in a process of its own. Goods that come back are left out: the story's shop ships by itself, and of what never left Odoo nothing can come back.
 */
export async function odooBooks(version: 18 | 19): Promise<Books> {
  const server = await startSimulatedOdoo({ version, currency: 'EUR' });
  const at = await people(server);
  const { code } = await at.direct.warehouse(at.cx);
  for (const amount of [21, 6])
    await at.create('account.tax', {
      name: `VAT ${amount}%`,
      amount,
      type_tax_use: 'sale',
      price_include_override: 'tax_included',
    });
  await at.create('product.product', { name: 'Rounding', default_code: 'ROUNDING', type: 'service', taxes_id: [] });
  const books = odoo({
    url: server.url,
    database: server.db,
    login: server.login,
    key: secret('ODOO_KEY'),
    settle: '1s',
    timeout: '10s',
    batch: { orders: 50, payments: 50 },
    capture: { overlap: '2s' },
  });
  const { customers: customer, products: product, saleOrders: order, payments: payment, refunds: refund } = books.sinks;
  return {
    connection: books,
    to: { customer, product, order, payment, refund },
    key: server.key,
    tables: {
      taxes: { 'VAT 21%': 'VAT 21%', 'VAT 6%': 'VAT 6%' },
      'payment-methods': { card: 'BNK1', cash: 'BNK1' },
      'sale-products': { rounding: 'ROUNDING' },
      warehouses: { '*': code },
      accounts: { 'voucher-liability': '201000' },
    },
    seen: async () => {
      const rows = await at.direct.read('sale.order', [['client_order_ref', '!=', false]], ['client_order_ref'], at.cx);
      return new Set(rows.map((row) => String(row.client_order_ref)));
    },
    wrong: async (shop) => {
      const ledger = (await (await fetch(`${server.admin}/ledger`)).json()) as BooksLedger;
      const open = await at.direct.read(
        'account.move',
        [
          ['move_type', 'in', ['out_invoice', 'out_refund']],
          ['state', '=', 'posted'],
          ['amount_residual', '!=', 0],
        ],
        ['name', 'amount_residual'],
        at.cx,
      );
      const left = open.map(({ name, amount_residual: rest }) => `${name}: ${rest} is open, and all money has moved`);
      return [...moneyAndOrders(shop, ledger), ...left];
    },
    stop: () => server.stop(),
  };
}
