import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { type MedusaConfig, medusa } from '../../src/connectors/medusa/index.ts';
import { productsOf, toDocuments } from '../../src/connectors/medusa/mapping.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { Item, PollSource } from '../../src/core/connector.ts';
import type { FaultError } from '../../src/core/fault.ts';
import type { Order } from '../../src/model/order.ts';
import type { Payment } from '../../src/model/payment.ts';
import type { Refund } from '../../src/model/refund.ts';
import type { Return } from '../../src/model/return.ts';
import type { Shipment } from '../../src/model/shipment.ts';
import { makeContext } from '../odoo/context.ts';
import { done, faultOf, item, readAll } from '../odoo/estate.ts';
import { type LabVariant, openMedusa, type Placed } from './shops.ts';

/** What the connector does at a Medusa: the real one of MEDUSA_URL, else a simulated one. */
const lab = await openMedusa();
after(() => lab.stop());

const [a, b, c, d, tiny] = lab.variants as [LabVariant, LabVariant, LabVariant, LabVariant, LabVariant];
const mappings = {
  'medusa-taxes': { 'BE BE21 21%': 'VAT21' },
  'medusa-locations': { [lab.location]: 'WH', WH: lab.location },
  'medusa-payment-methods': { pp_system_default: 'manual' },
  'medusa-shipping-services': { Standard: 'standard' },
};
const cx = makeContext({ connection: 'web', secrets: { KEY: lab.key }, mappings });
const open = (config: Partial<MedusaConfig> = {}) =>
  medusa({ url: lab.url, key: { secret: 'KEY' }, settle: '1s', overlap: '2s', ...config });
const { sinks } = open();
const look = { connection: 'web', mapping: cx.mapping };

/** The documents of one order as it is now. */
async function documentsOf(order: Placed, source: PollSource<never> = open().sources.orders as never) {
  const from = new Date(Date.now() - 600_000).toISOString();
  const cursor = JSON.stringify({ orders: from, payments: from, swept: new Date().toISOString() });
  const { items } = await readAll(source, cursor, cx);
  const last = items.findLast(({ subject }) => subject === `order:${order.id}`);
  assert.ok(last, 'the order was not read');
  const drafts = toDocuments(source.decode(last.bytes) as never, look, { zone: 'Europe/Brussels' });
  const of = <T>(kind: string): T[] => drafts.filter((draft) => draft.kind === kind).map(({ body }) => body as T);
  return { order: of<Order>('order')[0]!, of, drafts };
}

const linked = <T extends { id: string }>(document: T, order: Placed): Item<T> =>
  item(document.id, document, { 'order:web:o': order.id });

let count = 0;
const shipment = (order: Placed, lines: [LabVariant, string][], tracking: string[] = []) => {
  count += 1;
  const document = {
    id: `odoo:${order.id}-${count}`,
    number: `WH/OUT/${count}`,
    fulfilmentOrder: 'f',
    order: 'web:o',
    orderNumber: order.number,
    location: 'WH',
    milestone: 'shipped' as 'shipped' | 'delivered',
    occurredAt: '2026-11-25T10:00:00Z',
    carrier: null,
    tracking: tracking.map((number) => ({ number, url: null })),
    closes: false,
    lines: lines.map(([{ sku }, quantity], n) => ({
      id: String(n),
      orderLine: order.lines.get(sku)!,
      sku,
      quantity,
    })),
  };
  return linked(document, order);
};

const returned = (order: Placed, lines: [LabVariant, string, boolean | null][]): Item<Return> => {
  count += 1;
  const document: Return = {
    id: `wms:${order.id}-${count}`,
    number: `RET${count}`,
    order: 'web:o',
    orderNumber: order.number,
    state: 'received',
    location: 'WH',
    occurredAt: '2026-11-25T10:00:00Z',
    lines: lines.map(([{ sku }, quantity, restock], n) => ({
      id: String(n),
      orderLine: order.lines.get(sku)!,
      sku,
      quantity,
      reason: 'unknown',
      restock,
    })),
  };
  return linked(document, order);
};

