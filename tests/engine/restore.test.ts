import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, type TestContext, test } from 'node:test';
import type { Idempotency, PollSource, Result } from '../../src/core/connector.ts';
import { retryException } from '../../src/engine/resolve.ts';
import { readBackup } from '../../src/ledger/backup/read.ts';
import { writeBackup } from '../../src/ledger/backup/write.ts';
import { Database } from '../../src/ledger/database.ts';
import { listExceptions } from '../../src/ledger/exceptions.ts';
import { openVault } from '../../src/ledger/vault.ts';
import { emptyDatabase } from '../support/cluster.ts';
import { drained, type NativeNote, noteHub, type TestLedger, testLedger } from '../support/hub.ts';
import { type NoteItem, Target, until } from '../support/target.ts';

const folder = mkdtempSync(join(tmpdir(), 'crossdock-restore-'));
after(() => rmSync(folder, { recursive: true }));
let files = 0;

/** A system that keeps its own record and gives from it, page by page, what comes after a cursor. */
function journal(): { source: PollSource<NativeNote>; write(note: NativeNote): void } {
  const entries: NativeNote[] = [];
  return {
    write: (note) => entries.push(note),
    source: {
      kind: 'poll',
      name: 'notes',
      every: '50ms',
      async *pull(cursor) {
        for (let from = Number(cursor ?? 0); from < entries.length; from += 7) {
          const to = Math.min(entries.length, from + 7);
          const items = entries.slice(from, to).map((note, at) => ({
            dedupeKey: `entry/${from + at}`,
            subject: `note:${note.id}`,
            sourceVersion: BigInt(note.n),
            occurredAt: new Date(),
            bytes: Buffer.from(JSON.stringify(note)),
          }));
          yield { items, cursor: String(to) };
        }
      },
      decode: (bytes) => JSON.parse(new TextDecoder().decode(bytes)),
    },
  };
}

interface Story {
  target: Target;
  ledger: TestLedger;
  /** Goes on in a restored ledger; the source has everything still. */
  restored(): Promise<{ ledger: Pick<TestLedger, 'db' | 'vault'>; hub: ReturnType<typeof noteHub> }>;
  wanted: Map<string, number>;
}

/**
 * A ledger is backed up while some notes are delivered, some wait and some are in a call; then everything is delivered, later versions and new notes
 * too, and the ledger is lost.
 */
async function story(
  t: TestContext,
  idempotency: Idempotency,
  target: Target,
  { asked = true }: { asked?: boolean } = {},
): Promise<Story> {
  const ledger = await testLedger(t);
  const books = journal();
  const wanted = new Map<string, number>();
  const write = (id: string, n: number) => {
    books.write({ id, n });
    wanted.set(id, n);
  };
  let slow = false;
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const answer = async (items: readonly NoteItem[]): Promise<Result[]> => {
    if (slow) await released;
    return target.commit(items);
  };
  const { find, ...parts } = target.sink({ idempotency, answer, batch: { max: 10, onFailure: 'independent' } });
  const sink = asked && find ? { ...parts, find } : parts;
  const hub = noteHub(ledger, sink, { source: books.source });
  await hub.start();
  for (let n = 0; n < 10; n++) write(`a${n}`, 1);
  await until('the first are delivered', () => target.records.size === 10);
  slow = true;
  // One is alone in a call that lasts; what comes now waits until it is over.
  write('c0', 1);
  await until('it is in a call', () => target.calls.some(({ keys }) => keys.includes('c0')));
  for (let n = 0; n < 10; n++) write(`b${n}`, 1);
  for (let n = 1; n < 5; n++) write(`c${n}`, 1);
  await until('the others wait', async () => (await hub.progress()).deliverable === 14);
  const file = join(folder, `${++files}.backup`);
  await writeBackup(ledger.db, file, { master: ledger.master, release: '0.0.0-test' });
  slow = false;
  release();
  for (const id of ['a0', 'a1', 'b0', 'b1', 'c0']) write(id, 2);
  for (let n = 0; n < 10; n++) write(`d${n}`, 1);
  write('d0', 2);
  await until('all of it is delivered', () => target.verdict(wanted).lost.length === 0);
  await drained(hub);
  await hub.stop();
  write('e0', 1);
  write('b2', 2);
  return {
    target,
    ledger,
    wanted,
    restored: async () => {
      const db = Database.open(await emptyDatabase());
      t.after(() => db.close());
      await readBackup(db, file, { master: ledger.master, actor: 'cli:test' });
      const vault = await openVault(db, ledger.master);
      return { ledger: { db, vault }, hub: noteHub({ db, vault }, sink, { source: books.source }) };
    },
  };
}

