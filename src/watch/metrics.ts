import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Log } from '../core/connector.ts';
import type { Reading } from './reading.ts';

/** Most different values that one label may have; what comes after them is counted as `other`. */
const MOST_VALUES = 100;
const SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 150];

/** Keeps labels few and free of data: names as the estate and the connectors write them, all else is `other`. */
class LabelValues {
  readonly #seen = new Set<string>();

  of(value: unknown): string {
    if (typeof value !== 'string' || !/^[a-z][\w.:-]{0,63}$/i.test(value)) return 'other';
    if (!this.#seen.has(value) && this.#seen.size >= MOST_VALUES) return 'other';
    this.#seen.add(value);
    return value;
  }
}

/**
 * What Prometheus reads: `crossdock_*`. Gauges are set from a Reading of the ledger and are therefore the same on every node; attempts and the
 * process's own figures are this node's.
 */
export class Metrics {
  readonly #registry = new Registry();
  readonly #connections = new LabelValues();
  readonly #sinks = new LabelValues();
  readonly #outcomes = new LabelValues();
  readonly #causes = new LabelValues();
  readonly #gauges: Record<
    'up' | 'events' | 'deliveries' | 'documents' | 'exceptions' | 'oldest' | 'unsealed' | 'nodes' | 'paused',
    Gauge
  >;
  readonly #attempts: Counter;
  readonly #attemptSeconds: Histogram;
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
      oldest: gauge(
        'oldest_waiting_delivery_seconds',
        'Age of the oldest delivery that has not arrived and is not held',
      ),
      unsealed: gauge('unsealed_audit_records', 'Audit records that the chain does not hold yet'),
      nodes: gauge('live_nodes', 'Hub processes seen within the last 30 seconds'),
      paused: gauge('connection_paused', '1 while the connection is paused', 'connection'),
    };
    this.#attempts = new Counter({
      name: 'crossdock_delivery_attempts_total',
      help: 'Attempts of this node by what came of them',
      labelNames: ['connection', 'sink', 'outcome'],
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
  }

  /** A Log that passes everything on to `log` and counts lines `delivery.attempted` and `intake.answered`, also those that the level leaves out. */
  observe(log: Log): Log {
    const heard =
      (level: keyof Log) =>
      (message: string, fields?: Record<string, unknown>): void => {
        if (message === 'delivery.attempted' && fields) this.#count(fields);
        if (message === 'intake.answered' && fields) this.#countIntake(fields);
        log[level](message, fields);
      };
    return { debug: heard('debug'), info: heard('info'), warn: heard('warn'), error: heard('error') };
  }

  #count({ connection, sink, outcome, elapsedMs }: Record<string, unknown>): void {
    const port = { connection: this.#connections.of(connection), sink: this.#sinks.of(sink) };
    this.#attempts.inc({ ...port, outcome: this.#outcomes.of(outcome) });
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
    gauges.oldest.set(vitals.oldestWaitingSeconds);
    gauges.unsealed.set(vitals.unsealedAudit);
    gauges.nodes.set(vitals.liveNodes);
    for (const { name, state } of connections)
      gauges.paused.set({ connection: this.#connections.of(name) }, state === 'paused' ? 1 : 0);
  }
}
