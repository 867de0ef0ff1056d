/**
 * npm run bench:odoo [-- --orders 100 --rounds 3 --lines 3]: orders a second into one Odoo by the hub, by a bare loop of `load()` in batches of 25 and
 * by a loop of create and action_confirm, in turns, on the Odoo of ODOO_URL, ODOO_DB, ODOO_LOGIN and ODOO_KEY (else on the simulators, where only the
 * hub's own cost shows). All three write the same kind of order: a known customer, known goods, no taxes. Figures are ratios within one run.
 */
import { parseArgs } from 'node:util';
import type { Odoo } from '../../src/connectors/odoo/database.ts';
import { seeded } from '../../src/core/clock.ts';
import type { Context } from '../../src/core/connector.ts';
import { drop, HEADER, line, records, type Sale } from '../chaos/sales.ts';
import { pause, until, World } from '../chaos/world.ts';
import { makeContext } from '../odoo/context.ts';
import { directly, type OdooServer, rpc, servers } from '../odoo/servers.ts';

const { values } = parseArgs({
  options: {
    orders: { type: 'string', default: '100' },
    rounds: { type: 'string', default: '3' },
    lines: { type: 'string', default: '3' },
  },
});
const ORDERS = Number(values.orders);
const ROUNDS = Number(values.rounds);
const LINES = Number(values.lines);
const BATCH = 25;
const CUSTOMER = '12345';
const random = seeded(7);

/** Sales whose numbers begin with `run`. */
const salesOf = (run: string, count: number): Sale[] =>
  Array.from({ length: count }, (_, n) => {
    const lines: Sale['lines'][number][] = [];
    while (lines.length < LINES) lines.push(line(random, lines));
    return { invoice: `${run}${String(n + 1).padStart(4, '0')}`, customer: CUSTOMER, lines };
  });

interface Known {
  readonly partner: number;
  readonly products: ReadonlyMap<string, number>;
}

/** Customer and goods as the hub has made them. */
async function known(odoo: Odoo, cx: Context): Promise<Known> {
  const [partner] = await odoo.read('res.partner', [['ref', '=', CUSTOMER]], ['name'], cx);
  const products = await odoo.read('product.product', [['default_code', '!=', false]], ['default_code'], cx);
  return {
    partner: Number(partner!.id),
    products: new Map(products.map((row) => [String(row.default_code), Number(row.id)])),
  };
}

async function byLoad(odoo: Odoo, sales: readonly Sale[], { partner, products }: Known, cx: Context): Promise<void> {
  const { lineTaxes } = await odoo.dialect(cx);
  const header = ['id', 'partner_id/.id', 'client_order_ref', 'date_order', 'state'];
  const ofLine = ['id', 'product_id/.id', 'name', 'product_uom_qty', 'price_unit', `${lineTaxes}/.id`];
  const fields = [...header, ...ofLine.map((field) => `order_line/${field}`)];
  for (let from = 0; from < sales.length; from += BATCH) {
    const data = sales
      .slice(from, from + BATCH)
      .flatMap(({ invoice, lines }) =>
        lines.map(({ code, quantity, price }, place) => [
          ...(place === 0
            ? [`bench.order_${invoice}`, String(partner), invoice, '2026-11-20 10:00:00', 'sale']
            : ['', '', '', '', '']),
          `bench.line_${invoice}_${place}`,
          String(products.get(code)),
          `ARTICLE ${code}`,
          String(quantity),
          (price / 100).toFixed(2),
          '',
        ]),
      );
    const answer = (await odoo.call(
      'sale.order',
      'load',
      {
        args: [
          ['fields', fields],
          ['data', data],
        ],
      },
      cx,
    )) as { ids: unknown };
    if (!Array.isArray(answer.ids)) throw new Error(JSON.stringify(answer));
  }
}