const nothing = { doubled: [], outOfOrder: [], lost: [] };

describe('after a restore', { concurrency: 3 }, () => {
  for (const idempotency of ['external-id', 'overwrite'] as const)
    test(`nothing is lost, doubled or put back at a target that knows its records (${idempotency})`, async (t) => {
      // One of them cannot be asked at all.
      const asked = idempotency === 'overwrite';
      const { target, restored, wanted } = await story(t, idempotency, new Target(), { asked });
      const effects = target.effects.length;
      const { hub, ledger } = await restored();
      await hub.start();
      await until('what came meanwhile is delivered', () => target.verdict(wanted).lost.length === 0);
      await drained(hub);
      await hub.stop();
      assert.deepEqual(target.verdict(wanted), nothing);
      assert.equal(target.effects.length, effects + 2, 'only what is new has an effect');
      assert.deepEqual(await ledger.db.query('open', 'select key, version, state from delivery'), []);
    });

  test('nothing is lost, doubled or put back at a target that has to be asked', async (t) => {
    const { target, restored, wanted } = await story(t, 'find-first', new Target({ byKey: false }));
    const { hub, ledger } = await restored();
    await hub.start();
    await until('what came meanwhile is delivered', () => target.verdict(wanted).lost.length === 0);
    await drained(hub);
    await hub.stop();
    assert.deepEqual(target.verdict(wanted), nothing);
    assert.deepEqual(await ledger.db.query('open', 'select key, version, state from delivery'), []);
    assert.ok(target.finds.flatMap(({ keys }) => keys).includes('d5'), 'also what the ledger never heard of');
  });

  test('a target that cannot be asked gets nothing before a person has looked', async (t) => {
    const { target, restored, wanted } = await story(t, 'unsafe', new Target({ byKey: false }));
    const calls = target.calls.length;
    const { hub, ledger } = await restored();
    await hub.start();
    const doubtful = [...wanted.keys()].filter((key) => !/^a[2-9]/.test(key));
    await until('everything doubtful stands as an Exception', async () => {
      const open = await listExceptions(ledger.db, null, 100);
      return open.length === doubtful.length;
    });
    const open = await listExceptions(ledger.db, null, 100);
    assert.deepEqual(new Set(open.map(({ cause }) => cause)), new Set(['outcome-unknown']));
    assert.equal(target.calls.length, calls);
    const e0 = open.find(({ key }) => key === 'e0')!;
    const told = ledger.vault.unseal(e0.message_sealed, `exception:${e0.id}`).toString();
    assert.match(told, /restored from a backup.*Look there/s);
    await retryException({ ...hub.parts }, e0, { by: 'cli:anna', reason: 'it is not there' });
    await until('it is sent then', () => target.records.get('e0')?.length === 1);
    await drained(hub);
    await hub.stop();
  });

  test('nothing is sent before the target can no longer commit what was under way', async (t) => {
    const { target, restored } = await story(t, 'external-id', new Target());
    const calls = target.calls.length;
    const first = await restored();
    await first.hub.stop();
    const { find: _, ...sink } = target.sink({ settle: '1h' });
    const slow = noteHub(first.ledger, sink, {});
    await slow.start();
    await new Promise((resolve) => setTimeout(resolve, 3000));
    await slow.stop();
    assert.equal(target.calls.length, calls);
  });
});
