import { Type } from 'typebox';
import { HubError } from '../../../core/errors.ts';
import { aboutOf } from '../../../engine/expectations.ts';
import { documentPlace } from '../../../engine/look.ts';
import { meantBy } from '../../../engine/names.ts';
import { documentBodies } from '../../../ledger/documents.ts';
import { awaitedOf } from '../../../ledger/expectations.ts';
import { bindingsOf, documentById, pageOfDocuments } from '../../../ledger/pages/documents.ts';
import { paged, termsOf } from '../cursor.ts';
import { auditReading, maskedBody, mayReadPersonal } from '../personal.ts';
import { route } from '../route.ts';
import {
  DocumentDetail,
  DocumentView,
  entityQuery,
  exact,
  IdParams,
  Name,
  pageOf,
  pageQuery,
  sinceQuery,
} from '../schemas.ts';
import { documentView, iso, isoOrNull } from '../shapes.ts';

export const documentRoutes = [
  route({
    method: 'GET',
    path: '/documents',
    access: { scopes: ['read'] },
    tag: 'Documents',
    summary: 'Documents at their newest version',
    about: 'Those that were first written last come first; `since` is when the newest version was written.',
    query: exact({
      ...pageQuery,
      ...entityQuery,
      ...sinceQuery,
      kind: Type.Optional(Name),
      flow: Type.Optional(Name),
      key: Type.Optional(Name),
      reference: Type.Optional(
        Type.String({
          minLength: 1,
          maxLength: 300,
          description: 'An order number, a SKU: what the kind is searched by.',
        }),
      ),
    }),
    answer: pageOf(DocumentView),
    run: (call) => {
      const { kind = null, flow = null, key = null, reference } = call.query;
      return paged(
        call,
        (before: string | null, limit) =>
          call.ledger.transaction((sql) =>
            pageOfDocuments(sql, termsOf(call, before, limit), {
              kind,
              flow,
              key: key === null ? null : meantBy(call.parts.vault, key),
              reference: reference === undefined ? null : call.parts.vault.digest(reference),
            }),
          ),
        (row) => row.id,
        (rows) => rows.map(documentView),
      );
    },
  }),
  route({
    method: 'GET',
    path: '/documents/:id',
    access: { scopes: ['read'] },
    tag: 'Documents',
    summary: 'One document with its body',
    about:
      'Personal and payment fields are masked unless the token has the scope personal:read; then the reading is audited.',
    params: IdParams,
    query: exact({
      version: Type.Optional(
        Type.Integer({ minimum: 1, maximum: 2_147_483_647, description: 'An earlier version of the body.' }),
      ),
    }),
    answer: DocumentDetail,
    run: (call) =>
      call.ledger.transaction(async (sql) => {
        const { id } = call.params;
        const row = await documentById(sql, id);
        if (!row) throw new HubError('NOT_FOUND', `there is no document ${id}`);
        const version = call.query.version ?? row.version;
        const [stored] = await documentBodies(sql, [{ documentId: id, version }]);
        if (!stored) throw new HubError('NOT_FOUND', `version ${version} of this document is not kept`);
        const text = call.parts.vault
          .unseal(stored.body_sealed, documentPlace(row.entity, row.kind, row.key))
          .toString();
        const whole: unknown = JSON.parse(text);
        const { body, hidden } = maskedBody(call.parts, row.kind, whole);
        const reveals = mayReadPersonal(call.bearer) && hidden.length > 0;
        if (reveals) await auditReading(call, sql, row.entity, `document:${id}`, { kind: row.kind, version });
        const bindings = await bindingsOf(sql, row);
        const awaited = await awaitedOf(sql, row);
        return {
          ...documentView(row),
          body: reveals ? whole : body,
          bodyVersion: version,
          masked: hidden.length > 0 && !reveals,
          bindings: bindings.map((bound) => ({
            connection: bound.connection,
            externalId: bound.external_id,
            version: bound.version,
            boundAt: isoOrNull(bound.bound_at),
          })),
          expectations: awaited.map((one) => ({
            connection: one.connection,
            key: one.key,
            about: aboutOf(call.parts, one),
            version: one.version,
            until: iso(one.due_at),
            answeredAt: isoOrNull(one.answered_at),
            exception: one.exception_id,
          })),
        };
      }),
  }),
];
