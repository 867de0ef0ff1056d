import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { retryException } from '../../src/engine/resolve.ts';
import { applyRetention, planRetention } from '../../src/guard/retention.ts';
import { appendAudit, sealAudit, verifyAudit } from '../../src/ledger/audit.ts';
import { listExceptions } from '../../src/ledger/exceptions.ts';
import { readFigures } from '../../src/ledger/figures.ts';
import { idle, noteHub, send, type TestLedger, testLedger } from '../support/hub.ts';
import { rejection, Target, until } from '../support/target.ts';

const DAY = 86_400_000;
const months = [
  ['event_history', 'finished_at'],
  ['document_version', 'replaced_at'],
  ['delivery_history', 'finished_at'],
  ['attempt', 'finished_at'],
] as const;

/** As if everything so far had happened `days` ago. */
async function age({ db }: TestLedger, days: number): Promise<void> {
  const ago = `interval '${days} days'`;
  await db.query(`make_${days}`, `select ensure_history((now() - ${ago})::date - 31, 3)`);
  for (const [table, column] of [
    ...months,
    ['seen', 'seen_at'],
    ['subject', 'updated_at'],
    ['exception', 'opened_at'],
    ['event', 'received_at'],
  ] as const)
    await db.query(`age_${table}_${days}`, `update ${table} set ${column} = ${column} - ${ago}`);
  await db.query(`age_closed_${days}`, `update exception set closed_at = closed_at - ${ago}`);
}

/** A parked delivery, an event that is parked, one that waits, and finished ones, all of them `days` old. */
async function grown(t: TestContext, days: number) {
  const ledger = await testLedger(t);
  const target = new Target();
  let mended = false;
  const hub = noteHub(
    ledger,
    target.sink({
      answer: (items) =>
        items.map((item) => (item.key.startsWith('bad') && !mended ? rejection() : target.commit([item])[0]!)),
    }),
    {
      flow: {
        translate: (native: { id: string; n: number }) => {
          if (native.id === 'never') throw new Error('cannot be translated');
          return {
            outcome: 'routed' as const,
            documents: [{ kind: 'note' as const, body: { id: native.id, n: native.n, text: '', needs: [] } }],
            ...(native.id === 'odd'
              ? {
                  objections: [
                    {
                      cause: 'odd',
                      message: 'look at it',
                      measure: { lines: 1, currency: 'EUR', minor: 5n, absolute: 5n },
                    },
                  ],
                }
              : {}),
          };
        },
      },
    },
  );
  await hub.start();
  for (let n = 1; n <= 20; n++) await send(hub, { id: `n${n % 10}`, n }, { key: `k${n}` });
  await send(hub, { id: 'bad', n: 1 }, { key: 'bad1' });
  await send(hub, { id: 'bad2', n: 1 }, { key: 'bad2' });
  await send(hub, { id: 'never', n: 1 }, { key: 'never1' });
  await send(hub, { id: 'odd', n: 1 }, { key: 'odd1' });
  await idle(hub);
  const closed = (await listExceptions(ledger.db, null, 10)).find(({ key }) => key === 'bad2')!;
  mended = true;
  await retryException({ ...hub.parts }, closed, { by: 'cli:test', reason: 'mended' });
  await idle(hub);
  mended = false;
  await age(ledger, days);
  return { ledger, hub, target, mend: () => (mended = true) };
}

