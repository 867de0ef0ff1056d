import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  copyClone,
  type DemoSummary,
  lastJson,
  must,
  outcome,
  type Ran,
  run,
  scratch,
  start,
} from '../support/package.ts';

const { folder, clean } = scratch();
/** What a test that failed has left running is ended too. */
const children: ChildProcess[] = [];
after(async () => {
  const running = children.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
  await Promise.all(
    running.map((child) => {
      const ended = once(child, 'close');
      process.kill(-child.pid!, 'SIGTERM');
      return ended;
    }),
  );
});
after(clean);
const posix = process.platform === 'win32' ? { skip: 'needs POSIX signals and modes' } : {};
const asRoot =
  process.getuid?.() === 0 && process.platform === 'linux' && existsSync('/usr/sbin/useradd')
    ? {}
    : { skip: 'needs root on Linux, to make another user' };

/** A clone with its packages. */
const clone = join(folder, 'a clone');
before(async () => {
  chmodSync(folder, 0o755);
  copyClone(clone);
  await must('npm', ['ci', '--no-audit', '--no-fund'], { cwd: clone });
});

interface Started {
  child: ChildProcess;
  ended: Promise<Ran>;
  home: string;
  said(): string;
}

/** `npm start` in a process group of its own, as a terminal runs it. */
function npmStart(home: string, options: { cwd?: string; uid?: number; env?: Record<string, string> } = {}): Started {
  const child = start('npm', ['start'], {
    cwd: options.cwd ?? clone,
    env: { CROSSDOCK_HOME: home, ...options.env },
    detached: true,
    ...(options.uid === undefined ? {} : { uid: options.uid }),
  });
  children.push(child);
  let text = '';
  for (const stream of [child.stdout!, child.stderr!])
    stream.on('data', (data) => {
      text += data;
    });
  return { child, ended: outcome(child), home, said: () => text };
}

async function until(what: string, condition: () => boolean, started?: Started): Promise<void> {
  for (const end = Date.now() + 60_000; !condition(); await sleep(50))
    assert.ok(Date.now() < end, `${what} not within 60 s${started ? `:\n${started.said()}` : ''}`);
}
/** The live line tells what has crossed, every ten seconds. */
const works = (started: Started) => until('orders arrive', () => /[1-9]\d* orders?\b/.test(started.said()), started);
const hubOf = (home: string): number =>
  (JSON.parse(readFileSync(join(home, 'postgres.owner.json'), 'utf8')) as { pid: number }).pid;

/** What of ours still runs for a home: the simulated Odoo and PostgreSQL have it in their command line or as working directory. */
async function left(home: string): Promise<string> {
  const { stdout } = await run('ps', ['-eo', 'pid,args'], { cwd: folder });
  return stdout
    .split('\n')
    .filter((line) => line.includes(home))
    .join('\n');
}

/** As Ctrl-C in a terminal: to every process of the group. The hub ends in order; npm and its shell then end as whoever was interrupted does. */
async function pressCtrlC(started: Started): Promise<Ran> {
  process.kill(-started.child.pid!, 'SIGINT');
  const ran = await started.ended;
  assert.ok(ran.code === 0 || ran.signal === 'SIGINT', `${ran.code} ${ran.signal}: ${ran.stderr}`);
  assert.match(ran.stdout, /Stopping: what is under way is finished first/);
  assert.match(ran.stdout, /^events +\d+ received/m, 'the figures at the end');
  assert.equal(await left(started.home), '');
  assert.ok(!existsSync(join(started.home, 'postgres', 'postmaster.pid')), 'PostgreSQL was shut down');
  return ran;
}

/** A last run of the demo on a home: everything the till ever sold there must have arrived once. */
async function verify(home: string, options: { cwd?: string; uid?: number; env?: Record<string, string> } = {}) {
  const said = await must('node', ['bin/crossdock.mjs', 'demo', '--for', '3s', '--json'], {
    cwd: options.cwd ?? clone,
    env: { CROSSDOCK_HOME: home, ...options.env },
    ...(options.uid === undefined ? {} : { uid: options.uid }),
  });
  const { verified, money, documents } = lastJson<DemoSummary>(said);
  assert.deepEqual(verified, { lost: 0, duplicated: 0, outOfOrder: 0, differences: 0 });
  for (const { difference } of Object.values(money)) assert.equal(difference, '0.00');
  return documents.order!;
}

