import { HubError } from '../core/errors.ts';
import { type TraceStep, traceSteps, wordsOf } from '../ledger/trace.ts';
import { withLedger } from './open.ts';
import { printJson, sayTo, table } from './print.ts';

type Step = Pick<TraceStep, 'at' | 'what' | 'id' | 'about' | 'state' | 'detail'> & { readonly message: string | null };

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
    else say(describeTrace(steps));
  });
}

/** The life of a record for people: what was heard again is counted at the end, and a first attempt that went well is part of its delivery. */
export function describeTrace(steps: readonly Step[]): string {
  const again = steps.filter(({ what, state }) => what === 'event' && state === 'duplicate').length;
  const shown = steps.filter(
    ({ what, state, about, message }) =>
      !(what === 'event' && state === 'duplicate') &&
      !(what === 'attempt' && about === 'attempt 1' && state === 'delivered' && !message),
  );
  const rows = shown.map((step) => [
    step.at.toISOString().replace('T', ' '),
    ...cellsOf(step),
    step.message ?? waitingWords(step),
  ]);
  const repeats = again === 0 ? [] : [`Heard again without news: ${again}; --json has each.`];
  return [table(['when', 'what', 'about', 'state', 'message'], rows), ...repeats].join('\n');
}

/** What an open delivery waits for, since when, and what it is promised; empty for all else. */
function waitingWords({ what, at, state, detail }: Step): string {
  const {
    awaits = [],
    late = false,
    promisedAt,
  } = detail as {
    awaits?: { kind: string; key: string }[];
    late?: boolean;
    promisedAt?: string;
  };
  if (what !== 'delivery' || (awaits.length === 0 && !late)) return '';
  const names = awaits.map(({ kind, key }) => `${kind} ${key}`).join(', ');
  const words = [
    ...(names === ''
      ? []
      : [`${state} since ${at.toISOString()} for ${names}: look with crossdock trace ${awaits[0]!.key}`]),
    ...(late ? [`late: promised by ${new Date(String(promisedAt)).toISOString()}`] : []),
  ];
  return words.join('; ');
}

function cellsOf({ what, id, about, state, detail }: Step): string[] {
  switch (what) {
    case 'event':
      return ['came from', about, state];
    case 'document':
      return ['became', about, state];
    case 'delivery':
      return ['sent to', about, state];
    case 'binding':
      return [`is in ${id}`, about, `as ${state}`];
    case 'expectation':
      // What is awaited, and until when.
      return [
        what,
        about,
        // An answer stands at the moment it came.
        state === 'answered' ? state : `${state} until ${new Date(String(detail.until)).toISOString()}`,
      ];
    default:
      return [what, about, state];
  }
}
