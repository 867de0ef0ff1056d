import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeLab } from '../../conformance/lab.ts';
import { startMedusa } from '../../simulators/medusa/index.ts';
import { medusa } from './index.ts';

test('orders that were made in one moment, more than a page of them, all come, each once', async (t) => {
  let now = Date.parse('2026-11-20T10:00:00Z');
  const simulator = await startMedusa({ now: () => new Date(now) });
  t.after(() => simulator.stop());
  const [variant] = simulator.shop.addProduct('Thing', [{ title: 'S', sku: 'THING', price: 1 }]).variants;
  const place = (count: number) => {
    for (let n = 0; n < count; n++) simulator.shop.place({ lines: [[variant!.id, 1]] });
  };
  place(10);
  now += 1;
  place(60);
  now += 1;
  place(10);
  const { orders } = medusa({ url: simulator.url, key: { secret: 'KEY' } }).sources;
  const { cx } = makeLab({ secrets: { KEY: simulator.key } });
  const keys: string[] = [];
  for await (const { items } of orders.pull(null, cx)) keys.push(...items.map(({ dedupeKey }) => dedupeKey));
  assert.deepEqual([keys.length, new Set(keys).size], [80, 80]);
});
