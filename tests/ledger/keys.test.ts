import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, type TestContext, test } from 'node:test';
import { newId } from '../../src/core/ids.ts';
import { keyNumber } from '../../src/core/seal.ts';
import { activateKey, announceKey, endHandover, hubKeys, resealAll } from '../../src/ledger/keys.ts';
import { heartbeat } from '../../src/ledger/leases.ts';
import { sealedColumns } from '../../src/ledger/sealed-columns.ts';
import { openVault } from '../../src/ledger/vault.ts';
import { drained, idle, noteHub, send, type TestLedger, testLedger } from '../support/hub.ts';
import { rejection, Target, transient, until } from '../support/target.ts';

/** Numbers of the keys in use, per column. */
async function keysIn(db: TestLedger['db']): Promise<Record<string, number[]>> {
  const found: Record<string, number[]> = {};
  for (const { table, column } of sealedColumns) {
    const rows = await db.query<{ sealed: Buffer }>(
      `sealed_${table}_${column}`,
      `select ${column} as sealed from ${table} where ${column} is not null`,
    );
    found[table] = [...new Set([...(found[table] ?? []), ...rows.map(({ sealed }) => keyNumber(sealed))])].sort();
  }
  return found;
}

async function rotate(ledger: TestLedger, after: Buffer): Promise<number> {
  const id = await announceKey(ledger.db, { before: ledger.master, after }, 'cli:test');
  await until('hubs know it', async () => (await hubKeys(ledger.db)).every(({ keys }) => keys?.known.includes(id)));
  await activateKey(ledger.db, id, 'cli:test');
  await until('hubs use it', async () => (await hubKeys(ledger.db)).every(({ keys }) => keys?.sealing === id));
  return id;
}

