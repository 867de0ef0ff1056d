import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type OdooConnection, odoo } from '../../src/connectors/odoo/index.ts';
import type { Item } from '../../src/core/connector.ts';
import type { Address } from '../../src/model/address.ts';
import type { Order } from '../../src/model/order.ts';
import { done, faultOf, item, type People, people, soldOn } from './estate.ts';
import { accessTo, type OdooServer, servers } from './servers.ts';

/** Addresses of orders in Odoo: simulators of 18 and 19, or the real server that the environment names. */
for (const { name, start } of servers)
  describe(`addresses of orders: ${name}`, () => {
    let server: OdooServer;
    let at: People;
    let hub: OdooConnection;
    let currency: string;
    let links: Record<string, string>;
    let number = 0;

    before(async () => {
      server = await start();
      at = await people(server, { mappings: {} });
      hub = odoo(accessTo(server));
      currency = (await at.direct.company(at.cx)).currency.name;
      const customer = { id: 'C', number: null, name: `Ada ${at.run}`, country: 'GB' };
      links = {
        'customer:C': done((await hub.sinks.customers.deliver([item(`c-${at.run}`, customer)], at.cx))[0]).id,
        'product:G': String(await at.product('G')),
      };
    });
    after(() => server?.stop());

    const address = (more: Partial<Address> = {}): Address => ({
      name: 'Ada Lovelace',
      company: null,
      street: 'Korenmarkt 1',
      street2: null,
      city: 'Gent',
      postalCode: '9000',
      region: null,
      country: 'BE',
      phone: '+32 9 1',
      email: null,
      ...more,
    });
    const order = (more: Partial<Order>): Item<Order> => {
      const key = `a-${at.run}-${++number}`;
      const line = {
        id: '1',
        sku: 'G',
        description: 'Goods',
        quantity: '1',
        unitPrice: '5.00',
        taxes: [],
        total: 500,
      };
      const document: Order = {
        ...soldOn(key, currency),
        lines: [line],
        ...more,
      };
      return item(key, document, links);
    };
    const send = (...orders: Item<Order>[]) => hub.sinks.saleOrders.deliver(orders, at.cx);
    const placesOf = async (id: string) => {
      const fields = ['partner_id', 'partner_shipping_id', 'partner_invoice_id'];
      const [row] = await at.direct.read('sale.order', [['id', '=', Number(id)]], fields, at.cx);
      return fields.map((field) => (row![field] as [number, string])[0]);
    };
    const contacts = () => at.direct.count('res.partner', [['parent_id', '=', Number(links['customer:C'])]], at.cx);

    it('are contacts of the customer, one for each content, and goods go there', async () => {
      const bill = address({ company: 'Engines Ltd', street: 'Strand 1', city: 'London', country: 'GB' });
      const results = await send(
        order({ shipTo: address(), billTo: bill }),
        order({ shipTo: address() }),
        order({ shipTo: address({ street: 'Korenmarkt 2' }) }),
        order({}),
      );
      const places = [];
      for (const result of results) places.push(await placesOf(done(result).id));
      const [first, second, third, plain] = places as [number[], number[], number[], number[]];
      assert.equal(await contacts(), 3);
      assert.equal(first[1], second[1], 'the same address is the same contact');
      assert.notEqual(first[1], third[1]);
      assert.equal(new Set([first[0], first[1], first[2]]).size, 3);
      const fields = ['name', 'type', 'street', 'city', 'zip', 'phone', 'country_id'];
      const rows = await at.direct.read('res.partner', [['id', 'in', [first[1], first[2]]]], fields, at.cx);
      const by = (type: string) => rows.find((row) => row.type === type)!;
      assert.deepEqual(
        ['name', 'street', 'city', 'zip', 'phone'].map((field) => by('delivery')[field]),
        ['Ada Lovelace', 'Korenmarkt 1', 'Gent', '9000', '+32 9 1'],
      );
      assert.equal(by('invoice').name, 'Engines Ltd, Ada Lovelace');
      const domain = [['sale_id', '=', Number(done(results[0]).id)]];
      const [picking] = await at.direct.read('stock.picking', domain, ['partner_id'], at.cx);
      assert.equal((picking!.partner_id as [number, string])[0], first[1]);
      assert.ok(plain);
    });

    it('that a person corrected in Odoo stay corrected', async () => {
      const wrong = address({ street: 'Korenmarkt 3' });
      const [, contact] = await placesOf(done((await send(order({ shipTo: wrong })))[0]).id);
      await at.write('res.partner', contact!, { street: 'Korenmarkt 33' });
      const [, again] = await placesOf(done((await send(order({ shipTo: wrong })))[0]).id);
      assert.equal(again, contact);
      const [row] = await at.direct.read('res.partner', [['id', '=', contact]], ['street'], at.cx);
      assert.equal(row!.street, 'Korenmarkt 33');
    });

    it('that Odoo cannot have go to a person, and the others go', async () => {
      const [bad, good] = await send(order({ shipTo: address({ country: 'XX' }) }), order({ shipTo: address() }));
      const fault = faultOf(bad);
      assert.equal(fault.kind === 'rejected' && fault.cause, 'country-unknown');
      done(good);
    });
  });
