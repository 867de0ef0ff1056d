import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeContext } from '../../../tests/odoo/context.ts';
import { systemClock } from '../../core/clock.ts';
import { type Fault, FaultError } from '../../core/fault.ts';
import { Budget } from './budget.ts';
import { priceCalls } from './documents/prices.ts';
import { shopCalls } from './documents/shop.ts';
import { stockCalls } from './documents/stock-levels.ts';
import { faultOfUserError } from './errors.ts';
import { ShopifyTransport } from './transport.ts';

const address = {
  url: 'https://example.myshopify.com',
  version: '2026-07',
  token: { secret: 'TOKEN' },
  timeout: '30s',
} as const;

const told = (body: unknown, init: ResponseInit = {}): Response => new Response(JSON.stringify(body), init);
const cost = (requested: number, available: number, actual: number | null = requested) => ({
  cost: {
    requestedQueryCost: requested,
    actualQueryCost: actual,
    throttleStatus: { maximumAvailable: 1000, currentlyAvailable: available, restoreRate: 100 },
  },
});

/** A transport whose network answers as planned; `slept` are the milliseconds for which calls were held back. */
function lab(...answers: (Response | Error)[]) {
  const requests: { url: string; init: RequestInit }[] = [];
  const slept: number[] = [];
  const cx = makeContext({
    secrets: { TOKEN: 'shpat_secret' },
    fetch: async (url, init = {}) => {
      requests.push({ url, init });
      const answer = answers.shift();
      if (!answer || answer instanceof Error) throw answer ?? new Error('no answer was planned');
      return answer;
    },
  });
  let now = 0;
  const clock = {
    ...cx.clock,
    monotonic: () => now,
    sleep: async (delay: number) => {
      slept.push(delay);
      now += delay;
    },
  };
  return { transport: new ShopifyTransport(address), cx: { ...cx, clock }, requests, slept };
}

async function faultWith(answer: Response | Error, document = stockCalls.setStock as never): Promise<Fault> {
  const { transport, cx } = lab(answer);
  try {
    await transport.call(document, {}, cx);
  } catch (error) {
    assert.ok(error instanceof FaultError, String(error));
    assert.ok(!error.message.includes('shpat_secret'));
    return error.fault;
  }
  throw new Error('nothing was thrown');
}

test('a call is one named POST with the token, and gives the data and the moment of the answer', async () => {
  const { transport, cx, requests } = lab(
    told(
      { data: { shop: { name: 'A' } } },
      { headers: { date: 'Wed, 25 Nov 2026 10:00:00 GMT', 'x-shopify-api-version': '2026-07' } },
    ),
  );
  const answer = await transport.answer(shopCalls.shop, {}, cx);
  assert.deepEqual(answer, {
    data: { shop: { name: 'A' } },
    at: new Date('2026-11-25T10:00:00Z'),
    version: '2026-07',
  });
  const [{ url, init }] = requests as [(typeof requests)[0]];
  assert.equal(url, 'https://example.myshopify.com/admin/api/2026-07/graphql.json');
  assert.equal((init.headers as Record<string, string>)['x-shopify-access-token'], 'shpat_secret');
  assert.equal(JSON.parse(String(init.body)).operationName, 'Shop');
});

test('what has happened is told by the answer: nothing, or nobody knows', async () => {
  const gone = (code: string) => new TypeError('fetch failed', { cause: Object.assign(new Error(code), { code }) });
  const coded = (code: string) => told({ errors: [{ message: 'No.', extensions: { code } }] });
  const cases: [Response | Error, Fault['kind'], Fault['kind']][] = [
    // answer, of a write, of a read
    [gone('ECONNRESET'), 'unknown', 'transient'],
    [gone('ECONNREFUSED'), 'transient', 'transient'],
    [new DOMException('late', 'TimeoutError'), 'unknown', 'transient'],
    [new Response('<html>', { status: 502 }), 'unknown', 'transient'],
    [new Response('<html>', { status: 200 }), 'unknown', 'transient'],
    [told({ data: null }), 'unknown', 'transient'],
    [told({}, { status: 503 }), 'unknown', 'transient'],
    [told({ errors: '[API] Invalid API key' }, { status: 401 }), 'refused', 'refused'],
    [told({ errors: 'no' }, { status: 403 }), 'refused', 'refused'],
    [told({ errors: 'Unavailable Shop' }, { status: 423 }), 'refused', 'refused'],
    [told({}, { status: 404 }), 'refused', 'refused'],
    [told({}, { status: 301 }), 'refused', 'refused'],
    [told({}, { status: 400 }), 'rejected', 'rejected'],
    [coded('ACCESS_DENIED'), 'refused', 'refused'],
    [coded('undefinedField'), 'refused', 'refused'],
    [coded('MAX_COST_EXCEEDED'), 'rejected', 'rejected'],
    [coded('INTERNAL_SERVER_ERROR'), 'unknown', 'transient'],
    [told({ errors: [{ message: 'something' }] }), 'unknown', 'transient'],
  ];
  for (const [answer, write, read] of cases) {
    const again = answer instanceof Response ? answer.clone() : answer;
    const label = answer instanceof Response ? `${answer.status} ${await answer.clone().text()}` : String(answer);
    assert.equal((await faultWith(answer)).kind, write, `${label}, writing`);
    assert.equal((await faultWith(again, shopCalls.shop as never)).kind, read, `${label}, reading`);
  }
});

