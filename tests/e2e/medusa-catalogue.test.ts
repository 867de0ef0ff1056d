import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seeded } from '../../src/core/clock.ts';
import { startOdooSimulator } from '../../src/simulators/odoo/index.ts';
import { Ground } from '../chaos/world.ts';
import type { CatalogueParts } from '../medusa/catalogue-estate.ts';
import { furnishOdoo, shipAll } from '../medusa/people.ts';
import { type LabVariant, openMedusa } from '../medusa/shops.ts';
import { people } from '../odoo/estate.ts';
import { startProxy } from '../odoo/proxy.ts';
import { until } from '../support/target.ts';

interface Shown {
  readonly id: string;
  readonly title: string;
  readonly status: string;
  readonly variants: readonly {
    readonly id: string;
    readonly sku: string;
    readonly prices: readonly { readonly amount: number; readonly currency_code: string }[];
    readonly inventory_items: readonly {
      readonly inventory_item_id: string;
      readonly inventory: {
        readonly location_levels: readonly { readonly stocked_quantity: number; readonly reserved_quantity: number }[];
      };
    }[];
  }[];
}

/** Seconds; a lane is quiet for a minute after a kill in the middle of a call. */
const PATIENCE = 240;

const FIELDS =
  'id,title,status,variants.id,variants.sku,variants.prices.amount,variants.prices.currency_code,variants.inventory_items.inventory_item_id,variants.inventory_items.inventory.location_levels.*';

/** Requests by which the hub writes what a product is; reading calls are made again by themselves. */
const writes =
  /^\/admin\/(products\?fields=id$|products\/\w+(\?fields=id$|\/(variants|options))|product-options|inventory-items\/)/;

