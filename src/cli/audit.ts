import { verifyAudit } from '../ledger/audit.ts';
import { openLedger } from './open.ts';
import { printJson, sayTo } from './print.ts';
import { quietLog } from './status.ts';

/** Walks the whole audit chain; exit code 1 when a link is broken. */
export async function auditVerify({ json = false }: { json?: boolean }): Promise<void> {
  const ledger = await openLedger({ own: false, log: quietLog() });
  try {
    const { sealed, unsealed, broken } = await verifyAudit(ledger.db);
    if (json)
      printJson({ sealed: Number(sealed), unsealed, broken: broken && { seq: Number(broken.seq), why: broken.why } });
    else if (broken) sayTo(false)(`The audit chain is broken at link ${broken.seq}: ${broken.why}.`);
    else sayTo(false)(`The audit chain holds: ${sealed} records sealed, ${unsealed} not sealed yet.`);
    if (broken) process.exitCode = 1;
  } finally {
    await ledger.close();
  }
}
