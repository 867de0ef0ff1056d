import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Sink, WebhookSource } from '../src/core/connector.ts';
import { defineFlow } from '../src/core/flow.ts';
import { type Order, OrderDocument } from '../src/model/order.ts';
import { StockAdjustmentDocument } from '../src/model/stock-adjustment.ts';
import { pushSource } from './support/hub.ts';

const sinkFor = <D extends typeof OrderDocument | typeof StockAdjustmentDocument>(accepts: D): Sink<D> => ({
  name: 'sink',
  accepts,
  idempotency: 'external-id',
  settle: 0,
  deadline: '1s',
  batch: { max: 1, onFailure: 'independent' },
  deliver: async (items) => items.map(({ key }) => ({ outcome: 'done' as const, id: key })),
});

const common = {
  id: 'orders',
  about: '',
  documents: [OrderDocument],
  from: pushSource(),
  latency: 'realtime' as const,
  promise: { within: '1m' as const, critical: false },
  onException: { owner: 'tests', within: '1d' as const, hold: 'lane' as const },
  fallback: '',
};
const translate = () => ({ outcome: 'duplicate' as const, documents: [] });

// The compiler is the test here (`npm run check:types`): each marked line must be refused, or the mark itself is an error.
test('a flow cannot be wired to a source or sink of another kind', () => {
  assert.ok(defineFlow({ ...common, to: { order: sinkFor(OrderDocument) }, translate }));
  // @ts-expect-error an order cannot go to a sink of stock adjustments
  defineFlow({ ...common, to: { order: sinkFor(StockAdjustmentDocument) }, translate });
  // @ts-expect-error every document of the flow needs a sink
  defineFlow({ ...common, to: {}, translate });
  // @ts-expect-error the translation takes what the source decodes, a note, not an order
  defineFlow({
    ...common,
    to: { order: sinkFor(OrderDocument) },
    translate: (native: Order) => (native.number ? translate() : translate()),
  });
});

test('a webhook is a source like any other to the compiler', () => {
  const webhook: WebhookSource<Order> = {
    kind: 'webhook',
    name: 'orders',
    topic: 'orders',
    verify: () => false,
    read: () => [],
    decode: (bytes) => JSON.parse(Buffer.from(bytes).toString()),
  };
  const to = { order: sinkFor(OrderDocument) };
  const take = (order: Order) => (order.number ? translate() : translate());
  const takeNotes = (note: { text: number }) => (note.text ? translate() : translate());
  assert.ok(defineFlow({ ...common, from: webhook, to, translate: take }));
  // @ts-expect-error the translation takes notes, the webhook brings orders
  defineFlow({ ...common, from: webhook, to, translate: takeNotes });
  const both = [{ hint: 'x' }, { dedupeKey: 'x', subject: 'x', occurredAt: new Date(), bytes: new Uint8Array() }];
  // @ts-expect-error facts and hints are not mixed in one answer
  const mixed: WebhookSource<Order> = { ...webhook, read: () => both };
  assert.ok(mixed);
});
