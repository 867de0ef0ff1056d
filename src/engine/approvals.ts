import { weakSinks } from '../core/approval.ts';
import { sourceOf } from '../core/estate.ts';
import { canonicalJson } from '../core/seal.ts';
import { endApprovals, noteApproval } from '../ledger/approvals.ts';
import { appendAudit } from '../ledger/audit.ts';
import type { Parts } from './parts.ts';

/** Audits which flows are approved to use sinks that cannot promise one effect alone: once, and again when that changes or ends. */
export async function recordApprovals({ db, estate }: Pick<Parts, 'db' | 'estate'>): Promise<void> {
  const approved = estate.flows.flatMap((flow) => {
    const sinks = weakSinks(flow);
    const approval = estate.approvals?.[flow.id];
    const { entity } = estate.connections[sourceOf(estate, flow).connection]!;
    return approval && sinks.length > 0 ? [{ flow: flow.id, entity, detail: { ...approval, sinks } }] : [];
  });
  await db.transaction(async (sql) => {
    for (const { flow, entity, detail } of approved)
      if (await noteApproval(sql, flow, canonicalJson(detail)))
        await appendAudit(sql, [{ entity, actor: 'hub', action: 'flow.approved', object: `flow:${flow}`, detail }]);
    for (const flow of await endApprovals(
      sql,
      approved.map((one) => one.flow),
    ))
      await appendAudit(sql, [{ entity: '*', actor: 'hub', action: 'flow.approval-ended', object: `flow:${flow}` }]);
  });
}
