import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import fastify, { type FastifyInstance, type InjectOptions } from 'fastify';
import { Type } from 'typebox';
import { type Clock, systemClock } from '../../src/core/clock.ts';
import type { Connection, Log, PollSource, Sink } from '../../src/core/connector.ts';
import { classified, defineDocument } from '../../src/core/document.ts';
import { type AnyFlow, defineEstate } from '../../src/core/estate.ts';
import { rejected } from '../../src/core/fault.ts';
import { defineFlow } from '../../src/core/flow.ts';
import type { Lookup, LookupRule } from '../../src/core/lookup.ts';
import { Hub } from '../../src/engine/hub.ts';
import { createToken, type TokenScope } from '../../src/guard/tokens.ts';
import { addApi } from '../../src/server/api/index.ts';
import { answerError } from '../../src/server/problem.ts';
import { connectionOf, drained, silent, type TestLedger, testLedger } from './hub.ts';

const Person = defineDocument({
  name: 'person',
  version: '1.0',
  schema: Type.Object({
    id: Type.String(),
    name: Type.String(classified('personal')),
    email: Type.Union([Type.String(), Type.Null()], classified('personal')),
    iban: Type.String(classified('payment')),
    country: Type.String(),
  }),
  key: (person) => person.id,
});

/** The same, by a key that tells who it is. */
const Member = defineDocument({ ...Person, name: 'member', keyClassification: 'personal' });

const Ticket = defineDocument({
  name: 'ticket',
  version: '1.0',
  schema: Type.Object({ id: Type.String(), person: Type.String(), n: Type.Integer() }),
  key: (ticket) => ticket.id,
  references: (ticket) => [['ticket', `T-${ticket.id}`]],
  needs: (ticket) => [['person', ticket.person]],
  measure: (ticket) => ({ lines: 1, currency: 'EUR', minor: BigInt(ticket.n), absolute: BigInt(Math.abs(ticket.n)) }),
});

type Trap = 'object' | 'hold' | 'break' | null;

interface NativeTicket {
  id: string;
  n: number;
  person: { id: string; name: string; email: string | null; iban: string; country: string };
  trap: Trap;
}

/** n = 13 is refused by the target in words that name the person. */
const REFUSED = 13;

