import { verifyAudit } from '../ledger/audit.ts';
import { withLedger } from './open.ts';
import { printJson, sayTo } from './print.ts';

/** Walks the whole audit chain; exit code 1 when a link is broken. */
export async function auditVerify({ json = false }: { json?: boolean }): Promise<void> {
  await withLedger(async (ledger) => {
    const { sealed, unsealed, broken } = await verifyAudit(ledger.db);
    if (json)
      printJson({ sealed: Number(sealed), unsealed, broken: broken && { seq: Number(broken.seq), why: broken.why } });
    else if (broken) sayTo(false)(`The audit chain is broken at link ${broken.seq}: ${broken.why}.`);
    else sayTo(false)(`The audit chain holds: ${sealed} records sealed, ${unsealed} not sealed yet.`);
    if (broken) process.exitCode = 1;
  });
}
