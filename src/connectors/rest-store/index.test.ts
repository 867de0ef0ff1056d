import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import fc from 'fast-check';
import { FaultError } from '../../core/fault.ts';
import type { Order } from '../../model/order.ts';
import { readMessage, readPage, readSale, type StoreSale } from './contract.ts';
import { readReport, readReported } from './fulfilment-contract.ts';
import { listedReport } from './fulfilments.ts';
import { restStore } from './index.ts';
import { incomingOf, listedSale, orderCancelled, orderRecorded, shipmentChanged, toDocuments } from './mapping.ts';
import { storeContract } from './openapi.ts';

const sale: StoreSale = {
  id: 'S1',
  number: 'R-1',
  revision: 2,
  soldAt: '2026-05-01T23:30:00Z',
  location: 'front',
  currency: 'EUR',
  pricesIncludeTax: true,
  customer: { id: 'C9', name: 'Zoë', email: 'zoe@example.com' },
  lines: [
    {
      id: '1',
      sku: 'mug',
      name: 'Mug',
      quantity: '3',
      unitPrice: '4.99',
      discount: 100,
      taxes: ['standard'],
      total: 1397,
    },
    { id: '2', sku: 'tea', name: 'Tea', quantity: '0.350', unitPrice: '10.00', taxes: ['reduced'], total: 350 },
  ],
  total: 1747,
};
const look = {
  connection: 'store',
  mapping: (table: string) => ({
    find: (code: string) => `${table}:${code}`,
    get: (code: string) => `${table}:${code}`,
  }),
};
const orderOf = (one: StoreSale): Order => toDocuments(one, look, 'Europe/Brussels').at(-1)!.body as Order;

test('a sale becomes an order in which every cent has its place: discounts are lines with the same taxes', () => {
  const order = orderOf(sale);
  assert.deepEqual(
    order.lines.map(({ id, sku, quantity, unitPrice, taxes, total, location }) => [
      id,
      sku,
      quantity,
      unitPrice,
      taxes,
      total,
      location,
    ]),
    [
      ['1', 'MUG', '3', '4.99', ['store-taxes:standard'], 1497, 'store-locations:front'],
      ['1/discount', 'DISCOUNT', '1', '-1.00', ['store-taxes:standard'], -100, undefined],
      ['2', 'TEA', '0.350', '10.00', ['store-taxes:reduced'], 350, 'store-locations:front'],
    ],
  );
  assert.deepEqual([order.total, order.businessDay, order.kind], [1747, '2026-05-02', 'sale']);
  const kinds = toDocuments(sale, look, 'UTC').map(({ kind, body }) => [kind, (body as { sku?: string }).sku ?? null]);
  assert.deepEqual(kinds, [
    ['customer', null],
    ['product', 'MUG'],
    ['product', 'TEA'],
    ['product', 'DISCOUNT'],
    ['order', null],
  ]);
});

test('goods that come back bring their discount back too', () => {
  const back = { ...sale, lines: [{ ...sale.lines[0]!, quantity: '-3', total: -1397 }], total: -1397, refersTo: 'R-0' };
  const order = orderOf(back);
  assert.deepEqual(
    order.lines.map(({ total }) => total),
    [-1497, 100],
  );
  assert.deepEqual([order.kind, order.refersTo, order.total], ['cancellation', 'R-0', -1397]);
});

test('without tax in the prices the lines say how much there is, and it adds up', () => {
  const net = {
    ...sale,
    pricesIncludeTax: false,
    lines: sale.lines.map((line, n) => ({ ...line, tax: [293, 21][n]! })),
  };
  assert.equal(orderOf({ ...net, total: 2061 }).total, 2061);
  assert.throws(
    () => orderOf({ ...sale, pricesIncludeTax: false }),
    /prices are without tax, and it does not say how much/,
  );
});

test('a discount that adds to the bill is refused', () => {
  const lines = sale.lines.map((line) => ({ ...line, discount: -1 }));
  assert.throws(() => orderOf({ ...sale, lines }), /a discount of -0\.01 EUR is none/);
});