/** One entity's half of the estate: a source, a target and a flow of its own. */
function half(entity: string): {
  connections: Record<string, Connection>;
  flow: AnyFlow;
  lookups: LookupRule[];
  people: Map<string, string>;
} {
  const people = new Map<string, string>();
  const source: PollSource<NativeTicket> = {
    kind: 'poll',
    name: 'tickets',
    every: '1h',
    async *pull() {},
    decode: (bytes) => JSON.parse(new TextDecoder().decode(bytes)),
  };
  const common = {
    settle: 0,
    deadline: '5s',
    idempotency: 'overwrite',
    batch: { max: 1, onFailure: 'independent' },
  } as const;
  const persons: Sink<typeof Person> = {
    ...common,
    name: 'persons',
    accepts: Person,
    deliver: async (items) =>
      items.map(({ key, document }) => {
        people.set(key, document.name);
        return { outcome: 'done', id: `${entity}-p-${key}` };
      }),
  };
  const tickets: Sink<typeof Ticket> = {
    ...common,
    name: 'tickets',
    accepts: Ticket,
    deliver: async (items) =>
      items.map(({ key, document }) =>
        document.n === REFUSED
          ? {
              outcome: 'failed',
              fault: rejected(`${people.get(document.person)} may not buy number 13.`, 'unlucky').fault,
            }
          : { outcome: 'done', id: `${entity}-t-${key}` },
      ),
  };
  const flow = defineFlow({
    id: `tickets-${entity}`,
    about: `tickets of ${entity}`,
    documents: [Person, Ticket],
    from: source,
    to: { person: persons, ticket: tickets },
    latency: 'realtime',
    promise: { within: '1m', critical: false },
    onException: { owner: `ops-${entity}`, within: '1d', hold: 'lane' },
    fallback: 'none',
    mappings: [
      { table: 'codes', owner: `owner-${entity}`, about: `codes of ${entity}`, rows: { [`code-${entity}`]: 'x' } },
    ],
    translate: ({ trap, ...native }: NativeTicket, look) => {
      if (trap === 'hold' && look.decision === null) throw rejected('Number missing at the source.', 'no-number');
      if (trap === 'break') throw new Error(`cannot read ${native.person.name}`);
      const { id, n, person } = native;
      return {
        outcome: 'routed' as const,
        documents: [
          { kind: 'person' as const, body: person },
          { kind: 'ticket' as const, body: { id, n, person: person.id } },
        ],
        ...(trap === 'object' && look.decision === null
          ? {
              objections: [
                {
                  cause: 'odd',
                  message: 'Is this twice?',
                  measure: { lines: 1, currency: 'EUR', minor: 1n, absolute: 1n },
                },
              ],
            }
          : {}),
      };
    },
  });
  const lookup: Lookup<typeof Person> = {
    name: 'people',
    gives: Person,
    batch: 10,
    look: async (keys) =>
      keys.map((id) => {
        if (id === 'away') throw new Error('the target is away');
        if (id === 'odd') return rejected('odd, says jane@example.org', 'odd');
        const name = people.get(id);
        return name === undefined ? null : { id, name, email: null, iban: `iban of ${name}`, country: 'NL' };
      }),
  };
  const members: Lookup<typeof Member> = { ...lookup, name: 'members', gives: Member };
  const rule = { about: `people of ${entity}`, fresh: '1m', stale: '1h', within: '5s' } as const;
  const check: Connection['check'] = async function* () {
    yield { level: 'ok', subject: 'rights', message: `all rights in ${entity}` };
  };
  return {
    connections: {
      [`from-${entity}`]: connectionOf({ entity, sources: { tickets: source } }),
      [`target-${entity}`]: connectionOf({
        entity,
        sinks: { persons, tickets } as never,
        lookups: { lookup, members },
        check,
      }),
    },
    flow,
    lookups: [
      { id: `people-${entity}`, from: lookup, ...rule },
      { id: `members-${entity}`, from: members, ...rule },
    ],
    people,
  };
}

/** A defect must not hide behind its 500. */
const loud: Log = { ...silent, error: (message, fields) => console.error(message, fields) };

interface Answer {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape; the schemas are checked by the server itself
  body: any;
  text: string;
  headers: Record<string, unknown>;
}

