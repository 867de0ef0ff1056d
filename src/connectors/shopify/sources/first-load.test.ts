import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeContext } from '../../../../tests/odoo/context.ts';
import { seeded } from '../../../core/clock.ts';
import type { Context, Incoming } from '../../../core/connector.ts';
import { FaultError } from '../../../core/fault.ts';
import { onlyLooking } from '../../../core/look.ts';
import { send } from '../../../engine/send.ts';
import { startShopify } from '../../../simulators/shopify/index.ts';
import { placeOrder } from '../../../simulators/shopify/orders.ts';
import { furnish, randomOrder, trade } from '../../../simulators/shopify/traffic.ts';
import { shopify } from '../index.ts';

type Fetch = NonNullable<Context['fetch']>;
type Name = 'orders' | 'products' | 'customers';

/** A shop that has traded, and hubs that read it: each with a memory of its own. */
async function lab(t: { after(fn: () => Promise<void>): void }, steps: number, seed = 1) {
  // All of it an hour ago, so that nothing is read once more for having changed lately.
  let ago = 3_600_000;
  const simulator = await startShopify({ bucket: [1e6, 1e6], seed, now: () => new Date(Date.now() - ago) });
  t.after(() => simulator.stop());
  const { shop } = simulator;
  furnish(shop);
  const random = seeded(seed);
  await trade(shop, random, steps);
  ago = 0;
  const sent: string[] = [];
  const world: { ranges: boolean; between(operation: string, go: () => Promise<Response>): Promise<Response> } = {
    ranges: true,
    between: (_, go) => go(),
  };
  const doFetch: Fetch = (url, { timeout, reach, ...init } = {}) => {
    const operation = init.body ? (JSON.parse(String(init.body)) as { operationName: string }).operationName : 'file';
    sent.push(operation);
    if (!world.ranges) init.headers = { ...init.headers, range: '' };
    return world.between(operation, () => send(url, init, () => undefined, reach));
  };
  const cx = makeContext({ connection: 'web', secrets: { TOKEN: simulator.token }, fetch: doFetch });
  const hub = (bulkFrom: number) =>
    shopify({
      shop: shop.domain,
      url: simulator.url,
      token: { secret: 'TOKEN' },
      clientSecrets: [{ secret: 'TOKEN' }],
      bulkFrom,
    }).sources;
  return { simulator, shop, random, sent, world, cx, hub };
}
type Lab = Awaited<ReturnType<typeof lab>>;

/** Pulls once, as the engine does: what it kept is kept, however it ends. `most` pages, then the hub is killed. */
async function pull(
  { hub, cx }: Lab,
  kept: { cursor: string | null; items: Incoming[] },
  {
    name = 'orders',
    bulkFrom = 5,
    most = Number.POSITIVE_INFINITY,
  }: { name?: Name; bulkFrom?: number; most?: number } = {},
): Promise<number> {
  let pages = 0;
  for await (const { items, cursor } of hub(bulkFrom)[name].pull(kept.cursor, cx)) {
    kept.items.push(...items);
    kept.cursor = cursor;
    pages += 1;
    if (pages >= most) break;
  }
  return pages;
}

const nothing = (): { cursor: string | null; items: Incoming[] } => ({ cursor: null, items: [] });
const isDone = ({ cursor }: { cursor: string | null }): boolean => cursor !== null && !cursor.includes('"load"');
const keys = ({ items }: { items: readonly Incoming[] }): string[] =>
  [...new Set(items.map(({ dedupeKey }) => dedupeKey))].sort();

const texts = ({ items }: { items: readonly Incoming[] }): string[] =>
  [...new Set(items.map(({ bytes }) => Buffer.from(bytes).toString()))].sort();

