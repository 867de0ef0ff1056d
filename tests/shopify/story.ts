import { createServer } from 'node:net';
import { shopify } from '../../src/connectors/shopify/index.ts';
import { type Duration, milliseconds, seeded, systemClock } from '../../src/core/clock.ts';
import type { Log } from '../../src/core/connector.ts';
import { defineEstate } from '../../src/core/estate.ts';
import { withTables } from '../../src/core/flow.ts';
import { Hub } from '../../src/engine/hub.ts';
import { webOrders } from '../../src/flows/web-orders.ts';
import { listExceptions } from '../../src/ledger/exceptions.ts';
import { startServer } from '../../src/server/index.ts';
import { type ShopifyOptions, type ShopifySimulator, startShopify } from '../../src/simulators/shopify/index.ts';
import { placeOrder } from '../../src/simulators/shopify/orders.ts';
import { furnish, payOwed, randomChange, randomOrder } from '../../src/simulators/shopify/traffic.ts';
import type { TestLedger } from '../support/hub.ts';
import { type Books, recorder } from './books.ts';

export interface Story {
  readonly orders: number;
  readonly seed: number;
  readonly every: Duration;
  /** Changes of orders (edits, cancellations, refunds, returns) for each that is placed; 0.2 when absent. */
  readonly changes?: number;
  /** Orders a second; as fast as it goes when absent. */
  readonly rate?: number;
  readonly bucket?: readonly [number, number];
  /** Shares of the webhooks; a few per cent each when absent. */
  readonly webhooks?: ShopifyOptions['webhooks'];
  readonly say?: (line: string) => void;
}

