import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, describe, test } from 'node:test';
import { medusa } from '../../src/connectors/medusa/index.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { CatalogueItem } from '../../src/model/catalogue-item.ts';
import { makeContext } from '../odoo/context.ts';
import { done, faultOf, item } from '../odoo/estate.ts';
import { type LabVariant, openMedusa } from './shops.ts';

/** What the catalogue sink does at a Medusa: the real one of MEDUSA_URL, else a simulated one. */
const lab = await openMedusa();
after(() => lab.stop());

const mappings = { 'medusa-locations': { [lab.location]: 'WH', WH: lab.location } };
const owners = new Map<string, string>();
const cx = {
  ...makeContext({ connection: 'web', secrets: { KEY: lab.key }, mappings }),
  otherBoundTo: async (_: string, key: string, id: string) => {
    const owner = owners.get(id);
    return owner === undefined || owner === key ? null : owner;
  },
};
const { sinks } = medusa({ url: lab.url, key: { secret: 'KEY' }, settle: '2s' });

/** Another code for each item: the tests share one shop. */
const codeOf = () => `NEW-${randomUUID().slice(0, 8)}`.toUpperCase();

const robe = (code: string, sizes: readonly string[], more: Partial<CatalogueItem> = {}): CatalogueItem => ({
  id: `odoo:${code}`,
  title: `Robe ${code}`,
  description: 'Soft',
  brand: null,
  categories: [],
  status: 'active',
  options: ['Colour', 'Size'],
  variants: sizes.map((size) => ({ sku: `${code}-${size}`, barcode: null, values: ['Red', size], weight: 250 })),
  ...more,
});
const mug = (code: string): CatalogueItem =>
  robe(code, [], { options: [], variants: [{ sku: code, barcode: null, values: [], weight: null }] });

const deliver = async (document: CatalogueItem, id: string | null = null) =>
  (await sinks.catalogue.deliver([{ ...item(document.id, document), id }], cx))[0];

interface Shown {
  readonly id: string;
  readonly title: string;
  readonly status: string;
  readonly handle: string;
  readonly updated_at: string;
  readonly options: readonly { readonly title: string; readonly values: readonly { readonly value: string }[] }[];
  readonly variants: readonly {
    readonly id: string;
    readonly title: string;
    readonly sku: string;
    readonly updated_at: string;
    readonly prices: readonly { readonly amount: number }[];
    readonly inventory_items: readonly {
      readonly inventory_item_id: string;
      readonly inventory: { readonly location_levels: readonly { readonly stocked_quantity: number }[] };
    }[];
  }[];
}
const FIELDS =
  'id,title,status,handle,updated_at,options.title,options.values.value,variants.id,variants.title,variants.sku,variants.updated_at,variants.prices.amount,variants.inventory_items.inventory_item_id,variants.inventory_items.inventory.location_levels.stocked_quantity';
const shown = async (id: string): Promise<Shown> =>
  (await lab.admin<{ product: Shown }>('GET', `/admin/products/${id}?fields=${FIELDS}`)).product;

/** Products with a variant of this code in it. */
const holders = async (code: string): Promise<string[]> => {
  const path = `/admin/product-variants?q=${code}&fields=id,product_id`;
  const { variants } = await lab.admin<{ variants: { product_id: string }[] }>('GET', path);
  return [...new Set(variants.map(({ product_id }) => product_id))];
};
const skusOf = ({ variants }: Shown): string[] => variants.map(({ sku }) => sku).sort();

async function sold(product: string, sku: string): Promise<LabVariant> {
  const variant = (await shown(product)).variants.find((one) => one.sku === sku)!;
  return { id: variant.id, product, sku, price: 12.5, inventoryItem: variant.inventory_items[0]!.inventory_item_id };
}

async function price({ id, sku }: LabVariant): Promise<void> {
  const document = { id: `web/${sku}`, sku, list: 'web', currency: 'EUR', amount: 1250, compareAt: null };
  const [result] = await sinks.prices.deliver(
    [item(document.id, { ...document, includesTax: false }, { [`product:${sku}`]: id })],
    cx,
  );
  done(result);
}