interface Seen {
  readonly fulfillments: {
    id: string;
    shipped_at: string | null;
    delivered_at: string | null;
    labels: { tracking_number: string }[];
  }[];
  readonly returns: { id: string; status: string }[];
}

const seen = async (order: Placed): Promise<Seen> => {
  const fields = 'id,fulfillments.*,fulfillments.labels.*,returns.*';
  return (await lab.admin<{ order: Seen }>('GET', `/admin/orders/${order.id}?fields=${fields}`)).order;
};
const levelOf = async ({ inventoryItem }: LabVariant) => {
  const path = `/admin/inventory-items/${inventoryItem}/location-levels`;
  const told = await lab.admin<{
    inventory_levels: { stocked_quantity: number; reserved_quantity: number }[];
  }>('GET', path);
  return told.inventory_levels[0]!;
};

describe('a Medusa', { concurrency: 1 }, () => {
  test('an order whose tax is not round crosses to the cent, and goods that come back take nothing off it', async () => {
    const order = await lab.place(
      [
        [b, 3],
        [tiny, 2],
      ],
      { promotion: true },
    );
    const { order: body, of } = await documentsOf(order);
    // 3 × 24.99 + 2 × 0.07 less 10 %, shipping 4.95, 21 %: Medusa says 87.78429.
    assert.equal(body.total, 8778);
    assert.equal(body.currency, 'EUR');
    assert.equal(body.pricesIncludeTax, false);
    assert.equal(
      body.lines.reduce((sum, { total, tax = 0 }) => sum + total + tax, 0),
      8778,
    );
    const line = body.lines.find(({ sku }) => sku === b.sku)!;
    assert.deepEqual(
      [line.quantity, line.unitPrice, line.total, line.taxes, line.id],
      ['3', '24.99', 7497, ['VAT21'], order.lines.get(b.sku)],
    );
    const off = body.lines.find(({ id }) => id === `${line.id}-discount`)!;
    assert.deepEqual([off.total, off.sku], [-750, 'DISCOUNT']);
    assert.equal(body.lines.find(({ sku }) => sku === 'SHIPPING')!.total, 495);
    assert.deepEqual(body.delivery, { method: 'ship', service: 'standard', promisedAt: null });
    assert.equal(body.shipTo!.country, 'BE');
    assert.equal(of<{ name: string }>('customer')[0]!.name, 'Ann Peeters');
    assert.deepEqual(of('payment'), []);
    done((await sinks.shipments.deliver([shipment(order, [[b, '3']])], cx))[0]);
    done((await sinks.returns.deliver([returned(order, [[b, '2', true]])], cx))[0]);
    const after = await documentsOf(order);
    assert.deepEqual([after.order.total, after.order.lines], [8778, body.lines]);
    const [back] = after.of<Return>('return');
    assert.deepEqual(
      [back!.state, back!.location, back!.lines.map(({ quantity, restock, sku }) => [quantity, restock, sku])],
      ['received', 'WH', [['2', true, b.sku]]],
    );
  });

  test('a capture and refunds, of which the order says nothing, are noticed; money given back without goods leaves the order as it was', async () => {
    const order = await lab.place([[d, 1]]);
    const { sources } = open({ sweep: '1ms' as never });
    const start = new Date(Date.now() + 1).toISOString();
    await systemClock.sleep(5);
    await lab.admin('POST', `/admin/payments/${order.payment}/capture`, {});
    const source = { ...sources.orders };
    const from = JSON.stringify({ orders: '2100-01-01T00:00:00.000Z', payments: start, swept: start });
    const first = await readAll(source, from, cx);
    const mine = first.items.filter(({ subject }) => subject === `order:${order.id}`);
    assert.ok(mine.length > 0, 'the capture was not noticed');
    const { of, order: body } = await documentsOf(order);
    assert.deepEqual(
      of<Payment>('payment').map(({ amount, method }) => [amount, method]),
      [[12699, 'manual']],
    );
    await lab.admin('POST', `/admin/payments/${order.payment}/refund`, { amount: 10.5 });
    const second = await readAll(source, first.cursor, cx);
    assert.ok(
      second.items.some(({ subject }) => subject === `order:${order.id}`),
      'the refund was not noticed',
    );
    const after = await documentsOf(order);
    assert.deepEqual(
      after.of<Refund>('refund').map(({ amount, lines }) => [amount, lines.length]),
      [[1050, 1]],
    );
    assert.deepEqual(after.order, body);
  });

  test('a shipment in parts with tracking, once however often it is sent; what is not there cannot leave', async () => {
    const order = await lab.place([
      [a, 3],
      [b, 1],
    ]);
    const part = shipment(order, [[a, '2']], ['T1', 'T2']);
    const { id } = done((await sinks.shipments.deliver([part], cx))[0]);
    assert.deepEqual(await sinks.shipments.find!([part], cx), [{ found: 'whole', id }]);
    assert.equal(done((await sinks.shipments.deliver([part], cx))[0]).id, id);
    const rest = shipment(order, [
      [a, '1'],
      [b, '1'],
    ]);
    assert.deepEqual(await sinks.shipments.find!([rest], cx), [{ found: 'absent' }]);
    done((await sinks.shipments.deliver([rest], cx))[0]);
    const { fulfillments } = await seen(order);
    assert.deepEqual(
      fulfillments.map(({ shipped_at, labels }) => [
        shipped_at !== null,
        labels.map((one) => one.tracking_number).sort(),
      ]),
      [
        [true, ['T1', 'T2']],
        [true, []],
      ],
    );
    const more = faultOf((await sinks.shipments.deliver([shipment(order, [[a, '1']])], cx))[0]);
    assert.deepEqual([more.kind, 'field' in more && more.field], ['rejected', 'lines']);
    assert.equal((await seen(order)).fulfillments.length, 2);
    const there: typeof part = { ...part, document: { ...part.document, milestone: 'delivered' } };
    assert.deepEqual(await sinks.shipments.find!([there], cx), [{ found: 'absent' }]);
    assert.equal(done((await sinks.shipments.deliver([there], cx))[0]).id, id);
    assert.deepEqual(await sinks.shipments.find!([there], cx), [{ found: 'whole', id }]);
  });

  test('what was handed over at a counter has left and arrived, without a parcel; what is picked or packed is told nobody', async () => {
    const order = await lab.place([[a, 1]]);
    const part = shipment(order, [[a, '1']]);
    const at = (milestone: Shipment['milestone']): Item<Shipment> => ({
      ...part,
      document: { ...part.document, milestone, tracking: [] },
    });
    done((await sinks.shipments.deliver([at('packed')], cx))[0]);
    assert.deepEqual((await seen(order)).fulfillments, []);
    const collected = at('collected');
    const { id } = done((await sinks.shipments.deliver([collected], cx))[0]);
    assert.deepEqual(await sinks.shipments.find!([collected], cx), [{ found: 'whole', id }]);
    assert.equal(done((await sinks.shipments.deliver([collected], cx))[0]).id, id);
    const [one, ...others] = (await seen(order)).fulfillments;
    assert.deepEqual([one!.shipped_at !== null, one!.delivered_at !== null, one!.labels, others], [true, true, [], []]);
  });

  test('a fulfilment that was made and not shipped is gone on with; while somebody has a return open it waits', async () => {
    const order = await lab.place([[a, 2]]);
    const parcel = shipment(order, [[a, '2']], ['T9']);
    await lab.admin('POST', `/admin/orders/${order.id}/fulfillments`, {
      items: [{ id: order.lines.get(a.sku), quantity: 2 }],
      location_id: lab.location,
      metadata: { crossdock: parcel.key },
    });
    assert.deepEqual(await sinks.shipments.find!([parcel], cx), [{ found: 'absent' }]);
    const made = await lab.admin<{ return: { id: string } }>('POST', '/admin/returns', { order_id: order.id });
    assert.equal(faultOf((await sinks.shipments.deliver([parcel], cx))[0]).kind, 'transient');
    await lab.admin('DELETE', `/admin/returns/${made.return.id}/request`);
    done((await sinks.shipments.deliver([parcel], cx))[0]);
    const { fulfillments } = await seen(order);
    assert.deepEqual(
      fulfillments.map(({ labels }) => labels.map((one) => one.tracking_number)),
      [['T9']],
    );
  });

  test('a return is received once: what is fit for sale is in stock again, what is not is not', async () => {
    const order = await lab.place([[b, 3]]);
    done((await sinks.shipments.deliver([shipment(order, [[b, '3']])], cx))[0]);
    const before = await levelOf(b);
    const back = returned(order, [
      [b, '1', true],
      [b, '1', false],
    ]);
    assert.deepEqual(await sinks.returns.find!([back], cx), [{ found: 'absent' }]);
    const { id } = done((await sinks.returns.deliver([back], cx))[0]);
    assert.deepEqual(await sinks.returns.find!([back], cx), [{ found: 'whole', id }]);
    assert.equal(done((await sinks.returns.deliver([back], cx))[0]).id, id);
    assert.equal((await levelOf(b)).stocked_quantity, before.stocked_quantity + 1);
    assert.deepEqual(
      (await seen(order)).returns.map(({ status }) => status),
      ['received'],
    );
    const more = faultOf((await sinks.returns.deliver([returned(order, [[b, '2', true]])], cx))[0]);
    assert.deepEqual([more.kind, 'field' in more && more.field], ['rejected', 'lines']);
  });

  test('a return that was left half done is done to its end: asked for, begun to receive, or made and nothing more', async () => {
    const order = await lab.place([[c, 4]]);
    const line = order.lines.get(c.sku);
    done((await sinks.shipments.deliver([shipment(order, [[c, '4']])], cx))[0]);
    const before = await levelOf(c);
    const half = async (key: string, steps: (id: string) => Promise<unknown>[] | Promise<unknown>) => {
      const body = { order_id: order.id, location_id: lab.location, metadata: { crossdock: key } };
      const told = await lab.admin<{ return: { id: string } }>('POST', '/admin/returns', body);
      await steps(told.return.id);
      return told.return.id;
    };
    const ask = async (id: string) => {
      await lab.admin('POST', `/admin/returns/${id}/request-items`, { items: [{ id: line, quantity: 1 }] });
      await lab.admin('POST', `/admin/returns/${id}/request`, {});
    };
    const [one, two, three, four] = [0, 1, 2, 3].map(() => returned(order, [[c, '1', true]])) as [
      Item<Return>,
      Item<Return>,
      Item<Return>,
      Item<Return>,
    ];
    await half(one.key, async () => {});
    done((await sinks.returns.deliver([one], cx))[0]);
    await half(two.key, ask);
    done((await sinks.returns.deliver([two], cx))[0]);
    const begun = await half(three.key, async (id) => {
      await ask(id);
      await lab.admin('POST', `/admin/returns/${id}/receive`, {});
      await lab.admin('POST', `/admin/returns/${id}/receive-items`, { items: [{ id: line, quantity: 1 }] });
    });
    assert.equal(done((await sinks.returns.deliver([three], cx))[0]).id, begun);
    // One that the customer announced in Medusa, and the hub knows as its own document.
    const announced = await half('somebody else', ask);
    const { drafts } = await documentsOf(order);
    assert.equal(drafts.find(({ externalId }) => externalId === announced)?.kind, 'return');
    assert.equal(done((await sinks.returns.deliver([{ ...four, id: announced }], cx))[0]).id, announced);
    assert.equal((await levelOf(c)).stocked_quantity, before.stocked_quantity + 4);
    assert.deepEqual(
      (await seen(order)).returns.map(({ status }) => status),
      ['received', 'received', 'received', 'received'],
    );
  });

  test('when an order is promised for is read from its metadata, and told in a field beside it, once, whatever else stands there', async () => {
    const order = await lab.place([[a, 1]], { metadata: { promised_at: '2026-12-03T18:00:00+01:00', gift: 'yes' } });
    const { order: body } = await documentsOf(order);
    assert.equal(body.delivery?.promisedAt, '2026-12-03T17:00:00.000Z');
    type Now = { metadata: object | null; updated_at: string };
    const path = `/admin/orders/${order.id}`;
    const now = async () => (await lab.admin<{ order: Now }>('GET', `${path}?fields=id,metadata,updated_at`)).order;
    const writes = async () => {
      const asked = `${path}/changes?change_type=update_order&fields=id,actions.*`;
      type Changes = { order_changes: { actions: { details: { new: object } }[] }[] };
      const { order_changes: all } = await lab.admin<Changes>('GET', asked);
      return all.map(({ actions }) => actions[0]!.details.new);
    };
    const tell = async (promisedAt: string | null) => {
      const promise = { order: 'web:o', orderNumber: order.number, promisedAt };
      return (await sinks.promises.deliver([linked({ id: 'web:o', ...promise }, order)], cx))[0];
    };
    const own = { promised_at: '2026-12-03T18:00:00+01:00', gift: 'yes' };
    const [monday, friday] = ['2026-12-07T17:00:00.000Z', '2026-12-11T17:00:00.000Z'];
    for (const at of [monday, monday, friday]) done(await tell(at));
    assert.deepEqual((await now()).metadata, { ...own, crossdock_promised_at: friday });
    // What the hub says there is not what the shop has promised.
    assert.deepEqual((await documentsOf(order)).order, body);
    // While somebody has an edit open it is told all the same.
    await lab.admin('POST', '/admin/order-edits', { order_id: order.id });
    for (let times = 0; times < 2; times++) done(await tell(null));
    await lab.admin('DELETE', `/admin/order-edits/${order.id}`);
    assert.deepEqual((await now()).metadata, own);
    assert.deepEqual(
      await writes(),
      [monday, friday, ''].map((at) => ({ crossdock_promised_at: at })),
    );
    await lab.admin('POST', `${path}/cancel`, {});
    done(await tell(monday));
    assert.deepEqual((await now()).metadata, own);
    const gone = faultOf(
      (
        await sinks.promises.deliver(
          [
            {
              ...linked({ id: 'web:o', order: 'web:o', orderNumber: 'S1', promisedAt: monday }, order),
              links: new Map([['order:web:o', 'order_01NONE']]),
            },
          ],
          cx,
        )
      )[0],
    );
    assert.deepEqual(
      [gone.kind, 'field' in gone && gone.field, gone.message],
      ['rejected', 'order', 'Order S1 is no longer in this shop.'],
    );
  });

  test('what a checkout wrote for a promise and is no time holds the order in words; none, and an empty one, is none', async () => {
    const wrong = /metadata\.promised_at as in 2026-12-01T17:00:00Z/;
    for (const promised_at of ['on Tuesday', '2026-12-03', '2026-02-30T10:00:00Z', 7, ['2026-12-03T10:00:00Z']])
      await assert.rejects(documentsOf(await lab.place([[a, 1]], { metadata: { promised_at } })), (error) => {
        const fault = (error as FaultError).fault as { cause?: string; field?: string; message: string };
        assert.deepEqual([fault.cause, fault.field], ['not-a-time', 'metadata.promised_at']);
        assert.match(fault.message, wrong);
        return true;
      });
    for (const metadata of [undefined, {}, { promised_at: null }, { promised_at: '' }]) {
      const { order } = await documentsOf(await lab.place([[a, 1]], metadata ? { metadata } : {}));
      assert.equal(order.delivery?.promisedAt, null);
    }
  });

  test('a stock level is what may be promised beside what open orders have reserved', async () => {
    await lab.place([[d, 7]]);
    const { reserved_quantity: reserved } = await levelOf(d);
    assert.ok(reserved >= 7);
    const level = (available: string, location = 'WH') =>
      item(
        `WH/${d.sku}`,
        { id: `WH/${d.sku}`, sku: d.sku, location, available, asOf: '2026-11-25T10:00:00Z' },
        { [`product:${d.sku}`]: d.id },
      );
    done((await sinks.stockLevels.deliver([level('40.9')], cx))[0]);
    assert.deepEqual(await levelOf(d).then((now) => now.stocked_quantity - now.reserved_quantity), 40);
    done((await sinks.stockLevels.deliver([level('0')], cx))[0]);
    assert.equal((await levelOf(d)).stocked_quantity, reserved);
    const stranger = { ...level('1'), links: new Map([[`product:${d.sku}`, 'variant_01NONE']]) };
    const results = await sinks.stockLevels.deliver([stranger, level('50')], cx);
    assert.equal(faultOf(results[0]).kind, 'rejected');
    done(results[1]);
  });

  test('a price replaces the one of its currency and leaves those of regions and quantities alone', async () => {
    const path = `/admin/products/${c.product}/variants/${c.id}`;
    const region = { region_id: 'reg_01NONE' };
    await lab.admin('POST', path, {
      prices: [
        { currency_code: 'eur', amount: 3.33 },
        { currency_code: 'eur', amount: 3, min_quantity: 10 },
        { currency_code: 'eur', amount: 2.5, rules: region },
        { currency_code: 'gbp', amount: 2 },
      ],
    });
    const price = (currency: string, amount: number, includesTax = false) =>
      item(
        `web/${c.sku}`,
        { id: `web/${c.sku}`, sku: c.sku, list: 'web', currency, amount, compareAt: null, includesTax },
        { [`product:${c.sku}`]: c.id },
      );
    done((await sinks.prices.deliver([price('EUR', 444)], cx))[0]);
    type Held = { amount: number; currency_code: string; min_quantity: number | null; rules: object };
    const fields = 'id,prices.*,prices.price_rules.*';
    const { variants } = await lab.admin<{ variants: { prices: Held[] }[] }>(
      'GET',
      `/admin/product-variants?id[]=${c.id}&fields=${fields}`,
    );
    assert.deepEqual(
      variants[0]!.prices
        .map(({ amount, currency_code, min_quantity, rules }) => [amount, currency_code, min_quantity, rules] as const)
        .sort((x, y) => x[0] - y[0]),
      [
        [2, 'gbp', null, {}],
        [2.5, 'eur', null, region],
        [3, 'eur', 10, {}],
        [4.44, 'eur', null, {}],
      ],
    );
    for (const [wrong, field] of [
      [price('XXX', 1), 'currency'],
      [price('USD', 1), 'currency'],
      [price('EUR', 1, true), 'includesTax'],
    ] as const) {
      const fault = faultOf((await sinks.prices.deliver([wrong], cx))[0]);
      assert.deepEqual([fault.kind, 'field' in fault && fault.field], ['rejected', field]);
    }
  });

  test('products are read with their variants, also when only a variant changed', async () => {
    const { products } = open().sources;
    const first = await readAll(products, null, cx);
    const bodiesOf = ({ natives }: typeof first) =>
      natives.flatMap(productsOf).filter(({ externalId }) => externalId === a.id);
    const [body] = bodiesOf(first);
    assert.deepEqual([body!.body.sku, body!.body.kind, body!.body.barcode], [a.sku, 'goods', null]);
    await systemClock.sleep(2100);
    const ean = String(Date.now());
    const from = JSON.stringify({ products: '2100-01-01T00:00:00.000Z', variants: new Date().toISOString() });
    await lab.admin('POST', `/admin/products/${a.product}/variants/${a.id}`, { ean });
    const next = bodiesOf(await readAll(products, from, cx));
    assert.deepEqual(
      next.map((draft) => draft.body.barcode),
      [ean],
    );
  });

  test('check says what is there; a key that is not accepted is refused in words', async () => {
    const findings = [];
    for await (const finding of open({ signedWith: [{ secret: 'KEY' }] }).check(cx)) findings.push(finding);
    assert.deepEqual(
      findings.filter(({ level }) => level !== 'ok'),
      [],
    );
    const wrong = makeContext({ connection: 'web', secrets: { KEY: 'sk_wrong' }, mappings });
    const order = await lab.place([[a, 1]]);
    const fault = faultOf((await sinks.shipments.deliver([shipment(order, [[a, '1']])], wrong))[0]);
    assert.equal(fault.kind, 'refused');
    assert.match(fault.message, /secret API key is not accepted/);
    for await (const { level, subject } of open().check(wrong))
      assert.deepEqual([level, subject], ['error', 'reachable']);
  });
});