for (const version of [18, 19] as const)
  test(`what people bring out in Odoo ${version} is sold by a Medusa, with its variants, prices and stock, each once, while answers are lost and the hub is killed`, async (t) => {
    const from = new Date().toISOString();
    const lab = await openMedusa();
    t.after(() => lab.stop());
    const random = seeded(version);
    let lost = 0;
    const road = await startProxy(lab.url, ({ method }) => {
      if (!writes.test(method) || random() > 0.3) return undefined;
      lost += 1;
      return { do: 'cut-after' };
    });
    t.after(() => road.close());
    const server = await startOdooSimulator({ version, seed: version, currency: 'EUR' });
    t.after(() => server.stop());
    const at = await people(server);
    await furnishOdoo(at);
    const { code: warehouse } = await at.direct.warehouse(at.cx);
    const parts: CatalogueParts = {
      medusa: road.url,
      location: lab.location,
      odoo: server.url,
      database: server.db,
      login: server.login,
      ...{ warehouse, run: at.run, from },
    };
    const ground = new Ground('../medusa/catalogue-estate.ts', {
      MEDUSA_CATALOGUE: JSON.stringify(parts),
      MEDUSA_KEY: lab.key,
      ODOO_KEY: server.key,
      CROSSDOCK_LEASE_SECONDS: '3',
    });
    t.after(() => ground.close());
    let hub = ground.hub();
    const killed = async () => {
      hub.signal('SIGKILL');
      await hub.ended;
      hub = ground.hub();
    };

    const own = `OWN-${at.run}`.toUpperCase();
    /** Every product of the shop with a variant of these codes, as people see it. */
    const shown = async (): Promise<Shown[]> => {
      const found = await lab.admin<{ variants: { product_id: string }[] }>(
        'GET',
        `/admin/product-variants?q=${own}&limit=100&fields=id,product_id`,
      );
      const ids = [...new Set(found.variants.map(({ product_id }) => product_id))];
      return Promise.all(
        ids.map(
          async (id) => (await lab.admin<{ product: Shown }>('GET', `/admin/products/${id}?fields=${FIELDS}`)).product,
        ),
      );
    };
    /** `Title status: SKU price free`, for each variant. */
    const told = async (): Promise<string[]> =>
      (await shown())
        .flatMap(({ title, status, variants }) =>
          // The real one answers a product that is being changed without some of its lists.
          (variants ?? []).map(({ sku, prices = [], inventory_items: [one] = [] }) => {
            const [level] = one?.inventory?.location_levels ?? [];
            const free = level ? level.stocked_quantity - level.reserved_quantity : 'nowhere';
            return `${title} ${status}: ${sku.slice(own.length)} ${prices.map(({ amount }) => amount).join()} ${free}`;
          }),
        )
        .sort();
    const soon = async (what: string, expected: readonly string[]) => {
      let last: string[] = [];
      await until(
        what,
        async () => {
          last = await told();
          return JSON.stringify(last) === JSON.stringify(expected);
        },
        PATIENCE,
      ).catch(async (error: Error) => {
        const open = (await ground.exceptions()).map(({ cause, message }) => `${cause}: ${message}`);
        throw new Error(
          `${error.message}; the shop has ${last.join(' | ')}; ${open.join('; ')}; ${hub.said.slice(-600)}`,
        );
      });
    };

    const attribute = await at.create('product.attribute', { name: `Size ${at.run}` });
    const sizes = new Map<string, number>();
    for (const size of ['S', 'M', 'L'])
      sizes.set(size, await at.create('product.attribute.value', { name: size, attribute_id: attribute }));
    const [tax] = await at.direct.read('account.tax', [['name', '=', 'VAT 21%']], ['name'], at.cx);
    const common = { type: 'consu', is_storable: true, taxes_id: [[6, 0, [tax!.id]]] };
    const robe = await at.create('product.template', {
      ...{ ...common, name: 'Robe', list_price: 30, sale_ok: false },
      attribute_line_ids: [
        [0, 0, { attribute_id: attribute, value_ids: [[6, 0, ['S', 'M'].map((size) => sizes.get(size)!)]] }],
      ],
    });
    /** Gives each variant of the robe that has none a code; gives the ids. */
    const coded = async (codes: readonly string[]): Promise<number[]> => {
      const rows = await at.direct.read('product.product', [['product_tmpl_id', '=', robe]], ['default_code'], at.cx);
      const fresh = rows.filter(({ default_code: code }) => !code).map(({ id }) => id as number);
      for (const [n, id] of fresh.entries())
        await at.write('product.product', id, { default_code: `${own}-${codes[n]}` });
      return fresh;
    };
    const [small, medium] = (await coded(['S', 'M'])) as [number, number];
    await at.count(small, 4);
    await at.count(medium, 10);
    const mug = await at.create('product.product', {
      ...common,
      name: 'Mug',
      default_code: `${own}-MUG`,
      list_price: 8,
    });
    await at.count(mug, 3);
    // It has no price: shown, and sold to nobody.
    await at.create('product.product', { ...common, name: 'Gift', default_code: `${own}-GIFT`, list_price: 0 });
    await at.write('product.template', robe, { sale_ok: true });
    await until('the first product is made', async () => (await shown()).length > 0, PATIENCE);
    await killed();
    await soon('all is in the shop', [
      'Gift published: -GIFT  0',
      'Mug published: -MUG 8 3',
      'Robe published: -M 30 10',
      'Robe published: -S 30 4',
    ]);
    const first = await shown();
    assert.equal(first.length, 3);

    const variantOf = (sku: string): LabVariant => {
      const product = first.find(({ variants }) => variants.some((one) => one.sku === sku))!;
      const variant = product.variants.find((one) => one.sku === sku)!;
      const inventoryItem = variant.inventory_items[0]!.inventory_item_id;
      return { id: variant.id, product: product.id, sku, price: 0, inventoryItem };
    };
    await assert.rejects(lab.place([[variantOf(`${own}-GIFT`), 1]]), /have a price/);
    const [line] = await at.direct.read(
      'product.template.attribute.line',
      [['product_tmpl_id', '=', robe]],
      ['value_ids'],
      at.cx,
    );
    await at.write('product.template', robe, {
      name: 'Gown',
      list_price: 35,
      attribute_line_ids: [[1, line!.id, { value_ids: [[6, 0, [...sizes.values()]]] }]],
    });
    const [large] = (await coded(['L'])) as [number];
    await at.count(large, 6);
    const [{ product_tmpl_id: mugs }] = (await at.direct.read(
      'product.product',
      [['id', '=', mug]],
      ['product_tmpl_id'],
      at.cx,
    )) as [{ product_tmpl_id: [number, string] }];
    await at.write('product.template', mugs[0], { sale_ok: false });
    await killed();
    const placed = await lab.place([[variantOf(`${own}-M`), 2]]);
    await soon('it is called otherwise, has a size more, the mug is off sale, and what is sold is gone', [
      'Gift published: -GIFT  0',
      'Gown published: -L 35 6',
      'Gown published: -M 35 8',
      'Gown published: -S 35 4',
      'Mug draft: -MUG 8 3',
    ]);
    await assert.rejects(lab.place([[variantOf(`${own}-MUG`), 1]]), /not published/);

    const inOdoo = () =>
      at.direct.read('sale.order', [['client_order_ref', '=', placed.number]], ['amount_untaxed'], at.cx);
    await until('the order is in Odoo', async () => (await inOdoo()).length > 0, PATIENCE);
    assert.equal(await shipAll(at, [placed.number]), 1);
    type Parcels = { order: { fulfillments: { shipped_at: string | null }[] } };
    const parcels = async () =>
      (await lab.admin<Parcels>('GET', `/admin/orders/${placed.id}?fields=id,fulfillments.*`)).order.fulfillments;
    await until(
      'the shop knows that it left',
      async () => (await parcels()).some((one) => one.shipped_at !== null),
      150,
    );
    await soon('what left is off the shelf', [
      'Gift published: -GIFT  0',
      'Gown published: -L 35 6',
      'Gown published: -M 35 8',
      'Gown published: -S 35 4',
      'Mug draft: -MUG 8 3',
    ]);
    assert.equal((await parcels()).length, 1);
    assert.equal((await inOdoo()).length, 1);
    const last = await shown();
    assert.deepEqual(
      last.map(({ id }) => id).sort(),
      first.map(({ id }) => id).sort(),
      'each product once, and the same',
    );
    for (const { variants } of first)
      for (const { id, sku } of variants)
        assert.equal(last.flatMap((one) => one.variants).find((one) => one.sku === sku)!.id, id, `${sku} is the same`);
    assert.ok(lost > 0, 'no answer was lost');
    t.diagnostic(`${lost} answers lost, ${road.calls.length} calls`);
    assert.deepEqual(await ground.exceptions(), []);
  });
