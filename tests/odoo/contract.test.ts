import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { Odoo } from '../../src/connectors/odoo/database.ts';
import { type OdooConnection, odoo } from '../../src/connectors/odoo/index.ts';
import type { Context, Item, Result } from '../../src/core/connector.ts';
import { secret } from '../../src/core/estate.ts';
import { type Fault, FaultError } from '../../src/core/fault.ts';
import type { Customer } from '../../src/model/customer.ts';
import type { JournalEntry } from '../../src/model/journal-entry.ts';
import type { Order } from '../../src/model/order.ts';
import type { Product } from '../../src/model/product.ts';
import type { StockAdjustment } from '../../src/model/stock-adjustment.ts';
import { makeContext } from './context.ts';
import { type Road, startProxy } from './proxy.ts';
import { directly, type OdooServer, rpc, servers } from './servers.ts';

/** A real Odoo on a busy machine needs longer for everything. */
const slowness = servers.some(({ real }) => real) ? 6 : 1;

const mappings = {
  taxes: { standard: '15%', exempt: 'none', odd: 'no such tax' },
  journals: { general: 'MISC', odd: 'NOPE' },
  accounts: { cash: '101000', sales: '400000', odd: '987654' },
};

/**
 * What the Odoo connector promises, against the simulator of 18 and of 19, and against a real server when ODOO_URL, ODOO_DB, ODOO_LOGIN and ODOO_KEY
 * are set (ODOO_COMPANY: which of its companies; generic chart of accounts). Records are new for every run, so a server may be used again.
 */
