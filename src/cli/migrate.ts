import { withLedger } from './open.ts';
import { printJson, sayTo } from './print.ts';

export async function migrateLedger({ json = false }: { json?: boolean }): Promise<void> {
  const say = sayTo(json);
  await withLedger(async ({ applied }) => {
    if (json) printJson({ applied });
    else say(applied.length > 0 ? `applied: ${applied.join(', ')}` : 'the ledger is up to date');
  }, say);
}
