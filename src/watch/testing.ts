import type { ExceptionRow } from '../ledger/exceptions.ts';
import type { Reading } from './reading.ts';

/** An open Exception for tests; its message is sealed by nobody. */
export const anException = (changes: Partial<ExceptionRow> = {}): ExceptionRow => ({
  id: '019a0000-0000-7000-8000-00000000abcd',
  entity: 'main',
  flow: 'day-sales',
  connection: 'till',
  subject: 'invoice:536365',
  kind: null,
  key: null,
  event_id: null,
  delivery_id: null,
  holds: true,
  cause: 'unknown-code',
  field: null,
  message_sealed: Buffer.from('The table vat-rates has no row for X9.'),
  owner: 'sales-ops',
  due_at: new Date('2026-01-03T00:00:00Z'),
  labels: { invoice: '536365' },
  lines: 3,
  currency: 'GBP',
  minor: 1_250n,
  absolute: 1_250n,
  state: 'open',
  reason: null,
  opened_at: new Date('2026-01-02T00:00:00Z'),
  ...changes,
});

/** A reading for tests: something of everything. */
export const aReading = (changes: Partial<Reading> = {}): Reading => ({
  at: new Date('2026-01-02T03:04:05Z'),
  figures: {
    events: {
      received: 10,
      duplicate: 1,
      routed: 6,
      late: 1,
      echo: 0,
      waiting: 1,
      parked: 1,
      dismissed: 0,
      excepted: 1,
    },
    deliveries: { delivered: 5, superseded: 2, dismissed: 0, waiting: 3, leased: 2, unknown: 1, parked: 4 },
    documents: { order: 6 },
    measures: [
      { what: 'received', kind: null, currency: 'GBP', lines: 90, minor: 100_000n, absolute: 120_000n },
      { what: 'bound', kind: 'order', currency: 'GBP', lines: 80, minor: 90_000n, absolute: 110_000n },
      { what: 'excepted', kind: null, currency: 'GBP', lines: 3, minor: 1_250n, absolute: 1_250n },
    ],
    exceptions: [{ cause: 'unknown-code', currency: 'GBP', count: 3, lines: 3, minor: 1_250n }],
  },
  vitals: { oldestWaitingSeconds: 12.5, lateDeliveries: 0, oldestUnroutedSeconds: 3.5, unsealedAudit: 7, liveNodes: 2 },
  connections: [
    { name: 'till', entity: 'main', connector: 'csv', state: 'active', reason: null, changed_at: new Date(0) },
    {
      name: 'odoo-main',
      entity: 'main',
      connector: 'odoo',
      state: 'paused',
      reason: 'end of year',
      changed_at: new Date(0),
    },
  ],
  exceptions: [anException()],
  awaited: [],
  steady: true,
  ...changes,
});
