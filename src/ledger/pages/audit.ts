import type { Sql } from '../database.ts';
import { idRange, type PageTerms } from './page.ts';

export interface AuditPageRow {
  id: string;
  entity: string;
  at: Date;
  actor: string;
  action: string;
  object: string;
  detail: Record<string, unknown>;
  /** Whether the chain holds it already. */
  sealed: boolean;
}

export interface AuditFilter {
  actor: string | null;
  action: string | null;
  object: string | null;
}

/** Audit records, newest first. */
export async function pageOfAudit(sql: Sql, terms: PageTerms, filter: AuditFilter): Promise<AuditPageRow[]> {
  return sql.query<AuditPageRow>(
    'page_audit',
    `select id, entity, at, actor, action, object, detail, exists (select from audit_seal s where s.audit_id = a.id) as sealed from audit a
     where id < $1 and id >= $2 and ($3::timestamptz is null or at >= $3) and ($4::text is null or entity = $4)
       and ($5::text is null or actor = $5) and ($6::text is null or action = $6) and ($7::text is null or object = $7)
     order by id desc limit $8`,
    [...idRange(terms), terms.since, terms.entity, filter.actor, filter.action, filter.object, terms.limit],
  );
}
