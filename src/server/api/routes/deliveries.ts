import { Type } from 'typebox';
import { HubError } from '../../../core/errors.ts';
import { meantBy } from '../../../engine/names.ts';
import { deliveryById, pageOfAttempts, pageOfDeliveries } from '../../../ledger/pages/deliveries.ts';
import { paged, termsOf } from '../cursor.ts';
import { auditReading, mayReadPersonal, scrubber, type Words } from '../personal.ts';
import { route } from '../route.ts';
import {
  AttemptView,
  DeliveryView,
  deliveryStates,
  entityQuery,
  exact,
  Id,
  IdParams,
  Name,
  pageOf,
  pageQuery,
  sinceQuery,
} from '../schemas.ts';
import { deliveryView, iso } from '../shapes.ts';

const unknown = (id: string): HubError => new HubError('NOT_FOUND', `there is no delivery ${id}`);

export const deliveryRoutes = [
  route({
    method: 'GET',
    path: '/deliveries',
    access: { scopes: ['read'] },
    tag: 'Deliveries',
    summary: 'Deliveries, open and finished, newest first',
    query: exact({
      ...pageQuery,
      ...entityQuery,
      ...sinceQuery,
      state: Type.Optional(Type.Enum(deliveryStates)),
      flow: Type.Optional(Name),
      connection: Type.Optional(Name),
      kind: Type.Optional(Name),
      key: Type.Optional(Name),
      document: Type.Optional(Id),
    }),
    answer: pageOf(DeliveryView),
    run: (call) => {
      const { state = null, flow = null, connection = null, kind = null, key = null, document = null } = call.query;
      return paged(
        call,
        (before: string | null, limit) =>
          call.ledger.transaction((sql) =>
            pageOfDeliveries(sql, termsOf(call, before, limit), {
              state,
              flow,
              connection,
              kind,
              key: key === null ? null : meantBy(call.parts.vault, key),
              document,
            }),
          ),
        (row) => row.id,
        (rows) => rows.map(deliveryView),
      );
    },
  }),
  route({
    method: 'GET',
    path: '/deliveries/:id',
    access: { scopes: ['read'] },
    tag: 'Deliveries',
    summary: 'One delivery',
    params: IdParams,
    answer: DeliveryView,
    run: async ({ ledger, params: { id } }) => {
      const row = await ledger.transaction((sql) => deliveryById(sql, id));
      if (!row) throw unknown(id);
      return deliveryView(row);
    },
  }),
  route({
    method: 'GET',
    path: '/deliveries/:id/attempts',
    access: { scopes: ['read'] },
    tag: 'Deliveries',
    summary: 'Attempts of a delivery, newest first',
    about:
      "The target's words are shown without personal data unless the token has the scope personal:read; then the reading is audited.",
    params: IdParams,
    query: exact(pageQuery),
    answer: pageOf(AttemptView),
    run: (call) =>
      call.ledger.transaction(async (sql) => {
        const { id } = call.params;
        const delivery = await deliveryById(sql, id);
        if (!delivery) throw unknown(id);
        const scrub = await scrubber(call.parts, sql, [delivery.document_id]);
        let revealed = false;
        const words = (sealed: Buffer | null): Words | { message: null; masked: false } => {
          if (sealed === null) return { message: null, masked: false };
          const message = call.parts.vault.unseal(sealed, `attempt:${id}`).toString();
          const shown = scrub(message);
          if (!shown.masked || !mayReadPersonal(call.bearer)) return shown;
          revealed = true;
          return { message, masked: false };
        };
        const page = await paged(
          call,
          (before: { at: string; number: number } | null, limit) => pageOfAttempts(sql, id, before, limit),
          ({ at, number }) => ({ at, number }),
          (rows) =>
            rows.map((row) => ({
              number: row.number,
              outcome: row.outcome,
              ...words(row.message_sealed),
              node: row.node,
              startedAt: iso(row.started_at),
              finishedAt: iso(row.finished_at),
            })),
        );
        if (revealed) await auditReading(call, sql, delivery.entity, `delivery:${id}`, { what: 'attempts' });
        return page;
      }),
  }),
];
