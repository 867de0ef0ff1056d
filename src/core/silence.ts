import { milliseconds } from './clock.ts';
import { HubError } from './errors.ts';

/** Codes by which it is certain that no connection was made: not a byte of the request has left. */
const NEVER_SENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EAI_FAIL',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTDOWN',
  'UND_ERR_CONNECT_TIMEOUT',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

function codes(thrown: unknown, depth = 0): string[] {
  if (!(thrown instanceof Error) || depth > 4) return [];
  const own = (thrown as { code?: unknown }).code;
  const inner = thrown instanceof AggregateError ? thrown.errors.flatMap((error) => codes(error, depth + 1)) : [];
  const cause = codes(thrown.cause, depth + 1);
  return [...inner, ...cause, ...(inner.length + cause.length === 0 && typeof own === 'string' ? [own] : [])];
}

/** Why a request got no answer, in a word such as `ECONNRESET`, and whether it is certain that nothing was sent. An error of the hub itself is no silence: it is thrown on. */
export function silenceOf(thrown: unknown): { how: string; sent: boolean } {
  if (thrown instanceof HubError) throw thrown;
  const seen = codes(thrown);
  const how = seen[0] ?? (thrown instanceof Error ? thrown.name : 'no answer');
  return { how, sent: seen.length === 0 || !seen.every((code) => NEVER_SENT.has(code)) };
}

/** Retry-After in milliseconds, at most a day: seconds or an HTTP date (RFC 9110 §10.2.3); null where absent or unreadable. */
export function retryAfterOf(header: string | null, now: Date): number | null {
  if (header === null || header.trim() === '') return null;
  const longest = milliseconds('1d');
  if (/^\s*\d+(\.\d+)?\s*$/.test(header)) return Math.min(Number(header) * 1000, longest);
  const at = Date.parse(header);
  return Number.isNaN(at) ? null : Math.min(Math.max(at - now.getTime(), 0), longest);
}
