import { HubError } from '../core/errors.ts';
import { traceSteps, wordsOf } from '../ledger/trace.ts';
import { withLedger } from './open.ts';
import { printJson, sayTo, table } from './print.ts';

export async function trace(key: string, { json = false }: { json?: boolean }): Promise<void> {
  const say = sayTo(json);
  await withLedger(async (ledger) => {
    const steps = (await traceSteps(ledger.db, ledger.vault, key)).map(({ sealed, ...step }) => ({
      ...step,
      message: wordsOf({ ...step, sealed }, ledger.vault),
    }));
    if (steps.length === 0)
      throw new HubError('NOT_FOUND', `nothing is known about '${key}'`, {
        hint: 'give an invoice or order number as the channel writes it, or an id',
      });
    if (json) printJson(steps);
    else
      say(
        table(
          ['when', 'what', 'about', 'state', 'message'],
          steps.map((step) => [step.at.toISOString(), step.what, step.about, stateOf(step), step.message ?? '']),
        ),
      );
  });
}

/** What is awaited, and until when. */
const stateOf = ({ what, state, detail }: { what: string; state: string; detail: Record<string, unknown> }): string =>
  what === 'expectation' && state !== 'answered'
    ? `${state} until ${new Date(String(detail.until)).toISOString()}`
    : state;
