import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeTrace } from './trace.ts';

const at = new Date('2026-11-25T21:00:26.393Z');
const step = (
  what: 'event' | 'document' | 'delivery' | 'attempt' | 'binding' | 'expectation' | 'decision',
  about: string,
  state: string,
  id = 'x',
) => ({
  at,
  what,
  id,
  about,
  state,
  detail: {} as Record<string, unknown>,
  message: null as string | null,
});

test('a trace says where a record came from, where it went and as what it is there; repeats are counted, attempts that went wrong are shown', () => {
  const told = describeTrace([
    step('event', 'shop order:1', 'routed'),
    step('event', 'shop order:1', 'duplicate'),
    step('document', 'order shop:1', 'version 1'),
    { ...step('attempt', 'attempt 1', 'transient'), message: 'nobody answers' },
    step('delivery', 'odoo sale-orders order shop:1 v1', 'delivered'),
    step('binding', 'order shop:1', '3', 'odoo'),
    step('attempt', 'attempt 1', 'delivered'),
    { ...step('expectation', 'acknowledgement of 7', 'awaited'), detail: { until: '2026-11-26T00:00:00Z' } },
  ]);
  assert.deepEqual(
    told.split('\n').map((line) => line.replace(/ {2,}/g, ' | ')),
    [
      'when | what | about | state | message',
      '2026-11-25 21:00:26.393Z | came from | shop order:1 | routed',
      '2026-11-25 21:00:26.393Z | became | order shop:1 | version 1',
      '2026-11-25 21:00:26.393Z | attempt | attempt 1 | transient | nobody answers',
      '2026-11-25 21:00:26.393Z | sent to | odoo sale-orders order shop:1 v1 | delivered',
      '2026-11-25 21:00:26.393Z | is in odoo | order shop:1 | as 3',
      '2026-11-25 21:00:26.393Z | expectation | acknowledgement of 7 | awaited until 2026-11-26T00:00:00.000Z',
      'Heard again without news: 1; --json has each.',
    ],
  );
});

test('a trace says for which record a delivery waits, since when, and that it is late', () => {
  const waiting = {
    ...step('delivery', 'shop stock stock-level MUG/W1 v1', 'waiting'),
    detail: { awaits: [{ kind: 'product', key: 'MUG' }], late: true, promisedAt: '2026-11-25T21:01:26.393Z' },
  };
  assert.match(
    describeTrace([waiting]),
    /waiting since 2026-11-25T21:00:26\.393Z for product MUG: look with crossdock trace MUG; late: promised by 2026-11-25T21:01:26\.393Z/,
  );
  assert.doesNotMatch(describeTrace([{ ...waiting, detail: { awaits: [], late: false } }]), /since|late/);
});

test('a trace says behind whose decision a delivery waits', () => {
  const behind = { delivery: 'd', version: 2, exception: '01a212e3-4cc6-7139-bf59-6b84510ece20', cause: 'no-tax' };
  const waiting = { ...step('delivery', 'odoo sale-orders order shop:1 v3', 'waiting'), detail: { behind } };
  assert.match(
    describeTrace([waiting]),
    /waits behind version 2, which needs a person: Exception 6b84510ece20 \(no-tax\); crossdock exceptions show 6b84510ece20$/,
  );
  const bare = { ...waiting, detail: { behind: { ...behind, exception: null, cause: null } } };
  assert.match(describeTrace([bare]), /waits behind version 2, which is parked$/);
});

test('a trace says who had a record told again or decided on an Exception, and why; what was told again is no repeat', () => {
  const told = describeTrace([
    step('event', 'shop order:1', 'duplicate', 'replayed'),
    step('event', 'shop order:1', 'duplicate'),
    { ...step('decision', 'web-orders', 'told again', 'replayed'), detail: { by: 'cli:anna', reason: 'wrong tax' } },
    { ...step('decision', 'no-tax', 'dismissed', 'e'), detail: { by: 'cli:ben', reason: 'told again' } },
  ]);
  assert.deepEqual(
    told
      .split('\n')
      .slice(1)
      .map((line) => line.split(/ {2,}/).slice(1)),
    [
      ['decided', 'web-orders', 'told again', 'by cli:anna: wrong tax'],
      ['decided', 'no-tax', 'dismissed', 'by cli:ben: told again'],
      [],
    ],
  );
  assert.match(told, /Heard again without news: 1;/);
});
