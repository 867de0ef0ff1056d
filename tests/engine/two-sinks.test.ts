import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Type } from 'typebox';
import { systemClock } from '../../src/core/clock.ts';
import type { Result, Sink } from '../../src/core/connector.ts';
import { defineDocument } from '../../src/core/document.ts';
import { defineEstate } from '../../src/core/estate.ts';
import type { Fault } from '../../src/core/fault.ts';
import { defineFlow } from '../../src/core/flow.ts';
import { Hub } from '../../src/engine/hub.ts';
import { listExceptions } from '../../src/ledger/exceptions.ts';
import { connectionOf, type NativeNote, noteFlow, noteHub, pushSource, testLedger } from '../support/hub.ts';
import { Target, until } from '../support/target.ts';

const Letter = defineDocument({
  name: 'letter',
  version: '1.0',
  schema: Type.Object({ id: Type.String() }),
  key: (body) => body.id,
});

/** A hub with two sinks, notes and letters, at one connection without a writer of its own; each answers with its fault while it has one. */
async function desk(t: TestContext) {
  const ledger = await testLedger(t);
  const faults: { notes: Fault | null; letters: Fault | null } = { notes: null, letters: null };
  const calls = { notes: 0, letters: 0 };
  let skipped = 0;
  const sink = (name: 'notes' | 'letters'): Sink => ({
    ...(new Target().sink({ name }) as Sink),
    ...(name === 'letters' ? { accepts: Letter } : {}),
    deliver: async (items) => {
      calls[name] += 1;
      const fault = faults[name];
      return items.map(({ key }): Result => (fault ? { outcome: 'failed', fault } : { outcome: 'done', id: key }));
    },
  });
  const sinks = { notes: sink('notes'), letters: sink('letters') };
  const sources = { notes: pushSource(), letters: { ...pushSource(), name: 'letters' } };
  const letters = defineFlow({
    ...noteFlow(sinks.notes as never),
    id: 'letters',
    documents: [Letter],
    from: sources.letters,
    to: { letter: sinks.letters },
    translate: ({ id }: NativeNote) => ({ outcome: 'routed', documents: [{ kind: 'letter', body: { id } }] }),
  } as never);
  const hub = new Hub({
    ...noteHub(ledger, new Target().sink(), {
      clock: { ...systemClock, monotonic: () => performance.now() + skipped },
    }).parts,
    estate: defineEstate({
      name: 'test',
      connections: { from: connectionOf({ sources }), target: connectionOf({ sinks }) },
      flows: [noteFlow(sinks.notes as never, sources.notes), letters as never],
    }),
  });
  await hub.start();
  t.after(() => hub.stop());
  let count = 0;
  return {
    hub,
    faults,
    calls,
    skip: (seconds: number) => {
      skipped += seconds * 1000;
    },
    tell: async (source: 'notes' | 'letters') => {
      count += 1;
      const incoming = {
        dedupeKey: `${count}`,
        subject: `${count}`,
        occurredAt: new Date(),
        bytes: Buffer.from(JSON.stringify({ id: `${count}`, n: 1 })),
      };
      await hub.intake.receive({ connection: 'from', source, incoming });
    },
    open: async () =>
      (await listExceptions(ledger.db, null, 10)).map((row) =>
        ledger.vault.unseal(row.message_sealed, `exception:${row.id}`).toString(),
      ),
  };
}

const refused = (message: string): Fault => ({ kind: 'refused', message });

test('what one sink is refused keeps no other from its work, and is told until that sink may write again', async (t) => {
  const box = await desk(t);
  box.faults.notes = refused('a scope is missing.');
  await box.tell('notes');
  await until('it is told', async () => (await box.open()).length === 1);
  for (let n = 1; n <= 3; n++) {
    await box.tell('letters');
    await until('the letter is delivered', () => box.calls.letters === n);
    box.skip(31);
    await until('the note is tried again', () => box.calls.notes === n + 1);
  }
  const words = await box.open();
  assert.equal(words.length, 1, 'one Exception, which the other sink does not close');
  assert.match(words[0]!, /^target refuses us: a scope is missing\. What goes to its notes waits/);
  box.faults.notes = null;
  box.skip(31);
  await until('it is closed', async () => (await box.open()).length === 0);
});

test('a connection that refuses everything is one Exception', async (t) => {
  const box = await desk(t);
  box.faults.notes = refused('the key has expired.');
  box.faults.letters = refused('the key has expired.');
  await box.tell('notes');
  await box.tell('letters');
  await until('both are tried', () => box.calls.notes > 0 && box.calls.letters > 0);
  await until('it is told', async () => (await box.open()).length > 0);
  assert.equal((await box.open()).length, 1);
  box.faults.notes = null;
  box.faults.letters = null;
  box.skip(31);
  await until('it is closed', async () => (await box.open()).length === 0);
});

for (const alone of [true, false])
  test(`asked to wait ${alone ? 'with a call that costs too much, others go on' : 'by the connection, every sink waits'}`, async (t) => {
    const box = await desk(t);
    box.faults.notes = {
      kind: 'throttled',
      message: 'wait',
      retryAfter: '1h' as const,
      ...(alone ? { alone } : {}),
    } as Fault;
    await box.tell('notes');
    await until('the note is tried', () => box.calls.notes === 1);
    await until('that is written', async () => (await box.hub.progress()).leased === 0);
    await box.tell('letters');
    if (alone) await until('the letter goes', () => box.calls.letters === 1);
    else {
      await until('it is routed', async () => (await box.hub.progress()).routable === 0);
      await systemClock.sleep(500, AbortSignal.timeout(5000));
      assert.equal(box.calls.letters, 0);
      box.skip(3601);
      await until('then it goes', () => box.calls.letters === 1);
    }
  });
