import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Sink } from '../../src/core/connector.ts';
import { type AnyFlow, defineEstate } from '../../src/core/estate.ts';
import { FaultError, rejected } from '../../src/core/fault.ts';
import type { Look } from '../../src/core/flow.ts';
import { Hub } from '../../src/engine/hub.ts';
import { eventRow } from '../../src/engine/intake.ts';
import { documentPlace } from '../../src/engine/look.ts';
import { dismissException, editException, retryException } from '../../src/engine/resolve.ts';
import { releaseTime } from '../../src/engine/route.ts';
import { shardOf } from '../../src/engine/wiring.ts';
import { appendEvents } from '../../src/ledger/events.ts';
import { listExceptions } from '../../src/ledger/exceptions.ts';
import { readFigures } from '../../src/ledger/figures.ts';
import { takePlaces } from '../../src/ledger/lanes.ts';
import {
  connectionOf,
  drained,
  idle,
  type NativeNote,
  noteFlow,
  noteHub,
  pushSource,
  send,
  type TestLedger,
  testLedger,
} from '../support/hub.ts';
import { scale, Target, until } from '../support/target.ts';

const decision = { by: 'cli:anna', reason: 'checked' };

const draft = (native: NativeNote) => ({
  kind: 'note' as const,
  body: { id: native.id, n: native.n, text: native.text ?? '', needs: native.needs ?? [] },
});
const translation = (native: NativeNote) => ({ outcome: 'routed' as const, documents: [draft(native)] });

async function outcomes(ledger: TestLedger): Promise<string[]> {
  const rows = await ledger.db.query<{ outcome: string }>(
    'outcomes',
    'select outcome from event_history order by finished_at, id',
  );
  return rows.map(({ outcome }) => outcome);
}