export interface Told {
  readonly sold: number;
  readonly changed: number;
  /** What is wrong, in words; empty when every order came once and whole. */
  readonly wrong: string[];
  /** From the moment the subscriptions were deleted, in seconds: until they were there again, and until what was sold meanwhile had come. */
  readonly resubscribed: number;
  readonly closed: number;
  readonly webhooks: {
    readonly sent: number;
    readonly lost: number;
    readonly twice: number;
    readonly late: number;
    readonly unsigned: number;
  };
  /** Webhooks that were sent and never taken; forged ones that were. */
  readonly unheard: number;
  readonly fooled: number;
  readonly calls: number;
  readonly seconds: number;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/**
 * A shop trades while its webhooks are lost, doubled, late and forged, and its subscriptions are deleted once in the middle; nobody does anything about
 * it. Compares, in the end, the shop's own ledger with what came.
 */
export async function trade(ledger: TestLedger, story: Story, books: Books = recorder()): Promise<Told> {
  const say = story.say ?? (() => undefined);
  const simulator = await startShopify({
    seed: story.seed,
    bucket: story.bucket ?? [1e6, 1e6],
    webhooks: story.webhooks ?? { lost: 0.03, twice: 0.05, late: 0.1, unsigned: 0.01 },
    faults: { cut: 0.01, broken: 0.01, throttled: 0.01, indexLag: Math.min(1000, milliseconds(story.every) / 3) },
  });
  const port = await freePort();
  const web = shopify({
    shop: simulator.shop.domain,
    url: simulator.url,
    hub: `http://127.0.0.1:${port}`,
    token: { secret: 'TOKEN' },
    clientSecrets: [{ secret: 'NEXT' }, { secret: 'CLIENT' }],
    every: story.every,
  });
  const flow = webOrders({ from: web.sources.orders, to: books.to, zone: 'Europe/Brussels' });
  const connections = { web, books: books.connection };
  const approvals = { 'web-orders': { reason: 'found by their memo', by: 'tests' } };
  const quiet = () => undefined;
  const log: Log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
  furnish(simulator.shop);
  const taxes = Object.fromEntries(
    ['BE', 'FR', 'NL', '--'].flatMap((country) => [21, 6].map((rate) => [`${country} VAT ${rate}%`, `VAT ${rate}%`])),
  );
  const locations = Object.fromEntries([...simulator.shop.locations.values()].map(({ id, name }) => [id, name]));
  const rows = {
    'shopify-taxes': taxes,
    'shopify-locations': locations,
    'shopify-payment-methods': { shopify_payments: 'card', cash: 'cash' },
    ...books.tables,
  };
  const tables = Object.entries(rows).map(([table, own]) => ({ table, owner: 'tests', about: 'x', rows: own }));
  const hub = new Hub({
    estate: defineEstate({ name: 'story', connections, flows: [withTables(flow, tables)], approvals }),
    db: ledger.db,
    vault: ledger.vault,
    clock: systemClock,
    random: seeded(story.seed),
    log,
    secret: (name) =>
      ({ TOKEN: simulator.token, CLIENT: simulator.secrets[0], NEXT: 'shpss_next', ODOO_KEY: books.key })[name]!,
    terms: { pollSeconds: 0.1, retrySeconds: [0.05, 1], attempts: 40 },
  });
  await hub.start();
  const server = await startServer({ hub, db: ledger.db, clock: systemClock, log, port, env: {} });
  try {
    return await tell(simulator, books, story, say);
  } catch (error) {
    throw new Error(`${(error as Error).message}; open: ${(await openCauses(ledger)).join('; ')}`, { cause: error });
  } finally {
    await simulator.stop();
    await server.stop();
    await hub.stop();
  }
}

/** What people are asked about, in words. */
const openCauses = async ({ db, vault }: TestLedger): Promise<string[]> =>
  (await listExceptions(db, null, 20)).map(
    ({ id, cause, message_sealed: sealed }) => `${cause}: ${vault.unseal(sealed, `exception:${id}`)}`,
  );

async function tell(
  simulator: ShopifySimulator,
  books: Books,
  story: Story,
  say: (line: string) => void,
): Promise<Told> {
  const { shop, webhooks } = simulator;
  const began = performance.now();
  await until('the hub has subscribed', () => shop.subscriptions.size > 0, story);
  const random = seeded(story.seed);
  const deletedAt = { ms: 0, resubscribed: Number.POSITIVE_INFINITY, closed: Number.POSITIVE_INFINITY };
  /** Sold while nobody told of it. */
  const gap: string[] = [];
  let changed = 0;
  const isClosed = (): boolean => deletedAt.closed !== Number.POSITIVE_INFINITY;
  const look = async (): Promise<void> => {
    if (deletedAt.ms === 0 || isClosed()) return;
    const since = (): number => (performance.now() - deletedAt.ms) / 1000;
    if (shop.subscriptions.size === 0) return;
    deletedAt.resubscribed = Math.min(deletedAt.resubscribed, since());
    const had = await books.seen();
    if (gap.length > 0 && gap.every((name) => had.has(name))) deletedAt.closed = since();
  };
  for (let n = 1; n <= story.orders; n++) {
    const { name } = placeOrder(shop, randomOrder(shop, random));
    if (deletedAt.ms > 0 && shop.subscriptions.size === 0) gap.push(name);
    for (let share = story.changes ?? 0.2; share > 0; share -= 1) {
      if (random() >= share) continue;
      const all = [...shop.orders.values()];
      randomChange(shop, all[Math.floor(random() * all.length)]!, random);
      changed += 1;
    }
    if (n === Math.floor(story.orders / 2)) {
      shop.subscriptions.clear();
      deletedAt.ms = performance.now();
      say(`${n} sold; all subscriptions deleted`);
    }
    if (n % 100 === 0) await look();
    if (n % 1000 === 0)
      say(`${n} sold, ${(await books.seen()).size} have come, ${Math.round((performance.now() - began) / 1000)} s`);
    const due = story.rate ? began + (n / story.rate) * 1000 - performance.now() : n % 20 === 0 ? 10 : 0;
    if (due > 0) await new Promise((resolve) => setTimeout(resolve, due));
  }
  for (const order of shop.orders.values()) if (order.cancelledAt === null) payOwed(shop, order);
  let wrong: string[] = [];
  let said = '';
  await until(
    'everything has come',
    async () => {
      await look();
      if (isClosed()) wrong = await books.wrong(shop);
      const how = isClosed() ? `${wrong.length} wrong${wrong[0] ? `: ${wrong[0]}` : ''}` : 'the gap is not closed yet';
      if (how !== said) say(`after ${Math.round((performance.now() - began) / 1000)} s: ${how}`);
      said = how;
      return isClosed() && wrong.length === 0;
    },
    story,
    () => wrong,
  );
  await webhooks.quiet();
  const of = (name: string): number => webhooks.sent.filter(({ fault }) => fault === name).length;
  return {
    sold: shop.orders.size,
    changed,
    wrong: await books.wrong(shop),
    resubscribed: deletedAt.resubscribed,
    closed: deletedAt.closed,
    webhooks: {
      sent: webhooks.sent.length,
      lost: of('lost'),
      twice: of('twice'),
      late: of('late'),
      unsigned: of('unsigned'),
    },
    unheard: webhooks.sent.filter(({ fault, statuses }) => fault !== 'lost' && !statuses.includes(202)).length,
    fooled: webhooks.sent.filter(({ fault, statuses }) => fault === 'unsigned' && statuses[0] === 202).length,
    calls: simulator.requests.length,
    seconds: (performance.now() - began) / 1000,
  };
}

async function until(
  what: string,
  done: () => Promise<boolean> | boolean,
  story: Story,
  why: () => string[] = () => [],
): Promise<void> {
  const patience = Math.max(300_000, milliseconds(story.every) * 10) + story.orders * 100;
  const end = performance.now() + patience;
  for (;;) {
    const began = performance.now();
    if (await done()) return;
    if (performance.now() > end)
      throw new Error(`not in ${patience / 1000} s: ${what}: ${why().slice(0, 5).join('; ')}`);
    // Comparing long books takes long itself, and holds up those who write in them.
    await systemClock.sleep((story.orders > 1000 ? 1000 : 100) + 5 * (performance.now() - began));
  }
}
