import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { systemClock } from '../../src/core/clock.ts';
import type { Breaker } from '../../src/engine/breaker.ts';
import { Deliverer } from '../../src/engine/deliver.ts';
import { dismissException, editException, retryException } from '../../src/engine/resolve.ts';
import { readFigures } from '../../src/ledger/figures.ts';
import { decision, each, exceptions, numbered, routedOnly, words } from '../support/delivery.ts';
import { idle, noteHub, send, testLedger } from '../support/hub.ts';
import {
  early,
  gate,
  type NoteItem,
  refusal,
  rejection,
  Target,
  throttled,
  transient,
  until,
} from '../support/target.ts';

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
      enter: () => true,
      leave() {},
      open: true,
      failed() {},
      succeeded() {},
      wait() {},
    } as unknown as Breaker);
    for (let n = 0; n < 12; ) n += (await steady.once(() => true))!;
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
