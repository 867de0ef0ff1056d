import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { PollSource, Result } from '../../src/core/connector.ts';
import { FaultError, rejected } from '../../src/core/fault.ts';
import { writeBackup } from '../../src/ledger/backup/write.ts';
import { listExceptions } from '../../src/ledger/exceptions.ts';
import { jsonLog } from '../../src/watch/log.ts';
import { Metrics } from '../../src/watch/metrics.ts';
import { person, sightings, sightingsInTables } from '../support/canary.ts';
import { idle, type NativeNote, noteHub, pushSource, send, testLedger } from '../support/hub.ts';
import { Target, until } from '../support/target.ts';

const words = Object.values(person).join(' ');
const canaries = { ...person, 'a secret': 'hunter2-canary' };
const told = `${words} hunter2-canary`;

/** Every way in which code of connectors and flows can fail while it holds the words. */
const failures: Record<string, () => Result> = {
  thrown: () => {
    throw new Error(`cannot read ${told}`);
  },
  parsed: () => JSON.parse(`{"name": ${told}`),
  rejected: () => ({ outcome: 'failed', fault: { kind: 'rejected', message: told, field: 'name' } }),
  transient: () => ({ outcome: 'failed', fault: { kind: 'transient', message: told } }),
  throttled: () => ({ outcome: 'failed', fault: { kind: 'throttled', message: told, retryAfter: 10 } }),
  unknown: () => ({ outcome: 'failed', fault: { kind: 'unknown', message: told } }),
  refused: () => ({ outcome: 'failed', fault: { kind: 'refused', message: told } }),
  faulty: () => {
    throw new FaultError({ kind: 'transient', message: told });
  },
};

test('a person and a secret that pass through everything stand in no log line, metric, plain table or backup', async (t) => {
  const ledger = await testLedger(t);
  const target = new Target();
  const failed = new Set<string>();
  const lines: string[] = [];
  const metrics = new Metrics({ version: 'test' });
  const log = metrics.observe(jsonLog({ level: 'debug', write: (line) => lines.push(line) }));
  let broken = 3;
  const source: PollSource<NativeNote> = {
    ...pushSource(),
    every: '50ms',
    async *pull(cursor) {
      if (broken-- > 0) throw broken === 1 ? rejected(told) : new Error(told);
      yield { items: [], cursor: cursor ?? '' };
    },
  };
  const sink = target.sink({
    batch: { max: 1, onFailure: 'independent' },
    answer: (items, cx) => {
      const [item] = items;
      cx.log.debug('delivering', { email: person['an e-mail address'], password: canaries['a secret'] });
      const fail = failures[item!.key];
      if (fail && !failed.has(item!.key)) {
        failed.add(item!.key);
        return [fail()];
      }
      return target.commit(items);
    },
  });
  const hub = noteHub(ledger, sink, {
    log,
    source,
    flow: {
      translate: (native: NativeNote) => {
        if (native.id === 'flow') throw new Error(`no such customer: ${told}`);
        if (native.id === 'invalid')
          return {
            outcome: 'routed' as const,
            documents: [{ kind: 'note' as const, body: { id: 1, text: told } as never }],
          };
        if (native.id === 'stranger')
          return { outcome: 'routed' as const, documents: [{ kind: told as never, body: {} as never }] };
        return {
          outcome: 'routed' as const,
          documents: [
            { kind: 'note' as const, body: { id: native.id, n: native.n, text: native.text ?? '', needs: [] } },
          ],
          memory: native,
          objections: [{ cause: 'odd', message: told, measure: { lines: 0, currency: null, minor: 0n, absolute: 0n } }],
        };
      },
    },
  });
  await hub.start();
  for (const id of [...Object.keys(failures), 'flow', 'invalid', 'stranger', 'good'])
    await send(hub, { id, n: 1, text: told });
  await send(hub, { id: 'good', n: 2, text: `${told} \0 \ud800` });
  await hub.intake.receive({
    connection: 'from',
    source: 'notes',
    incoming: { dedupeKey: told, subject: 'note:broken', occurredAt: new Date(), bytes: Buffer.from(`{${told}`) },
  });
  await until('every failure was met', () => failed.size === Object.keys(failures).length, 90);
  await idle(hub, 90);
  await until('exceptions stand', async () => (await listExceptions(ledger.db, null, 50)).length >= 5);
  const file = join(mkdtempSync(join(tmpdir(), 'crossdock-canary-')), 'b');
  await writeBackup(ledger.db, file, { master: ledger.master, release: 'test' });
  await hub.stop();
  assert.ok(lines.length > 20 && lines.some((line) => line.includes('failed')));
  const { found, rows } = await sightingsInTables(ledger.url, canaries);
  assert.ok(rows > 50);
  assert.deepEqual(
    [
      ...new Set(lines.flatMap((line) => sightings(`the log: ${line.slice(0, 200)}`, line, canaries))),
      ...sightings('metrics', await metrics.text(null), canaries),
      ...sightings('the backup', readFileSync(file), canaries),
      ...found,
    ],
    [],
  );
  // The words were really there: the ledger gives them back to whoever has the key.
  const open = await listExceptions(ledger.db, null, 50);
  const messages = open.map((row) => ledger.vault.unseal(row.message_sealed, `exception:${row.id}`).toString());
  assert.ok(messages.filter((message) => sightings('', message, canaries).length === 4).length >= 3);
  rmSync(join(file, '..'), { recursive: true });
});
