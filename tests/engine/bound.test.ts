import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HubErrorCode } from '../../src/core/errors.ts';
import { bindException } from '../../src/engine/resolve.ts';
import { type ExceptionRow, listExceptions } from '../../src/ledger/exceptions.ts';
import { readFigures } from '../../src/ledger/figures.ts';
import { summarise } from '../../src/watch/summary.ts';
import { idle, noteHub, send, type TestLedger, testLedger } from '../support/hub.ts';
import { cut, type NoteItem, rejection, Target } from '../support/target.ts';

const decision = { by: 'cli:anna', reason: 'it stands in the target' };
const open = (ledger: TestLedger): Promise<ExceptionRow[]> => listExceptions(ledger.db, null, 50);

test('a record that a person has found in the target is bound to its id, and what waited for that goes on', async (t) => {
  const ledger = await testLedger(t);
  const target = new Target({ byKey: false });
  const given: NoteItem[] = [];
  let lost = true;
  const answer = (items: readonly NoteItem[]) => {
    if (lost) {
      lost = false;
      target.commit(items);
      return cut();
    }
    given.push(...items);
    return target.commit(items);
  };
  const hub = noteHub(ledger, target.sink({ idempotency: 'unsafe', settle: '100ms', answer }));
  await hub.start();
  await send(hub, { id: 'a', n: 10 });
  await idle(hub);
  await send(hub, { id: 'b', n: 5, needs: ['a'] });
  await send(hub, { id: 'a', n: 30 });
  await idle(hub);
  const [exception] = await open(ledger);
  assert.equal(exception!.cause, 'outcome-unknown');
  assert.equal(given.length, 0, 'its lane and what needs it wait');
  const { id } = target.records.get('a')![0]!;
  await bindException(hub.parts, exception!, decision, id);
  await idle(hub);
  await hub.stop();
  assert.deepEqual(given.map(({ key, id: bound, links }) => [key, bound, [...links]]).sort(), [
    ['a', id, []],
    ['b', null, [['note:a', id]]],
  ]);
  assert.deepEqual([target.values('a'), target.records.get('a')!.length], [[10, 30], 1]);
  const figures = await readFigures(ledger.db);
  const { received, posted, excepted, difference } = summarise(figures).money.EUR!;
  assert.deepEqual(
    [received, posted, excepted, difference],
    ['0.45', '0.35', '0.00', '0.10'],
    'as without the Exception',
  );
  assert.deepEqual([figures.deliveries.delivered, figures.deliveries.dismissed], [3, 0]);
  const [told] = await ledger.db.query<{ actor: string; detail: object }>(
    'told',
    "select actor, detail from audit where action = 'exception.bound'",
  );
  assert.deepEqual(told, {
    actor: decision.by,
    detail: { cause: 'outcome-unknown', reason: decision.reason, boundTo: id },
  });
  await assert.rejects(bindException(hub.parts, exception!, decision, id), { code: 'CONFLICT' });
});

test('an id that cannot be, is taken, or contradicts what is bound is refused, and nothing is changed', async (t) => {
  const ledger = await testLedger(t);
  const target = new Target();
  let refuses = false;
  const sink = {
    ...target.sink({ answer: (items) => (refuses ? items.map(() => rejection()) : target.commit(items)) }),
    ids: /^[a-z]#\d+$/,
  };
  const hub = noteHub(ledger, sink, {
    flow: { translate: noteTrap(noteHub(ledger, target.sink()).parts.estate.flows[0]!.translate) },
  });
  await hub.start();
  await send(hub, { id: 'a', n: 1 });
  await send(hub, { id: 'b', n: 1 });
  await idle(hub);
  refuses = true;
  await send(hub, { id: 'a', n: 2 });
  await send(hub, { id: 'c', n: 1 });
  await send(hub, { id: 'trap', n: 1 });
  await idle(hub);
  const [a, c, event] = ['a', 'c', null].map((key) => (row: ExceptionRow) => row.key === key);
  const rows = await open(ledger);
  const bound = target.records.get('b')![0]!.id;
  const wrong: [row: ExceptionRow, id: string, code: HubErrorCode, words: RegExp][] = [
    [rows.find(c!)!, '812', 'BAD_USE', /'812' is no id that target gives to a note/],
    [rows.find(c!)!, 'c#1\n', 'BAD_USE', /is no id/],
    [rows.find(c!)!, '', 'BAD_USE', /is no id/],
    [rows.find(c!)!, bound, 'CONFLICT', /is bound to note 'b' already/],
    [rows.find(a!)!, 'z#9', 'CONFLICT', /is bound to 'a#\d' in target already/],
    [rows.find(event!)!, 'z#9', 'CONFLICT', /holds no delivery/],
  ];
  for (const [row, id, code, words] of wrong)
    await assert.rejects(bindException(hub.parts, row, decision, id), (error: Error & { code: string }) => {
      assert.deepEqual([error.code, words.test(error.message)], [code, true], error.message);
      return true;
    });
  assert.equal((await open(ledger)).length, rows.length);
  assert.equal((await ledger.db.query('told', "select from audit where action = 'exception.bound'")).length, 0);
  await bindException(hub.parts, rows.find(a!)!, decision, target.records.get('a')![0]!.id);
  await bindException(hub.parts, rows.find(c!)!, decision, 'c#9');
  assert.equal((await open(ledger)).length, rows.length - 2);
  await hub.stop();
});

/** The flow of the tests, but for one note that it cannot handle. */
const noteTrap =
  (translate: (native: never, look: never) => unknown) =>
  (native: { id: string }, look: unknown): never => {
    if (native.id === 'trap') throw new Error('cannot');
    return translate(native as never, look as never) as never;
  };
