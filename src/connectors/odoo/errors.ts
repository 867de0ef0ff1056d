import { type Duration, milliseconds } from '../../core/clock.ts';
import { HubError } from '../../core/errors.ts';
import { type Fault, FaultError } from '../../core/fault.ts';

/**
 * What an answer of Odoo means. Odoo is classified by the name of its exception, never by status (a 500 is often permanent) nor by text (translated).
 *
 * An answer that names an exception was rolled back by Odoo before it was sent, so it is known that nothing landed. Without a name (HTML, a
 * proxy's page, silence) a write is `unknown`: Odoo goes on and commits when its client has gone (observed).
 *
 * @see odoo.md §2, the table of errors on 18.0 and 19.0
 */
export class OdooFault extends FaultError {
  /** Odoo's exception, such as `odoo.exceptions.UserError`; null where the answer named none. */
  readonly exception: string | null;
  constructor(fault: Fault, exception: string | null = null, options: { cause?: unknown } = {}) {
    super(fault, options);
    this.name = 'OdooFault';
    this.exception = exception;
  }
}

/** What was asked: enough to say it in a message, no arguments. */
export interface Asked {
  readonly what: string;
  readonly writes: boolean;
}

type Meaning = 'refused' | 'rejected' | 'transient';

const meanings: Readonly<Record<string, Meaning>> = {
  'odoo.exceptions.AccessDenied': 'refused',
  'odoo.http.SessionExpiredException': 'refused',
  'werkzeug.exceptions.Unauthorized': 'refused',
  'werkzeug.exceptions.Forbidden': 'refused',
  // The rights of the user, or the rule of one record: `Odoo.deliver` asks Odoo which and may turn it into `rejected`.
  'odoo.exceptions.AccessError': 'refused',
  // Unknown model or method: a module is missing, which no document can mend.
  'werkzeug.exceptions.NotFound': 'refused',
  'odoo.exceptions.MissingError': 'rejected',
  'odoo.exceptions.UserError': 'rejected',
  'odoo.exceptions.RedirectWarning': 'rejected',
  'odoo.exceptions.ValidationError': 'rejected',
  'werkzeug.exceptions.UnprocessableEntity': 'rejected',
  'werkzeug.exceptions.BadRequest': 'rejected',
  'werkzeug.exceptions.RequestEntityTooLarge': 'rejected',
  'builtins.ValueError': 'rejected',
  'builtins.TypeError': 'rejected',
  'builtins.KeyError': 'rejected',
  'builtins.IndexError': 'rejected',
  'builtins.AttributeError': 'rejected',
  'builtins.AssertionError': 'rejected',
  'builtins.ZeroDivisionError': 'rejected',
  'builtins.NotImplementedError': 'rejected',
  'psycopg2.errors.UniqueViolation': 'rejected',
  'psycopg2.errors.NotNullViolation': 'rejected',
  'psycopg2.errors.ForeignKeyViolation': 'rejected',
  'psycopg2.errors.CheckViolation': 'rejected',
  'psycopg2.errors.NumericValueOutOfRange': 'rejected',
  'psycopg2.errors.SerializationFailure': 'transient',
  'psycopg2.errors.LockNotAvailable': 'transient',
  'psycopg2.errors.DeadlockDetected': 'transient',
  'psycopg2.errors.QueryCanceled': 'transient',
  'psycopg2.extensions.TransactionRollbackError': 'transient',
  'psycopg2.extensions.QueryCanceledError': 'transient',
  'psycopg2.OperationalError': 'transient',
  'psycopg2.pool.PoolError': 'transient',
  'odoo.sql_db.PoolError': 'transient',
  'odoo.exceptions.ConcurrencyError': 'transient',
  'odoo.exceptions.LockError': 'transient',
};

/** When a server that asks to wait does not say how long. */
const someTime: Duration = '30s';

const unclear = (writes: boolean, message: string): Fault =>
  writes
    ? { kind: 'unknown', message: `${message}; whether it landed is not known` }
    : { kind: 'transient', message: `${message}; nothing was changed` };

