import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeContext } from '../../../tests/odoo/context.ts';
import { OLD_SECRET, SECRET, signed } from '../../../tests/support/webhook.ts';
import type { Incoming, Item, RawRequest } from '../../core/connector.ts';
import { FaultError } from '../../core/fault.ts';
import type { Order } from '../../model/order.ts';
import { startToyTill } from '../../simulators/toy-till.ts';
import { toyTill } from './index.ts';
import { toDocuments } from './mapping.ts';
import { readSale, type TillSale } from './protocol.ts';

const secrets = { NEW: SECRET, OLD: OLD_SECRET, TOKEN: 'till-token' };
const cx = makeContext({ connection: 'till', secrets });
const configOf = (url: string, allowPrivate = true) =>
  toyTill({ url, allowPrivate, token: { secret: 'TOKEN' }, signedWith: [{ secret: 'NEW' }, { secret: 'OLD' }] });

const sale: TillSale = {
  id: 'S1',
  number: 'N1',
  revision: 2,
  soldAt: '2026-05-01T22:30:00Z',
  currency: 'EUR',
  customer: null,
  lines: [
    { id: 'S1-1', sku: 'a1', name: 'Mug', quantity: '0.5', price: '3.00', tax: 'standard', total: 150 },
    { id: 'S1-2', sku: 'A1', name: 'Mug', quantity: '2', price: '3.50', tax: 'standard', total: 700 },
  ],
  total: 850,
};
const message = (type: string, data: unknown): Buffer =>
  Buffer.from(JSON.stringify({ type, timestamp: sale.soldAt, data }));
const request = (body: Buffer, headers: RawRequest['headers'] = signed(body)): RawRequest => ({
  headers,
  query: '',
  body,
  receivedAt: new Date(),
});

test('a pushed sale is named as a listed one is; a thin notice is a hint; what is neither is for nobody', async () => {
  const { pushed } = configOf('http://127.0.0.1:1').sources;
  const [incoming] = pushed.read(request(message('sale.completed', { sale })), cx) as Incoming[];
  assert.deepEqual(
    [incoming!.dedupeKey, incoming!.subject, incoming!.sourceVersion, incoming!.measure?.minor],
    ['sale S1 2', 'sale:S1', 2n, 850n],
  );
  assert.deepEqual(readSale(incoming!.bytes), sale);
  assert.deepEqual(pushed.read(request(message('sale.changed', { id: 'S7' })), cx), [{ hint: 'sale:S7' }]);
  assert.deepEqual(pushed.read(request(message('ping', {})), cx), []);
  for (const wrong of [message('sale.completed', {}), message('sale.completed', { sale: { ...sale, total: 8.5 } })])
    assert.throws(() => pushed.read(request(wrong), cx), FaultError);
});

test('either secret of a rotation is right, and the second may be missing', async () => {
  const { pushed } = configOf('http://127.0.0.1:1').sources;
  const body = message('ping', {});
  for (const secret of [SECRET, OLD_SECRET])
    assert.ok(pushed.verify(request(body, signed(body, { secret })), cx), secret);
  const without = makeContext({ connection: 'till', secrets: { NEW: SECRET } });
  assert.ok(pushed.verify(request(body), without));
  assert.ok(!pushed.verify(request(body, signed(body, { secret: OLD_SECRET })), without));
});

test('a sale becomes an order with its customer and products, on the business day of its zone, exact to the cent', () => {
  const look = { connection: 'till', mapping: () => ({ find: () => 'VAT21', get: () => 'VAT21' }) };
  const drafts = toDocuments(sale, look, 'Europe/Brussels');
  assert.deepEqual(
    drafts.map(({ kind }) => kind),
    ['customer', 'product', 'order'],
  );
  const order = drafts.find(({ kind }) => kind === 'order')!.body as Order;
  assert.deepEqual(
    [order.id, order.businessDay, order.lines.map(({ total }) => total), order.lines[0]!.taxes],
    ['till:S1', '2026-05-02', [150, 700], ['VAT21']],
  );
  assert.equal(order.total, 850);
});