test('a document that does not fit the version says which ports it serves', async () => {
  const fault = await faultWith(
    told({ errors: [{ message: "Field 'x' doesn't exist on type 'Order'", extensions: { code: 'undefinedField' } }] }),
  );
  assert.match(fault.message, /SetStock does not fit this API version; it serves stockLevels/);
});

test('throttled, it says when the bucket can pay; asked to wait, for as long as it is asked', async () => {
  const throttled = { errors: [{ message: 'Throttled', extensions: { code: 'THROTTLED' } }] };
  const fault = await faultWith(told({ ...throttled, extensions: cost(700, 100, null) }));
  assert.deepEqual(fault.kind === 'throttled' && fault.retryAfter, 7000);
  const asked = await faultWith(told({}, { status: 429, headers: { 'retry-after': '2.0' } }));
  assert.deepEqual(asked.kind === 'throttled' && asked.retryAfter, 2000);
});

test('a call that the bucket cannot pay is held back, and not sent at all where that is long', async () => {
  const answers = [cost(400, 250), cost(400, 100), cost(900, 0)].map((extensions) => told({ data: {}, extensions }));
  const { transport, cx, slept, requests } = lab(...answers, told({ data: {} }));
  await transport.call(shopCalls.shop, {}, cx);
  await transport.call(shopCalls.shop, {}, cx);
  assert.deepEqual(slept, [2500]);
  await transport.call(shopCalls.shop, {}, cx);
  assert.deepEqual(slept, [2500, 4000]);
  await assert.rejects(transport.call(shopCalls.shop, {}, cx), (error: FaultError) => {
    assert.deepEqual(error.fault.kind === 'throttled' && error.fault.retryAfter, 10_000);
    return true;
  });
  assert.equal(requests.length, 3);
});

test('a large call leaves a tenth of the bucket to small ones', async () => {
  const answers = [cost(400, 400), cost(40, 50)].map((extensions) => told({ data: {}, extensions }));
  const { transport, cx, slept } = lab(...answers, told({ data: {} }));
  await transport.call(shopCalls.shop, {}, cx);
  await transport.call(shopCalls.shop, {}, cx);
  assert.deepEqual(slept, [1000], '400 of 1,000, and 100 that are left');
  await transport.call(shopCalls.shop, {}, cx);
  assert.deepEqual(slept, [1000], '40 of the 50 that there are');
});

test('small calls that spend all that comes in let the bucket fill for a large one that was sent away for half a minute', async () => {
  let now = 0;
  const sleep = async (ms: number): Promise<void> => {
    now += ms;
  };
  const clock = { ...systemClock, monotonic: () => now, sleep };
  const { signal } = new AbortController();
  const budget = new Budget();
  const heard = (name: string, points: number) =>
    budget.heard(name, points, { maximumAvailable: 1000, currentlyAvailable: 0, restoreRate: 100 }, clock);
  heard('small', 40);
  heard('large', 900);
  const gone = { small: 0, large: 0 };
  let largeNext = 0;
  let longest = 0;
  for (let last = 0; now < 300_000; ) {
    if (now >= largeNext) {
      const wait = await budget.take('large', clock, signal);
      if (wait === 0) gone.large += 1;
      largeNext = now + (wait || 60_000);
    }
    const wait = await budget.take('small', clock, signal);
    if (wait === 0) {
      gone.small += 1;
      longest = Math.max(longest, now - last);
      last = now;
    }
    now += wait || 1;
  }
  assert.ok(gone.large >= 2, `${gone.large} large calls in five minutes`);
  assert.ok(gone.small > 300, `${gone.small} small calls`);
  assert.ok(longest <= 15_000, `a small call waited ${longest} ms`);
});

test('a complaint about what was given is rejected, with the field; one about the moment is not', () => {
  const given = { field: ['variants', '3', 'price'], message: 'Price must be positive for ann@example.com' };
  assert.deepEqual(faultOfUserError(priceCalls.setPrices, { ...given, code: 'NEGATIVE_PRICE_VALUE' }), {
    kind: 'rejected',
    message: 'Shopify answered SetPrices: Price must be positive for (e-mail)',
    cause: 'negative-price-value',
    field: 'price',
  });
  assert.equal(faultOfUserError(priceCalls.setPrices, given, () => 'amount').kind, 'rejected');
  assert.equal(
    faultOfUserError(stockCalls.setStock, { ...given, code: 'IDEMPOTENCY_CONCURRENT_REQUEST' }).kind,
    'transient',
  );
});

test('an answer of more than 32 MiB is not read on: of a reading call nothing was changed, of a writing one it is not known', async () => {
  const large = () => new Response('{}', { headers: { 'content-length': String(32 * 1024 * 1024 + 1) } });
  const said = (document: { readonly name: string }) =>
    `Shopify's answer to ${document.name} has more than 32 MiB and was not read on`;
  assert.deepEqual(await faultWith(large()), {
    kind: 'unknown',
    message: `${said(stockCalls.setStock)}; whether it landed is not known`,
  });
  const { transport, cx, requests } = lab(large(), large(), large(), large());
  await assert.rejects(
    transport.call(shopCalls.shop, {}, cx),
    ({ fault }: FaultError) =>
      fault.kind === 'transient' && fault.message === `${said(shopCalls.shop)}; nothing was changed`,
  );
  assert.equal(requests.length, 4, 'it may answer less another time');
});
