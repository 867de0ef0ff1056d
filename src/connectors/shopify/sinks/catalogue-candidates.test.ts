import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeContext } from '../../../../tests/odoo/context.ts';
import type { Context, Item, Result } from '../../../core/connector.ts';
import type { CatalogueItem } from '../../../model/catalogue-item.ts';
import type { Customer } from '../../../model/customer.ts';
import { startShopify } from '../../../simulators/shopify/index.ts';
import { person } from '../../../simulators/shopify/traffic.ts';
import { shopify } from '../index.ts';

async function lab(t: { after(fn: () => Promise<void>): void }) {
  const simulator = await startShopify({ bucket: [1e6, 1e6] });
  t.after(() => simulator.stop());
  const { sinks } = shopify({
    shop: simulator.shop.domain,
    url: simulator.url,
    token: { secret: 'TOKEN' },
    clientSecrets: [{ secret: 'TOKEN' }],
  });
  return { shop: simulator.shop, sinks, cx: makeContext({ secrets: { TOKEN: simulator.token } }) };
}

const item = (key: string, variants: [sku: string, barcode?: string][]): Item<CatalogueItem> => ({
  key,
  id: null,
  version: 1,
  links: new Map(),
  document: {
    id: key,
    title: `Title of ${key}`,
    description: '',
    brand: null,
    categories: [],
    status: 'active',
    options: variants.length > 1 ? ['Size'] : [],
    variants: variants.map(([sku, barcode = null], n) => ({
      sku,
      barcode,
      values: variants.length > 1 ? [`Size ${n}`] : [],
      weight: null,
    })),
  },
});
const told = (result: Result | undefined): string =>
  result?.outcome === 'failed' && result.fault.kind === 'rejected'
    ? `${result.fault.cause}: ${result.fault.message}`
    : String(result?.outcome);

test('an item whose SKU the shop has under another address is that product, in whatever letter case, and none is made beside it', async (t) => {
  const { shop, sinks, cx } = await lab(t);
  const snack = shop.addProduct('Snack bar', [{ sku: 'snk-1', price: 250n }], { handle: 'bar' });
  const [result] = await sinks.catalogue.deliver([item('odoo:7', [['SNK-1']])], cx);
  assert.ok(result?.outcome === 'done', told(result));
  assert.deepEqual(
    [result.id, result.parts],
    [snack.id, [{ kind: 'product', key: 'SNK-1', id: snack.variants[0]!.id }]],
  );
  assert.equal(shop.products.size, 1);
  assert.deepEqual([snack.title, snack.handle, snack.variants[0]!.price], ['Title of odoo:7', 'bar', 250n]);
});

test('by its barcode where the shop has no SKU for it, with a variant of the item that is new there', async (t) => {
  const { shop, sinks, cx } = await lab(t);
  const tea = shop.addProduct('Tea', [{ sku: '', barcode: '5400000000017' }]);
  const [variant] = tea.variants;
  const [match] = await sinks.catalogue.match!([item('tea', [['TEA-1', '5400000000017']])], cx);
  assert.deepEqual(match, { match: 'one', id: tea.id, by: 'barcode' });
  const both = item('tea', [['TEA-1', '5400000000017'], ['TEA-2']]);
  const [result] = await sinks.catalogue.deliver([both], cx);
  assert.ok(result?.outcome === 'done' && result.id === tea.id, told(result));
  assert.deepEqual([variant!.id, variant!.sku], [result.parts![0]!.id, 'TEA-1']);
  assert.deepEqual([shop.products.size, tea.variants.length], [1, 2]);
});

