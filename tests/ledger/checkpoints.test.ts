import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, type TestContext, test } from 'node:test';
import { canonicalJson } from '../../src/core/seal.ts';
import {
  appendCheckpoint,
  type Checkpoint,
  makeCheckpoint,
  readCheckpoints,
  verifyAgainst,
} from '../../src/guard/checkpoints.ts';
import { appendAudit, sealAudit, verifyAudit } from '../../src/ledger/audit.ts';
import { readBackup } from '../../src/ledger/backup/read.ts';
import { writeBackup } from '../../src/ledger/backup/write.ts';
import { Database } from '../../src/ledger/database.ts';
import { emptyDatabase } from '../support/cluster.ts';
import { type TestLedger, testLedger } from '../support/hub.ts';
import { until } from '../support/target.ts';

const folder = mkdtempSync(join(tmpdir(), 'crossdock-checkpoints-'));
after(() => rmSync(folder, { recursive: true }));

async function grow({ db }: Pick<TestLedger, 'db'>, count: number): Promise<void> {
  for (let n = 0; n < count; n++)
    await db.transaction((sql) => appendAudit(sql, [{ entity: 'main', actor: 'hub', action: 'x', object: `${n}` }]));
  await until('all is sealed', async () => {
    await sealAudit(db);
    return (await verifyAudit(db)).unsealed === 0;
  });
}

/** A ledger with three checkpoints, after 3, 6 and 9 records. */
async function anchored(t: TestContext): Promise<{ ledger: TestLedger; path: string; list: Checkpoint[] }> {
  const ledger = await testLedger(t);
  const out = mkdtempSync(join(folder, 'out-'));
  let path = '';
  for (let n = 0; n < 3; n++) {
    await grow(ledger, 3);
    path = appendCheckpoint(out, (await makeCheckpoint(ledger.db, ledger.vault, new Date()))!);
  }
  return { ledger, path, list: readCheckpoints(path) };
}

const why = async ({ db, vault }: TestLedger, list: readonly Checkpoint[]) =>
  (await verifyAgainst(db, vault, list)).broken?.why ?? 'nothing was found';

describe('checkpoints of the audit', { concurrency: 3 }, () => {
  test('a chain agrees with its own; the newest link and its hash are in them', async (t) => {
    const { ledger, list } = await anchored(t);
    const { broken, agreed, before, lost } = await verifyAgainst(ledger.db, ledger.vault, list);
    assert.deepEqual({ broken, agreed, before, lost }, { broken: null, agreed: 3, before: 0, lost: 0 });
    assert.deepEqual(
      list.map(({ link }) => link),
      ['3', '6', '9'],
    );
  });

  test('a tail that was cut off whole, which the chain alone cannot tell, is found', async (t) => {
    const { ledger, list } = await anchored(t);
    await ledger.db.query('tail', 'delete from audit where id in (select audit_id from audit_seal where seq > 7)');
    await ledger.db.query('links', 'delete from audit_seal where seq > 7');
    assert.equal((await verifyAudit(ledger.db)).broken, null, 'the chain alone says nothing');
    assert.match(await why(ledger, list), /ends at link 7, but had reached 9.*cut off/);
  });

  test('a chain that was written anew from some point on is found', async (t) => {
    const { ledger, list } = await anchored(t);
    await ledger.db.query(
      'forge',
      "update audit set actor = 'x' where id = (select audit_id from audit_seal where seq = 5)",
    );
    await ledger.db.query('unseal', 'delete from audit_seal');
    await ledger.db.query('mark', "delete from setting where name = 'audit_sealed_xid'");
    await grow(ledger, 0);
    assert.equal((await verifyAudit(ledger.db)).broken, null, 'the chain alone says nothing');
    assert.match(await why(ledger, list), /written anew/);
    assert.equal(await why(ledger, list.slice(0, 1)), 'nothing was found', 'up to there it is the same');
  });

  test('a checkpoint that was altered, or signed by somebody else, or is of another ledger, is refused', async (t) => {
    const { ledger, list } = await anchored(t);
    const [first] = list;
    assert.match(await why(ledger, [{ ...first!, link: '2' }]), /not signed by this ledger, or was altered/);
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const signer = publicKey.export({ format: 'der', type: 'spki' }).subarray(12).toString('base64url');
    const { signature: _, ...told } = { ...first!, signer };
    const forged = sign(null, Buffer.from(canonicalJson(told)), privateKey).toString('base64url');
    assert.match(await why(ledger, [{ ...told, signature: forged }]), /not signed by this ledger/);
    assert.match(await why(ledger, [{ ...first!, ledger: 'another' }]), /another ledger/);
  });

  test('after a restore the checkpoints of what was lost are told apart from a tail that was cut off', async (t) => {
    const ledger = await testLedger(t);
    await grow(ledger, 3);
    const file = join(folder, 'chain.backup');
    const before = (await makeCheckpoint(ledger.db, ledger.vault, new Date()))!;
    await writeBackup(ledger.db, file, { master: ledger.master, release: '0' });
    await grow(ledger, 5);
    const lost = (await makeCheckpoint(ledger.db, ledger.vault, new Date()))!;
    const db = Database.open(await emptyDatabase());
    t.after(() => db.close());
    await readBackup(db, file, { master: ledger.master, actor: 'cli:test' });
    await grow({ db }, 2);
    const then = (await makeCheckpoint(db, ledger.vault, new Date()))!;
    const verdict = await verifyAgainst(db, ledger.vault, [before, lost, then]);
    assert.deepEqual(
      { broken: verdict.broken, agreed: verdict.agreed, lost: verdict.lost },
      { broken: null, agreed: 2, lost: 1 },
    );
  });
});
