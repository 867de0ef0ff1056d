import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { seeded, systemClock } from '../../src/core/clock.ts';
import type { Expectation, Result, Sink } from '../../src/core/connector.ts';
import { defineEstate } from '../../src/core/estate.ts';
import { defineFlow, type Reply } from '../../src/core/flow.ts';
import { raiseOverdue } from '../../src/engine/expectations.ts';
import { Hub } from '../../src/engine/hub.ts';
import { dismissException, retryException } from '../../src/engine/resolve.ts';
import { listExceptions } from '../../src/ledger/exceptions.ts';
import { traceSteps } from '../../src/ledger/trace.ts';
import { connectionOf, drained, noteFlow, pushSource, silent, testLedger } from '../support/hub.ts';
import { cut, gate, Target, until } from '../support/target.ts';

const clean: (() => unknown)[] = [];
after(async () => {
  for (const end of clean) await end();
});

const by = { by: 'ops', reason: 'as they said' };
const refusal = { cause: 'refused-there', message: 'Segment W01 is wrong.', field: 'W01' };

/** A target whose records must be acknowledged, by key and value: `a/1`. `answer` stands for the world of its sink. */
async function exchange(answer: (commit: () => Result[]) => Promise<Result[]> | Result[] = (commit) => commit()) {
  const ledger = await testLedger();
  const target = new Target();
  const numbers: string[] = [];
  const expecting = (key: string, n: number): Expectation => ({
    key: `${key}/${n}`,
    within: '1h',
    cause: 'not-acknowledged',
    about: `note ${key}`,
    overdue: `Note ${key} was not acknowledged in time.`,
  });
  const sink = {
    ...target.sink({
      answer: (items) => {
        for (const { key, document, number } of items) numbers.push(`${key}/${document.n}: ${number}`);
        return answer(() =>
          target.commit(items).map((result, index) => {
            const { key, document } = items[index]!;
            return result.outcome === 'done' ? { ...result, expects: [expecting(key, document.n)] } : result;
          }),
        );
      },
    }),
    numbered: true,
  };
  const notes = pushSource();
  const answers = { ...pushSource(), name: 'answers' };
  const estate = defineEstate({
    name: 'test',
    connections: {
      from: connectionOf({ sources: { notes } }),
      partner: connectionOf({ sources: { answers }, sinks: { notes: sink as Sink } }),
    },
    flows: [
      noteFlow(sink, notes),
      defineFlow({
        id: 'answers',
        about: 'what the partner says of what it was sent',
        documents: [],
        from: answers,
        to: {},
        latency: 'realtime',
        promise: { within: '1m', critical: false },
        onException: { owner: 'partner-desk', within: '1d', hold: 'lane' },
        fallback: 'none',
        translate: (native) => ({
          outcome: 'routed',
          documents: [],
          replies: [{ to: native.id, ...(native.text === 'no' ? { refusal } : {}) } satisfies Reply],
        }),
      }),
    ],
  });
  const options = { db: ledger.db, vault: ledger.vault, clock: systemClock, log: silent, secret: () => 'secret' };
  const start = async (): Promise<Hub> => {
    const terms = { pollSeconds: 0.05, retrySeconds: [0.02, 0.2] as const };
    const hub = new Hub({ ...options, estate, random: seeded(1), terms });
    await hub.start();
    return hub;
  };
  let hub = await start();
  clean.push(async () => {
    await hub.stop();
    await ledger.db.close();
  });
  let arrivals = 0;
  const receive = async (source: string, connection: string, native: { id: string; n: number; text?: string }) => {
    const key = `${++arrivals}`;
    const bytes = Buffer.from(JSON.stringify(native));
    const incoming = { dedupeKey: key, subject: `${source}:${native.id}`, occurredAt: new Date(), bytes };
    await hub.intake.receive({ connection, source, incoming });
  };
  return {
    ledger,
    target,
    numbers,
    parts: () => hub.parts,
    restart: async () => {
      await hub.stop();
      hub = await start();
    },
    tell: (id: string, n: number) => receive('notes', 'from', { id, n }),
    send: async (id: string, n: number) => {
      await receive('notes', 'from', { id, n });
      await drained(hub);
    },
    reply: async (id: string, text = 'yes') => {
      await receive('answers', 'partner', { id, n: 0, text });
      await drained(hub);
    },
    /** Time passes: by the ledger's clock everything that is expected is due. */
    overdue: async () => {
      await ledger.db.query('due', "update expectation set due_at = now() - interval '1 second'");
      await Promise.all([raiseOverdue(hub.parts), raiseOverdue(hub.parts)]);
    },
    open: async () =>
      (await listExceptions(ledger.db, null, 50)).map((row) => ({
        row,
        about: `${row.kind}:${row.key}`,
        cause: row.cause,
        owner: row.owner,
        words: ledger.vault.unseal(row.message_sealed, `exception:${row.id}`).toString(),
      })),
  };
}

