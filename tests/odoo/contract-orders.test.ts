import assert from 'node:assert/strict';
import { it } from 'node:test';
import { makeContext } from './context.ts';
import { contract, done, faultOf, mappings, pick, rejection, slowness, thrown } from './contract.ts';
import { ALL_TRIES } from './proxy.ts';

contract('sale orders', ({ at, run, connect, count, order, lineOf, cancel }) => {
  it('lands confirmed, with everything explicit', async () => {
    const one = order(`full-${run}`, [
      { quantity: '2', unitPrice: '19.99', total: 3998, description: 'Mug, blue' },
      { sku: 'S', quantity: '1', unitPrice: '5.50', total: 550, description: 'Wrapping' },
    ]);
    const id = Number(done((await at.hub.sinks.saleOrders.deliver([one], at.cx))[0]));
    const fields = ['state', 'client_order_ref', 'date_order', 'amount_total', 'partner_id', 'origin', 'order_line'];
    const [row] = await at.direct.read('sale.order', [['id', '=', id]], fields, at.cx);
    assert.deepEqual(
      [row!.state, row!.client_order_ref, row!.date_order, row!.amount_total, row!.origin],
      ['sale', `W-full-${run}`, '2026-11-20 10:11:12', 45.48, false],
    );
    const lines = await at.direct.read(
      'sale.order.line',
      [['order_id', '=', id]],
      ['name', 'discount', 'price_unit'],
      at.cx,
    );
    assert.deepEqual(
      lines.map((line) => [line.name, line.price_unit, line.discount]),
      [
        ['Mug, blue', 19.99, 0],
        ['Wrapping', 5.5, 0],
      ],
    );
  });

  it('replay: the same load twice is one record', async () => {
    const one = order(`replay-${run}`, [{}, { sku: 'B' }]);
    const first = done((await at.hub.sinks.saleOrders.deliver([one], at.cx))[0]);
    assert.equal(done((await at.hub.sinks.saleOrders.deliver([one], at.cx))[0]), first);
    assert.equal(done((await at.hub.sinks.saleOrders.deliver([{ ...one, id: first }], at.cx))[0]), first);
    assert.equal(await count('sale.order', [['client_order_ref', '=', one.document.number]]), 1);
    assert.equal(await count('sale.order.line', [['order_id', '=', Number(first)]]), 2);
  });

  it('race: five loads of one order at once are one record', async () => {
    const one = order(`race-${run}`, [{}, { sku: 'B' }]);
    const all = await Promise.all([1, 2, 3, 4, 5].map(() => connect().sinks.saleOrders.deliver([one], at.cx)));
    for (const [result] of all)
      assert.ok(result!.outcome === 'done' || faultOf(result).kind === 'transient', JSON.stringify(result));
    assert.ok(all.some(([result]) => result!.outcome === 'done'));
    done((await at.hub.sinks.saleOrders.deliver([one], at.cx))[0]);
    assert.equal(await count('sale.order', [['client_order_ref', '=', one.document.number]]), 1);
  });

  it('lost answer: unknown, and a repeat is one record', async () => {
    const one = order(`lost-${run}`, [{}]);
    at.proxy.next('sale.order.load', { do: 'cut-after' });
    assert.equal(faultOf((await at.hub.sinks.saleOrders.deliver([one], at.cx))[0]).kind, 'unknown');
    assert.equal(await count('sale.order', [['client_order_ref', '=', one.document.number]]), 1);
    done((await at.hub.sinks.saleOrders.deliver([one], at.cx))[0]);
    assert.equal(await count('sale.order', [['client_order_ref', '=', one.document.number]]), 1);
  });

  it('a timeout after sending is unknown, and what lands late is not doubled', async () => {
    const one = order(`late-${run}`, [{}]);
    const hasty = connect({ timeout: 1500 * slowness });
    await hasty.sinks.saleOrders.deliver([order(`warm-${run}`, [{}])], at.cx);
    at.proxy.next('sale.order.load', { do: 'late', milliseconds: 2500 * slowness });
    assert.equal(faultOf((await hasty.sinks.saleOrders.deliver([one], at.cx))[0]).kind, 'unknown');
    done((await at.hub.sinks.saleOrders.deliver([one], at.cx))[0]);
    assert.equal(await count('sale.order', [['client_order_ref', '=', one.document.number]]), 1);
  });

  it('lost read-back: read again, and where that never comes unknown, for the order has landed', async () => {
    const busy = { do: 'answer', status: 503, body: '' } as const;
    at.proxy.next('sale.order.search_read', { do: 'pass' });
    at.proxy.next('sale.order.search_read', busy, ALL_TRIES - 1);
    done((await at.hub.sinks.saleOrders.deliver([order(`dim-${run}`, [{}])], at.cx))[0]);
    const one = order(`blind-${run}`, [{}]);
    at.proxy.next('sale.order.search_read', { do: 'pass' });
    at.proxy.next('sale.order.search_read', busy, ALL_TRIES);
    assert.equal(faultOf((await at.hub.sinks.saleOrders.deliver([one], at.cx))[0]).kind, 'unknown');
    done((await at.hub.sinks.saleOrders.deliver([one], at.cx))[0]);
  });

  it('bad neighbour: it alone is rejected, the others land on repeat', async () => {
    const batch = [1, 2, 3, 4, 5].map((n) => order(`nb${n}-${run}`, [{}, {}]));
    const bad = batch[2]!;
    batch[2] = { ...bad, links: new Map([...bad.links, ['product:A', '999999999']]) };
    const first = await at.hub.sinks.saleOrders.deliver(batch, at.cx);
    assert.deepEqual(
      first.map((result) => result.outcome),
      ['untouched', 'untouched', 'failed', 'untouched', 'untouched'],
    );
    assert.match(rejection(first[2]).message, /999999999/);
    const again = await at.hub.sinks.saleOrders.deliver(
      batch.filter((_, place) => place !== 2),
      at.cx,
    );
    for (const result of again) done(result);
  });

  it('an order whose partner is gone is rejected, not its neighbours', async () => {
    const good = order(`pg-${run}`, [{}]);
    const bad = order(`pb-${run}`, [{}]);
    const results = await at.hub.sinks.saleOrders.deliver(
      [good, { ...bad, links: new Map([...bad.links, ['customer:C', '999999999']]) }],
      at.cx,
    );
    assert.equal(results[0]!.outcome, 'untouched');
    assert.equal(rejection(results[1]).field, 'partner_id');
  });

  it('a lost race told by message only is repeated at once', async () => {
    const one = order(`serial-${run}`, [{}]);
    const saying = (message: string) => ({
      ids: false,
      messages: [{ type: 'error', rows: { from: 0, to: 0 }, record: 0, message }],
      nextrow: 0,
    });
    const told = saying('could not serialize access due to concurrent update\n');
    at.proxy.next('sale.order.load', { do: 'result', result: told }, 2);
    done((await at.hub.sinks.saleOrders.deliver([one], at.cx))[0]);
    at.proxy.next('sale.order.load', { do: 'result', result: told }, 4);
    const other = order(`serial2-${run}`, [{}]);
    assert.equal(faultOf((await at.hub.sinks.saleOrders.deliver([other], at.cx))[0]).kind, 'transient');
    // The words of a PostgreSQL whose lc_messages are German.
    const german = 'FEHLER:  konnte Zugriff nicht serialisieren wegen gleichzeitiger Aktualisierung\n';
    at.proxy.clear();
    at.proxy.next('sale.order.load', { do: 'result', result: saying(german) }, 3);
    done((await at.hub.sinks.saleOrders.deliver([order(`serial3-${run}`, [{}])], at.cx))[0]);
  });

  it('what has landed is not sent again, and of a later version only what is new', async () => {
    const one = order(`once-${run}`, [{}, { sku: 'B' }]);
    const id = done((await at.hub.sinks.saleOrders.deliver([one], at.cx))[0]);
    at.proxy.clear();
    assert.equal(done((await at.hub.sinks.saleOrders.deliver([one], at.cx))[0]), id);
    assert.equal(at.proxy.calls.filter((call) => call.method === 'load').length, 0);
    const more = order(`once-${run}`, [{}, { sku: 'B' }, {}]);
    const most = order(`once-${run}`, [{}, { sku: 'B' }, {}, {}]);
    const both = await at.hub.sinks.saleOrders.deliver([more, most], at.cx);
    assert.deepEqual(both.map(done), [id, id]);
    assert.equal(await count('sale.order.line', [['order_id', '=', Number(id)]]), 4);
  });

  it('ids:false that accuses nobody is halved until somebody shows', async () => {
    const batch = [1, 2, 3, 4].map((n) => order(`half${n}-${run}`, [{}]));
    const told = { ids: false, messages: [{ type: 'error', message: 'Etwas ging schief' }], nextrow: 0 };
    at.proxy.next('sale.order.load', { do: 'result', result: told }, 2);
    for (const result of await at.hub.sinks.saleOrders.deliver(batch, at.cx)) done(result);
    at.proxy.clear();
    at.proxy.next('sale.order.load', { do: 'result', result: told }, 6);
    const again = await at.hub.sinks.saleOrders.deliver(
      [1, 2, 3, 4].map((n) => order(`halb${n}-${run}`, [{}])),
      at.cx,
    );
    assert.match(rejection(again[0]).message, /Etwas ging schief/);
    for (const result of again.slice(1)) done(result);
  });

  it('a wrong key is refused, before and between calls', async () => {
    const bad = makeContext({ connection: `t-${run}`, secrets: { ODOO_KEY: 'deadbeef'.repeat(5) }, mappings });
    assert.equal((await thrown(connect().sinks.saleOrders.deliver([order(`k-${run}`, [{}])], bad))).kind, 'refused');
    // The introduction is kept; the key is refused by the call itself.
    assert.equal((await thrown(at.hub.sinks.saleOrders.deliver([order(`k-${run}`, [{}])], bad))).kind, 'refused');
    done((await at.hub.sinks.saleOrders.deliver([order(`k-${run}`, [{}])], at.cx))[0]);
  });

  it('429 and 503: told to wait is throttled, otherwise a write is unknown and a read transient', async () => {
    const one = order(`storm-${run}`, [{}]);
    await at.hub.sinks.saleOrders.deliver([order(`warm2-${run}`, [{}])], at.cx);
    at.proxy.next('sale.order.load', { do: 'answer', status: 429, body: 'slow', headers: { 'retry-after': '7' } });
    assert.deepEqual(pick(faultOf((await at.hub.sinks.saleOrders.deliver([one], at.cx))[0])), ['throttled', 7000]);
    const date = new Date(Date.now() + 60_000).toUTCString();
    at.proxy.next('sale.order.load', { do: 'answer', status: 503, body: '', headers: { 'retry-after': date } });
    const [kind, wait] = pick(faultOf((await at.hub.sinks.saleOrders.deliver([one], at.cx))[0]));
    assert.equal(kind, 'throttled');
    assert.ok(wait! > 50_000 && wait! <= 60_000);
    for (const status of [500, 502, 503, 504]) {
      at.proxy.next('sale.order.load', { do: 'answer', status, body: '<html>Bad Gateway</html>' });
      const fault = faultOf((await at.hub.sinks.saleOrders.deliver([one], at.cx))[0]);
      assert.equal(fault.kind, 'unknown');
      assert.ok(!fault.message.includes('html'));
    }
    at.proxy.next('*', { do: 'answer', status: 502, body: '' });
    assert.equal((await thrown(connect().sinks.saleOrders.deliver([one], at.cx))).kind, 'transient');
    at.proxy.next('sale.order.load', { do: 'answer', status: 200, body: '{"result": {"ids": [1' });
    assert.equal(faultOf((await at.hub.sinks.saleOrders.deliver([one], at.cx))[0]).kind, 'unknown');
    done((await at.hub.sinks.saleOrders.deliver([one], at.cx))[0]);
    assert.equal(await count('sale.order', [['client_order_ref', '=', one.document.number]]), 1);
  });

  it('cancellation: negative quantities land and refer to the sale', async () => {
    const one = order(
      `cancel-${run}`,
      [
        { quantity: '-3', unitPrice: '4.25', total: -1275 },
        { quantity: '-1', unitPrice: '0', total: 0, sku: 'B' },
      ],
      { kind: 'cancellation', refersTo: 'W-1' },
    );
    const id = Number(done((await at.hub.sinks.saleOrders.deliver([one], at.cx))[0]));
    const [row] = await at.direct.read('sale.order', [['id', '=', id]], ['amount_total', 'origin', 'state'], at.cx);
    assert.deepEqual([row!.amount_total, row!.origin, row!.state], [-12.75, 'W-1', 'sale']);
    assert.equal(done((await at.hub.sinks.saleOrders.deliver([one], at.cx))[0]), String(id));
  });

  it('an order of 600 lines lands whole', { timeout: 300_000 }, async () => {
    const lines = Array.from({ length: 600 }, (_, n) => ({
      sku: n % 2 ? 'A' : 'B',
      unitPrice: '1.25',
      total: 125,
    }));
    const id = done((await at.hub.sinks.saleOrders.deliver([order(`long-${run}`, lines)], at.cx))[0]);
    assert.equal(await count('sale.order.line', [['order_id', '=', Number(id)]]), 600);
  });

  it('a later version appends its lines and keeps the others', async () => {
    const first = order(`grow-${run}`, [{}, { sku: 'B' }]);
    const id = done((await at.hub.sinks.saleOrders.deliver([first], at.cx))[0]);
    const second = { ...order(`grow-${run}`, [{}, { sku: 'B' }, { quantity: '4', total: 4000 }]), id, version: 2 };
    assert.equal(done((await at.hub.sinks.saleOrders.deliver([second], at.cx))[0]), id);
    assert.equal(await count('sale.order.line', [['order_id', '=', Number(id)]]), 3);
    const [row] = await at.direct.read('sale.order', [['id', '=', Number(id)]], ['amount_total', 'state'], at.cx);
    assert.deepEqual([row!.amount_total, row!.state], [60, 'sale']);
  });

  it('taxes are what the Mapping table says, and none where the order has none', async () => {
    const taxed = order(`tax-${run}`, [{ taxes: ['standard'] }, { taxes: ['exempt'] }]);
    const id = Number(done((await at.hub.sinks.saleOrders.deliver([taxed], at.cx))[0]));
    const [row] = await at.direct.read('sale.order', [['id', '=', id]], ['amount_untaxed', 'amount_tax'], at.cx);
    assert.deepEqual([row!.amount_untaxed, row!.amount_tax], [20, 1.5]);
    const results = await at.hub.sinks.saleOrders.deliver(
      [
        order(`tax1-${run}`, [{ taxes: ['unheard-of'] }]),
        order(`tax2-${run}`, [{ taxes: ['odd'] }]),
        order(`tax3-${run}`, [{}]),
      ],
      at.cx,
    );
    assert.match(rejection(results[0]).message, /Mapping table 'taxes'.*'unheard-of'/);
    assert.match(rejection(results[1]).message, /Mapping table 'taxes' has 'no such tax' for 'odd'/);
    done(results[2]);
  });

  it('another currency takes its pricelist, where there is one, and a repeat too', async () => {
    const other = at.currency === 'GBP' ? 'USD' : 'GBP';
    const one = order(`cur-${run}`, [{}], { currency: other });
    const [result] = await at.hub.sinks.saleOrders.deliver([one], at.cx);
    if (result!.outcome === 'failed') return assert.match(rejection(result).message, /no active pricelist/);
    const [row] = await at.direct.read('sale.order', [['id', '=', Number(done(result))]], ['currency_id'], at.cx);
    assert.equal((row!.currency_id as [number, string])[1], other);
    assert.equal(done((await at.hub.sinks.saleOrders.deliver([one], at.cx))[0]), done(result));
  });

  it('a named warehouse ships it, and a repeat is the same', async () => {
    const [warehouse] = await at.direct.warehouses(at.cx);
    const named = connect({ warehouse: warehouse!.code });
    const one = order(`wh-${run}`, [{}]);
    const id = done((await named.sinks.saleOrders.deliver([one], at.cx))[0]);
    assert.equal(done((await named.sinks.saleOrders.deliver([one], at.cx))[0]), id);
    const [row] = await at.direct.read('sale.order', [['id', '=', Number(id)]], ['warehouse_id'], at.cx);
    assert.equal((row!.warehouse_id as [number, string])[0], warehouse!.id);
  });

  it('a cancelled order is not brought back by a later version', async () => {
    const one = order(`gone-${run}`, [{}]);
    const id = done((await at.hub.sinks.saleOrders.deliver([one], at.cx))[0]);
    await cancel(Number(id));
    const again = { ...order(`gone-${run}`, [{}, { sku: 'B' }]), id, version: 2 };
    assert.equal(rejection((await at.hub.sinks.saleOrders.deliver([again], at.cx))[0]).cause, 'read-back-state');
  });

  it('an order that people cancel before it is read back has landed', async () => {
    const one = order(`taken-${run}`, [{}]);
    const found = async () => {
      const rows = await at.direct.read('sale.order', [['client_order_ref', '=', one.document.number]], ['id'], at.cx);
      return rows.map(({ id }) => Number(id));
    };
    let isCancelled = false;
    const meddled = {
      ...at.cx,
      fetch: async (url: string, init?: RequestInit) => {
        const [id] = !isCancelled && JSON.stringify([url, init?.body]).includes('search_read') ? await found() : [];
        if (id !== undefined) {
          isCancelled = true;
          await cancel(id);
        }
        return at.cx.fetch(url, init);
      },
    };
    const id = done((await at.hub.sinks.saleOrders.deliver([one], meddled))[0]);
    assert.equal(isCancelled, true);
    assert.deepEqual(await found(), [Number(id)]);
  });

  it('a difference found by reading back is told with both amounts', async () => {
    const [result] = await at.hub.sinks.saleOrders.deliver(
      [order(`diff-${run}`, [{ quantity: '3', total: 2999 }])],
      at.cx,
    );
    const fault = rejection(result);
    assert.match(fault.message, /has landed in Odoo.*30\.00.*29\.99/);
    assert.equal(fault.cause, 'read-back-amount');
  });

  it('decimals that Odoo would round are refused, others arrive exactly', async () => {
    const precision = await at.direct.precision(at.cx);
    const kept = '0.001';
    const [tiny] = await at.hub.sinks.saleOrders.deliver(
      [order(`tiny-${run}`, [{ quantity: '1000', unitPrice: kept, total: 100 }])],
      at.cx,
    );
    if (precision.price !== null && precision.price < 3) assert.equal(rejection(tiny).cause, 'odoo-precision');
    else assert.equal((await lineOf(done(tiny))).price_unit, Number(kept));
    const [half] = await at.hub.sinks.saleOrders.deliver(
      [order(`half-${run}`, [{ quantity: '0.125', unitPrice: '8', total: 100 }])],
      at.cx,
    );
    if (precision.quantity! < 3) assert.equal(rejection(half).cause, 'odoo-precision');
    else assert.equal((await lineOf(done(half))).product_uom_qty, 0.125);
  });

  it('a currency without a pricelist, a missing link, a repeated line id are rejected in words', async () => {
    const missing = order(`m-${run}`, [{ sku: 'NOT-BOUND' }]);
    const results = await at.hub.sinks.saleOrders.deliver(
      [
        order(`chf-${run}`, [{}], { currency: 'CHF' }),
        missing,
        order(`dup-${run}`, [{ id: '1' }, { id: '1' }]),
        order(`time-${run}`, [{}], { placedAt: 'yesterday' }),
      ],
      at.cx,
    );
    assert.match(rejection(results[0]).message, /no active pricelist in CHF/);
    assert.match(rejection(results[1]).message, /product 'NOT-BOUND' is not bound/);
    assert.match(rejection(results[2]).message, /two lines/);
    assert.match(rejection(results[3]).message, /RFC 3339/);
  });
});