test('the till acts once on each document version, whatever becomes of the answers', async (t) => {
  const till = await startToyTill({ seed: 3, token: 'till-token', secret: SECRET, faults: { cut: 0.4, broken: 0.2 } });
  t.after(() => till.stop());
  const { orderStatus } = configOf(till.url).sinks;
  const items = [1, 2, 3, 4, 5].map(
    (n) => ({ key: `till:S${n}`, id: null, version: 1, links: new Map(), document: orderOf(n) }) satisfies Item<Order>,
  );
  const open = new Set(items);
  let rounds = 0;
  for (; open.size > 0 && rounds < 60; rounds++)
    for (const [index, result] of (await orderStatus.deliver([...open], cx)).entries())
      if (result.outcome === 'done') open.delete([...open][index]!);
      else assert.equal(result.outcome === 'failed' && result.fault.kind, 'unknown');
  assert.deepEqual(till.heard.map(({ data }) => data.sale).sort(), ['S1', 'S2', 'S3', 'S4', 'S5']);
  assert.ok(
    till.heard.some(({ times }) => times > 1),
    'answers were lost',
  );
  assert.equal(till.refused, 0);
  const next = await orderStatus.deliver([{ ...items[0]!, version: 2 }], cx);
  assert.ok(next.length === 1);
});

function orderOf(n: number): Order {
  const look = { connection: 'till', mapping: () => ({ find: () => 'x', get: () => 'x' }) };
  const drafts = toDocuments({ ...sale, id: `S${n}` }, look, 'UTC');
  return drafts.find(({ kind }) => kind === 'order')!.body as Order;
}

test('answers mean what they mean: throttled, refused, rejected, unknown', async () => {
  const { stock } = configOf('http://127.0.0.1:1').sinks;
  const document = {
    id: 'a',
    origin: 'a',
    occurredAt: sale.soldAt,
    lines: [{ id: '1', sku: 'A', quantity: '-1', reason: 'lost' }],
  };
  const answered = async (response: Response | Error) => {
    const fake = makeContext({
      secrets,
      fetch: async () => {
        if (response instanceof Error) throw response;
        return response;
      },
    });
    const [result] = await stock.deliver([{ key: 'a', id: null, version: 1, links: new Map(), document }], fake);
    return result!.outcome === 'failed' ? result!.fault : result!.outcome;
  };
  assert.equal(await answered(new Response('{}')), 'done');
  assert.deepEqual(await answered(new Response('', { status: 429, headers: { 'retry-after': '7' } })), {
    kind: 'throttled',
    message: 'the receiver answered 429',
    retryAfter: 7000,
  });
  const kind = async (status: number) => ((await answered(new Response(null, { status }))) as { kind: string }).kind;
  assert.deepEqual(await Promise.all([302, 401, 404, 410, 422, 400, 408, 500, 503].map(kind)), [
    ...['refused', 'refused', 'refused', 'refused', 'rejected', 'rejected', 'transient', 'unknown', 'unknown'],
  ]);
  const lost = new TypeError('fetch failed', { cause: Object.assign(new Error('x'), { code: 'ECONNRESET' }) });
  const never = new TypeError('fetch failed', { cause: Object.assign(new Error('x'), { code: 'ECONNREFUSED' }) });
  assert.equal(((await answered(lost)) as { kind: string }).kind, 'unknown');
  assert.equal(((await answered(never)) as { kind: string }).kind, 'transient');
});

test('an address must be https and public unless private ones are allowed', () => {
  for (const url of ['http://till.example', 'ftp://till.example', 'nonsense', 'https://user:pass@till.example'])
    assert.throws(
      () => configOf(url, false),
      (error: { code?: string }) => error.code === 'CONFIG_INVALID',
      url,
    );
  assert.ok(configOf('https://till.example', false));
});
