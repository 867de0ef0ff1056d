import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Database } from '../../src/ledger/database.ts';
import { openTestCluster } from '../support/cluster.ts';

const root = join(import.meta.dirname, '../..');
/** Such a test file ends what it started itself: it is not broken off. */
const OWN_SERVER = /openEmbeddedPostgres/;
const FIRST_PATIENCE_MS = 600_000;
const TEMPLATE_PATIENCE_MS = 60_000;

/** A copy of the project in which one thing at a time is wrong, with a PostgreSQL that stays, and the tests that are to notice it. */
export class Workshop {
  readonly #copy: string;
  readonly #cluster: { url: string; stop(): Promise<void> };
  /** Milliseconds that a test file takes when nothing is wrong. */
  readonly #usual = new Map<string, number>();

  private constructor(copy: string, cluster: { url: string; stop(): Promise<void> }) {
    this.#copy = copy;
    this.#cluster = cluster;
  }

  /** In `home`, a folder of its own. */
  static async open(home: string): Promise<Workshop> {
    const copy = join(home, 'copy');
    mkdirSync(copy, { recursive: true });
    for (const part of ['src', 'tests', 'sql', 'bin', 'package.json', 'tsconfig.json'])
      cpSync(join(root, part), join(copy, part), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'), 'junction');
    return new Workshop(copy, await openTestCluster(join(home, 'ledger')));
  }

  close(): Promise<void> {
    return this.#cluster.stop();
  }

  /** Runs `work` while `file` has this text. */
  async with<T>(file: string, text: string, work: () => Promise<T>): Promise<T> {
    const path = join(this.#copy, file);
    const before = readFileSync(path, 'utf8');
    writeFileSync(path, text);
    try {
      return await work();
    } finally {
      writeFileSync(path, before);
    }
  }

  /** The template database from the migrations as they are in the copy now; false when they cannot be applied. */
  async migrate(): Promise<boolean> {
    await this.#drop('crossdock_template');
    const make = `await (await import('./tests/support/cluster.ts')).makeTemplate(process.env.CROSSDOCK_TEST_URL)`;
    return (await this.#node(['--input-type=module', '-e', make], TEMPLATE_PATIENCE_MS, false)).code === 0;
  }

  /** Runs the test files one after the other. Returns the first that fails (one that takes far longer than usual does), or null. */
  async failing(tests: readonly string[]): Promise<string | null> {
    try {
      for (const test of tests) {
        const usual = this.#usual.get(test);
        const breakOff = usual !== undefined && !OWN_SERVER.test(readFileSync(join(root, test), 'utf8'));
        const started = performance.now();
        const { code, failed } = await this.#node(
          ['--conditions=source', '--test-reporter=tap', '--test-force-exit', test],
          usual === undefined ? FIRST_PATIENCE_MS : 20_000 + 8 * usual,
          breakOff,
        );
        if (failed || code !== 0) return test;
        if (usual === undefined) this.#usual.set(test, performance.now() - started);
      }
      return null;
    } finally {
      await this.#drop('[te]\\_%');
    }
  }

  #node(args: string[], patience: number, breakOff: boolean): Promise<{ code: number | null; failed: boolean }> {
    return new Promise((resolve) => {
      const child = spawn(process.execPath, args, {
        cwd: this.#copy,
        env: { ...process.env, CROSSDOCK_TEST_URL: this.#cluster.url, CROSSDOCK_LOG: 'silent' },
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      let failed = false;
      const late = setTimeout(() => child.kill('SIGKILL'), patience);
      child.stdout.setEncoding('utf8').on('data', (said: string) => {
        failed ||= /^ *not ok /m.test(said);
        if (failed && breakOff) child.kill('SIGKILL');
      });
      child.once('close', (code) => {
        clearTimeout(late);
        resolve({ code, failed });
      });
    });
  }

  /** Drops the databases whose names are like `pattern`: hundreds of tests leave them behind. */
  async #drop(pattern: string): Promise<void> {
    const db = Database.open(this.#cluster.url, { size: 1 });
    try {
      const found = await db.query<{ name: string }>(
        'left_behind',
        'select datname as name from pg_database where datname similar to $1',
        [pattern],
      );
      // One that PostgreSQL itself is working on (autovacuum) goes the next time.
      for (const { name } of found)
        await db.query(`drop_${name}`, `drop database "${name}" with (force)`).catch(() => undefined);
    } finally {
      await db.close();
    }
  }
}
