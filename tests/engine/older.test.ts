import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { seeded } from '../../src/core/clock.ts';
import { defineEstate } from '../../src/core/estate.ts';
import { Hub } from '../../src/engine/hub.ts';
import { rehearseReplay } from '../../src/engine/replay.ts';
import { shardOf } from '../../src/engine/wiring.ts';
import { heardVersions } from '../../src/ledger/echoes.ts';
import { connectionOf, drained, type NativeNote, noteFlow, noteHub, pushSource, testLedger } from '../support/hub.ts';
import { scale, Target } from '../support/target.ts';

interface Told extends NativeNote {
  /** Version of the note at its connection; absent: none is told. */
  at?: number;
  onlyIfNew?: boolean;
}

const MAIN = { connection: 'from', source: 'notes' };
const OTHER = { connection: 'from', source: 'letters' };
const ELSEWHERE = { connection: 'us', source: 'notes' };

/** Hubs that hear of notes by their own source, by one whose subjects are letters that quote notes, and from another connection. */
async function desk(t: TestContext, hubs = 1) {
  const ledger = await testLedger(t);
  const target = new Target();
  const sink = target.sink();
  const made = Array.from({ length: hubs }, () => {
    const sources = { notes: pushSource(), letters: { ...pushSource(), name: 'letters' } };
    const elsewhere = pushSource();
    const flow = (id: string, from: ReturnType<typeof pushSource>) =>
      noteFlow(sink, from, {
        id,
        translate: ({ id, n, text = '', at, onlyIfNew }: Told) => ({
          outcome: 'routed' as const,
          documents: [
            {
              kind: 'note' as const,
              body: { id, n, text, needs: [] },
              ...(at === undefined ? {} : { sourceVersion: BigInt(at) }),
              ...(onlyIfNew ? { onlyIfNew } : {}),
            },
          ],
        }),
      });
    return new Hub({
      ...noteHub(ledger, sink).parts,
      estate: defineEstate({
        name: 'test',
        connections: {
          from: connectionOf({ sources }),
          us: connectionOf({ sources: { notes: elsewhere } }),
          target: connectionOf({ sinks: { notes: sink as never } }),
        },
        flows: [flow('own', sources.notes), flow('quoted', sources.letters), flow('elsewhere', elsewhere)],
      }),
    });
  });
  t.after(() => Promise.all(made.map((hub) => hub.stop())));
  let count = 0;
  const tell = async (where: typeof MAIN, told: Told, subject = `${++count}`) => {
    const incoming = {
      dedupeKey: `${where.connection} ${++count}`,
      subject,
      occurredAt: new Date(),
      bytes: Buffer.from(JSON.stringify(told)),
    };
    await made[count % hubs]!.intake.receive({ ...where, incoming });
  };
  return {
    target,
    tell,
    start: () => Promise.all(made.map((hub) => hub.start())),
    quiet: () => drained(made[0]!, 120),
    hear: async (where: typeof MAIN, told: Told) => {
      await tell(where, told);
      await drained(made[0]!);
    },
    outcomes: async () =>
      (
        await ledger.db.query<{ outcome: string }>(
          'outcomes',
          'select outcome from event_history order by finished_at, id',
        )
      ).map(({ outcome }) => outcome),
  };
}

describe('older states', { concurrency: 4 }, () => {
  for (const onlyIfNew of [true, false])
    test(`a state older than what another source told is late${onlyIfNew ? ', also where that made it only' : ''}`, async (t) => {
      const { target, hear, outcomes, start } = await desk(t);
      await start();
      await hear(OTHER, { id: 'a', n: 2, at: 2, onlyIfNew });
      await hear(MAIN, { id: 'a', n: 1, at: 1 });
      assert.deepEqual([target.values('a'), await outcomes()], [[2], ['routed', 'late']]);
      await hear(MAIN, { id: 'a', n: 2, at: 2 });
      await hear(MAIN, { id: 'a', n: 3, at: 3 });
      await hear(OTHER, { id: 'a', n: 2, at: 2, onlyIfNew });
      assert.deepEqual(target.values('a'), [2, 3]);
    });

  test('one that changed nothing is the newest all the same', async (t) => {
    const { target, hear, start } = await desk(t);
    await start();
    await hear(MAIN, { id: 'a', n: 1, at: 1 });
    await hear(OTHER, { id: 'a', n: 1, at: 3 });
    await hear(MAIN, { id: 'a', n: 2, at: 2 });
    assert.deepEqual(target.values('a'), [1]);
  });

  test('what makes new records only is not taken for written where there was one', async (t) => {
    const { target, hear, start } = await desk(t);
    await start();
    await hear(MAIN, { id: 'a', n: 1, at: 1 });
    await hear(OTHER, { id: 'a', n: 3, at: 3, onlyIfNew: true });
    await hear(MAIN, { id: 'a', n: 2, at: 2 });
    assert.deepEqual(target.values('a'), [1, 2]);
  });

  test('of equal versions, of none, and of those of another connection the last heard counts', async (t) => {
    const { target, hear, start } = await desk(t);
    await start();
    await hear(OTHER, { id: 'a', n: 2, at: 2 });
    await hear(MAIN, { id: 'a', n: 3, at: 2 });
    await hear(MAIN, { id: 'a', n: 4 });
    await hear(ELSEWHERE, { id: 'a', n: 5, at: 1 });
    assert.deepEqual(target.values('a'), [2, 3, 4, 5]);
  });

  test('both in one batch: the one that comes first is made, and no older one instead of it', async (t) => {
    const { target, tell, start, quiet, outcomes } = await desk(t);
    const shard = shardOf('from', 'letter');
    const note = Array.from({ length: 1000 }, (_, n) => `note${n}`).find((name) => shardOf('from', name) === shard)!;
    await tell(OTHER, { id: 'a', n: 2, at: 2, onlyIfNew: true }, 'letter');
    await tell(MAIN, { id: 'a', n: 1, at: 1 }, note);
    await start();
    await quiet();
    assert.deepEqual([target.values('a'), (await outcomes()).sort()], [[2], ['late', 'routed']]);
  });

  test('told by many subjects, in any order, by two hubs at once: no note ever goes back, and each ends as the newest', async (t) => {
    const { target, tell, start, quiet } = await desk(t, 2);
    const random = seeded(3);
    const notes = Array.from({ length: 20 * scale }, (_, n) => `n${n}`);
    await start();
    const told = notes.flatMap((id) => Array.from({ length: 12 }, (_, n) => ({ id, n: n + 1, at: n + 1 })));
    const order = told
      .map((one) => ({ one, by: random() }))
      .sort((a, b) => a.by - b.by)
      .map(({ one }) => one);
    await Promise.all(
      order.map((one, index) =>
        index % 3 === 0 && one.n < 12
          ? tell(OTHER, { ...one, onlyIfNew: true })
          : tell(index % 2 === 0 ? OTHER : MAIN, one),
      ),
    );
    await quiet();
    const wanted = new Map(notes.map((id) => [id, 12]));
    assert.deepEqual(target.verdict(wanted), { doubled: [], outOfOrder: [], lost: [] });
  });
});