test('what would take variants from the shop, or could be two products, goes to a person; nothing is made or changed', async (t) => {
  const { shop, sinks, cx } = await lab(t);
  shop.addProduct('Box', [{ sku: 'BOX-1' }, { sku: 'BOX-XL' }]);
  shop.addProduct('Pen', [{ sku: 'PEN' }]);
  shop.addProduct('Pen again', [{ sku: 'Pen' }]);
  shop.addProduct('Cup', [{ sku: 'CUP-OLD', barcode: '5400000000024' }]);
  const before = JSON.stringify([...shop.products.values()].map(({ title, variants }) => [title, variants.length]));
  const items = [
    item('box', [['BOX-1']]),
    item('pen', [['PEN']]),
    item('cup', [['CUP', '5400000000024']]),
    item('hat', [['HAT']]),
  ];
  const matches = await sinks.catalogue.match!(items, cx);
  assert.deepEqual(
    matches.map(({ match }) => match),
    ['several', 'several', 'several', 'none'],
  );
  const results = await sinks.catalogue.deliver(items.slice(0, 3), cx);
  assert.match(
    told(results[0]),
    /^product-ambiguous: The shop has 'Box' \(BOX-1, gid.*\), and other variants in it that item box does not have \(BOX-XL\)/,
  );
  assert.match(told(results[1]), /^product-ambiguous: The shop has 2 products with SKUs or barcodes of item pen/);
  assert.match(told(results[2]), /^product-ambiguous: .*CUP-OLD/);
  assert.equal(
    JSON.stringify([...shop.products.values()].map(({ title, variants }) => [title, variants.length])),
    before,
  );
  assert.equal(await sinks.catalogue.count!(cx), 4);
});

test('a product is one item only: one that another is bound to goes to a person, also where both come at once or its address is the item’s own', async (t) => {
  const { shop, sinks, cx } = await lab(t);
  const tea = shop.addProduct('Tea', [{ sku: 'TEA' }]);
  const questions: string[] = [];
  const bound = new Map<string, string>();
  const asking: Context = {
    ...cx,
    otherBoundTo: async (kind, key, id) => {
      questions.push(`${kind} ${key} ${id}`);
      return [...bound].find(([other, theirs]) => other !== key && theirs === id)?.[0] ?? null;
    },
  };
  const results = await sinks.catalogue.deliver([item('tea', [['TEA']]), item('new tea', [['TEA']])], asking);
  assert.deepEqual([told(results[0]), shop.products.size, tea.title], ['done', 1, 'Title of tea']);
  assert.match(told(results[1]), /^product-ambiguous: The shop has 'Title of tea' \(TEA, gid.*item tea already/);
  assert.deepEqual(questions, [`catalogue-item tea ${tea.id}`]);
  bound.set('tea', tea.id);
  const [late] = await sinks.catalogue.deliver([item('new tea', [['TEA']])], asking);
  assert.match(told(late), /^product-ambiguous: .*item tea already/);
  const [own] = await sinks.catalogue.deliver([{ ...item('tea', [['TEA']]), id: tea.id }], asking);
  assert.equal(told(own), 'done');
  const [made] = await sinks.catalogue.deliver([item('cup', [['CUP']])], asking);
  assert.ok(made?.outcome === 'done', told(made));
  bound.set('other cup', made.id);
  assert.deepEqual(await sinks.catalogue.find!([item('cup', [['CUP']])], asking), [{ found: 'absent' }]);
  assert.match(told((await sinks.catalogue.deliver([item('cup', [['CUP']])], asking))[0]), /item other cup already/);
});

test('customers are known by their e-mail address, in whatever letter case', async (t) => {
  const { shop, sinks, cx } = await lab(t);
  const ada = shop.addCustomer({ ...person(shop, 1), email: 'Ada"O\'x@example.com' });
  shop.addCustomer(person(shop, 2));
  const customer = (email: string | null): Item<Customer> => ({
    key: String(email),
    id: null,
    version: 1,
    links: new Map(),
    document: { id: 'c', name: 'Ada', number: null, email, phone: null } as unknown as Customer,
  });
  const answers = await sinks.customers.match!(
    [customer('ada"o\'X@EXAMPLE.com '), customer('nobody@example.com'), customer(null)],
    cx,
  );
  assert.deepEqual(answers, [{ match: 'one', id: ada.id, by: 'e-mail' }, { match: 'none' }, { match: 'none' }]);
  assert.equal(await sinks.customers.count!(cx), 2);
});
