import { type Approval, checkApprovals } from './approval.ts';
import { type Duration, milliseconds } from './clock.ts';
import type { Connection, Sink, Source } from './connector.ts';
import type { AnyDocumentType } from './document.ts';
import { HubError } from './errors.ts';
import type { Flow } from './flow.ts';
import type { LookupRule } from './lookup.ts';
import { knownZone } from './moment.ts';
import { checkOwners } from './owners.ts';

/** A retailer's systems and the flows between them: what `crossdock.config.ts` exports. */
export interface Estate {
  readonly name: string;
  readonly connections: Readonly<Record<string, Connection>>;
  readonly flows: readonly AnyFlow[];
  /** Simple reads that are answered at once: `GET /api/v1/lookups/{id}`. */
  readonly lookups?: readonly LookupRule[];
  /** Of flows, by their id, that use sinks which cannot promise one effect by themselves (`find-first`, `unsafe`): without it the hub does not start. */
  readonly approvals?: Readonly<Record<string, Approval>>;
  /** How long the ledger keeps what is finished. */
  readonly retention?: Retention;
}

/** By class of data; what is not named has its default. Nothing that still waits or stands at an open Exception goes, however old it is. */
export interface Retention {
  /** Raw records as they arrived, and what targets answered: '30d'. */
  readonly payload?: Duration;
  /** Finished events and deliveries, earlier versions of documents, closed Exceptions: '400d'. Goes by the month. */
  readonly history?: Duration;
  /** Keys by which a record is known when it comes again: '400d'; not shorter than 30 days. */
  readonly seen?: Duration;
  /** The record of every decision: '3650d'. Goes by the month. */
  readonly audit?: Duration;
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
  checkRetention(estate.retention ?? {});
  checkLookups(estate);
  const ids = new Set<string>();
  for (const flow of estate.flows) {
    if (ids.has(flow.id)) throw new HubError('CONFIG_INVALID', `two flows are called '${flow.id}'`);
    ids.add(flow.id);
    if (flow.latency !== 'realtime') knownZone(flow.latency.zone, `flow '${flow.id}'`);
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
  checkKeys(estate);
  checkOwners(
    estate.flows.map((flow) => ({
      flow,
      from: sourceOf(estate, flow).connection,
      to: Object.fromEntries(Object.keys(flow.to).map((kind) => [kind, sinkOf(estate, flow, kind)])),
    })),
  );
  checkApprovals(estate);
  return estate;
}

/** Several flows may carry one kind: its keys are personal for all of them or for none. */
function checkKeys({ flows }: Estate): void {
  const known = new Map<string, string>();
  for (const flow of flows)
    for (const { name, keyClassification } of flow.documents as readonly AnyDocumentType[]) {
      if ((known.get(name) ?? keyClassification) !== keyClassification)
        throw new HubError(
          'CONFIG_INVALID',
          `flow '${flow.id}' and another one differ on whether keys of '${name}' are personal`,
        );
      known.set(name, keyClassification);
    }
}

/** Names are told apart, topics stand in addresses, and what a webhook feeds must be there to be fed. */
function checkTopics(connection: string, { sources, inquiries = [] }: Connection): void {
  const topics = new Set<string>();
  const names = new Set<string>();
  const taken = (topic: string, kind: string): void => {
    const wrong = (what: string) =>
      new HubError('CONFIG_INVALID', `connection '${connection}', ${kind} topic '${topic}': ${what}`);
    if (!/^[a-z][a-z0-9-]{0,39}$/.test(topic))
      throw wrong('topics are lower-case letters, digits and hyphens, at most 40, starting with a letter');
    if (topics.has(topic)) throw wrong('two sources have this topic');
    topics.add(topic);
  };
  for (const { topic } of inquiries) taken(topic, 'inquiry');
  for (const source of Object.values(sources)) {
    if (names.has(source.name))
      throw new HubError('CONFIG_INVALID', `connection '${connection}': two sources are called '${source.name}'`);
    names.add(source.name);
    if (source.kind !== 'webhook') continue;
    const { topic, feeds } = source;
    taken(topic, 'webhook');
    if (feeds !== undefined && !Object.values(sources).some(({ kind, name }) => kind === 'poll' && name === feeds))
      throw new HubError(
        'CONFIG_INVALID',
        `connection '${connection}', webhook topic '${topic}': it feeds '${feeds}', which is no poll source of this connection`,
      );
  }
}

function checkLookups(estate: Estate): void {
  const ids = new Set<string>();
  for (const rule of estate.lookups ?? []) {
    const wrong = (what: string) => new HubError('CONFIG_INVALID', `lookup '${rule.id}': ${what}`);
    if (!/^[a-z][a-z0-9-]{0,39}$/.test(rule.id))
      throw wrong('ids are lower-case letters, digits and hyphens, at most 40, starting with a letter');
    if (ids.has(rule.id)) throw wrong('two have this id');
    ids.add(rule.id);
    if (milliseconds(rule.stale) < milliseconds(rule.fresh))
      throw wrong(`'stale' (${rule.stale}) cannot be shorter than 'fresh' (${rule.fresh})`);
    const asked = estate.connections[lookupConnection(estate, rule)]!;
    for (const { question } of rule.answers ?? []) {
      const asker = Object.entries(estate.connections).find(([, { questions }]) =>
        Object.values(questions ?? {}).includes(question),
      );
      if (!asker) throw wrong(`it answers question '${question.name}' of a connection that is not in the estate`);
      const [name, { entity }] = asker;
      if (entity !== asked.entity)
        throw wrong(`it would tell '${name}' (${entity}) what belongs to ${asked.entity}: no entity sees another's`);
      if (question.gives.name !== rule.from.gives.name)
        throw wrong(`it gives '${rule.from.gives.name}', and '${name}' asks for '${question.gives.name}'`);
    }
  }
}

/** The connection whose look-up a rule asks. */
export function lookupConnection(estate: Estate, rule: LookupRule): string {
  for (const [connection, { lookups }] of Object.entries(estate.connections))
    if (Object.values(lookups ?? {}).includes(rule.from)) return connection;
  throw new HubError('CONFIG_INVALID', `lookup '${rule.id}' asks a system whose connection is not in the estate`, {
    hint: 'add the connection to `connections` and use its own look-up',
  });
}

const SHORTEST = { payload: '1d', history: '31d', seen: '30d', audit: '365d' } as const;

function checkRetention(retention: Retention): void {
  for (const [name, least] of Object.entries(SHORTEST)) {
    const asked = retention[name as keyof Retention];
    if (asked !== undefined && milliseconds(asked) < milliseconds(least))
      throw new HubError('CONFIG_INVALID', `retention of '${name}' is ${asked}; it cannot be shorter than ${least}`);
  }
  if (retention.history !== undefined && milliseconds(retention.history) < milliseconds(retention.payload ?? '30d'))
    throw new HubError('CONFIG_INVALID', "retention of 'history' cannot be shorter than that of 'payload'");
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
