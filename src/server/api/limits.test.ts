import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RateLimit, rateFrom, Turnstile } from './limits.ts';

test('a bucket fills by the minute, up to its burst, each key its own', () => {
  const time = { now: 0 };
  const limit = new RateLimit({ perMinute: 30, burst: 3 }, { monotonic: () => time.now });
  assert.deepEqual(
    [1, 2, 3, 4].map(() => limit.take('a')),
    [0, 0, 0, 2],
  );
  assert.equal(limit.take('b'), 0);
  time.now += 1_999;
  assert.equal(limit.take('a'), 1);
  time.now += 2;
  assert.deepEqual([limit.take('a'), limit.take('a')], [0, 2]);
  time.now += 3_600_000;
  assert.deepEqual(
    [1, 2, 3, 4].map(() => limit.take('a')),
    [0, 0, 0, 2],
    'no more than the burst after a rest',
  );
});

test('the rate is a whole number of requests a minute', () => {
  assert.deepEqual(rateFrom({}), { perMinute: 1_200, burst: 120 });
  assert.deepEqual(rateFrom({ CROSSDOCK_API_RATE: '5' }), { perMinute: 5, burst: 1 });
  for (const wrong of ['0', '-1', '1.5', 'many', '100001'])
    assert.throws(() => rateFrom({ CROSSDOCK_API_RATE: wrong }), { code: 'CONFIG_INVALID' });
});

test('a turnstile lets so many in at once, the others in order, and refuses when the queue is full', async () => {
  const turnstile = new Turnstile(2, 3);
  const order: number[] = [];
  const ends: (() => void)[] = [];
  const work = (n: number) =>
    turnstile.run(async () => {
      order.push(n);
      await new Promise<void>((resolve) => ends.push(resolve));
      if (n === 1) throw new Error('failed');
    });
  const all = [0, 1, 2, 3, 4].map((n) => work(n).catch((error: Error) => error.message));
  await assert.rejects(work(5), { code: 'OVERLOADED' });
  assert.deepEqual(order, [0, 1]);
  const turn = async (index: number) => {
    ends[index]!();
    await new Promise((resolve) => setImmediate(resolve));
  };
  await turn(1);
  assert.deepEqual(order, [0, 1, 2], 'a failure gives its place up too');
  for (const index of [0, 2, 3, 4]) await turn(index);
  assert.deepEqual(order, [0, 1, 2, 3, 4]);
  assert.deepEqual(await Promise.all(all), [undefined, 'failed', undefined, undefined, undefined]);
  assert.equal(await turnstile.run(async () => 'free again'), 'free again');
});
