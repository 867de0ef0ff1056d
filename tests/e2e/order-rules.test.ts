import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { medusa } from '../../src/connectors/medusa/index.ts';
import type { MedusaOrder } from '../../src/connectors/medusa/native.ts';
import type { StoreSale } from '../../src/connectors/rest-store/contract.ts';
import { restStore } from '../../src/connectors/rest-store/index.ts';
import { shopify } from '../../src/connectors/shopify/index.ts';
import type { ShopifyOrder } from '../../src/connectors/shopify/native.ts';
import { toyTill } from '../../src/connectors/toy-till/index.ts';
import type { TillSale } from '../../src/connectors/toy-till/protocol.ts';
import { seeded, systemClock } from '../../src/core/clock.ts';
import type { PollSource, Sink } from '../../src/core/connector.ts';
import type { AnyDocumentType } from '../../src/core/document.ts';
import { defineEstate } from '../../src/core/estate.ts';
import { withTables } from '../../src/core/flow.ts';
import { Hub } from '../../src/engine/hub.ts';
import { retryException } from '../../src/engine/resolve.ts';
import { storeReceipts, storeSales } from '../../src/flows/store-sales.ts';
import { tillSales } from '../../src/flows/till-sales.ts';
import { medusaOrders, webOrders } from '../../src/flows/web-orders.ts';
import { listExceptions } from '../../src/ledger/exceptions.ts';
import { CustomerDocument } from '../../src/model/customer.ts';
import { OrderDocument } from '../../src/model/order.ts';
import { ProductDocument } from '../../src/model/product.ts';
import { orderRules } from '../../src/model/rules/order.ts';
import { connectionOf, drained, silent, type TestLedger, testLedger } from '../support/hub.ts';

/** What was sold, as every channel can say it: one article, and what the channel says that it comes to. */
interface Sold {
  readonly quantity: number;
  /** Plain decimal. */
  readonly price: string;
  /** Minor units that the line, or the whole, is told to be worth more than it is. */
  readonly lineOff?: number;
  readonly totalOff?: number;
  readonly currency?: string;
  readonly at?: Date;
  readonly lines?: 0;
}

const YESTERDAY = new Date(Date.now() - 86_400_000);
const worth = ({ quantity, price }: Sold): number => Math.round(quantity * Number(price) * 100);
const major = (minor: number): string => (minor / 100).toFixed(2);

/** The sale in each channel's own words. A shop tells what a unit costs and what the order comes to, a till also what the line does. */
const channels = {
  shopify: (n: number, sold: Sold): ShopifyOrder => {
    const { quantity, price, currency = 'EUR', at = YESTERDAY, lineOff = 0, totalOff = 0 } = sold;
    const bag = (amount: string) => ({ money: { amount, currencyCode: currency } });
    const time = at.toISOString();
    const line = {
      id: `gid://shopify/LineItem/${n}`,
      sku: 'MUG',
      name: 'Mug',
      title: 'Mug',
      quantity,
      currentQuantity: quantity,
      isGiftCard: false,
      requiresShipping: true,
      product: { id: 'gid://shopify/Product/1' },
      lineItemGroup: null,
      originalUnitPriceSet: bag(major(Math.round(Number(price) * 100) + lineOff)),
      discountAllocations: [],
      taxLines: [],
      duties: [],
    };
    const total = bag(major(worth(sold) + totalOff));
    return {
      id: `gid://shopify/Order/${n}`,
      name: `#${n}`,
      ...{ createdAt: time, processedAt: time, updatedAt: time, cancelledAt: null, edited: false, test: false },
      ...{ currencyCode: currency, presentmentCurrencyCode: currency, taxesIncluded: true, requiresShipping: true },
      ...{ email: null, phone: null, totalPriceSet: total, currentTotalPriceSet: total, customer: null },
      ...{ shippingAddress: null, billingAddress: null, retailLocation: null, additionalFees: [], transactions: [] },
      lineItems: { nodes: sold.lines === 0 ? [] : [line] },
      shippingLines: { nodes: [] },
      fulfillmentOrders: { nodes: [] },
      refunds: [],
      returns: { nodes: [] },
    };
  },
  medusa: (n: number, sold: Sold): MedusaOrder => {
    const { quantity, price, currency = 'EUR', at = YESTERDAY, lineOff = 0, totalOff = 0 } = sold;
    const time = at.toISOString();
    const line = {
      ...{ id: `ordli_${n}`, title: 'Mug', variant_id: 'variant_1', variant_sku: 'MUG', variant_title: null },
      ...{ requires_shipping: true, is_tax_inclusive: true, quantity, tax_lines: [], adjustments: [] },
      unit_price: (Math.round(Number(price) * 100) + lineOff) / 100,
      detail: { return_received_quantity: 0, return_dismissed_quantity: 0 },
    };
    return {
      ...{ id: `order_${n}`, display_id: n, status: 'pending', is_draft_order: false, email: null },
      ...{ currency_code: currency.toLowerCase(), created_at: time, updated_at: time, canceled_at: null },
      total: (worth(sold) + totalOff) / 100,
      items: sold.lines === 0 ? [] : [line],
      ...{ shipping_methods: [], payment_collections: [], returns: [] },
    };
  },
  store: (n: number, sold: Sold): StoreSale => {
    const { quantity, price: unitPrice, currency = 'EUR', at = YESTERDAY, lineOff = 0, totalOff = 0 } = sold;
    const total = worth(sold) + lineOff;
    const line = { id: '1', sku: 'MUG', name: 'Mug', quantity: String(quantity), unitPrice, taxes: [], total };
    return {
      ...{ id: `S${n}`, number: `R-${n}`, revision: 1, soldAt: at.toISOString(), location: 'front', currency },
      ...{ pricesIncludeTax: true, customer: null, lines: sold.lines === 0 ? [] : [line], total: total + totalOff },
    };
  },
  till: (n: number, sold: Sold): TillSale => {
    const { quantity, price, currency = 'EUR', at = YESTERDAY, lineOff = 0, totalOff = 0 } = sold;
    const total = worth(sold) + lineOff;
    const line = { id: '1', sku: 'MUG', name: 'Mug', quantity: String(quantity), price, tax: 'zero', total };
    return {
      ...{ id: `T${n}`, number: `T-${n}`, revision: 1, soldAt: at.toISOString(), currency, customer: null },
      ...{ lines: sold.lines === 0 ? [] : [line], total: total + totalOff },
    };
  },
};
type ChannelName = keyof typeof channels;
const names = Object.keys(channels) as ChannelName[];