/** Sends notes without pause until it is told to stop; some are changed later, some bad, some wait. */
function traffic(hub: ReturnType<typeof noteHub>): { stop(): Promise<Map<string, number>> } {
  let going = true;
  const wanted = new Map<string, number>();
  const run = (async () => {
    for (let n = 0; going; n++) {
      const id = `n${n % 60}`;
      wanted.set(id, n);
      await send(hub, { id, n, text: 'x'.repeat(n % 50) }, { key: `${n}`, sourceVersion: BigInt(n) });
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  })();
  return {
    stop: async () => {
      going = false;
      await run;
      return wanted;
    },
  };
}

describe('rotation of keys', { concurrency: 3 }, () => {
  test('while two hubs work under load no event fails, and in the end everything is sealed with the new key', async (t: TestContext) => {
    const ledger = await testLedger(t);
    const target = new Target();
    let calls = 0;
    const sink = target.sink({
      answer: (items) => items.map((item) => (++calls % 9 === 0 ? transient() : target.commit([item])[0]!)),
    });
    const vaults = [await openVault(ledger.db, ledger.master), await openVault(ledger.db, ledger.master)];
    const hubs = vaults.map((vault, seed) => noteHub({ db: ledger.db, vault }, sink, { seed: seed + 1 }));
    await Promise.all(hubs.map((hub) => hub.start()));
    const load = traffic(hubs[0]!);
    t.after(() => load.stop());
    await until('work is under way', () => target.effects.length > 50);
    const masters = [randomBytes(32), randomBytes(32)];
    const first = await rotate(ledger, masters[0]!);
    await until('more work', () => target.effects.length > 150);
    await assert.rejects(openVault(ledger.db, ledger.master), { code: 'MASTER_KEY' });
    const second = await rotate({ ...ledger, master: masters[0]! }, masters[1]!);
    assert.ok(second > first);
    const late = await openVault(ledger.db, masters[1]!);
    const rows = await resealAll(ledger.db, late, () => undefined);
    assert.ok(rows > 100);
    const wanted = await load.stop();
    await drained(hubs[0]!);
    assert.deepEqual(target.verdict(wanted), { doubled: [], outOfOrder: [], lost: [] });
    const failed = await ledger.db.query(
      'failed',
      "select cause from exception union all select outcome from attempt where outcome not in ('delivered', 'transient')",
    );
    assert.deepEqual(failed, []);
    await resealAll(ledger.db, late, () => undefined);
    for (const [table, keys] of Object.entries(await keysIn(ledger.db)))
      assert.deepEqual(
        keys.filter((key) => key !== second),
        [],
        table,
      );
    await endHandover(ledger.db);
    await Promise.all(hubs.map((hub) => hub.stop()));
    const again = await openVault(ledger.db, masters[1]!);
    assert.equal(again.keys.sealing, second);
  });

  test('every kind of sealed value can still be read where it stands', async (t) => {
    const ledger = await testLedger(t);
    const target = new Target();
    const sink = target.sink({
      answer: (items) => items.map((item) => (item.key === 'bad' ? rejection() : target.commit([item])[0]!)),
    });
    const hub = noteHub(ledger, sink);
    await hub.start();
    for (let n = 1; n < 4; n++) await send(hub, { id: 'a', n });
    await idle(hub);
    await send(hub, { id: 'bad', n: 1 });
    await send(hub, { id: 'a', n: 5 });
    await idle(hub);
    await hub.stop();
    await hub.intake.receive({
      connection: 'from',
      source: 'notes',
      incoming: { dedupeKey: 'k', subject: 's', occurredAt: new Date(), bytes: Buffer.from('{}') },
    });
    const token = newId();
    const key = randomBytes(32);
    await ledger.db.query(
      'token',
      "insert into api_token (id, name, digest, scopes, entities, created_by, expires_at) values ($1, 't', $2, '{read}', '{*}', 'test', now())",
      [token, randomBytes(32)],
    );
    await ledger.db.query(
      'request',
      'insert into api_request (token_id, key, digest, status, answer_sealed) values ($1, $2, $3, 200, $4)',
      [token, key, randomBytes(32), ledger.vault.seal('{}', `request:${token}:${key.toString('hex')}`)],
    );
    await ledger.db.query('memory', "update subject set memory_sealed = $1 where subject = 'note:a'", [
      ledger.vault.seal('{"kept":1}', 'subject:from:notes:note:a'),
    ]);
    await ledger.db.query(
      'expectation',
      `insert into expectation (entity, connection, key, flow, owner, patience_seconds, within_seconds, due_at, message_sealed, refusal_sealed)
       values ('main', 'target', 'a/1', 'notes', 'ops', 1, 1, now(), $1, $2)`,
      [ledger.vault.seal('{}', 'expectation:target:a/1'), ledger.vault.seal('{}', 'refusal:target:a/1')],
    );
    const after = randomBytes(32);
    await rotate(ledger, after);
    const vault = await openVault(ledger.db, after);
    await resealAll(ledger.db, vault, () => undefined);
    let read = 0;
    for (const { table, column, place } of sealedColumns) {
      const rows = await ledger.db.query<{ sealed: Buffer; place: string }>(
        `read_${table}_${column}`,
        `select ${column} as sealed, ${place} as place from ${table} t where ${column} is not null`,
      );
      assert.ok(rows.length > 0, `${table} has values`);
      for (const { sealed, place } of rows) {
        assert.equal(keyNumber(sealed), vault.keys.sealing, table);
        vault.unseal(sealed, place);
        read += 1;
      }
    }
    assert.ok(read > 8);
  });

  test('a key is not taken into use while a live hub does not have it', async (t) => {
    const ledger = await testLedger(t);
    await heartbeat(ledger.db, newId(), { pid: 1 });
    const id = await announceKey(ledger.db, { before: ledger.master, after: ledger.master }, 'cli:test');
    await assert.rejects(activateKey(ledger.db, id, 'cli:test'), { code: 'CONFLICT' });
    assert.equal(
      await announceKey(ledger.db, { before: ledger.master, after: ledger.master }, 'cli:test'),
      id,
      'goes on',
    );
    assert.equal((await openVault(ledger.db, ledger.master)).keys.sealing, 1);
  });

  test('every sealed column of the schema is known to the rotation', async (t) => {
    const { db } = await testLedger(t);
    const rows = await db.query<{ name: string }>(
      'columns',
      `select c.relname || '.' || a.attname as name from pg_class c join pg_attribute a on a.attrelid = c.oid
       where c.relnamespace = 'crossdock'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition and a.attname like '%\\_sealed' order by 1`,
    );
    assert.deepEqual(
      rows.map(({ name }) => name),
      sealedColumns.map(({ table, column }) => `${table}.${column}`).sort(),
    );
  });
});
