/**
 * The real Medusa while hubs are killed: `npm run chaos:medusa [-- --orders 1000 --whole 30 --kills 20 --seed 1]`. Orders of a Medusa go to a simulated Odoo, parcels
 * and returns come back, and the hub is killed (kill -9) again and again in between. `whole` of the orders are bought by the shop's own checkout, shipped, and
 * half of them returned; the others are made by Medusa's own order module. Ends with what both sides hold, compared. MEDUSA_URL, MEDUSA_KEY,
 * MEDUSA_PUBLISHABLE and MEDUSA_DATABASE point at one that runs already, ODOO_URL and its like at a real Odoo: a fresh database that keeps euros.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startSimulatedOdoo } from '../../src/cli/simulated-odoo.ts';
import { seeded } from '../../src/core/clock.ts';
import { Ground, type HubProcess, pause } from '../chaos/world.ts';
import { people } from '../odoo/estate.ts';
import { isReal, servers } from '../odoo/servers.ts';
import { openTestCluster } from '../support/cluster.ts';
import type { StoryParts } from './estate.ts';
import { cameBack, furnishOdoo, shipAll, wayBack } from './people.ts';
import { install, makeOrders, startRealMedusa } from './server.ts';
import { type MedusaLab, openMedusa, type Placed } from './shops.ts';
import { SUBSCRIBER } from './subscriber.ts';

const { values } = parseArgs({
  options: {
    orders: { type: 'string', default: '1000' },
    whole: { type: 'string', default: '30' },
    kills: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
  },
});
const [ORDERS, WHOLE, KILLS] = [Number(values.orders), Number(values.whole), Number(values.kills)];
const random = seeded(Number(values.seed));
const say = (line: string): void => void process.stdout.write(`${line}\n`);
/** Longer than a lane is quiet after a kill, twice: ten calls of 8 s, and 5 s until what they did is seen. */
const PATIENCE_MS = 180_000;
const wrong: string[] = [];
const folder = mkdtempSync(join(tmpdir(), 'crossdock-medusa-'));

/** Keeps a hub running, and kills it `count` times at random moments, each time after it did something, until `done`. */
async function underKills(
  ground: Ground,
  count: number,
  progress: () => Promise<number>,
  all: number,
): Promise<{ kills: number; seconds: number }> {
  const began = Date.now();
  let moved = began;
  let kills = 0;
  let hub: HubProcess = ground.hub();
  for (let seen = await progress(); seen < all; ) {
    await pause(kills < count ? 300 + random() * 2500 : 1000);
    if (hub.over) {
      const { code, signal, stderr } = await hub.ended;
      wrong.push(`a hub ended by itself with ${code ?? signal}: ${stderr.slice(-800)}`);
      break;
    }
    const now = await progress();
    if (now < all && kills < count && now > seen) {
      hub.signal('SIGKILL');
      await hub.ended;
      kills += 1;
      hub = ground.hub();
    }
    if (now > seen) moved = Date.now();
    seen = now;
    if (Date.now() - moved > PATIENCE_MS) {
      wrong.push(`${seen} of ${all}, and no more for ${PATIENCE_MS / 1000} s`);
      for (const { cause, message } of await ground.exceptions()) wrong.push(`${cause}: ${message}`);
      break;
    }
  }
  hub.signal('SIGKILL');
  await hub.ended;
  return { kills, seconds: Math.round((Date.now() - began) / 1000) };
}

/** Numbers and rounded totals, in cents, of all orders of the shop since a moment: in one page, for pages by offset are not to be trusted. */
async function soldBy(lab: MedusaLab, since: string): Promise<Map<string, number>> {
  const query = `created_at[$gte]=${since}&order=created_at&limit=10000&fields=id,display_id,total`;
  type Listed = { orders: { display_id: number; total: number }[] };
  const { orders } = await lab.admin<Listed>('GET', `/admin/orders?${query}`);
  return new Map(orders.map(({ display_id, total }) => [String(display_id), Math.round(total * 100)]));
}

