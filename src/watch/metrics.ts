import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Log } from '../core/connector.ts';
import type { Reading } from './reading.ts';

/** Most different values that one label may have; what comes after them is counted as `other`. */
const MOST_VALUES = 100;
const SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 150];

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** Keeps labels few and free of data: names as the estate and the connectors write them, all else is `other`. */
class LabelValues {
  readonly #seen = new Set<string>();

  of(value: unknown): string {
    return typeof value === 'string' && /^[a-z][\w.:-]{0,63}$/i.test(value) ? this.ofText(value) : 'other';
  }

  /** For texts that are known to be of our own making. */
  ofText(value: string): string {
    if (!this.#seen.has(value) && this.#seen.size >= MOST_VALUES) return 'other';
    this.#seen.add(value);
    return value;
  }
}

/**
 * What Prometheus reads: `crossdock_*`, all explained in docs/metrics.md. Gauges are set from a Reading of the ledger and are therefore the same on
 * every node; counters, histograms and the process's own figures are this node's and begin at zero with it.
 */
export class Metrics {
  readonly #registry = new Registry();
  readonly #connections = new LabelValues();
  readonly #sinks = new LabelValues();
  readonly #outcomes = new LabelValues();
  readonly #causes = new LabelValues();
  readonly #faults = new LabelValues();
  readonly #currencies = new LabelValues();
  readonly #leases = new LabelValues();
  readonly #routes = new LabelValues();
  readonly #gauges: Record<
    | 'up'
    | 'events'
    | 'deliveries'
    | 'documents'
    | 'exceptions'
    | 'stake'
    | 'oldest'
    | 'oldestEvent'
    | 'unsealed'
    | 'nodes'
    | 'paused',
    Gauge
  >;
  readonly #free: Gauge;
  readonly #attempts: Counter;
  readonly #attemptSeconds: Histogram;
  readonly #leasesLost: Counter;
  readonly #lanesLost: Counter;
  readonly #requestSeconds: Histogram;
  #freeBytes: () => number | null = () => null;
  readonly #topics = new LabelValues();
  readonly #answers = new LabelValues();
  readonly #intake: Counter;

