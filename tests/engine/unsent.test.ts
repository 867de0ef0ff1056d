import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Due } from '../../src/core/connector.ts';
import { FaultError, rejected } from '../../src/core/fault.ts';
import { raiseOverdue } from '../../src/engine/expectations.ts';
import type { Hub } from '../../src/engine/hub.ts';
import { dismissException, retryException } from '../../src/engine/resolve.ts';
import { listExceptions } from '../../src/ledger/exceptions.ts';
import { drained, noteHub, send, testLedger } from '../support/hub.ts';
import { Target, until } from '../support/target.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const by = { by: 'ops', reason: 'as they said' };
const HOUR = 3_600_000;

/** Half the time to the promise, which stands in the note's text; none: it has time. */
function due({ id, text }: { id: string; text: string }, since: Date): Due | null {
  if (text === '') return null;
  const at = new Date((since.getTime() + Date.parse(text)) / 2);
  return { at, about: `note ${id}`, otherwise: 'Or read it out.' };
}

/** A hub whose target counts on notes, and is away or refuses some when told. */
async function desk(t: TestContext, { hubs = 1 } = {}) {
  const ledger = await testLedger(t);
  const time = new VirtualClock();
  const target = new Target();
  const world = { away: false, refuses: 0 };
  const sink = {
    ...target.sink({
      answer: (items) => {
        if (world.away) throw new FaultError({ kind: 'transient', message: 'nobody answers' });
        return items.map((item) =>
          item.document.n === world.refuses
            ? { outcome: 'failed' as const, fault: rejected('wrong', 'wrong').fault }
            : target.commit([item])[0]!,
        );
      },
    }),
    due,
  };
  const open = async (): Promise<Hub> => {
    const hub = noteHub(ledger, sink, { clock: time.clock, terms: { leaseSeconds: 5 } });
    await hub.start();
    return hub;
  };
  const all = await Promise.all(Array.from({ length: hubs }, open));
  let [hub] = all as [Hub];
  const settled = (n: number) => until(`version ${n} is routed`, async () => (await hub.progress()).routable === 0);
  return {
    ledger,
    target,
    world,
    hub: () => hub,
    /** Hours from now, as notes say it. */
    in: (hours: number) => new Date(time.clock.now().getTime() + hours * HOUR).toISOString(),
    tell: async (id: string, n: number, text: string, needs: string[] = []) => {
      await send(hub, { id, n, text, needs });
      await settled(n);
    },
    pass: async (hours: number) => {
      await time.pass(ledger, hours * 60);
      await Promise.all([...all.map(({ parts }) => raiseOverdue(parts)), raiseOverdue(hub.parts)]);
      // What a hub's own look has begun is done.
      await ledger.db.transaction((sql) => sql.query('done', 'lock table expectation in exclusive mode'));
    },
    back: async () => {
      world.away = false;
      await time.pass(ledger, 5);
      await drained(hub);
    },
    restart: async (meanwhile: () => Promise<unknown>) => {
      await hub.stop();
      await meanwhile();
      hub = await open();
    },
    open: async () =>
      (await listExceptions(ledger.db, null, 50)).map((row) => ({
        row,
        cause: row.cause,
        words: ledger.vault.unseal(row.message_sealed, `exception:${row.id}`).toString(),
      })),
    causes: async () => (await listExceptions(ledger.db, null, 50)).map(({ cause }) => cause),
    closed: () =>
      ledger.db.query('closed', "select state, closed_by, reason from exception where state <> 'open' order by id"),
    rows: async () => (await ledger.db.query('rows', 'select 1 from expectation')).length,
  };
}

test('what cannot be sent is one Exception before the promise breaks, in several hubs, and is sent and closed when the target is back', async (t) => {
  const box = await desk(t, { hubs: 2 });
  box.world.away = true;
  await box.tell('a', 1, box.in(10));
  await box.tell('b', 1, '');
  await until('it was tried', () => box.target.calls.length > 3);
  await box.pass(4);
  assert.deepEqual(await box.open(), [], 'there is still time');
  await box.pass(2);
  await box.pass(6);
  const [told, ...others] = await box.open();
  assert.deepEqual(
    [told!.cause, told!.row.key, told!.row.owner, told!.row.holds, others.length],
    ['not-sent', 'a', 'tests', false, 0],
  );
  assert.match(
    told!.words,
    /^Note a is not sent to target, and owed since 20\S+: target takes nothing since 20\S+; its last answer was: nobody answers\. It goes by itself once that ends, and this closes then\. Or read it out\.$/,
  );
  await box.back();
  assert.deepEqual([box.target.values('a'), box.target.values('b')], [[1], [1]]);
  assert.deepEqual(await box.open(), []);
  assert.deepEqual(await box.closed(), [{ state: 'retried', closed_by: 'hub', reason: 'it was sent' }]);
  await box.pass(100);
  assert.deepEqual(await box.open(), []);
});

