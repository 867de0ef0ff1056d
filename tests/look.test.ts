import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Shop as Medusa } from '../src/connectors/medusa/shop.ts';
import { OdooTransport } from '../src/connectors/odoo/transport.ts';
import { dialectOf } from '../src/connectors/odoo/versions.ts';
import { mutation, query } from '../src/connectors/shopify/documents/document.ts';
import { ShopifyTransport } from '../src/connectors/shopify/transport.ts';
import type { Context } from '../src/core/connector.ts';
import { HubError } from '../src/core/errors.ts';
import { onlyLooking } from '../src/core/look.ts';
import { makeContext } from './odoo/context.ts';

const url = 'http://target.invalid';
const [key, timeout] = [{ secret: 'KEY' }, '5s'] as const;
const shopify = new ShopifyTransport({ url, version: '2026-07', token: key, timeout });
const odoo = new OdooTransport({ url, database: 'db', login: 'hub', key, timeout });
const medusa = new Medusa({ url, key, timeout } as unknown as Medusa['settings']);
const speaking = (version: number) => ({ dialect: dialectOf([version, 0, 0])!, version: `${version}.0`, uid: 2 });

/** Each with a call that reads and one that writes. */
const calls: [string, (cx: Context) => Promise<unknown>, (cx: Context) => Promise<unknown>][] = [
  [
    'Shopify',
    (cx) => shopify.call(query('Ask', [], 'query Ask { shop { name } }'), {}, cx),
    (cx) => shopify.call(mutation('Make', [], 'mutation Make { x }'), {}, cx),
  ],
  ...[18, 19].map((version): (typeof calls)[number] => [
    `Odoo ${version}`,
    (cx) => odoo.call(speaking(version), 'res.partner', 'search_read', {}, cx),
    (cx) => odoo.call(speaking(version), 'res.partner', 'write', { ids: [1], args: [['vals', {}]] }, cx),
  ]),
  ['Medusa', (cx) => medusa.read('/admin/orders', {}, cx), (cx) => medusa.write('an order', '/admin/orders', {}, cx)],
];

for (const [name, read, write] of calls)
  test(`${name}: in a look what reads is sent, what writes is an error of ours and no Fault, so that nobody tries again`, async () => {
    let sent = 0;
    const answer = async (): Promise<Response> => {
      sent += 1;
      return Response.json({ data: {}, result: [] });
    };
    const cx = onlyLooking(makeContext({ fetch: answer, secrets: { KEY: 'k' } }));
    await read(cx);
    assert.equal(sent, 1);
    await assert.rejects(write(cx), (error) => error instanceof HubError && error.code === 'CONNECTOR_CONTRACT');
    assert.equal(sent, 1);
  });
