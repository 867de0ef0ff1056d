import { HubError } from '../core/errors.ts';
import type { HeldBy } from '../ledger/deliveries.ts';
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

/** The life of a record for people: what was heard again is counted at the end (but for what a person had told again), and a first attempt that went well is part of its delivery. */
export function describeTrace(steps: readonly Step[]): string {
  const isRepeat = ({ what, state }: Step): boolean => what === 'event' && state === 'duplicate';
  const toldAgain = new Set(steps.flatMap(({ what, id }) => (what === 'decision' ? [id] : [])));
  const again = steps.filter((step) => isRepeat(step) && !toldAgain.has(step.id)).length;
  const shown = steps.filter(
    (step) =>
      !isRepeat(step) &&
      !(step.what === 'attempt' && step.about === 'attempt 1' && step.state === 'delivered' && !step.message),
  );
  const rows = shown.map((step) => [
    step.at.toISOString().replace('T', ' '),
    ...cellsOf(step),
    step.message ?? decidedWords(step) ?? waitingWords(step),
  ]);
  const repeats = again === 0 ? [] : [`Heard again without news: ${again}; --json has each.`];
  return [table(['when', 'what', 'about', 'state', 'message'], rows), ...repeats].join('\n');
}

/** Who decided, and why. */
const decidedWords = ({ what, detail }: Step): string | null =>
  what === 'decision' ? `by ${detail.by}: ${detail.reason}` : null;

/** For whom a delivery waits that stands behind a parked one. */
export const heldWords = ({ version, exception, cause }: Pick<HeldBy, 'version' | 'exception' | 'cause'>): string => {
  if (exception === null) return `waits behind version ${version}, which is parked`;
  const id = exception.slice(-12);
  return `waits behind version ${version}, which needs a person: Exception ${id} (${cause}); crossdock exceptions show ${id}`;
};

/** What an open delivery waits for, since when, and what it is promised; empty for all else. */
function waitingWords({ what, at, state, detail }: Step): string {
  const {
    awaits = [],
    behind = null,
    late = false,
    promisedAt,
  } = detail as {
    awaits?: { kind: string; key: string }[];
    behind?: HeldBy | null;
    late?: boolean;
    promisedAt?: string;
  };
  if (what !== 'delivery' || (awaits.length === 0 && !behind && !late)) return '';
  const names = awaits.map(({ kind, key }) => `${kind} ${key}`).join(', ');
  const words = [
    ...(names === ''
      ? []
      : [`${state} since ${at.toISOString()} for ${names}: look with crossdock trace ${awaits[0]!.key}`]),
    ...(behind ? [heldWords(behind)] : []),
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
    case 'decision':
      return ['decided', about, state];
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
