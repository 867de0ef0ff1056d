import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { sftpPlace } from '../../src/connectors/warehouse-files/sftp.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { FileSource, Sink } from '../../src/core/connector.ts';
import { defineEstate } from '../../src/core/estate.ts';
import { FaultError, rejected } from '../../src/core/fault.ts';
import type { FilePlace, FileStore } from '../../src/core/file-store.ts';
import { folderPlace } from '../../src/core/folder.ts';
import { newId } from '../../src/core/ids.ts';
import type { EraWatch } from '../../src/engine/era.ts';
import { Inbox } from '../../src/engine/files.ts';
import { Hub } from '../../src/engine/hub.ts';
import { listExceptions } from '../../src/ledger/exceptions.ts';
import { readFigures } from '../../src/ledger/figures.ts';
import { takeLeases } from '../../src/ledger/leases.ts';
import { connectionOf, idle, type NativeNote, noteFlow, noteHub, testLedger } from '../support/hub.ts';
import { openSftpServer } from '../support/sftp-server.ts';
import { Target, until } from '../support/target.ts';

const clean: (() => unknown)[] = [];
after(async () => {
  for (const end of clean) await end();
});

/** A folder with a file source: every line is a note, and a line `!` makes the file unreadable. */
async function inboxOf(
  options: {
    keep?: boolean;
    folder?: string;
    replayFrom?: Date;
    alone?: boolean;
    maxBytes?: number;
    place?: (folder: string) => FilePlace;
  } = {},
) {
  const ledger = await testLedger();
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'crossdock inbox '));
  clean.push(
    () => ledger.db.close(),
    () => rmSync(folder, { recursive: true, force: true }),
  );
  let now = 0;
  const clock = { ...systemClock, monotonic: () => performance.now() + now };
  const target = new Target();
  const sink = target.sink();
  const source: FileSource<NativeNote, NativeNote[]> = {
    kind: 'file',
    name: 'lines',
    folder,
    pattern: '*.txt',
    quiet: '10s',
    keep: options.keep ?? false,
    alone: options.alone ?? false,
    ...(options.maxBytes === undefined ? {} : { maxBytes: options.maxBytes }),
    ...(options.place ? { place: options.place(folder) } : {}),
    parse: ({ bytes }) => {
      const lines = bytes.toString().split('\n').filter(Boolean);
      if (lines.includes('!')) throw rejected('Line 1 is not a note.', 'bad-line', 'line 1');
      return lines.map((line) => JSON.parse(line));
    },
    events: (files) =>
      files.flatMap(({ parsed }) =>
        parsed.map((note) => ({
          dedupeKey: `${note.id}/${note.n}`,
          subject: `note:${note.id}`,
          occurredAt: new Date(0),
          bytes: Buffer.from(JSON.stringify(note)),
          measure: { lines: 1, currency: null, minor: 0n, absolute: 0n },
        })),
      ),
    report: (parsed) => ({ lines: parsed.length }),
    decode: (bytes) => JSON.parse(Buffer.from(bytes).toString()),
  };
  const estate = defineEstate({
    name: 'test',
    connections: {
      till: connectionOf({ sources: { lines: source } }),
      target: connectionOf({ sinks: { notes: sink as Sink } }),
    },
    flows: [noteFlow(sink, source as never)],
  });
  const hub = () => new Hub({ ...noteHub(ledger, sink).parts, estate, clock });
  const { parts: own } = hub();
  const era = { replay: options.replayFrom ? { era: 2, from: options.replayFrom } : null } as EraWatch;
  const parts = options.replayFrom ? { ...own, era } : own;
  const [lease] = await takeLeases(ledger.db, newId(), ['poller'], 3600);
  const openInbox = () => new Inbox(parts, parts.wiring.sources[0] as never);
  let inbox = openInbox();
  const look = () => inbox.look(lease!, AbortSignal.timeout(60_000));
  return {
    ledger,
    folder,
    target,
    hub,
    look,
    /** Looks, waits until the inbox is quiet, and looks again. */
    read: async () => {
      await look();
      now += 10_001;
      return look();
    },
    pass: (ms: number) => {
      now += ms;
    },
    restart: () => {
      inbox = openInbox();
    },
    drop: (name: string, ...notes: NativeNote[]) =>
      writeFileSync(join(folder, name), notes.map((note) => `${JSON.stringify(note)}\n`).join('')),
    list: (sub = '.') =>
      readdirSync(join(folder, sub), { withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map(({ name }) => name)
        .sort(),
    report: (path: string) => JSON.parse(readFileSync(join(folder, `${path}.report.json`), 'utf8')),
  };
}

describe('file sources', { concurrency: 4 }, () => {
  test('after a restore what was read since the backup is read again from done/, in the order it was read, before anything new', async () => {
    const before = await inboxOf();
    before.drop('z.txt', { id: 'z', n: 1 });
    await before.read();
    before.drop('c.txt', { id: 'c', n: 1 });
    before.drop('a.txt', { id: 'a', n: 1 });
    await before.read();
    before.drop('bad.txt');
    before.drop('new.txt', { id: 'new', n: 1 });
    const ids = async (box: typeof before) =>
      (await box.ledger.db.query<{ subject: string }>('order', 'select subject from event order by seq')).map(
        ({ subject }) => subject,
      );
    const restored = await inboxOf({ folder: before.folder, replayFrom: new Date(0) });
    assert.deepEqual(await restored.look(), { state: 'read', files: 3, events: 3 });
    assert.deepEqual(await ids(restored), ['note:z', 'note:a', 'note:c']);
    assert.deepEqual(
      restored.list('done').filter((name) => !name.endsWith('.json')),
      ['a.txt', 'c.txt', 'z.txt'],
    );
    restored.restart();
    assert.deepEqual(
      await restored.read(),
      { state: 'read', files: 2, events: 1 },
      'then what is new, and nothing twice',
    );
    assert.deepEqual(await ids(restored), ['note:z', 'note:a', 'note:c', 'note:new']);
    assert.deepEqual(await restored.look(), { state: 'empty' });
    const later = await inboxOf({ folder: before.folder, replayFrom: new Date(Date.now() + 60_000) });
    assert.deepEqual(await later.look(), { state: 'read', files: 0, events: 0 }, 'older ones are in the backup');
  });

  test('a file is read when the inbox is quiet, and moved to done/ with a report; parts and strangers are left alone', async () => {
    const box = await inboxOf();
    assert.deepEqual(await box.look(), { state: 'empty' });
    for (const name of ['a.txt.part', '.hidden.txt', 'note.csv']) box.drop(name, { id: 'no', n: 1 });
    assert.deepEqual(await box.look(), { state: 'empty' });
    box.drop('a.txt', { id: 'a', n: 1 }, { id: 'b', n: 1 });
    assert.deepEqual(await box.look(), { state: 'waiting' });
    box.pass(9_000);
    box.drop('b.txt', { id: 'c', n: 1 });
    assert.deepEqual(await box.look(), { state: 'waiting' }, 'something changed: quiet time starts again');
    box.pass(9_000);
    assert.deepEqual(await box.look(), { state: 'waiting' });
    box.pass(1_001);
    assert.deepEqual(await box.look(), { state: 'read', files: 2, events: 3 });
    assert.deepEqual(await box.look(), { state: 'empty' });
    assert.deepEqual(box.list(), ['.hidden.txt', 'a.txt.part', 'note.csv']);
    assert.deepEqual(box.list('done'), ['a.txt', 'a.txt.report.json', 'b.txt', 'b.txt.report.json']);
    const { at, together, ...report } = box.report('done/a.txt');
    assert.equal(together, box.report('done/b.txt').together);
    assert.deepEqual(report, { file: 'a.txt', outcome: 'read', lines: 2 });
    assert.ok(Date.parse(at) > 0);
  });

  test('a file that cannot be read goes to failed/ with a report and an Exception, and spoils no other', async () => {
    const box = await inboxOf();
    writeFileSync(join(box.folder, 'bad.txt'), '!\n');
    box.drop('good.txt', { id: 'a', n: 1 });
    assert.deepEqual(await box.read(), { state: 'read', files: 1, events: 1 });
    assert.deepEqual([box.list(), box.list('failed')], [[], ['bad.txt', 'bad.txt.report.json']]);
    assert.equal(box.report('failed/bad.txt').problem, 'Line 1 is not a note.');
    const [exception] = await listExceptions(box.ledger.db, null, 10);
    assert.deepEqual(
      [exception!.cause, exception!.field, exception!.holds, exception!.labels],
      ['file-refused', 'line 1', false, { file: 'bad.txt' }],
    );
    const words = box.ledger.vault.unseal(exception!.message_sealed, `exception:${exception!.id}`).toString();
    assert.match(words, /Line 1 is not a note\. Nothing of this file was taken/);
  });

  test('the same file again, renamed or not, is a duplicate and counted as one; names in done/ never collide', async () => {
    const box = await inboxOf();
    const notes = [
      { id: 'a', n: 1 },
      { id: 'b', n: 1 },
    ];
    box.drop('day.txt', ...notes);
    await box.read();
    box.drop('day.txt', ...notes);
    assert.deepEqual(await box.read(), { state: 'read', files: 1, events: 0 });
    box.drop('renamed.txt', ...notes);
    box.drop('twin.txt', ...notes);
    assert.deepEqual(await box.read(), { state: 'read', files: 2, events: 0 });
    assert.deepEqual(
      box.list('done').filter((name) => name.endsWith('.txt')),
      ['day.2.txt', 'day.txt', 'renamed.txt', 'twin.txt'],
    );
    assert.equal(box.report('done/day.2.txt').outcome, 'read before: nothing new');
    const { events } = await readFigures(box.ledger.db);
    assert.deepEqual([events.waiting, events.duplicate], [2, 6]);
  });

  test('a grown file brings what is new', async () => {
    const box = await inboxOf();
    box.drop('day.txt', { id: 'a', n: 1 });
    await box.read();
    box.drop('day.txt', { id: 'a', n: 1 }, { id: 'a', n: 2 });
    assert.deepEqual(await box.read(), { state: 'read', files: 1, events: 1 });
    const { events } = await readFigures(box.ledger.db);
    assert.deepEqual([events.waiting, events.duplicate], [2, 1]);
  });

  test('files that are kept are read once', async () => {
    const box = await inboxOf({ keep: true });
    box.drop('day.txt', { id: 'a', n: 1 });
    assert.deepEqual(await box.read(), { state: 'read', files: 1, events: 1 });
    assert.deepEqual(await box.look(), { state: 'empty' });
    box.restart();
    assert.deepEqual(await box.look(), { state: 'empty' });
    box.drop('day.txt', { id: 'a', n: 1 }, { id: 'b', n: 1 });
    assert.deepEqual(await box.read(), { state: 'read', files: 1, events: 1 });
    assert.deepEqual(box.list(), ['day.txt']);
  });

  test('a crash between the commit and the move takes nothing twice', async () => {
    const box = await inboxOf();
    writeFileSync(join(box.folder, 'done'), 'in the way');
    box.drop('day.txt', { id: 'a', n: 1 });
    await assert.rejects(box.read());
    assert.deepEqual([box.list(), box.list('reading').length], [['done'], 1]);
    rmSync(join(box.folder, 'done'));
    box.restart();
    assert.deepEqual(await box.read(), { state: 'read', files: 1, events: 0 });
    assert.deepEqual(box.list('done'), ['day.txt', 'day.txt.report.json']);
    assert.equal((await readFigures(box.ledger.db)).events.waiting, 1);
  });

  test('a folder within the folder is not a file, and a hub reads its inbox and delivers', async () => {
    const box = await inboxOf();
    mkdirSync(join(box.folder, 'sub.txt'));
    box.drop('day.txt', { id: 'a', n: 1 });
    await box.ledger.db.query('free', `update lease set expires_at = '-infinity'`);
    const hub = box.hub();
    await hub.start();
    box.pass(0);
    const passing = setInterval(() => box.pass(1_000), 100);
    await idle(hub);
    clearInterval(passing);
    await hub.stop();
    assert.deepEqual(box.target.values('a'), [1]);
    assert.deepEqual(box.list('done'), ['day.txt', 'day.txt.report.json']);
  });

  test('each by itself: a file that still grows holds up no other, and a file refused unread is not read', async () => {
    const box = await inboxOf({ alone: true, maxBytes: 1000 });
    box.drop('a.txt', { id: 'a', n: 1 });
    await box.look();
    box.pass(9_000);
    box.drop('b.txt', { id: 'b', n: 1 });
    assert.deepEqual(await box.look(), { state: 'waiting' });
    box.pass(1_001);
    assert.deepEqual(await box.look(), { state: 'read', files: 1, events: 1 }, 'a is quiet, b is not');
    box.drop('b.txt', { id: 'b', n: 1 }, { id: 'b', n: 2 });
    box.pass(9_000);
    assert.deepEqual(await box.look(), { state: 'waiting' }, 'b has changed');
    writeFileSync(join(box.folder, 'huge.txt'), Buffer.alloc(1001));
    await box.look();
    box.pass(10_001);
    assert.deepEqual(await box.look(), { state: 'read', files: 1, events: 2 });
    assert.deepEqual(box.list('failed'), ['huge.txt', 'huge.txt.report.json']);
    assert.match(box.report('failed/huge.txt').problem, /huge\.txt: is 1 MB, more than the 0 MB allowed/);
  });

  test('a file that is not as it was listed is left for the next look', async () => {
    const cut = { now: true };
    const box = await inboxOf({
      place: bent((store) => ({
        read: async (path) => {
          const bytes = await store.read(path);
          return cut.now ? bytes!.subarray(0, 5) : bytes;
        },
      })),
    });
    box.drop('a.txt', { id: 'a', n: 1 });
    assert.deepEqual(await box.read(), { state: 'waiting' });
    assert.match(box.list('reading').join(), /^[0-9a-f-]{36}~a\.txt$/);
    assert.deepEqual(await listExceptions(box.ledger.db, null, 10), []);
    cut.now = false;
    assert.deepEqual(await box.look(), { state: 'read', files: 1, events: 1 });
  });

  test('a line that breaks while files are read or moved loses nothing and takes nothing twice', async () => {
    let breaks = 0;
    const maybe = <T>(act: () => T): T => {
      if (breaks-- === 0) throw new FaultError({ kind: 'transient', message: 'the line broke' });
      return act();
    };
    for (let at = 0; at < 9; at++) {
      const box = await inboxOf({
        place: bent((store) => ({
          list: (folder) => maybe(() => store.list(folder)),
          read: (path) => maybe(() => store.read(path)),
          put: (path, bytes) => maybe(() => store.put(path, bytes)),
          move: (from, to) => maybe(() => store.move(from, to)),
          take: (from, to) => maybe(() => store.take(from, to)),
        })),
      });
      box.drop('a.txt', { id: 'a', n: 1 });
      box.drop('b.txt', { id: 'b', n: 1 });
      breaks = -1;
      await box.look();
      box.pass(10_001);
      breaks = at;
      await assert.rejects(box.look(), /the line broke/);
      box.restart();
      await box.read();
      assert.deepEqual(box.list(), []);
      const rows = await box.ledger.db.query<{ subject: string }>('all', 'select subject from event order by seq');
      assert.deepEqual(
        rows.map(({ subject }) => subject),
        ['note:a', 'note:b'],
        `broken at step ${at}`,
      );
    }
  });

  for (const where of ['folder', 'SFTP server'] as const)
    test(`a file of a ${where} that another one is written over, while it is read or taken, is told, and so is the other`, async () => {
      const sftp = await openSftpServer({ root: '/', user: 'crossdock', password: 'secret' });
      clean.push(() => sftp.close());
      let over: 'read' | 'take' | null = null;
      const written = (at: 'read' | 'take', ...notes: NativeNote[]) => {
        if (over !== at) return;
        over = null;
        box.drop('.a', ...notes);
        renameSync(join(box.folder, '.a'), join(box.folder, 'a.txt'));
      };
      const place = bent(
        (store) => ({
          read: async (path) => {
            const bytes = await store.read(path);
            if (path.endsWith('a.txt')) written('read', { id: 'b', n: 1 });
            return bytes;
          },
          take: (from, to) => {
            written('take', { id: 'c', n: 1 }, { id: 'd', n: 1 });
            return store.take(from, to);
          },
        }),
        where === 'folder' ? folderPlace : (folder) => sftpPlace({ ...sftp.config('WMS'), path: '/' }, folder.slice(1)),
      );
      const box = await inboxOf({ place, alone: true });
      const told = async () =>
        (await box.ledger.db.query<{ subject: string }>('all', 'select subject from event order by seq')).map(
          ({ subject }) => subject.slice(-1),
        );
      box.drop('a.txt', { id: 'a', n: 1 });
      over = 'read';
      await box.read();
      assert.deepEqual([await told(), box.list()], [['a'], ['a.txt']]);
      await box.read();
      assert.deepEqual([await told(), box.list()], [['a', 'b'], []]);
      box.drop('a.txt', { id: 'gone', n: 1 });
      over = 'take';
      assert.deepEqual(await box.read(), { state: 'waiting' }, 'what was taken is not what was quiet');
      await box.read();
      assert.deepEqual([await told(), box.list(), box.list('reading')], [['a', 'b', 'c', 'd'], [], []]);
      assert.deepEqual(
        box.list('done').filter((name) => name.endsWith('.txt')),
        ['a.2.txt', 'a.3.txt', 'a.txt'],
      );
    });

  test('a refused file that cannot be moved aside is told once; dropped again it is told again', async () => {
    const stuck = { now: true };
    const box = await inboxOf({
      place: bent((store) => ({
        move: (from, to) => {
          if (stuck.now) throw new FaultError({ kind: 'refused', message: 'no right to move' });
          return store.move(from, to);
        },
      })),
    });
    writeFileSync(join(box.folder, 'bad.txt'), '!\n');
    for (let n = 0; n < 3; n++) await assert.rejects(box.read(), /no right to move/);
    assert.equal((await listExceptions(box.ledger.db, null, 10)).length, 1);
    stuck.now = false;
    await box.read();
    assert.equal(box.list('failed').includes('bad.txt'), true);
    assert.equal((await listExceptions(box.ledger.db, null, 10)).length, 1);
    writeFileSync(join(box.folder, 'bad.txt'), '!\n');
    await box.read();
    assert.equal((await listExceptions(box.ledger.db, null, 10)).length, 2);
  });

  test('a source that may not be read is one Exception for a person, closed by the first read that works', async () => {
    const shut = { now: true };
    const box = await inboxOf({
      place: (folder) => ({
        where: 'sftp://wms.example/out',
        open: (cx) => {
          if (shut.now) throw new FaultError({ kind: 'refused', message: 'the password is not accepted.' });
          return folderPlace(folder).open(cx);
        },
      }),
    });
    await box.ledger.db.query('free', `update lease set expires_at = '-infinity'`);
    const hub = box.hub();
    await hub.start();
    const open = () => listExceptions(box.ledger.db, null, 10);
    await until('it is told', async () => (await open()).length > 0);
    await until('it was tried again', () => hub.parts.clock.sleep(1500).then(() => true));
    const [told, ...others] = await open();
    assert.deepEqual(
      [told!.cause, told!.subject, told!.owner, others.length],
      ['reading-refused', 'lines', 'tests', 0],
    );
    const words = box.ledger.vault.unseal(told!.message_sealed, `exception:${told!.id}`).toString();
    assert.match(words, /does not let us read: the password is not accepted\./);
    shut.now = false;
    await until('it is closed', async () => (await open()).length === 0);
    await hub.stop();
  });
});

/** A folder in which some acts go wrong. */
const bent =
  (change: (store: FileStore) => Partial<FileStore>, placeOf: (folder: string) => FilePlace = folderPlace) =>
  (folder: string): FilePlace => ({
    where: folder,
    open: async (cx) => {
      const store = await placeOf(folder).open(cx);
      const own: FileStore = {
        list: (sub) => store.list(sub),
        read: (path) => store.read(path),
        put: (path, bytes) => store.put(path, bytes),
        move: (from, to) => store.move(from, to),
        take: (from, to) => store.take(from, to),
        remove: (path) => store.remove(path),
        close: () => store.close(),
      };
      return { ...own, ...change(store) };
    },
  });
