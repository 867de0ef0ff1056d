import { TooLong } from '../../core/bounded.ts';
import { milliseconds } from '../../core/clock.ts';
import { type Fault, FaultError, rejected } from '../../core/fault.ts';
import { silenceOf } from '../../core/silence.ts';
import type { Document } from './documents/document.ts';

/**
 * What an answer of Shopify means. An answer that names a GraphQL error other than an internal one was given instead of doing anything; silence, a
 * proxy's page or an internal error after a write is `unknown`.
 *
 * @see https://shopify.dev/docs/api/admin-graphql (status and error codes), https://shopify.dev/docs/api/usage/response-codes
 */
export interface GraphqlError {
  readonly message?: unknown;
  readonly path?: readonly unknown[];
  readonly extensions?: { readonly code?: unknown };
}

/** A mutation's own complaint about what it was given. */
export interface UserError {
  readonly code?: string | null;
  readonly field: readonly string[] | null;
  readonly message: string;
}

/** When a server that asks to wait does not say how long. */
const someTime = milliseconds('5s');

/** Shopify's words fit for an operator: one line, no e-mail address, at most 300 characters. */
function words(text: unknown): string {
  const line = String(text ?? '')
    .replace(/\s+/g, ' ')
    .replace(/[^\s@"'(<]+@[^\s@"')>]+/g, '(e-mail)')
    .trim();
  return line.length > 300 ? `${line.slice(0, 299)}…` : line;
}

const unclear = ({ writes }: Document, message: string): Fault =>
  writes
    ? { kind: 'unknown', message: `${message}; whether it landed is not known` }
    : { kind: 'transient', message: `${message}; nothing was changed` };

/** The Fault of a request that got no answer. */
export function faultOfSilence(document: Document, thrown: unknown): FaultError {
  if (thrown instanceof FaultError) return thrown;
  if (thrown instanceof TooLong)
    return new FaultError(unclear(document, `Shopify's answer to ${document.name} has ${thrown.message}`));
  const { how, sent } = silenceOf(thrown);
  return new FaultError(
    sent
      ? unclear(document, `no answer to ${document.name} (${how})`)
      : { kind: 'transient', message: `Shopify cannot be reached (${how}); nothing was sent` },
    { cause: thrown },
  );
}

/** The Fault of an HTTP answer that is no GraphQL answer. */
export function faultOfStatus(document: Document, status: number, retry: number | null): FaultError {
  const said = `Shopify answered ${document.name} with HTTP ${status}`;
  if (status === 429 || (status === 503 && retry !== null))
    return new FaultError({
      kind: 'throttled',
      message: `${said}: it asks to wait`,
      retryAfter: retry ?? someTime,
    });
  if (status === 401 || status === 403)
    return new FaultError({ kind: 'refused', message: `${said}: the access token is not accepted for this` });
  if (status === 402 || status === 423)
    return new FaultError({ kind: 'refused', message: `${said}: the shop is frozen or locked` });
  if (status === 404)
    return new FaultError({
      kind: 'refused',
      message: `${said}: there is no such shop or API version at this address`,
    });
  if (status >= 300 && status < 400)
    return new FaultError({ kind: 'refused', message: `${said}: the address has moved; use the one it points to` });
  if (status >= 400 && status < 500 && status !== 408)
    return rejected(`${said}: the request was not understood`, 'not-understood');
  return new FaultError(unclear(document, said));
}

/** The Fault of top-level GraphQL errors. `wait` is how long, in milliseconds, until the budget allows the call. */
export function faultOfErrors(document: Document, errors: readonly GraphqlError[], wait: number): FaultError {
  const codes = errors.map(({ extensions }) => String(extensions?.code ?? ''));
  const first = errors[0]!;
  const said = `Shopify answered ${document.name}: ${words(first.message) || 'an error without words'}`;
  if (codes.includes('THROTTLED') || errors.some(({ message }) => message === 'Throttled'))
    return new FaultError({
      kind: 'throttled',
      message: `${said}: the budget is spent`,
      retryAfter: wait,
      alone: true,
    });
  if (codes.includes('ACCESS_DENIED'))
    return new FaultError({
      kind: 'refused',
      message: `${said} (at ${(first.path ?? []).join('.') || 'the whole'}): an access scope is missing, see 'crossdock check'`,
    });
  if (codes.includes('SHOP_INACTIVE'))
    return new FaultError({ kind: 'refused', message: `${said}: the shop is inactive` });
  if (codes.includes('MAX_COST_EXCEEDED')) return rejected(`${said}: the call is too large for Shopify`, 'too-large');
  if (codes.some((code) => /INTERNAL|TIMEOUT|UNAVAILABLE/.test(code)) || codes.every((code) => code === ''))
    return new FaultError(unclear(document, said));
  return new FaultError({
    kind: 'refused',
    message: `${said}. ${document.name} does not fit this API version; it serves ${document.serves.join(', ')}`,
  });
}

/** Complaints that are about the moment, not about what was given. */
const passing = new Set(['IDEMPOTENCY_CONCURRENT_REQUEST', 'IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED', 'JOB_ERROR']);

/**
 * The Fault of a mutation's own complaint. `fieldOf` gives the canonical document's field for the path that Shopify names; without one its last
 * part is told.
 */
export function faultOfUserError(
  { name }: Document,
  error: UserError,
  fieldOf: (path: readonly string[]) => string | undefined = () => undefined,
): Fault {
  const path = error.field ?? [];
  const said = `Shopify answered ${name}: ${words(error.message)}`;
  if (error.code && passing.has(error.code)) return { kind: 'transient', message: said };
  const cause = error.code ? error.code.toLowerCase().replaceAll('_', '-') : 'shopify-refused';
  const field = fieldOf(path) ?? path.findLast((part) => !/^\d+$/.test(part));
  return { kind: 'rejected', message: said, cause, ...(field === undefined ? {} : { field }) };
}
