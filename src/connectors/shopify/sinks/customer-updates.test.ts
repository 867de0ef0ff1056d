import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeContext } from '../../../../tests/odoo/context.ts';
import { assertGiven } from '../../../../tests/shopify/given.ts';
import type { Context, Item } from '../../../core/connector.ts';
import type { Customer } from '../../../model/customer.ts';
import { startShopify } from '../../../simulators/shopify/index.ts';
import { person } from '../../../simulators/shopify/traffic.ts';
import { shopify } from '../index.ts';

/** A shop with one customer, the sink, and what was written. */
async function lab(t: { after(fn: () => Promise<void>): void }) {
  const simulator = await startShopify({ bucket: [1e6, 1e6] });
  t.after(() => simulator.stop());
  const { shop } = simulator;
  const held = shop.addCustomer(person(shop, 1));
  const { customers } = shopify({
    shop: shop.domain,
    url: simulator.url,
    token: { secret: 'TOKEN' },
    clientSecrets: [{ secret: 'TOKEN' }],
  }).sinks;
  const inputs: object[] = [];
  const cx: Context = makeContext({
    secrets: { TOKEN: simulator.token },
    fetch: (url, { timeout, ...init } = {}) => {
      assertGiven(init.body);
      inputs.push((JSON.parse(String(init.body)) as { variables: { input: object } }).variables.input);
      return fetch(url, init);
    },
  });
  const document: Customer = {
    id: 'web:1',
    number: '1',
    name: 'Ada van der Berg',
    country: 'BE',
    email: 'ada@example.org',
    phone: '+32 (0)470 12.34-56',
  };
  const send = async (more: Partial<Item<Customer>>) => {
    const one: Item<Customer> = { key: 'web:1', id: held.id, version: 2, document, links: new Map(), ...more };
    return (await customers.deliver([one], cx))[0]!;
  };
  return { shop, held, document, send, inputs };
}

test('of a flow that owns fields only these are written, and only those are told as held', async (t) => {
  const { held, send, inputs } = await lab(t);
  const result = await send({ fields: ['phone'] });
  assert.deepEqual(inputs, [{ id: held.id, phone: '+32470123456' }]);
  assert.equal(held.email, 'customer1@example.com');
  assert.deepEqual(result.outcome === 'done' && result.held, { phone: '+32470123456' });
  assert.equal(result.outcome === 'done' && result.version, BigInt(held.updatedAt.getTime()));
});

test('what did not change since it was last written is not written, and nothing is not sent', async (t) => {
  const { held, document, send, inputs } = await lab(t);
  assert.equal((await send({ before: document, fields: ['phone', 'email'] })).outcome, 'done');
  assert.deepEqual(inputs, []);
  await send({ before: { ...document, email: 'old@example.org' } });
  assert.deepEqual(inputs, [{ id: held.id, email: 'ada@example.org' }]);
  await send({ before: null });
  assert.deepEqual(inputs.at(-1), { id: held.id, email: 'ada@example.org', phone: '+32470123456' });
});

test('a name is written where the flow owns it, and comes back as the one line it was', async (t) => {
  const { held, send } = await lab(t);
  const result = await send({ fields: ['name'] });
  assert.deepEqual([held.firstName, held.lastName], ['Ada', 'van der Berg']);
  assert.deepEqual(result.outcome === 'done' && result.held, { name: 'Ada van der Berg' });
});

test('what is empty empties the field; a customer that is not bound is refused', async (t) => {
  const { held, document, send, inputs } = await lab(t);
  held.phone = '+321234567';
  await send({ document: { ...document, phone: null }, fields: ['phone'] });
  assert.equal(held.phone, null);
  const calls = inputs.length;
  const unbound = await send({ id: null });
  assert.equal(unbound.outcome === 'failed' && unbound.fault.kind === 'rejected' && unbound.fault.cause, 'not-bound');
  assert.equal(inputs.length, calls);
});
