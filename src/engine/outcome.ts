import type { Duration, Random } from '../core/clock.ts';
import { milliseconds } from '../core/clock.ts';
import type { Idempotency, Result } from '../core/connector.ts';
import type { Fault } from '../core/fault.ts';
import { backoff } from './backoff.ts';

/** What the engine does about one Result. Seconds are from now, by the ledger's clock. */
export type Next =
  | { next: 'finish'; externalId: string }
  | {
      next: 'again';
      afterSeconds: number;
      /** Set when the outcome is unknown: how long the target may still commit. */
      settlesSeconds: number | null;
      spent: boolean;
    }
  | { next: 'park'; cause: string; message: string; field: string | null; settlesSeconds: number | null };

export interface Circumstances {
  idempotency: Idempotency;
  settle: Duration;
  /** Attempts spent on this delivery, this one included. */
  attempts: number;
  mostAttempts: number;
  retrySeconds: readonly [number, number];
  /** True while the connection as a whole fails: then a transient failure says nothing about this delivery and costs it no attempt. */
  connectionDown: boolean;
  /** True while a version of what the document needs is on its way to the target: it is early for that, and the wait costs no attempt. */
  underway?: boolean;
  random: Random;
}

/** Sinks that may be given the same document again at once: the target itself sees that it is the same. */
export const repeatable = (idempotency: Idempotency): boolean =>
  idempotency !== 'find-first' && idempotency !== 'unsafe';

/** The engine's answer to what the world answered. */
export function decide(result: Result, at: Circumstances): Next {
  if (result.outcome === 'done') return { next: 'finish', externalId: result.id };
  if (result.outcome === 'untouched') return { next: 'again', afterSeconds: 0, settlesSeconds: null, spent: false };
  return decideFault(result.fault, at);
}

function decideFault(fault: Fault, at: Circumstances): Next {
  const wait = backoff(at.attempts, at.retrySeconds, at.random);
  const settle = milliseconds(at.settle) / 1000;
  switch (fault.kind) {
    case 'throttled':
      return { next: 'again', afterSeconds: milliseconds(fault.retryAfter) / 1000, settlesSeconds: null, spent: false };
    case 'refused':
      return { next: 'again', afterSeconds: 0, settlesSeconds: null, spent: false };
    case 'rejected':
      return {
        next: 'park',
        cause: fault.cause ?? 'rejected',
        message: fault.message,
        field: fault.field ?? null,
        settlesSeconds: null,
      };
    case 'early':
      if (at.attempts >= at.mostAttempts && !at.underway)
        return {
          next: 'park',
          cause: fault.cause,
          message: fault.message,
          field: fault.field ?? null,
          settlesSeconds: null,
        };
      return { next: 'again', afterSeconds: wait, settlesSeconds: null, spent: !at.underway };
    case 'transient':
      if (at.attempts >= at.mostAttempts && !at.connectionDown)
        return {
          next: 'park',
          cause: 'retries-exhausted',
          message: `Tried ${at.attempts} times; the last answer was: ${fault.message}`,
          field: null,
          settlesSeconds: null,
        };
      return { next: 'again', afterSeconds: wait, settlesSeconds: null, spent: !at.connectionDown };
    case 'unknown':
      if (at.idempotency === 'unsafe')
        return {
          next: 'park',
          cause: 'outcome-unknown',
          message: unsafeWords(fault.message),
          field: null,
          settlesSeconds: settle,
        };
      if (at.attempts >= at.mostAttempts && !at.connectionDown)
        return {
          next: 'park',
          cause: 'retries-exhausted',
          message: `Tried ${at.attempts} times, and each time it stayed unknown whether it landed; the last answer was: ${fault.message}. Look there: if it is there as it should be, dismiss this and say under which id; if it is not, retry, which cannot double it.`,
          field: null,
          settlesSeconds: settle,
        };
      return {
        next: 'again',
        afterSeconds: repeatable(at.idempotency) ? wait : settle,
        settlesSeconds: settle,
        spent: !at.connectionDown,
      };
  }
}

const unsafeWords = (message: string): string =>
  `The answer was lost (${message}), and this target cannot be asked whether it has the record. Look there: if it is there, dismiss this and say under which id; if it is not, retry.`;