/** Odoo's words fit for an operator: one line, no traceback, no e-mail address, at most 300 characters. */
export function words(text: unknown): string {
  const line = String(text ?? '')
    .split(/Traceback \(most recent call last\)/)[0]!
    .replace(/\s+/g, ' ')
    .replace(/[^\s@"'(<]+@[^\s@"')>]+/g, '(e-mail)')
    .trim();
  return line.length > 300 ? `${line.slice(0, 299)}…` : line;
}

/** Retry-After in milliseconds: seconds or an HTTP date (RFC 9110 §10.2.3); null where absent or unreadable. */
export function retryAfter(header: string | null, now: Date): number | null {
  if (header === null || header.trim() === '') return null;
  if (/^\s*\d+\s*$/.test(header)) return Math.min(Number(header) * 1000, milliseconds('1d'));
  const at = Date.parse(header);
  return Number.isNaN(at) ? null : Math.min(Math.max(at - now.getTime(), 0), milliseconds('1d'));
}

/** The Fault of an exception that Odoo named. */
export function faultOfException(asked: Asked, exception: string, message: unknown): OdooFault {
  const meaning = meanings[exception];
  const short = exception.slice(exception.lastIndexOf('.') + 1);
  const said = `Odoo answered ${asked.what} with ${short}: ${words(message)}`;
  if (meaning === undefined) return new OdooFault(unclear(asked.writes, said), exception);
  if (meaning === 'rejected')
    return new OdooFault({ kind: 'rejected', message: said, cause: 'odoo-refused' }, exception);
  return new OdooFault({ kind: meaning, message: said }, exception);
}

/**
 * The Fault of an HTTP answer without an exception's name: from a proxy, from Odoo's page maker, or a body that cannot be read.
 * A 502, 503 or 504 may come from a proxy whose Odoo is at work: for a write `unknown`, unless the sender says by Retry-After that it did not take it.
 */
export function faultOfStatus(asked: Asked, status: number, retry: number | null): OdooFault {
  const said = `Odoo answered ${asked.what} with HTTP ${status}`;
  if (status === 429 || (status === 503 && retry !== null))
    return new OdooFault({
      kind: 'throttled',
      message: `${said}: it asks to wait`,
      retryAfter: retry ?? milliseconds(someTime),
    });
  if (status === 401 || status === 403)
    return new OdooFault({ kind: 'refused', message: `${said}: the key is not accepted` });
  if (status === 404)
    return new OdooFault({ kind: 'refused', message: `${said}: there is no such database or no Odoo at this address` });
  if (status >= 300 && status < 400)
    return new OdooFault({ kind: 'refused', message: `${said}: the address has moved; use the one it points to` });
  if (status === 408) return new OdooFault({ kind: 'transient', message: `${said}: the request did not arrive whole` });
  if (status === 413)
    return new OdooFault({ kind: 'rejected', message: `${said}: the request is too large`, cause: 'too-large' });
  if (status >= 400 && status < 500)
    return new OdooFault({
      kind: 'rejected',
      message: `${said}: the request was not understood`,
      cause: 'odoo-refused',
    });
  return new OdooFault(unclear(asked.writes, said));
}

/** Connecting failed: not a byte of the request has left. */
const neverSent = new Set([
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

/** The Fault of a request that got no answer: connection refused, name not found, timeout, connection closed, body cut. */
export function faultOfSilence(asked: Asked, thrown: unknown): FaultError {
  if (thrown instanceof FaultError) return thrown;
  if (thrown instanceof HubError) throw thrown;
  const seen = codes(thrown);
  const how = seen[0] ?? (thrown instanceof Error ? thrown.name : 'no answer');
  if (seen.length > 0 && seen.every((code) => neverSent.has(code)))
    return new OdooFault({ kind: 'transient', message: `Odoo cannot be reached (${how}); nothing was sent` }, null, {
      cause: thrown,
    });
  return new OdooFault(unclear(asked.writes, `no answer to ${asked.what} (${how})`), null, { cause: thrown });
}
