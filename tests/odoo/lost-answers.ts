/**
 * Orders into an Odoo whose answers get lost after it has committed: `npm run chaos:odoo [-- --orders 1000 --cut 0.2 --batch 10 --seed N]`. On the real
 * Odoo of ODOO_URL, ODOO_DB, ODOO_LOGIN and ODOO_KEY, else on the simulated 18 and 19. The orders' numbers are new for every run, so a database may be
 * used again; use a copy all the same. Beside the hub, a loop of create and confirm that repeats what got no answer shows that the cuts are real.
 */
import { parseArgs } from 'node:util';
import { methodOf } from '../../src/connectors/odoo/versions.ts';
import { type Random, seeded } from '../../src/core/clock.ts';
import type { Context } from '../../src/core/connector.ts';
import type { SoldLine } from '../../src/simulators/till.ts';
import { verifyDaySales } from '../../src/simulators/verify.ts';
import { drop, HEADER, line, makeSales, records, type Sale } from '../chaos/sales.ts';
import { pause, until, World } from '../chaos/world.ts';
import { readBooks } from './books.ts';
import { makeContext } from './context.ts';
import { type SeenCall, startProxy } from './proxy.ts';
import { directly, type OdooServer, rpc, servers } from './servers.ts';

const { values } = parseArgs({
  options: {
    orders: { type: 'string', default: '1000' },
    cut: { type: 'string', default: '0.2' },
    batch: { type: 'string', default: '10' },
    seed: { type: 'string' },
  },
});
const ORDERS = Number(values.orders);
const SHARE = Number(values.cut);
const SEED = Number(values.seed ?? Math.floor(Math.random() * 1_000_000));
const NAIVE_ORDERS = 40;
/** The last of each file gets a line more later, as when a file was read before it was whole. */
const SALES_PER_FILE = 5;

interface Plan {
  /** What every invoice comes to in the end. */
  readonly sales: readonly Sale[];
  readonly files: readonly string[];
  readonly later: readonly string[];
}

/** Sales with exactly as many orders as wanted, write-offs among them; `run` begins every number. */
function plan(run: number, random: Random): Plan {
  const made = makeSales({ seed: SEED, count: ORDERS * 2, most: 4, first: run * 100_000 + 1 });
  const first: Sale[] = [];
  for (let orders = 0; orders < ORDERS; ) {
    const sale = made[first.length]!;
    first.push(sale);
    if (isOrder(sale)) orders += 1;
  }
  const files: string[] = [];
  const later: string[] = [];
  const sales: Sale[] = [];
  for (let from = 0; from < first.length; from += SALES_PER_FILE) {
    const own = first.slice(from, from + SALES_PER_FILE);
    files.push(HEADER + records(own));
    const last = own.at(-1)!;
    if (isOrder(last)) {
      const lines: SoldLine[] = [line(random, last.lines)];
      later.push(HEADER + records([{ ...last, lines }]));
      own[own.length - 1] = { ...last, lines: [...last.lines, ...lines] };
    }
    sales.push(...own);
  }
  return { sales, files, later };
}

const isOrder = ({ lines }: Sale): boolean => lines[0]!.price > 0;

/** Cuts a share of the answers to calls that write. */
function cutter(random: Random): { meets: (call: SeenCall) => { do: 'cut-after' } | undefined; cuts: SeenCall[] } {
  const cuts: SeenCall[] = [];
  const writes = ({ method }: SeenCall): boolean => {
    try {
      return methodOf(method).writes;
    } catch {
      return method === 'create' || method === 'action_confirm';
    }
  };
  return {
    cuts,
    meets: (call) => {
      if (!writes(call) || random() >= SHARE) return undefined;
      cuts.push(call);
      return { do: 'cut-after' };
    },
  };
}

