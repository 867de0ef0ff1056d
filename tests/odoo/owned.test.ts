import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type OdooConnection, odoo } from '../../src/connectors/odoo/index.ts';
import type { Customer } from '../../src/model/customer.ts';
import type { Product } from '../../src/model/product.ts';
import { done, faultOf, item, type People, people } from './estate.ts';
import { accessTo, type OdooServer, servers } from './servers.ts';

/** Who may write what: the hub, and people in Odoo beside it. Simulators of 18 and 19, or the real server that the environment names. */
for (const { name, start } of servers)
  describe(`ownership of fields: ${name}`, () => {
    let server: OdooServer;
    let at: People;
    let hub: OdooConnection;

    before(async () => {
      server = await start();
      at = await people(server);
      hub = odoo(accessTo(server));
    });
    after(() => server?.stop());

    const customer = (key: string, more: Partial<Customer> = {}): Customer => ({
      id: key,
      number: `N-${key}`,
      name: `Ada ${key}`,
      country: 'DE',
      email: `${key}@example.com`,
      phone: '+49 30 1',
      ...more,
    });
    const product = (sku: string, more: Partial<Product> = {}): Product => ({
      sku: `${sku}-${at.run}`.toUpperCase(),
      code: `${sku}-${at.run}`,
      name: `Thing ${sku}`,
      kind: 'goods',
      ...more,
    });
    const barcode = () => String(Date.now()).slice(-6) + String(Math.trunc(Math.random() * 1e7)).padStart(7, '0');
    const sendCustomer = async (one: Customer, more: object = {}) =>
      (await hub.sinks.customers.deliver([{ ...item(one.id, one), ...more }], at.cx))[0];
    const send = async (one: Product, more: object = {}) =>
      (await hub.sinks.products.deliver([{ ...item(one.sku, one), ...more }], at.cx))[0];
    const read = async (model: string, id: string, fields: string[]) => {
      const [row] = await at.direct.read(model, [['id', '=', Number(id)]], fields, at.cx);
      return fields.map((field) => row![field]);
    };
    const contact = ['name', 'ref', 'email', 'phone'];

    it('what changed in the hub is written, and what a person changed stays', async () => {
      const first = customer(`a-${at.run}`);
      const { id } = done(await sendCustomer(first));
      assert.deepEqual(await read('res.partner', id, contact), [first.name, first.number, first.email, first.phone]);
      await at.write('res.partner', Number(id), { name: 'Ada Lovelace', phone: '+44 1' });
      const moved = { ...first, email: `new-${first.email}` };
      assert.equal(done(await sendCustomer(moved, { id, version: 2, before: first })).id, id);
      assert.deepEqual(await read('res.partner', id, contact), [
        'Ada Lovelace',
        first.number,
        `new-${first.email}`,
        '+44 1',
      ]);
      const gone = { ...moved, phone: null };
      done(await sendCustomer(gone, { id, version: 3, before: moved }));
      assert.deepEqual((await read('res.partner', id, contact))[3], false);
      done(await sendCustomer({ ...gone, name: 'Ada King' }, { id, version: 4, before: null }));
      assert.deepEqual(
        (await read('res.partner', id, contact))[0],
        'Ada King',
        'not known what was said: it is said again',
      );
    });

    it('of a flow that carries some fields only these are written to a partner that is there, all to one that is made', async () => {
      const first = customer(`f-${at.run}`);
      const fields = ['name', 'email', 'country'];
      const { id } = done(await sendCustomer(first, { fields }));
      assert.deepEqual(await read('res.partner', id, contact), [first.name, first.number, first.email, first.phone]);
      await at.write('res.partner', Number(id), { phone: '+44 2' });
      // What the hub has of the others may be older than what is there.
      const moved = { ...first, email: `new-${first.email}`, phone: '+49 30 2', number: 'other' };
      done(await sendCustomer(moved, { id, version: 2, before: first, fields }));
      done(await sendCustomer({ ...moved, phone: null }, { id, version: 3, before: null, fields }));
      assert.deepEqual(await read('res.partner', id, contact), [
        first.name,
        first.number,
        `new-${first.email}`,
        '+44 2',
      ]);
      const theirs = await at.create('res.partner', { name: 'By hand too' });
      done(await sendCustomer(customer(`g-${at.run}`), { id: String(theirs), fields }));
      assert.deepEqual(
        (await read('res.partner', String(theirs), contact))[3],
        '+49 30 1',
        'empty, so it is filled in',
      );
    });

    it('a partner that is there because an answer was lost keeps what people filled in since', async () => {
      const first = customer(`h-${at.run}`, { phone: null });
      const { id } = done(await sendCustomer(first));
      await at.write('res.partner', Number(id), { phone: '+44 3' });
      assert.equal(done(await sendCustomer(first)).id, id, 'again, for nobody heard that it is there');
      assert.deepEqual(await read('res.partner', id, contact), [first.name, first.number, first.email, '+44 3']);
      const fields = ['name', 'email', 'country'];
      const moved = { ...first, name: 'Ada Holt', email: null, phone: '+49 30 4' };
      assert.equal(done(await sendCustomer(moved, { version: 2, fields })).id, id);
      assert.deepEqual(await read('res.partner', id, contact), ['Ada Holt', first.number, false, '+44 3']);
      assert.equal(done(await sendCustomer({ ...moved, phone: null }, { version: 3 })).id, id);
      assert.deepEqual((await read('res.partner', id, contact))[3], false, 'the word of a flow that owns all of it');
    });

    it('of a record that was there by itself only empty fields are filled in', async () => {
      const theirs = await at.create('res.partner', { name: 'By hand', phone: '+1 2' });
      const one = customer(`b-${at.run}`);
      done(await sendCustomer(one, { id: String(theirs) }));
      assert.deepEqual(await read('res.partner', String(theirs), contact), ['By hand', one.number, one.email, '+1 2']);
    });

    it('a product made by hand is bound by its code, or its barcode, and never made a second time', async () => {
      const [code, other] = [barcode(), barcode()];
      const byCode = await at.product('hand', 0, { name: 'Made by hand', list_price: 12 });
      const one = product('hand', { barcode: code });
      for (const again of [1, 2]) assert.equal(done(await send(one)).id, String(byCode), `time ${again}`);
      assert.deepEqual(await read('product.product', String(byCode), ['name', 'barcode', 'list_price']), [
        'Made by hand',
        code,
        12,
      ]);
      const byBarcode = await at.create('product.product', { name: 'No code', type: 'consu', barcode: other });
      const two = product('two', { barcode: other });
      assert.equal(done(await send(two)).id, String(byBarcode));
      assert.deepEqual(await read('product.product', String(byBarcode), ['default_code']), [two.code]);
      const count = (domain: unknown[]) => at.direct.count('product.product', domain, at.cx);
      assert.equal(await count([['default_code', 'in', [one.code, two.code]]]), 2);
    });

    it('where two could be meant a person decides, and nothing is written', async () => {
      const code = barcode();
      await at.product('twin');
      await at.create('product.product', { name: 'Barcode only', type: 'consu', barcode: code });
      const fault = faultOf(await send(product('twin', { barcode: code })));
      assert.equal(fault.kind === 'rejected' && fault.cause, 'product-ambiguous');
      assert.match(fault.message, /2 products that twin-.* could be: 'Thing twin' .* and 'Barcode only'/);
      const taken = barcode();
      done(await send(product('own', { barcode: taken })));
      const second = faultOf(await send(product('rival', { barcode: taken })));
      assert.equal(second.kind === 'rejected' && second.cause, 'product-ambiguous');
      const old = await at.product('old');
      await at.write('product.product', old, { active: false });
      const archived = faultOf(await send(product('old')));
      assert.equal(archived.kind === 'rejected' && archived.cause, 'product-archived');
    });

    it('what was there by itself is matched by code, barcode, e-mail or order number, and named where several are', async () => {
      const code = barcode();
      const byCode = await at.product('match');
      const byBarcode = await at.create('product.product', { name: 'Bar', type: 'consu', barcode: code });
      const asked = [product('match'), product('bar', { barcode: code }), product('none')].map((one) =>
        item(one.sku, one),
      );
      assert.deepEqual(await hub.sinks.products.match!(asked, at.cx), [
        { match: 'one', id: String(byCode), by: 'SKU' },
        { match: 'one', id: String(byBarcode), by: 'barcode' },
        { match: 'none' },
      ]);
      const known = customer(`m-${at.run}`);
      const partner = await at.create('res.partner', { name: 'Known', email: known.email!.toUpperCase() });
      await at.create('res.partner', { name: 'Delivery', email: known.email, parent_id: partner, type: 'delivery' });
      const numbered = await at.create('res.partner', { name: 'Numbered', ref: `N-n-${at.run}` });
      const both = customer(`n-${at.run}`, { email: known.email! });
      const found = await hub.sinks.customers.match!(
        [known, customer(`n-${at.run}`), both, customer(`o-${at.run}`)].map((one) => item(one.id, one)),
        at.cx,
      );
      assert.deepEqual(found, [
        { match: 'one', id: String(partner), by: 'e-mail' },
        { match: 'one', id: String(numbered), by: 'number' },
        {
          match: 'several',
          message: `2 partners in Odoo have its number or e-mail: id ${numbered}, id ${partner}`,
        },
        { match: 'none' },
      ]);
      const { order } = await at.order(byCode, 1);
      await at.write('sale.order', order, { client_order_ref: `W-${at.run}` });
      const fields = ['currency_id', 'amount_total'];
      const [theirs] = await at.direct.read('sale.order', [['id', '=', order]], fields, at.cx);
      const worth = Math.round(Number(theirs!.amount_total) * 100);
      const sold = (total: number) =>
        item('o', {
          number: `W-${at.run}`,
          currency: (theirs!.currency_id as [number, string])[1],
          pricesIncludeTax: true,
          lines: [{ total }],
        } as never);
      const [placed, other] = await hub.sinks.saleOrders.match!([sold(worth), sold(2 * worth)], at.cx);
      assert.deepEqual(placed, { match: 'one', id: String(order), by: 'order number and total' });
      assert.equal(other!.match, 'several', 'another order of that number, of another channel');
      for (const sink of [hub.sinks.products, hub.sinks.customers, hub.sinks.saleOrders])
        assert.ok((await sink.count!(at.cx)) > 0);
    });

    it('a product that turns from goods to service, or gets another barcode, follows', async () => {
      const first = product('turn', { barcode: barcode() });
      const { id } = done(await send(first));
      await at.write('product.product', Number(id), { name: 'Better name' });
      const next = { ...first, barcode: barcode(), kind: 'service' as const };
      done(await send(next, { id, version: 2, before: first }));
      assert.deepEqual(await read('product.product', id, ['name', 'barcode', 'type', 'is_storable']), [
        'Better name',
        next.barcode,
        'service',
        false,
      ]);
    });
  });
