import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Log } from '../core/connector.ts';
import { Metrics } from './metrics.ts';
import { aReading } from './testing.ts';

const heard: unknown[][] = [];
const keep = (message: string, fields?: Record<string, unknown>) => heard.push([message, fields]);
const log: Log = { debug: keep, info: keep, warn: keep, error: keep };

test('gauges of a reading, all under crossdock_', async () => {
  const text = await new Metrics({ version: '1.2.3' }).text(aReading());
  for (const line of [
    `crossdock_build_info{version="1.2.3",node="${process.versions.node}"} 1`,
    'crossdock_ledger_up 1',
    'crossdock_events{state="routed"} 6',
    'crossdock_deliveries{state="unknown"} 1',
    'crossdock_documents{kind="order"} 6',
    'crossdock_open_exceptions{cause="unknown-code"} 3',
    'crossdock_oldest_waiting_delivery_seconds 12.5',
    'crossdock_oldest_unrouted_event_seconds 3.5',
    'crossdock_open_exceptions_value_minor_units{currency="GBP"} 1250',
    'crossdock_unsealed_audit_records 7',
    'crossdock_live_nodes 2',
    'crossdock_connection_paused{connection="odoo-main"} 1',
  ])
    assert.ok(text.includes(`${line}\n`), line);
  const names = text.split('\n').filter((line) => line && !line.startsWith('#'));
  assert.deepEqual(
    names.filter((line) => !line.startsWith('crossdock_')),
    [],
  );
  assert.doesNotMatch(text, /state="received"/);
});

test('without a reading the gauges are absent, not old', async () => {
  const metrics = new Metrics({ version: '1' });
  await metrics.text(aReading());
  const text = await metrics.text(null);
  assert.match(text, /^crossdock_ledger_up 0$/m);
  assert.doesNotMatch(
    text,
    /^crossdock_(events|deliveries|open_exceptions|oldest_waiting|unsealed|live_nodes|connection_paused)/m,
  );
  assert.match(text, /^crossdock_build_info/m);
});

test('attempts are counted from the log, and every line is passed on', async () => {
  const metrics = new Metrics({ version: '1' });
  const observed = metrics.observe(log);
  const attempt = { connection: 'odoo-main', sink: 'sale-orders', outcome: 'done', elapsedMs: 120 };
  observed.debug('delivery.attempted', attempt);
  observed.warn('delivery.attempted', { ...attempt, outcome: 'transient', fault: 'transient' });
  observed.info('something else', { a: 1 });
  assert.deepEqual(heard.at(-1), ['something else', { a: 1 }]);
  assert.equal(heard.length, 3);
  const text = await metrics.text(null);
  assert.match(
    text,
    /crossdock_delivery_attempts_total\{connection="odoo-main",sink="sale-orders",outcome="transient",fault="transient"\} 1/,
  );
  assert.match(text, /crossdock_delivery_attempt_seconds_sum\{connection="odoo-main",sink="sale-orders"\} 0.24/);
  assert.match(
    text,
    /crossdock_delivery_attempt_seconds_bucket\{le="0.25",connection="odoo-main",sink="sale-orders"\} 2/,
  );
});

test('lost leases and freed lanes are counted from the log, by what they are for', async () => {
  const metrics = new Metrics({ version: '1' });
  const observed = metrics.observe(log);
  for (const lease of ['router:3', 'router:4', 'poller:till:days', 'audit-sealer'])
    observed.warn('lease lost', { lease });
  observed.warn('leases ran out: outcomes unknown', { lanes: 7 });
  const text = await metrics.text(null);
  assert.match(text, /^crossdock_leases_lost_total\{lease="router"\} 2$/m);
  assert.match(text, /^crossdock_leases_lost_total\{lease="poller"\} 1$/m);
  assert.match(text, /^crossdock_leases_lost_total\{lease="audit-sealer"\} 1$/m);
  assert.match(text, /^crossdock_lanes_reaped_total 7$/m);
});

test('requests are counted by route pattern; a disk that does not matter is absent', async () => {
  const metrics = new Metrics({ version: '1' });
  metrics.answered({ method: 'POST', route: '/in/:connection/:topic', status: 202, seconds: 0.02 });
  metrics.answered({ method: 'BREW', route: '/in/:connection/:topic', status: 405, seconds: 0.02 });
  let free: number | null = 5_000;
  metrics.watchDisk(() => free);
  const text = await metrics.text(null);
  assert.match(
    text,
    /crossdock_http_request_seconds_bucket\{le="0.025",method="POST",route="\/in\/:connection\/:topic",status="202"\} 1/,
  );
  assert.match(text, /method="other"/);
  assert.match(text, /^crossdock_home_free_bytes 5000$/m);
  free = null;
  assert.doesNotMatch(await metrics.text(null), /^crossdock_home_free_bytes/m);
});

test('requests to the intake are counted by what came of them', async () => {
  const metrics = new Metrics({ version: '1' });
  const observed = metrics.observe(log);
  for (const outcome of ['stored', 'stored', 'signature'])
    observed.debug('intake.answered', { connection: 'till', topic: 'sales', outcome });
  observed.warn('intake.answered', { outcome: 'not_found' });
  const text = await metrics.text(null);
  assert.match(text, /crossdock_intake_requests_total\{connection="till",topic="sales",outcome="stored"\} 2/);
  assert.match(text, /crossdock_intake_requests_total\{connection="other",topic="other",outcome="not_found"\} 1/);
});

test('labels stay few and hold no data', async () => {
  const metrics = new Metrics({ version: '1' });
  const observed = metrics.observe(log);
  for (let n = 0; n < 500; n++)
    observed.debug('delivery.attempted', { connection: `c${n}`, sink: 's', outcome: 'done' });
  observed.debug('delivery.attempted', { connection: 'anna@example.com', sink: 'x y', outcome: 7 });
  const reading = aReading();
  reading.figures.exceptions = [{ cause: 'anna smith', currency: null, count: 2, lines: 0, minor: 0n }];
  const text = await metrics.text(reading);
  assert.doesNotMatch(text, /anna/);
  assert.match(text, /crossdock_open_exceptions\{cause="other"\} 2/);
  assert.match(text, /connection="other",sink="other",outcome="other"/);
  assert.equal(text.match(/^crossdock_delivery_attempts_total/gm)!.length, 102);
});
