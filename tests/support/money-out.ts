import type { TestContext } from 'node:test';
import { type Duration, seeded, systemClock } from '../../src/core/clock.ts';
import type { Sink } from '../../src/core/connector.ts';
import { defineEstate, secret } from '../../src/core/estate.ts';
import type { MappingSeed } from '../../src/core/flow.ts';
import { Hub } from '../../src/engine/hub.ts';
import {
  odoo,
  odooCancellations,
  odooPromises,
  odooRefunds,
  odooReturns,
  shopify,
  webOrders,
  withTables,
} from '../../src/index.ts';
import { Database } from '../../src/ledger/database.ts';
import { listExceptions } from '../../src/ledger/exceptions.ts';
import { readFigures } from '../../src/ledger/figures.ts';
import { startOdooSimulator, type Version } from '../../src/simulators/odoo/index.ts';
import { startShopify } from '../../src/simulators/shopify/index.ts';
import { fulfil, placeOrder } from '../../src/simulators/shopify/orders.ts';
import type { Order } from '../../src/simulators/shopify/records.ts';
import { summarise } from '../../src/watch/summary.ts';
import { people } from '../odoo/estate.ts';
import { type Mishap, startProxy } from '../odoo/proxy.ts';
import { silent, testLedger } from './hub.ts';

const soon = '200ms' as Duration;
const vat = { title: 'VAT', rate: 2000 };

/** An order that was shipped and paid on both sides. */
export interface Sold {
  readonly order: Order;
  /** Ids of the sale order, its picking and its invoice in Odoo. */
  readonly sale: number;
  readonly picking: number;
  readonly invoice: number;
}

