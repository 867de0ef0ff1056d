import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Result, Sink } from '../../src/core/connector.ts';
import { listExceptions } from '../../src/ledger/exceptions.ts';
import { drained, type NoteDocument, noteHub, send, testLedger } from '../support/hub.ts';
import { early, type NoteItem, Target, until } from '../support/target.ts';

test('a sink that minds is told that another version of what it builds on is on its way, and waiting for it costs no attempt', async (t) => {
  const ledger = await testLedger(t);
  const target = new Target();
  let held = false;
  const seen: string[][] = [];
  // A note with needs fits only once the newest version of what it needs is there.
  const answer = async (items: readonly NoteItem[]): Promise<Result[]> => {
    const results: Result[] = [];
    for (const one of items)
      if (one.key === 'b') {
        seen.push([...one.underway!]);
        results.push(target.values('a').at(-1) === 2 ? target.commit([one])[0]! : early('a is older', 'a-is-older'));
      } else if (held && one.document.n === 2) results.push({ outcome: 'untouched' });
      else results.push(target.commit([one])[0]!);
    return results;
  };
  const sink = { ...target.sink({ answer }), minds: 'underway' } as Sink<typeof NoteDocument>;
  const hub = noteHub(ledger, sink, { terms: { attempts: 3 } });
  await hub.start();
  t.after(() => hub.stop());
  await send(hub, { id: 'a', n: 1 });
  await drained(hub);
  held = true;
  await send(hub, { id: 'a', n: 2 });
  await until('the other version is owed', async () => (await hub.progress()).routable === 0);
  await send(hub, { id: 'b', n: 1, needs: ['a'] });
  await until('it was tried more often than it may be', () => seen.length > 5);
  assert.deepEqual(await listExceptions(ledger.db, null, 5), []);
  assert.ok(seen.every((ids) => ids.join() === 'note:a'));
  held = false;
  await drained(hub);
  assert.deepEqual([target.values('a'), target.values('b')], [[1, 2], [1]]);
  assert.deepEqual(await listExceptions(ledger.db, null, 5), []);

  // With nothing on its way a person is asked as ever.
  await send(hub, { id: 'b', n: 2, needs: ['a'] });
  await drained(hub);
  assert.deepEqual(target.values('b'), [1, 2]);
});