export interface ApiWorld {
  ledger: TestLedger;
  hub: Hub;
  app: FastifyInstance;
  /** Routes as Fastify registered them. */
  registered: { method: string; url: string; access: unknown }[];
  token(options?: { scopes?: readonly TokenScope[]; entities?: readonly string[]; name?: string }): Promise<string>;
  ask(
    method: 'GET' | 'POST' | 'HEAD',
    path: string,
    options: { token?: string; body?: unknown; headers?: Record<string, string> },
  ): Promise<Answer>;
  get(path: string, token: string): Promise<Answer>;
  post(path: string, token: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  send(entity: string, ticket: Partial<NativeTicket> & { id: string }): Promise<void>;
  drained(): Promise<void>;
}

export const everyScope: readonly TokenScope[] = [
  'read',
  'exceptions:write',
  'mappings:write',
  'connections:write',
  'lookups:read',
  'audit:read',
  'personal:read',
];

/** A running hub of two entities, `a` and `b`, and its API; answers are checked against their schemas. Ends with the test. */
export async function apiWorld(
  t: TestContext,
  options: { entities?: readonly string[]; env?: NodeJS.ProcessEnv; clock?: Clock } = {},
): Promise<ApiWorld> {
  const ledger = await testLedger();
  const entities = options.entities ?? ['a', 'b'];
  const halves = entities.map(half);
  const hub = new Hub({
    estate: defineEstate({
      name: 'two halves',
      connections: Object.assign({}, ...halves.map(({ connections }) => connections)),
      flows: halves.map(({ flow }) => flow),
      lookups: halves.flatMap(({ lookups }) => lookups),
    }),
    db: ledger.db,
    vault: ledger.vault,
    clock: systemClock,
    random: Math.random,
    log: silent,
    secret: () => 'secret',
    terms: { pollSeconds: 0.05, retrySeconds: [0.02, 0.2] },
  });
  await hub.start();
  const app = fastify({ logger: false });
  const registered: ApiWorld['registered'] = [];
  app.addHook('onRoute', ({ method, url, config }) => {
    for (const one of [method].flat()) registered.push({ method: one, url, access: config?.access });
  });
  app.removeAllContentTypeParsers();
  app.setErrorHandler(answerError(loud));
  const { clock = systemClock, env = {} } = options;
  addApi(app, { parts: hub.parts, clock, log: silent, env, version: '0.0.1', checkAnswers: true });
  await app.ready();
  t.after(async () => {
    await app.close();
    await hub.stop();
    await ledger.db.close();
  });
  const ask: ApiWorld['ask'] = async (method, url, { token, body, headers = {} }) => {
    const request: InjectOptions = {
      method,
      url: `/api/v1${url}`,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { payload: typeof body === 'string' ? body : JSON.stringify(body) }),
    };
    const answer = await app.inject(request);
    const text = answer.body;
    return { status: answer.statusCode, body: text === '' ? null : JSON.parse(text), text, headers: answer.headers };
  };
  let made = 0;
  return {
    ledger,
    hub,
    app,
    registered,
    ask,
    get: (path, token) => ask('GET', path, { token }),
    post: (path, token, body, headers = {}) =>
      ask('POST', path, { token, ...(body === undefined ? {} : { body }), headers }),
    token: async ({ scopes = everyScope, entities: wanted = ['*'], name } = {}) => {
      made += 1;
      const asked = { name: name ?? `t${made}`, scopes, entities: wanted, life: '1h' as const, by: 'test' };
      return (await createToken(ledger.db, asked)).token;
    },
    send: async (entity, { id, ...rest }) => {
      const native: NativeTicket = {
        n: 100,
        person: {
          id: `p-${id}`,
          name: `Jane ${id}`,
          email: `${id}@example.org`,
          iban: 'BE68539007547034',
          country: 'BE',
        },
        trap: null,
        ...rest,
        id,
      };
      await hub.intake.receive({
        connection: `from-${entity}`,
        source: 'tickets',
        incoming: {
          dedupeKey: `${id} ${Math.random()}`,
          subject: `ticket:${id}`,
          occurredAt: new Date(),
          bytes: new TextEncoder().encode(JSON.stringify(native)),
          measure: { lines: 1, currency: 'EUR', minor: BigInt(native.n), absolute: BigInt(native.n) },
          labels: { ticket: `L-${id}` },
        },
      });
    },
    drained: () => drained(hub),
  };
}

/** Options of a world of one entity. */
export const one = { entities: ['main'] as const };

/** A token, and a world in which tickets t1 and t2 arrived, `refused` stands at the target, `odd` and `held` at their flow. */
export async function busy(t: TestContext): Promise<{ world: ApiWorld; token: string }> {
  const world = await apiWorld(t, one);
  await world.send('main', { id: 't1' });
  await world.send('main', { id: 't2', n: 250 });
  await world.send('main', { id: 'refused', n: 13 });
  await world.send('main', { id: 'odd', trap: 'object' });
  await world.send('main', { id: 'held', trap: 'hold' });
  await world.drained();
  return { world, token: await world.token() };
}

/** Ids on a page of a list. */
export const idsOf = (page: { body: { items: { id: string }[] } }): string[] => page.body.items.map(({ id }) => id);

/** The one open Exception of a cause. */
export async function exceptionOf(world: ApiWorld, token: string, cause: string): Promise<string> {
  const { body } = await world.get(`/exceptions?cause=${cause}`, token);
  assert.equal(body.items.length, 1, cause);
  return body.items[0].id;
}