const one: Sold = { quantity: 2, price: '9.99' };
const inDays = (days: number): Date => new Date(Date.now() + days * 86_400_000);

interface Fault {
  readonly sold: Sold;
  readonly cause: string;
  /** Whose contract refuses it before there is an order. */
  readonly byContract?: Partial<Record<ChannelName, string>>;
  readonly passable?: true;
}

const faults: Record<string, Fault> = {
  'a wrong sum': { sold: { ...one, totalOff: 100 }, cause: 'totals-differ' },
  'a sum that is wrong by a cent': { sold: { ...one, totalOff: -1 }, cause: 'totals-differ' },
  'a line that does not add up': { sold: { ...one, lineOff: 100 }, cause: 'totals-differ' },
  'no currency': { sold: { ...one, currency: 'ZZZ' }, cause: 'currency-unknown' },
  'a currency that the company does not deal in': { sold: { ...one, currency: 'NOK' }, cause: 'currency-unknown' },
  'no lines': {
    sold: { quantity: 0, price: '0.00', lines: 0 },
    cause: 'no-lines',
    byContract: { store: 'not-the-contract', till: 'not-a-till' },
  },
  'a price below zero': { sold: { quantity: 1, price: '-9.99' }, cause: 'negative-price', passable: true },
  'goods for nothing': { sold: { quantity: 1, price: '0.00' }, cause: 'free-goods', passable: true },
  'a time that is to come': { sold: { ...one, at: inDays(3) }, cause: 'in-the-future', passable: true },
  'too many': { sold: { quantity: 20_000, price: '0.01' }, cause: 'quantity-out-of-range', passable: true },
  'too dear': { sold: { quantity: 2, price: '600000.00' }, cause: 'amount-out-of-range', passable: true },
};
const sound: Sold[] = [
  one,
  { quantity: 10_000, price: '0.01' },
  { quantity: 1, price: '1000000' },
  { ...one, at: inDays(0.9) },
];

