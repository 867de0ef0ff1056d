import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { partsOf } from '../../src/cli/parts.ts';
import { odoo } from '../../src/connectors/odoo/index.ts';
import { shopify } from '../../src/connectors/shopify/index.ts';
import { defineEstate, secret } from '../../src/core/estate.ts';
import { adoptMatches, compareSides } from '../../src/engine/adopt.ts';
import { webOrders, webProducts } from '../../src/flows/web-orders.ts';
import { startOdooSimulator } from '../../src/simulators/odoo/index.ts';
import { startShopify } from '../../src/simulators/shopify/index.ts';
import { placeOrder } from '../../src/simulators/shopify/orders.ts';
import { furnish, person, place } from '../../src/simulators/shopify/traffic.ts';
import { goLive } from '../support/go-live.ts';
import { testLedger } from '../support/hub.ts';
import { people } from './estate.ts';

/** An Odoo and a shop that are both full of the same things before there is a hub. */
for (const version of [18, 19] as const)
  describe(`adopting: a shop and a simulated Odoo ${version}`, () => {
    it('what both have is shown, bound with a reason, and never made twice', async (t) => {
      const server = await startOdooSimulator({ version, seed: 1, currency: 'EUR' });
      const simulator = await startShopify({ seed: 2, bucket: [1e6, 1e6] });
      t.after(() => server.stop());
      t.after(() => simulator.stop());
      const at = await people(server);
      const { shop } = simulator;
      furnish(shop);
      const variants = [...shop.variants.values()];
      const [twin, only, byBarcode, ...others] = variants.filter(({ sku }) => sku?.startsWith('ART-'));
      byBarcode!.barcode = '4006381333931';
      const product = (vals: object) => at.create('product.product', { type: 'consu', is_storable: true, ...vals });
      for (const { sku } of others) await product({ name: `Mine ${sku}`, default_code: sku!.replace('ART', 'Art') });
      await product({ name: 'By barcode', barcode: byBarcode!.barcode });
      for (const name of ['One', 'Two']) await product({ name, default_code: twin!.sku });
      await product({ name: 'Not in the shop', default_code: 'OWN-1' });
      const buyers = [1, 2, 3].map((n) => person(shop, n));
      for (const customer of buyers)
        placeOrder(shop, {
          lines: [{ variantId: others[0]!.id, quantity: 1 }],
          customer,
          shippingAddress: place(shop, customer.displayName),
        });
      const partners: number[] = [];
      for (const { email } of buyers.slice(0, 2))
        partners.push(await at.create('res.partner', { name: 'Known', email: String(email).toUpperCase() }));
      const [known] = await at.direct.read(
        'product.product',
        [['default_code', '=ilike', others[0]!.sku]],
        ['name'],
        at.cx,
      );
      const placed = [...shop.orders.values()];
      const price = Number(others[0]!.price) / 100;
      const taxes = version === 18 ? 'tax_id' : 'tax_ids';
      const numbered: [string, number][] = [
        [placed[0]!.name, price],
        [placed[1]!.name, price + 0.06],
      ];
      for (const [client_order_ref, price_unit] of numbered)
        await at.create('sale.order', {
          partner_id: partners[0],
          client_order_ref,
          state: 'sale',
          order_line: [[0, 0, { product_id: known!.id, product_uom_qty: 1, price_unit, [taxes]: [[6, 0, []]] }]],
        });

      const web = shopify({
        shop: shop.domain,
        url: simulator.url,
        token: secret('TOKEN'),
        clientSecrets: [secret('CLIENT')],
        every: '1s',
      });
      const erp = odoo({ url: server.url, database: server.db, login: server.login, key: secret('ODOO_KEY') });
      const { customers, products, saleOrders } = erp.sinks;
      const orders = webOrders({
        from: web.sources.orders,
        to: { customer: customers, product: products, order: saleOrders },
        zone: 'Europe/Brussels',
      });
      const rows: Record<string, Record<string, string>> = {
        'shopify-locations': Object.fromEntries([...shop.locations.values()].map(({ id, name }) => [id, name])),
        'shopify-payment-methods': { shopify_payments: 'card' },
      };
      const mappings = orders.mappings!.map((seed) => ({ ...seed, rows: rows[seed.table] ?? seed.rows }));
      const goods = webProducts({ from: web.sources.products, to: { product: products } });
      const estate = defineEstate({
        name: 'adopting',
        connections: { web, erp },
        flows: [{ ...orders, mappings }, goods],
      });
      const ledger = await testLedger(t);
      const secrets = { TOKEN: simulator.token, CLIENT: simulator.secrets[0], ODOO_KEY: server.key };
      const parts = {
        ...(await partsOf(estate, ledger)),
        secret: (name: string) => secrets[name as keyof typeof secrets]!,
      };
      const sidesOf = async (id: string) => {
        const flow = parts.wiring.flow(id)!;
        const port = parts.wiring.sources.find(({ flows }) => flows.includes(flow))!;
        const { sides, unasked } = await compareSides(parts, port, flow, AbortSignal.timeout(60_000));
        assert.deepEqual(unasked, []);
        return { flow, sides };
      };
      const bindings = async () =>
        Number((await ledger.db.query<{ n: bigint }>('test_bindings', 'select count(*) as n from binding'))[0]!.n);

      const shown = await sidesOf('web-products');
      const [side] = shown.sides;
      assert.deepEqual(
        [side!.matched.length, side!.onlyHere, side!.ambiguous.map(({ key }) => key), side!.known],
        [others.length + 1, [only!.sku, 'GIFT'].sort(), [twin!.sku], 0],
      );
      assert.equal(side!.onlyThere, 3, 'the twins, and what the shop has not');
      assert.deepEqual(
        side!.matched.filter(({ by }) => by === 'barcode').map(({ key }) => key),
        [byBarcode!.sku],
      );
      assert.match(side!.ambiguous[0]!.message, /'One' .* and 'Two'/);
      assert.equal(await bindings(), 0, 'showing writes nothing');

      const by = { by: 'tests', reason: 'both were there before' };
      await adoptMatches(parts, { ...shown, source: 'web' }, by);
      const sold = await sidesOf('web-orders');
      const counts = Object.fromEntries(sold.sides.map((one) => [one.kind, [one.matched.length, one.onlyHere.length]]));
      assert.deepEqual(
        [counts.customer, counts.order],
        [
          [2, 1],
          [1, 1],
        ],
      );
      const unlike = sold.sides.find(({ kind }) => kind === 'order')!.ambiguous;
      assert.equal(unlike.length, 1);
      assert.match(
        unlike[0]!.message,
        /is over \d+\.\d\d EUR, in Odoo its number has S\d+ \(id \d+\) over [\d.]+ EUR$/,
      );
      await adoptMatches(parts, { ...sold, source: 'web' }, by);
      assert.equal((await sidesOf('web-products')).sides[0]!.known, others.length + 1, 'bound now');
      const audit = await ledger.db.query<{ n: bigint }>(
        'test_audit',
        `select count(*) as n from audit where action = 'records.adopted'`,
      );
      assert.ok(Number(audit[0]!.n) >= 3);

      await goLive(t, parts);
      const count = (model: string, domain: unknown[]) => at.direct.count(model, domain, at.cx);
      for (const { sku } of others)
        assert.equal(await count('product.product', [['default_code', '=ilike', sku]]), 1, sku!);
      assert.equal(await count('product.product', [['barcode', '=', byBarcode!.barcode]]), 1);
      assert.equal(await count('product.product', [['default_code', '=', twin!.sku]]), 2, 'a third twin was not made');
      assert.equal(await count('product.product', [['default_code', '=', only!.sku]]), 1, 'what was missing was made');
      for (const { email } of buyers) {
        const people = [
          ['email_normalized', '=', email],
          ['parent_id', '=', false],
        ];
        assert.equal(await count('res.partner', people), 1);
      }
      for (const [n, { name }] of placed.entries())
        assert.equal(
          await count('sale.order', [['client_order_ref', '=', name]]),
          n === 1 ? 2 : 1,
          `${name}: the second number is another channel's as well`,
        );
    });
  });
