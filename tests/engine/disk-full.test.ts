import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openLedger } from '../../src/cli/open.ts';
import type { Log } from '../../src/core/connector.ts';
import { isAway } from '../../src/ledger/database.ts';
import { freeBytes, openEmbeddedPostgres } from '../../src/ledger/embedded/index.ts';
import { isAlive } from '../../src/ledger/embedded/process.ts';
import { drained, noteHub, send } from '../support/hub.ts';
import { Target, until } from '../support/target.ts';

const MB = 1024 * 1024;

/** A small file system of its own, which only root may mount; null where that is not permitted. */
function smallDisk(t: TestContext, size: number): string | null {
  const dir = mkdtempSync(join(tmpdir(), 'crossdock small disk '));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=755`, 'tmpfs', dir], { stdio: 'ignore' });
  } catch {
    rmSync(dir, { recursive: true });
    return null;
  }
  t.after(() => {
    execFileSync('umount', ['-l', dir]);
    rmSync(dir, { recursive: true });
  });
  return dir;
}

/** Writes until nothing more fits. */
function fill(file: string): void {
  const handle = openSync(file, 'a');
  try {
    for (const size of [MB, 4096]) {
      const chunk = Buffer.alloc(size, 1);
      try {
        for (;;) writeSync(handle, chunk);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      }
    }
  } finally {
    closeSync(handle);
  }
}

const absent = 'a small file system cannot be mounted here';

test('disk full and back: intake refuses, the log says why, it recovers alone, and all that was acknowledged arrives once', async (t) => {
  const disk = smallDisk(t, 400 * MB);
  if (disk === null) return t.skip(absent);
  const home = join(disk, 'home');
  const said: string[] = [];
  const hear = (message: string, fields?: Record<string, unknown>) =>
    said.push(`${message} ${JSON.stringify(fields ?? {})}`);
  const log: Log = { debug: () => undefined, info: hear, warn: hear, error: hear };
  const { CROSSDOCK_HOME: homeBefore, DATABASE_URL: urlBefore } = process.env;
  process.env.CROSSDOCK_HOME = home;
  delete process.env.DATABASE_URL;
  t.after(() => {
    if (homeBefore === undefined) delete process.env.CROSSDOCK_HOME;
    else process.env.CROSSDOCK_HOME = homeBefore;
    if (urlBefore !== undefined) process.env.DATABASE_URL = urlBefore;
  });
  const ledger = await openLedger({ own: true, log });
  const target = new Target();
  const hub = noteHub(ledger, target.sink(), { log, terms: { retrySeconds: [0.05, 1], leaseSeconds: 3 } });
  await hub.start();

  const acknowledged = new Map<string, number>();
  const refusals: unknown[] = [];
  let n = 0;
  const sending = { on: true };
  const sender = async () => {
    while (sending.on) {
      const note = { id: `n${n % 50}`, n: ++n, text: 'x'.repeat(8_000) };
      try {
        await send(hub, note, { key: `key ${note.n}`, sourceVersion: BigInt(note.n) });
        acknowledged.set(note.id, Math.max(acknowledged.get(note.id) ?? 0, note.n));
      } catch (error) {
        refusals.push(error);
        await sleep(20);
      }
    }
  };
  const senders = [sender(), sender(), sender(), sender()];
  const ballast = join(disk, 'ballast');
  await until('something arrives', () => target.effects.length > 20);
  assert.deepEqual(refusals, []);

  // Filled again and again: PostgreSQL gives room back when it recycles its log.
  const filling = setInterval(() => fill(ballast), 50);
  await until('intake refuses', () => refusals.length > 50);
  clearInterval(filling);
  fill(ballast);
  assert.ok(refusals.every(isAway), 'each refusal says that the ledger is away, so the sender repeats it');
  const whileFull = acknowledged.size;
  await until('the hub says so in words', () =>
    said.some((line) => /No space left on device|disk .* is full/i.test(line)),
  );

  rmSync(ballast);
  const refusedBefore = refusals.length;
  const before = n - refusedBefore;
  await until('intake accepts again', () => n - refusals.length > before + 100, 90);
  sending.on = false;
  await Promise.all(senders);
  await drained(hub, 90);
  assert.ok(whileFull > 0);
  const { lost, doubled, outOfOrder } = target.verdict(new Map());
  assert.deepEqual({ lost, doubled, outOfOrder }, { lost: [], doubled: [], outOfOrder: [] });
  for (const [id, latest] of acknowledged)
    assert.ok(target.records.get(id)![0]!.n >= latest, `${id}: ${latest} was acknowledged`);
  await hub.stop();
  await ledger.close();
});

test('a start on a full disk is refused in words that name the disk, also with data; the next one with room works', async (t) => {
  const disk = smallDisk(t, 200 * MB);
  if (disk === null) return t.skip(absent);
  const home = join(disk, 'home');
  const open = () => openEmbeddedPostgres({ home, settings: { shared_buffers: '16MB' } });
  const refused = { code: 'DISK_FULL', message: /The disk that holds .* is full \(\d+ MB left\)/, hint: /Make room/ };
  const ballast = join(disk, 'ballast');
  fill(ballast);
  await assert.rejects(open(), refused);
  rmSync(ballast);
  mkdirSync(home, { recursive: true });
  writeFileSync(ballast, Buffer.alloc(freeBytes(disk)! - 20 * MB));
  await assert.rejects(open(), refused, 'the database does not fit');
  rmSync(ballast);
  const first = await open();
  process.kill(first.pid, 'SIGKILL');
  await until('PostgreSQL has ended', () => !isAlive(first.pid));
  await first.stop();
  fill(ballast);
  await assert.rejects(open(), refused);
  rmSync(ballast);
  const second = await open();
  await second.stop();
});
