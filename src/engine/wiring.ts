import { createHash } from 'node:crypto';
import type { Connection, Sink, Source } from '../core/connector.ts';
import { type AnyFlow, type Estate, sinkOf, sourceOf } from '../core/estate.ts';
import { SHARDS } from '../ledger/events.ts';

export interface SourcePort {
  connection: string;
  entity: string;
  source: Source<unknown>;
  flows: AnyFlow[];
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
  sources: SourcePort[];
  sinks: SinkPort[];
  writers: WriterGroup[];
  flowsOf(connection: string, source: string): AnyFlow[];
  flow(id: string): AnyFlow | undefined;
  sink(flow: AnyFlow, kind: string): SinkPort;
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
  const portOf = (flow: AnyFlow, kind: string): SinkPort => {
    const target = sinkOf(estate, flow, kind);
    return sinks.get(`${target.connection} ${target.sink.name}`)!;
  };
  const kindsOf = (flow: AnyFlow): string[] => Object.keys(flow.to);
  return {
    sources: [...sources.values()],
    sinks: [...sinks.values()],
    writers: writerGroups(estate, [...sinks.values()]),
    flowsOf: (connection, source) => sources.get(`${connection} ${source}`)?.flows ?? [],
    flow: (id) => estate.flows.find((flow) => flow.id === id),
    sink: portOf,
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

function writerGroups(estate: Estate, ports: SinkPort[]): WriterGroup[] {
  const groups = new Map<string, WriterGroup>();
  for (const port of [...ports].sort((a, b) => b.priority - a.priority)) {
    const writer = estate.connections[port.connection]!.writer;
    const name = writer ?? `connection ${port.connection}`;
    const group = groups.get(name) ?? { name, lease: writer === undefined ? null : `writer:${writer}`, ports: [] };
    group.ports.push(port);
    groups.set(name, group);
  }
  return [...groups.values()];
}

/** The shard in which a subject's events are routed, 0 to SHARDS − 1. */
export const shardOf = (connection: string, subject: string): number =>
  createHash('sha256').update(`${connection}\n${subject}`).digest().readUInt16BE(0) % SHARDS;
