import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Rule } from '../../src/core/flow.ts';
import type { Hub } from '../../src/engine/hub.ts';
import { Planner, type Step } from '../../src/engine/plan.ts';
import { rehearseReplay, requestReplay } from '../../src/engine/replay.ts';
import { dismissException, editException, retryException } from '../../src/engine/resolve.ts';
import { listExceptions } from '../../src/ledger/exceptions.ts';
import { drained, type NoteDocument, noteHub, pushSource, send, type TestLedger, testLedger } from '../support/hub.ts';
import { Target } from '../support/target.ts';

const by = { by: 'cli:test', reason: 'it is right' };

/** Odd is what is more than 100; wrong is what is less than 0. */
const many: Rule<typeof NoteDocument> = ({ id, n }) =>
  n > 100 ? { cause: 'many', message: `Note ${id} says ${n}.`, field: 'n', passable: true } : null;
const loud: Rule<typeof NoteDocument> = ({ id, text }) =>
  text === 'LOUD' ? { cause: 'loud', message: `Note ${id} is loud.`, field: 'text', passable: true } : null;
const negative: Rule<typeof NoteDocument> = ({ id, n }) =>
  n < 0 ? { cause: 'negative', message: `Note ${id} is below zero.`, field: 'n' } : null;
const rules = { note: [many, loud, negative] };

const open = (ledger: TestLedger) => listExceptions(ledger.db, null, 100);
const words = (ledger: TestLedger, { id, message_sealed }: Awaited<ReturnType<typeof open>>[number]) =>
  ledger.vault.unseal(message_sealed, `exception:${id}`).toString();

async function ruled(ledger: TestLedger, flow: object = {}) {
  const target = new Target();
  const hub = noteHub(ledger, target.sink(), { flow: { rules, ...flow } });
  await hub.start();
  return { hub, target };
}

