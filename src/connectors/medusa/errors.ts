import { TooLong } from '../../core/bounded.ts';
import { milliseconds } from '../../core/clock.ts';
import { type Fault, FaultError, rejected } from '../../core/fault.ts';
import { silenceOf } from '../../core/silence.ts';
import type { Ask } from './shop.ts';

/** What Medusa answers: its records, or `{ type, message }` where it refuses. */
export type Told = { readonly type?: unknown; readonly message?: unknown };

/** When a server that asks to wait does not say how long. */
const someTime = milliseconds('5s');

/** Medusa's words fit for an operator: one line, no e-mail address, at most 300 characters. */
function words(text: unknown): string {
  const line = String(text ?? '')
    .replace(/\s+/g, ' ')
    .replace(/[^\s@"'(<]+@[^\s@"')>]+/g, '(e-mail)')
    .trim();
  return line.length > 300 ? `${line.slice(0, 299)}…` : line;
}

const unclear = ({ method }: Ask, message: string): Fault =>
  method === 'GET'
    ? { kind: 'transient', message: `${message}; nothing was changed` }
    : { kind: 'unknown', message: `${message}; whether it landed is not known` };

/** The Fault of a request that got no answer. */
export function faultOfSilence(ask: Ask, thrown: unknown): FaultError {
  if (thrown instanceof FaultError) return thrown;
  if (thrown instanceof TooLong)
    return new FaultError(unclear(ask, `Medusa's answer to ${ask.what} has ${thrown.message}`));
  const { how, sent } = silenceOf(thrown);
  return new FaultError(
    sent
      ? unclear(ask, `no answer of Medusa to ${ask.what} (${how})`)
      : { kind: 'transient', message: `Medusa cannot be reached (${how}); nothing was sent` },
    { cause: thrown },
  );
}

/**
 * The Fault of an answer that is not what was asked for. Medusa refuses with a `type`: `invalid_data`, `not_allowed` and `duplicate_error` (400, 422)
 * and `not_found` (404) before it does anything, `conflict` (409) and `unknown_error` (500) at any point.
 *
 * @see https://docs.medusajs.com/api/admin#http-status-codes
 */
export function faultOfAnswer(ask: Ask, status: number, told: Told | null, retry: number | null): FaultError {
  const said = told && words(told.message);
  const what = `Medusa answered ${ask.what} with HTTP ${status}${said ? `: ${said}` : ''}`;
  if (status === 429 || (status === 503 && retry !== null))
    return new FaultError({ kind: 'throttled', message: `${what}: it asks to wait`, retryAfter: retry ?? someTime });
  if (status === 401 || status === 403)
    return new FaultError({ kind: 'refused', message: `${what}: the secret API key is not accepted for this` });
  if (status >= 300 && status < 400)
    return new FaultError({ kind: 'refused', message: `${what}: the address has moved; use the one it points to` });
  if (status === 404 && told?.type !== 'not_found')
    return new FaultError({ kind: 'refused', message: `${what}: there is no Medusa 2 at this address` });
  if (status === 404) return rejected(what, 'not-found');
  if (status === 409 || told?.type === 'conflict') return new FaultError(unclear(ask, what));
  if (status >= 400 && status < 500 && status !== 408 && told) return rejected(what, slugOf(told.type));
  return new FaultError(unclear(ask, what));
}

const slugOf = (type: unknown): string =>
  typeof type === 'string' && /^[a-z_]+$/.test(type) ? type.replaceAll('_', '-') : 'medusa-refused';
