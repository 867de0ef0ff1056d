import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { Context } from '../../src/core/connector.ts';
import { nothing } from '../../src/core/document.ts';
import { FaultError, rejected } from '../../src/core/fault.ts';
import type { Look } from '../../src/core/flow.ts';
import type { Hub } from '../../src/engine/hub.ts';
import { importMapping } from '../../src/engine/mappings.ts';
import { Planner, type Step } from '../../src/engine/plan.ts';
import { rehearseReplay, requestReplay } from '../../src/engine/replay.ts';
import { dismissException, retryException } from '../../src/engine/resolve.ts';
import { listExceptions } from '../../src/ledger/exceptions.ts';
import { readFigures } from '../../src/ledger/figures.ts';
import { subjectsToReplay } from '../../src/ledger/replay.ts';
import { traceSteps } from '../../src/ledger/trace.ts';
import { each } from '../support/delivery.ts';
import { idle, type NativeNote, noteHub, pushSource, send, type TestLedger, testLedger } from '../support/hub.ts';
import { rejection, Target } from '../support/target.ts';

const by = { by: 'cli:test', reason: 'the words were wrong' };

/** A flow whose notes say what the Mapping table `words` makes of their text. */
const translating = {
  mappings: [{ table: 'words', owner: 'tests', about: 'words', rows: { red: 'rouge', blue: 'bleu' } }],
  translate: (native: NativeNote, look: { mapping(name: string): { get(code: string): string } }) => ({
    outcome: 'routed' as const,
    documents: [
      {
        kind: 'note' as const,
        body: { id: native.id, n: native.n, text: look.mapping('words').get(native.text ?? 'red'), needs: [] },
      },
    ],
  }),
};

const put = (ledger: TestLedger, rows: Record<string, string>) =>
  importMapping(ledger.db, { entity: 'main', name: 'words', rows }, by);

const flowOf = (hub: Hub) => hub.parts.estate.flows[0]!;

const rehearsal = (hub: Hub, id: string) =>
  rehearseReplay(hub.parts, flowOf(hub), { connection: 'from', entity: 'main', subject: `note:${id}` });

async function replayed(hub: Hub, ledger: TestLedger, ids: string[]): Promise<void> {
  const told = await Promise.all(ids.map((id) => rehearsal(hub, id)));
  await requestReplay(ledger, flowOf(hub), 'from', told, by);
  hub.parts.bell.ring('route');
  await idle(hub);
}