test('whatever a right sale holds, its order is worth the same', () => {
  const line = fc.record({
    quantity: fc.integer({ min: -50, max: 50 }).filter((n) => n !== 0),
    price: fc.integer({ min: 0, max: 100_000 }),
    off: fc.integer({ min: 0, max: 5000 }),
  });
  fc.assert(
    fc.property(fc.array(line, { minLength: 1, maxLength: 8 }), (given) => {
      const lines = given.map(({ quantity, price, off }, n) => ({
        id: String(n),
        sku: `k${n % 3}`,
        name: 'x',
        quantity: String(quantity),
        unitPrice: (price / 100).toFixed(2),
        discount: off,
        taxes: [],
        total: quantity * price - (quantity < 0 ? -off : off),
      }));
      const total = lines.reduce((sum, one) => sum + one.total, 0);
      const order = orderOf({ ...sale, lines, total });
      assert.equal(
        order.lines.reduce((sum, one) => sum + one.total, 0),
        total,
      );
      assert.equal(new Set(order.lines.map(({ id }) => id)).size, order.lines.length);
    }),
  );
});

test('what is pushed and what is listed has one name; what is wrong is a fact that holds nothing up', () => {
  const listed = listedSale(sale, new Date(0));
  const told = readMessage(
    Buffer.from(JSON.stringify({ type: 'sale.completed', timestamp: sale.soldAt, data: { sale } })),
  );
  assert.ok(told.type === 'sale.completed');
  assert.deepEqual([incomingOf(told.sale).dedupeKey, incomingOf(told.sale).sourceVersion], [listed.dedupeKey, 2n]);
  for (const wrong of [
    null,
    {},
    { ...sale, total: 17.47 },
    { ...sale, lines: [] },
    { ...sale, soldAt: '2026-02-99T10:00:00Z' },
    { ...sale, soldAt: '2026-02-30T10:00:00Z' },
  ]) {
    const incoming = listedSale(wrong, new Date(0));
    assert.notEqual(incoming.dedupeKey, listed.dedupeKey);
    assert.equal(listedSale(wrong, new Date(9)).dedupeKey, incoming.dedupeKey);
    assert.throws(() => readSale(incoming.bytes), FaultError);
  }
  assert.throws(
    () => readMessage(Buffer.from('{"type":"sale.completed","timestamp":"x","data":{}}')),
    /not what the store contract says: \//,
  );
  assert.deepEqual(readMessage(Buffer.from('{"type":"ping"}')), { type: 'other' });
  assert.throws(() => readPage(Buffer.from('{"sales":{}}')), FaultError);
});

test('a store whose cursor stands still is not asked for ever: its page is kept, and the reading ends in words', async () => {
  const connection = restStore({
    url: 'https://till.example.com',
    token: { secret: 'T' },
    signedWith: [{ secret: 'S' }],
  });
  for (const [name, source] of [
    ['sales', connection.sources.sales],
    ['reports', connection.sources.reports],
  ] as const) {
    const asked: string[] = [];
    const cx = {
      clock: { now: () => new Date(0) },
      secret: () => 't',
      fetch: async (url: string) => {
        if (asked.push(url) > 5) throw new Error('asked for ever');
        return Response.json({ [name]: [{ id: 'A' }], cursor: asked.length === 1 ? 'one' : 'two' });
      },
    };
    let pages = 0;
    const read = async () => {
      for await (const { items } of source.pull(null, cx as never)) pages += items.length;
    };
    await assert.rejects(read, /same cursor again \('two'\)/);
    assert.deepEqual([asked.length, pages], [3, 3]);
  }
});

