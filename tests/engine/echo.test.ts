import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Hub } from '../../src/engine/hub.ts';
import { readFigures } from '../../src/ledger/figures.ts';
import { drained, type TestLedger, testLedger } from '../support/hub.ts';
import { scale, until } from '../support/target.ts';
import { CardDocument, Side, twoWayHub } from '../support/two-way.ts';

const upper = (text: string): string => text.toUpperCase();
const lower = (text: string): string => text.toLowerCase();
const byHub = (side: Side) => side.changes.filter(({ by }) => by === 'hub').map(({ text }) => text);
const outcomes = async (ledger: TestLedger): Promise<Record<string, number>> => {
  const { events } = await readFigures(ledger.db);
  return { routed: events.routed, echo: events.echo, late: events.late, duplicate: events.duplicate };
};

async function between(
  t: Parameters<typeof testLedger>[0],
  left: Side,
  right: Side,
): Promise<{ ledger: TestLedger; hub: Hub; quiet(): Promise<void> }> {
  const ledger = await testLedger(t);
  const hub = twoWayHub(ledger, left, right);
  await hub.start();
  t?.after(() => hub.stop());
  return { ledger, hub, quiet: () => drained(hub) };
}

describe('echoes', { concurrency: 4 }, () => {
  test('what we wrote comes back as an echo: recorded, not sent on', async (t) => {
    const [left, right] = [new Side('left'), new Side('right')];
    const { ledger, quiet } = await between(t, left, right);
    left.set('k', { text: 'a' });
    await quiet();
    assert.deepEqual([right.text('k'), byHub(left), byHub(right)], ['a', [], ['a']]);
    assert.deepEqual(await outcomes(ledger), { routed: 1, echo: 1, late: 0, duplicate: 0 });
    const audit = await ledger.db.query('audit', `select from audit where action = 'event.echo'`);
    assert.equal(audit.length, 1);
  });

  test('A→B→A: a change back to what we had written is a change', async (t) => {
    const [left, right] = [new Side('left'), new Side('right')];
    const { quiet } = await between(t, left, right);
    left.set('k', { text: 'a' });
    await quiet();
    right.set('k', { text: 'b' });
    await quiet();
    assert.equal(left.text('k'), 'b');
    right.set('k', { text: 'a' });
    await quiet();
    assert.deepEqual([left.text('k'), right.text('k')], ['a', 'a']);
    left.set('k', { text: 'b' });
    left.set('k', { text: 'a' });
    left.set('k', { text: 'b' });
    await quiet();
    assert.deepEqual([left.text('k'), right.text('k')], ['b', 'b']);
  });

  test('a target that stores otherwise than it was sent is known by what was read back', async (t) => {
    const [left, right] = [new Side('left', { normalise: lower }), new Side('right', { normalise: upper })];
    const { quiet } = await between(t, left, right);
    left.set('k', { text: 'Straße' });
    await quiet();
    right.set('k', { text: 'Neu' });
    await quiet();
    assert.deepEqual([left.text('k'), right.text('k')], ['neu', 'NEU']);
    assert.equal(left.changes.length + right.changes.length, 4, 'each change crosses once');
  });

  test('without reading back the same two play ping-pong: the test above can fail', async (t) => {
    const [left, right] = [
      new Side('left', { normalise: lower, tells: 'nothing' }),
      new Side('right', { normalise: upper, tells: 'nothing' }),
    ];
    const { hub } = await between(t, left, right);
    left.set('k', { text: 'Straße' });
    // Each side stores the same text again, so nothing changes there: versions of the document are what grows.
    await until('they have played', async () => (await readFigures(hub.parts.db)).deliveries.delivered >= 3, 20);
  });

  test('a change of fields that are not the flow’s own is an echo, per flow', async (t) => {
    let away = false;
    const [left, right] = [new Side('left', { world: () => (away ? 'transient' : 'fine') }), new Side('right')];
    const { ledger, quiet } = await between(t, left, right);
    left.set('k', { text: 'a' });
    await quiet();
    right.set('k', { remark: 'called twice' });
    await quiet();
    assert.deepEqual(await outcomes(ledger), { routed: 1, echo: 2, late: 0, duplicate: 0 });
    right.set('k', { stock: 7 });
    await quiet();
    assert.equal(left.records.get('k')!.stock, 7, 'from right to left the stock is its own');
    left.set('k', { stock: 9 });
    await quiet();
    assert.equal(right.records.get('k')!.stock, 7, 'from left to right it is not');
    assert.deepEqual(await outcomes(ledger), { routed: 2, echo: 4, late: 0, duplicate: 0 });
    // The document has a stock now that the left side does not know yet: that is no change of the text.
    away = true;
    right.set('k', { stock: 8 });
    await until('the stock is under way', async () => (await outcomes(ledger)).routed === 3);
    left.set('k', { remark: 'called again' });
    await until('it was heard', async () => (await outcomes(ledger)).echo === 5, 20);
    away = false;
    await quiet();
    assert.equal(left.records.get('k')!.stock, 8);
  });

  test('a second change within the same second is seen', async (t) => {
    const [left, right] = [new Side('left', { perVersion: 1000 }), new Side('right', { perVersion: 1000 })];
    const { ledger, quiet } = await between(t, left, right);
    left.set('k', { text: 'a' });
    await quiet();
    left.set('k', { text: 'b' });
    await quiet();
    assert.equal(right.text('k'), 'b', 'two changes of the source share a version');
    right.set('k', { text: 'c' });
    await quiet();
    assert.equal(left.text('k'), 'c', 'our write and a change share a version');
    assert.equal((await outcomes(ledger)).late, 0);
  });

  test('a change of fields that nobody writes there is not written back, though it shares a version with our write', async (t) => {
    const [left, right] = [new Side('left', { perVersion: 1000 }), new Side('right', { perVersion: 1000 })];
    const ledger = await testLedger(t);
    const hub = twoWayHub(ledger, left, right, {}, CardDocument, ['stock']);
    await hub.start();
    t.after(() => hub.stop());
    left.set('k', { text: 'a' });
    await drained(hub);
    right.set('k', { stock: 7 });
    await drained(hub);
    assert.equal(left.records.get('k')!.stock, 7);
    assert.equal((await readFigures(ledger.db)).deliveries.delivered, 2, 'one to each side');
  });

  test('an echo that comes before the answer is known by the open Intent', async (t) => {
    let slow = false;
    const [left, right] = [new Side('left'), new Side('right', { world: () => (slow ? 'cut after' : 'fine') })];
    const { ledger, quiet } = await between(t, left, right);
    slow = true;
    left.set('k', { text: 'a' });
    await until('the echo was heard', async () => (await outcomes(ledger)).echo === 1);
    const { deliveries } = await readFigures(ledger.db);
    assert.equal(deliveries.delivered, 0, 'while its Intent was open');
    slow = false;
    await quiet();
    assert.deepEqual([byHub(left), byHub(right)], [[], ['a']]);
  });

  test('a change at a target that we are writing to at the moment wins on both sides, and is not lost', async (t) => {
    let cut = false;
    const [left, right] = [new Side('left'), new Side('right', { world: () => (cut ? 'cut before' : 'fine') })];
    const { ledger, quiet } = await between(t, left, right);
    left.set('k', { text: 'a' });
    await quiet();
    cut = true;
    left.set('k', { text: 'b' });
    await until('b is under way', async () => (await readFigures(ledger.db)).deliveries.unknown === 1);
    right.set('k', { text: 'c' });
    await until('c is at the left', () => left.text('k') === 'c');
    cut = false;
    await quiet();
    assert.deepEqual([left.text('k'), right.text('k')], ['c', 'c']);
  });

  test('an event older than our write is late', async (t) => {
    const [left, right] = [new Side('left'), new Side('right')];
    const { ledger, quiet } = await between(t, left, right);
    left.set('k', { text: 'a' });
    await quiet();
    const held: Parameters<Side['tell']>[] = [];
    const tell = right.tell;
    right.tell = (...args) => void held.push(args);
    right.set('k', { text: 'b' });
    left.set('k', { text: 'c' });
    await until('c overwrites b', () => right.text('k') === 'c');
    await quiet();
    for (const args of held) tell(...args);
    await quiet();
    assert.deepEqual([left.text('k'), right.text('k')], ['c', 'c']);
    assert.equal((await outcomes(ledger)).late, 1);
  });

  test('a record that we are making at a target comes back under an id nobody has told us yet', async (t) => {
    const left = new Side('left');
    const right: Side = new Side('right', { ownIds: true, answers: () => until('it is heard of', heard, 50) });
    const { ledger, quiet } = await between(t, left, right);
    /** Whether the hub has looked at everything that was told of the writes. */
    const heard = async () => {
      const looked = `select (select count(*) from event where connection = 'right' and attempts > 0)
        + (select count(*) from event_history where connection = 'right') as count`;
      const [row] = await ledger.db.query<{ count: bigint }>('looked', looked);
      return Number(row!.count) >= byHub(right).length;
    };
    for (let n = 0; n < 5; n++) left.set(`k${n}`, { text: `t${n}` });
    await quiet();
    assert.deepEqual([left.records.size, right.records.size], [5, 5], 'none came back as another record');
    const [id] = [...right.records].find(([, { text }]) => text === 't3')!;
    right.set(id, { text: 'changed' });
    await quiet();
    assert.equal(left.text('k3'), 'changed');
    assert.deepEqual([left.records.size, right.records.size], [5, 5]);
  });
});