for (const { name, start } of servers)
  describe(`contract: ${name}`, () => {
    const run = Date.now().toString(36);
    let target: OdooServer;
    let proxy: Road;
    let hub: OdooConnection;
    let direct: Odoo;
    let cx: Context & { lines: Record<string, unknown>[] };
    let currency: string;
    let partner: string;
    const product = new Map<string, string>();

    const connect = (more: Partial<Parameters<typeof odoo>[0]> = {}) =>
      odoo({
        url: proxy.url,
        database: target.db,
        login: target.login,
        key: secret('ODOO_KEY'),
        ...(target.company ? { company: target.company } : {}),
        ...more,
      });
    const count = async (model: string, domain: unknown[]) => (await direct.read(model, domain, ['id'], cx)).length;

    const customer = (key: string, more: Partial<Customer> = {}): Item<Customer> =>
      item(key, { id: key, number: `N-${key}`, name: `Customer ${key}`, country: 'DE', ...more });
    const productItem = (key: string, more: Partial<Product> = {}): Item<Product> =>
      item(key, { sku: key, code: key, name: `Product ${key}`, kind: 'goods', ...more });
    const order = (key: string, lines: Partial<Order['lines'][number]>[], more: Partial<Order> = {}): Item<Order> => {
      const full = lines.map((line, place) => ({
        id: String(place + 1),
        sku: 'A',
        description: 'A thing',
        quantity: '1',
        unitPrice: '10.00',
        taxes: [],
        total: 1000,
        ...line,
      }));
      const document: Order = {
        id: key,
        number: `W-${key}`,
        kind: 'sale',
        refersTo: null,
        placedAt: '2026-11-20T10:11:12Z',
        businessDay: '2026-11-20',
        customer: 'C',
        currency,
        pricesIncludeTax: false,
        lines: full,
        ...more,
      };
      return { ...item(key, document), links: new Map([['customer:C', partner], ...links()]) };
    };
    const adjustment = (key: string, quantities: [sku: string, quantity: string][]): Item<StockAdjustment> => ({
      ...item(key, {
        id: key,
        origin: `ADJ-${key}`,
        occurredAt: '2026-11-20T10:11:12Z',
        lines: quantities.map(([sku, quantity], place) => ({
          id: String(place + 1),
          sku,
          quantity,
          reason: 'dämaged <b>',
        })),
      }),
      links: new Map(links()),
    });
    const entry = (key: string, amounts: [account: string, amount: number][], more: Partial<JournalEntry> = {}) =>
      item<JournalEntry>(key, {
        id: key,
        date: '2026-11-22',
        reference: `Z-${key}`,
        journal: 'general',
        currency,
        lines: amounts.map(([account, amount], place) => ({
          id: String(place + 1),
          account,
          label: `line ${place}`,
          amount,
        })),
        ...more,
      });
    const links = () => [...product].map(([sku, id]) => [`product:${sku}`, id] as const);
    const stock = async (sku: string) => {
      const [row] = await direct.read(
        'product.product',
        [['id', '=', Number(product.get(sku))]],
        ['qty_available'],
        cx,
      );
      return row!.qty_available;
    };
    const lineOf = async (order: string) =>
      (
        await direct.read('sale.order.line', [['order_id', '=', Number(order)]], ['price_unit', 'product_uom_qty'], cx)
      )[0]!;
    /** As a person would in Odoo: the connector itself never does. */
    const cancel = async (id: number) => {
      const { uid } = await direct.introduction(cx);
      await rpc(target, uid, 'sale.order', 'action_cancel', [[id]], { context: { disable_cancel_warning: true } });
    };
    /** A goods product of its own, for tests that count its stock. */
    const freshProduct = async (sku: string) => {
      const [result] = await hub.sinks.products.deliver([productItem(`${sku}-${run}`)], cx);
      product.set(sku, done(result));
    };

    before(async () => {
      target = await start();
      proxy = await startProxy(target.url);
      cx = makeContext({ connection: `t-${run}`, secrets: { ODOO_KEY: target.key }, mappings, patience: 0.5 });
      hub = connect();
      direct = directly(target);
      currency = (await direct.company(cx)).currency.name;
      partner = done((await hub.sinks.customers.deliver([customer(`C-${run}`)], cx))[0]);
      const made = await hub.sinks.products.deliver(
        ['A', 'B', 'S', 'V'].map((sku) =>
          productItem(`${sku}-${run}`, { kind: sku === 'S' ? 'service' : sku === 'V' ? 'voucher' : 'goods' }),
        ),
        cx,
      );
      ['A', 'B', 'S', 'V'].forEach((sku, place) => {
        product.set(sku, done(made[place]));
      });
    });
    beforeEach(() => proxy.clear());
    after(async () => {
      await proxy?.close();
      await target?.stop();
    });

    describe('customers and products', () => {
      it('writes what the document says, in other scripts too', async () => {
        const key = `ü ñ/日本.${run}`;
        const [result] = await hub.sinks.customers.deliver(
          [customer(key, { name: 'Žofie “Łukasz” 李小龍 😀 <b>', country: 'UK' })],
          cx,
        );
        const [row] = await direct.read(
          'res.partner',
          [['id', '=', Number(done(result))]],
          ['name', 'ref', 'country_id'],
          cx,
        );
        assert.equal(row!.name, 'Žofie “Łukasz” 李小龍 😀 <b>');
        assert.equal(row!.ref, `N-${key}`);
        assert.equal((row!.country_id as [number, string])[1], 'United Kingdom');
      });

      it('tells of records that landed, by external id, and of nobody else’s', async () => {
        const [key, other] = [`till:${run}`, `none:${run}`];
        const sku = `Find-${run}`;
        const [person] = await hub.sinks.customers.deliver([customer(key, { number: run })], cx);
        const [thing] = await hub.sinks.products.deliver([productItem(sku.toUpperCase(), { code: sku })], cx);
        assert.deepEqual(await hub.sinks.customers.find!([customer(other), customer(key)], cx), [
          { found: 'absent' },
          { found: 'whole', id: done(person) },
        ]);
        assert.deepEqual(
          await hub.sinks.products.find!([productItem(sku.toUpperCase()), productItem(`${sku}-2`)], cx),
          [{ found: 'whole', id: done(thing) }, { found: 'absent' }],
        );
      });

      it('updates the same record, also in one batch, and leaves an unknown country alone', async () => {
        const key = `twice-${run}`;
        const results = await hub.sinks.customers.deliver(
          [customer(key, { name: 'first' }), customer(key, { name: 'second', country: null })],
          cx,
        );
        assert.equal(done(results[0]), done(results[1]));
        const rows = await direct.read('res.partner', [['ref', '=', `N-${key}`]], ['name', 'country_id'], cx);
        assert.equal(rows.length, 1);
        assert.equal(rows[0]!.name, 'second');
        assert.equal((rows[0]!.country_id as [number, string])[1], 'Germany');
      });

      it('names the country that Odoo does not know, and lands the neighbours', async () => {
        const results = await hub.sinks.customers.deliver(
          [customer(`x1-${run}`, { country: 'XX' }), customer(`x2-${run}`)],
          cx,
        );
        assert.match(rejection(results[0]).message, /'XX'/);
        done(results[1]);
      });

      it('text that Odoo cannot store is rejected by its field, and lands the neighbours', async () => {
        for (const bad of ['a\0b', 'a\ud800b']) {
          const sent = [customer(`t1-${run}`, { name: bad }), customer(`t2-${run}`)];
          const [first, second] = await hub.sinks.customers.deliver(sent, cx);
          assert.deepEqual([rejection(first).cause, rejection(first).field], ['odoo-text', 'name']);
          done(second);
          // The server itself refuses it, whatever the hub does.
          const { uid } = await direct.introduction(cx);
          const data = [[`t_${run}.text`, bad]];
          const answer = (await rpc(target, uid, 'res.partner', 'load', [['id', 'name'], data])) as Record<
            string,
            unknown
          >;
          assert.equal(answer.ids, false);
        }
      });

      it('makes goods storable and untaxed, services invoiced as ordered', async () => {
        const fields = [
          'name',
          'default_code',
          'type',
          'is_storable',
          'sale_ok',
          'taxes_id',
          'invoice_policy',
          'list_price',
        ];
        const read = async (sku: string) =>
          (await direct.read('product.product', [['id', '=', Number(product.get(sku))]], fields, cx))[0]!;
        const goods = await read('A');
        assert.deepEqual(
          [goods.default_code, goods.type, goods.is_storable, goods.sale_ok, goods.taxes_id, goods.list_price],
          [`A-${run}`, 'consu', true, true, [], 0],
        );
        const service = await read('S');
        assert.deepEqual([service.type, service.is_storable, service.invoice_policy], ['service', false, 'order']);
      });

      it('changes nothing of what the bookkeeper owns when a bound product comes again', async () => {
        const again = { ...productItem(`A-${run}`, { name: 'Renamed' }), id: product.get('A')! };
        assert.equal(done((await hub.sinks.products.deliver([again], cx))[0]), product.get('A'));
        assert.equal(
          proxy.calls.some((call) => call.method === 'load' || call.method === 'write'),
          false,
        );
      });

      it('puts vouchers on the liability account when the Mapping table names one', async () => {
        const mapped = makeContext({
          connection: `t-${run}`,
          secrets: { ODOO_KEY: target.key },
          mappings: { accounts: { 'voucher-liability': '101000' } },
        });
        const [result] = await hub.sinks.products.deliver([productItem(`VL-${run}`, { kind: 'voucher' })], mapped);
        const [row] = await direct.read(
          'product.product',
          [['id', '=', Number(done(result))]],
          ['property_account_income_id'],
          cx,
        );
        assert.ok(Array.isArray(row!.property_account_income_id));
      });
    });

    describe('sale orders', () => {
      it('lands confirmed, with everything explicit', async () => {
        const one = order(`full-${run}`, [
          { quantity: '2', unitPrice: '19.99', total: 3998, description: 'Mug, blue' },
          { sku: 'S', quantity: '1', unitPrice: '5.50', total: 550, description: 'Wrapping' },
        ]);
        const id = Number(done((await hub.sinks.saleOrders.deliver([one], cx))[0]));
        const fields = [
          'state',
          'client_order_ref',
          'date_order',
          'amount_total',
          'partner_id',
          'origin',
          'order_line',
        ];
        const [row] = await direct.read('sale.order', [['id', '=', id]], fields, cx);
        assert.deepEqual(
          [row!.state, row!.client_order_ref, row!.date_order, row!.amount_total, row!.origin],
          ['sale', `W-full-${run}`, '2026-11-20 10:11:12', 45.48, false],
        );
        const lines = await direct.read(
          'sale.order.line',
          [['order_id', '=', id]],
          ['name', 'discount', 'price_unit'],
          cx,
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
        const first = done((await hub.sinks.saleOrders.deliver([one], cx))[0]);
        assert.equal(done((await hub.sinks.saleOrders.deliver([one], cx))[0]), first);
        assert.equal(done((await hub.sinks.saleOrders.deliver([{ ...one, id: first }], cx))[0]), first);
        assert.equal(await count('sale.order', [['client_order_ref', '=', one.document.number]]), 1);
        assert.equal(await count('sale.order.line', [['order_id', '=', Number(first)]]), 2);
      });

      it('race: five loads of one order at once are one record', async () => {
        const one = order(`race-${run}`, [{}, { sku: 'B' }]);
        const all = await Promise.all([1, 2, 3, 4, 5].map(() => connect().sinks.saleOrders.deliver([one], cx)));
        for (const [result] of all)
          assert.ok(result!.outcome === 'done' || faultOf(result).kind === 'transient', JSON.stringify(result));
        assert.ok(all.some(([result]) => result!.outcome === 'done'));
        done((await hub.sinks.saleOrders.deliver([one], cx))[0]);
        assert.equal(await count('sale.order', [['client_order_ref', '=', one.document.number]]), 1);
      });

      it('lost answer: unknown, and a repeat is one record', async () => {
        const one = order(`lost-${run}`, [{}]);
        proxy.next('sale.order.load', { do: 'cut-after' });
        assert.equal(faultOf((await hub.sinks.saleOrders.deliver([one], cx))[0]).kind, 'unknown');
        assert.equal(await count('sale.order', [['client_order_ref', '=', one.document.number]]), 1);
        done((await hub.sinks.saleOrders.deliver([one], cx))[0]);
        assert.equal(await count('sale.order', [['client_order_ref', '=', one.document.number]]), 1);
      });

      it('a timeout after sending is unknown, and what lands late is not doubled', async () => {
        const one = order(`late-${run}`, [{}]);
        const hasty = connect({ timeout: 1500 * slowness });
        await hasty.sinks.saleOrders.deliver([order(`warm-${run}`, [{}])], cx);
        proxy.next('sale.order.load', { do: 'late', milliseconds: 2500 * slowness });
        assert.equal(faultOf((await hasty.sinks.saleOrders.deliver([one], cx))[0]).kind, 'unknown');
        done((await hub.sinks.saleOrders.deliver([one], cx))[0]);
        assert.equal(await count('sale.order', [['client_order_ref', '=', one.document.number]]), 1);
      });

      it('lost read-back: unknown, for the order has landed', async () => {
        const one = order(`blind-${run}`, [{}]);
        proxy.next('sale.order.search_read', { do: 'pass' });
        proxy.next('sale.order.search_read', { do: 'answer', status: 503, body: '' });
        assert.equal(faultOf((await hub.sinks.saleOrders.deliver([one], cx))[0]).kind, 'unknown');
        done((await hub.sinks.saleOrders.deliver([one], cx))[0]);
      });

      it('bad neighbour: it alone is rejected, the others land on repeat', async () => {
        const batch = [1, 2, 3, 4, 5].map((n) => order(`nb${n}-${run}`, [{}, {}]));
        const bad = batch[2]!;
        batch[2] = { ...bad, links: new Map([...bad.links, ['product:A', '999999999']]) };
        const first = await hub.sinks.saleOrders.deliver(batch, cx);
        assert.deepEqual(
          first.map((result) => result.outcome),
          ['untouched', 'untouched', 'failed', 'untouched', 'untouched'],
        );
        assert.match(rejection(first[2]).message, /999999999/);
        const again = await hub.sinks.saleOrders.deliver(
          batch.filter((_, place) => place !== 2),
          cx,
        );
        for (const result of again) done(result);
      });

      it('an order whose partner is gone is rejected, not its neighbours', async () => {
        const good = order(`pg-${run}`, [{}]);
        const bad = order(`pb-${run}`, [{}]);
        const results = await hub.sinks.saleOrders.deliver(
          [good, { ...bad, links: new Map([...bad.links, ['customer:C', '999999999']]) }],
          cx,
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
        proxy.next('sale.order.load', { do: 'result', result: told }, 2);
        done((await hub.sinks.saleOrders.deliver([one], cx))[0]);
        proxy.next('sale.order.load', { do: 'result', result: told }, 4);
        const other = order(`serial2-${run}`, [{}]);
        assert.equal(faultOf((await hub.sinks.saleOrders.deliver([other], cx))[0]).kind, 'transient');
        // The words of a PostgreSQL whose lc_messages are German.
        const german = 'FEHLER:  konnte Zugriff nicht serialisieren wegen gleichzeitiger Aktualisierung\n';
        proxy.clear();
        proxy.next('sale.order.load', { do: 'result', result: saying(german) }, 3);
        done((await hub.sinks.saleOrders.deliver([order(`serial3-${run}`, [{}])], cx))[0]);
      });

      it('what has landed is not sent again, and of a later version only what is new', async () => {
        const one = order(`once-${run}`, [{}, { sku: 'B' }]);
        const id = done((await hub.sinks.saleOrders.deliver([one], cx))[0]);
        proxy.clear();
        assert.equal(done((await hub.sinks.saleOrders.deliver([one], cx))[0]), id);
        assert.equal(proxy.calls.filter((call) => call.method === 'load').length, 0);
        const more = order(`once-${run}`, [{}, { sku: 'B' }, {}]);
        const most = order(`once-${run}`, [{}, { sku: 'B' }, {}, {}]);
        const both = await hub.sinks.saleOrders.deliver([more, most], cx);
        assert.deepEqual(both.map(done), [id, id]);
        assert.equal(await count('sale.order.line', [['order_id', '=', Number(id)]]), 4);
      });

      it('ids:false that accuses nobody is halved until somebody shows', async () => {
        const batch = [1, 2, 3, 4].map((n) => order(`half${n}-${run}`, [{}]));
        const told = { ids: false, messages: [{ type: 'error', message: 'Etwas ging schief' }], nextrow: 0 };
        proxy.next('sale.order.load', { do: 'result', result: told }, 2);
        for (const result of await hub.sinks.saleOrders.deliver(batch, cx)) done(result);
        proxy.clear();
        proxy.next('sale.order.load', { do: 'result', result: told }, 6);
        const again = await hub.sinks.saleOrders.deliver(
          [1, 2, 3, 4].map((n) => order(`halb${n}-${run}`, [{}])),
          cx,
        );
        assert.match(rejection(again[0]).message, /Etwas ging schief/);
        for (const result of again.slice(1)) done(result);
      });

      it('a wrong key is refused, before and between calls', async () => {
        const bad = makeContext({ connection: `t-${run}`, secrets: { ODOO_KEY: 'deadbeef'.repeat(5) }, mappings });
        assert.equal(
          (await thrown(connect().sinks.saleOrders.deliver([order(`k-${run}`, [{}])], bad))).kind,
          'refused',
        );
        // The introduction is kept; the key is refused by the call itself.
        assert.equal((await thrown(hub.sinks.saleOrders.deliver([order(`k-${run}`, [{}])], bad))).kind, 'refused');
        done((await hub.sinks.saleOrders.deliver([order(`k-${run}`, [{}])], cx))[0]);
      });

      it('429 and 503: told to wait is throttled, otherwise a write is unknown and a read transient', async () => {
        const one = order(`storm-${run}`, [{}]);
        await hub.sinks.saleOrders.deliver([order(`warm2-${run}`, [{}])], cx);
        proxy.next('sale.order.load', { do: 'answer', status: 429, body: 'slow', headers: { 'retry-after': '7' } });
        assert.deepEqual(pick(faultOf((await hub.sinks.saleOrders.deliver([one], cx))[0])), ['throttled', 7000]);
        const date = new Date(Date.now() + 60_000).toUTCString();
        proxy.next('sale.order.load', { do: 'answer', status: 503, body: '', headers: { 'retry-after': date } });
        const [kind, wait] = pick(faultOf((await hub.sinks.saleOrders.deliver([one], cx))[0]));
        assert.equal(kind, 'throttled');
        assert.ok(wait! > 50_000 && wait! <= 60_000);
        for (const status of [500, 502, 503, 504]) {
          proxy.next('sale.order.load', { do: 'answer', status, body: '<html>Bad Gateway</html>' });
          const fault = faultOf((await hub.sinks.saleOrders.deliver([one], cx))[0]);
          assert.equal(fault.kind, 'unknown');
          assert.ok(!fault.message.includes('html'));
        }
        proxy.next('*', { do: 'answer', status: 502, body: '' });
        assert.equal((await thrown(connect().sinks.saleOrders.deliver([one], cx))).kind, 'transient');
        proxy.next('sale.order.load', { do: 'answer', status: 200, body: '{"result": {"ids": [1' });
        assert.equal(faultOf((await hub.sinks.saleOrders.deliver([one], cx))[0]).kind, 'unknown');
        done((await hub.sinks.saleOrders.deliver([one], cx))[0]);
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
        const id = Number(done((await hub.sinks.saleOrders.deliver([one], cx))[0]));
        const [row] = await direct.read('sale.order', [['id', '=', id]], ['amount_total', 'origin', 'state'], cx);
        assert.deepEqual([row!.amount_total, row!.origin, row!.state], [-12.75, 'W-1', 'sale']);
        assert.equal(done((await hub.sinks.saleOrders.deliver([one], cx))[0]), String(id));
      });

      it('an order of 600 lines lands whole', { timeout: 300_000 }, async () => {
        const lines = Array.from({ length: 600 }, (_, n) => ({
          sku: n % 2 ? 'A' : 'B',
          unitPrice: '1.25',
          total: 125,
        }));
        const id = done((await hub.sinks.saleOrders.deliver([order(`long-${run}`, lines)], cx))[0]);
        assert.equal(await count('sale.order.line', [['order_id', '=', Number(id)]]), 600);
      });

      it('a later version appends its lines and keeps the others', async () => {
        const first = order(`grow-${run}`, [{}, { sku: 'B' }]);
        const id = done((await hub.sinks.saleOrders.deliver([first], cx))[0]);
        const second = { ...order(`grow-${run}`, [{}, { sku: 'B' }, { quantity: '4', total: 4000 }]), id, version: 2 };
        assert.equal(done((await hub.sinks.saleOrders.deliver([second], cx))[0]), id);
        assert.equal(await count('sale.order.line', [['order_id', '=', Number(id)]]), 3);
        const [row] = await direct.read('sale.order', [['id', '=', Number(id)]], ['amount_total', 'state'], cx);
        assert.deepEqual([row!.amount_total, row!.state], [60, 'sale']);
      });

      it('taxes are what the Mapping table says, and none where the order has none', async () => {
        const taxed = order(`tax-${run}`, [{ taxes: ['standard'] }, { taxes: ['exempt'] }]);
        const id = Number(done((await hub.sinks.saleOrders.deliver([taxed], cx))[0]));
        const [row] = await direct.read('sale.order', [['id', '=', id]], ['amount_untaxed', 'amount_tax'], cx);
        assert.deepEqual([row!.amount_untaxed, row!.amount_tax], [20, 1.5]);
        const results = await hub.sinks.saleOrders.deliver(
          [
            order(`tax1-${run}`, [{ taxes: ['unheard-of'] }]),
            order(`tax2-${run}`, [{ taxes: ['odd'] }]),
            order(`tax3-${run}`, [{}]),
          ],
          cx,
        );
        assert.match(rejection(results[0]).message, /Mapping table 'taxes'.*'unheard-of'/);
        assert.match(rejection(results[1]).message, /Mapping table 'taxes' has 'no such tax' for 'odd'/);
        done(results[2]);
      });

      it('another currency takes its pricelist, where there is one, and a repeat too', async () => {
        const other = currency === 'GBP' ? 'USD' : 'GBP';
        const one = order(`cur-${run}`, [{}], { currency: other });
        const [result] = await hub.sinks.saleOrders.deliver([one], cx);
        if (result!.outcome === 'failed') return assert.match(rejection(result).message, /no active pricelist/);
        const [row] = await direct.read('sale.order', [['id', '=', Number(done(result))]], ['currency_id'], cx);
        assert.equal((row!.currency_id as [number, string])[1], other);
        assert.equal(done((await hub.sinks.saleOrders.deliver([one], cx))[0]), done(result));
      });

      it('a named warehouse ships it, and a repeat is the same', async () => {
        const [warehouse] = await direct.warehouses(cx);
        const named = connect({ warehouse: warehouse!.code });
        const one = order(`wh-${run}`, [{}]);
        const id = done((await named.sinks.saleOrders.deliver([one], cx))[0]);
        assert.equal(done((await named.sinks.saleOrders.deliver([one], cx))[0]), id);
        const [row] = await direct.read('sale.order', [['id', '=', Number(id)]], ['warehouse_id'], cx);
        assert.equal((row!.warehouse_id as [number, string])[0], warehouse!.id);
      });

      it('a cancelled order is not brought back by a later version', async () => {
        const one = order(`gone-${run}`, [{}]);
        const id = done((await hub.sinks.saleOrders.deliver([one], cx))[0]);
        await cancel(Number(id));
        const again = { ...order(`gone-${run}`, [{}, { sku: 'B' }]), id, version: 2 };
        assert.equal(rejection((await hub.sinks.saleOrders.deliver([again], cx))[0]).cause, 'read-back-state');
      });

      it('a difference found by reading back is told with both amounts', async () => {
        const [result] = await hub.sinks.saleOrders.deliver(
          [order(`diff-${run}`, [{ quantity: '3', total: 2999 }])],
          cx,
        );
        const fault = rejection(result);
        assert.match(fault.message, /has landed in Odoo.*30\.00.*29\.99/);
        assert.equal(fault.cause, 'read-back-amount');
      });

      it('decimals that Odoo would round are refused, others arrive exactly', async () => {
        const precision = await direct.precision(cx);
        const kept = '0.001';
        const [tiny] = await hub.sinks.saleOrders.deliver(
          [order(`tiny-${run}`, [{ quantity: '1000', unitPrice: kept, total: 100 }])],
          cx,
        );
        if (precision.price !== null && precision.price < 3) assert.equal(rejection(tiny).cause, 'odoo-precision');
        else assert.equal((await lineOf(done(tiny))).price_unit, Number(kept));
        const [half] = await hub.sinks.saleOrders.deliver(
          [order(`half-${run}`, [{ quantity: '0.125', unitPrice: '8', total: 100 }])],
          cx,
        );
        if (precision.quantity! < 3) assert.equal(rejection(half).cause, 'odoo-precision');
        else assert.equal((await lineOf(done(half))).product_uom_qty, 0.125);
      });

      it('a currency without a pricelist, a missing link, a repeated line id are rejected in words', async () => {
        const missing = order(`m-${run}`, [{ sku: 'NOT-BOUND' }]);
        const results = await hub.sinks.saleOrders.deliver(
          [
            order(`chf-${run}`, [{}], { currency: 'CHF' }),
            missing,
            order(`dup-${run}`, [{ id: '1' }, { id: '1' }]),
            order(`time-${run}`, [{}], { placedAt: 'yesterday' }),
          ],
          cx,
        );
        assert.match(rejection(results[0]).message, /no active pricelist in CHF/);
        assert.match(rejection(results[1]).message, /product 'NOT-BOUND' is not bound/);
        assert.match(rejection(results[2]).message, /two lines/);
        assert.match(rejection(results[3]).message, /RFC 3339/);
      });
    });

    describe('stock adjustments', () => {
      it('writes off and finds, and a replay moves nothing more', async () => {
        await freshProduct('P1');
        await freshProduct('P2');
        const one = adjustment(`mix-${run}`, [
          ['P1', '-3'],
          ['P2', '5'],
          ['P1', '-1.5'],
        ]);
        const id = done((await hub.sinks.stockAdjustments.deliver([one], cx))[0]);
        assert.equal(id.split(',').length, 2);
        assert.deepEqual([await stock('P1'), await stock('P2')], [-4.5, 5]);
        assert.equal(done((await hub.sinks.stockAdjustments.deliver([one], cx))[0]), id);
        assert.deepEqual([await stock('P1'), await stock('P2')], [-4.5, 5]);
      });

      it('moves all of it where the stock is less or reserved', async () => {
        await freshProduct('P3');
        done((await hub.sinks.stockAdjustments.deliver([adjustment(`got-${run}`, [['P3', '5']])], cx))[0]);
        done(
          (
            await hub.sinks.saleOrders.deliver([order(`res-${run}`, [{ sku: 'P3', quantity: '4', total: 4000 }])], cx)
          )[0],
        );
        done((await hub.sinks.stockAdjustments.deliver([adjustment(`off-${run}`, [['P3', '-7']])], cx))[0]);
        assert.equal(await stock('P3'), -2);
      });

      it('a product that has moved can still be renamed', async () => {
        await freshProduct('P8');
        done((await hub.sinks.stockAdjustments.deliver([adjustment(`ren-${run}`, [['P8', '5']])], cx))[0]);
        const renamed = productItem(`P8-${run}`, { name: 'Renamed' });
        const bound = { id: product.get('P8')!, before: productItem(`P8-${run}`).document };
        done((await hub.sinks.products.deliver([{ ...renamed, ...bound }], cx))[0]);
        done((await hub.sinks.products.deliver([renamed], cx))[0]);
      });

      it('lost answers of load and of button_validate: one effect', async () => {
        await freshProduct('P4');
        const one = adjustment(`lost-${run}`, [['P4', '2']]);
        proxy.next('stock.picking.load', { do: 'cut-after' });
        assert.equal(faultOf((await hub.sinks.stockAdjustments.deliver([one], cx))[0]).kind, 'unknown');
        proxy.next('stock.picking.button_validate', { do: 'cut-after' });
        done((await hub.sinks.stockAdjustments.deliver([one], cx))[0]);
        assert.equal(await stock('P4'), 2);
        done((await hub.sinks.stockAdjustments.deliver([one], cx))[0]);
        assert.equal(await stock('P4'), 2);
        assert.equal(await count('stock.picking', [['origin', 'like', `ADJ-lost-${run}`]]), 1);
      });

      it('a lost answer that cannot be looked up either is unknown', async () => {
        await freshProduct('P7');
        const one = adjustment(`dark-${run}`, [['P7', '2']]);
        proxy.next('stock.picking.button_validate', { do: 'cut-before' });
        assert.equal(faultOf((await hub.sinks.stockAdjustments.deliver([one], cx))[0]).kind, 'unknown');
        assert.equal(await stock('P7'), 0);
        done((await hub.sinks.stockAdjustments.deliver([one], cx))[0]);
        assert.equal(await stock('P7'), 2);
      });

      it('a done adjustment that now asks for more is an Exception, not silently done', async () => {
        await freshProduct('P9');
        const key = `more-${run}`;
        done((await hub.sinks.stockAdjustments.deliver([adjustment(key, [['P9', '-1']])], cx))[0]);
        const more = adjustment(key, [
          ['P9', '-1'],
          ['P9', '-2'],
        ]);
        assert.equal(rejection((await hub.sinks.stockAdjustments.deliver([more], cx))[0]).cause, 'read-back-quantity');
      });

      it('a wizard instead of an effect is not taken for one', async () => {
        await freshProduct('P5');
        const one = adjustment(`wiz-${run}`, [['P5', '2']]);
        const wizard = { type: 'ir.actions.act_window', res_model: 'stock.backorder.confirmation' };
        proxy.next('stock.picking.button_validate', { do: 'result', result: wizard });
        assert.equal(rejection((await hub.sinks.stockAdjustments.deliver([one], cx))[0]).cause, 'transfer-not-done');
        assert.equal(await stock('P5'), 0);
        done((await hub.sinks.stockAdjustments.deliver([one], cx))[0]);
        assert.equal(await stock('P5'), 2);
      });

      it('a bad neighbour fails alone', async () => {
        await freshProduct('P6');
        const bad = adjustment(`bad-${run}`, [['P6', '1']]);
        const results = await hub.sinks.stockAdjustments.deliver(
          [
            adjustment(`ok1-${run}`, [['P6', '1']]),
            { ...bad, links: new Map([['product:P6', '999999999']]) },
            adjustment(`nil-${run}`, [['P6', '0']]),
            adjustment(`tiny-${run}`, [['P6', '0.000001']]),
            adjustment(`ok2-${run}`, [['P6', '1']]),
          ],
          cx,
        );
        done(results[0]);
        assert.equal(rejection(results[1]).cause, 'product-missing');
        assert.equal(rejection(results[2]).cause, 'nothing-to-move');
        assert.equal(rejection(results[3]).cause, 'odoo-precision');
        done(results[4]);
        assert.equal(await stock('P6'), 2);
      });
    });

    describe('journal entries', () => {
      it('posts, and a replay posts nothing more', async () => {
        const one = entry(`je-${run}`, [
          ['cash', 11900],
          ['sales', -10000],
          ['sales', -1900],
        ]);
        const id = done((await hub.sinks.journalEntries.deliver([one], cx))[0]);
        const [row] = await direct.read(
          'account.move',
          [['id', '=', Number(id)]],
          ['state', 'date', 'amount_total'],
          cx,
        );
        assert.deepEqual([row!.state, row!.date, row!.amount_total], ['posted', '2026-11-22', 119]);
        assert.equal(done((await hub.sinks.journalEntries.deliver([one], cx))[0]), id);
        assert.equal(await count('account.move', [['ref', '=', `Z-je-${run}`]]), 1);
      });

      it('lost answers of load and of action_post: one entry', async () => {
        const one = entry(`jl-${run}`, [
          ['cash', 500],
          ['sales', -500],
        ]);
        proxy.next('account.move.load', { do: 'cut-after' });
        assert.equal(faultOf((await hub.sinks.journalEntries.deliver([one], cx))[0]).kind, 'unknown');
        proxy.next('account.move.action_post', { do: 'cut-after' });
        done((await hub.sinks.journalEntries.deliver([one], cx))[0]);
        done((await hub.sinks.journalEntries.deliver([one], cx))[0]);
        assert.equal(await count('account.move', [['ref', '=', `Z-jl-${run}`]]), 1);
      });

      it('unbalanced, unmapped and unknown accounts are rejected and nothing is written', async () => {
        const results = await hub.sinks.journalEntries.deliver(
          [
            entry(`u1-${run}`, [
              ['cash', 100],
              ['sales', -90],
            ]),
            entry(`u2-${run}`, [
              ['cash', 100],
              ['unheard-of', -100],
            ]),
            entry(`u3-${run}`, [
              ['cash', 100],
              ['odd', -100],
            ]),
            entry(
              `u4-${run}`,
              [
                ['cash', 100],
                ['sales', -100],
              ],
              { journal: 'odd' },
            ),
          ],
          cx,
        );
        assert.match(rejection(results[0]).message, /does not balance.*0\.10/);
        assert.match(rejection(results[1]).message, /Mapping table 'accounts'.*'unheard-of'/);
        assert.match(rejection(results[2]).message, /no account '987654'/);
        assert.match(rejection(results[3]).message, /no journal 'NOPE'/);
        assert.equal(await count('account.move', [['ref', 'in', results.map((_, n) => `Z-u${n + 1}-${run}`)]]), 0);
      });
    });

    describe('connection', () => {
      it('names itself on every call and logs nothing personal', async () => {
        await hub.sinks.customers.deliver([customer(`log-${run}`, { name: 'Ada Secret' })], cx);
        assert.ok(proxy.calls.length > 0 && proxy.calls.every((call) => call.node === 'test-node'));
        const log = JSON.stringify(cx.lines);
        assert.ok(!log.includes('Ada') && !log.includes(target.key) && !log.includes('N-log'));
      });

      it('check finds nothing wrong', async () => {
        const findings = [];
        for await (const finding of hub.check(cx)) findings.push(finding);
        assert.deepEqual(
          findings.filter((finding) => finding.level === 'error'),
          [],
        );
        assert.ok(
          findings.some((finding) => finding.subject === 'company' && finding.message.includes(currency)) ||
            !target.company,
        );
        const writes = proxy.calls.filter((call) => ['load', 'button_validate', 'action_post'].includes(call.method));
        assert.deepEqual(writes, []);
      });

      it('check says what is wrong with a key, a company and a warehouse', async () => {
        const wrong = async (connection: OdooConnection, context: Context) => {
          const findings = [];
          for await (const finding of connection.check(context)) findings.push(finding);
          return findings.filter((finding) => finding.level === 'error').map((finding) => finding.subject);
        };
        const bad = makeContext({ secrets: { ODOO_KEY: 'nonsense' } });
        assert.deepEqual(await wrong(connect(), bad), ['key']);
        assert.deepEqual(await wrong(connect({ company: 'Nobody Ltd' }), cx), ['company']);
        assert.deepEqual(await wrong(connect({ warehouse: 'NOPE' }), cx), ['warehouse']);
      });

      it('nothing listening is transient: nothing was sent', async () => {
        const nowhere = connect({ url: 'http://127.0.0.1:9' });
        assert.equal((await thrown(nowhere.sinks.customers.deliver([customer('x')], cx))).kind, 'transient');
      });
    });
  });

const item = <T>(key: string, document: T): Item<T> => ({ key, id: null, document, version: 1, links: new Map() });

function done(result: Result | undefined): string {
  if (result?.outcome !== 'done') assert.fail(JSON.stringify(result));
  return result.id;
}

function faultOf(result: Result | undefined): Fault {
  if (result?.outcome !== 'failed') assert.fail(JSON.stringify(result));
  return result.fault;
}

function rejection(result: Result | undefined): Extract<Fault, { kind: 'rejected' }> {
  const fault = faultOf(result);
  if (fault.kind !== 'rejected') assert.fail(JSON.stringify(fault));
  return fault;
}

async function thrown(call: Promise<unknown>): Promise<Fault> {
  try {
    assert.fail(JSON.stringify(await call));
  } catch (error) {
    if (error instanceof FaultError) return error.fault;
    throw error;
  }
}

const pick = (fault: Fault): [string, number | undefined] => [
  fault.kind,
  fault.kind === 'throttled' ? Number(fault.retryAfter) : undefined,
];