test('what is sent in time leaves nothing behind, and what nobody counts on never was anything', async (t) => {
  const box = await desk(t);
  box.world.away = true;
  await box.tell('a', 1, box.in(10));
  await box.tell('b', 1, '');
  assert.equal(await box.rows(), 1);
  await box.back();
  assert.deepEqual([box.target.values('a'), await box.rows()], [[1], 0]);
});

test('a later version is due as its promise says, since the first was owed; one without a promise ends it', async (t) => {
  const box = await desk(t);
  box.world.away = true;
  const promise = box.in(10);
  await box.tell('a', 1, promise);
  await box.pass(4);
  await box.tell('a', 2, promise);
  await box.pass(1.5);
  const [first] = await box.open();
  assert.equal(first!.cause, 'not-sent', 'the same promise is due at the same moment');
  await box.tell('a', 3, promise);
  await box.pass(1);
  assert.deepEqual(
    (await box.open()).map(({ row }) => row.id),
    [first!.row.id],
    'and tells nobody again',
  );
  await box.tell('a', 4, box.in(20));
  assert.deepEqual(await box.open(), [], 'with another promise there is time again');
  await box.pass(30);
  assert.deepEqual(await box.causes(), ['not-sent']);
  await box.tell('a', 5, '');
  await box.pass(30);
  assert.deepEqual(await box.open(), []);
  assert.deepEqual(
    (await box.closed()).map(({ reason }) => reason),
    ['a later version has more time', 'a later version says that it does not matter any more when it is sent'],
  );
});

test('behind an Exception in its lane it is told as well; an Exception of its own is enough', async (t) => {
  const box = await desk(t);
  box.world.refuses = 1;
  await box.tell('a', 1, box.in(10));
  await drained(box.hub());
  await box.pass(6);
  assert.deepEqual(await box.causes(), ['wrong']);
  await box.tell('a', 2, box.in(10));
  await box.pass(6);
  const [held, told] = await box.open();
  assert.deepEqual([held!.cause, told!.cause], ['wrong', 'not-sent']);
  assert.match(told!.words, /: its version 1 stands at another Exception and goes first\. Decide on that one/);
  await dismissException(box.hub().parts, held!.row, by);
  await drained(box.hub());
  assert.deepEqual([await box.open(), box.target.values('a')], [[], [2]]);
});

test('what a person decides not to send is not waited for', async (t) => {
  const box = await desk(t);
  Object.assign(box.world, { away: true, refuses: 1 });
  await box.tell('a', 1, box.in(10));
  await box.pass(6);
  await box.back();
  const [told, own] = await box.open();
  assert.deepEqual([told!.cause, own!.cause], ['not-sent', 'wrong']);
  await dismissException(box.hub().parts, own!.row, by);
  assert.deepEqual(await box.open(), []);
});

test('a person lets it wait once more, as long as before, or lets it be', async (t) => {
  const box = await desk(t);
  box.world.away = true;
  await box.tell('a', 1, box.in(10));
  await box.pass(6);
  await retryException(box.hub().parts, (await box.open())[0]!.row, by);
  await box.pass(4);
  assert.deepEqual(await box.open(), []);
  await box.pass(2);
  await dismissException(box.hub().parts, (await box.open())[0]!.row, by);
  await box.pass(20);
  assert.deepEqual(await box.open(), []);
  await box.back();
  assert.deepEqual(box.target.values('a'), [1], 'it went all the same');
});

test('what waits for another record, and what a hub finds when it comes back, is told once', async (t) => {
  const box = await desk(t);
  await box.tell('a', 1, box.in(10), ['b']);
  await box.restart(() => box.pass(6));
  await until('it is told', async () => (await box.open()).length === 1);
  await box.pass(1);
  const [told, ...others] = await box.open();
  assert.deepEqual([told!.cause, others.length], ['not-sent', 0]);
  assert.match(told!.words, /: it waits for the note b, which target does not have\./);
  await box.tell('b', 1, '');
  await drained(box.hub());
  assert.deepEqual([await box.open(), box.target.values('a')], [[], [1]]);
});