async function stock({ id, sku }: LabVariant, available: string): Promise<void> {
  const document = { id: `WH/${sku}`, sku, location: 'WH', available, asOf: '2026-11-25T10:00:00Z' };
  done((await sinks.stockLevels.deliver([item(document.id, document, { [`product:${sku}`]: id })], cx))[0]);
}

describe('the catalogue of a Medusa', { concurrency: 1 }, () => {
  test('a new product has its options, variants and what they are counted by, is sold once its price and stock came, and is one however often it is told', async () => {
    const code = codeOf();
    const { id, parts } = done(await deliver(robe(code, ['S', 'M'])));
    const first = await shown(id);
    assert.deepEqual(
      [first.title, first.status, skusOf(first)],
      [`Robe ${code}`, 'published', [`${code}-M`, `${code}-S`]],
    );
    assert.deepEqual(
      first.options.map(({ title, values }) => [title, values.map(({ value }) => value).sort()]).sort(),
      [
        ['Colour', ['Red']],
        ['Size', ['M', 'S']],
      ],
    );
    assert.deepEqual(first.variants.map(({ title }) => title).sort(), ['Red / M', 'Red / S']);
    assert.deepEqual(
      first.variants.map(({ inventory_items: [one] }) =>
        one!.inventory.location_levels.map((at) => at.stocked_quantity),
      ),
      [[0], [0]],
    );
    assert.deepEqual(
      parts!.map(({ kind, key, id: part }) => [kind, key, part]).sort(),
      first.variants.map((one) => ['product', one.sku, one.id]).sort(),
    );
    const variant = await sold(id, `${code}-S`);
    await assert.rejects(lab.place([[variant, 1]]), /do not have a price/);
    await price(variant);
    await stock(variant, '5');
    assert.ok((await lab.place([[variant, 2]])).lines.has(variant.sku));
    const before = await shown(id);
    assert.equal(done(await deliver(robe(code, ['S', 'M']))).id, id, 'by its handle');
    assert.equal(done(await deliver(robe(code, ['S', 'M']), id)).id, id);
    assert.deepEqual(await shown(id), before, 'nothing is written where nothing differs');
    assert.deepEqual(await holders(code), [id]);
    const [found] = await sinks.catalogue.find!([item(`odoo:${code}`, robe(code, ['S', 'M']))], cx);
    assert.deepEqual([found!.found, 'id' in found! && found.id], ['whole', id]);
  });

  test('a product is renamed, another variant comes, one goes with what it was counted by, and its options are called otherwise', async () => {
    const code = codeOf();
    const { id } = done(await deliver(robe(code, ['S', 'M'])));
    const kept = await sold(id, `${code}-M`);
    await price(kept);
    const next = robe(code, ['M', 'L'], { title: `Gown ${code}`, options: ['Shade', 'Size'] });
    done(await deliver(next, id));
    const now = await shown(id);
    assert.deepEqual([now.title, skusOf(now)], [`Gown ${code}`, [`${code}-L`, `${code}-M`]]);
    assert.deepEqual(now.options.map(({ title }) => title).sort(), ['Shade', 'Size']);
    const held = now.variants.find(({ id: one }) => one === kept.id)!;
    assert.deepEqual(
      held.prices.map(({ amount }) => amount),
      [12.5],
    );
    // Its code is free again, and so are its values.
    done(await deliver(robe(code, ['S', 'M', 'L'], { options: ['Shade', 'Size'] }), id));
    assert.equal((await shown(id)).variants.length, 3);
    done(await deliver(robe(code, ['S', 'M', 'L'], { status: 'archived', options: ['Shade', 'Size'] }), id));
    assert.equal((await shown(id)).status, 'draft');
    await assert.rejects(lab.place([[kept, 1]]), /not published/);
  });

  test('an item that was no choice gets one: its variant stays', async () => {
    const code = codeOf();
    const { id } = done(await deliver(mug(code)));
    const [variant] = (await shown(id)).variants;
    assert.equal(variant!.title, 'Default variant');
    const more: Partial<CatalogueItem> = {
      variants: [
        { sku: code, barcode: null, values: ['Red', 'S'], weight: null },
        { sku: `${code}-M`, barcode: null, values: ['Red', 'M'], weight: null },
      ],
    };
    done(await deliver(robe(code, [], more), id));
    const now = await shown(id);
    assert.deepEqual(now.variants.find((one) => one.id === variant!.id)!.title, 'Red / S');
    assert.deepEqual(skusOf(now), [code, `${code}-M`]);
    const fault = faultOf(await deliver(mug(code), id));
    assert.match(fault.message, /has the option (Colour|Size), which item/);
  });

  test('a variant that open orders have reserved is not sold any more, and goes once they are gone', async () => {
    const code = codeOf();
    const { id } = done(await deliver(robe(code, ['S', 'M'])));
    const variant = await sold(id, `${code}-S`);
    await price(variant);
    await stock(variant, '5');
    const order = await lab.place([[variant, 2]]);
    done(await deliver(robe(code, ['M']), id));
    assert.deepEqual(skusOf(await shown(id)), [`${code}-M`, `${code}-S`]);
    await assert.rejects(lab.place([[variant, 1]]), /do not have a price/);
    await lab.admin('POST', `/admin/orders/${order.id}/cancel`, {});
    done(await deliver(robe(code, ['M'], { title: 'Robe' }), id));
    assert.deepEqual(skusOf(await shown(id)), [`${code}-M`]);
  });

  test('what the shop has already by its code, in whatever letters, is taken for the item; what is not surely the same is a question', async () => {
    const [a, b] = lab.variants as [LabVariant, LabVariant];
    const path = `/admin/products/${a.product}/variants/${a.id}`;
    await lab.admin('POST', path, { sku: a.sku.toLowerCase() });
    const like = (sku: string): CatalogueItem => ({ ...mug(sku), title: 'Ours' });
    const [match] = await sinks.catalogue.match!([item('x', like(a.sku))], cx);
    assert.deepEqual(match, { match: 'one', id: a.product, by: 'SKU' });
    const two: CatalogueItem = {
      ...robe(codeOf(), []),
      variants: [a, b].map(({ sku }) => ({ sku, barcode: null, values: ['Red', sku], weight: null })),
    };
    assert.match(faultOf(await deliver(two)).message, /The shop has 2 products with SKUs/);
    owners.set(a.product, 'odoo:other');
    assert.match(faultOf(await deliver(like(a.sku))).message, /is item odoo:other already/);
    owners.clear();
    assert.equal(done(await deliver(like(a.sku))).id, a.product);
    const now = await shown(a.product);
    assert.deepEqual([now.title, now.variants.map((one) => one.id)], ['Ours', [a.id]]);
    assert.deepEqual(
      now.variants[0]!.prices.map(({ amount }) => amount),
      [a.price],
      'its price stays',
    );
    assert.ok((await sinks.catalogue.count!(cx)) >= lab.variants.length);
  });

  test('what Medusa left half made is left alone while it may still be made, and then made whole', async () => {
    const code = codeOf();
    const { id } = done(await deliver(robe(code, ['S'])));
    const { id: variant, inventoryItem } = await sold(id, `${code}-S`);
    await lab.admin('DELETE', `/admin/products/${id}/variants/${variant}/inventory-items/${inventoryItem}`);
    assert.match(faultOf(await deliver(robe(code, ['S']), id)).message, /still making/);
    await systemClock.sleep(2100);
    done(await deliver(robe(code, ['S']), id));
    assert.equal((await sold(id, `${code}-S`)).inventoryItem, inventoryItem, 'Medusa makes no second one of its code');
  });

  test('an item with two variants of the same values, or too few, is refused and names the field', async () => {
    const code = codeOf();
    const twice = robe(code, ['S', 'M'], { options: ['Colour'] });
    const same = { ...twice, variants: twice.variants.map((one) => ({ ...one, values: ['Red'] })) };
    for (const [wrong, words] of [
      [twice, /2 values for 1 options/],
      [same, /have the same values/],
    ] as const) {
      const fault = faultOf(await deliver(wrong));
      assert.match(fault.message, words);
      assert.deepEqual([fault.kind, 'field' in fault && fault.field], ['rejected', 'variants']);
    }
    assert.deepEqual(await holders(code), []);
  });
});
