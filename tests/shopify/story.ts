import { createServer } from 'node:net';
import { shopify } from '../../src/connectors/shopify/index.ts';
import { type Duration, milliseconds, seeded, systemClock } from '../../src/core/clock.ts';
import type { Log, Sink } from '../../src/core/connector.ts';
import type { AnyDocumentType } from '../../src/core/document.ts';
import { defineEstate } from '../../src/core/estate.ts';
import { Hub } from '../../src/engine/hub.ts';
import { webOrders } from '../../src/flows/web-orders.ts';
import { CustomerDocument } from '../../src/model/customer.ts';
import { type Order, OrderDocument } from '../../src/model/order.ts';
import { type Payment, PaymentDocument } from '../../src/model/payment.ts';
import { ProductDocument } from '../../src/model/product.ts';
import { type Refund, RefundDocument } from '../../src/model/refund.ts';
import { ReturnDocument } from '../../src/model/return.ts';
import { startServer } from '../../src/server/index.ts';
import {
  type Shop,
  type ShopifyOptions,
  type ShopifySimulator,
  startShopify,
} from '../../src/simulators/shopify/index.ts';
import { placeOrder } from '../../src/simulators/shopify/orders.ts';
import type { Order as Sold } from '../../src/simulators/shopify/records.ts';
import { totalOf } from '../../src/simulators/shopify/sums.ts';
import { furnish, randomChange, randomOrder } from '../../src/simulators/shopify/traffic.ts';
import { connectionOf, type TestLedger } from '../support/hub.ts';

