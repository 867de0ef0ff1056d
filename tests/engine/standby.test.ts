import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../src/core/clock.ts';
import { Doorbell } from '../../src/engine/doorbell.ts';
import { Intake } from '../../src/engine/intake.ts';
import { defaultTerms } from '../../src/engine/parts.ts';
import { Database, isAway } from '../../src/ledger/database.ts';
import { openEmbeddedPostgres } from '../../src/ledger/embedded/index.ts';
import { migrate } from '../../src/ledger/migrate.ts';
import { openVault } from '../../src/ledger/vault.ts';
import { until } from '../support/target.ts';
import { webhookEstate } from '../support/webhook.ts';

test('with a dead synchronous standby nothing is acknowledged, in time, and what was committed all the same is known later', async (t) => {
  const home = mkdtempSync(join(tmpdir(), 'crossdock-standby-'));
  const postgres = await openEmbeddedPostgres({
    home,
    settings: {
      synchronous_standby_names: 'nobody',
      synchronous_commit: 'local',
      fsync: 'off',
      full_page_writes: 'off',
    },
  });
  const db = Database.open(postgres.url);
  t.after(async () => {
    await db.close();
    await postgres.stop();
    rmSync(home, { recursive: true, force: true });
  });
  await migrate(db);
  const vault = await openVault(db, randomBytes(32));
  const { estate } = webhookEstate();
  const terms = { ...defaultTerms, intakeSeconds: 1 };
  const intakeOn = (ledger: Database) => {
    const intake = new Intake({ db: ledger, vault, estate, clock: systemClock, terms, bell: new Doorbell() });
    return (key: string) =>
      intake.receive({
        connection: 'from',
        source: 'pushed',
        incoming: { dedupeKey: key, subject: `note:${key}`, occurredAt: new Date(), bytes: Buffer.from(key) },
      });
  };
  // Sessions like the hub's own from here on: PostgreSQL's default is to wait for the standby.
  const waiting = new URL(postgres.url);
  await db.query('role', `alter role current_user set synchronous_commit = 'on'`);
  const hub = Database.open(waiting.href);
  t.after(() => hub.close());
  const receive = intakeOn(hub);

  const started = performance.now();
  const outcomes = await Promise.allSettled([receive('a'), receive('b'), receive('c')]);
  const took = performance.now() - started;
  for (const outcome of outcomes) assert.ok(outcome.status === 'rejected' && isAway(outcome.reason), outcome.status);
  assert.ok(took < 6000, `told within the deadline and a little, not after ${took} ms`);

  // The commit whose waiting was cancelled ended with a warning only: it is there, and nobody was told so.
  const isStored = async (key: string) =>
    (await db.query('stored', 'select 1 from event where subject = $1', [`note:${key}`])).length === 1;
  await until('the cancelled commit stands', () => isStored('a'));
  // Nor is a repeat acknowledged as known while the standby is away: what it repeats stands on one machine only.
  await assert.rejects(receive('a'), (error) => isAway(error));
  await assert.rejects(
    hub.transaction((sql) => sql.query('any', "insert into setting (name, value) values ('x', 'y')"), {
      patience: 500,
    }),
    (error) => isAway(error),
  );
  // No connection is left hanging in a commit.
  const hanging = "select 1 from pg_stat_activity where wait_event = 'SyncRep'";
  await until('no commit hangs', async () => (await db.query('hanging', hanging)).length === 0, 5);

  // The standby is given up (or comes back): everything is acknowledged again, once.
  await db.query('role_back', `alter role current_user set synchronous_commit = 'local'`);
  const again = Database.open(postgres.url);
  t.after(() => again.close());
  const later = intakeOn(again);
  assert.equal(await later('a'), 'duplicate');
  for (const key of ['b', 'c', 'd']) await later(key);
  const all = await db.query<{ n: number }>('all', 'select count(*)::int as n from event');
  assert.equal(all[0]!.n, 4);
});
