import type { Duration } from './clock.ts';
import type { Context, Result } from './connector.ts';
import { HubError } from './errors.ts';
import type { Secret } from './estate.ts';
import type { Fault } from './fault.ts';
import { FaultError } from './fault.ts';
import { sha256 } from './seal.ts';
import { silenceOf } from './silence.ts';
import { signedHeaders } from './standard-webhooks.ts';
import { TRACE_LABEL } from './trace.ts';

/** A receiver of webhooks, as the estate names it. */
export interface Receiver {
  /** https, unless `allowPrivate`. */
  readonly url: string;
  /** One secret, or two while the receiver changes from one to the other: then both sign. */
  readonly secrets: readonly Secret[];
  /** Allows http and addresses that are not on the open internet: for receivers in one's own network. */
  readonly allowPrivate?: boolean;
  /** Default 30s. */
  readonly timeout?: Duration;
}

export interface Posted {
  /** Stays the same through all attempts: the receiver knows a repeat by it. */
  readonly id: string;
  /** Becomes the JSON body. */
  readonly content: unknown;
  /** `traceparent` of the attempt. */
  readonly trace?: string | undefined;
  /** Is given a 422 to read, where the receiver's contract gives it words. */
  readonly unprocessable?: (response: Response) => Promise<void>;
}

/** Throws HubError CONFIG_INVALID for an address that webhooks cannot go to, without what may be secret in it. */
export function checkReceiver({ url, secrets, allowPrivate }: Receiver): void {
  const address = URL.canParse(url) ? new URL(url) : null;
  if (!address || !(address.protocol === 'https:' || (allowPrivate && address.protocol === 'http:')))
    throw new HubError('CONFIG_INVALID', 'a receiver of webhooks has no https address', {
      hint: 'for one in your own network set allowPrivate: true; then http is possible too',
    });
  if (address.username || address.password)
    throw new HubError('CONFIG_INVALID', `the receiver ${address.host} has credentials in its address`);
  if (secrets.length === 0) throw new HubError('CONFIG_INVALID', `the receiver ${address.host} has no signing secret`);
}

/** The values of secrets that may be in rotation: of two the second may be gone already, or not be there yet; the first must be there. */
export function secretsInRotation(names: readonly Secret[], cx: Pick<Context, 'secret'>): string[] {
  const [first, ...others] = names;
  const rest = others.flatMap(({ secret }) => {
    try {
      return [cx.secret(secret)];
    } catch {
      return [];
    }
  });
  return [cx.secret(first!.secret), ...rest];
}

/** The `webhook-id` of one version of one document for one connection: the same for every attempt, also by another hub or after a restore. */
export const webhookIdOf = (connection: string, kind: string, key: string, version: number): string =>
  `msg_${sha256(JSON.stringify([connection, kind, key, version]))
    .toString('hex')
    .slice(0, 32)}`;

/**
 * Posts one webhook, signed by Standard Webhooks 1.0, and says what the answer means. `done` carries the webhook's id. Never throws but for what
 * `cx` throws before anything was sent. The receiver's words are not kept: they may hold anything.
 *
 * @see https://www.standardwebhooks.com (delivery success and failure)
 */
export async function postWebhook(receiver: Receiver, posted: Posted, cx: Context): Promise<Result> {
  const body = new TextEncoder().encode(JSON.stringify(posted.content));
  const timestamp = Math.floor(cx.clock.now().getTime() / 1000);
  const secrets = secretsInRotation(receiver.secrets, cx);
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    'user-agent': 'crossdock',
    ...signedHeaders({ id: posted.id, timestamp, body }, secrets),
    ...(posted.trace === undefined ? {} : { [TRACE_LABEL]: posted.trace }),
  };
  let response: Response;
  try {
    response = await cx.fetch(receiver.url, {
      method: 'POST',
      headers,
      body,
      timeout: receiver.timeout ?? '30s',
      reach: receiver.allowPrivate ? 'any' : 'public',
    });
    if (response.status === 422 && posted.unprocessable) await posted.unprocessable(response);
    else await response.body?.cancel();
  } catch (error) {
    return failed(faultOfSilence(error));
  }
  if (response.ok) return { outcome: 'done', id: posted.id };
  return failed(faultOfAnswer(response));
}

const failed = (fault: Fault): Result => ({ outcome: 'failed', fault });

function faultOfSilence(error: unknown): Fault {
  if (error instanceof FaultError) return error.fault;
  const { how, sent } = silenceOf(error);
  return sent
    ? { kind: 'unknown', message: `no answer from the receiver (${how})` }
    : { kind: 'transient', message: `no connection to the receiver (${how})` };
}

function faultOfAnswer({ status, headers }: Response): Fault {
  const message = `the receiver answered ${status}`;
  const wait = headers.get('retry-after');
  if (status === 429 || (status === 503 && wait !== null))
    return { kind: 'throttled', message, retryAfter: secondsOf(wait) * 1000 };
  if (status >= 500) return { kind: 'unknown', message };
  if (status === 408 || status === 425) return { kind: 'transient', message };
  if (status < 400) return { kind: 'refused', message: `${message}: redirects are not followed, correct the address` };
  if ([401, 403, 404, 405, 410].includes(status)) return { kind: 'refused', message };
  return { kind: 'rejected', cause: 'refused-by-receiver', message };
}

/** Retry-After in seconds, 1 to 3600; 30 where it is absent or a date. */
function secondsOf(retryAfter: string | null): number {
  const seconds = Number(retryAfter ?? 30);
  return Number.isFinite(seconds) ? Math.min(3600, Math.max(1, seconds)) : 30;
}