describe('retention', { concurrency: 3 }, () => {
  test('raw records go first; what stands at an open Exception or waits keeps its own', async (t) => {
    const { ledger, hub } = await grown(t, 40);
    const now = new Date();
    const figures = await readFigures(ledger.db);
    const plan = await planRetention(ledger.db, {}, now);
    const [{ left: before } = { left: 0 }] = await ledger.db.query<{ left: number }>(
      'b',
      'select count(*)::int as left from event_history where payload_sealed is not null',
    );
    const planned = plan.find(({ what }) => what === 'raw records')!.rows;
    assert.equal(planned, before - 2, 'the parked delivery’s event and the one with an open objection stay');
    const removed = await applyRetention(ledger.db, {}, now);
    assert.equal(removed.find(({ what }) => what === 'raw records')?.rows, planned);
    const kept = await ledger.db.query<{ subject: string }>(
      'kept',
      'select subject from event_history where payload_sealed is not null order by 1',
    );
    assert.deepEqual(
      kept.map(({ subject }) => subject),
      ['note:bad', 'note:odd'],
    );
    const messages = await ledger.db.query(
      'm',
      'select distinct d.key from attempt a join (select id, key from delivery union all select id, key from delivery_history) d on d.id = a.delivery_id where message_sealed is not null',
    );
    assert.deepEqual(messages, [{ key: 'bad' }]);
    assert.deepEqual(await readFigures(ledger.db), figures, 'figures do not change');
    assert.deepEqual(
      await ledger.db.query(
        'live',
        'select (select count(*)::int from event) as events, (select count(*)::int from delivery) as deliveries, (select count(*)::int from seen) as seen',
      ),
      [{ events: 1, deliveries: 1, seen: 24 }],
    );
    assert.deepEqual(
      (await applyRetention(ledger.db, {}, now)).filter(({ rows }) => rows > 0),
      [],
      'a second run has nothing to do',
    );
    await hub.stop();
  });

  test('history goes by the month, never a row that something open refers to, and the figures stay', async (t) => {
    const { ledger, hub, mend, target } = await grown(t, 440);
    const figures = await readFigures(ledger.db);
    const count = async (table: string) =>
      (await ledger.db.query<{ n: number }>(`n_${table}`, `select count(*)::int as n from ${table}`))[0]!.n;
    const dry = await planRetention(ledger.db, {}, new Date());
    assert.equal((await count('event_history')) > 20, true, 'a dry run changes nothing');
    const done = await applyRetention(ledger.db, {}, new Date());
    const went = (list: typeof dry) =>
      list
        .filter(({ rows }) => rows > 0)
        .map(({ what, rows }) => `${what} ${rows}`)
        .sort();
    assert.deepEqual(went(done), went(dry), 'the dry run said it');
    assert.deepEqual(await ledger.db.query('kept', 'select subject from event_history order by 1'), [
      { subject: 'note:bad' },
      { subject: 'note:odd' },
    ]);
    assert.equal(await count('delivery_history'), 0);
    assert.equal(await count('document_version'), 0);
    assert.deepEqual(await ledger.db.query('a', 'select distinct outcome from attempt'), [{ outcome: 'parked' }]);
    assert.equal(await count('seen'), 1, 'the parked event is still known');
    assert.equal(await count('exception'), 3, 'open ones stay, the closed one is gone');
    assert.deepEqual(await readFigures(ledger.db), figures);
    const old = await ledger.db.query(
      'old',
      `select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid where c.relkind = 'r' and c.relname ~ '^(delivery_history|document_version)_' and right(c.relname, 7) < to_char(now() - interval '431 days', 'YYYY_MM')`,
    );
    assert.deepEqual(old, [], 'months are dropped');
    const audited = await ledger.db.query<{ object: string }>(
      'told',
      "select object from audit where action = 'retention.removed'",
    );
    assert.ok(
      audited.some(({ object }) => object.startsWith('event_history_')) &&
        audited.some(({ object }) => object === 'dedupe keys'),
    );
    mend();
    const [parked] = (await listExceptions(ledger.db, null, 10)).filter(({ key }) => key === 'bad');
    await retryException({ ...hub.parts }, parked!, { by: 'cli:test', reason: 'mended' });
    await until('what was parked goes on', () => target.records.has('bad'));
    await idle(hub);
    await applyRetention(ledger.db, {}, new Date());
    assert.deepEqual(
      await ledger.db.query('kept2', 'select subject from event_history'),
      [{ subject: 'note:odd' }],
      'nothing needs it now',
    );
    await hub.stop();
  });

  test('terms of the estate are followed, each class by its own', async (t) => {
    const { ledger, hub } = await grown(t, 40);
    await hub.stop();
    const done = await applyRetention(ledger.db, { payload: '60d', seen: '35d' }, new Date());
    assert.deepEqual(
      done.filter(({ rows }) => rows > 0).map(({ what }) => what),
      ['memory of subjects', 'dedupe keys'],
    );
  });
});

describe('the audit past its time', () => {
  const record = (n: number) => ({
    entity: 'main',
    actor: 'hub',
    action: 'delivery.delivered',
    object: `delivery:${n}`,
  });

  /** A chain over several months, in which records of neighbouring months stand mixed at the turn of each. */
  async function chain(t: TestContext): Promise<TestLedger['db']> {
    const { db } = await testLedger(t);
    await db.query('months', "select ensure_history('2014-01-01', 6)");
    const times = [
      '2014-01-15',
      '2014-01-31 23:59:59',
      '2014-02-01 00:00:01',
      '2014-01-31 23:59:58',
      '2014-02-10',
      '2014-03-05',
      '2014-02-28 23:59:59',
      '2014-03-09',
      '2014-04-01',
    ];
    for (const [n, at] of times.entries()) {
      await db.transaction((sql) => appendAudit(sql, [record(n)]));
      await db.query(`at${n}`, `update audit set at = $1 where object = $2`, [`${at}+00`, `delivery:${n}`]);
    }
    await until('all is sealed', async () => {
      await sealAudit(db);
      return (await verifyAudit(db)).unsealed === 0;
    });
    assert.equal((await verifyAudit(db)).broken, null);
    return db;
  }
  const now = new Date(Date.UTC(2014, 1, 3) + 3650 * DAY);
  const later = new Date(Date.UTC(2014, 2, 20) + 3650 * DAY);

  test('months are dropped, what is left still verifies, and again after the next cut', async (t) => {
    const db = await chain(t);
    for (const [moment, objects] of [
      [now, [2, 4, 5, 6, 7, 8]],
      [later, [5, 7, 8]],
    ] as const) {
      const done = await applyRetention(db, {}, moment);
      assert.ok(done.some(({ what }) => what.startsWith('audit (audit_2014_')));
      const left = await db.query<{ object: string }>(
        'left',
        "select object from audit where action like 'delivery%' order by object",
      );
      assert.deepEqual(
        left.map(({ object }) => Number(object.slice(9))),
        objects,
      );
      await until('all is sealed', async () => {
        await sealAudit(db);
        const verdict = await verifyAudit(db);
        assert.equal(verdict.broken, null);
        return verdict.unsealed === 0;
      });
    }
  });

  for (const [name, statement, why] of [
    ['a record that was to stay is gone', "delete from audit where object = 'delivery:2'", /gone/],
    ['a record that was to stay is altered', "update audit set actor = 'x' where object = 'delivery:4'", /altered/],
    [
      'the cut was moved forward',
      'update audit_cut set last_seq = 99, seq = 4, hash = (select hash from audit_seal where seq = 4)',
      /no record says why/,
    ],
    ['links were cut off by hand', 'delete from audit_seal where seq <= 4', /link before it is missing/],
  ] as const)
    test(`after a cut it is found when ${name}`, async (t) => {
      const db = await chain(t);
      await applyRetention(db, {}, now);
      await until('all is sealed', async () => {
        await sealAudit(db);
        return (await verifyAudit(db)).unsealed === 0;
      });
      await db.query('tamper', statement);
      assert.match((await verifyAudit(db)).broken?.why ?? 'nothing was found', why);
    });
});
