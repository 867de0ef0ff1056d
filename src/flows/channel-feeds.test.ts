import assert from 'node:assert/strict';
import { test } from 'node:test';
import { odoo } from '../connectors/odoo/index.ts';
import type { CatalogueRecord } from '../connectors/odoo/sources/catalogue.ts';
import type { PriceRecord } from '../connectors/odoo/sources/prices.ts';
import { restStore, type StoreSale } from '../connectors/rest-store/index.ts';
import { shopify } from '../connectors/shopify/index.ts';
import { secret } from '../core/estate.ts';
import type { Look } from '../core/flow.ts';
import type { Price } from '../model/price.ts';
import type { Shipment } from '../model/shipment.ts';
import { catalogueFeed, priceFeed, stockFeed } from './odoo-feeds.ts';
import { storeHandovers } from './store-sales.ts';

const books = odoo({ url: 'http://odoo.example', database: 'd', login: 'l', key: secret('K') });
const shop = shopify({ shop: 'example.myshopify.com', token: secret('T'), clientSecrets: [secret('S')] });
const store = restStore({ url: 'https://store.example', token: secret('T'), signedWith: [secret('S')] });

/** Every code stands for itself; of documents and bindings nothing is known but what is given. */
const lookWith = (keys: Readonly<Record<string, string>> = {}): Look<never> =>
  ({
    connection: 'odoo',
    mapping: () => ({ find: (code: string) => code, get: (code: string) => code }),
    keyOf: async (_: unknown, id: string) => keys[id] ?? null,
    current: async () => null,
  }) as unknown as Look<never>;

const variant = (id: number, code: string | null) => ({ id, code, barcode: null, weight: 0, active: true, values: [] });
const item = (...variants: CatalogueRecord['variants']): CatalogueRecord =>
  ({
    id: 7,
    version: '2026-11-26 09:00:00',
    name: 'Robe',
    description: '',
    category: null,
    sold: true,
    unit: 'kg',
    options: [],
    variants,
  }) as CatalogueRecord;

test('a catalogue feed is about what its channel sells: what else Odoo has may be without a code', async () => {
  const parts = { id: 'c', from: books.sources.catalogue, to: { 'catalogue-item': shop.sinks.catalogue } };
  const own = catalogueFeed({ ...parts, sells: (sku) => sku.startsWith('OWN-') });
  const told = async (record: CatalogueRecord, look = lookWith()) =>
    (await own.translate(record, look)).documents.flatMap(({ body }) => body.variants.map(({ sku }) => sku));
  assert.deepEqual(await told(item(variant(1, 'own-1'))), ['OWN-1']);
  assert.deepEqual(await told(item(variant(1, 'WEB-1'))), []);
  assert.deepEqual(await told(item(variant(1, null))), []);
  assert.deepEqual(await told(item(variant(1, null)), lookWith({ 1: 'OWN-9' })), ['OWN-9'], 'known by its binding');
  await assert.rejects(told(item(variant(1, 'OWN-1'), variant(2, null))), /no internal reference/);
  await assert.rejects(
    async () => catalogueFeed(parts).translate(item(variant(1, null)), lookWith()),
    /no internal reference/,
    'a channel that sells all is told what is wrong',
  );
});

test('a stock feed that names a price list has its levels wait for the price there', () => {
  const parts = { id: 's', from: books.sources.stockLevels, to: { 'stock-level': shop.sinks.stockLevels } };
  const draft = {
    kind: 'stock-level' as const,
    body: { id: 'central/MUG', sku: 'MUG', location: 'central', available: '3', asOf: '2026-11-26T09:00:00Z' },
  };
  assert.deepEqual(stockFeed({ ...parts, priced: 'web' }).needs?.(draft), [['price', 'web/MUG']]);
  assert.equal(stockFeed(parts).needs, undefined);
});

