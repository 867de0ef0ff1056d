import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newId } from '../../src/core/ids.ts';
import { Planner } from '../../src/engine/plan.ts';
import { storeRead } from '../../src/engine/poll.ts';
import { takeLeases } from '../../src/ledger/leases.ts';
import { drained, noteHub, pushSource, testLedger } from '../support/hub.ts';
import { Target } from '../support/target.ts';

/** A note as a source reads it: whole, named by what it says, with the newest time of the rows it is made of. */
const reading = (id: string, n: number, version: bigint) => ({
  dedupeKey: `${id} ${version} ${n}`,
  subject: `note:${id}`,
  sourceVersion: version,
  occurredAt: new Date(0),
  bytes: Buffer.from(JSON.stringify({ id, n })),
});

for (const at of ['one after the other', 'in one page'] as const)
  test(`a record that goes back to what it was, version and all, because a row of it was taken away, is told: ${at}`, async (t) => {
    const ledger = await testLedger(t);
    const target = new Target();
    let pages: ReturnType<typeof reading>[][] = [];
    const source = {
      ...pushSource(),
      coarseVersions: true,
      whole: true,
      async *pull() {
        for (const items of pages) yield { items, cursor: 'x' };
      },
    };
    const hub = noteHub(ledger, target.sink(), { source });
    const port = hub.parts.wiring.sources[0]!;
    const [lease] = await takeLeases(ledger.db, newId(), ['poller'], 300);
    const read = async (...items: ReturnType<typeof reading>[]) =>
      (await storeRead(hub.parts, port, lease!, items, 'page'))!.size;
    const changed = async () => {
      await drained(hub);
      return target.effects.filter(({ key }) => key === 'a').map(({ n }) => n);
    };
    const [plain, special] = [reading('a', 1, 10n), reading('a', 2, 20n)];
    const other = reading('b', 9, 15n);
    if (at === 'in one page') {
      assert.equal(await read(plain, special, plain, other, plain), 4);
      await hub.start();
      assert.deepEqual(await changed(), [1], 'of those that wait the last is enough');
      return;
    }
    await hub.start();
    assert.equal(await read(plain, other), 2);
    assert.equal(await read(plain, other), 0, 'read again, and the same');
    await changed();
    assert.equal(await read(special, other), 1);
    await changed();

    pages = [[plain, other]];
    const steps: string[] = [];
    for await (const step of new Planner(hub.parts, { fromStart: false }).read(port, 10, new AbortController().signal))
      if ('outcome' in step) steps.push(`${step.subject} ${step.outcome}`);
    assert.deepEqual(steps, ['note:a planned', 'note:b known'], 'plan says so before');

    assert.equal(await read(plain, other), 1);
    assert.equal(await read(plain, other), 0);
    await changed();
    // And all of it once more.
    assert.equal(await read(special), 1);
    await changed();
    assert.equal(await read(plain), 1);
    assert.deepEqual(await changed(), [1, 2, 1, 2, 1]);
  });

test('of other sources an older version stays late, and what was heard before a repeat', async (t) => {
  const ledger = await testLedger(t);
  const target = new Target();
  const hub = noteHub(ledger, target.sink(), { source: { ...pushSource(), coarseVersions: true } });
  const port = hub.parts.wiring.sources[0]!;
  const [lease] = await takeLeases(ledger.db, newId(), ['poller'], 300);
  const read = async (item: ReturnType<typeof reading>) =>
    (await storeRead(hub.parts, port, lease!, [item], 'page'))!.size;
  await hub.start();
  assert.equal(await read(reading('a', 2, 20n)), 1);
  await drained(hub);
  assert.equal(await read(reading('a', 1, 10n)), 1);
  assert.equal(await read(reading('a', 2, 20n)), 0);
  await drained(hub);
  assert.deepEqual(
    target.effects.map(({ n }) => n),
    [2],
  );
});
