import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Type } from 'typebox';
import type { Result, Sink } from '../../src/core/connector.ts';
import { defineDocument } from '../../src/core/document.ts';
import { defineEstate } from '../../src/core/estate.ts';
import { defineFlow } from '../../src/core/flow.ts';
import { Hub } from '../../src/engine/hub.ts';
import { setConnectionState } from '../../src/ledger/connections.ts';
import { readFigures } from '../../src/ledger/figures.ts';
import { exceptions, numbered, routedOnly } from '../support/delivery.ts';
import {
  connectionOf,
  idle,
  type NativeNote,
  noteFlow,
  noteHub,
  pushSource,
  send,
  testLedger,
} from '../support/hub.ts';
import {
  cut,
  early,
  gate,
  type NoteItem,
  rejection,
  scale,
  Target,
  throttled,
  transient,
  until,
} from '../support/target.ts';

describe('batches', { concurrency: 4 }, () => {
  test('what a batch neighbour spoilt goes again at once and spends no attempt', async (t) => {
    const ledger = await testLedger(t);
    const target = new Target();
    const answer = (items: readonly NoteItem[]): Result[] =>
      items.some(({ key }) => key === 'k001')
        ? items.map(({ key }) => (key === 'k001' ? rejection() : { outcome: 'untouched' }))
        : target.commit(items);
    const { deliverer } = await routedOnly(ledger, target.sink({ answer }), numbered(4), 1);
    assert.equal(await deliverer.once(() => true), 4);
    assert.equal(await deliverer.once(() => true), 3);
    assert.equal(target.effects.length, 3);
    const rows = await ledger.db.query<{ attempts: number }>('attempts', 'select attempts from delivery_history');
    assert.deepEqual(
      rows.map(({ attempts }) => attempts),
      [1, 1, 1],
    );
    assert.equal((await exceptions(ledger)).length, 1);
  });

  test('an answer that cannot be stored parks its delivery; its neighbours are delivered', async (t) => {
    const ledger = await testLedger(t);
    const target = new Target();
    const answer = (items: readonly NoteItem[]): Result[] =>
      target
        .commit(items)
        .map((result, index) => (items[index]!.key === 'k001' ? { outcome: 'done', id: 'A\0B' } : result));
    const { deliverer } = await routedOnly(ledger, target.sink({ answer }), numbered(3));
    assert.equal(await deliverer.once(() => true), 3);
    const { deliveries } = await readFigures(ledger.db);
    assert.deepEqual([deliveries.delivered, deliveries.parked], [2, 1]);
    assert.equal((await exceptions(ledger))[0]!.cause, 'answer-unstorable');
  });

  test('a document that cannot be read parks its delivery; its neighbours are delivered', async (t) => {
    const ledger = await testLedger(t);
    const target = new Target();
    const { deliverer } = await routedOnly(ledger, target.sink(), numbered(3));
    await ledger.db.query('rot', `update document set body_sealed = '\\x01' where key = 'k001'`);
    assert.equal(await deliverer.once(() => true), 3);
    const { deliveries } = await readFigures(ledger.db);
    assert.deepEqual([deliveries.delivered, deliveries.parked, target.effects.length], [2, 1, 2]);
    assert.equal((await exceptions(ledger))[0]!.cause, 'document-unreadable');
  });

  test('waiting updates give way to the latest: thousands become one delivery per record', async (t) => {
    const ledger = await testLedger(t);
    const target = new Target();
    const keys = 50;
    const updates = 1000 * scale;
    const notes = Array.from({ length: updates }, (_, n) => ({ id: `k${n % keys}`, n: n + 1 }));
    const { hub } = await routedOnly(ledger, target.sink(), notes);
    assert.equal(target.calls.length, 0, 'a pause holds from the start');
    await setConnectionState(ledger.db, 'target', 'active', null, 'cli:anna');
    const again = noteHub(ledger, target.sink());
    await again.start();
    await idle(again);
    await again.stop();
    assert.equal(target.calls.flatMap((call) => call.keys).length, keys);
    assert.deepEqual(target.verdict(new Map(notes.map(({ id, n }) => [id, n]))), {
      doubled: [],
      outOfOrder: [],
      lost: [],
    });
    const { deliveries, measures } = await readFigures(ledger.db);
    assert.deepEqual([deliveries.delivered, deliveries.superseded], [keys, updates - keys]);
    assert.equal(measures.find(({ what }) => what === 'bound')!.lines, keys);
    assert.equal(hub.away, null);
  });

  test('what came to nothing while a newer version arrived gives way to that, unless it may have landed', async (t) => {
    for (const [answered, superseded] of [
      [{ outcome: 'untouched' }, 1],
      [transient(), 1],
      [throttled(0), 1],
      [early('its order is not there', 'order-missing'), 1],
      [cut, 0],
      [rejection(), 0],
    ] as const) {
      const ledger = await testLedger(t);
      const target = new Target();
      const calls: number[] = [];
      const [called, answer] = [gate(), gate()];
      const sink = target.sink({
        answer: async (items) => {
          calls.push(...items.map(({ document }) => document.n));
          if (calls.length > 1) return target.commit(items);
          called.open();
          await answer.opened;
          return typeof answered === 'function' ? answered() : [answered];
        },
      });
      const hub = noteHub(ledger, sink);
      t.after(() => hub.stop());
      await hub.start();
      await send(hub, { id: 'a', n: 1 });
      await called.opened;
      await send(hub, { id: 'a', n: 2 });
      await until('it is routed', async () => (await readFigures(ledger.db)).events.waiting === 0);
      answer.open();
      const rejected =
        typeof answered === 'object' && answered.outcome === 'failed' && answered.fault.kind === 'rejected';
      if (rejected) await until('it is parked', async () => (await exceptions(ledger)).length === 1);
      else await idle(hub);
      const { deliveries } = await readFigures(ledger.db);
      assert.deepEqual(calls, rejected ? [1] : superseded ? [1, 2] : [1, 1, 2], JSON.stringify(answered));
      assert.deepEqual([deliveries.superseded, deliveries.parked], [superseded, rejected ? 1 : 0]);
      await hub.stop();
    }
  });

  test('large documents travel with fewer neighbours', async (t) => {
    const ledger = await testLedger(t);
    const target = new Target();
    const { deliverer } = await routedOnly(
      ledger,
      target.sink({ batch: { max: 50, maxLines: 3, onFailure: 'independent' } }),
      numbered(8),
    );
    const sizes: number[] = [];
    for (let tried: number | null = null; tried !== 0; ) {
      tried = await deliverer.once(() => true);
      sizes.push(tried!);
    }
    assert.deepEqual(sizes, [3, 3, 2, 0]);
  });

  test('a batch that was lost is followed by smaller ones, and these by larger', async (t) => {
    const ledger = await testLedger(t);
    const target = new Target();
    let lost = false;
    const answer = (items: readonly NoteItem[]) => {
      if (lost) return target.commit(items);
      lost = true;
      return cut();
    };
    const { deliverer } = await routedOnly(
      ledger,
      target.sink({ answer, batch: { max: 8, onFailure: 'none-lands' } }),
      numbered(24),
    );
    const sizes: number[] = [];
    for (let n = 0; n < 3; n++) sizes.push((await deliverer.once(() => true))!);
    assert.deepEqual(sizes, [8, 4, 8]);
  });

  test('what is more urgent goes first, but for every fourth turn', async (t) => {
    const ledger = await testLedger(t);
    const Urgent = defineDocument({
      name: 'urgent',
      version: '1.0',
      schema: Type.Object({ id: Type.String() }),
      key: (body) => body.id,
    });
    const target = new Target();
    const order: string[] = [];
    const watching = (name: string): Sink => ({
      ...(target.sink({ name, batch: { max: 1, onFailure: 'independent' } }) as Sink),
      ...(name === 'urgent' ? { accepts: Urgent } : {}),
      deliver: async (items) => {
        order.push(name);
        return items.map(({ key }) => ({ outcome: 'done', id: key }));
      },
    });
    const sinks = { notes: watching('notes'), urgent: watching('urgent') };
    const sources = { notes: pushSource(), urgent: { ...pushSource(), name: 'urgent' } };
    const urgentFlow = defineFlow({
      ...noteFlow(sinks.notes as never),
      id: 'urgent',
      documents: [Urgent],
      from: sources.urgent,
      to: { urgent: sinks.urgent },
      priority: { urgent: 5 },
      translate: (native: NativeNote) => ({
        outcome: 'routed',
        documents: [{ kind: 'urgent', body: { id: native.id } }],
      }),
    } as never);
    const estate = defineEstate({
      name: 'test',
      connections: { from: connectionOf({ sources }), target: connectionOf({ sinks, writer: 'odoo' }) },
      flows: [noteFlow(sinks.notes as never, sources.notes), urgentFlow as never],
    });
    await ledger.db.query(
      'known',
      `insert into connection (name, entity, connector, state) values ('target', 'main', 'test', 'paused')`,
    );
    const hub = new Hub({ ...noteHub(ledger, target.sink()).parts, estate });
    await hub.start();
    for (const source of ['notes', 'urgent'])
      for (const id of ['w', 'x', 'y', 'z']) {
        const incoming = {
          dedupeKey: `${source}${id}`,
          subject: id,
          occurredAt: new Date(),
          bytes: Buffer.from(JSON.stringify({ id, n: 1 })),
        };
        await hub.intake.receive({ connection: 'from', source, incoming });
      }
    await until('all is routed', async () => (await readFigures(ledger.db)).events.waiting === 0);
    await setConnectionState(ledger.db, 'target', 'active', null, 'cli:anna');
    await idle(hub);
    await hub.stop();
    assert.equal(order.length, 8);
    assert.ok(order.slice(0, 4).filter((one) => one === 'urgent').length >= 3, order.join(', '));
  });
});