export interface Story {
  readonly orders: number;
  readonly seed: number;
  readonly every: Duration;
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

/** Books that write down everything they are given. */
function books() {
  const written: { kind: string; key: string; version: number; body: unknown }[] = [];
  const sinkOf = <D extends AnyDocumentType>(accepts: D): Sink<D> => ({
    name: accepts.name,
    accepts,
    idempotency: 'external-id',
    needsBound: false,
    settle: 0,
    deadline: '10s',
    batch: { max: 100, onFailure: 'independent' },
    deliver: async (items) =>
      items.map(({ key, version, document }) => {
        written.push({ kind: accepts.name, key, version, body: document });
        return { outcome: 'done', id: key };
      }),
  });
  return {
    written,
    sinks: {
      customer: sinkOf(CustomerDocument),
      product: sinkOf(ProductDocument),
      order: sinkOf(OrderDocument),
      payment: sinkOf(PaymentDocument),
      refund: sinkOf(RefundDocument),
      return: sinkOf(ReturnDocument),
    },
  };
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
export async function trade(ledger: TestLedger, story: Story): Promise<Told> {
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
  const target = books();
  const flow = webOrders({ from: web.sources.orders, to: target.sinks, zone: 'Europe/Brussels' });
  const connections = { web, books: connectionOf({ sinks: target.sinks as unknown as Record<string, Sink> }) };
  const quiet = () => undefined;
  const log: Log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
  furnish(simulator.shop);
  const taxes = Object.fromEntries(
    ['BE', 'FR', 'NL', '--'].flatMap((country) => [21, 6].map((rate) => [`${country} VAT ${rate}%`, `VAT ${rate}%`])),
  );
  const locations = Object.fromEntries([...simulator.shop.locations.values()].map(({ id, name }) => [id, name]));
  const mapped = {
    'shopify-taxes': taxes,
    'shopify-locations': locations,
    'shopify-payment-methods': { shopify_payments: 'card', cash: 'cash' },
  };
  const mappings = flow.mappings!.map((seed) => ({
    ...seed,
    rows: mapped[seed.table as keyof typeof mapped] ?? seed.rows,
  }));
  const hub = new Hub({
    estate: defineEstate({ name: 'story', connections, flows: [{ ...flow, mappings }] }),
    db: ledger.db,
    vault: ledger.vault,
    clock: systemClock,
    random: seeded(story.seed),
    log,
    secret: (name) => ({ TOKEN: simulator.token, CLIENT: simulator.secrets[0], NEXT: 'shpss_next' })[name]!,
    terms: { pollSeconds: 0.1, retrySeconds: [0.05, 1], attempts: 40 },
  });
  await hub.start();
  const server = await startServer({ hub, db: ledger.db, clock: systemClock, log, port, env: {} });
  try {
    return await tell(simulator, target.written, story, say);
  } finally {
    await simulator.stop();
    await server.stop();
    await hub.stop();
  }
}

type Written = ReturnType<typeof books>['written'];

async function tell(
  simulator: ShopifySimulator,
  written: Written,
  story: Story,
  say: (line: string) => void,
): Promise<Told> {
  const { shop, webhooks } = simulator;
  const began = performance.now();
  await until('the hub has subscribed', () => shop.subscriptions.size > 0, story);
  const random = seeded(story.seed);
  const deletedAt = { ms: 0, resubscribed: Number.POSITIVE_INFINITY, closed: Number.POSITIVE_INFINITY };
  let gap: string[] = [];
  let changed = 0;
  const seen = (): Set<string> => new Set(written.flatMap(({ kind, key }) => (kind === 'order' ? [key] : [])));
  const look = (): void => {
    const since = (performance.now() - deletedAt.ms) / 1000;
    if (deletedAt.ms === 0) return;
    if (shop.subscriptions.size === 0) gap = [...shop.orders.keys()].slice(Math.floor(story.orders / 2)).map(keyOf);
    else deletedAt.resubscribed = Math.min(deletedAt.resubscribed, since);
    if (deletedAt.closed !== Number.POSITIVE_INFINITY || deletedAt.resubscribed === Number.POSITIVE_INFINITY) return;
    const had = seen();
    if (gap.every((key) => had.has(key))) deletedAt.closed = since;
  };
  for (let n = 1; n <= story.orders; n++) {
    placeOrder(shop, randomOrder(shop, random));
    if (random() < 0.2) {
      const all = [...shop.orders.values()];
      randomChange(shop, all[Math.floor(random() * all.length)]!, random);
      changed += 1;
    }
    if (n === Math.floor(story.orders / 2)) {
      shop.subscriptions.clear();
      deletedAt.ms = performance.now();
      say(`${n} sold; all subscriptions deleted`);
    }
    if (n % 100 === 0) look();
    if (n % 1000 === 0) say(`${n} sold, ${seen().size} have come, ${Math.round((performance.now() - began) / 1000)} s`);
    const due = story.rate ? began + (n / story.rate) * 1000 - performance.now() : n % 20 === 0 ? 10 : 0;
    if (due > 0) await new Promise((resolve) => setTimeout(resolve, due));
  }
  await until(
    'everything has come',
    () => {
      look();
      return deletedAt.closed !== Number.POSITIVE_INFINITY && differences(shop, written).length === 0;
    },
    story,
    () => differences(shop, written),
  );
  await webhooks.quiet();
  const of = (name: string): number => webhooks.sent.filter(({ fault }) => fault === name).length;
  return {
    sold: shop.orders.size,
    changed,
    wrong: [...differences(shop, written), ...doubles(written)],
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

async function until(what: string, done: () => boolean, story: Story, why: () => string[] = () => []): Promise<void> {
  const patience = Math.max(120_000, milliseconds(story.every) * 10) + story.orders * 100;
  const end = performance.now() + patience;
  while (!done()) {
    if (performance.now() > end)
      throw new Error(`not in ${patience / 1000} s: ${what}: ${why().slice(0, 5).join('; ')}`);
    await new Promise((resolve) => setTimeout(resolve, story.orders > 1000 ? 1000 : 100));
  }
}

const keyOf = (gid: string): string => `web:${gid.split('/').at(-1)}`;

/** How the newest of each record that came differs from the shop's own ledger. */
function differences(shop: Shop, written: Written): string[] {
  const newest = new Map<string, Written[number]>();
  for (const one of written) newest.set(`${one.kind} ${one.key}`, one);
  const body = <T>(kind: string, key: string): T | undefined => newest.get(`${kind} ${key}`)?.body as T | undefined;
  const amounts = <T extends { order: string; amount: number }>(kind: string): Map<string, number> => {
    const sums = new Map<string, number>();
    for (const one of newest.values()) {
      if (one.kind !== kind) continue;
      const { order, amount } = one.body as T;
      sums.set(order, (sums.get(order) ?? 0) + amount);
    }
    return sums;
  };
  const paid = amounts<Payment>('payment');
  const back = amounts<Refund>('refund');
  return [...shop.orders.values()].flatMap((sold) => {
    const key = keyOf(sold.id);
    const order = body<Order>('order', key);
    if (!order) return [`${sold.name} never came`];
    const wrong: string[] = [];
    if (order.total !== orderedOf(sold)) wrong.push(`${sold.name}: ${order.total} instead of ${orderedOf(sold)}`);
    if ((order.state === 'cancelled') !== (sold.cancelledAt !== null)) wrong.push(`${sold.name}: is ${order.state}`);
    const moneyOf = (kind: string): number =>
      sold.transactions.filter((one) => one.kind === kind).reduce((sum, { amount }) => sum + Number(amount.shop), 0);
    if ((paid.get(key) ?? 0) !== moneyOf('SALE'))
      wrong.push(`${sold.name}: paid ${paid.get(key)} instead of ${moneyOf('SALE')}`);
    if ((back.get(key) ?? 0) !== moneyOf('REFUND'))
      wrong.push(`${sold.name}: refunded ${back.get(key)} instead of ${moneyOf('REFUND')}`);
    return wrong;
  });
}

/** What is ordered after removals, in cents, from the shop's own records. */
function orderedOf(sold: Sold): number {
  const removed = sold.refunds.filter(({ transactions, returnId }) => transactions.length === 0 && returnId === null);
  const off = removed
    .flatMap(({ lines }) => lines)
    .reduce((sum, { subtotal, tax }) => sum + subtotal.shop + (sold.taxesIncluded ? 0n : tax.shop), 0n);
  return Number(totalOf(sold).shop - off);
}

/** A version of a record that came more than once, or after a newer one. */
function doubles(written: Written): string[] {
  const last = new Map<string, number>();
  return written.flatMap(({ kind, key, version }) => {
    const before = last.get(`${kind} ${key}`) ?? 0;
    last.set(`${kind} ${key}`, Math.max(before, version));
    return version > before ? [] : [`${kind} ${key}: version ${version} after ${before}`];
  });
}