/** A shop whose letters quote notes, and which is told what the books make of them; what it is told has version 5 there. */
async function written(t: TestContext) {
  const ledger = await testLedger(t);
  const [books, shop] = [new Target(), new Target()];
  const letters = { ...pushSource(), name: 'letters' };
  const entries = { ...pushSource(), name: 'entries' };
  const toBooks = books.sink();
  const toShop: typeof toBooks = {
    ...shop.sink(),
    deliver: async (items) => shop.commit(items).map((done) => ({ ...done, version: 5n })),
  };
  const own = { fields: { note: ['n', 'text'] }, shared: { note: ['n', 'text'] } };
  const hub = new Hub({
    ...noteHub(ledger, toBooks).parts,
    estate: defineEstate({
      name: 'test',
      connections: {
        shop: connectionOf({ sources: { letters }, sinks: { notes: toShop as never } }),
        books: connectionOf({ sources: { entries }, sinks: { notes: toBooks as never } }),
      },
      flows: [
        noteFlow(toBooks, letters, {
          ...own,
          id: 'quoted',
          translate: ({ id, n, at }: Told) => ({
            outcome: 'routed' as const,
            documents: [{ kind: 'note' as const, body: { id, n, text: '', needs: [] }, sourceVersion: BigInt(at!) }],
          }),
        }),
        noteFlow(toShop, entries, { ...own, id: 'entered' }),
      ],
    }),
  });
  t.after(() => hub.stop());
  let count = 0;
  const hear = async (connection: string, source: string, told: Told, version: number): Promise<void> => {
    const incoming = {
      dedupeKey: `${++count}`,
      subject: `${count}`,
      occurredAt: new Date(),
      sourceVersion: BigInt(version),
      bytes: Buffer.from(JSON.stringify(told)),
    };
    await hub.intake.receive({ connection, source, incoming });
    await drained(hub);
  };
  await hub.start();
  return {
    books,
    shop,
    enter: (n: number) => hear('books', 'entries', { id: 'a', n }, n),
    /** A note as it was at `at`, in a letter of another age. */
    quote: (n: number, at: number, letter: number) => hear('shop', 'letters', { id: 'a', n, at }, letter),
    /** What telling a letter again would come to. */
    again: async (subject: string) => {
      const where = { connection: 'shop', entity: 'main', subject };
      const { changes, trouble } = await rehearseReplay(hub.parts, hub.parts.wiring.flow('quoted')!, where);
      return { changes, trouble };
    },
    newest: async () =>
      (await heardVersions(ledger.db, [{ connection: 'shop', entity: 'main', kind: 'note', key: 'a' }]))[0]!.version,
  };
}

test('what comes inside another record is older or newer than our write by its own version', async (t) => {
  const { books, shop, enter, quote, newest, again } = await written(t);
  await quote(1, 1, 1);
  await enter(2);
  assert.deepEqual(shop.values('a'), [2]);
  assert.deepEqual(await again('1'), { changes: [], trouble: null });
  await quote(3, 4, 20);
  assert.deepEqual([books.values('a'), await newest()], [[1, 2], 1n], 'what is left out is not what was written last');
  await quote(4, 10, 1);
  assert.deepEqual([books.values('a'), await newest()], [[1, 2, 4], 10n]);
});
