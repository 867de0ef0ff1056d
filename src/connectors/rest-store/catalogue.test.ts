import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeContext } from '../../../tests/odoo/context.ts';
import type { Item, Result } from '../../core/connector.ts';
import type { CatalogueItem } from '../../model/catalogue-item.ts';
import type { StockLevel } from '../../model/stock-level.ts';
import { startRestStore } from '../../simulators/rest-store.ts';
import { restStore } from './index.ts';

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const cx = makeContext({ secrets: { TOKEN: 't', S: SECRET } });

/** A till that is told what it sells, and the connection to it. */
async function world(t: { after(done: () => Promise<void>): void }) {
  const till = await startRestStore({ seed: 1, token: 't', secret: SECRET, catalogue: true });
  t.after(() => till.stop());
  const { sinks } = restStore({
    url: till.url,
    allowPrivate: true,
    token: { secret: 'TOKEN' },
    signedWith: [{ secret: 'S' }],
    catalogue: true,
  });
  return { till, sinks };
}

const itemOf = <T>(key: string, version: number, document: T): Item<T> => ({
  key,
  id: null,
  version,
  links: new Map(),
  document,
});

const robe = (version: number, change: Partial<CatalogueItem> = {}): Item<CatalogueItem> =>
  itemOf('odoo:7', version, {
    ...{ id: 'odoo:7', title: 'Robe', description: 'Soft', brand: null, categories: ['Home', 'Linen'] },
    ...{ status: 'active' as const, options: ['Colour'] },
    variants: [
      { sku: 'ROBE-RED', barcode: '5901234123457', values: ['Red'], weight: 400 },
      { sku: 'ROBE-BLUE', barcode: null, values: ['Blue'], weight: null },
    ],
    ...change,
  });

const level = (sku: string): Item<StockLevel> =>
  itemOf(`shop/${sku}`, 1, {
    ...{ id: `shop/${sku}`, sku, location: 'shop', available: '3' },
    asOf: '2026-05-01T10:00:00Z',
  });

const outcomes = (results: Result[]): string[] =>
  results.map((result) => (result.outcome === 'failed' ? result.fault.kind : result.outcome));

test('a till is told what it sells, each variant by its code; a repeat and an older version change nothing', async (t) => {
  const { till, sinks } = await world(t);
  const told = await sinks.catalogue.deliver([robe(2)], cx);
  assert.deepEqual(told, [
    {
      outcome: 'done',
      id: 'odoo:7',
      parts: [
        { kind: 'product', key: 'ROBE-RED', id: 'ROBE-RED' },
        { kind: 'product', key: 'ROBE-BLUE', id: 'ROBE-BLUE' },
      ],
    },
  ]);
  const { status: _, ...whole } = robe(2).document;
  assert.deepEqual(till.assortment.products.get('odoo:7'), { ...whole, sold: true, version: 2 });
  await sinks.catalogue.deliver([robe(1, { title: 'Old robe' })], cx);
  await sinks.catalogue.deliver([robe(2, { title: 'Another' })], cx);
  assert.equal(till.assortment.products.get('odoo:7')!.title, 'Robe');
});

test('what is withdrawn is sold no more: a product, or a variant of it that another product does not have', async (t) => {
  const { till, sinks } = await world(t);
  const [red, blue] = robe(1).document.variants;
  const sold = () => ['ROBE-RED', 'ROBE-BLUE'].filter((sku) => till.assortment.sells(sku));
  await sinks.catalogue.deliver([robe(1)], cx);
  assert.deepEqual(sold(), ['ROBE-RED', 'ROBE-BLUE']);
  await sinks.catalogue.deliver([robe(2, { variants: [blue!] })], cx);
  assert.deepEqual(sold(), ['ROBE-BLUE']);
  const other = { ...robe(1).document, id: 'odoo:8', variants: [red!] };
  await sinks.catalogue.deliver([itemOf('odoo:8', 1, other), robe(3, { status: 'archived' })], cx);
  assert.deepEqual(sold(), ['ROBE-RED']);
  assert.deepEqual(
    outcomes(await sinks.stockLevels.deliver([level('ROBE-BLUE')], cx)),
    ['done'],
    'it has a level still',
  );
});

test('a till refuses a level of what it was not told of, in words: that one waits for its product, the others go again', async (t) => {
  const { till, sinks } = await world(t);
  assert.equal(sinks.stockLevels.needsBound, true);
  await sinks.catalogue.deliver([robe(1)], cx);
  const levels = [level('ROBE-RED'), level('MUG')];
  const refused = await sinks.stockLevels.deliver(levels, cx);
  assert.deepEqual(outcomes(refused), ['untouched', 'early']);
  assert.match(JSON.stringify(refused[1]), /was not told of product 'MUG' and takes no level or price of it/);
  assert.deepEqual([[...till.levels], [...till.unknown]], [[], ['MUG']], 'a message is taken whole or not at all');
  const mug = { ...robe(1).document, id: 'odoo:9', options: [] };
  const variants = [{ sku: 'MUG', barcode: null, values: [], weight: null }];
  await sinks.catalogue.deliver([itemOf('odoo:9', 1, { ...mug, variants })], cx);
  assert.deepEqual(outcomes(await sinks.stockLevels.deliver(levels, cx)), ['done', 'done']);
});

test('a store with products of its own is told levels of whatever there is', () => {
  const { sinks } = restStore({ url: 'https://s.example', token: { secret: 'T' }, signedWith: [{ secret: 'S' }] });
  assert.deepEqual([sinks.stockLevels.needsBound, sinks.prices.needsBound], [false, false]);
});

test('what the contract does not allow of a product is not sent, and says which field it is', async (t) => {
  const { till, sinks } = await world(t);
  const [red] = robe(1).document.variants;
  for (const [change, field, words] of [
    [{ title: '' }, 'title', /title must not be empty/],
    [{ variants: [{ ...red!, barcode: '12AB' }] }, 'variants/0/barcode', /variants\/0\/barcode/],
    [{ options: ['Colour', 'Size'] }, 'variants', /variant ROBE-RED has 1 values for 2 options/],
  ] as const) {
    const [result] = await sinks.catalogue.deliver([robe(1, change as Partial<CatalogueItem>)], cx);
    assert.ok(result?.outcome === 'failed' && result.fault.kind === 'rejected');
    assert.equal(result.fault.field, field);
    assert.match(result.fault.message, words);
  }
  assert.equal(till.requests, 0);
});