const texts = ['a', 'b', 'A', 'B', 'ä'];
const worlds = ['fine', 'fine', 'fine', 'cut before', 'cut after', 'transient', 'slow', 'slow answer'] as const;
const runs = fc.record({
  steps: fc.array(
    fc.record({
      side: fc.constantFrom('left' as const, 'right' as const),
      key: fc.nat(2),
      text: fc.constantFrom(...texts),
      after: fc.constantFrom('go on' as const, 'go on' as const, 'a moment' as const, 'quiet' as const),
    }),
    { minLength: 8, maxLength: 30 },
  ),
  left: fc.array(fc.constantFrom(...worlds), { minLength: 3, maxLength: 8 }),
  right: fc.array(fc.constantFrom(...worlds), { minLength: 3, maxLength: 8 }),
  normalise: fc.constantFrom('neither' as const, 'right' as const, 'both' as const),
});

async function play(run: typeof runs extends fc.Arbitrary<infer T> ? T : never): Promise<void> {
  const ledger = await testLedger();
  const script = (worlds: readonly (typeof run.left)[number][]) => {
    let calls = 0;
    // Every second call is fine, or breakers would be open most of the time.
    return () => (calls++ % 2 === 0 ? worlds[(calls >> 1) % worlds.length]! : 'fine');
  };
  const left = new Side('left', { world: script(run.left), ...(run.normalise === 'both' ? { normalise: lower } : {}) });
  const right = new Side('right', {
    world: script(run.right),
    ...(run.normalise === 'neither' ? {} : { normalise: upper }),
  });
  const hubs = [twoWayHub(ledger, left, right), twoWayHub(ledger, left, right)] as const;
  await Promise.all(hubs.map((hub) => hub.start()));
  try {
    const murky =
      (run.normalise !== 'neither' && run.right.includes('cut after')) ||
      (run.normalise === 'both' && run.left.includes('cut after'));
    /** What people did to each key since all was quiet. */
    const recent = new Map<string, { side: string; text: string }[]>();
    const quiet = async () => {
      await drained(hubs[0], 60);
      for (const [id, changes] of recent) {
        const [atLeft, atRight] = [left.text(id), right.text(id)].map((text) =>
          text === undefined ? undefined : lower(text),
        );
        assert.equal(
          atLeft,
          atRight,
          `${id} ended '${left.text(id)}' and '${right.text(id)}' after ${JSON.stringify(changes)}`,
        );
        if (run.normalise === 'neither') assert.equal(left.text(id), right.text(id));
        // Known limit (docs/decisions.md, 8): what a target made of a write whose answer was lost may be taken for somebody's change.
        if (murky && changes.length > 1) continue;
        const last = changes.at(-1)!;
        const allowed = changes.every(({ side }) => side === last.side) ? [last.text] : changes.map(({ text }) => text);
        assert.ok(
          allowed.some((text) => lower(text) === atLeft),
          `${id} ended '${left.text(id)}' after ${JSON.stringify(changes)}: swallowed`,
        );
      }
      recent.clear();
    };
    for (const { side, key, text, after } of run.steps) {
      const id = `k${key}`;
      const where = side === 'left' ? left : right;
      const stored = run.normalise === 'both' || (side === 'right' && run.normalise === 'right') ? lower(text) : text;
      if (lower(where.text(id) ?? '\0') !== lower(stored) || (run.normalise === 'neither' && where.text(id) !== text)) {
        recent.set(id, [...(recent.get(id) ?? []), { side, text }]);
        where.set(id, { text });
      }
      if (after === 'a moment') await new Promise((resolve) => setTimeout(resolve, 15));
      if (after === 'quiet') await quiet();
    }
    await quiet();
    const people = [left, right].flatMap(({ changes }) => changes.filter(({ by }) => by === 'person')).length;
    const hub = [left, right].flatMap(byHub).length;
    // A change crosses once; one that meets another, or a lost answer, is written again to the side it came from. Ping-pong has no end.
    assert.ok(hub <= people * 3, `${hub} writes of the hub for ${people} changes of people`);
  } finally {
    await Promise.all(hubs.map((hub) => hub.stop()));
    await ledger.db.close();
  }
}

test('any mix of changes on both sides, lost answers and two hubs ends equal: the last change wins, none is swallowed, none comes back', async (t) => {
  const rounds = 12 * scale;
  const seed = Number(process.env.CROSSDOCK_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
  t.diagnostic(`${rounds} histories, seed ${seed} (repeat with CROSSDOCK_TEST_SEED)`);
  await fc.assert(fc.asyncProperty(runs, play), { numRuns: rounds, seed, endOnFailure: true });
});