describe('expectations', { concurrency: 3 }, () => {
  test('an answer in time is the end of it; one that does not come is an Exception, once, and the late answer closes it', async () => {
    const box = await exchange();
    await box.send('a', 1);
    await box.reply('a/1');
    await box.overdue();
    assert.deepEqual(await box.open(), []);
    await box.send('b', 1);
    assert.deepEqual(await box.open(), [], 'there is still time');
    await box.ledger.db.query(
      'earlier',
      "update expectation set due_at = due_at - interval '10 minutes' where key = 'a/1'",
    );
    const steps = await traceSteps(box.ledger.db, box.ledger.vault, 'a');
    const answered = steps.find(({ what }) => what === 'expectation')!;
    assert.equal(answered.at.getTime(), new Date(String(answered.detail.answeredAt)).getTime(), 'when it was answered');
    await box.overdue();
    await box.overdue();
    const [told, ...others] = await box.open();
    assert.deepEqual(
      [told!.about, told!.cause, told!.owner, told!.words, others.length],
      ['note:b', 'not-acknowledged', 'tests', 'Note b was not acknowledged in time.', 0],
    );
    await box.restart();
    await box.reply('b/1');
    assert.deepEqual(await box.open(), []);
    const [row] = await box.ledger.db.query<{ state: string; closed_by: string }>(
      'closed',
      'select state, closed_by, reason from exception',
    );
    assert.deepEqual(row, { state: 'retried', closed_by: 'hub', reason: 'the answer came' });
  });

  test('a negative answer is an Exception about what was sent; a better answer closes it, a worse one opens it', async () => {
    const box = await exchange();
    await box.send('a', 1);
    await box.reply('a/1', 'no');
    const [told] = await box.open();
    assert.deepEqual([told!.about, told!.cause, told!.row.field], ['note:a', 'refused-there', 'W01']);
    assert.equal(told!.words, 'Segment W01 is wrong. It is about note a.');
    await box.overdue();
    assert.equal((await box.open()).length, 1, 'refused is answered: it is not overdue as well');
    await box.reply('a/1');
    assert.deepEqual(await box.open(), []);
    await box.reply('a/1', 'no');
    assert.deepEqual(
      (await box.open()).map(({ cause }) => cause),
      ['refused-there'],
    );
  });

  test('an answer that is quicker than the outcome of the call counts; an answer to nothing is told in the end', async () => {
    const gates = [gate(), gate()];
    clean.unshift(() => gates.forEach(({ open }) => void open()));
    let calls = 0;
    const box = await exchange(async (commit) => {
      const results = commit();
      await gates[calls++]!.opened;
      return results;
    });
    for (const [index, id] of ['a', 'b'].entries()) {
      await box.tell(id, 1);
      await until('it is written', () => box.target.values(id).length === 1);
      const answered = box.reply(`${id}/1`, id === 'a' ? 'yes' : 'no');
      await until('the answer is heard', async () => {
        const rows = await box.ledger.db.query('heard', 'select 1 from expectation where answered_at is not null');
        return rows.length === index + 1;
      });
      gates[index]!.open();
      await answered;
    }
    await box.reply('nobody/1');
    assert.deepEqual(
      (await box.open()).map(({ about, cause }) => [about, cause]),
      [['note:b', 'refused-there']],
    );
    await box.overdue();
    const open = await box.open();
    assert.deepEqual(
      open.map(({ cause, owner }) => [cause, owner]),
      [
        ['refused-there', 'tests'],
        ['answer-to-nothing', 'partner-desk'],
      ],
    );
    assert.match(open[1]!.words, /partner answers 'nobody\/1', which was never sent from here/);
  });

  test('a later version that is accepted answers for the earlier ones', async () => {
    const box = await exchange();
    await box.send('a', 1);
    await box.send('a', 2);
    await box.overdue();
    assert.equal((await box.open()).length, 2);
    await box.reply('a/2');
    assert.deepEqual(await box.open(), []);
    await box.overdue();
    assert.deepEqual(await box.open(), []);
  });

  test('a person may wait once more, or let it be; what was refused cannot be waited for', async () => {
    const box = await exchange();
    await box.send('a', 1);
    await box.overdue();
    await retryException(box.parts(), (await box.open())[0]!.row, by);
    await raiseOverdue(box.parts());
    assert.deepEqual(await box.open(), [], 'as long as before');
    await box.overdue();
    await dismissException(box.parts(), (await box.open())[0]!.row, by);
    await box.overdue();
    assert.deepEqual(await box.open(), []);
    await box.reply('a/1', 'no');
    await assert.rejects(retryException(box.parts(), (await box.open())[0]!.row, by), /there is nothing to wait for/);
  });

  test('each version has a number of its own, the same when it is sent again, and nobody else has it', async () => {
    let cuts = 2;
    const box = await exchange((commit) => {
      const results = commit();
      return cuts-- > 0 ? cut() : results;
    });
    await box.send('a', 1);
    await Promise.all([box.send('b', 1), box.send('c', 1), box.send('a', 2)]);
    const given = new Map(box.numbers.map((line) => line.split(': ') as [string, string]));
    assert.deepEqual(box.numbers.slice(0, 3), ['a/1: 1', 'a/1: 1', 'a/1: 1']);
    assert.deepEqual([...given.values()].sort(), ['1', '2', '3', '4']);
    assert.equal(new Set(box.numbers).size, 4, 'a version was sent under two numbers');
    const [due] = await box.ledger.db.query<{ count: number }>('count', 'select count(*)::int from expectation');
    assert.equal(due!.count, 4, 'a repeat expects nothing more');
  });
});
