/** Every error of ours has a stable code, an HTTP status and, where there is one, a hint what to do. The docs page of errors is made from this table. */
export const hubErrors = {
  BAD_USE: { status: 400, about: 'The command or request was not understood.' },
  CONFIG_INVALID: { status: 400, about: 'The estate file or a setting in it is wrong.' },
  SECRET_MISSING: {
    status: 500,
    about: 'A secret that the estate names is neither in the store nor in the environment.',
  },
  MASTER_KEY: { status: 500, about: 'The master key is missing or is not the one this ledger was written with.' },
  BACKUP_INVALID: { status: 400, about: 'The file is no backup, is cut off, or was altered.' },
  LEDGER_AWAY: { status: 503, about: 'The ledger (PostgreSQL) cannot be reached or did not confirm in time.' },
  LEDGER_VERSION: {
    status: 500,
    about: 'The ledger was written by a newer or incompatible Crossdock, or its PostgreSQL is too old.',
  },
  MIGRATION_CHANGED: { status: 500, about: 'A migration that was already applied differs from the one shipped.' },
  FLOW_UNKNOWN: { status: 404, about: 'No flow of that name is in the estate.' },
  CONNECTION_UNKNOWN: { status: 404, about: 'No connection of that name is in the estate.' },
  CONNECTOR_CONTRACT: { status: 500, about: 'A connector or flow broke its contract (a defect in its code).' },
  NOT_FOUND: { status: 404, about: 'Nothing is known under that id or key.' },
  LOOKUP_UNANSWERED: {
    status: 503,
    about: 'The system that was asked does not answer, and nothing recent is remembered.',
  },
  CONFLICT: { status: 409, about: 'The record is in a state in which this cannot be done.' },
  MAPPING_INVALID: { status: 400, about: 'A Mapping table or one of its rows is wrong.' },
  INTERNAL: { status: 500, about: 'A defect in Crossdock: the log says more.' },
  UNAUTHENTICATED: { status: 401, about: 'The request carries no valid sign-in or token.' },
  FORBIDDEN: { status: 403, about: 'The token does not have the scope or the entities that this needs.' },
  CURSOR_INVALID: { status: 400, about: 'The cursor is not one of this list with these filters and this token.' },
  IDEMPOTENCY_KEY_REUSED: { status: 422, about: 'The Idempotency-Key was used before for another request.' },
  RATE_LIMITED: { status: 429, about: 'Who asks has used up its requests for the moment.' },
  API_UNBOUND: { status: 503, about: 'The API is off: nothing in the ledger would keep entities apart.' },
  SIGNATURE: { status: 401, about: 'The request is not signed by the sender it must come from, or too long ago.' },
  MALFORMED: { status: 400, about: 'The sender is known, but what it sent cannot be read.' },
  TOO_LARGE: { status: 413, about: 'The body of the request is larger than this address takes.' },
  MEDIA_TYPE: { status: 415, about: 'This address does not take bodies of that type or encoding.' },
  TOO_SLOW: { status: 408, about: 'The request did not arrive in time.' },
  OVERLOADED: { status: 503, about: 'More arrives than the hub can take at the moment: send again later.' },
  EMBEDDED_POSTGRES_BINARIES: { status: 500, about: 'The packaged PostgreSQL programs are missing or cannot be run.' },
  EMBEDDED_POSTGRES_IN_USE: { status: 500, about: 'Another live hub uses this data directory.' },
  EMBEDDED_POSTGRES_START: { status: 500, about: 'The embedded PostgreSQL did not start.' },
  DISK_FULL: { status: 503, about: 'The disk that holds the embedded PostgreSQL is full.' },
  EMBEDDED_POSTGRES_MAJOR: { status: 500, about: 'The data directory belongs to another major version of PostgreSQL.' },
  EMBEDDED_POSTGRES_USER: { status: 500, about: 'The operating system user cannot run PostgreSQL.' },
} as const satisfies Record<string, { status: number; about: string }>;

export type HubErrorCode = keyof typeof hubErrors;

/** An error of the hub itself (the world's answers are Faults). `message` is for a person and never holds a secret or personal datum. */
export class HubError extends Error {
  readonly code: HubErrorCode;
  readonly status: number;
  readonly hint: string | undefined;

  constructor(code: HubErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'HubError';
    this.code = code;
    this.status = hubErrors[code].status;
    this.hint = options.hint;
  }
}

/**
 * What a log may say of an error: our own words, or of any other one its kind, code and where it arose. The message of code that handles records may
 * quote them (`JSON.parse` does), so it is never logged; where it is needed it stands, sealed, in an Exception.
 */
export function errorFacts(error: unknown): { error: string; constraint?: string; at?: string[] } {
  if (error instanceof HubError) return { error: `${error.code}: ${error.message}` };
  if (!(error instanceof Error)) return { error: typeof error };
  const { code, constraint, fault } = error as { code?: unknown; constraint?: unknown; fault?: { kind?: unknown } };
  const more = [code, fault?.kind].filter((part) => typeof part === 'string');
  const at = (error.stack ?? '')
    .replace(error.message, '')
    .split('\n')
    .filter((line) => /^ {4}at .+:\d+:\d+\)?$/.test(line))
    .map((line) => line.trim())
    .slice(0, 6);
  return {
    error: [error.name, ...more].join(' '),
    ...(typeof constraint === 'string' ? { constraint } : {}),
    ...(at.length > 0 ? { at } : {}),
  };
}
