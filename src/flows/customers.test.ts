import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lookWith } from '../../tests/odoo/estate.ts';
import { shopify } from '../connectors/shopify/index.ts';
import type { Sink } from '../core/connector.ts';
import { type Customer, CustomerDocument } from '../model/customer.ts';
import { odooContacts, webCustomers } from './customers.ts';

const { sources } = shopify({
  shop: 'example.myshopify.com',
  token: { secret: 'TOKEN' },
  clientSecrets: [{ secret: 'TOKEN' }],
});
const sink = { name: 'customers', accepts: CustomerDocument } as Sink<typeof CustomerDocument>;
const native = {
  id: 'gid://shopify/Customer/7',
  displayName: 'Ada King',
  defaultEmailAddress: { emailAddress: 'ada@example.org' },
  defaultPhoneNumber: { phoneNumber: '+321' },
  defaultAddress: { countryCodeV2: 'BE' },
};
const known: Customer = {
  id: 'web:7',
  number: '7',
  name: 'Ada',
  country: 'NL',
  email: 'old@example.org',
  phone: '+329',
};

test('a new customer brings all fields, one that is known those that the shop owns', async () => {
  const flow = webCustomers({ from: sources.customers, to: { customer: sink } });
  const look = { ...lookWith({}), connection: 'web' };
  const fresh = (await flow.translate(native, look)).documents;
  assert.deepEqual(fresh[0], {
    kind: 'customer',
    body: { ...known, name: 'Ada King', country: 'BE', email: 'ada@example.org', phone: '+321' },
    externalId: native.id,
  });
  const there = { ...lookWith({ documents: { 'customer web:7': known } }), connection: 'web' };
  const [draft] = (await flow.translate(native, there)).documents;
  assert.deepEqual(draft?.body, { ...known, name: 'Ada King', country: 'BE', email: 'ada@example.org' });
});

test('a customer of whom Shopify shows nothing empties nothing', async () => {
  const flow = webCustomers({ from: sources.customers, to: { customer: sink } });
  const there = { ...lookWith({ documents: { 'customer web:7': known } }), connection: 'web' };
  const nothing = { ...native, displayName: '', defaultEmailAddress: null, defaultPhoneNumber: null };
  assert.deepEqual((await flow.translate(nothing, there)).documents, []);
});

test('the two directions own each field once, whatever the owners are', () => {
  for (const name of ['shop', 'odoo'] as const)
    for (const email of ['shop', 'odoo'] as const)
      for (const phone of ['shop', 'odoo'] as const) {
        const owners = { name, email, phone };
        const web = webCustomers({ from: sources.customers, to: { customer: sink }, owners });
        const contacts = odooContacts({ from: {} as never, to: { customer: sink }, sold: () => true, owners });
        const all = [...web.fields!.customer!, ...contacts.fields!.customer!];
        assert.deepEqual(all.toSorted(), ['country', 'email', 'name', 'phone']);
        assert.ok(web.fields!.customer!.includes('country'));
      }
});
