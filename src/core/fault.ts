import type { Duration } from './clock.ts';
import { HubError } from './errors.ts';

/** What the world answered: the one thing a connector must teach the engine. Kept on the Attempt. */
export type Fault =
  /** Nothing landed and it may go next time: backs off, spends an attempt. */
  | { kind: 'transient'; message: string }
  /** The target asks to wait: spends no attempt. Nothing goes to the connection meanwhile, unless smaller calls may (`alone`: a budget that cannot pay for this one). */
  | { kind: 'throttled'; message: string; retryAfter: Duration; alone?: true }
  /** It may have landed, or may land yet: never repeated blindly. */
  | { kind: 'unknown'; message: string }
  /** The document is wrong for this target: becomes an Exception. `cause` is a short stable slug, `message` words for an operator. */
  | { kind: 'rejected'; message: string; cause?: string; field?: string }
  /**
   * What the document builds on is not at this target yet (a return before its shipment): waited for like `transient`, but no sign of a target that is away. When it does not
   * come it becomes an Exception like `rejected`.
   */
  | { kind: 'early'; message: string; cause: string; field?: string }
  /** Credentials or rights: what the sink is to write waits; one Exception for the connection, not one per document. */
  | { kind: 'refused'; message: string };

/** Carries a Fault through code that throws. Thrown by `cx.fetch`, transports and translators; everything else that is thrown after a write was sent is `unknown`. */
export class FaultError extends Error {
  readonly fault: Fault;
  constructor(fault: Fault, options: { cause?: unknown } = {}) {
    super(fault.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'FaultError';
    this.fault = fault;
  }
}

export const rejected = (message: string, cause?: string, field?: string): FaultError =>
  new FaultError({
    kind: 'rejected',
    message,
    ...(cause === undefined ? {} : { cause }),
    ...(field === undefined ? {} : { field }),
  });

/** Whether a fault says something of its document alone, and nothing of the target. */
export const isOwn = ({ kind }: Fault): boolean => kind === 'rejected' || kind === 'early';

/** A setting of ours that is missing is told with what to do: here it leaves as the words of a Fault. */
function wordsOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  if (thrown instanceof HubError && thrown.code === 'SECRET_MISSING')
    return `${thrown.message}: ${thrown.hint} (${thrown.code})`;
  return thrown.message;
}

/** The Fault that an arbitrary thrown value stands for; `whenUnclear` says what an unclassified one means at this place. */
export function faultOf(thrown: unknown, whenUnclear: 'transient' | 'unknown' | 'rejected'): Fault {
  if (thrown instanceof FaultError) return thrown.fault;
  return { kind: whenUnclear, message: wordsOf(thrown) };
}
