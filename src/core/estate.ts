import type { Connection, Sink, Source } from './connector.ts';
import { HubError } from './errors.ts';
import type { Flow } from './flow.ts';

/** A retailer's systems and the flows between them: what `crossdock.config.ts` exports. */
export interface Estate {
  readonly name: string;
  readonly connections: Readonly<Record<string, Connection>>;
  readonly flows: readonly AnyFlow[];
}

// biome-ignore lint/suspicious/noExplicitAny: flows of every native type and document side by side; each was checked where it was defined
export type AnyFlow = Flow<any, any, any>;

/** A secret of the estate: its name only, never its value. */
export interface Secret {
  readonly secret: string;
}

/** Names a secret; read from the secret store, else from the environment, when a call needs it. */
export const secret = (name: string): Secret => ({ secret: name });

export interface SourcePort {
  readonly connection: string;
  readonly source: Source<unknown>;
}
export interface SinkPort {
  readonly connection: string;
  readonly sink: Sink;
}

/** Checks names and wiring. Throws HubError CONFIG_INVALID naming the flow and what is wrong. */
export function defineEstate(estate: Estate): Estate {
  for (const name of Object.keys(estate.connections))
    if (!/^[a-z][a-z0-9-]{0,39}$/.test(name))
      throw new HubError(
        'CONFIG_INVALID',
        `connection '${name}': names are lower-case letters, digits and hyphens, at most 40, starting with a letter`,
      );
  for (const [name, connection] of Object.entries(estate.connections)) checkTopics(name, connection);
  const ids = new Set<string>();
  for (const flow of estate.flows) {
    if (ids.has(flow.id)) throw new HubError('CONFIG_INVALID', `two flows are called '${flow.id}'`);
    ids.add(flow.id);
    const { source } = sourceOf(estate, flow);
    if (source.kind === 'webhook' && source.feeds !== undefined)
      throw new HubError(
        'CONFIG_INVALID',
        `flow '${flow.id}' reads from webhook '${source.name}', which feeds another`,
        {
          hint: `read from the poll source '${source.feeds}': what the webhook brings counts as that source's`,
        },
      );
    for (const kind of Object.keys(flow.to)) sinkOf(estate, flow, kind);
  }
  return estate;
}

/** Names are told apart, topics stand in addresses, and what a webhook feeds must be there to be fed. */
function checkTopics(connection: string, { sources }: Connection): void {
  const topics = new Set<string>();
  const names = new Set<string>();
  for (const source of Object.values(sources)) {
    if (names.has(source.name))
      throw new HubError('CONFIG_INVALID', `connection '${connection}': two sources are called '${source.name}'`);
    names.add(source.name);
    if (source.kind !== 'webhook') continue;
    const { topic, feeds } = source;
    const wrong = (what: string) =>
      new HubError('CONFIG_INVALID', `connection '${connection}', webhook topic '${topic}': ${what}`);
    if (!/^[a-z][a-z0-9-]{0,39}$/.test(topic))
      throw wrong('topics are lower-case letters, digits and hyphens, at most 40, starting with a letter');
    if (topics.has(topic)) throw wrong('two sources have this topic');
    topics.add(topic);
    if (feeds !== undefined && !Object.values(sources).some(({ kind, name }) => kind === 'poll' && name === feeds))
      throw wrong(`it feeds '${feeds}', which is no poll source of this connection`);
  }
}

export function sourceOf(estate: Estate, flow: AnyFlow): SourcePort {
  for (const [connection, { sources }] of Object.entries(estate.connections))
    for (const source of Object.values(sources)) if (source === flow.from) return { connection, source };
  throw new HubError('CONFIG_INVALID', `flow '${flow.id}' reads from a source whose connection is not in the estate`, {
    hint: 'add the connection to `connections` and use its own source',
  });
}

export function sinkOf(estate: Estate, flow: AnyFlow, kind: string): SinkPort {
  const wanted = flow.to[kind] as Sink | undefined;
  for (const [connection, { sinks }] of Object.entries(estate.connections))
    for (const sink of Object.values(sinks)) if (sink === wanted) return { connection, sink };
  throw new HubError(
    'CONFIG_INVALID',
    `flow '${flow.id}' sends '${kind}' to a sink whose connection is not in the estate`,
    {
      hint: 'add the connection to `connections` and use its own sink',
    },
  );
}