describe('replay', () => {
  test('shows field by field and in money what a corrected table changes, and delivers only that, once', async (t) => {
    const ledger = await testLedger(t);
    const target = new Target();
    const texts: string[] = [];
    const answer = (items: Parameters<Target['commit']>[0]) => {
      texts.push(...items.map(({ key, document }) => `${key} ${document.n} ${document.text}`));
      return target.commit(items);
    };
    const hub = noteHub(ledger, target.sink({ answer }), { flow: translating });
    await hub.start();
    await send(hub, { id: 'a', n: 1, text: 'red' }, { sourceVersion: 1n });
    await idle(hub);
    await send(hub, { id: 'a', n: 2, text: 'red' }, { sourceVersion: 2n });
    await send(hub, { id: 'b', n: 7, text: 'blue' });
    await idle(hub);
    const before = await readFigures(ledger.db);
    await put(ledger, { red: 'vermilion', blue: 'bleu' });
    await hub.parts.mappings.refresh();

    const shown = await rehearsal(hub, 'a');
    assert.equal(shown.trouble, null);
    assert.deepEqual(shown.changes, [
      {
        kind: 'note',
        key: 'a',
        is: 'changed',
        fields: [{ pointer: '/text', before: 'rouge', after: 'vermilion' }],
        currency: 'EUR',
        minor: 0n,
      },
    ]);
    assert.deepEqual((await rehearsal(hub, 'b')).changes, []);
    assert.equal(texts.length, 3, 'a rehearsal sends nothing');

    await replayed(hub, ledger, ['a', 'b']);
    await replayed(hub, ledger, ['a']);
    await hub.stop();
    assert.deepEqual(texts.slice(3), ['a 2 vermilion']);
    const after = await readFigures(ledger.db);
    assert.deepEqual(after.measures, before.measures, 'nothing is counted twice');
    const audit = await ledger.db.query<{ action: string; reason: string | null }>(
      'test_audit',
      "select action, detail->>'reason' as reason from audit where action like '%replay%' order by id",
    );
    assert.deepEqual(audit.map(({ action }) => action).sort(), [
      ...Array(3).fill('event.replayed'),
      ...Array(3).fill('replay.asked'),
    ]);
    assert.ok(audit.filter(({ action }) => action === 'replay.asked').every(({ reason }) => reason === by.reason));
  });

  test('an old record does not come back: only the newest is told, and what is heard meanwhile stays newer', async (t) => {
    const ledger = await testLedger(t);
    const target = new Target();
    const hub = noteHub(ledger, target.sink(), { flow: translating });
    await hub.start();
    for (const n of [1, 2]) await send(hub, { id: 'a', n, text: 'red' }, { sourceVersion: BigInt(n) });
    await idle(hub);
    await put(ledger, { red: 'vermilion', blue: 'bleu' });
    await hub.parts.mappings.refresh();
    const told = await rehearsal(hub, 'a');
    await send(hub, { id: 'a', n: 3, text: 'red' }, { sourceVersion: 3n });
    await requestReplay(ledger, flowOf(hub), 'from', [told], by);
    await idle(hub);
    await hub.stop();
    assert.equal(target.values('a').at(-1), 3);
    assert.deepEqual(target.verdict(new Map([['a', 3]])), { doubled: [], outOfOrder: [], lost: [] });
  });

  test('a flow that remembers is told all again from its beginning', async (t) => {
    const ledger = await testLedger(t);
    const target = new Target();
    let factor = 1;
    const summing = {
      translate: (native: NativeNote, look: { memory: { sum: number; heard: number[] } | null }) => {
        const { sum, heard } = look.memory ?? { sum: 0, heard: [] };
        if (heard.includes(native.n)) return { outcome: 'duplicate' as const, documents: [] };
        const memory = { sum: sum + native.n * factor, heard: [...heard, native.n] };
        const body = { id: native.id, n: memory.sum, text: '', needs: [] };
        return { outcome: 'routed' as const, documents: [{ kind: 'note' as const, body }], memory };
      },
    };
    const hub = noteHub(ledger, target.sink(), { flow: summing });
    await hub.start();
    for (const n of [1, 2, 4]) {
      await send(hub, { id: 'a', n });
      await idle(hub);
    }
    factor = 10;
    const { changes } = await rehearsal(hub, 'a');
    assert.deepEqual([changes[0]!.fields, changes[0]!.minor], [[{ pointer: '/n', before: 7, after: 70 }], 63n]);
    await replayed(hub, ledger, ['a']);
    assert.deepEqual(target.values('a'), [1, 3, 7, 70]);
    await send(hub, { id: 'a', n: 8 });
    await idle(hub);
    await hub.stop();
    assert.equal(target.values('a').at(-1), 150, 'and remembers what it was told');
  });

  test('what a person would be asked is shown and left; when it comes up only in the act, it is an Exception', async (t) => {
    const ledger = await testLedger(t);
    const target = new Target();
    const hub = noteHub(ledger, target.sink(), { flow: translating });
    await hub.start();
    await send(hub, { id: 'a', n: 1, text: 'red' });
    await idle(hub);
    const fine = await rehearsal(hub, 'a');
    await put(ledger, { blue: 'bleu' });
    await hub.parts.mappings.refresh();
    const { trouble, changes } = await rehearsal(hub, 'a');
    assert.deepEqual([trouble?.cause, changes], ['mapping-gap', []]);
    assert.match(trouble!.message, /'words' has no row for 'red'/);
    await requestReplay(ledger, flowOf(hub), 'from', [fine], by);
    hub.parts.bell.ring('route');
    await idle(hub);
    await hub.stop();
    assert.deepEqual(target.values('a'), [1]);
    const open = await listExceptions(ledger.db, null, 10);
    assert.deepEqual(
      open.map(({ cause, holds }) => [cause, holds]),
      [['replay-not-done', false]],
    );
  });

  describe('what was asked beside records of a flow that remembers', () => {
    /** `ask` asks for what is `wanted`, `answer` ends that, and a person may say `take`; all else is a note, which keeps its text. */
    async function asking(t: TestContext) {
      const ledger = await testLedger(t);
      const target = new Target();
      const texts: string[] = [];
      const answer = (items: Parameters<Target['commit']>[0]) => {
        texts.push(...items.map(({ document: { n, text } }) => `${n} ${text}`));
        return target.commit(items);
      };
      let wanted = 'a pen';
      const hub = noteHub(ledger, target.sink({ answer }), {
        flow: {
          ...translating,
          translate: (native: NativeNote, look: Look<number[]>) => {
            const memory = [...(look.memory ?? []), native.n];
            const documents = [
              {
                kind: 'note' as const,
                body: { id: native.id, n: native.n, text: look.mapping('words').get('red'), needs: [] },
              },
            ];
            if (native.text === 'answer')
              return { outcome: 'routed' as const, documents, answers: ['missing'], memory };
            if (native.text !== 'ask' || look.decision === 'take:missing')
              return { outcome: 'routed' as const, documents, memory };
            const message = `Note ${native.id} wants ${wanted}.`;
            return {
              outcome: 'routed' as const,
              documents: [],
              objections: [{ cause: 'missing', message, measure: nothing }],
              memory,
            };
          },
        },
      });
      await hub.start();
      return {
        ledger,
        hub,
        texts,
        wants: (what: string) => {
          wanted = what;
        },
        tell: async (...texts: string[]) => {
          for (const [index, text] of texts.entries()) {
            await send(hub, { id: 'a', n: index + 1, text });
            await idle(hub);
          }
        },
        correct: async () => {
          await put(ledger, { red: 'vermilion' });
          await hub.parts.mappings.refresh();
        },
        open: async () => (await listExceptions(ledger.db, null, 10)).map(({ id, cause }) => [id, cause]),
        asked: async () => (await listExceptions(ledger.db, null, 10))[0]!,
      };
    }

    test('is no trouble where a later one answered it', async (t) => {
      const { tell, correct, open, hub, ledger, texts } = await asking(t);
      await tell('red', 'ask', 'answer');
      await correct();
      const { trouble, changes } = await rehearsal(hub, 'a');
      assert.equal(trouble, null);
      assert.deepEqual(
        changes.map(({ fields }) => fields),
        [[{ pointer: '/text', before: 'rouge', after: 'vermilion' }]],
      );
      await replayed(hub, ledger, ['a']);
      assert.deepEqual([texts, await open()], [['1 rouge', '3 rouge', '3 vermilion'], []]);
    });

    for (const [what, decide] of [
      ['is open', async () => undefined],
      ['was dismissed', dismissException],
    ] as const)
      test(`is not asked again where it ${what}, and said in the same words`, async (t) => {
        const { tell, correct, open, asked, wants, hub, ledger, texts } = await asking(t);
        await tell('red', 'answer', 'ask', 'red');
        await decide(hub.parts, await asked(), by);
        const stands = await open();
        await correct();
        assert.equal((await rehearsal(hub, 'a')).trouble, null);
        await replayed(hub, ledger, ['a']);
        assert.deepEqual([texts.slice(2), await open()], [['4 rouge', '4 vermilion'], stands]);
        wants('a brush');
        assert.deepEqual((await rehearsal(hub, 'a')).trouble, { cause: 'missing', message: 'Note a wants a brush.' });
      });

    test('is trouble where a person gave an answer to it, which is not known any more', async (t) => {
      const { tell, correct, open, asked, hub, texts } = await asking(t);
      await tell('red', 'ask', 'red');
      await retryException(hub.parts, await asked(), by, 'take');
      await idle(hub);
      await correct();
      assert.deepEqual([texts, await open()], [['1 rouge', '3 rouge', '2 rouge'], []]);
      assert.equal((await rehearsal(hub, 'a')).trouble?.cause, 'missing');
    });
  });

  test('what is corrected waits behind a parked version, and says for which Exception; a trace tells who decided what, and why', async (t) => {
    const ledger = await testLedger(t);
    const target = new Target();
    const answer = each(target, ({ document: { text } }) => (text === 'rouge' ? rejection('no', 'colour') : undefined));
    const hub = noteHub(ledger, target.sink({ answer }), { flow: translating });
    await hub.start();
    await send(hub, { id: 'a', n: 7, text: 'red' });
    await send(hub, { id: 'b', n: 8, text: 'blue' });
    await idle(hub);
    const [exception] = await listExceptions(ledger.db, null, 10);
    await put(ledger, { red: 'vermilion', blue: 'azur' });
    await hub.parts.mappings.refresh();
    const behind = { delivery: exception!.delivery_id, version: 1, exception: exception!.id, cause: 'colour' };
    assert.deepEqual((await rehearsal(hub, 'a')).held, [{ ...behind, kind: 'note', key: 'a' }]);
    assert.deepEqual((await rehearsal(hub, 'b')).held, []);

    await replayed(hub, ledger, ['a', 'b']);
    const life = (key: string) => traceSteps(ledger.db, ledger.vault, key);
    const deliveries = async (key: string) =>
      (await life(key)).flatMap(({ what, state, detail }) =>
        what === 'delivery' ? [[state, detail.behind ?? null]] : [],
      );
    assert.deepEqual(await deliveries('a'), [
      ['parked', null],
      ['waiting', behind],
    ]);
    await dismissException(hub.parts, exception!, { by: 'cli:eve', reason: 'the corrected one goes' });
    await idle(hub);
    await hub.stop();
    assert.deepEqual(target.values('a'), [7]);
    assert.deepEqual(
      (await life('a')).flatMap(({ what, about, state, detail }) =>
        what === 'decision' ? [[about, state, detail.by, detail.reason]] : [],
      ),
      [
        ['notes', 'told again', by.by, by.reason],
        ['colour', 'dismissed', 'cli:eve', 'the corrected one goes'],
      ],
    );
    const replay = (await life('a')).find(({ state }) => state === 'told again');
    assert.ok(
      (await life('a')).some(({ what, id, state }) => what === 'event' && id === replay!.id && state === 'duplicate'),
    );
  });

  test('records past their retention say so', async (t) => {
    const ledger = await testLedger(t);
    const hub = noteHub(ledger, new Target().sink(), { flow: translating });
    await hub.start();
    await send(hub, { id: 'a', n: 1 });
    await idle(hub);
    await hub.stop();
    await ledger.db.query('test_forget', 'update event_history set payload_sealed = null');
    assert.equal((await rehearsal(hub, 'a')).trouble?.cause, 'past-retention');
  });

  test('subjects are found by time, by a number people know, and by what an Exception was opened for', async (t) => {
    const ledger = await testLedger(t);
    const hub = noteHub(ledger, new Target().sink(), {
      flow: { ...translating, onException: { owner: 'x', within: '1d', hold: 'nothing' } },
    });
    await hub.start();
    for (const id of ['a', 'b', 'c']) await send(hub, { id, n: 1, text: id === 'c' ? 'green' : 'red' });
    await idle(hub);
    await hub.stop();
    const filter = {
      flow: 'notes',
      connection: 'from',
      source: 'notes',
      from: null,
      to: null,
      keys: null,
      cause: null,
    };
    const found = (more: Partial<typeof filter> | object, after = '', most = 10) =>
      subjectsToReplay(ledger.db, { ...filter, ...more }, after, most);
    const key = (text: string) => ({
      keys: ['other', text].map((one) => ({ text: one, digest: ledger.vault.digest(one) })),
    });
    assert.deepEqual(await found({}), ['note:a', 'note:b', 'note:c']);
    assert.deepEqual(await found({}, 'note:a', 1), ['note:b']);
    assert.deepEqual(await found(key('b')), ['note:b']);
    assert.deepEqual(await found(key('note:b')), ['note:b']);
    assert.deepEqual(await found(key('nobody')), []);
    assert.deepEqual(await found({ cause: 'mapping-gap' }), ['note:c']);
    assert.deepEqual(await found({ cause: 'other' }), []);
    const soon = new Date(Date.now() + 60_000);
    assert.deepEqual(await found({ from: soon }), []);
    assert.deepEqual(await found({ to: soon, from: new Date(0) }), ['note:a', 'note:b', 'note:c']);
  });
});