/** Books that all four channels sell into, and a way to hand a channel's record to the hub as its source would. */
async function open(t: TestContext, ledger: TestLedger) {
  const written: string[] = [];
  const sinkOf = <D extends AnyDocumentType>(accepts: D): Sink<D> => ({
    name: accepts.name,
    accepts,
    idempotency: 'external-id',
    settle: 0,
    deadline: '10s',
    batch: { max: 50, onFailure: 'independent' },
    deliver: async (items) =>
      items.map(({ key }) => {
        written.push(`${accepts.name} ${key}`);
        return { outcome: 'done', id: key };
      }),
  });
  const to = { customer: sinkOf(CustomerDocument), product: sinkOf(ProductDocument), order: sinkOf(OrderDocument) };
  const heard = sinkOf(OrderDocument);
  const pushed = <N>({ decode }: { decode(bytes: Uint8Array): N }): PollSource<N> => ({
    kind: 'poll',
    name: 'orders',
    every: '1h',
    async *pull() {},
    decode,
  });
  const key = { secret: 'KEY' };
  const url = 'http://127.0.0.1:1';
  const from = {
    shopify: pushed(shopify({ shop: 'x.myshopify.com', token: key, clientSecrets: [key] }).sources.orders),
    medusa: pushed(medusa({ url, key }).sources.orders),
    store: pushed(restStore({ url, allowPrivate: true, token: key, signedWith: [key], locations: {} }).sources.sales),
    till: pushed(toyTill({ url, allowPrivate: true, token: key, signedWith: [key] }).sources.sales),
  };
  const zone = 'Europe/Brussels';
  const rules = orderRules({ currencies: ['EUR', 'GBP'] });
  const locations = { table: 'store-locations', owner: 'tests', about: 'places', rows: { front: 'SHOP1' } };
  const hub = new Hub({
    estate: defineEstate({
      name: 'channels',
      connections: {
        ...Object.fromEntries(
          Object.entries(from).map(([name, orders]) => [
            name,
            connectionOf({ sources: { orders: orders as PollSource<unknown> } }),
          ]),
        ),
        books: connectionOf({ sinks: to as unknown as Record<string, Sink> }),
        other: connectionOf({ sinks: { order: heard as unknown as Sink } }),
      },
      flows: [
        webOrders({ from: from.shopify, to, zone, rules }),
        medusaOrders({ id: 'medusa-orders', from: from.medusa, to, zone, rules }),
        withTables(storeSales({ from: from.store, to, zone, rules }), [locations]),
        withTables(storeReceipts({ from: from.store, to: { order: heard }, zone }), [locations]),
        tillSales({ from: from.till, to, zone, rules }),
      ],
    }),
    db: ledger.db,
    vault: ledger.vault,
    clock: systemClock,
    random: seeded(1),
    log: silent,
    secret: () => 'secret',
    terms: { pollSeconds: 0.05, retrySeconds: [0.02, 0.2] },
  });
  await hub.start();
  t.after(() => hub.stop());
  const tell = (connection: ChannelName, n: number, sold: Sold) =>
    hub.intake.receive({
      connection,
      source: 'orders',
      incoming: {
        dedupeKey: `${connection} ${n}`,
        subject: `order:${n}`,
        occurredAt: new Date(),
        bytes: Buffer.from(JSON.stringify(channels[connection](n, sold))),
      },
    });
  const exceptions = async () =>
    (await listExceptions(ledger.db, null, 1000)).map((row) => ({ row, name: `${row.connection} ${row.subject}` }));
  return { hub, tell, written, exceptions };
}

test('what is wrong with an order is refused with one cause in every channel, and nothing of it is in the books; a person lets pass what is only odd', async (t) => {
  const { hub, tell, written, exceptions } = await open(t, await testLedger(t));
  const table = Object.values(faults);
  await Promise.all(
    names.flatMap((channel) => [
      ...table.map(({ sold }, n) => tell(channel, n, sold)),
      ...sound.map((sold, n) => tell(channel, 100 + n, sold)),
    ]),
  );
  await drained(hub);
  const told = new Map((await exceptions()).map(({ name, row }) => [name, row]));
  for (const channel of names)
    for (const [n, [what, { cause, byContract }]] of Object.entries(faults).entries())
      assert.equal(told.get(`${channel} order:${n}`)?.cause, byContract?.[channel] ?? cause, `${channel}: ${what}`);
  assert.equal(told.size, names.length * table.length);
  const orders = () => written.filter((one) => one.startsWith('order '));
  assert.equal(new Set(orders()).size, names.length * sound.length, orders().join());
  const refused = written.filter((one) => /[:_ST]\d{1,2}$/.test(one));
  assert.deepEqual(refused, [], 'orders that were refused, or their customers, are in the books');

  for (const { row } of await exceptions())
    await retryException(hub.parts, row, { by: 'cli:test', reason: 'the shop says so' }, 'pass');
  await drained(hub);
  const left = (await exceptions()).map(({ name }) => name).sort();
  const wrong = names.flatMap((channel) =>
    table.flatMap(({ passable }, n) => (passable ? [] : [`${channel} order:${n}`])),
  );
  assert.deepEqual(left, wrong.sort());
  const passed = table.filter(({ passable }) => passable).length;
  assert.equal(new Set(orders()).size, names.length * (sound.length + passed));
});