async function byCreate(
  server: OdooServer,
  odoo: Odoo,
  sales: readonly Sale[],
  { partner, products }: Known,
  cx: Context,
): Promise<void> {
  const { uid } = await odoo.introduction(cx);
  const { lineTaxes } = await odoo.dialect(cx);
  for (const { invoice, lines } of sales) {
    const order_line = lines.map(({ code, quantity, price }) => [
      0,
      0,
      {
        product_id: products.get(code),
        name: `ARTICLE ${code}`,
        product_uom_qty: quantity,
        price_unit: price / 100,
        [lineTaxes]: [[6, 0, []]],
      },
    ]);
    const ids = await rpc(server, uid, 'sale.order', 'create', [
      [{ partner_id: partner, client_order_ref: invoice, order_line }],
    ]);
    await rpc(server, uid, 'sale.order', 'action_confirm', [ids]);
  }
}

const middle = (all: readonly number[]): number => [...all].sort((a, b) => a - b)[Math.floor(all.length / 2)]!;

async function bench(server: OdooServer, run: string): Promise<Map<string, number[]>> {
  const world = World.around({ ...server, stop: async () => {} }, { CHAOS_ORDERS: String(BATCH) });
  const cx = makeContext({ connection: 'odoo', secrets: { ODOO_KEY: server.key } });
  const odoo = directly(server);
  const landed = async (prefix: string) =>
    Number(
      await odoo.call(
        'sale.order',
        'search_count',
        {
          args: [
            [
              'domain',
              [
                ['client_order_ref', '=like', `${prefix}%`],
                ['state', '=', 'sale'],
              ],
            ],
          ],
        },
        cx,
      ),
    );
  const there = (what: string, prefix: string, count: number) =>
    until(
      what,
      count * 5 + 120,
      async () => {
        if (hub.over) throw new Error(`the hub ended: ${(await hub.ended).stderr}`);
        return (await landed(prefix)) >= count;
      },
      500,
    );
  const hub = world.hub();
  try {
    // Every article is sold once before anything is measured, so that customer and goods are known.
    const articles = Array.from({ length: 120 }, (_, n) => ({
      code: String(20_000 + n * 7),
      quantity: 1,
      price: 50 + n * 5,
    }));
    drop(world.inbox, 'warm.csv', HEADER + records([{ invoice: `${run}9`, customer: CUSTOMER, lines: articles }]));
    await there('the catalogue is known', `${run}9`, 1);
    const goods = await known(odoo, cx);
    const rates = new Map<string, number[]>([
      ['hub', []],
      ['load, batches of 25', []],
      ['create + action_confirm', []],
    ]);
    for (let round = 0; round < ROUNDS; round++) {
      const ways: [string, (prefix: string) => Promise<void>][] = [
        [
          'hub',
          async (prefix) => {
            drop(world.inbox, `${prefix}.csv`, HEADER + records(salesOf(prefix, ORDERS)));
            await there('the orders are there', prefix, ORDERS);
          },
        ],
        ['load, batches of 25', (prefix) => byLoad(odoo, salesOf(prefix, ORDERS), goods, cx)],
        ['create + action_confirm', (prefix) => byCreate(server, odoo, salesOf(prefix, ORDERS), goods, cx)],
      ];
      for (const [place, [name, work]] of ways.entries()) {
        const prefix = `${run}${round}${place}`;
        const started = performance.now();
        await work(prefix);
        rates.get(name)!.push((ORDERS / (performance.now() - started)) * 1000);
        const count = await landed(prefix);
        if (count !== ORDERS) throw new Error(`${name}: ${count} confirmed orders instead of ${ORDERS}`);
        await pause(500);
      }
    }
    hub.signal('SIGTERM');
    await hub.ended;
    return rates;
  } finally {
    await world.close();
  }
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(1));
for (const { name, start } of servers) {
  const server = await start();
  const rates = await bench(server, String(Math.floor(Date.now() / 1000)));
  process.stdout.write(`${name}: ${ORDERS} orders of ${LINES} lines, ${ROUNDS} rounds in turns; orders/s\n`);
  const yardstick = middle(rates.get('load, batches of 25')!);
  for (const [way, all] of rates)
    process.stdout.write(
      `${way.padEnd(26)} median ${middle(all).toFixed(1).padStart(7)}  best ${Math.max(...all)
        .toFixed(1)
        .padStart(7)}  ${(middle(all) / yardstick).toFixed(2).padStart(5)} × load\n`,
    );
  await server.stop();
}
