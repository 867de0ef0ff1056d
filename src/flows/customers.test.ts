import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lookWith } from '../../tests/odoo/estate.ts';
import { odoo } from '../connectors/odoo/index.ts';
import { shopify } from '../connectors/shopify/index.ts';
import type { Sink } from '../core/connector.ts';
import type { HubError } from '../core/errors.ts';
import { type AnyFlow, defineEstate } from '../core/estate.ts';
import { type Customer, CustomerDocument } from '../model/customer.ts';
import { type CustomerOwners, odooContacts, webCustomers } from './customers.ts';
import { webOrders } from './web-orders.ts';

const web = shopify({
  shop: 'example.myshopify.com',
  token: { secret: 'TOKEN' },
  clientSecrets: [{ secret: 'TOKEN' }],
});
const { sources } = web;
const sink = { name: 'customers', accepts: CustomerDocument } as Sink<typeof CustomerDocument>;
const native = {
  id: 'gid://shopify/Customer/7',
  updatedAt: '2026-11-20T10:00:00Z',
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
    sourceVersion: BigInt(Date.parse(native.updatedAt)),
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

const erp = odoo({ url: 'http://127.0.0.1:1', database: 'x', login: 'x', key: { secret: 'KEY' } });
const to = { customer: erp.sinks.customers };
const orders = (newCustomersOnly: boolean, id = 'web-orders', from = sources.orders) =>
  webOrders({
    id,
    from,
    to: { ...to, product: erp.sinks.products, order: erp.sinks.saleOrders },
    zone: 'UTC',
    newCustomersOnly,
  });
const customers = (owners: CustomerOwners = {}) => webCustomers({ from: sources.customers, to, owners });
const contacts = (owners: CustomerOwners = {}) =>
  odooContacts({ from: erp.sources.contacts, to: { customer: web.sinks.customers }, sold: () => true, owners });
const estate =
  (...flows: AnyFlow[]) =>
  () =>
    defineEstate({ name: 'x', connections: { web, us, erp }, flows });
const us = shopify({ shop: 'us.myshopify.com', token: { secret: 'TOKEN' }, clientSecrets: [{ secret: 'TOKEN' }] });

test('an estate whose orders write over what Odoo owns of customers is refused, with both flows and what to do', () => {
  assert.throws(estate(orders(false), contacts()), (error: HubError) => {
    assert.equal(error.code, 'CONFIG_INVALID');
    assert.match(
      error.message,
      /^flows 'web-orders' and 'odoo-contacts' both write phone of 'customer': the first to 'erp', the second to 'web'/,
    );
    assert.match(String(error.hint), /`newCustomersOnly` of webOrders/);
    return true;
  });
  assert.throws(
    estate(customers(), orders(false)),
    /'web-customers' and 'web-orders' both write name, email, country of 'customer' to 'erp' \(customers\)/,
  );
  assert.throws(
    estate(contacts({ email: 'odoo' }), customers()),
    /'odoo-contacts' and 'web-customers' both write email of 'customer': the first to 'web', the second to 'erp'/,
  );
  for (const flows of [
    [orders(true), customers(), contacts()],
    [orders(false)],
    [orders(false), orders(false, 'us-orders', us.sources.orders)],
    // Another shop's orders write customers of their own.
    [orders(false, 'us-orders', us.sources.orders), orders(true), contacts()],
    [contacts({ email: 'odoo', name: 'odoo' }), customers({ email: 'odoo', name: 'odoo' }), orders(true)],
  ])
    assert.doesNotThrow(estate(...flows));
});