describe('routing', { concurrency: 4 }, () => {
  test('events of one subject are routed in order, each once, by two hubs at once', async (t) => {
    const ledger = await testLedger(t);
    const subjects = 100 * scale;
    const each = 40;
    const target = new Target();
    const hubs = [noteHub(ledger, target.sink()), noteHub(ledger, target.sink())] as const;
    await Promise.all(hubs.map((hub) => hub.start()));
    await Promise.all(
      Array.from({ length: subjects }, async (_, subject) => {
        for (let n = 1; n <= each; n++) await send(hubs[(subject + n) % 2]!, { id: `s${subject}`, n });
      }),
    );
    await drained(hubs[0], 120);
    await Promise.all(hubs.map((hub) => hub.stop()));
    assert.equal((await outcomes(ledger)).filter((outcome) => outcome === 'routed').length, subjects * each);
    const versions = await ledger.db.query<{ key: string; version: number; body: Buffer }>(
      'versions',
      `select key, version, body_sealed as body from document
     union all select d.key, v.version, v.body_sealed from document_version v join document d on d.id = v.document_id`,
    );
    assert.equal(versions.length, subjects * each);
    const outOfOrder = versions.filter(({ key, version, body }) => {
      const place = documentPlace('main', 'note', key);
      return JSON.parse(ledger.vault.unseal(body, place).toString()).n !== version;
    });
    assert.deepEqual(outOfOrder, []);
    const wanted = new Map(Array.from({ length: subjects }, (_, subject) => [`s${subject}`, each]));
    assert.deepEqual(target.verdict(wanted), { doubled: [], outOfOrder: [], lost: [] });
  });

  test('an event whose transaction commits after a later one of its shard is routed', async (t) => {
    const ledger = await testLedger(t);
    const target = new Target();
    const hub = noteHub(ledger, target.sink());
    const shard = shardOf('from', 'note:first');
    const later = Array.from({ length: 1000 }, (_, n) => `later${n}`).find(
      (id) => shardOf('from', `note:${id}`) === shard,
    )!;
    const incoming = {
      dedupeKey: 'first',
      subject: 'note:first',
      occurredAt: new Date(),
      bytes: Buffer.from(JSON.stringify({ id: 'first', n: 1 })),
    };
    await hub.start();
    await ledger.db.transaction(async (sql) => {
      await appendEvents(sql, [eventRow(hub.parts, { connection: 'from', source: 'notes', incoming })]);
      await send(hub, { id: later, n: 1 });
      await until(
        'the later event is delivered while the first is not committed',
        () => target.values(later).length === 1,
      );
    });
    hub.parts.bell.ring('route');
    await idle(hub);
    await hub.stop();
    assert.deepEqual(target.values('first'), [1]);
  });

  test('a place in a lane is given under the lane lock: in the order of commits', async (t) => {
    const { db } = await testLedger(t);
    const lane = (laneKey: string) => ({
      connection: 'target',
      sink: 'notes',
      laneKey,
      entity: 'main',
      priority: 0,
      count: 1,
    });
    const places: string[] = [];
    const take = (lanes: string[]) =>
      db.transaction(async (sql) => {
        const given = await takePlaces(sql, lanes.map(lane));
        return given.get(JSON.stringify(['target', 'notes', 'y']));
      });
    await take(['x', 'y']);
    const blocker = await db.session();
    await blocker.query(`begin; select from lane where key = 'x' for update`);
    const slow = take(['x', 'y']).then((place) => places.push(`slow ${place}`));
    await until('the slow one waits for lane x', async () => {
      const waiting = await db.query(
        'blocked',
        `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      );
      return waiting.length > 0;
    });
    const quick = await take(['y']);
    await blocker.query('commit');
    blocker.release();
    await slow;
    const [last] = places;
    assert.ok(
      Number(last!.split(' ')[1]) > Number(quick),
      `the later commit has the later place (${last}, before it ${quick})`,
    );
  });

  test('a late event changes nothing and says so; an equal version is a duplicate', async (t) => {
    const ledger = await testLedger(t);
    const target = new Target();
    const hub = noteHub(ledger, target.sink());
    await hub.start();
    await send(hub, { id: 'a', n: 5 }, { sourceVersion: 5n });
    await idle(hub);
    await send(hub, { id: 'a', n: 3 }, { sourceVersion: 3n });
    await send(hub, { id: 'a', n: 55 }, { sourceVersion: 5n });
    await idle(hub);
    await send(hub, { id: 'a', n: 6 }, { sourceVersion: 6n });
    await idle(hub);
    await hub.stop();
    assert.deepEqual(target.values('a'), [5, 6]);
    assert.deepEqual(await outcomes(ledger), ['routed', 'late', 'duplicate', 'routed']);
    const audit = await ledger.db.query('audit', `select from audit where action = 'event.late'`);
    assert.equal(audit.length, 1);
    const { measures } = await readFigures(ledger.db);
    assert.equal(measures.find(({ what }) => what === 'received')!.lines, 2);
  });

  test('a parked event holds its subject and only it; edit and dismissal let the subject go on in order', async (t) => {
    const ledger = await testLedger(t);
    const target = new Target();
    const translate = (native: NativeNote) => {
      if (native.text === 'bad') throw rejected('The text is bad.', 'bad-text', '/text');
      return translation(native);
    };
    const hub = noteHub(ledger, target.sink(), { flow: { translate } });
    await hub.start();
    for (const id of ['a', 'b', 'c']) {
      await send(hub, { id, n: 1, text: id === 'b' ? 'good' : 'bad' });
      await send(hub, { id, n: 2 });
    }
    await idle(hub);
    assert.deepEqual([target.values('a'), target.values('c')], [[], []]);
    assert.equal(target.values('b').at(-1), 2);
    const [first, second] = await listExceptions(ledger.db, null, 10);
    assert.deepEqual([first!.cause, first!.field, first!.holds, first!.lines], ['bad-text', '/text', true, 1]);
    assert.equal(ledger.vault.unseal(first!.message_sealed, `exception:${first!.id}`).toString(), 'The text is bad.');

    await retryException(hub.parts, first!, decision);
    await assert.rejects(retryException(hub.parts, first!, decision), { code: 'CONFLICT' });
    await idle(hub);
    const [, again] = await listExceptions(ledger.db, null, 10);
    assert.equal(again!.subject, first!.subject, 'still bad: parked again');
    await assert.rejects(editException(hub.parts, again!, decision, new Map([['/nothing', 1]])), { code: 'BAD_USE' });
    await editException(hub.parts, again!, decision, new Map([['/text', 'good']]));
    await dismissException(hub.parts, second!, decision);
    await idle(hub);
    await hub.stop();
    assert.deepEqual(target.values(first!.subject!.slice('note:'.length)), [1, 2]);
    assert.deepEqual(target.values(second!.subject!.slice('note:'.length)), [2]);
    assert.equal((await listExceptions(ledger.db, null, 10)).length, 0);
    const acts = await ledger.db.query<{ action: string; actor: string }>(
      'acts',
      `select action, actor from audit where action like 'exception.%' order by id`,
    );
    assert.deepEqual(
      acts.map(({ action, actor }) => `${actor} ${action}`),
      ['cli:anna exception.retried', 'cli:anna exception.edited', 'cli:anna exception.dismissed'],
    );
  });

  test('a flow that cannot go on for the moment delays the event, and its subject with it', async (t) => {
    const ledger = await testLedger(t);
    const target = new Target();
    let failures = 0;
    const translate = (native: NativeNote) => {
      if (native.n === 1 && failures < 3) {
        failures += 1;
        throw new FaultError({ kind: 'transient', message: 'the rates are not there yet' });
      }
      return translation(native);
    };
    const hub = noteHub(ledger, target.sink(), { flow: { translate } });
    await hub.start();
    await send(hub, { id: 'a', n: 1 });
    await send(hub, { id: 'a', n: 2 });
    await idle(hub);
    await hub.stop();
    assert.equal(failures, 3);
    assert.equal(target.values('a').at(-1), 2);
    assert.deepEqual(await outcomes(ledger), ['routed', 'routed']);
    assert.equal((await listExceptions(ledger.db, null, 10)).length, 0);
  });

  test('a ledger that is away while a flow looks something up asks nobody: the event is routed later', async (t) => {
    const ledger = await testLedger(t);
    const target = new Target();
    let looks = 0;
    const translate = (native: NativeNote) => {
      looks += 1;
      if (looks === 1) throw Object.assign(new Error('terminating connection'), { code: '57P01' });
      return translation(native);
    };
    const hub = noteHub(ledger, target.sink(), { flow: { translate } });
    await hub.start();
    await send(hub, { id: 'a', n: 1 });
    await idle(hub);
    await hub.stop();
    assert.deepEqual(target.values('a'), [1]);
    assert.equal((await readFigures(ledger.db)).exceptions.length, 0);
  });

  test('what no flow of a hub reads is never taken for done: it is left to others, then a person is told', async (t) => {
    const ledger = await testLedger(t);
    const target = new Target();
    const sink = target.sink();
    const whole = noteHub(ledger, sink);
    const other = new Hub({
      ...whole.parts,
      estate: defineEstate({
        name: 'another release',
        connections: {
          ...whole.parts.estate.connections,
          elsewhere: connectionOf({ sources: { notes: pushSource() } }),
        },
        flows: [],
      }),
      terms: { ...whole.parts.terms, attempts: 2 },
    });
    await other.start();
    await send(whole, { id: 'a', n: 1 });
    await until('a person is told', async () => (await listExceptions(ledger.db, null, 10)).length === 1);
    await other.stop();
    const [told] = await listExceptions(ledger.db, null, 10);
    assert.deepEqual([told!.cause, told!.holds, await outcomes(ledger)], ['no-flow', true, []]);
    await whole.start();
    await retryException(whole.parts, told!, decision);
    await idle(whole);
    await whole.stop();
    assert.deepEqual(target.values('a'), [1]);
  });

  test('an objection stands beside what was routed; its retry brings the answer to the flow', async (t) => {
    const ledger = await testLedger(t);
    const target = new Target();
    const measure = { lines: 2, currency: 'EUR', minor: 20n, absolute: 20n };
    const translate = (native: NativeNote, look: Look) => {
      if (native.text !== 'doubtful') return translation(native);
      if (look.decision === 'append:repeat-or-continuation') return translation({ ...native, n: native.n + 100 });
      return {
        ...translation(native),
        objections: [{ cause: 'repeat-or-continuation', message: 'The same lines came before.', measure }],
      };
    };
    const hub = noteHub(ledger, target.sink(), { flow: { translate } });
    await hub.start();
    await send(hub, { id: 'a', n: 1, text: 'doubtful' });
    await send(hub, { id: 'a', n: 2 });
    await idle(hub);
    assert.equal(target.values('a').at(-1), 2, 'an objection holds nothing');
    const [exception] = await listExceptions(ledger.db, null, 10);
    assert.deepEqual(
      [exception!.cause, exception!.holds, exception!.lines, exception!.minor],
      ['repeat-or-continuation', false, 2, 20n],
    );
    await retryException(hub.parts, exception!, decision, 'append');
    await idle(hub);
    await hub.stop();
    assert.equal(target.values('a').at(-1), 101);
    assert.equal((await listExceptions(ledger.db, null, 10)).length, 0);
  });

  test('a later event answers an objection: its Exception is closed, audited, and each line counts once', async (t) => {
    const ledger = await testLedger(t);
    const target = new Target();
    const measure = { lines: 1, currency: 'EUR', minor: 5n, absolute: 5n };
    const translate = (native: NativeNote) => {
      if (native.text === 'doubtful')
        return { ...translation(native), objections: [{ cause: 'doubt', message: 'It is not clear.', measure }] };
      return { ...translation(native), ...(native.text === 'clear' ? { answers: ['doubt'] } : {}) };
    };
    const hub = noteHub(ledger, target.sink(), { flow: { translate } });
    await hub.start();
    await Promise.all(['a', 'b'].map((id) => send(hub, { id, n: 5, text: 'doubtful' })));
    await idle(hub);
    await send(hub, { id: 'a', n: 5, text: 'clear' });
    await idle(hub);
    await hub.stop();
    const open = await listExceptions(ledger.db, null, 10);
    assert.deepEqual(
      open.map(({ subject }) => subject),
      ['note:b'],
      'an answer concerns its own subject',
    );
    const audited = await ledger.db.query<{ actor: string }>(
      'answered',
      "select actor from audit where action = 'exception.answered'",
    );
    assert.deepEqual(audited, [{ actor: 'hub' }]);
    const { measures } = await readFigures(ledger.db);
    const sums = Object.fromEntries(measures.map(({ what, lines, minor }) => [what, { lines, minor }]));
    assert.deepEqual(sums.received, { lines: 2, minor: 10n }, 'the line in doubt came once');
    assert.deepEqual(sums.excepted, { lines: 1, minor: 5n });
  });

  test('an event that cannot be written becomes an Exception and spoils no other of its batch', async (t) => {
    const ledger = await testLedger(t);
    const target = new Target();
    const hub = noteHub(ledger, target.sink());
    const shard = shardOf('from', 'note:poison');
    const good = Array.from({ length: 2000 }, (_, n) => `good${n}`)
      .filter((id) => shardOf('from', `note:${id}`) === shard)
      .slice(0, 5);
    const arrivals = [{ id: good[0]!, n: 1 }, { id: 'poison', n: 1 }, ...good.slice(1).map((id) => ({ id, n: 1 }))];
    await Promise.all(
      arrivals.map((native) =>
        hub.intake.receive({
          connection: 'from',
          source: 'notes',
          incoming: {
            dedupeKey: native.id,
            subject: `note:${native.id}`,
            occurredAt: new Date(),
            bytes: Buffer.from(JSON.stringify(native.id === 'poison' ? { ...native, id: 'poison\0' } : native)),
          },
        }),
      ),
    );
    await hub.start();
    await idle(hub);
    await hub.stop();
    assert.deepEqual(
      good.map((id) => target.values(id)),
      good.map(() => [1]),
    );
    const [exception, ...others] = await listExceptions(ledger.db, null, 10);
    assert.deepEqual(
      [exception!.subject, exception!.cause, exception!.holds, others.length],
      ['note:poison', 'flow-failed', true, 0],
    );
  });

  test('one record carried by two flows is owed to both targets, and each target coalesces for itself', async (t) => {
    const ledger = await testLedger(t);
    const targets = { one: new Target(), two: new Target() };
    const source = pushSource();
    const other = { ...pushSource(), name: 'others' };
    const sinks = { one: targets.one.sink(), two: targets.two.sink() };
    const estate = defineEstate({
      name: 'test',
      connections: {
        from: connectionOf({ sources: { notes: source, others: other } }),
        one: connectionOf({ sinks: { notes: sinks.one as Sink } }),
        two: connectionOf({ sinks: { notes: sinks.two as Sink } }),
      },
      flows: [
        noteFlow(sinks.one, source, { id: 'to-one' }),
        noteFlow(sinks.two, source, { id: 'to-two' }),
        noteFlow(sinks.one, other, { id: 'others-to-one' }),
      ],
    });
    const template = noteHub(ledger, sinks.one);
    const hub = new Hub({ ...template.parts, estate });
    await hub.start();
    await ledger.db.query('pause', `update connection set state = 'paused' where name = 'two'`);
    await until('the pause is known', async () => (await hub.progress()).paused.includes('two'));
    await send(hub, { id: 'a', n: 1 });
    await idleBut(hub);
    const incoming = {
      dedupeKey: 'x',
      subject: 'note:a',
      occurredAt: new Date(),
      bytes: Buffer.from(JSON.stringify({ id: 'a', n: 2 })),
    };
    await hub.intake.receive({ connection: 'from', source: 'others', incoming });
    await until('the change is at one', () => targets.one.values('a').length === 2);
    await ledger.db.query('resume', `update connection set state = 'active' where name = 'two'`);
    await idle(hub);
    await hub.stop();
    assert.deepEqual([targets.one.values('a'), targets.two.values('a')], [[1, 2], [1]]);

    async function idleBut(waiting: Hub): Promise<void> {
      await until('one has it', () => targets.one.values('a').length === 1);
      assert.equal((await waiting.progress()).deliverable, 1);
    }
  });

  const batchFlow = (batch: string, zone: string) => ({ latency: { batch, zone } }) as AnyFlow;
  const next = (batch: string, zone: string, now: string): string | undefined =>
    releaseTime(batchFlow(batch, zone), new Date(now))?.toISOString();

  test('a batch goes at the next time of its schedule, in its zone, also across clock changes', () => {
    assert.equal(releaseTime({ latency: 'realtime' } as AnyFlow, new Date()), null);
    assert.equal(next('0 2 * * *', 'Europe/Brussels', '2026-01-10T12:00:00Z'), '2026-01-11T01:00:00.000Z');
    assert.equal(next('0 2 * * *', 'Europe/Brussels', '2026-07-10T12:00:00Z'), '2026-07-11T00:00:00.000Z');
    assert.equal(next('0 2 * * *', 'Asia/Kolkata', '2026-07-10T12:00:00Z'), '2026-07-10T20:30:00.000Z');
    // On 29 March 2026 in Brussels 02:00–03:00 does not exist: just after, and only that day.
    const gap = next('30 2 * * *', 'Europe/Brussels', '2026-03-28T12:00:00Z')!;
    assert.ok(gap >= '2026-03-29T01:00:00.000Z' && gap <= '2026-03-29T01:30:00.000Z', gap);
    assert.equal(next('30 2 * * *', 'Europe/Brussels', '2026-03-29T12:00:00Z'), '2026-03-30T00:30:00.000Z');
    // On 25 October 2026 02:30 comes twice: the batch goes once.
    const first = next('30 2 * * *', 'Europe/Brussels', '2026-10-24T12:00:00Z')!;
    assert.equal(first, '2026-10-25T00:30:00.000Z');
    assert.equal(next('30 2 * * *', 'Europe/Brussels', first), '2026-10-26T01:30:00.000Z');
  });

  test('deliveries of a batch flow wait for their time', async (t) => {
    const ledger = await testLedger(t);
    const target = new Target();
    const hub = noteHub(ledger, target.sink(), { flow: { latency: { batch: '0 0 29 2 *', zone: 'UTC' } } });
    await hub.start();
    await send(hub, { id: 'a', n: 1 });
    await until('it is routed', async () => (await outcomes(ledger)).length === 1);
    await hub.stop();
    const [delivery] = await ledger.db.query<{ not_before: Date }>('held', 'select not_before from delivery');
    assert.equal(delivery!.not_before.toISOString().slice(4), '-02-29T00:00:00.000Z');
    assert.equal(target.calls.length, 0);
  });
});
