import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Result } from '../../src/core/connector.ts';
import type { AnyFlow } from '../../src/core/estate.ts';
import { addAwaits, bind, unboundOf } from '../../src/ledger/bindings.ts';
import { readFigures } from '../../src/ledger/figures.ts';
import { routedOnly } from '../support/delivery.ts';
import { drained, idle, type NativeNote, noteHub, send, testLedger } from '../support/hub.ts';
import { type NoteItem, scale, Target, until } from '../support/target.ts';

describe('what a record needs', { concurrency: 4 }, () => {
  test('a record waits for what it needs, and gets its id; needs named twice count once', async (t) => {
    const ledger = await testLedger(t);
    const target = new Target();
    const links: string[] = [];
    const answer = (items: readonly NoteItem[]) => {
      for (const item of items)
        if (item.key === 'order') links.push(...[...item.links].map(([need, id]) => `${need} ${id}`));
      return target.commit(items);
    };
    const hub = noteHub(ledger, target.sink({ answer }));
    await hub.start();
    await send(hub, { id: 'order', n: 1, needs: ['p1', 'p2', 'p1'] });
    await send(hub, { id: 'p1', n: 1 });
    await until('p1 is there', () => target.values('p1').length === 1);
    await idle(hub);
    assert.equal(target.values('order').length, 0);
    await send(hub, { id: 'p2', n: 1 });
    await idle(hub);
    await hub.stop();
    assert.deepEqual(target.values('order'), [1]);
    assert.deepEqual(links, [
      `note:p1 ${target.records.get('p1')![0]!.id}`,
      `note:p2 ${target.records.get('p2')![0]!.id}`,
    ]);
  });

  test('a record waits for what its flow says that the target must hold', async (t) => {
    const ledger = await testLedger(t);
    const target = new Target();
    const needs: AnyFlow['needs'] = ({ body }) => ((body as NativeNote).id === 'level' ? [['note', 'price']] : []);
    const hub = noteHub(ledger, target.sink(), { flow: { needs } });
    await hub.start();
    await send(hub, { id: 'level', n: 1 });
    await send(hub, { id: 'other', n: 1 });
    await until('the other one is there', () => target.values('other').length === 1);
    await idle(hub);
    assert.equal(target.values('level').length, 0);
    await send(hub, { id: 'level', n: 2 });
    await send(hub, { id: 'price', n: 1 });
    await idle(hub);
    await hub.stop();
    assert.deepEqual(target.values('level'), [2]);
  });

  test('what a record brought along is bound with it, with its newest id, and wakes what needs it', async (t) => {
    const ledger = await testLedger(t);
    const target = new Target();
    const links: string[] = [];
    const answer = (items: readonly NoteItem[]): Result[] => {
      for (const { key, links: found } of items) if (key === 'price') links.push(...found.values());
      return target.commit(items).map((result, place) => {
        const { key, document } = items[place]!;
        if (key !== 'shirt') return result;
        const variants = ['shirt/S', 'shirt/M', 'shirt/S'];
        const parts = variants.map((variant, n) => ({ kind: 'note', key: variant, id: `v${document.n}${n}` }));
        return { ...result, parts } as Result;
      });
    };
    const hub = noteHub(ledger, target.sink({ answer }));
    await hub.start();
    await send(hub, { id: 'price', n: 1, needs: ['shirt/S', 'shirt/M'] });
    await idle(hub);
    assert.deepEqual(target.values('price'), []);
    await send(hub, { id: 'shirt', n: 1 });
    await idle(hub);
    await send(hub, { id: 'shirt', n: 2 });
    await idle(hub);
    await send(hub, { id: 'price', n: 2, needs: ['shirt/S', 'shirt/M'] });
    await idle(hub);
    await hub.stop();
    assert.deepEqual(target.values('price'), [1, 2]);
    assert.deepEqual(links, ['v12', 'v11', 'v22', 'v21']);
  });

  for (const known of [false, true])
    test(`a binding made while its waiter is being written wakes it (${known ? 'others wait for it already' : 'the first to wait'})`, async (t) => {
      const ledger = await testLedger(t);
      const { db } = ledger;
      const target = new Target();
      const { hub } = await routedOnly(ledger, target.sink(), [{ id: 'order', n: 1 }]);
      const need = { connection: 'target', entity: 'main', kind: 'note', key: 'p' };
      if (known) await db.transaction((sql) => unboundOf(sql, [need]));
      let bound = false;
      let binding: Promise<void> = Promise.resolve();
      await db.transaction(async (sql) => {
        const missing = await unboundOf(sql, [need]);
        assert.equal(missing.length, 1);
        binding = db
          .transaction(async (other) => {
            await bind(other, [
              { ...need, externalId: 'p#1', version: 1, lines: 0, currency: null, minor: 0n, absolute: 0n },
            ]);
          })
          .then(() => {
            bound = true;
          });
        await until('the binding is made, or waits for us', async () => {
          const waiting = await db.query(
            'blocked',
            `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
          );
          return bound || waiting.length > 0;
        });
        const [delivery] = await sql.query<{ id: string }>('waits', `update delivery set waits = 1 returning id`);
        await addAwaits(sql, [{ ...need, deliveryId: delivery!.id }]);
      });
      await binding;
      assert.deepEqual(
        await db.query('left', 'select waits from delivery'),
        [{ waits: 0 }],
        'released by the transaction that made the binding',
      );
      assert.equal(hub.away, null);
    });

  test('of many records that race with what they need, none sleeps on', async (t) => {
    const ledger = await testLedger(t);
    const target = new Target();
    const hubs = [noteHub(ledger, target.sink()), noteHub(ledger, target.sink())] as const;
    await Promise.all(hubs.map((hub) => hub.start()));
    const rounds = 150 * scale;
    for (let from = 0; from < rounds; from += 25)
      await Promise.all(
        Array.from({ length: 25 }, async (_, n) => {
          const id = from + n;
          await Promise.all([
            send(hubs[0], { id: `p${id}`, n: 1 }),
            send(hubs[1], { id: `o${id}`, n: 1, needs: [`p${id}`, `p${Math.max(0, id - 1)}`] }),
          ]);
        }),
      );
    await drained(hubs[0], 120);
    await Promise.all(hubs.map((hub) => hub.stop()));
    const { deliveries } = await readFigures(ledger.db);
    assert.deepEqual([deliveries.delivered, deliveries.waiting], [rounds * 2, 0]);
    assert.equal(target.effects.length, rounds * 2);
  });
});