describe('a document that breaks a rule', () => {
  test('goes nowhere, holds its subject only, and is an Exception with the cause, the field and what to do', async (t) => {
    const ledger = await testLedger(t);
    const { hub, target } = await ruled(ledger);
    await send(hub, { id: 'a', n: 101 });
    await send(hub, { id: 'a', n: 3 });
    await send(hub, { id: 'b', n: -1, text: 'LOUD' });
    await send(hub, { id: 'c', n: 5 });
    await drained(hub);
    const found = await open(ledger);
    assert.deepEqual(
      found.map((one) => [one.subject, one.cause, one.field, one.holds, one.minor, words(ledger, one)]).sort(),
      [
        [
          'note:a',
          'many',
          'n',
          true,
          101n,
          "Note a says 101. Correct it at its source, or let it pass: retry it with the answer 'pass'.",
        ],
        ['note:b', 'negative', 'n', true, -1n, 'Note b is below zero. Note b is loud.'],
      ],
    );
    assert.deepEqual([target.values('a'), target.values('b'), target.values('c')], [[], [], [5]]);
  });

  test('goes on when a person lets it pass, and is not asked about again while it stays as it is', async (t) => {
    const ledger = await testLedger(t);
    const { hub, target } = await ruled(ledger);
    await send(hub, { id: 'a', n: 101, text: 'LOUD' }, { sourceVersion: 1n });
    await drained(hub);
    const pass = async (answer: string | null) => {
      const [exception] = await open(ledger);
      await retryException(hub.parts, exception!, by, answer);
      await drained(hub);
    };
    for (const [answer, left] of [
      [null, 'many'],
      ['yes', 'many'],
      ['pass:many', 'loud'],
    ] as const) {
      await pass(answer);
      assert.deepEqual([(await open(ledger)).map(({ cause }) => cause), target.values('a')], [[left], []], `${answer}`);
    }
    await pass('pass');
    assert.deepEqual([await open(ledger), target.values('a')], [[], [101]]);
    await send(hub, { id: 'a', n: 101, text: 'LOUD', needs: ['a'] }, { sourceVersion: 2n });
    await drained(hub);
    assert.deepEqual(await open(ledger), [], 'the same oddity in a newer version');
    await send(hub, { id: 'a', n: 102 }, { sourceVersion: 3n });
    await drained(hub);
    assert.deepEqual(
      (await open(ledger)).map(({ cause }) => cause),
      ['many'],
      'another one',
    );
  });

  test('cannot pass where it must be put right: its record is edited, or dismissed', async (t) => {
    const ledger = await testLedger(t);
    const { hub, target } = await ruled(ledger);
    for (const id of ['a', 'b']) await send(hub, { id, n: -1 });
    await drained(hub);
    for (const exception of await open(ledger)) await retryException(hub.parts, exception, by, 'pass');
    await drained(hub);
    const [a, b] = (await open(ledger)).sort((x, y) => (x.subject! < y.subject! ? -1 : 1));
    assert.deepEqual([a!.cause, b!.cause], ['negative', 'negative']);
    await editException(hub.parts, a!, by, new Map([['/n', 1]]));
    await dismissException(hub.parts, b!, by);
    await drained(hub);
    assert.deepEqual([await open(ledger), target.values('a'), target.values('b')], [[], [1], []]);
  });

  test('is let pass for its cause where the flow holds nothing', async (t) => {
    const ledger = await testLedger(t);
    const onException = { owner: 'tests', within: '1d', hold: 'nothing' };
    const { hub, target } = await ruled(ledger, { onException });
    await send(hub, { id: 'a', n: 101 });
    await drained(hub);
    const [exception] = await open(ledger);
    assert.deepEqual([exception!.cause, exception!.holds, target.values('a')], ['many', false, []]);
    await retryException(hub.parts, exception!, by, 'pass');
    await drained(hub);
    assert.deepEqual([await open(ledger), target.values('a')], [[], [101]]);
  });

  test('is shown by a plan and by a replay, which changes nothing; what was let pass is replayed', async (t) => {
    const ledger = await testLedger(t);
    const notes = [{ id: 'a', n: 101 }].map((note) => ({
      dedupeKey: 'a',
      subject: 'note:a',
      occurredAt: new Date(0),
      bytes: Buffer.from(JSON.stringify(note)),
    }));
    const source = {
      ...pushSource(),
      async *pull(cursor: string | null) {
        if (cursor === null) yield { items: notes, cursor: '1' };
      },
    };
    const target = new Target();
    const first = noteHub(ledger, target.sink(), { source });
    const rehearsed = (hub: Hub) =>
      rehearseReplay(hub.parts, hub.parts.estate.flows[0]!, { connection: 'from', entity: 'main', subject: 'note:a' });

    const ruledHub = noteHub(ledger, target.sink(), { source, flow: { rules } });
    const steps: Step[] = [];
    const [port] = ruledHub.parts.wiring.sources;
    for await (const step of new Planner(ruledHub.parts, { fromStart: false }).read(
      port!,
      9,
      AbortSignal.timeout(9000),
    ))
      steps.push(step as Step);
    assert.deepEqual(
      steps.map(({ changes, problems }) => [changes, problems.map(({ cause }) => cause)]),
      [[[], ['many']]],
    );

    await first.start();
    await drained(first);
    await first.stop();
    assert.deepEqual(target.values('a'), [101], 'it came before there were rules');
    const again = noteHub(ledger, target.sink(), { source, flow: { rules } });
    assert.equal((await rehearsed(again)).trouble, null, 'and stands as it is');
    const refused: Rule<typeof NoteDocument> = () => ({ cause: 'refused', message: 'No notes any more.' });
    const strict = noteHub(ledger, target.sink(), { source, flow: { rules: { note: [refused] } } });
    assert.equal((await rehearsed(strict)).trouble?.cause, 'refused');
    await strict.start();
    await requestReplay(ledger, strict.parts.estate.flows[0]!, 'from', [await rehearsed(strict)], by);
    strict.parts.bell.ring('route');
    await drained(strict);
    const [exception] = await open(ledger);
    assert.deepEqual([exception!.cause, exception!.holds], ['replay-not-done', false]);
    assert.match(words(ledger, exception!), /No notes any more\. Nothing was changed/);
  });
});