test('an answer without end is not read to its end', async () => {
  const connection = restStore({
    url: 'https://till.example.com',
    token: { secret: 'T' },
    signedWith: [{ secret: 'S' }],
  });
  let pulled = 0;
  const body = () =>
    new ReadableStream<Uint8Array>({
      pull: (controller) => {
        pulled += 1;
        if (pulled > 100) controller.close();
        else controller.enqueue(new Uint8Array(1024 * 1024).fill(0x20));
      },
    });
  const cx = { clock: { now: () => new Date(0) }, secret: () => 't', fetch: async () => new Response(body()) };
  const read = async () => {
    for await (const _ of connection.sources.sales.pull(null, cx as never)) assert.fail('there is no page');
  };
  await assert.rejects(read, /the answer of the store has more than 32 MiB/);
  assert.ok(pulled < 40, `${pulled} MiB were read`);
});

test('while secrets change, the check says which is not there yet', async () => {
  const connection = restStore({
    url: 'https://till.example.com',
    token: { secret: 'T' },
    signedWith: [{ secret: 'A' }, { secret: 'B' }],
  });
  const cx = {
    clock: { now: () => new Date(0) },
    secret: (name: string) => {
      if (name === 'B') throw new Error('no secret B');
      return 't';
    },
    fetch: async () => Response.json({ sales: [], cursor: '' }),
  };
  const levels: string[] = [];
  for await (const { level } of connection.check(cx as never)) levels.push(level);
  assert.deepEqual(levels, ['ok', 'warning']);
});

test('what is told of an order names the sale only where it is the store’s own', () => {
  const item = { key: 'store:S1', id: null, version: 3, links: new Map(), document: orderOf(sale) };
  assert.deepEqual(orderRecorded(item, 'store'), { sale: 'S1', number: 'R-1', status: 'recorded', version: 3 });
  assert.deepEqual(orderRecorded({ ...item, document: { ...item.document, state: 'cancelled' } }, 'other'), {
    sale: null,
    number: 'R-1',
    status: 'cancelled',
    version: 3,
  });
});

test('a store that sold hears what became of it by its own ids of the sale and of its lines', () => {
  const itemOf = <T>(key: string, document: T) => ({ key, id: null, version: 2, links: new Map(), document });
  const told = shipmentChanged(
    itemOf('wms:SH1', {
      ...{ id: 'wms:SH1', number: 'SH1', fulfilmentOrder: 'odoo:4', order: 'store:S1', orderNumber: 'R-1' },
      ...{ location: 'central', milestone: 'shipped', occurredAt: '2026-05-02T10:00:00.000Z', carrier: 'ups' },
      ...{ tracking: [{ number: '1Z', url: null }], closes: true },
      lines: [{ id: '7-3', orderLine: '2', sku: 'TEA', quantity: '0.35' }],
    }),
    'store',
  );
  assert.deepEqual(told, {
    ...{ id: 'wms:SH1', sale: 'S1', number: 'R-1', shipment: 'SH1', milestone: 'shipped' },
    ...{ at: '2026-05-02T10:00:00.000Z', carrier: 'ups', tracking: [{ number: '1Z', url: null }], version: 2 },
    lines: [{ line: '2', sku: 'TEA', quantity: '0.35' }],
  });
  const cancellation = { id: 'odoo:cancelled-1', order: 'store:S1', orderNumber: 'R-1', reason: 'stock' as const };
  const cancelled = itemOf('odoo:cancelled-1', { ...cancellation, occurredAt: '2026-05-02T10:00:00.000Z' });
  const words = { number: 'R-1', reason: 'stock', at: '2026-05-02T10:00:00.000Z', version: 2 };
  assert.deepEqual(orderCancelled(cancelled, 'store'), { sale: 'S1', refundsFollow: false, ...words });
  const credited = { ...cancelled, document: { ...cancelled.document, refundsFollow: true } };
  assert.deepEqual(orderCancelled(credited, 'other'), { sale: null, refundsFollow: true, ...words });
});

