import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { OdooConnection } from '../../src/connectors/odoo/index.ts';
import type { Context } from '../../src/core/connector.ts';
import { makeContext } from './context.ts';
import { contract, done, rejection, thrown } from './contract.ts';
import { rpc } from './servers.ts';

contract('customers, products and the connection', ({ at, run, product, connect, customer, productItem }) => {
  describe('customers and products', () => {
    it('writes what the document says, in other scripts too', async () => {
      const key = `ü ñ/日本.${run}`;
      const [result] = await at.hub.sinks.customers.deliver(
        [customer(key, { name: 'Žofie “Łukasz” 李小龍 😀 <b>', country: 'UK' })],
        at.cx,
      );
      const [row] = await at.direct.read(
        'res.partner',
        [['id', '=', Number(done(result))]],
        ['name', 'ref', 'country_id'],
        at.cx,
      );
      assert.equal(row!.name, 'Žofie “Łukasz” 李小龍 😀 <b>');
      assert.equal(row!.ref, `N-${key}`);
      assert.equal((row!.country_id as [number, string])[1], 'United Kingdom');
    });

    it('tells of records that landed, by external id, and of nobody else’s', async () => {
      const [key, other] = [`till:${run}`, `none:${run}`];
      const sku = `Find-${run}`;
      const [person] = await at.hub.sinks.customers.deliver([customer(key, { number: run })], at.cx);
      const [thing] = await at.hub.sinks.products.deliver([productItem(sku.toUpperCase(), { code: sku })], at.cx);
      assert.deepEqual(await at.hub.sinks.customers.find!([customer(other), customer(key)], at.cx), [
        { found: 'absent' },
        { found: 'whole', id: done(person) },
      ]);
      assert.deepEqual(
        await at.hub.sinks.products.find!([productItem(sku.toUpperCase()), productItem(`${sku}-2`)], at.cx),
        [{ found: 'whole', id: done(thing) }, { found: 'absent' }],
      );
    });

    it('updates the same record, also in one batch, and leaves an unknown country alone', async () => {
      const key = `twice-${run}`;
      const results = await at.hub.sinks.customers.deliver(
        [customer(key, { name: 'first' }), customer(key, { name: 'second', country: null })],
        at.cx,
      );
      assert.equal(done(results[0]), done(results[1]));
      const rows = await at.direct.read('res.partner', [['ref', '=', `N-${key}`]], ['name', 'country_id'], at.cx);
      assert.equal(rows.length, 1);
      assert.equal(rows[0]!.name, 'second');
      assert.equal((rows[0]!.country_id as [number, string])[1], 'Germany');
    });

    it('names the country that Odoo does not know, and lands the neighbours', async () => {
      const results = await at.hub.sinks.customers.deliver(
        [customer(`x1-${run}`, { country: 'XX' }), customer(`x2-${run}`)],
        at.cx,
      );
      assert.match(rejection(results[0]).message, /'XX'/);
      done(results[1]);
    });

    it('text that Odoo cannot store is rejected by its field, and lands the neighbours', async () => {
      for (const bad of ['a\0b', 'a\ud800b']) {
        const sent = [customer(`t1-${run}`, { name: bad }), customer(`t2-${run}`)];
        const [first, second] = await at.hub.sinks.customers.deliver(sent, at.cx);
        assert.deepEqual([rejection(first).cause, rejection(first).field], ['odoo-text', 'name']);
        done(second);
        // The server itself refuses it, whatever the hub does.
        const { uid } = await at.direct.introduction(at.cx);
        const data = [[`t_${run}.text`, bad]];
        const answer = (await rpc(at.target, uid, 'res.partner', 'load', [['id', 'name'], data])) as Record<
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
        (await at.direct.read('product.product', [['id', '=', Number(product.get(sku))]], fields, at.cx))[0]!;
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
      assert.equal(done((await at.hub.sinks.products.deliver([again], at.cx))[0]), product.get('A'));
      assert.equal(
        at.proxy.calls.some((call) => call.method === 'load' || call.method === 'write'),
        false,
      );
    });

    it('puts vouchers on the liability account when the Mapping table names one', async () => {
      const mapped = makeContext({
        connection: `t-${run}`,
        secrets: { ODOO_KEY: at.target.key },
        mappings: { accounts: { 'voucher-liability': '101000' } },
      });
      const [result] = await at.hub.sinks.products.deliver([productItem(`VL-${run}`, { kind: 'voucher' })], mapped);
      const [row] = await at.direct.read(
        'product.product',
        [['id', '=', Number(done(result))]],
        ['property_account_income_id'],
        at.cx,
      );
      assert.ok(Array.isArray(row!.property_account_income_id));
    });
  });

  describe('connection', () => {
    it('names itself on every call and logs nothing personal', async () => {
      await at.hub.sinks.customers.deliver([customer(`log-${run}`, { name: 'Ada Secret' })], at.cx);
      assert.ok(at.proxy.calls.length > 0 && at.proxy.calls.every((call) => call.node === 'test-node'));
      const log = JSON.stringify(at.cx.lines);
      assert.ok(!log.includes('Ada') && !log.includes(at.target.key) && !log.includes('N-log'));
    });

    it('check finds nothing wrong', async () => {
      const findings = [];
      for await (const finding of at.hub.check(at.cx)) findings.push(finding);
      assert.deepEqual(
        findings.filter((finding) => finding.level === 'error'),
        [],
      );
      assert.ok(
        findings.some((finding) => finding.subject === 'company' && finding.message.includes(at.currency)) ||
          !at.target.company,
      );
      const writes = at.proxy.calls.filter((call) => ['load', 'button_validate', 'action_post'].includes(call.method));
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
      assert.deepEqual(await wrong(connect({ company: 'Nobody Ltd' }), at.cx), ['company']);
      assert.deepEqual(await wrong(connect({ warehouse: 'NOPE' }), at.cx), ['warehouse']);
    });

    it('nothing listening is transient: nothing was sent', async () => {
      const nowhere = connect({ url: 'http://127.0.0.1:9' });
      assert.equal((await thrown(nowhere.sinks.customers.deliver([customer('x')], at.cx))).kind, 'transient');
    });
  });
});