test('a price that is none any more is told as withdrawn to channels that can take it away, as long as it was ever told', async () => {
  const from = books.sources.prices;
  const record: PriceRecord = {
    id: 7,
    version: '2026-11-26 09:00:00',
    name: 'Robe',
    includesTax: true,
    variants: [
      {
        id: 1,
        code: 'A',
        prices: [
          { list: 'web', currency: 'EUR', amount: 10 },
          { list: 'web-usd', currency: 'USD', amount: null },
          { list: 'web-gbp', currency: 'GBP', amount: 0 },
        ],
      },
    ],
  };
  const known = (list: string, currency: string, withdrawn?: true): Price => ({
    ...{ id: `${list}/A`, sku: 'A', list, currency, amount: 900, compareAt: null, includesTax: true },
    ...(withdrawn ? { withdrawn } : {}),
  });
  const told = async (flow: ReturnType<typeof priceFeed>, ...all: Price[]) => {
    const look = {
      ...lookWith(),
      current: async (_: unknown, key: string) => all.find(({ id }) => id === key) ?? null,
    };
    const { documents } = await flow.translate(record, look as unknown as Look<never>);
    return documents.map(({ body }) => [body.id, body.amount, body.withdrawn ?? false]);
  };
  const lists = ['web', 'web-usd', 'web-gbp', 'web-chf'];
  const market = priceFeed({ id: 'p', from, to: { price: shop.sinks.prices }, lists });
  assert.deepEqual(await told(market), [['web/A', 1000, false]], 'what was never told is nothing to take away');
  const before = [
    known('web', 'EUR'),
    known('web-usd', 'USD'),
    known('web-gbp', 'GBP', true),
    known('web-chf', 'CHF'),
    known('other', 'EUR'),
  ];
  assert.deepEqual(await told(market, ...before), [
    ['web/A', 1000, false],
    ['web-usd/A', 900, true],
    ['web-gbp/A', 900, true],
    ['web-chf/A', 900, true],
  ]);
  const unsold = priceFeed({ id: 'p', from, to: { price: shop.sinks.prices }, lists, sells: () => false });
  assert.deepEqual(await told(unsold, ...before), []);
  const till = priceFeed({ id: 'p', from, to: { price: store.sinks.prices }, lists });
  assert.deepEqual(await told(till, ...before), [['web/A', 1000, false]], 'a store has no way to take one away');
});

const line = (id: string, quantity: string, kind?: 'service') => ({
  id,
  sku: `a${id}`,
  name: 'x',
  quantity,
  unitPrice: '1.00',
  taxes: ['standard'],
  total: Number(quantity) * 100,
  ...(kind ? { kind } : {}),
});

async function handover(lines: StoreSale['lines']): Promise<Shipment[]> {
  const flow = storeHandovers({ from: store.sources.sales, to: { shipment: books.sinks.shipments }, zone: 'UTC' });
  const sale: StoreSale = {
    id: 'S1',
    number: 'R-1',
    revision: 1,
    soldAt: '2026-11-26T09:00:00Z',
    location: 'front',
    currency: 'GBP',
    pricesIncludeTax: true,
    customer: null,
    lines,
    total: lines.reduce((sum, { total }) => sum + total, 0),
  };
  return (await flow.translate(sale, lookWith())).documents.map(({ body }) => body);
}

test('what was handed over has left, as lines of its order; services and what came back have not', async () => {
  const [shipment, ...others] = await handover([line('1', '2'), line('2', '1', 'service'), line('3', '-1')]);
  assert.equal(others.length, 0);
  assert.deepEqual(
    [shipment!.order, shipment!.milestone, shipment!.closes, shipment!.location, shipment!.tracking],
    ['odoo:S1', 'shipped', true, 'front', []],
  );
  assert.deepEqual(shipment!.lines, [{ id: '1', orderLine: '1', sku: 'A1', quantity: '2' }]);
  assert.deepEqual(await handover([line('1', '-2')]), []);
});

test('a discount that was forgotten changes nothing of what was handed over', async () => {
  const before = await handover([line('1', '2')]);
  assert.deepEqual(await handover([{ ...line('1', '2'), discount: 50, total: 150 }]), before);
});