async function scenario(server: OdooServer): Promise<string[]> {
  const random = seeded(SEED);
  const { cuts, meets } = cutter(random);
  const road = await startProxy(server.url, meets);
  const world = World.around({ ...server, url: road.url, stop: async () => {} }, { CHAOS_ORDERS: values.batch });
  const cx = makeContext({ connection: 'odoo', secrets: { ODOO_KEY: server.key } });
  try {
    const run = Math.floor(Date.now() / 1000);
    const { sales, files, later } = plan(run, random);
    const odoo = directly(server);
    const landed = async () =>
      Number(
        await odoo.call(
          'sale.order',
          'search_count',
          { args: [['domain', [['client_order_ref', '=like', `${run}%`]]]] },
          cx,
        ),
      );
    const started = performance.now();
    files.forEach((text, place) => {
      drop(world.inbox, `till-${String(place).padStart(4, '0')}.csv`, text);
    });
    const hub = world.hub();
    // Seldom: every look costs the same Odoo time.
    const arrive = (what: string, count: number) =>
      until(
        what,
        ORDERS * 2 + 300,
        async () => {
          if (hub.over) throw new Error(`the hub ended: ${(await hub.ended).stderr}`);
          return (await landed()) >= count;
        },
        2000,
      );
    await arrive('half of the orders have landed', ORDERS / 2);
    later.forEach((text, place) => {
      drop(world.inbox, `more-${String(place).padStart(4, '0')}.csv`, text);
    });
    await arrive('every order has landed', ORDERS);
    const arrived = (performance.now() - started) / 1000;
    await pause(3000);
    hub.signal('SIGTERM');
    const ends = [await hub.ended, await world.hub({ untilIdle: true }).ended];
    const seconds = (performance.now() - started) / 1000;
    const problems = ends.flatMap(({ code, stderr }) =>
      code === 0 ? [] : [`a hub ended with ${code}: ${stderr.slice(-500)}`],
    );

    const books = await readBooks(odoo, String(run), cx);
    const exceptions = await world.exceptions();
    const { lost, duplicated, wrong } = verifyDaySales(sales, books);
    const confirmed = books.sale_orders.filter(({ state }) => state === 'sale').length;
    problems.push(...wrong, ...books.outOfOrder);
    problems.push(...exceptions.map(({ cause, message }) => `Exception ${cause}: ${message}`));
    if (confirmed !== ORDERS || books.sale_orders.length !== ORDERS)
      problems.push(`${books.sale_orders.length} orders, ${confirmed} confirmed, instead of ${ORDERS}`);
    const calls = road.calls.filter(({ model, method }) => model === 'sale.order' && method === 'load').length;
    const cut = cuts.filter(({ model }) => model === 'sale.order').length;
    if (cut < calls * SHARE * 0.5) problems.push(`only ${cut} of ${calls} answers about orders were cut`);
    const figures = {
      orders: `${confirmed} (${books.sale_orders.reduce((sum, { lines }) => sum + lines.length, 0)} lines, ${later.length} in a second version)`,
      'write-offs': books.pickings.length,
      'answers cut after commit': `${cut} of ${calls} order loads, ${cuts.length} of all writes`,
      'lost, duplicated, out of order': `${lost}, ${duplicated}, ${books.outOfOrder.length}`,
      exceptions: exceptions.length,
      'every order there': `after ${arrived.toFixed(0)} s (${(ORDERS / arrived).toFixed(1)} orders/s, catalogue and write-offs included)`,
      'all done': `after ${seconds.toFixed(0)} s (what follows a lost answer in its lane waits for settle, 120 s)`,
    };
    for (const [what, figure] of Object.entries(figures)) process.stdout.write(`    ${what}: ${figure}\n`);
    process.stdout.write(`    a naive client, same cuts: ${await naive(server, road.url, `${run}N`, cx)}\n`);
    return problems;
  } finally {
    await world.close();
    await road.close();
  }
}

/** Creates and confirms one order after the other, repeating what got no answer, as integrations do that know no external id. */
async function naive(server: OdooServer, url: string, run: string, cx: Context): Promise<string> {
  const odoo = directly(server);
  const { uid } = await odoo.introduction(cx);
  const [partner] = await odoo.read('res.partner', [['ref', '!=', false]], ['name'], cx);
  const [product] = await odoo.read('product.product', [['default_code', '=like', '20%']], ['name'], cx);
  const road = { ...server, url };
  for (let n = 0; n < NAIVE_ORDERS; n++) {
    const order = {
      partner_id: partner!.id,
      client_order_ref: `${run}${n}`,
      order_line: [[0, 0, { product_id: product!.id, product_uom_qty: 1, price_unit: 5 }]],
    };
    for (let tries = 0; tries < 20; tries++)
      try {
        const ids = await rpc(road, uid, 'sale.order', 'create', [[order]]);
        await rpc(road, uid, 'sale.order', 'action_confirm', [ids]);
        break;
      } catch (error) {
        if (!(error instanceof TypeError)) throw error;
      }
  }
  const made = await odoo.read('sale.order', [['client_order_ref', '=like', `${run}%`]], [], cx);
  return `${made.length} orders instead of ${NAIVE_ORDERS}`;
}

if (!(ORDERS > 0) || !(SHARE >= 0 && SHARE < 1)) {
  process.stderr.write('usage: --orders N --cut SHARE --batch N --seed N\n');
  process.exit(2);
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(1));
for (const { name, start } of servers) {
  const server = await start();
  process.stdout.write(`${name}: ${ORDERS} orders, ${100 * SHARE} % of the answers to writes cut, --seed ${SEED}\n`);
  const problems = await scenario(server).catch((error: Error) => [error.stack ?? error.message]);
  for (const problem of problems.slice(0, 40)) process.stdout.write(`    ! ${problem}\n`);
  process.stdout.write(`${problems.length === 0 ? '✔' : '✖'} ${name}\n`);
  if (problems.length > 0) process.exitCode = 1;
  await server.stop();
}
