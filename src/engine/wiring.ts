import type { Connection, Sink, Source, WebhookSource } from '../core/connector.ts';
import type { AnyDocumentType } from '../core/document.ts';
import { HubError } from '../core/errors.ts';
import { type AnyFlow, type Estate, lookupConnection, sinkOf, sourceOf } from '../core/estate.ts';
import type { Inquiry } from '../core/lookup.ts';
import { sha256 } from '../core/seal.ts';
import { SHARDS } from '../ledger/events.ts';

export interface SourcePort {
  connection: string;
  entity: string;
  source: Source<unknown>;
  flows: AnyFlow[];
}

/** Whether each record of the source tells its subject whole, later than all before it. */
export const isWhole = ({ source }: SourcePort): boolean => source.kind === 'poll' && source.whole === true;

/** An address that receives: what comes in is stored as `storeAs`, a source that some flow reads. */
export interface TopicPort {
  connection: string;
  source: WebhookSource<unknown>;
  storeAs: string;
  /** The lease under which the poll source is read that hints are about. */
  poller: string | null;
}

/** An address at which a system asks. */
export interface InquiryPort {
  connection: string;
  inquiry: Inquiry;
}

export interface SinkPort {
  connection: string;
  entity: string;
  sink: Sink;
  priority: number;
}

/** Ports that share one writer: at most one call that writes is under way for them, in all hubs together. */
export interface WriterGroup {
  /** Name of the writer's lease, or null where each hub may write by itself. */
  lease: string | null;
  name: string;
  /** Highest priority first. */
  ports: SinkPort[];
}

/** Who reads what and sends where, worked out once from the estate. */
export interface Wiring {
  /** What flows read. */
  sources: SourcePort[];
  /** Of these, what the hub has to go and read: all but webhooks. */
  readers: SourcePort[];
  sinks: SinkPort[];
  writers: WriterGroup[];
  flowsOf(connection: string, source: string): AnyFlow[];
  /** Flows that write to a sink. */
  flowsTo(connection: string, sink: string): AnyFlow[];
  /** Where `POST /in/{connection}/{topic}` goes. Only topics that end in a flow are there: nothing is taken that nobody reads. */
  topic(connection: string, topic: string): TopicPort | undefined;
  /** Where a connection asks at `POST /in/{connection}/{topic}`. Only where some look-up answers it: nothing is asked that nobody answers. */
  inquiry(connection: string, topic: string): InquiryPort | undefined;
  flow(id: string): AnyFlow | undefined;
  /** What flows carry, one of each kind. */
  types: AnyDocumentType[];
  type(kind: string): AnyDocumentType | undefined;
  sink(flow: AnyFlow, kind: string): SinkPort;
  /** Whether a flow that reads from the connection, or a look-up that asks it, heeds what takes of a kind are on their way there. */
  heeded(connection: string, kind: string): boolean;
  /** Whether what has arrived there stays in flight until a reading for some flow has counted it. */
  lands(connection: string): boolean;
  /** Sources whose records tell all that earlier ones of their subject do. */
  wholes: { connection: string; source: string }[];
  /** Whether any flow heeds anything. */
  heeds: boolean;
  port(connection: string, sink: string): SinkPort | undefined;
  /** Flows that read records of a kind from a connection. */
  readersOf(connection: string, kind: string): AnyFlow[];
  /** Flows that write records of a kind to a connection, each to its sink. */
  writersTo(connection: string, kind: string): { flow: AnyFlow; port: SinkPort }[];
}