test('npm start, Ctrl-C ends it in order, the next start goes on', posix, async () => {
  const home = join(folder, 'ctrl c');
  const first = npmStart(home);
  await works(first);
  const { stdout } = await pressCtrlC(first);
  const orders = Number([...stdout.matchAll(/(\d+) orders?\b/g)].at(-1)![1]);
  const second = npmStart(home);
  await works(second);
  await pressCtrlC(second);
  assert.ok((await verify(home)) > orders);
});

test(
  'kill -9 of the hub, and of all but PostgreSQL: the next start goes on, no simulator stays behind',
  posix,
  async () => {
    const home = join(folder, 'kill');
    const first = npmStart(home);
    await works(first);
    process.kill(hubOf(home), 'SIGKILL');
    await first.ended;
    await until('the simulated Odoo ends', () => !simulatorRuns(home));
    const second = npmStart(home);
    await works(second);
    process.kill(-second.child.pid!, 'SIGKILL');
    await second.ended;
    await until('the simulated Odoo ends', () => !simulatorRuns(home));
    await verify(home);
    assert.equal(await left(home), '');
  },
);

/** True while the simulator's lock is held (its journal beside it shows that it ever was). */
function simulatorRuns(home: string): boolean {
  const file = join(home, 'demo', 'odoo', 'simulator.lock');
  const lock = new DatabaseSync(file, { timeout: 0 });
  try {
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    return false;
  } catch {
    return true;
  } finally {
    lock.close();
  }
}

test(
  'of two npm start in the same second one runs, the other is refused in words and spoils nothing',
  posix,
  async () => {
    const home = join(folder, 'two');
    for (const round of [1, 2]) {
      const both = [npmStart(home), npmStart(home)];
      const loser = await Promise.race(both.map(async (one) => one.ended.then(() => one)));
      const winner = both.find((one) => one !== loser)!;
      const { code, stderr } = await loser.ended;
      assert.equal(code, 1, `round ${round}: ${stderr}`);
      assert.match(stderr, /in use by .*EMBEDDED_POSTGRES_IN_USE/s);
      assert.match(stderr, /→ Stop that hub, start this one with another CROSSDOCK_HOME/);
      await works(winner);
      await pressCtrlC(winner);
    }
    await verify(home);
  },
);

test('npm ci --ignore-scripts: the links of PostgreSQL’s libraries are made in the home', posix, async () => {
  const copy = copyClone(join(folder, 'no scripts'));
  await must('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: copy });
  const home = join(folder, 'no scripts home');
  await verify(home, { cwd: copy });
  rmSync(copy, { recursive: true });
});

test(
  'an ordinary user: npm ci and the demo in a clone of their own, then from a read-only clone',
  asRoot,
  async (t) => {
    const name = `crossdock-t${process.pid % 10_000}`;
    await must('/usr/sbin/useradd', ['--system', '--no-create-home', '--shell', '/bin/sh', name], { cwd: folder });
    t.after(() => must('/usr/sbin/userdel', [name], { cwd: '/' }));
    const uid = Number(await must('id', ['-u', name], { cwd: folder }));
    const theirs = join(folder, 'ordinary user');
    const copy = copyClone(join(theirs, 'clone'));
    const cache = (await must('npm', ['config', 'get', 'cache'], { cwd: folder })).trim();
    cpSync(join(cache, '_cacache'), join(theirs, 'cache', '_cacache'), { recursive: true });
    await must('chown', ['-R', `${uid}:${uid}`, theirs], { cwd: folder });
    const env = { HOME: theirs, npm_config_cache: join(theirs, 'cache') };
    await must('npm', ['ci', '--prefer-offline', '--no-audit', '--no-fund'], { cwd: copy, env, uid });
    await verify(join(copy, '.crossdock'), { cwd: copy, env, uid });

    const home = join(theirs, 'elsewhere');
    await must('chmod', ['-R', 'a-w', copy], { cwd: folder });
    const started = npmStart(home, { cwd: copy, env, uid });
    await works(started);
    await pressCtrlC(started);
    await verify(home, { cwd: copy, env, uid });
    await must('chmod', ['-R', 'u+w', copy], { cwd: folder });
  },
);
