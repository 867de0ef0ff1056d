import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Found } from '../../src/core/connector.ts';
import { editException, retryException } from '../../src/engine/resolve.ts';
import { readFigures } from '../../src/ledger/figures.ts';
import { decision, exceptions, words } from '../support/delivery.ts';
import { idle, noteHub, send, testLedger } from '../support/hub.ts';
import { cut, type NoteItem, rejection, Target, until } from '../support/target.ts';

describe('lost answers', { concurrency: 4 }, () => {
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
});