describe('plan', () => {
  /** A source that has three notes to tell, and a hub that has never run. */
  const source = () => ({
    ...pushSource(),
    async *pull(cursor: string | null) {
      const notes: NativeNote[] = [
        { id: 'a', n: 1, text: 'red' },
        { id: 'b', n: 2, text: 'green' },
        { id: 'a', n: 5, text: 'blue', needs: ['nobody'] },
      ];
      const from = Number(cursor ?? 0);
      const items = notes.slice(from).map((note) => ({
        dedupeKey: `${note.id}/${note.n}`,
        subject: `note:${note.id}`,
        occurredAt: new Date(0),
        bytes: new TextEncoder().encode(JSON.stringify(note)),
      }));
      if (items.length > 0) yield { items, cursor: String(notes.length) };
    },
  });
  const planned = async (hub: Hub, fromStart = false, most = 100) => {
    const planner = new Planner(hub.parts, { fromStart });
    const steps: unknown[] = [];
    for (const port of hub.parts.wiring.sources)
      for await (const step of planner.read(port, most, AbortSignal.timeout(10_000))) steps.push(step);
    return { steps: steps as Step[], waiting: await planner.waiting() };
  };
  const needing = {
    ...translating,
    translate: (native: NativeNote, look: Parameters<typeof translating.translate>[1]) => {
      const { documents } = translating.translate(native, look);
      if (native.n < 0) throw rejected('less than nothing', 'negative');
      return {
        outcome: 'routed' as const,
        documents: documents.map((one) => ({ ...one, body: { ...one.body, needs: native.needs ?? [] } })),
      };
    },
  };

  test('says what would be made, changed, asked and waited for, and leaves no trace', async (t) => {
    const ledger = await testLedger(t);
    const target = new Target();
    const hub = noteHub(ledger, target.sink(), { flow: needing, source: source() });
    const { steps, waiting } = await planned(hub);
    assert.deepEqual(
      steps.map(({ subject, outcome, changes, problems }) => [
        subject,
        outcome,
        changes.map(({ is, minor, fields }) => [is, minor, fields.length]),
        problems.map(({ cause }) => cause),
      ]),
      [
        ['note:a', 'planned', [['new', 1n, 1]], []],
        ['note:b', 'planned', [], ['mapping-gap']],
        ['note:a', 'planned', [['changed', 4n, 3]], []],
      ],
    );
    assert.deepEqual(waiting, [{ need: 'note nobody', connection: 'target', by: 'from note:a' }]);
    assert.deepEqual(target.calls, []);
    for (const name of [
      'event',
      'event_history',
      'document',
      'subject',
      'cursor',
      'audit',
      'exception',
      'mapping_version',
    ]) {
      const [row] = await ledger.db.query<{ n: number }>(
        `test_count_${name}`,
        `select count(*)::int as n from ${name}`,
      );
      assert.equal(row!.n, 0, name);
    }
  });

  test('goes from where the hub stands: what was read is not told again, unless from the start', async (t) => {
    const ledger = await testLedger(t);
    const hub = noteHub(ledger, new Target().sink(), { flow: needing, source: source() });
    await hub.start();
    await idle(hub);
    await hub.stop();
    assert.deepEqual((await planned(hub)).steps, []);
    await put(ledger, { red: 'rouge', blue: 'bleu', green: 'vert' });
    await hub.parts.mappings.refresh();
    const { steps } = await planned(hub, true);
    assert.deepEqual(
      steps.map(({ subject, changes }) => [subject, changes.map(({ is, key }) => [is, key])]),
      [
        ['note:a', [['changed', 'a']]],
        ['note:b', [['new', 'b']]],
        ['note:a', [['changed', 'a']]],
      ],
    );
    const few = (await planned(hub, true, 2)).steps;
    assert.match(JSON.stringify(few.at(-1)), /only the first 2 records/);
  });

  test('where a system asks to wait it goes on afterwards, and shows each record once', async (t) => {
    const ledger = await testLedger(t);
    let waits = 3;
    const note = (n: number) => ({
      dedupeKey: `a/${n}`,
      subject: 'note:a',
      occurredAt: new Date(0),
      bytes: new TextEncoder().encode(JSON.stringify({ id: 'a', n, text: 'red' })),
    });
    const slow = {
      ...pushSource(),
      // Reads the last record before its cursor once more, as sources do that list from a little before.
      async *pull(cursor: string | null) {
        for (let n = Number(cursor ?? 0); n < 4; n++) {
          yield { items: n === 0 ? [note(1)] : [note(n), note(n + 1)], cursor: String(n + 1) };
          if (n < 3 && waits-- > 0) throw new FaultError({ kind: 'throttled', message: 'slow down', retryAfter: 1 });
        }
      },
    };
    const hub = noteHub(ledger, new Target().sink(), { flow: needing, source: slow });
    const { steps } = await planned(hub, true);
    assert.deepEqual(
      steps.map(({ changes, outcome }) => [outcome, changes.map(({ minor }) => minor)]),
      [1, 2, 3, 4].map(() => ['planned', [1n]]),
    );
    assert.equal(waits, 0);
  });

  test('a source that would change something in its system is refused, and that is told', async (t) => {
    const ledger = await testLedger(t);
    const forgetful = {
      ...pushSource(),
      async *pull(_: string | null, cx: Context) {
        await cx.fetch('http://target.invalid/subscriptions', { method: 'POST' });
        yield { items: [], cursor: '1' };
      },
    };
    const hub = noteHub(ledger, new Target().sink(), { flow: needing, source: forgetful });
    assert.match(JSON.stringify((await planned(hub)).steps), /'POST' to target\.invalid was not sent/);
  });
});
