import { Type } from 'typebox';
import { HubError } from '../../../core/errors.ts';
import { sourceOf } from '../../../core/estate.ts';
import { meantBy } from '../../../engine/names.ts';
import { eventPayload } from '../../../ledger/exceptions.ts';
import { type EventRow, eventById, pageOfEvents } from '../../../ledger/pages/events.ts';
import { paged, termsOf } from '../cursor.ts';
import { auditReading } from '../personal.ts';
import { type ApiParts, route } from '../route.ts';
import {
  EventView,
  entityQuery,
  eventStates,
  exact,
  IdParams,
  Name,
  PayloadView,
  pageOf,
  pageQuery,
  sinceQuery,
} from '../schemas.ts';
import { eventView } from '../shapes.ts';

const unknown = (id: string): HubError => new HubError('NOT_FOUND', `there is no event ${id}`);

/** What a flow reads, or null where the estate has no such flow. */
function readBy({ estate, wiring }: ApiParts, id: string): { connection: string; source: string } | null {
  const flow = wiring.flow(id);
  if (!flow) return null;
  const { connection, source } = sourceOf(estate, flow);
  return { connection, source: source.name };
}

export const eventRoutes = [
  route({
    method: 'GET',
    path: '/events',
    access: { scopes: ['read'] },
    tag: 'Events',
    summary: 'Events, newest first',
    query: exact({
      ...pageQuery,
      ...entityQuery,
      ...sinceQuery,
      state: Type.Optional(Type.Enum(eventStates)),
      connection: Type.Optional(Name),
      flow: Type.Optional(Name),
      subject: Type.Optional(Name),
    }),
    answer: pageOf(EventView),
    run: (call) => {
      const { state = null, subject = null, flow } = call.query;
      const port = flow === undefined ? null : readBy(call.parts, flow);
      const asked = call.query.connection ?? null;
      const nothing = flow !== undefined && (port === null || (asked !== null && asked !== port.connection));
      return paged(
        call,
        async (before: string | null, limit): Promise<EventRow[]> =>
          nothing
            ? []
            : call.ledger.transaction((sql) =>
                pageOfEvents(sql, termsOf(call, before, limit), {
                  state,
                  connection: port?.connection ?? asked,
                  source: port?.source ?? null,
                  subject: subject === null ? null : meantBy(call.parts.vault, subject),
                }),
              ),
        (row) => row.id,
        (rows) => rows.map(eventView),
      );
    },
  }),
  route({
    method: 'GET',
    path: '/events/:id',
    access: { scopes: ['read'] },
    tag: 'Events',
    summary: 'One event',
    params: IdParams,
    answer: EventView,
    run: async ({ ledger, params: { id } }) => {
      const row = await ledger.transaction((sql) => eventById(sql, id));
      if (!row) throw unknown(id);
      return eventView(row);
    },
  }),
  route({
    method: 'GET',
    path: '/events/:id/payload',
    access: { scopes: ['read', 'personal:read'] },
    tag: 'Events',
    summary: 'The raw bytes of an event',
    about: 'Unmapped and unmasked, so it takes the scope personal:read, and each reading is audited.',
    params: IdParams,
    answer: PayloadView,
    run: (call) =>
      call.ledger.transaction(async (sql) => {
        const { id } = call.params;
        const row = await eventById(sql, id);
        if (!row) throw unknown(id);
        const stored = await eventPayload(sql, id);
        if (!stored?.payload_sealed)
          throw new HubError(
            'NOT_FOUND',
            'the raw bytes of this event are not kept: it was a duplicate, or they are past their retention',
          );
        const bytes = call.parts.vault.unseal(stored.payload_sealed, `event:${id}`);
        await auditReading(call, sql, row.entity, `event:${id}`);
        return { event: id, size: bytes.length, base64: bytes.toString('base64'), record: jsonOf(bytes.toString()) };
      }),
  }),
];

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