/** Pulls until the load has come to its end. */
async function toTheEnd(one: Lab, kept = nothing(), options: { name?: Name; bulkFrom?: number } = {}) {
  for (let tries = 0; tries < 200; tries++) {
    await pull(one, kept, options);
    if (isDone(kept)) return kept;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('the load did not come to its end');
}

for (const name of ['orders', 'products', 'customers'] as const)
  test(`${name} read in bulk are the same facts as page by page, at a handful of calls`, async (t) => {
    for (const seed of [1, 2, 3]) {
      const one = await lab(t, 150, seed);
      const pages = await toTheEnd(one, nothing(), { name, bulkFrom: Number.POSITIVE_INFINITY });
      one.sent.length = 0;
      const bulk = await toTheEnd(one, nothing(), { name });
      assert.deepEqual(keys(bulk), keys(pages));
      assert.deepEqual(texts(bulk), texts(pages));
      assert.equal(bulk.items.length, one.shop[name].size, 'each once');
      const calls = one.sent.filter((operation) => operation !== 'BulkNow');
      const whole = calls.filter((operation) => operation === 'OrderAfter').length;
      const refundedOrBack = [...one.shop.orders.values()].filter(
        ({ refunds, returns }) => refunds.length + returns.length > 0,
      );
      assert.equal(
        whole,
        name === 'orders' ? refundedOrBack.length : 0,
        'only what the file does not tell is read by itself',
      );
      assert.equal(calls.filter((operation) => operation === 'RunBulk').length, 1);
    }
  });

test('a hub that is killed anywhere in a load goes on from there: nothing is missing, nothing is read twice, one operation is made', async (t) => {
  for (let kill = 1; kill < 7; kill++) {
    const one = await lab(t, 500, kill);
    const kept = nothing();
    for (let run = 0; run < 200 && !isDone(kept); run++) {
      await pull(one, kept, { most: kill % 3 === 0 ? 1 : kill });
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    assert.deepEqual(keys(await toTheEnd(one, kept)).length, one.shop.orders.size);
    assert.equal(kept.items.length, one.shop.orders.size);
    assert.equal(one.simulator.bulk.operations.size, 1);
  }
});

test('whoever looks while a load is under way sees all of it by pages, and asks for no operation', async (t) => {
  const one = await lab(t, 150);
  const kept = nothing();
  await pull(one, kept, { most: 2 });
  assert.match(String(kept.cursor), /"load"/);
  one.sent.length = 0;
  const look = { ...one, cx: { ...one.cx, ...onlyLooking(one.cx) } };
  const seen = { ...kept, items: [] };
  await pull(look, seen);
  assert.deepEqual(keys(seen), keys(await toTheEnd(one, nothing(), { bulkFrom: Number.POSITIVE_INFINITY })));
  assert.equal(one.sent.filter((operation) => /Bulk|file/.test(operation)).length, 0);
});

test('an operation whose answer was lost is found again, not made a second time', async (t) => {
  const one = await lab(t, 40);
  one.world.between = async (operation, go) => {
    const response = await go();
    if (operation !== 'RunBulk') return response;
    throw new TypeError('fetch failed', { cause: Object.assign(new Error('x'), { code: 'ECONNRESET' }) });
  };
  const kept = nothing();
  await assert.rejects(pull(one, kept), (error) => error instanceof FaultError && error.fault.kind === 'unknown');
  await toTheEnd(one, kept);
  assert.equal(one.simulator.bulk.operations.size, 1);
  assert.equal(kept.items.length, one.shop.orders.size);
});

test('what is sold while the operation runs does not wait for it', async (t) => {
  const one = await lab(t, 40);
  const { bulk } = one.simulator;
  bulk.pace = 60_000;
  const kept = nothing();
  await pull(one, kept);
  await new Promise((resolve) => setTimeout(resolve, 1100));
  const sold = placeOrder(one.shop, randomOrder(one.shop, one.random));
  await pull(one, kept);
  assert.ok(kept.items.some(({ subject }) => subject === `order:${sold.id}`));
  assert.ok(!isDone(kept));
});

for (const ranges of [true, false])
  test(`a file that breaks off is read on from where it was, ${ranges ? 'by its rest' : 'also where only all of it is given'}`, async (t) => {
    const one = await lab(t, 600);
    one.world.ranges = ranges;
    one.simulator.faults.cutFiles = 0.7;
    const kept = nothing();
    for (let run = 0; run < 100 && !isDone(kept); run++) {
      await pull(one, kept).catch((error: unknown) => {
        assert.ok(error instanceof FaultError && error.fault.kind === 'transient', String(error));
      });
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    assert.equal(kept.items.length, one.shop.orders.size, 'each once');
    const partly = one.simulator.requests.some(({ operation, status }) => operation === 'file' && status === 206);
    assert.equal(partly, ranges);
  });

test('an operation that fails is made again, keeping what it had found; one that takes too long is left for pages', async (t) => {
  const one = await lab(t, 60);
  const { bulk } = one.simulator;
  bulk.failures.push({ after: 20, code: 'INTERNAL_SERVER_ERROR' });
  const again = await toTheEnd(one);
  assert.equal(bulk.operations.size, 2);
  assert.equal(keys(again).length, one.shop.orders.size);

  bulk.operations.clear();
  bulk.failures.push({ after: 20, code: 'TIMEOUT' });
  const pages = await toTheEnd(one);
  assert.equal(bulk.operations.size, 1);
  assert.deepEqual(keys(pages), keys(again));

  bulk.operations.clear();
  bulk.failures.push(...[1, 2, 3].map((after) => ({ after, code: 'INTERNAL_SERVER_ERROR' as const })));
  assert.deepEqual(keys(await toTheEnd(one)), keys(again));
  assert.equal(bulk.operations.size, 3, 'not for ever');
});

test('a file that is gone is asked for anew; while Shopify runs all it can, the load waits', async (t) => {
  const one = await lab(t, 60);
  const { bulk } = one.simulator;
  bulk.pace = 60_000;
  for (const name of ['a', 'b', 'c', 'd', 'e'])
    bulk.run({ query: `query ${name} { orders { edges { node { id } } } }`, groupObjects: true });
  const kept = nothing();
  await pull(one, kept);
  assert.deepEqual(kept, nothing());
  bulk.operations.clear();
  bulk.pace = 1;
  await pull(one, kept, { most: 1 });
  await new Promise((resolve) => setTimeout(resolve, 100));
  for (const operation of bulk.operations.values()) operation.status = 'EXPIRED';
  await toTheEnd(one, kept);
  assert.equal(kept.items.length, one.shop.orders.size);
  assert.equal(bulk.operations.size, 2);
});

test('an address on the private network is not read, whoever gives it', async (t) => {
  for (const address of ['https://169.254.169.254/latest/meta-data', 'https://10.0.0.7/x', 'http://files.example/x']) {
    const one = await lab(t, 30);
    one.world.between = async (operation, go) => {
      const response = await go();
      if (operation !== 'BulkNow') return response;
      const told = (await response.json()) as { data: { bulkOperation: { url: string | null } } };
      if (told.data.bulkOperation.url !== null) told.data.bulkOperation.url = address;
      return new Response(JSON.stringify(told), { headers: response.headers });
    };
    const kept = await toTheEnd(one);
    assert.equal(keys(kept).length, one.shop.orders.size, 'it comes page by page instead');
    assert.ok(one.sent.includes('ChangedOrders'));
    assert.equal(one.simulator.requests.filter(({ operation }) => operation === 'file').length, 0);
  }
});

test('a file is read no faster than it is stored, so that it need not fit into memory', async (t) => {
  const one = await lab(t, 30);
  await toTheEnd(one);
  const [operation] = [...one.simulator.bulk.operations.values()];
  const line = operation!.file!.toString().split('\n')[0]!;
  const row = JSON.parse(line) as { id: string };
  let made = 0;
  one.world.between = async (name, go) => {
    if (name !== 'file') return go();
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        made += 1;
        controller.enqueue(
          Buffer.from(
            `${JSON.stringify({ ...row, returnStatus: 'NO_RETURN', id: `gid://shopify/Order/${made}`, refunds: [] })}\n`,
          ),
        );
        if (made === 1_000_000) controller.close();
      },
    });
    return new Response(body);
  };
  const kept = nothing();
  for (let run = 0; run < 50 && kept.items.length === 0; run++) await pull(one, kept, { most: 2 });
  assert.ok(kept.items.length > 50 && made < kept.items.length + 10, `${made} lines for ${kept.items.length} orders`);
});
