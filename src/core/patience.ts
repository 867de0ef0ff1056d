import { milliseconds } from './clock.ts';
import type { Context } from './connector.ts';
import { FaultError } from './fault.ts';

/** How often a call is repeated in its place. */
const REPEATS = 3;
/** Longest that a target may ask to wait before that, in milliseconds. */
const LONGEST_WAIT = 5000;

/** Faults after which it is certain that nothing was taken, and that may pass in a moment. */
type Passing = 'transient' | 'throttled';

/**
 * Makes a call, and makes it again a few times after these Faults: of work that takes many calls, of which a few fail, hardly any would ever come to its end if
 * each began it anew. Throws the last Fault.
 */
export async function patiently<T>(
  { clock, signal }: Pick<Context, 'clock' | 'signal'>,
  passing: readonly Passing[],
  call: () => Promise<T>,
): Promise<T> {
  for (let tries = 1; ; tries++)
    try {
      return await call();
    } catch (error) {
      const wait = tries > REPEATS ? null : waitBefore(error, tries, passing);
      if (wait === null || signal.aborted) throw error;
      await clock.sleep(wait, signal);
      if (signal.aborted) throw error;
    }
}

/** Milliseconds until it may help to call again; null where it is of no use. */
function waitBefore(error: unknown, tries: number, passing: readonly Passing[]): number | null {
  if (!(error instanceof FaultError)) return null;
  const { fault } = error;
  if (!passing.some((kind) => kind === fault.kind)) return null;
  if (fault.kind === 'transient') return 100 * 2 ** tries;
  if (fault.kind !== 'throttled') return null;
  const asked = milliseconds(fault.retryAfter);
  return asked <= LONGEST_WAIT ? asked : null;
}
