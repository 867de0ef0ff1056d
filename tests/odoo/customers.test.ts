import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openCustomers } from '../support/customers.ts';
import { testLedger } from '../support/hub.ts';
import { until } from '../support/target.ts';
import { servers } from './servers.ts';

/** A customer of a shop and its partner, the hub between them. Simulators of 18 and 19, or the real server that the environment names. */
for (const { name, start } of servers)
  test(`a customer is one partner, and each field follows its owner: ${name}`, async (t) => {
    const world = await openCustomers(await testLedger(t), { odoo: start });
    t.after(() => world.close());
    const { shop, partners, edit, settled } = world;
    const shown = async () => {
      const [{ name, email, phone } = { name: null, email: null, phone: null }, ...more] = await partners(ada);
      assert.deepEqual(more, [], 'a second partner');
      return [name, email, phone];
    };
    const ada = world.signUp('Ada Lovelace');
    await until('the partner is there', async () => (await partners(ada)).length > 0, 60);
    assert.deepEqual(await shown(), ['Ada Lovelace', 'ada.lovelace@example.com', false]);

    await edit(ada, { phone: '+32 470 12 34 56' });
    await until('the shop has the number', () => ada.phone === '+32470123456', 60);
    shop.changeCustomer(ada, { email: 'ada@example.org' });
    await until('Odoo has the address', async () => (await shown())[1] === 'ada@example.org', 60);

    // Both at once, of different fields.
    shop.changeCustomer(ada, { lastName: 'King' });
    await edit(ada, { phone: '+32 470 00 00 01' });
    await until('both have arrived', async () => ada.phone === '+32470000001' && (await shown())[0] === 'Ada King', 60);

    // Each side writes what is the other's: it stays there, and goes nowhere.
    shop.changeCustomer(ada, { phone: '+3299' });
    await edit(ada, { email: 'typo@example.org', name: 'Ada K.' });
    await settled();
    assert.deepEqual([ada.email, ada.phone], ['ada@example.org', '+3299']);
    assert.deepEqual(await shown(), ['Ada K.', 'typo@example.org', '+32 470 00 00 01']);

    // An order carries the number that Odoo does not have.
    world.order(ada, 'Ada King');
    await until(
      'the order is there',
      async () =>
        (await world.at.direct.count(
          'sale.order',
          [['partner_id', '=', (await partners(ada))[0]!.id]],
          world.at.cx,
        )) === 1,
      60,
    );
    await settled();
    assert.deepEqual(await shown(), ['Ada K.', 'typo@example.org', '+32 470 00 00 01']);

    // The owner's next word on a field puts that field right, and no other.
    shop.changeCustomer(ada, { email: 'right@example.org' });
    await until('Odoo has the address', async () => (await shown())[1] === 'right@example.org', 60);
    assert.deepEqual([(await shown())[0], ada.phone], ['Ada K.', '+3299']);
    await edit(ada, { phone: '+32 470 00 00 02' });
    await until('the shop has the number', () => ada.phone === '+32470000002', 60);
    await edit(ada, { phone: false });
    await until('the shop has none', () => ada.phone === null, 60);
    await settled();
    assert.deepEqual(await shown(), ['Ada K.', 'right@example.org', false]);
    assert.equal(ada.email, 'right@example.org');
    assert.deepEqual(await world.exceptions(), []);
  });
