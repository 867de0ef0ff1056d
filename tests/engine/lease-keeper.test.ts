import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import { systemClock } from '../../src/core/clock.ts';
import type { Log } from '../../src/core/connector.ts';
import { newId } from '../../src/core/ids.ts';
import { LeaseKeeper } from '../../src/engine/leases.ts';
import type { Database } from '../../src/ledger/database.ts';
import { takeLeases } from '../../src/ledger/leases.ts';
import { silent, testLedger } from '../support/hub.ts';

const { db } = await testLedger();
after(() => db.close());
beforeEach(() => db.query('clean', 'truncate lease'));

interface Options {
  holder?: string;
  seconds?: number;
  log?: Log;
  ledger?: Database;
  sleep?: (ms: number) => void;
}

/** A keeper whose clock stands at `time.now`. */
function keeper({ holder = newId(), seconds = 30, log = silent, ledger = db, sleep = () => undefined }: Options = {}) {
  const time = { now: 0 };
  const clock = { ...systemClock, monotonic: () => time.now, sleep: async (ms: number) => sleep(ms) };
  return { time, holder, leases: new LeaseKeeper({ db: ledger, clock, holder, seconds, log }) };
}
const inLedger = async (holder: string): Promise<string[]> =>
  (await db.query<{ name: string }>('held', 'select name from lease where holder = $1 order by name', [holder])).map(
    ({ name }) => name,
  );

test('what is wanted is taken; what is wanted no longer and not held is not', async () => {
  const { leases, holder } = keeper();
  for (const name of ['a', 'b', 'c']) leases.want(name);
  leases.unwant('b');
  await leases.refresh();
  assert.deepEqual(await inLedger(holder), ['a', 'c']);
  assert.deepEqual(
    ['a', 'b', 'c'].map((name) => leases.held(name)?.name ?? null),
    ['a', null, 'c'],
  );
});

test('a held lease is kept until it is given back, though it is wanted no longer', async () => {
  const { leases, holder, time } = keeper();
  leases.want('a');
  await leases.refresh();
  leases.unwant('a');
  time.now = 20_000;
  await leases.refresh();
  time.now = 48_000;
  assert.ok(leases.held('a'), 'renewed');
  assert.deepEqual(await inLedger(holder), ['a']);
});

test('a lease is safe to act on while more than a second of its time is left, from before it was asked for', async () => {
  const { leases, time } = keeper();
  leases.want('a');
  time.now = 5_000;
  await leases.refresh();
  time.now = 33_999;
  assert.ok(leases.held('a'));
  time.now = 34_000;
  assert.equal(leases.held('a'), null);
});

test('a lease that another has taken is lost, and that is said once', async () => {
  const said: string[] = [];
  const { leases } = keeper({
    log: { ...silent, warn: (message, fields) => said.push(`${message} ${fields?.lease}`) },
  });
  for (const name of ['a', 'b']) leases.want(name);
  await leases.refresh();
  assert.deepEqual(said, []);
  await db.query('expire', "update lease set expires_at = clock_timestamp() where name = 'a'");
  await takeLeases(db, newId(), ['a'], 30);
  await leases.refresh();
  await leases.refresh();
  assert.deepEqual([leases.held('a'), leases.held('b')?.name, said], [null, 'b', ['lease lost a']]);
});

test('what is given back is free at once, wanted no longer, and the rest stays', async () => {
  const { leases, holder } = keeper();
  for (const name of ['a', 'b', 'c']) leases.want(name);
  await leases.refresh();
  await leases.release(['a', 'never held']);
  assert.deepEqual([leases.held('a'), await inLedger(holder)], [null, ['b', 'c']]);
  assert.equal((await takeLeases(db, newId(), ['a'], 30)).length, 1);
  await db.query('expire', "update lease set expires_at = clock_timestamp() where name = 'a'");
  await leases.refresh();
  assert.deepEqual([leases.held('a'), leases.held('b')?.name], [null, 'b']);
  await leases.release();
  assert.deepEqual(await inLedger(holder), []);
  await leases.release();
});

test('leases are renewed every third of their time until the hub stops; an absent ledger is asked again', async () => {
  const stop = new AbortController();
  const slept: number[] = [];
  let away = true;
  const failing = Object.create(db, {
    query: {
      value: (name: string, text: string, values?: unknown[]) => {
        if (away) throw new Error('away');
        return db.query(name, text, values);
      },
    },
  }) as Database;
  const warned: string[] = [];
  const { leases, holder } = keeper({
    ledger: failing,
    log: { ...silent, warn: (message) => warned.push(message) },
    sleep: (ms) => {
      slept.push(ms);
      away = false;
      if (slept.length === 2) stop.abort();
    },
  });
  leases.want('a');
  await leases.run(stop.signal);
  assert.deepEqual([slept, warned.length, await inLedger(holder)], [[10_000, 10_000], 1, ['a']]);
});