/** A shop and an Odoo that give money back and take goods back, each by itself, with a hub between them that tells the other; lines that lose answers, and a hub that may be killed. */
export async function moneyOut(t: TestContext, version: Version, seed: number) {
  const server = await startOdooSimulator({ version, seed });
  t.after(() => server.stop());
  const simulator = await startShopify({ name: 'web', currency: 'GBP', bucket: [1e6, 1e6], seed });
  t.after(() => simulator.stop());
  const { shop } = simulator;
  const home = shop.addLocation('Home').id;
  const random = seeded(seed);
  let bad = 0;
  const fate = (): Mishap | undefined => {
    const at = random();
    if (at < bad) return { do: 'cut-after' };
    return at < 2 * bad ? { do: 'cut-before' } : undefined;
  };
  const road = await startProxy(server.url, fate);
  t.after(() => road.close());
  const at = await people(server, { mappings: {} });
  const { code } = await at.direct.warehouse(at.cx);
  const [like] = await at.direct.read('account.tax', [['type_tax_use', '=', 'sale']], ['tax_group_id'], at.cx);
  const tax = await at.create('account.tax', {
    name: '20% in price',
    amount: 20,
    type_tax_use: 'sale',
    price_include_override: 'tax_included',
    tax_group_id: (like!.tax_group_id as [number, string])[0],
  });
  await at.create('product.product', { name: 'Rounding', default_code: 'ROUNDING', type: 'service', taxes_id: [] });
  shop.addProduct('Article', [{ sku: 'A', price: 1235n }]);
  await at.product('A', 1000, { default_code: 'A', taxes_id: [[6, 0, [tax]]] });
  for (const level of shop.levels.values()) shop.setLevel(level, 500);
  shop.commit();

  const books = odoo({
    url: road.url,
    database: server.db,
    login: server.login,
    key: secret('ODOO_KEY'),
    settle: '1s',
    timeout: '2s',
    capture: { overlap: '3s', every: { creditNotes: soon, returns: soon, orders: soon } },
  });
  const web = shopify({
    shop: shop.domain,
    url: simulator.url,
    token: secret('TOKEN'),
    clientSecrets: [secret('TOKEN')],
    settle: '1s',
    timeout: '2s',
    every: soon,
  });
  // A hub that is killed leaves its lanes quiet for so long.
  const short = <S extends Sink>(sink: S): S => ({ ...sink, deadline: '4s' });
  const sinks = {
    ...web.sinks,
    refunds: short(web.sinks.refunds),
    returns: short(web.sinks.returns),
    cancellations: short(web.sinks.cancellations),
    promises: short(web.sinks.promises),
  };
  const sold = (order: string): boolean => order.startsWith('web:');
  const places = [table('odoo-warehouses', { [code]: 'home' })];
  const flows = [
    withTables(
      webOrders({
        from: web.sources.orders,
        to: {
          customer: books.sinks.customers,
          product: books.sinks.products,
          order: books.sinks.saleOrders,
          payment: books.sinks.payments,
          refund: books.sinks.refunds,
          return: books.sinks.returns,
        },
        zone: 'UTC',
      }),
      tablesOf(home, code),
    ),
    withTables(
      odooRefunds({
        from: books.sources.creditNotes,
        to: { refund: sinks.refunds },
        sold,
        returns: true,
      }),
      places,
    ),
    withTables(odooReturns({ from: books.sources.returns, to: { return: sinks.returns }, sold }), places),
    odooCancellations({
      from: books.sources.orders,
      to: { cancellation: sinks.cancellations },
      sold,
      creditNotes: true,
    }),
    odooPromises({ from: books.sources.orders, to: { 'delivery-promise': sinks.promises }, sold }),
  ];
  const approval = { reason: 'looked for first, by its memo or its mark', by: 'tests' };
  const estate = defineEstate({
    name: 'money-out',
    connections: { odoo: books, web: { ...web, sinks } },
    flows,
    approvals: {
      'web-orders': approval,
      'odoo-refunds': approval,
      'odoo-returns': approval,
      'odoo-cancellations': approval,
    },
  });
  const ledger = await testLedger(t);
  const secrets: Record<string, string> = { ODOO_KEY: server.key, TOKEN: simulator.token };
  const start = async () => {
    const db = Database.open(ledger.url);
    const hub = new Hub({
      estate,
      db,
      vault: ledger.vault,
      clock: systemClock,
      random: seeded(seed),
      log: silent,
      secret: (name) => secrets[name]!,
      terms: { pollSeconds: 0.1, retrySeconds: [0.05, 0.5], leaseSeconds: 3, attempts: 60 },
    });
    await hub.start();
    return { hub, db };
  };
  let running = await start();
  const ended: Promise<unknown>[] = [];
  t.after(async () => {
    await running.hub.stop();
    await Promise.allSettled([running.db.close(), ...ended]);
  });
  const exceptions = async () =>
    (await listExceptions(ledger.db, null, 50)).map(({ id, cause, message_sealed: sealed }) => ({
      cause,
      message: ledger.vault.unseal(sealed, `exception:${id}`).toString(),
    }));
  const until = async (what: string, holds: () => Promise<unknown> | unknown, seconds = 60): Promise<void> => {
    for (const end = performance.now() + seconds * 1000; ; ) {
      if (await holds()) return;
      if (performance.now() > end)
        throw new Error(`not in ${seconds} s: ${what}; open: ${JSON.stringify(await exceptions())}`);
      await systemClock.sleep(100);
    }
  };
  const notesOf = (sale: number) =>
    at.direct.read(
      'account.move',
      [
        ['move_type', '=', 'out_refund'],
        '|',
        ['invoice_line_ids.sale_line_ids.order_id', '=', sale],
        ['reversed_entry_id.invoice_line_ids.sale_line_ids.order_id', '=', sale],
      ],
      ['name', 'state', 'amount_total', 'amount_residual'],
      at.cx,
    );
  /** Buys, and pays where nothing else is said; nothing leaves. */
  const buy = async (
    count: number,
    {
      quantity = 3,
      paid = true,
      promisedAt,
    }: { readonly quantity?: number; readonly paid?: boolean; readonly promisedAt?: Date } = {},
  ): Promise<Sold[]> => {
    const [variant] = [...shop.variants.values()];
    const orders = Array.from({ length: count }, () =>
      placeOrder(shop, {
        lines: [{ variantId: variant!.id, quantity, taxes: [vat] }],
        customer: { id: shop.id('Customer'), displayName: 'Ann', email: 'ann@example.com', phone: null },
        shippingAddress: { ...address, id: shop.id('MailingAddress') },
        paid,
        ...(promisedAt ? { promisedAt } : {}),
      }),
    );
    const all: Sold[] = [];
    for (const order of orders) {
      let sale = 0;
      let invoice = 0;
      await until(`${order.name} is ${paid ? 'paid ' : ''}in Odoo`, async () => {
        const [row] = await at.direct.read(
          'sale.order',
          [['client_order_ref', '=', order.name]],
          ['invoice_ids', 'state'],
          at.cx,
        );
        sale = (row?.id as number | undefined) ?? 0;
        if (!paid) return row?.state === 'sale';
        invoice = (row?.invoice_ids as number[] | undefined)?.[0] ?? 0;
        if (invoice === 0) return false;
        const [move] = await at.direct.read(
          'account.move',
          [['id', '=', invoice]],
          ['amount_residual', 'state'],
          at.cx,
        );
        return move?.state === 'posted' && move.amount_residual === 0;
      });
      const [picking] = await at.direct.read('stock.picking', [['sale_id', '=', sale]], ['name'], at.cx);
      all.push({ order, sale, picking: picking!.id as number, invoice });
    }
    return all;
  };
  return {
    at,
    shop,
    buy,
    /** Until all that was received is posted or at an Exception: a reading that says nothing new is under way until it is routed. */
    posted: () =>
      until('all money is posted', async () => {
        const { money } = summarise(await readFigures(ledger.db));
        return Object.values(money).every(({ difference }) => difference === '0.00');
      }),
    simulator,
    /** Keys of the documents of a kind that the ledger holds. */
    told: async (kind: string): Promise<string[]> =>
      (await ledger.db.query<{ key: string }>('told', 'select key from document where kind = $1', [kind])).map(
        ({ key }) => key,
      ),
    exceptions,
    until,
    notesOf,
    /** Lines lose a share of requests and of answers from now on. */
    storm: (share: number): void => {
      bad = share / 2;
      Object.assign(simulator.faults, { cut: share, broken: share / 3, throttled: share / 3 });
    },
    /** As after kill -9: the hub can write nothing down any more, nobody gives back what it had taken, and another one begins. */
    kill: async (): Promise<void> => {
      ended.push(running.db.close(), running.hub.stop());
      running = await start();
    },
    quiet: () =>
      until('nothing is under way', async () => {
        const { routable, deliverable, leased } = await running.hub.progress();
        return routable + deliverable + leased === 0;
      }),
    /** Buys, pays, and ships on both sides. */
    sell: async (count: number, quantity = 3): Promise<Sold[]> => {
      const all = await buy(count, { quantity });
      for (const { order, picking } of all) {
        await at.ship(picking, quantity);
        fulfil(shop, order, [{ company: null, number: `T${order.name}`, url: null }]);
      }
      return all;
    },
    /** People credit so many units of an order's invoice, and post it. Gives the id. */
    credit: async ({ invoice }: Sold, quantity: number): Promise<number> => {
      const [move] = await at.direct.read('account.move', [['id', '=', invoice]], ['journal_id'], at.cx);
      const context = { active_model: 'account.move', active_ids: [invoice] };
      const vals = { reason: 'returned', journal_id: (move!.journal_id as [number, string])[0] };
      const wizard = await at.create('account.move.reversal', vals, context);
      const action = await at.call('account.move.reversal', 'refund_moves', [[wizard]], context);
      const { res_id: note } = action as { res_id: number };
      const domain = [
        ['move_id', '=', note],
        ['display_type', '=', 'product'],
      ];
      const [line] = await at.direct.read('account.move.line', domain, ['quantity'], at.cx);
      await at.write('account.move', note, { invoice_line_ids: [[1, line!.id, { quantity }]] });
      await at.call('account.move', 'action_post', [[note]]);
      return note;
    },
    /** People take so many units back. Gives the receipt's id. */
    takeBack: async ({ picking }: Sold, quantity: number): Promise<number> => {
      const wizard = await at.create('stock.return.picking', { picking_id: picking });
      const [line] = await at.direct.read(
        'stock.return.picking.line',
        [['wizard_id', '=', wizard]],
        ['quantity'],
        at.cx,
      );
      await at.write('stock.return.picking.line', line!.id as number, { quantity });
      const made = await at.call('stock.return.picking', 'action_create_returns', [[wizard]]);
      const { res_id: receipt } = made as { res_id: number };
      await at.ship(receipt, quantity);
      return receipt;
    },
  };
}

const address = {
  name: 'Ann',
  company: null,
  address1: '12 High Street',
  address2: null,
  city: 'Leeds',
  zip: 'LS1 4DY',
  provinceCode: null,
  countryCodeV2: 'GB',
  phone: null,
};

const table = (name: string, rows: Record<string, string>): MappingSeed => ({
  table: name,
  owner: 'tests',
  about: name,
  rows,
});

const tablesOf = (home: string, code: string): MappingSeed[] => [
  table('shopify-taxes', { 'GB VAT 20%': 'standard' }),
  table('shopify-locations', { [home]: 'home', home }),
  table('shopify-payment-methods', { shopify_payments: 'card' }),
  table('taxes', { standard: '20% in price' }),
  table('payment-methods', { card: 'BNK1' }),
  table('sale-products', { rounding: 'ROUNDING' }),
  table('warehouses', { home: code }),
];
