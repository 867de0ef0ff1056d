import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { retryException } from '../../src/engine/resolve.ts';
import { shardOf } from '../../src/engine/wiring.ts';
import { writeBackup } from '../../src/ledger/backup/write.ts';
import { listExceptions } from '../../src/ledger/exceptions.ts';
import { heartbeat } from '../../src/ledger/leases.ts';
import { traceSteps } from '../../src/ledger/trace.ts';
import { pseudonym } from '../../src/ledger/vault.ts';
import { jsonLog } from '../../src/watch/log.ts';
import { Metrics } from '../../src/watch/metrics.ts';
import { person, sightings, sightingsInTables } from '../support/canary.ts';
import { hotel } from '../support/hotel.ts';
import { drained, idle, NoteDocument, noteHub, pushSource, send, testLedger } from '../support/hub.ts';
import { Target, until } from '../support/target.ts';
import { CardDocument, Side, twoWayHub } from '../support/two-way.ts';

const email = person['an e-mail address']!;

test('a person whose e-mail address is key, subject and label stands nowhere plain, is found by it, and is sent as it is', async (t) => {
  const ledger = await testLedger(t);
  const lines: string[] = [];
  const metrics = new Metrics({ version: 'test' });
  const { hubOf, book, given, world } = hotel(
    metrics.observe(jsonLog({ level: 'debug', write: (line) => lines.push(line) })),
  );
  const hub = hubOf(ledger);
  await hub.start();
  await book(hub, { id: 'b1', guest: email, name: person['the name of a person']! });
  await until('the guest is refused', async () => (await listExceptions(ledger.db, null, 10)).length === 2);
  const file = join(mkdtempSync(join(tmpdir(), 'crossdock-names-')), 'b');
  const seen = async () => {
    await writeBackup(ledger.db, file, { master: ledger.master, release: 'test', replace: true });
    const { found, rows } = await sightingsInTables(ledger.url, person);
    assert.ok(rows > 20);
    const steps = JSON.stringify(await traceSteps(ledger.db, ledger.vault, email), (_, value) =>
      typeof value === 'bigint' ? String(value) : value?.type === 'Buffer' ? null : value,
    );
    return [
      ...found,
      ...sightings('the log', lines.join(''), person),
      ...sightings('metrics', await metrics.text(null), person),
      ...sightings('the backup', readFileSync(file), person),
      ...sightings('the trace', steps, person),
    ];
  };
  const waiting = await ledger.db.query<{ key: string }>('awaits', 'select key from awaits');
  assert.deepEqual(waiting, [{ key: pseudonym(ledger.vault, email) }], 'the stay waits for the guest');
  assert.deepEqual(await seen(), []);

  world.refuses = false;
  const refused = (await listExceptions(ledger.db, null, 10)).find(({ cause }) => cause === 'no-room')!;
  await retryException(hub.parts, refused, { by: 'cli:test', reason: 'a room is free' });
  await idle(hub);
  assert.deepEqual(given, [
    { key: email, links: [] },
    { key: 'b1', links: [`guest:${email}`, '17'] },
  ]);
  await book(hub, { id: 'b2', guest: email, name: 'Q.' });
  await idle(hub);
  assert.deepEqual(
    given
      .slice(2)
      .map(({ key }) => key)
      .sort(),
    ['b2', email],
    'a later booking changes the same guest',
  );
  assert.deepEqual(await seen(), []);
  const found = await traceSteps(ledger.db, ledger.vault, email);
  assert.ok(
    ['event', 'document', 'delivery', 'binding', 'exception'].every((what) => found.some((step) => step.what === what)),
  );
  const bySubject = await traceSteps(ledger.db, ledger.vault, `guest:${email}`);
  assert.ok(bySubject.some(({ what }) => what === 'event'));
  await hub.stop();
  rmSync(join(file, '..'), { recursive: true });
});

test('a hub that would still write names keeps another from masking them', async (t) => {
  const ledger = await testLedger(t);
  await heartbeat(ledger.db, '01a212e3-4c60-7e56-a4e2-9f2d68b3f2aa', { pid: 1 });
  await assert.rejects(hotel().hubOf(ledger).start(), /1 other hub\(s\) still write them as they are/);
  await heartbeat(ledger.db, '01a212e3-4c60-7e56-a4e2-9f2d68b3f2aa', { pid: 1, masks: true });
  const first = hotel().hubOf(ledger);
  await first.start();
  await first.stop();
  // A kind that has names already: even a hub of this release may not know that they are personal now.
  const target = new Target();
  const plain = noteHub(ledger, target.sink());
  await plain.start();
  await send(plain, { id: 'n1', n: 1 });
  await drained(plain);
  const personal = { documents: [{ ...NoteDocument, keyClassification: 'personal' as const }] };
  await assert.rejects(noteHub(ledger, target.sink(), { flow: personal }).start(), /still write them as they are/);
  await plain.stop();
});

test('what is kept of subjects beside their events is masked with them', async (t) => {
  const ledger = await testLedger(t);
  const plain = noteHub(ledger, new Target().sink());
  await plain.start();
  await send(plain, { id: email, n: 1 });
  await drained(plain);
  await plain.stop();
  for (const [table, columns, values] of [
    ['reading', 'key, event_id', `'x', gen_random_uuid()`],
    ['concern', 'name, shard', `'MUG', 0`],
    ['nudge', 'shard', '0'],
  ])
    await ledger.db.query(
      `keep_${table}`,
      `insert into ${table} (entity, connection, source, subject, ${columns}) values ('main', 'from', 'notes', $1, ${values})`,
      [`note:${email}`],
    );
  const source = { ...pushSource(), personal: { subject: true } };
  const masked = noteHub(ledger, new Target().sink(), { source });
  await masked.start();
  await drained(masked);
  await masked.stop();
  const subjects = await ledger.db.query<{ subject: string; shard: number | null }>(
    'kept',
    `select subject, null::int as shard from reading union all select subject, shard from concern union all select subject, null from nudge`,
  );
  const subject = pseudonym(ledger.vault, `note:${email}`);
  for (const row of subjects) assert.equal(row.subject, subject);
  assert.deepEqual(
    subjects.flatMap(({ shard }) => shard ?? []),
    [shardOf('from', subject)],
  );
});

test("records with personal keys flow both ways and are known by the other side's ids", async (t) => {
  const ledger = await testLedger(t);
  const [left, right] = [new Side('left'), new Side('right', { ownIds: true })];
  const hub = twoWayHub(ledger, left, right, {}, { ...CardDocument, keyClassification: 'personal' });
  await hub.start();
  left.set(email, { text: 'a' });
  await drained(hub);
  const [own] = [...right.records.keys()];
  assert.notEqual(own, email);
  right.set(own!, { text: 'b', stock: 4 });
  await drained(hub);
  assert.deepEqual([left.text(email), right.records.size, left.records.size], ['b', 1, 1]);
  left.set(email, { text: 'c' });
  await drained(hub);
  assert.deepEqual([right.text(own!), right.records.size], ['c', 1]);
  assert.deepEqual((await sightingsInTables(ledger.url, { email: `card:${email}` })).found, [
    'email in table event_history',
    'email in table subject',
  ]);
  const [{ keys }] = (await ledger.db.query<{ keys: string[] }>(
    'keys',
    'select array_agg(distinct key) as keys from binding',
  )) as [{ keys: string[] }];
  assert.deepEqual(keys, [pseudonym(ledger.vault, email)]);
  await hub.stop();
});
