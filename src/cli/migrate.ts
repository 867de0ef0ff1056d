import { jsonLog } from '../watch/log.ts';
import { openLedger } from './open.ts';
import { printJson, sayTo } from './print.ts';

export async function migrateLedger({ json = false }: { json?: boolean }): Promise<void> {
  const say = sayTo(json);
  const ledger = await openLedger({ own: false, log: jsonLog({ level: 'warn' }), say });
  await ledger.close();
  if (json) printJson({ applied: ledger.applied });
  else say(ledger.applied.length > 0 ? `applied: ${ledger.applied.join(', ')}` : 'the ledger is up to date');
}
