import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Item, Result, Sink } from '../../src/core/connector.ts';
import { readFigures } from '../../src/ledger/figures.ts';
import { idle, type NativeNote, NoteDocument, noteHub, send, testLedger } from '../support/hub.ts';

type Note = Required<NativeNote>;
const ledger = await testLedger();
after(() => ledger.db.close());

/** A sink whose target is a list of what was written, in order. */
function listSink(
  options: Partial<Sink<typeof NoteDocument>> & { answer?: (items: Item<Note>[]) => Promise<Result[]> | Result[] } = {},
) {
  const written: { key: string; n: number; version: number }[] = [];
  const sink: Sink<typeof NoteDocument> = {
    name: 'notes',
    accepts: NoteDocument,
    idempotency: 'external-id',
    settle: 0,
    deadline: '10s',
    batch: { max: 50, onFailure: 'independent' },
    deliver: async (items) => {
      const answers = await options.answer?.(items);
      return items.map((item, index) => {
        const answer = answers?.[index] ?? { outcome: 'done', id: `id-${item.key}` };
        if (answer.outcome === 'done') written.push({ key: item.key, n: item.document.n, version: item.version });
        return answer;
      });
    },
    ...options,
  };
  return { sink, written };
}

test('an event becomes a document, a delivery and a binding; its repeat is a duplicate', async () => {
  const fresh = await testLedger();
  const { sink, written } = listSink();
  const hub = noteHub(fresh, sink);
  await hub.start();
  assert.equal(await send(hub, { id: 'a', n: 1 }, { key: 'k1' }), 'new');
  assert.equal(await send(hub, { id: 'a', n: 1 }, { key: 'k1' }), 'duplicate');
  await idle(hub);
  await hub.stop();
  assert.deepEqual(written, [{ key: 'a', n: 1, version: 1 }]);
  const figures = await readFigures(fresh.db);
  assert.deepEqual(
    { ...figures.events },
    { received: 2, duplicate: 1, routed: 1, late: 0, echo: 0, dismissed: 0, waiting: 0, parked: 0, excepted: 0 },
  );
  assert.equal(figures.deliveries.delivered, 1);
  await fresh.db.close();
});
