import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../src/core/clock.ts';
import { startServer } from '../../src/server/index.ts';
import { shipAll, takeBack } from '../medusa/people.ts';
import type { Placed } from '../medusa/shops.ts';
import { openStory } from '../medusa/story.ts';
import { isReal, startEuroOdoo } from '../odoo/servers.ts';
import { silent } from '../support/hub.ts';
import { until } from '../support/target.ts';

/** Where the real Medusa of tests/medusa/run.ts sends its notices: a port of 127.0.0.1, and what they are signed with. Then nothing is polled. */
const { MEDUSA_NOTICES_PORT: port, MEDUSA_NOTICES } = process.env;
const noticed = port !== undefined && MEDUSA_NOTICES !== undefined;

test('what is paid, sent back and paid back in a Medusa is booked in Odoo, to the cent and once', async (t) => {
  const began = new Date().toISOString();
  const { lab, at, ledger, hub } = await openStory(t, () => startEuroOdoo(6), {
    money: true,
    noticed,
    secrets: { MEDUSA_NOTICES: MEDUSA_NOTICES ?? '' },
  });
  await hub.start();
  const listening = { hub, db: ledger.db, clock: systemClock, log: silent, port: Number(port ?? 0), env: {} };
  const server = await startServer(listening);
  t.after(() => server.stop());
  const open = async () =>
    (await ledger.db.query<{ cause: string }>('open', "select cause from exception where state = 'open'")).map(
      ({ cause }) => cause,
    );
  const soon = (what: string, isSo: () => Promise<boolean>) =>
    until(what, isSo, isReal ? 240 : 90).catch(async (error) => {
      throw new Error(`${error.message}: ${await open()}`);
    });

  const [a, , c] = lab.variants as [(typeof lab.variants)[0], (typeof lab.variants)[0], (typeof lab.variants)[0]];
  const placed = [await lab.place([[a, 2]]), await lab.place([[c, 5]], { country: 'nl' })] as [Placed, Placed];
  const numbers = placed.map(({ number }) => number);
  const orders = () =>
    at.direct.read(
      'sale.order',
      [
        ['client_order_ref', 'in', numbers],
        ['create_date', '>=', began.slice(0, 19).replace('T', ' ')],
      ],
      ['amount_total', 'invoice_ids'],
      at.cx,
    );
  await soon('the orders are in Odoo', async () => (await orders()).length === 2);

  /** What Odoo holds of captures and refunds: way, amount, whether it is set against an invoice or credit note. */
  const moved = async () => {
    const fields = 'id,payment_collections.payments.captures.*,payment_collections.payments.refunds.*';
    type Moved = { captures: { id: string }[]; refunds: { id: string }[] };
    const memos: string[] = [];
    for (const { id } of placed) {
      type Listed = { order: { payment_collections: { payments: Moved[] }[] } };
      const { order } = await lab.admin<Listed>('GET', `/admin/orders/${id}?fields=${fields}`);
      for (const payment of order.payment_collections.flatMap(({ payments }) => payments))
        memos.push(...[...payment.captures, ...payment.refunds].map((one) => `web:${one.id}`));
    }
    const rows = await at.direct.read(
      'account.payment',
      [['memo', 'in', memos]],
      ['payment_type', 'amount', 'is_reconciled'],
      at.cx,
    );
    return rows.map((row) => `${row.payment_type} ${row.amount} ${row.is_reconciled}`).sort();
  };
  for (const { payment } of placed) await lab.admin('POST', `/admin/payments/${payment}/capture`, {});
  await soon('the captures are payments in Odoo', async () => (await moved()).length === 2);
  assert.deepEqual(await moved(), ['inbound 21.6 true', 'inbound 30.17 true']);

  assert.equal(await shipAll(at, numbers), 2);
  const delivered = async () =>
    (
      await at.direct.read(
        'sale.order.line',
        [
          ['order_id', 'in', (await orders()).map(({ id }) => id)],
          ['product_id.default_code', 'in', [a.sku, c.sku]],
        ],
        ['qty_delivered'],
        at.cx,
      )
    )
      .map((row) => row.qty_delivered)
      .sort();
  await soon('the parcels are told', async () => {
    type Listed = { order: { fulfillments: { shipped_at: string | null }[] } };
    const all = await Promise.all(
      placed.map(({ id }) => lab.admin<Listed>('GET', `/admin/orders/${id}?fields=id,fulfillments.*`)),
    );
    return all.every(({ order }) => order.fulfillments.some(({ shipped_at }) => shipped_at !== null));
  });
  assert.deepEqual(await delivered(), [2, 5]);

  await takeBack(lab, placed[0], 1);
  await soon('the goods are back in Odoo', async () => (await delivered()).join() === '1,5');
  await lab.admin('POST', `/admin/payments/${placed[0].payment}/refund`, { amount: 12.09 });
  await lab.admin('POST', `/admin/payments/${placed[1].payment}/refund`, { amount: 3.33 });
  await soon('the refunds are paid back in Odoo', async () => (await moved()).length === 4);
  // Whatever a second look would do once more.
  await systemClock.sleep(3000);
  assert.deepEqual(await moved(), [
    'inbound 21.6 true',
    'inbound 30.17 true',
    'outbound 12.09 true',
    'outbound 3.33 true',
  ]);
  const notes = await at.direct.read(
    'account.move',
    [
      ['ref', 'in', numbers.map((number) => `${number}-F1`)],
      ['move_type', '=', 'out_refund'],
      ['create_date', '>=', began.slice(0, 19).replace('T', ' ')],
    ],
    ['state', 'amount_total', 'amount_residual'],
    at.cx,
  );
  assert.deepEqual(notes.map((row) => `${row.state} ${row.amount_total} ${row.amount_residual}`).sort(), [
    'posted 12.09 0',
    'posted 3.33 0',
  ]);
  assert.deepEqual((await orders()).map((row) => row.amount_total).sort(), [21.6, 30.17]);
  assert.deepEqual(await open(), []);
});
