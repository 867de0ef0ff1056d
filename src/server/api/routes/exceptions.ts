import { type Static, Type } from 'typebox';
import { HubError } from '../../../core/errors.ts';
import { FaultError } from '../../../core/fault.ts';
import { heldRecord } from '../../../engine/held.ts';
import { bindException, dismissException, editException, retryException } from '../../../engine/resolve.ts';
import type { Sql } from '../../../ledger/database.ts';
import { type DecidedException, exceptionById, pageOfExceptions } from '../../../ledger/pages/exceptions.ts';
import { paged, termsOf } from '../cursor.ts';
import { auditReading, maskedBody, maskedMessages, mayReadPersonal, messageOf } from '../personal.ts';
import { type ApiParts, type Call, route } from '../route.ts';
import {
  ExceptionDetail,
  ExceptionView,
  entityQuery,
  exact,
  exceptionStates,
  IdParams,
  Name,
  pageOf,
  pageQuery,
  Reason,
  sinceQuery,
} from '../schemas.ts';
import { exceptionView } from '../shapes.ts';

async function find(sql: Sql, id: string): Promise<DecidedException> {
  const row = await exceptionById(sql, id);
  if (!row) throw new HubError('NOT_FOUND', `there is no Exception ${id}`);
  return row;
}

async function views(parts: ApiParts, sql: Sql, rows: DecidedException[]): Promise<Static<typeof ExceptionView>[]> {
  const words = await maskedMessages(parts, sql, rows);
  return rows.map((row, index) => exceptionView(row, words[index]!));
}

/** Decides on an Exception and answers with what became of it. */
const decide = (
  call: Call<{ id: string }>,
  act: (row: DecidedException) => Promise<void>,
): Promise<Static<typeof ExceptionView>> =>
  call.ledger.transaction(async (sql) => {
    await act(await find(sql, call.params.id));
    return (await views(call.parts, sql, [await find(sql, call.params.id)]))[0]!;
  });

const acting = ({ parts: { vault, wiring, names }, ledger, bell }: Call) => ({
  vault,
  wiring,
  names,
  db: ledger,
  bell,
});
const write = {
  access: { scopes: ['exceptions:write'] },
  tag: 'Exceptions',
  params: IdParams,
  writes: true,
  answer: ExceptionView,
} as const;

export const exceptionRoutes = [
  route({
    method: 'GET',
    path: '/exceptions',
    access: { scopes: ['read'] },
    tag: 'Exceptions',
    summary: 'Exceptions, newest first; open ones unless `state` says otherwise',
    query: exact({
      ...pageQuery,
      ...entityQuery,
      ...sinceQuery,
      state: Type.Optional(Type.Enum([...exceptionStates, 'any'])),
      cause: Type.Optional(Name),
      flow: Type.Optional(Name),
      connection: Type.Optional(Name),
      kind: Type.Optional(Name),
      owner: Type.Optional(Name),
    }),
    answer: pageOf(ExceptionView),
    run: (call) => {
      const { state = 'open', cause = null, flow = null, connection = null, kind = null, owner = null } = call.query;
      return call.ledger.transaction((sql) =>
        paged(
          call,
          (before: string | null, limit) =>
            pageOfExceptions(sql, termsOf(call, before, limit), {
              state: state === 'any' ? null : state,
              cause,
              flow,
              connection,
              kind,
              owner,
            }),
          (row) => row.id,
          (rows) => views(call.parts, sql, rows),
        ),
      );
    },
  }),
  route({
    method: 'GET',
    path: '/exceptions/:id',
    access: { scopes: ['read'] },
    tag: 'Exceptions',
    summary: 'One Exception with the record it holds',
    about: 'With the scope personal:read the message and the record are shown as they are, and the reading is audited.',
    params: IdParams,
    answer: ExceptionDetail,
    run: (call) =>
      call.ledger.transaction(async (sql) => {
        const row = await find(sql, call.params.id);
        const [words] = await maskedMessages(call.parts, sql, [row]);
        const { record, reveals } = await recordOf(call, sql, row);
        const whole = mayReadPersonal(call.bearer);
        if (whole && (reveals || words!.masked)) await auditReading(call, sql, row.entity, `exception:${row.id}`);
        return {
          ...exceptionView(row, whole ? { message: messageOf(call.parts, row), masked: false } : words!),
          record,
        };
      }),
  }),
  route({
    ...write,
    method: 'POST',
    path: '/exceptions/:id/retry',
    summary: 'Try again what an Exception holds, as it is',
    body: exact({
      reason: Reason,
      answer: Type.Optional(
        Type.String({
          minLength: 1,
          maxLength: 100,
          description: 'The answer to what the flow asks, such as append or duplicate.',
        }),
      ),
    }),
    run: (call) =>
      decide(call, (row) =>
        retryException(acting(call), row, call.decision(call.body.reason), call.body.answer ?? null),
      ),
  }),
  route({
    ...write,
    method: 'POST',
    path: '/exceptions/:id/edit',
    summary: 'Change the record an Exception holds, then try again',
    body: exact({
      reason: Reason,
      set: Type.Record(Type.String({ pattern: '^(/[^/]*)+$' }), Type.Unknown(), {
        minProperties: 1,
        maxProperties: 200,
        description: 'JSON Pointers into the record and the new values, such as {"/lines/0/quantity": "2"}.',
      }),
    }),
    run: (call) =>
      decide(call, async (row) => {
        try {
          await editException(
            acting(call),
            row,
            call.decision(call.body.reason),
            new Map(Object.entries(call.body.set)),
          );
        } catch (error) {
          if (!(error instanceof FaultError)) throw error;
          throw new HubError('BAD_USE', error.message, { cause: error, hint: 'nothing was changed' });
        }
      }),
  }),
  route({
    ...write,
    method: 'POST',
    path: '/exceptions/:id/dismiss',
    summary: 'Decide that what an Exception stands for shall not be done',
    about:
      "With `boundTo` because the record is in the target already, under that id of the target's: it is bound to it, what waited for that goes on, and the Exception is `bound`.",
    body: exact({
      reason: Reason,
      boundTo: Type.Optional(
        Type.String({ minLength: 1, maxLength: 300, description: "The target's id of the record." }),
      ),
    }),
    run: (call) =>
      decide(call, (row) => {
        const { reason, boundTo } = call.body;
        return boundTo === undefined
          ? dismissException(acting(call), row, call.decision(reason))
          : bindException(acting(call), row, call.decision(reason), boundTo);
      }),
  }),
];

/** The held record as the bearer may see it. A raw payload is described by no schema: it is shown whole or not at all. */
async function recordOf(
  call: Call,
  sql: Sql,
  row: DecidedException,
): Promise<{ record: Static<typeof ExceptionDetail>['record']; reveals: boolean }> {
  const held = row.state === 'open' ? await heldRecord(call.parts, sql, row) : null;
  if (!held) return { record: null, reveals: false };
  const whole = mayReadPersonal(call.bearer);
  if (held.what === 'payload') {
    const record = { what: held.what, document: null, version: null, body: whole ? held.record : null, masked: !whole };
    return { record, reveals: true };
  }
  const { body, hidden } = maskedBody(call.parts, held.kind, held.record);
  const reveals = hidden.length > 0;
  return {
    record: {
      what: held.what,
      document: held.documentId,
      version: held.version,
      body: whole ? held.record : body,
      masked: reveals && !whole,
    },
    reveals,
  };
}
