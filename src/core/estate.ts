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
  const ids = new Set<string>();
  for (const flow of estate.flows) {
    if (ids.has(flow.id)) throw new HubError('CONFIG_INVALID', `two flows are called '${flow.id}'`);
    ids.add(flow.id);
    sourceOf(estate, flow);
    for (const kind of Object.keys(flow.to)) sinkOf(estate, flow, kind);
  }
  return estate;
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
