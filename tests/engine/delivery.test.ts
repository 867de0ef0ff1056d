import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Type } from 'typebox';
import { systemClock } from '../../src/core/clock.ts';
import type { Found, Result, Sink } from '../../src/core/connector.ts';
import { defineDocument } from '../../src/core/document.ts';
import type { AnyFlow } from '../../src/core/estate.ts';
import { defineEstate } from '../../src/core/estate.ts';
import { defineFlow } from '../../src/core/flow.ts';
import { Breaker } from '../../src/engine/breaker.ts';
import { Deliverer } from '../../src/engine/deliver.ts';
import { Hub } from '../../src/engine/hub.ts';
import { dismissException, editException, retryException } from '../../src/engine/resolve.ts';
import { addAwaits, bind, unboundOf } from '../../src/ledger/bindings.ts';
import { setConnectionState } from '../../src/ledger/connections.ts';
import { type ExceptionRow, listExceptions } from '../../src/ledger/exceptions.ts';
import { readFigures } from '../../src/ledger/figures.ts';
import {
  connectionOf,
  drained,
  idle,
  type NativeNote,
  noteFlow,
  noteHub,
  pushSource,
  send,
  type TestLedger,
  testLedger,
} from '../support/hub.ts';
import {
  cut,
  early,
  gate,
  type NoteItem,
  refusal,
  rejection,
  scale,
  Target,
  throttled,
  transient,
  until,
} from '../support/target.ts';

const decision = { by: 'cli:anna', reason: 'checked' };

const exceptions = (ledger: TestLedger): Promise<ExceptionRow[]> => listExceptions(ledger.db, null, 100);
const words = (ledger: TestLedger, exception: ExceptionRow): string =>
  ledger.vault.unseal(exception.message_sealed, `exception:${exception.id}`).toString();

/** Answers each item by itself: `say` gives a Result, or undefined for what the target would do. */
const each =
  (target: Target, say: (item: NoteItem) => Result | undefined) =>
  (items: readonly NoteItem[]): Result[] =>
    items.map((item) => say(item) ?? target.commit([item])[0]!);

/** Routes notes while nothing may be delivered, and stops: what follows can be delivered step by step. */
async function routedOnly(
  ledger: TestLedger,
  sink: ReturnType<Target['sink']>,
  notes: NativeNote[],
  attempts = 12,
): Promise<{ hub: Hub; deliverer: Deliverer }> {
  const hub = noteHub(ledger, sink, { terms: { attempts } });
  await ledger.db.query(
    'known',
    `insert into connection (name, entity, connector, state) values ('target', 'main', 'test', 'paused')`,
  );
  await hub.start();
  await Promise.all(notes.map((note) => send(hub, note)));
  await until('all is routed', async () => (await readFigures(ledger.db)).events.waiting === 0);
  await hub.stop();
  return { hub, deliverer: new Deliverer(hub.parts, hub.parts.wiring.sinks[0]!, new Breaker(systemClock)) };
}

const numbered = (count: number): NativeNote[] =>
  Array.from({ length: count }, (_, n) => ({ id: `k${String(n).padStart(3, '0')}`, n: n + 1 }));