async function story(lab: MedusaLab, database: string): Promise<void> {
  const server = isReal ? await servers[0]!.start() : await startSimulatedOdoo({ version: 19, currency: 'EUR' });
  const at = await people(server);
  await furnishOdoo(at);
  const { code } = await at.direct.warehouse(at.cx);
  const began = new Date().toISOString();
  const returns = join(folder, 'returns');
  writeFileSync(returns, '');
  const parts: StoryParts = {
    medusa: lab.url,
    location: lab.location,
    odoo: server.url,
    database: server.db,
    login: server.login,
    warehouse: code,
    taxes: { VAT21: 'VAT 21%' },
    returns,
    timeout: '8s',
    from: began,
  };
  const ground = new Ground('../medusa/estate.ts', {
    MEDUSA_STORY: JSON.stringify(parts),
    MEDUSA_KEY: lab.key,
    ODOO_KEY: server.key,
    CROSSDOCK_LEASE_SECONDS: '3',
  });
  try {
    const placed: Placed[] = [];
    const bought = Date.now();
    for (let n = 0; n < WHOLE; n++) {
      const first = lab.variants[n % lab.variants.length]!;
      const second = lab.variants[(n + 1) % lab.variants.length]!;
      const wish = { promotion: n % 3 === 0, country: n % 4 === 0 ? ('nl' as const) : ('be' as const) };
      placed.push(
        await lab.place(
          [
            [first, 1 + (n % 3)],
            [second, 1],
          ],
          wish,
        ),
      );
    }
    say(`${WHOLE} orders by the checkout in ${Math.round((Date.now() - bought) / 1000)} s`);
    await makeOrders(database, {
      count: ORDERS - WHOLE,
      variants: lab.variants.map(({ id, sku, price }) => ({ id, sku, price })),
    });
    const sold = await soldBy(lab, began);
    say(`${sold.size} orders in Medusa`);
    const inOdoo = () =>
      at.direct.read('sale.order', [['client_order_ref', '!=', false]], ['client_order_ref', 'amount_total'], at.cx);
    const inward = await underKills(ground, KILLS, async () => (await inOdoo()).length, sold.size);
    say(`orders: ${inward.kills} kills of the hub, ${inward.seconds} s`);
    const numbers = placed.map(({ number }) => number);
    say(`${await shipAll(at, numbers)} parcels left`);
    const ways = () => Promise.all(placed.map((one) => wayBack(lab, one)));
    const isShipped = (way: { shipped: string[] }) => way.shipped.length > 0 && !way.shipped.includes('not shipped');
    const outward = await underKills(
      ground,
      Math.ceil(KILLS / 2),
      async () => (await ways()).filter(isShipped).length,
      WHOLE,
    );
    say(`shipments: ${outward.kills} kills of the hub, ${outward.seconds} s`);
    const levels = async () =>
      new Map(
        await Promise.all(
          lab.variants.map(async ({ sku, inventoryItem }): Promise<[string, number]> => {
            const path = `/admin/inventory-items/${inventoryItem}/location-levels`;
            const told = await lab.admin<{ inventory_levels: { stocked_quantity: number }[] }>('GET', path);
            return [sku, told.inventory_levels[0]!.stocked_quantity];
          }),
        ),
      );
    const before = await levels();
    const back = placed.filter((_, n) => n % 2 === 0);
    const fit = new Map<string, number>();
    for (const [n, one] of back.entries()) {
      cameBack(returns, one, n % 3 !== 0);
      const [sku] = [...one.lines.keys()] as [string];
      if (n % 3 !== 0) fit.set(sku, (fit.get(sku) ?? 0) + 1);
    }
    const received = async () =>
      (await ways()).filter((way) => way.returns.some((text) => text.startsWith('received'))).length;
    const taken = await underKills(ground, Math.ceil(KILLS / 2), received, back.length);
    say(`returns: ${taken.kills} kills of the hub, ${taken.seconds} s`);
    const last = await ground.hub({ untilIdle: true }).ended;
    if (last.code !== 0) wrong.push(`the last hub ended with ${last.code}: ${last.stderr.slice(-800)}`);
    for (const { cause, message } of await ground.exceptions()) wrong.push(`Exception ${cause}: ${message}`);
    const rows = Map.groupBy(await inOdoo(), (row) => String(row.client_order_ref));
    for (const [number, total] of sold) {
      const held = rows.get(number) ?? [];
      if (held.length !== 1) wrong.push(`order ${number} is ${held.length} times in Odoo`);
      else if (Math.round(Number(held[0]!.amount_total) * 100) !== total)
        wrong.push(`order ${number}: ${held[0]!.amount_total} in Odoo, ${total / 100} in Medusa`);
    }
    if (rows.size !== sold.size) wrong.push(`${rows.size} orders in Odoo, ${sold.size} sold`);
    for (const [n, way] of (await ways()).entries()) {
      const { number } = placed[n]!;
      if (way.shipped.join(' ') !== `TRK-${number}`) wrong.push(`order ${number}: shipped ${way.shipped.join(' ')}`);
      const wanted = n % 2 === 0 ? [`received 1/${(n / 2) % 3 === 0 ? 1 : 0}`] : [];
      if (way.returns.join(' ') !== wanted.join(' ')) wrong.push(`order ${number}: returns ${way.returns.join(' ')}`);
    }
    for (const [sku, stocked] of await levels())
      if (stocked !== before.get(sku)! + (fit.get(sku) ?? 0))
        wrong.push(`${sku}: ${stocked} in stock, ${before.get(sku)! + (fit.get(sku) ?? 0)} wanted`);
    say(
      `${sold.size} orders sold, ${rows.size} in Odoo; ${placed.length} shipped, ${back.length} returned, ${[...fit.values()].reduce((a, b) => a + b, 0)} in stock again; ${inward.kills + outward.kills + taken.kills} kills`,
    );
  } finally {
    await ground.close();
    await server.stop();
  }
}

const { MEDUSA_URL, MEDUSA_DATABASE } = process.env;
try {
  await install(SUBSCRIBER);
  if (MEDUSA_URL && MEDUSA_DATABASE) await story(await openMedusa(), MEDUSA_DATABASE);
  else {
    const cluster = await openTestCluster(folder);
    process.env.CROSSDOCK_TEST_URL = cluster.url;
    const { url, key, publishable, database, stop } = await startRealMedusa();
    Object.assign(process.env, { MEDUSA_URL: url, MEDUSA_KEY: key, MEDUSA_PUBLISHABLE: publishable });
    try {
      await story(await openMedusa(), database);
    } finally {
      await stop();
      await cluster.stop();
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
say(wrong.length === 0 ? 'all once: passed' : `${wrong.slice(0, 30).join('\n')}\n${wrong.length} wrong: failed`);
process.exit(wrong.length === 0 ? 0 : 1);
