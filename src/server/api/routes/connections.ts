import { type Static, Type } from 'typebox';
import { HubError } from '../../../core/errors.ts';
import { checkConnection } from '../../../engine/check.ts';
import { setConnection } from '../../../engine/connections.ts';
import { appendAudit } from '../../../ledger/audit.ts';
import { type ConnectionState, connectionStates } from '../../../ledger/connections.ts';
import { paged } from '../cursor.ts';
import { type ApiParts, type Call, route } from '../route.ts';
import { CheckView, ConnectionView, entityQuery, exact, Name, pageOf, pageQuery, Reason } from '../schemas.ts';
import { iso } from '../shapes.ts';

const NameParams = exact({ name: Name });
const LONGEST_CHECK = 60_000;

async function find({ ledger, params: { name } }: Call<{ name: string }>): Promise<ConnectionState> {
  const row = (await ledger.transaction(connectionStates)).find((state) => state.name === name);
  if (!row) throw new HubError('CONNECTION_UNKNOWN', `there is no connection '${name}'`);
  return row;
}

function view({ estate }: ApiParts, row: ConnectionState): Static<typeof ConnectionView> {
  const connection = Object.hasOwn(estate.connections, row.name) ? estate.connections[row.name] : undefined;
  return {
    name: row.name,
    entity: row.entity,
    connector: row.connector,
    state: row.state,
    reason: row.reason,
    changedAt: iso(row.changed_at),
    sources: Object.values(connection?.sources ?? {}).map(({ name }) => name),
    sinks: Object.values(connection?.sinks ?? {}).map(({ name }) => name),
    inEstate: connection !== undefined,
  };
}

const write = {
  access: { scopes: ['connections:write'] },
  tag: 'Connections',
  params: NameParams,
  body: exact({ reason: Reason }),
  writes: true,
  answer: ConnectionView,
} as const;

async function set(call: Call<{ name: string }, unknown, { reason: string }>, state: ConnectionState['state']) {
  await setConnection(call.ledger, call.params.name, state, call.decision(call.body.reason));
  return view(call.parts, await find(call));
}

/** Checks under way, by connection: who asks meanwhile gets the same answer. */
const checking = new WeakMap<ApiParts, Map<string, ReturnType<typeof checkConnection>>>();

function checkOnce(parts: ApiParts, name: string): ReturnType<typeof checkConnection> {
  const running = checking.get(parts) ?? new Map<string, ReturnType<typeof checkConnection>>();
  checking.set(parts, running);
  const check =
    running.get(name) ??
    checkConnection(parts, name, AbortSignal.timeout(LONGEST_CHECK)).finally(() => running.delete(name));
  running.set(name, check);
  return check;
}

export const connectionRoutes = [
  route({
    method: 'GET',
    path: '/connections',
    access: { scopes: ['read'] },
    tag: 'Connections',
    summary: 'Connections and their states',
    query: exact({ ...pageQuery, ...entityQuery }),
    answer: pageOf(ConnectionView),
    run: (call) =>
      paged(
        call,
        async (after: string | null, limit) =>
          (await call.ledger.transaction(connectionStates))
            .filter(({ name, entity }) => (after === null || name > after) && entity === (call.query.entity ?? entity))
            .sort((a, b) => (a.name < b.name ? -1 : 1))
            .slice(0, limit),
        ({ name }) => name,
        (rows) => rows.map((row) => view(call.parts, row)),
      ),
  }),
  route({
    method: 'GET',
    path: '/connections/:name',
    access: { scopes: ['read'] },
    tag: 'Connections',
    summary: 'One connection',
    params: NameParams,
    answer: ConnectionView,
    run: async (call) => view(call.parts, await find(call)),
  }),
  route({
    method: 'GET',
    path: '/connections/:name/contract',
    access: { scopes: ['read'] },
    tag: 'Connections',
    summary: 'The OpenAPI document of what the system and the hub say to each other, where that contract is ours',
    params: NameParams,
    answer: Type.Record(Type.String(), Type.Unknown()),
    run: async (call) => {
      const { name } = await find(call);
      const contract = call.parts.estate.connections[name]?.contract;
      if (!contract) throw new HubError('NOT_FOUND', `connection '${name}' has no contract of ours`);
      return { ...contract };
    },
  }),
  route({
    ...write,
    method: 'POST',
    path: '/connections/:name/pause',
    summary: 'Stop reading from and writing to a connection; what is owed waits',
    run: (call) => set(call, 'paused'),
  }),
  route({
    ...write,
    method: 'POST',
    path: '/connections/:name/resume',
    summary: 'Go on where it stopped',
    run: (call) => set(call, 'active'),
  }),
  route({
    method: 'POST',
    path: '/connections/:name/test',
    access: { scopes: ['connections:write'] },
    tag: 'Connections',
    summary: 'Ask the system behind a connection for its settings, connectivity, rights and versions',
    about: 'Reads only, at most 60 seconds. It changes nothing, so an Idempotency-Key is not used.',
    params: NameParams,
    slow: true,
    answer: CheckView,
    run: async (call) => {
      const { name, entity } = await find(call);
      const findings = await checkOnce(call.parts, name);
      const errors = findings.filter(({ level }) => level === 'error').length;
      await call.ledger.transaction((sql) =>
        appendAudit(sql, [
          { entity, actor: call.actor, action: 'connection.tested', object: `connection:${name}`, detail: { errors } },
        ]),
      );
      return {
        connection: name,
        ok: errors === 0,
        findings: findings.map(({ level, subject, message, hint = null }) => ({ level, subject, message, hint })),
      };
    },
  }),
];
