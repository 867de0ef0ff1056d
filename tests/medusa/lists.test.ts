import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { medusa } from '../../src/connectors/medusa/index.ts';
import type { Incoming, PollSource, Result, Sink } from '../../src/core/connector.ts';
import { FaultError } from '../../src/core/fault.ts';
import type { CatalogueItem } from '../../src/model/catalogue-item.ts';
import { makeContext } from '../odoo/context.ts';
import { done, item } from '../odoo/estate.ts';
import { simulated } from './shops.ts';

/** A product that is being made or changed a real Medusa answers without some of its lists. */
const lab = await simulated();
after(() => lab.stop());

/** A list that the shop does not tell, by its name, and whether it was asked to change something. */
let missing: string | null = null;
let wrote = false;
const without = (_: string, value: unknown): unknown =>
  missing !== null && typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).filter(([name]) => name !== missing))
    : value;
const cx = makeContext({
  connection: 'web',
  secrets: { KEY: lab.key },
  mappings: { 'medusa-locations': { [lab.location]: 'WH', WH: lab.location } },
  fetch: async (url, { timeout: _, ...init } = {}) => {
    wrote ||= init.method !== 'GET';
    const answer = await fetch(url, init);
    const told = (await answer.json()) as Record<string, unknown>;
    // A page of records is told; what belongs to a record is not.
    const records = Object.entries(told).map(([name, value]) => [name, JSON.parse(JSON.stringify(value), without)]);
    return Response.json(Object.fromEntries(records), { status: answer.status });
  },
});
const { sinks, sources } = medusa({ url: lab.url, key: { secret: 'KEY' }, settle: '2s' });

const [variant] = lab.variants;
const { sku } = variant!;
const links = { [`product:${sku}`]: variant!.id };
const price = {
  id: `web/${sku}`,
  sku,
  list: 'web',
  currency: 'EUR',
  amount: 1250,
  compareAt: null,
  includesTax: false,
};
const level = { id: `WH/${sku}`, sku, location: 'WH', available: '5', asOf: '2026-11-25T10:00:00Z' };
const mug: CatalogueItem = {
  ...{ id: 'odoo:mug', title: 'Mug', description: '', brand: null, categories: [], status: 'active', options: [] },
  variants: [{ sku: 'MUG-1', barcode: null, values: [], weight: null }],
};

const set = async (sink: Sink, key: string, document: object): Promise<Result | undefined> =>
  (await sink.deliver([item(key, document as never, links)], cx))[0];
const delivered: readonly (readonly [list: string, words: RegExp, deliver: () => Promise<Result | undefined>])[] = [
  ['prices', /Medusa does not say the prices of S0-/, () => set(sinks.prices as Sink, price.id, price)],
  ['inventory_items', /does not say what S0-.* is counted by/, () => set(sinks.stockLevels as Sink, level.id, level)],
  ['location_levels', /does not say where S0-.* is stocked/, () => set(sinks.stockLevels as Sink, level.id, level)],
  ...(
    [
      ['variants', /does not say the variants of Mug/],
      ['values', /does not say the values of .* of Mug/],
      ['options', /does not say the options of Mug/],
      ['inventory_items', /does not say what Mug, .* is counted by/],
      ['location_levels', /does not say where Mug, .* is stocked/],
    ] as const
  ).map(([list, words]) => [list, words, () => set(sinks.catalogue as Sink, mug.id, mug)] as const),
];

for (const [index, [list, words, deliver]] of delivered.entries())
  test(`${index < 1 ? 'a price' : index < 3 ? 'a level' : 'a product'} whose ${list} are not told waits, and nothing is written`, async () => {
    missing = null;
    if (index >= 3) done(await deliver());
    wrote = false;
    missing = list;
    const result = await deliver();
    missing = null;
    assert.ok(result?.outcome === 'failed', JSON.stringify(result));
    assert.equal(result.fault.kind, 'transient');
    assert.match(result.fault.message, words);
    assert.equal(wrote, false);
    done(await deliver());
  });

test('products whose variants are not told are read again, and not taken for products without any', async () => {
  const read = async (): Promise<Incoming[]> => {
    const items: Incoming[] = [];
    for await (const page of (sources.products as PollSource<unknown>).pull(null, cx)) items.push(...page.items);
    return items;
  };
  missing = 'variants';
  await assert.rejects(read(), (error: unknown) => {
    assert.ok(error instanceof FaultError);
    assert.equal(error.fault.kind, 'transient');
    assert.match(error.fault.message, /does not say the variants of prod_/);
    return true;
  });
  missing = null;
  assert.ok((await read()).length >= lab.variants.length);
});