export function wire(estate: Estate): Wiring {
  const sources = new Map<string, SourcePort>();
  const sinks = new Map<string, SinkPort>();
  const entity = (connection: string): string => (estate.connections[connection] as Connection).entity;
  for (const flow of estate.flows) {
    const { connection, source } = sourceOf(estate, flow);
    const id = `${connection} ${source.name}`;
    const port = sources.get(id) ?? { connection, entity: entity(connection), source, flows: [] };
    port.flows.push(flow);
    sources.set(id, port);
    for (const kind of Object.keys(flow.to)) {
      const target = sinkOf(estate, flow, kind);
      const sinkId = `${target.connection} ${target.sink.name}`;
      const priority = flow.priority?.[kind] ?? 0;
      const known = sinks.get(sinkId);
      if (known) known.priority = Math.max(known.priority, priority);
      else sinks.set(sinkId, { ...target, entity: entity(target.connection), priority });
    }
  }
  const topics = topicPorts(estate, sources);
  const inquiries = inquiryPorts(estate);
  const types = new Map<string, AnyDocumentType>();
  for (const { documents } of estate.flows) for (const type of documents) types.set(type.name, type);
  const portOf = (flow: AnyFlow, kind: string): SinkPort => {
    const target = sinkOf(estate, flow, kind);
    return sinks.get(`${target.connection} ${target.sink.name}`)!;
  };
  const heeded = heededKinds([...sources.values()]);
  const landing = new Set([...heeded].map((id) => id.split(' ')[0]));
  const heeds = heeded.size > 0;
  for (const rule of estate.lookups ?? [])
    for (const kind of rule.from.heeds ?? []) heeded.add(`${lookupConnection(estate, rule)} ${kind}`);
  const kindsOf = (flow: AnyFlow): string[] => Object.keys(flow.to);
  return {
    sources: [...sources.values()],
    readers: [...sources.values()].filter(({ source }) => source.kind !== 'webhook'),
    sinks: [...sinks.values()],
    writers: writerGroups(estate, [...sinks.values()]),
    flowsOf: (connection, source) => sources.get(`${connection} ${source}`)?.flows ?? [],
    flowsTo: (connection, sink) =>
      estate.flows.filter((flow) =>
        kindsOf(flow)
          .map((kind) => portOf(flow, kind))
          .some((port) => port.connection === connection && port.sink.name === sink),
      ),
    topic: (connection, topic) => topics.get(`${connection} ${topic}`),
    inquiry: (connection, topic) => inquiries.get(`${connection} ${topic}`),
    flow: (id) => estate.flows.find((flow) => flow.id === id),
    types: [...types.values()],
    type: (kind) => types.get(kind),
    sink: portOf,
    wholes: [...sources.values()]
      .filter(isWhole)
      .map(({ connection, source }) => ({ connection, source: source.name })),
    heeds,
    heeded: (connection, kind) => heeded.has(`${connection} ${kind}`),
    lands: (connection) => landing.has(connection),
    port: (connection, sink) => sinks.get(`${connection} ${sink}`),
    readersOf: kept((connection, kind) =>
      [...sources.values()]
        .filter((port) => port.connection === connection)
        .flatMap(({ flows }) => flows.filter((flow) => kindsOf(flow).includes(kind))),
    ),
    writersTo: kept((connection, kind) =>
      estate.flows
        .filter((flow) => kindsOf(flow).includes(kind))
        .map((flow) => ({ flow, port: portOf(flow, kind) }))
        .filter(({ port }) => port.connection === connection),
    ),
  };
}

/** What landed is known from one complete reading, so one polled source of a connection may have flows that heed something. */
function heededKinds(ports: readonly SourcePort[]): Set<string> {
  const kinds = new Set<string>();
  const sources = new Map<string, string>();
  for (const { connection, source, flows } of ports)
    for (const { id, heeds } of flows) {
      if (heeds === undefined) continue;
      if (source.kind !== 'poll' || (sources.get(connection) ?? source.name) !== source.name)
        throw new HubError(
          'CONFIG_INVALID',
          `flow '${id}' heeds what is in flight: it must read a polled source, the only one of '${connection}' whose flows do`,
        );
      sources.set(connection, source.name);
      for (const kind of heeds.kinds) kinds.add(`${connection} ${kind}`);
    }
  return kinds;
}

/** Asked of every document: worked out once per connection and kind. */
function kept<T>(work: (connection: string, kind: string) => T): (connection: string, kind: string) => T {
  const known = new Map<string, T>();
  return (connection, kind) => {
    const id = `${connection} ${kind}`;
    const value = known.get(id) ?? work(connection, kind);
    known.set(id, value);
    return value;
  };
}

/** The name of the lease under which one source is read, by one hub at a time. */
export const pollerLease = (port: { connection: string; source: { name: string } }): string =>
  `poller:${port.connection}:${port.source.name}`;

function topicPorts(estate: Estate, read: ReadonlyMap<string, SourcePort>): Map<string, TopicPort> {
  const topics = new Map<string, TopicPort>();
  for (const [connection, { sources }] of Object.entries(estate.connections))
    for (const source of Object.values(sources)) {
      if (source.kind !== 'webhook') continue;
      const storeAs = source.feeds ?? source.name;
      const port = read.get(`${connection} ${storeAs}`);
      if (!port) continue;
      const poller = source.feeds === undefined ? null : pollerLease(port);
      topics.set(`${connection} ${source.topic}`, { connection, source, storeAs, poller });
    }
  return topics;
}

function inquiryPorts({ connections, lookups = [] }: Estate): Map<string, InquiryPort> {
  const answered = new Set(lookups.flatMap(({ answers = [] }) => answers.map(({ question }) => question)));
  const ports = new Map<string, InquiryPort>();
  for (const [connection, { questions, inquiries = [] }] of Object.entries(connections))
    if (Object.values(questions ?? {}).some((question) => answered.has(question)))
      for (const inquiry of inquiries) ports.set(`${connection} ${inquiry.topic}`, { connection, inquiry });
  return ports;
}

function writerGroups(estate: Estate, ports: SinkPort[]): WriterGroup[] {
  const groups = new Map<string, WriterGroup>();
  for (const port of [...ports].sort((a, b) => b.priority - a.priority)) {
    const writer = estate.connections[port.connection]!.writer;
    // Without a writer of its own each sink goes at its own pace: a slow call to one holds up no other.
    const name = writer ?? `${port.connection} ${port.sink.name}`;
    const group = groups.get(name) ?? { name, lease: writer === undefined ? null : `writer:${writer}`, ports: [] };
    group.ports.push(port);
    groups.set(name, group);
  }
  return [...groups.values()];
}

/** The shard in which a subject's events are routed, 0 to SHARDS − 1. */
export const shardOf = (connection: string, subject: string): number =>
  sha256(`${connection}\n${subject}`).readUInt16BE(0) % SHARDS;