  constructor({ version }: { version: string }) {
    const registers = [this.#registry];
    const gauge = (name: string, help: string, ...labelNames: string[]): Gauge =>
      new Gauge({ name: `crossdock_${name}`, help, labelNames, registers });
    collectDefaultMetrics({ register: this.#registry, prefix: 'crossdock_' });
    gauge('build_info', 'Always 1: the release and the Node.js it runs on', 'version', 'node').set(
      { version, node: process.versions.node },
      1,
    );
    this.#gauges = {
      up: gauge('ledger_up', '1 when the ledger answered this scrape'),
      events: gauge('events', 'Events in the ledger by what became of them', 'state'),
      deliveries: gauge('deliveries', 'Deliveries in the ledger by state', 'state'),
      documents: gauge('documents', 'Documents in the ledger by kind', 'kind'),
      exceptions: gauge('open_exceptions', 'Open Exceptions by cause', 'cause'),
      stake: gauge(
        'open_exceptions_value_minor_units',
        'Money at stake in open Exceptions, in minor units (pence, cents)',
        'currency',
      ),
      oldest: gauge(
        'oldest_waiting_delivery_seconds',
        'Age of the oldest delivery that has not arrived and is not held',
      ),
      oldestEvent: gauge(
        'oldest_unrouted_event_seconds',
        'Age of the oldest event that was not routed yet and is not held',
      ),
      unsealed: gauge('unsealed_audit_records', 'Audit records that the chain does not hold yet'),
      nodes: gauge('live_nodes', 'Hub processes seen within the last 30 seconds'),
      paused: gauge('connection_paused', '1 while the connection is paused', 'connection'),
    };
    this.#attempts = new Counter({
      name: 'crossdock_delivery_attempts_total',
      help: 'Attempts of this node by what came of them and what the world answered',
      labelNames: ['connection', 'sink', 'outcome', 'fault'],
      registers,
    });
    this.#intake = new Counter({
      name: 'crossdock_intake_requests_total',
      help: 'Requests to the intake of this node by what came of them',
      labelNames: ['connection', 'topic', 'outcome'],
      registers,
    });
    this.#attemptSeconds = new Histogram({
      name: 'crossdock_delivery_attempt_seconds',
      help: 'How long attempts of this node took',
      labelNames: ['connection', 'sink'],
      buckets: SECONDS,
      registers,
    });
    this.#leasesLost = new Counter({
      name: 'crossdock_leases_lost_total',
      help: 'Leases of this node that ran out before they were renewed, by what they are for',
      labelNames: ['lease'],
      registers,
    });
    this.#lanesLost = new Counter({
      name: 'crossdock_lanes_reaped_total',
      help: 'Lanes whose lease ran out in any node and that this node freed: their outcomes are unknown',
      registers,
    });
    this.#requestSeconds = new Histogram({
      name: 'crossdock_http_request_seconds',
      help: 'How long this node took to answer HTTP requests; those to /in/ are intake and answered after the commit',
      labelNames: ['method', 'route', 'status'],
      buckets: SECONDS,
      registers,
    });
    this.#free = gauge('home_free_bytes', 'What the file system of the embedded PostgreSQL has left');
  }

  /** How much room the home has left, asked at each scrape; null where it does not matter (an external PostgreSQL). */
  watchDisk(free: () => number | null): void {
    this.#freeBytes = free;
  }

  /** One answered HTTP request. `route` is the pattern, such as `/in/:connection/:topic`, never the address. */
  answered({
    method,
    route,
    status,
    seconds,
  }: {
    method: string;
    route: string;
    status: number;
    seconds: number;
  }): void {
    const pattern = this.#routes.ofText(route);
    this.#requestSeconds.observe({ method: METHODS.has(method) ? method : 'other', route: pattern, status }, seconds);
  }

  /** A Log that passes everything on to `log` and counts the lines on attempts, intake and lost leases, also those that the level leaves out. */
  observe(log: Log): Log {
    const heard =
      (level: keyof Log) =>
      (message: string, fields?: Record<string, unknown>): void => {
        if (fields) this.#hear(message, fields);
        log[level](message, fields);
      };
    return { debug: heard('debug'), info: heard('info'), warn: heard('warn'), error: heard('error') };
  }

  #hear(message: string, fields: Record<string, unknown>): void {
    if (message === 'delivery.attempted') this.#count(fields);
    else if (message === 'intake.answered') this.#countIntake(fields);
    else if (message === 'lease lost')
      this.#leasesLost.inc({ lease: this.#leases.of(String(fields.lease).split(':')[0]) });
    else if (message === 'leases ran out: outcomes unknown') this.#lanesLost.inc(Number(fields.lanes) || 0);
  }

  #count({ connection, sink, outcome, fault = 'none', elapsedMs }: Record<string, unknown>): void {
    const port = { connection: this.#connections.of(connection), sink: this.#sinks.of(sink) };
    this.#attempts.inc({ ...port, outcome: this.#outcomes.of(outcome), fault: this.#faults.of(fault) });
    if (typeof elapsedMs === 'number' && elapsedMs >= 0) this.#attemptSeconds.observe(port, elapsedMs / 1000);
  }

  #countIntake({ connection, topic, outcome }: Record<string, unknown>): void {
    this.#intake.inc({
      connection: this.#connections.of(connection),
      topic: this.#topics.of(topic),
      outcome: this.#answers.of(outcome),
    });
  }

  readonly contentType: string = this.#registry.contentType;

  /** The exposition text. Without a reading the ledger's gauges are absent rather than old. */
  async text(reading: Reading | null): Promise<string> {
    for (const gauge of Object.values(this.#gauges)) {
      gauge.reset();
      gauge.remove({});
    }
    this.#gauges.up.set(reading ? 1 : 0);
    const free = this.#freeBytes();
    this.#free.remove({});
    if (free !== null) this.#free.set(free);
    if (reading) this.#set(reading);
    return this.#registry.metrics();
  }

  #set({ figures, vitals, connections }: Reading): void {
    const gauges = this.#gauges;
    const { received: _, ...events } = figures.events;
    for (const [state, count] of Object.entries(events)) gauges.events.set({ state }, count);
    for (const [state, count] of Object.entries(figures.deliveries)) gauges.deliveries.set({ state }, count);
    for (const [kind, count] of Object.entries(figures.documents)) gauges.documents.set({ kind }, count);
    for (const { cause, count } of figures.exceptions) gauges.exceptions.inc({ cause: this.#causes.of(cause) }, count);
    for (const { currency, minor } of figures.exceptions)
      if (currency !== null) gauges.stake.inc({ currency: this.#currencies.of(currency) }, Number(minor));
    gauges.oldest.set(vitals.oldestWaitingSeconds);
    gauges.oldestEvent.set(vitals.oldestUnroutedSeconds);
    gauges.unsealed.set(vitals.unsealedAudit);
    gauges.nodes.set(vitals.liveNodes);
    for (const { name, state } of connections)
      gauges.paused.set({ connection: this.#connections.of(name) }, state === 'paused' ? 1 : 0);
  }
}