describe('delivery', { concurrency: 4 }, () => {
  test('a lane stays first in, first out through retries, throttles and a rejection, which holds it and no other', async (t) => {
    const ledger = await testLedger(t);
    const target = new Target();
    let tries = 0;
    let wrong = true;
    const answer = each(target, ({ key, document }) => {
      if (key !== 'a') return undefined;
      if (document.n === 1) return [transient(), transient(), throttled(50)][tries++];
      return document.n === 2 && wrong ? rejection('The note is too long.', 'too-long') : undefined;
    });
    const hub = noteHub(ledger, target.sink({ answer }));
    await hub.start();
    await send(hub, { id: 'a', n: 1 });
    await until('a is delivered', () => target.values('a').length === 1);
    await send(hub, { id: 'a', n: 2 });
    await until('a is parked', async () => (await exceptions(ledger)).length === 1);
    for (const n of [3, 4]) await send(hub, { id: 'a', n });
    for (const n of [1, 2]) await send(hub, { id: 'b', n });
    await idle(hub);
    assert.deepEqual(target.values('a'), [1]);
    assert.equal(target.values('b').at(-1), 2);
    const [exception] = await exceptions(ledger);
    assert.deepEqual(
      [exception!.cause, exception!.kind, exception!.key, exception!.holds, words(ledger, exception!)],
      ['too-long', 'note', 'a', true, 'The note is too long.'],
    );
    assert.equal(exception!.minor, 1n, 'what the parked version would add to what is there');
    wrong = false;
    await retryException(hub.parts, exception!, decision);
    await idle(hub);
    await hub.stop();
    assert.deepEqual(target.values('a'), [1, 2, 4]);
  });

  test('a parked delivery can be dismissed or edited; its lane goes on', async (t) => {
    const ledger = await testLedger(t);
    const target = new Target();
    const answer = each(target, ({ document }) => (document.text === 'bad' ? rejection() : undefined));
    const hub = noteHub(ledger, target.sink({ answer }));
    await hub.start();
    for (const id of ['a', 'b']) await send(hub, { id, n: 1, text: 'bad' });
    await until('both are parked', async () => (await exceptions(ledger)).length === 2);
    const [a, b] = (await exceptions(ledger)).sort((x, y) => (x.key! < y.key! ? -1 : 1));
    await assert.rejects(editException(hub.parts, a!, decision, new Map([['/id', 'other']])), { code: 'BAD_USE' });
    await editException(
      hub.parts,
      a!,
      decision,
      new Map<string, unknown>([
        ['/text', 'good'],
        ['/n', 7],
      ]),
    );
    await send(hub, { id: 'b', n: 2 });
    await idle(hub);
    await dismissException(hub.parts, b!, decision);
    await idle(hub);
    await hub.stop();
    assert.deepEqual([target.values('a'), target.values('b')], [[7], [2]]);
    const { deliveries } = await readFigures(ledger.db);
    assert.deepEqual([deliveries.delivered, deliveries.dismissed], [2, 1]);
  });

  test('a transient failure backs off and spends attempts until a person is asked', async (t) => {
    const ledger = await testLedger(t);
    const target = new Target();
    const answer = each(target, ({ key }) => (key === 'a' ? transient('the warehouse is closed') : undefined));
    const hub = noteHub(ledger, target.sink({ answer }), { terms: { attempts: 2, retrySeconds: [0.3, 1] } });
    await hub.start();
    await send(hub, { id: 'b', n: 1 });
    await send(hub, { id: 'a', n: 1 });
    await idle(hub);
    await hub.stop();
    const calls = target.calls.filter(({ keys }) => keys.includes('a'));
    assert.equal(calls.length, 2);
    assert.ok(calls[1]!.at - calls[0]!.at >= 140, 'at least half of the first wait');
    const [exception] = await exceptions(ledger);
    assert.equal(exception!.cause, 'retries-exhausted');
    assert.match(words(ledger, exception!), /Tried 2 times; the last answer was: the warehouse is closed/);
    const audited = `select action from audit where action like 'delivery.%' order by action`;
    assert.deepEqual(await ledger.db.query('audited', audited), [
      { action: 'delivery.delivered' },
      { action: 'delivery.parked' },
    ]);
  });

  test('what comes early waits alone: its neighbours go on, also one by one, and in the end a person is asked in the words of its cause', async (t) => {
    const ledger = await testLedger(t);
    const target = new Target();
    const answer = each(target, ({ key }) => (key === 'a' ? early('ship it first', 'not-shipped') : undefined));
    const hub = noteHub(ledger, target.sink({ answer }), { terms: { attempts: 8, retrySeconds: [0.02, 0.05] } });
    await hub.start();
    await send(hub, { id: 'a', n: 1 });
    await until('a was tried again and again', () => target.calls.length >= 5);
    const before = target.calls.length;
    await send(hub, { id: 'b', n: 1 });
    await until('b is there', () => target.values('b').length === 1);
    assert.ok(target.calls.length - before < 5, 'no breaker held b back until a was given up');
    await idle(hub);
    await hub.stop();
    assert.equal(target.calls.filter(({ keys }) => keys.includes('a')).length, 8);
    const [exception] = await exceptions(ledger);
    assert.deepEqual([exception!.cause, words(ledger, exception!)], ['not-shipped', 'ship it first']);
  });

  test('while a connection as a whole fails, no delivery spends its attempts', async (t) => {
    const ledger = await testLedger(t);
    const target = new Target();
    let down = true;
    const answer = (items: readonly NoteItem[]) => (down ? items.map(() => transient('down')) : target.commit(items));
    const { hub, deliverer } = await routedOnly(ledger, target.sink({ answer }), numbered(3), 4);
    const steady = new Deliverer(hub.parts, hub.parts.wiring.sinks[0]!, {
      ready: () => true,
      open: true,
      failed() {},
      succeeded() {},
      wait() {},
    } as unknown as Breaker);
    for (let n = 0; n < 12; ) n += await steady.once(() => true);
    assert.equal((await exceptions(ledger)).length, 0);
    down = false;
    await until('all is delivered', async () => {
      await deliverer.once(() => true);
      return target.effects.length === 3;
    });
  });

  test('a throttled delivery spends no attempt and nothing of its connection is called early', async (t) => {
    const ledger = await testLedger(t);
    const target = new Target();
    let told = 0;
    const answer = (items: readonly NoteItem[]) => {
      if (told > 0) return target.commit(items);
      told = performance.now();
      return items.map(() => throttled(1200));
    };
    const hub = noteHub(ledger, target.sink({ answer }), { terms: { attempts: 1 } });
    await hub.start();
    await send(hub, { id: 'a', n: 1 });
    await until('it is told to wait', () => told > 0);
    await send(hub, { id: 'b', n: 1 });
    await idle(hub);
    await hub.stop();
    assert.ok(target.calls[1]!.at - told >= 1190, `called after ${target.calls[1]!.at - told} ms`);
    assert.deepEqual([target.values('a'), target.values('b')], [[1], [1]]);
    const rows = await ledger.db.query<{ attempts: number }>('attempts', 'select attempts from delivery_history');
    assert.deepEqual(
      rows.map(({ attempts }) => attempts),
      [1, 1],
    );
  });

  test('what a batch neighbour spoilt goes again at once and spends no attempt', async (t) => {
    const ledger = await testLedger(t);
    const target = new Target();
    const answer = (items: readonly NoteItem[]): Result[] =>
      items.some(({ key }) => key === 'k001')
        ? items.map(({ key }) => (key === 'k001' ? rejection() : { outcome: 'untouched' }))
        : target.commit(items);
    const { deliverer } = await routedOnly(ledger, target.sink({ answer }), numbered(4), 1);
    assert.equal(await deliverer.once(() => true), 4);
    assert.equal(await deliverer.once(() => true), 3);
    assert.equal(target.effects.length, 3);
    const rows = await ledger.db.query<{ attempts: number }>('attempts', 'select attempts from delivery_history');
    assert.deepEqual(
      rows.map(({ attempts }) => attempts),
      [1, 1, 1],
    );
    assert.equal((await exceptions(ledger)).length, 1);
  });

  test('a refusal is one Exception for the connection; everything waits, and the first success closes it', async (t) => {
    const ledger = await testLedger(t);
    const target = new Target();
    let refused = true;
    let skipped = 0;
    const clock = { ...systemClock, monotonic: () => performance.now() + skipped };
    const answer = (items: readonly NoteItem[]) =>
      refused ? items.map(() => refusal('the key has expired.')) : target.commit(items);
    const hub = noteHub(ledger, target.sink({ answer, batch: { max: 2, onFailure: 'independent' } }), { clock });
    await hub.start();
    await Promise.all(numbered(6).map((note) => send(hub, note)));
    for (let calls = 1; calls <= 3; calls++) {
      await until(`call ${calls}`, () => target.calls.length === calls);
      await until('its outcome is written', async () => (await readFigures(ledger.db)).deliveries.leased === 0);
      await new Promise((resolve) => setTimeout(resolve, 300));
      assert.equal(target.calls.length, calls, 'no call while the refusal stands');
      if (calls === 3) refused = false;
      skipped += 31_000;
    }
    await idle(hub);
    await hub.stop();
    assert.equal(target.effects.length, 6);
    const rows = await ledger.db.query<{ state: string; closed_by: string; flow: string }>(
      'refusals',
      `select state, closed_by, cause from exception`,
    );
    assert.deepEqual(rows, [{ state: 'retried', closed_by: 'hub', cause: 'connection-refused' }]);
  });

  test('unknown, seen by its external id: repeats before it is settled, and only then the next of the lane', async (t) => {
    const ledger = await testLedger(t);
    const target = new Target();
    let cuts = 0;
    let lost = 0;
    const answer = (items: readonly NoteItem[]) => {
      const results = target.commit(items);
      if (cuts++ > 0) return results;
      lost = performance.now();
      return cut();
    };
    const hub = noteHub(ledger, target.sink({ settle: '3s', answer }));
    await hub.start();
    await send(hub, { id: 'a', n: 1 });
    await until('the answer is lost', () => lost > 0);
    await send(hub, { id: 'a', n: 2 });
    await send(hub, { id: 'b', n: 1 });
    await until('v1 and b are delivered', async () => (await readFigures(ledger.db)).deliveries.delivered === 2);
    const [lane] = await ledger.db.query<{ quiet: boolean; waiting: boolean }>(
      'quiet',
      `select quiet_until > clock_timestamp() as quiet, exists (select from delivery where lane_key = 'note:a' and state = 'waiting') as waiting from lane where key = 'note:a'`,
    );
    assert.deepEqual(lane, { quiet: true, waiting: true }, 'repeated at once; the next one waits');
    await idle(hub);
    await hub.stop();
    assert.deepEqual(target.values('a'), [1, 2]);
    const second = target.calls.filter(({ keys }) => keys.includes('a')).at(-1)!;
    assert.ok(second.at - lost >= 2990, `the next went ${second.at - lost} ms after the answer was lost`);
    assert.equal(target.finds.length, 0);
  });

  test('a late commit of old content never overwrites newer content', async (t) => {
    const ledger = await testLedger(t);
    const target = new Target();
    let lost = 0;
    const answer = (items: readonly NoteItem[]) => {
      if (lost > 0) return target.commit(items);
      lost = performance.now();
      // The target commits this when a newer value has come, and at the latest 2 s after we have gone.
      const late = () => target.values('a').includes(2) || performance.now() > lost + 2000;
      void until('v2 is there, or 2 s have passed', late).then(() => target.commit(items));
      return cut();
    };
    const hub = noteHub(ledger, target.sink({ settle: '4s', answer }));
    await hub.start();
    await send(hub, { id: 'a', n: 1 });
    await until('the answer is lost', () => lost > 0);
    await send(hub, { id: 'a', n: 2 });
    await until('v2 is there', () => target.values('a').includes(2));
    await until('the late commit has come', () => performance.now() > lost + 2500);
    await idle(hub);
    await hub.stop();
    assert.deepEqual(target.values('a'), [1, 2]);
  });

  test('unknown, to be asked first: asks only when settled, and never doubles', async (t) => {
    const ledger = await testLedger(t);
    const target = new Target({ byKey: false });
    const lost = new Map<string, number>();
    const answer = (items: readonly NoteItem[]) => {
      const first = items.filter(({ key }) => !lost.has(key));
      if (first.length === 0) return target.commit(items);
      for (const { key } of first) lost.set(key, performance.now());
      target.commit(items.filter(({ key }) => key === 'landed'));
      target.commitLater(
        items.filter(({ key }) => key === 'late'),
        1000,
      );
      return cut();
    };
    const hub = noteHub(ledger, target.sink({ settle: '2s', answer }));
    await hub.start();
    await Promise.all(['landed', 'late', 'lost'].map((id) => send(hub, { id, n: 1 })));
    await idle(hub);
    await hub.stop();
    for (const key of ['landed', 'late', 'lost']) {
      assert.equal(target.records.get(key)!.length, 1, key);
      const asked = target.finds.find(({ keys }) => keys.includes(key))!;
      assert.ok(asked.at - lost.get(key)! >= 1990, `${key} was asked for after ${asked.at - lost.get(key)!} ms`);
    }
    assert.equal(target.calls.filter(({ keys }) => keys.includes('landed')).length, 1);
    assert.equal(target.calls.filter(({ keys }) => keys.includes('lost')).length, 2);
  });

  test('unknown change of a record that is to be asked first: finding the record does not mean it was changed', async (t) => {
    const ledger = await testLedger(t);
    const target = new Target({ byKey: false });
    let lost = false;
    const answer = (items: readonly NoteItem[]) => {
      if (items[0]!.document.n === 1 || lost) return target.commit(items);
      lost = true;
      return cut();
    };
    const hub = noteHub(ledger, target.sink({ settle: '300ms', answer }));
    await hub.start();
    await send(hub, { id: 'a', n: 1 });
    await until('v1 is there', () => target.values('a').length === 1);
    await send(hub, { id: 'a', n: 2 });
    await idle(hub);
    await hub.stop();
    assert.deepEqual(target.values('a'), [1, 2]);
    assert.equal(target.records.get('a')!.length, 1);
  });

  test('a record found in part is an Exception', async (t) => {
    const ledger = await testLedger(t);
    const target = new Target({ byKey: false });
    const hub = noteHub(
      ledger,
      target.sink({ settle: '100ms', answer: cut, find: (keys) => keys.map(() => ({ found: 'partial' })) }),
    );
    await hub.start();
    await send(hub, { id: 'a', n: 1 });
    await idle(hub);
    await hub.stop();
    const [exception] = await exceptions(ledger);
    assert.equal(exception!.cause, 'landed-in-part');
    assert.match(
      words(ledger, exception!),
      /holds a part of this record.*Complete it there and dismiss this, saying under which id it is there, or remove it there/,
    );
    assert.equal(target.calls.length, 1);
  });

  test('to be asked first: the next of the lane waits until the one before is settled and found', async (t) => {
    const ledger = await testLedger(t);
    const target = new Target({ byKey: false });
    let lost = 0;
    const answer = (items: readonly NoteItem[]) => {
      if (lost > 0) return target.commit(items);
      lost = performance.now();
      target.commitLater(items, 1000);
      return cut();
    };
    const hub = noteHub(ledger, target.sink({ settle: '2s', answer }));
    await hub.start();
    await send(hub, { id: 'a', n: 1 });
    await until('the answer is lost', () => lost > 0);
    await send(hub, { id: 'a', n: 2 });
    await send(hub, { id: 'b', n: 1 });
    await idle(hub);
    await hub.stop();
    assert.deepEqual(target.values('a'), [1, 2]);
    assert.equal(target.records.get('a')!.length, 1, 'the second changed what the first had made');
    const other = target.calls.find(({ keys }) => keys.includes('b'))!;
    const second = target.calls.filter(({ keys }) => keys.includes('a')).at(-1)!;
    assert.ok(second.at - lost >= 1990, `the next went ${second.at - lost} ms after the answer was lost`);
    assert.ok(other.at <= second.at, 'another lane does not wait for it');
  });

  test('a question that fails is asked again: it makes nothing more unknown and doubles nothing', async (t) => {
    const ledger = await testLedger(t);
    const target = new Target({ byKey: false });
    let lost = false;
    let asked = 0;
    const answer = (items: readonly NoteItem[]) => {
      if (lost) return target.commit(items);
      lost = true;
      target.commit(items);
      return cut();
    };
    const find = (keys: string[]): Found[] => {
      asked += 1;
      if (asked < 4) throw new Error('socket hang up');
      return keys.map((key) => ({ found: 'whole', id: target.records.get(key)![0]!.id }));
    };
    const hub = noteHub(ledger, target.sink({ settle: '1s', answer, find }));
    const started = performance.now();
    await hub.start();
    await send(hub, { id: 'a', n: 1 });
    await idle(hub);
    await hub.stop();
    assert.equal(asked, 4);
    assert.equal(target.calls.length, 1);
    assert.equal(target.records.get('a')!.length, 1);
    assert.ok(performance.now() - started < 20_000);
    const rows = await ledger.db.query<{ outcome: string }>(
      'attempts_of',
      'select outcome from attempt order by number',
    );
    assert.deepEqual(
      rows.map(({ outcome }) => outcome),
      ['unknown', 'transient', 'transient', 'transient', 'delivered'],
    );
  });

  test('what is found in part is told in the words of the target, holds its lane, and is asked for again after a retry', async (t) => {
    const ledger = await testLedger(t);
    const target = new Target({ byKey: false });
    let lost = false;
    let whole = false;
    const answer = (items: readonly NoteItem[]) => {
      if (lost) return target.commit(items);
      lost = true;
      target.commit(items);
      return cut();
    };
    const find = (keys: string[]): Found[] =>
      keys.map((key) =>
        whole
          ? { found: 'whole', id: target.records.get(key)![0]!.id }
          : { found: 'partial', message: 'The payment P7 is there, but set against no invoice.' },
      );
    const hub = noteHub(ledger, target.sink({ settle: '300ms', answer, find }));
    await hub.start();
    await send(hub, { id: 'a', n: 1 });
    await until('it is parked', async () => (await exceptions(ledger)).length === 1);
    await send(hub, { id: 'a', n: 2 });
    await idle(hub);
    const [exception] = await exceptions(ledger);
    assert.deepEqual([exception!.cause, exception!.holds], ['landed-in-part', true]);
    assert.match(words(ledger, exception!), /^The payment P7 is there, but set against no invoice\. .*dismiss.*retry/);
    assert.deepEqual(target.values('a'), [1], 'the next one waits for a person');
    whole = true;
    await retryException(hub.parts, exception!, decision);
    await idle(hub);
    await hub.stop();
    assert.deepEqual(target.values('a'), [1, 2]);
    assert.equal(target.records.get('a')!.length, 1, 'asked for again, not made again');
  });

  test('a lost answer of a target that nothing protects is an Exception that explains both possibilities', async (t) => {
    const ledger = await testLedger(t);
    const target = new Target({ byKey: false });
    let lost = false;
    const answer = (items: readonly NoteItem[]) => {
      if (lost) return target.commit(items);
      lost = true;
      return cut();
    };
    const hub = noteHub(ledger, target.sink({ idempotency: 'unsafe', settle: '300ms', answer }));
    await hub.start();
    await send(hub, { id: 'a', n: 1 });
    await idle(hub);
    const [exception] = await exceptions(ledger);
    assert.equal(exception!.cause, 'outcome-unknown');
    assert.match(words(ledger, exception!), /if it is there, dismiss this and say under which id; if it is not, retry/);
    assert.equal(target.calls.length, 1);
    await retryException(hub.parts, exception!, decision);
    await idle(hub);
    await hub.stop();
    assert.deepEqual(target.values('a'), [1]);
  });

  test('an answer that is always lost is shown to a person in the end', async (t) => {
    const ledger = await testLedger(t);
    const target = new Target();
    const hub = noteHub(ledger, target.sink({ answer: cut }), { terms: { attempts: 2 } });
    await hub.start();
    await send(hub, { id: 'a', n: 1 });
    await idle(hub);
    await hub.stop();
    const [exception] = await exceptions(ledger);
    assert.equal(exception!.cause, 'retries-exhausted');
    assert.match(
      words(ledger, exception!),
      /Tried 2 times, and each time it stayed unknown whether it landed; the last answer was: socket hang up\. Look there: if it is there .*dismiss this and say under which id; if it is not, retry/,
    );
  });

  test('a correction of a record whose old content may still land waits until that has passed', async (t) => {
    const ledger = await testLedger(t);
    const target = new Target();
    let lost = 0;
    const answer = (items: readonly NoteItem[]) => {
      if (lost > 0) return items[0]!.document.text === 'bad' ? items.map(() => rejection()) : target.commit(items);
      lost = performance.now();
      target.commitLater(items, 1500);
      return cut();
    };
    const hub = noteHub(ledger, target.sink({ settle: '3s', answer }));
    await hub.start();
    await send(hub, { id: 'a', n: 1, text: 'bad' });
    await until('it is parked', async () => (await exceptions(ledger)).length === 1);
    const [exception] = await exceptions(ledger);
    await editException(
      hub.parts,
      exception!,
      decision,
      new Map<string, unknown>([
        ['/text', 'good'],
        ['/n', 2],
      ]),
    );
    await idle(hub);
    await hub.stop();
    assert.deepEqual(target.values('a'), [1, 2]);
  });

  test('an answer that cannot be stored parks its delivery; its neighbours are delivered', async (t) => {
    const ledger = await testLedger(t);
    const target = new Target();
    const answer = (items: readonly NoteItem[]): Result[] =>
      target
        .commit(items)
        .map((result, index) => (items[index]!.key === 'k001' ? { outcome: 'done', id: 'A\0B' } : result));
    const { deliverer } = await routedOnly(ledger, target.sink({ answer }), numbered(3));
    assert.equal(await deliverer.once(() => true), 3);
    const { deliveries } = await readFigures(ledger.db);
    assert.deepEqual([deliveries.delivered, deliveries.parked], [2, 1]);
    assert.equal((await exceptions(ledger))[0]!.cause, 'answer-unstorable');
  });

  test('a document that cannot be read parks its delivery; its neighbours are delivered', async (t) => {
    const ledger = await testLedger(t);
    const target = new Target();
    const { deliverer } = await routedOnly(ledger, target.sink(), numbered(3));
    await ledger.db.query('rot', `update document set body_sealed = '\\x01' where key = 'k001'`);
    assert.equal(await deliverer.once(() => true), 3);
    const { deliveries } = await readFigures(ledger.db);
    assert.deepEqual([deliveries.delivered, deliveries.parked, target.effects.length], [2, 1, 2]);
    assert.equal((await exceptions(ledger))[0]!.cause, 'document-unreadable');
  });

  test('waiting updates give way to the latest: thousands become one delivery per record', async (t) => {
    const ledger = await testLedger(t);
    const target = new Target();
    const keys = 50;
    const updates = 1000 * scale;
    const notes = Array.from({ length: updates }, (_, n) => ({ id: `k${n % keys}`, n: n + 1 }));
    const { hub } = await routedOnly(ledger, target.sink(), notes);
    assert.equal(target.calls.length, 0, 'a pause holds from the start');
    await setConnectionState(ledger.db, 'target', 'active', null, 'cli:anna');
    const again = noteHub(ledger, target.sink());
    await again.start();
    await idle(again);
    await again.stop();
    assert.equal(target.calls.flatMap((call) => call.keys).length, keys);
    assert.deepEqual(target.verdict(new Map(notes.map(({ id, n }) => [id, n]))), {
      doubled: [],
      outOfOrder: [],
      lost: [],
    });
    const { deliveries, measures } = await readFigures(ledger.db);
    assert.deepEqual([deliveries.delivered, deliveries.superseded], [keys, updates - keys]);
    assert.equal(measures.find(({ what }) => what === 'bound')!.lines, keys);
    assert.equal(hub.away, null);
  });

  test('a record waits for what it needs, and gets its id; needs named twice count once', async (t) => {
    const ledger = await testLedger(t);
    const target = new Target();
    const links: string[] = [];
    const answer = (items: readonly NoteItem[]) => {
      for (const item of items)
        if (item.key === 'order') links.push(...[...item.links].map(([need, id]) => `${need} ${id}`));
      return target.commit(items);
    };
    const hub = noteHub(ledger, target.sink({ answer }));
    await hub.start();
    await send(hub, { id: 'order', n: 1, needs: ['p1', 'p2', 'p1'] });
    await send(hub, { id: 'p1', n: 1 });
    await until('p1 is there', () => target.values('p1').length === 1);
    await idle(hub);
    assert.equal(target.values('order').length, 0);
    await send(hub, { id: 'p2', n: 1 });
    await idle(hub);
    await hub.stop();
    assert.deepEqual(target.values('order'), [1]);
    assert.deepEqual(links, [
      `note:p1 ${target.records.get('p1')![0]!.id}`,
      `note:p2 ${target.records.get('p2')![0]!.id}`,
    ]);
  });

  test('a record waits for what its flow says that the target must hold', async (t) => {
    const ledger = await testLedger(t);
    const target = new Target();
    const needs: AnyFlow['needs'] = ({ body }) => ((body as NativeNote).id === 'level' ? [['note', 'price']] : []);
    const hub = noteHub(ledger, target.sink(), { flow: { needs } });
    await hub.start();
    await send(hub, { id: 'level', n: 1 });
    await send(hub, { id: 'other', n: 1 });
    await until('the other one is there', () => target.values('other').length === 1);
    await idle(hub);
    assert.equal(target.values('level').length, 0);
    await send(hub, { id: 'level', n: 2 });
    await send(hub, { id: 'price', n: 1 });
    await idle(hub);
    await hub.stop();
    assert.deepEqual(target.values('level'), [2]);
  });

  test('what a record brought along is bound with it, with its newest id, and wakes what needs it', async (t) => {
    const ledger = await testLedger(t);
    const target = new Target();
    const links: string[] = [];
    const answer = (items: readonly NoteItem[]): Result[] => {
      for (const { key, links: found } of items) if (key === 'price') links.push(...found.values());
      return target.commit(items).map((result, place) => {
        const { key, document } = items[place]!;
        if (key !== 'shirt') return result;
        const variants = ['shirt/S', 'shirt/M', 'shirt/S'];
        const parts = variants.map((variant, n) => ({ kind: 'note', key: variant, id: `v${document.n}${n}` }));
        return { ...result, parts } as Result;
      });
    };
    const hub = noteHub(ledger, target.sink({ answer }));
    await hub.start();
    await send(hub, { id: 'price', n: 1, needs: ['shirt/S', 'shirt/M'] });
    await idle(hub);
    assert.deepEqual(target.values('price'), []);
    await send(hub, { id: 'shirt', n: 1 });
    await idle(hub);
    await send(hub, { id: 'shirt', n: 2 });
    await idle(hub);
    await send(hub, { id: 'price', n: 2, needs: ['shirt/S', 'shirt/M'] });
    await idle(hub);
    await hub.stop();
    assert.deepEqual(target.values('price'), [1, 2]);
    assert.deepEqual(links, ['v12', 'v11', 'v22', 'v21']);
  });

  for (const known of [false, true])
    test(`a binding made while its waiter is being written wakes it (${known ? 'others wait for it already' : 'the first to wait'})`, async (t) => {
      const ledger = await testLedger(t);
      const { db } = ledger;
      const target = new Target();
      const { hub } = await routedOnly(ledger, target.sink(), [{ id: 'order', n: 1 }]);
      const need = { connection: 'target', entity: 'main', kind: 'note', key: 'p' };
      if (known) await db.transaction((sql) => unboundOf(sql, [need]));
      let bound = false;
      let binding: Promise<void> = Promise.resolve();
      await db.transaction(async (sql) => {
        const missing = await unboundOf(sql, [need]);
        assert.equal(missing.length, 1);
        binding = db
          .transaction(async (other) => {
            await bind(other, [
              { ...need, externalId: 'p#1', version: 1, lines: 0, currency: null, minor: 0n, absolute: 0n },
            ]);
          })
          .then(() => {
            bound = true;
          });
        await until('the binding is made, or waits for us', async () => {
          const waiting = await db.query(
            'blocked',
            `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
          );
          return bound || waiting.length > 0;
        });
        const [delivery] = await sql.query<{ id: string }>('waits', `update delivery set waits = 1 returning id`);
        await addAwaits(sql, [{ ...need, deliveryId: delivery!.id }]);
      });
      await binding;
      assert.deepEqual(
        await db.query('left', 'select waits from delivery'),
        [{ waits: 0 }],
        'released by the transaction that made the binding',
      );
      assert.equal(hub.away, null);
    });

  test('of many records that race with what they need, none sleeps on', async (t) => {
    const ledger = await testLedger(t);
    const target = new Target();
    const hubs = [noteHub(ledger, target.sink()), noteHub(ledger, target.sink())] as const;
    await Promise.all(hubs.map((hub) => hub.start()));
    const rounds = 150 * scale;
    for (let from = 0; from < rounds; from += 25)
      await Promise.all(
        Array.from({ length: 25 }, async (_, n) => {
          const id = from + n;
          await Promise.all([
            send(hubs[0], { id: `p${id}`, n: 1 }),
            send(hubs[1], { id: `o${id}`, n: 1, needs: [`p${id}`, `p${Math.max(0, id - 1)}`] }),
          ]);
        }),
      );
    await drained(hubs[0], 120);
    await Promise.all(hubs.map((hub) => hub.stop()));
    const { deliveries } = await readFigures(ledger.db);
    assert.deepEqual([deliveries.delivered, deliveries.waiting], [rounds * 2, 0]);
    assert.equal(target.effects.length, rounds * 2);
  });

  test('large documents travel with fewer neighbours', async (t) => {
    const ledger = await testLedger(t);
    const target = new Target();
    const { deliverer } = await routedOnly(
      ledger,
      target.sink({ batch: { max: 50, maxLines: 3, onFailure: 'independent' } }),
      numbered(8),
    );
    const sizes: number[] = [];
    for (let tried = -1; tried !== 0; ) {
      tried = await deliverer.once(() => true);
      sizes.push(tried);
    }
    assert.deepEqual(sizes, [3, 3, 2, 0]);
  });

  test('a batch that was lost is followed by smaller ones, and these by larger', async (t) => {
    const ledger = await testLedger(t);
    const target = new Target();
    let lost = false;
    const answer = (items: readonly NoteItem[]) => {
      if (lost) return target.commit(items);
      lost = true;
      return cut();
    };
    const { deliverer } = await routedOnly(
      ledger,
      target.sink({ answer, batch: { max: 8, onFailure: 'none-lands' } }),
      numbered(24),
    );
    const sizes: number[] = [];
    for (let n = 0; n < 3; n++) sizes.push(await deliverer.once(() => true));
    assert.deepEqual(sizes, [8, 4, 8]);
  });

  test('what is more urgent goes first', async (t) => {
    const ledger = await testLedger(t);
    const Urgent = defineDocument({
      name: 'urgent',
      version: '1.0',
      schema: Type.Object({ id: Type.String() }),
      key: (body) => body.id,
    });
    const target = new Target();
    const order: string[] = [];
    const watching = (name: string): Sink => ({
      ...(target.sink({ name, batch: { max: 1, onFailure: 'independent' } }) as Sink),
      ...(name === 'urgent' ? { accepts: Urgent } : {}),
      deliver: async (items) => {
        order.push(name);
        return items.map(({ key }) => ({ outcome: 'done', id: key }));
      },
    });
    const sinks = { notes: watching('notes'), urgent: watching('urgent') };
    const sources = { notes: pushSource(), urgent: { ...pushSource(), name: 'urgent' } };
    const urgentFlow = defineFlow({
      ...noteFlow(sinks.notes as never),
      id: 'urgent',
      documents: [Urgent],
      from: sources.urgent,
      to: { urgent: sinks.urgent },
      priority: { urgent: 5 },
      translate: (native: NativeNote) => ({
        outcome: 'routed',
        documents: [{ kind: 'urgent', body: { id: native.id } }],
      }),
    } as never);
    const estate = defineEstate({
      name: 'test',
      connections: { from: connectionOf({ sources }), target: connectionOf({ sinks, writer: 'odoo' }) },
      flows: [noteFlow(sinks.notes as never, sources.notes), urgentFlow as never],
    });
    await ledger.db.query(
      'known',
      `insert into connection (name, entity, connector, state) values ('target', 'main', 'test', 'paused')`,
    );
    const hub = new Hub({ ...noteHub(ledger, target.sink()).parts, estate });
    await hub.start();
    for (const source of ['notes', 'urgent'])
      for (const id of ['x', 'y']) {
        const incoming = {
          dedupeKey: `${source}${id}`,
          subject: id,
          occurredAt: new Date(),
          bytes: Buffer.from(JSON.stringify({ id, n: 1 })),
        };
        await hub.intake.receive({ connection: 'from', source, incoming });
      }
    await until('all is routed', async () => (await readFigures(ledger.db)).events.waiting === 0);
    await setConnectionState(ledger.db, 'target', 'active', null, 'cli:anna');
    await idle(hub);
    await hub.stop();
    assert.deepEqual(order, ['urgent', 'urgent', 'notes', 'notes']);
  });

  test('a call in flight when the hub stops is ended properly', async (t) => {
    const ledger = await testLedger(t);
    const target = new Target();
    const { opened, open } = gate();
    const answer = async (items: readonly NoteItem[]) => {
      await opened;
      return target.commit(items);
    };
    const hub = noteHub(ledger, target.sink({ answer }));
    await hub.start();
    await send(hub, { id: 'a', n: 1 });
    await until('the call is under way', () => target.calls.length === 1);
    const stopped = hub.stop();
    open();
    await stopped;
    const { deliveries } = await readFigures(ledger.db);
    assert.deepEqual([deliveries.delivered, deliveries.leased], [1, 0]);
  });
});