test('what is handed over later says how, to whom and by when; what it says wrong is refused in words', () => {
  const later = (delivery: object | null) => ({ ...sale, delivery }) as StoreSale;
  const read = (one: object) => readSale(Buffer.from(JSON.stringify(one)));
  const recipient = {
    ...{ name: 'Zoë', company: null, street: 'Kerkstraat 1', street2: null, city: 'Gent', postalCode: '9000' },
    ...{ region: null, country: 'BE', phone: null, email: 'zoe@example.com' },
  };
  const shipped = orderOf(read(later({ method: 'ship', promisedAt: '2026-12-03T18:00:00+01:00', recipient })));
  assert.deepEqual(shipped.delivery, { method: 'ship', service: null, promisedAt: '2026-12-03T17:00:00.000Z' });
  assert.deepEqual(shipped.shipTo, recipient);
  const collected = orderOf(read(later({ method: 'collect', promisedAt: null })));
  assert.deepEqual(
    [collected.delivery, collected.shipTo],
    [{ method: 'collect', service: null, promisedAt: null }, undefined],
  );
  const elsewhere = later({ method: 'collect', promisedAt: null, location: 'depot' });
  assert.deepEqual(
    orderOf(read(elsewhere)).lines.flatMap(({ location }) => location ?? []),
    ['store-locations:depot', 'store-locations:depot'],
  );
  for (const one of [sale, later(null)]) assert.equal(orderOf(read(one)).delivery, undefined);
  for (const [delivery, field, words] of [
    [{ method: 'ship', promisedAt: null }, 'delivery.recipient', 'Sale R-1: what is shipped has a recipient.'],
    [
      { method: 'collect', promisedAt: '2026-02-30T10:00:00Z' },
      'delivery.promisedAt',
      "Sale R-1: '2026-02-30T10:00:00Z' is no moment.",
    ],
    [{ method: 'collect', promisedAt: 'Tuesday' }, '/delivery/promisedAt', undefined],
    [{ method: 'drone', promisedAt: null }, '/delivery/method', undefined],
  ] as const)
    assert.throws(
      () => read(later(delivery)),
      ({ fault }: FaultError) => {
        assert.deepEqual([fault.kind, 'field' in fault && fault.field], ['rejected', field]);
        if (words) assert.equal(fault.message, words);
        return true;
      },
    );
});

test('a report says what its status can have, and nothing else; one that is wrong holds nothing up', () => {
  const report = { id: 'RP1', fulfilment: 'ST/OUT/00001', status: 'ready', at: '2026-05-01T10:00:00Z' };
  const bytes = (more: object) => Buffer.from(JSON.stringify({ ...report, ...more }));
  assert.equal(readReport(bytes({})).status, 'ready');
  const parcel = { number: 'P1', carrier: null, tracking: [], last: true };
  for (const [wrong, words] of [
    [{ status: 'shipped' }, /what is shipped has a parcel/],
    [{ parcel }, /what is ready has no parcel/],
    [{ lines: [{ id: '1', quantity: '1' }] }, /said of the whole/],
    [{ status: 'lost' }, /status/],
    [{ at: '2026-02-99T10:00:00Z' }, /is no moment/],
    [{ at: '2026-02-30T10:00:00Z' }, /'2026-02-30T10:00:00Z' is no moment/],
  ] as const) {
    assert.throws(() => readReport(bytes(wrong)), words);
    const first = listedReport({ ...report, ...wrong }, new Date(0));
    assert.notEqual(first.dedupeKey, listedReport(report, new Date(0)).dedupeKey);
    assert.equal(first.dedupeKey, listedReport({ ...report, ...wrong }, new Date(9)).dedupeKey);
  }
  assert.equal(readReported(Buffer.from('{"type":"ping"}')), null);
});

test('the contract is a valid OpenAPI 3.1 document, and the connection carries it', async () => {
  const document = storeContract();
  assert.deepEqual(await new Validator().validate(structuredClone(document)), { valid: true });
  const connection = restStore({ url: 'https://store.example', token: { secret: 'T' }, signedWith: [{ secret: 'S' }] });
  assert.deepEqual(connection.contract, document);
  assert.throws(
    () => restStore({ url: 'http://store.example', token: { secret: 'T' }, signedWith: [{ secret: 'S' }] }),
    /https/,
  );
});
