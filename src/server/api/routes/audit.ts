import { Type } from 'typebox';
import { type AuditVerdict, verifyAudit } from '../../../ledger/audit.ts';
import { pageOfAudit } from '../../../ledger/pages/audit.ts';
import { paged, termsOf } from '../cursor.ts';
import { type ApiParts, route } from '../route.ts';
import { AuditVerdictView, AuditView, entityQuery, exact, Name, pageOf, pageQuery, sinceQuery } from '../schemas.ts';
import { auditView } from '../shapes.ts';

/** A walk of the whole chain is long: who asks while one is under way gets its answer. */
const verifying = new WeakMap<ApiParts, Promise<AuditVerdict>>();

function verifyOnce(parts: ApiParts): Promise<AuditVerdict> {
  const walk = verifying.get(parts) ?? verifyAudit(parts.db).finally(() => verifying.delete(parts));
  verifying.set(parts, walk);
  return walk;
}

export const auditRoutes = [
  route({
    method: 'GET',
    path: '/audit',
    access: { scopes: ['audit:read'] },
    tag: 'Audit',
    summary: 'Audit records, newest first',
    query: exact({
      ...pageQuery,
      ...entityQuery,
      ...sinceQuery,
      actor: Type.Optional(Name),
      action: Type.Optional(Name),
      object: Type.Optional(Name),
    }),
    answer: pageOf(AuditView),
    run: (call) => {
      const { actor = null, action = null, object = null } = call.query;
      return paged(
        call,
        (before: string | null, limit) =>
          call.ledger.transaction((sql) => pageOfAudit(sql, termsOf(call, before, limit), { actor, action, object })),
        (row) => row.id,
        (rows) => rows.map(auditView),
      );
    },
  }),
  route({
    method: 'GET',
    path: '/audit/verify',
    access: { scopes: ['audit:read'], allEntities: true },
    tag: 'Audit',
    summary: 'Walk the sealed chain and compare it with the records',
    about: 'The chain is one for all entities, so it takes a token for all of them.',
    slow: true,
    answer: AuditVerdictView,
    run: async ({ parts }) => {
      const { sealed, unsealed, broken } = await verifyOnce(parts);
      return {
        holds: broken === null,
        sealed: Number(sealed),
        unsealed,
        broken: broken && { link: Number(broken.seq), why: broken.why },
      };
    },
  }),
];
