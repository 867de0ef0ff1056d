import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import type { RawRequest } from './connector.ts';
import { HubError } from './errors.ts';
import { sameBytes } from './seal.ts';

/**
 * Signing and verifying by Standard Webhooks 1.0, symmetric (`v1`): HMAC-SHA-256 over `id.timestamp.body`, over the raw bytes.
 *
 * @see https://www.standardwebhooks.com (specification)
 */

/** What is signed: an id that stays the same through all repeats, whole seconds since 1970, and the bytes as they travel. */
export interface SignedMessage {
  readonly id: string;
  readonly timestamp: number;
  readonly body: Uint8Array;
}

/** How far a timestamp may be from our clock, either way, in milliseconds. */
const TOLERANCE = 5 * 60_000;
/** Signatures of one request that are looked at; senders in rotation send two or three. */
const MOST_SIGNATURES = 16;
/** The specification asks for 24 to 64 bytes. */
const SHORTEST_KEY = 24;

/** Keys made ready, by their secret: making one costs more than signing with it. */
const ready = new Map<string, KeyObject>();
const MOST_READY = 100;

/** The key in a secret (`whsec_` and base64). Throws HubError CONFIG_INVALID, without the secret, for one that is too short or no base64. */
function signingKey(secret: string): KeyObject {
  const known = ready.get(secret);
  if (known) return known;
  const text = secret.trim().replace(/^whsec_/, '');
  const key = Buffer.from(text, 'base64');
  if (key.toString('base64').replace(/=+$/, '') !== text.replace(/=+$/, '') || key.length < SHORTEST_KEY)
    throw new HubError('CONFIG_INVALID', 'a signing secret is not whsec_ and base64 of at least 24 bytes', {
      hint: 'make one with: echo "whsec_$(openssl rand -base64 32)"',
    });
  if (ready.size >= MOST_READY) ready.clear();
  const made = createSecretKey(key);
  ready.set(secret, made);
  return made;
}

const digestOf = (key: KeyObject, id: string, timestamp: string, body: Uint8Array): Buffer =>
  createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest();

/** The three headers of a message, signed with every secret given: two while a receiver changes from one to the other. */
export function signedHeaders(message: SignedMessage, secrets: readonly string[]): Record<string, string> {
  const timestamp = String(message.timestamp);
  const signatures = secrets.map(
    (secret) => `v1,${digestOf(signingKey(secret), message.id, timestamp, message.body).toString('base64')}`,
  );
  return { 'webhook-id': message.id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') };
}

/** The id of a request, or null where it has none that can be one: visible ASCII without a full stop, at most 200 characters. */
export function webhookId({ headers }: Pick<RawRequest, 'headers'>): string | null {
  const id = headers['webhook-id'];
  return typeof id === 'string' && /^[!-\-/-~]{1,200}$/.test(id) ? id : null;
}

/**
 * Whether the request was signed with one of the secrets within five minutes of `now`. Signatures are compared in constant time; a signature
 * of another version, such as `v1a`, is passed over. Throws HubError CONFIG_INVALID for a secret that is none.
 */
export function isSigned(
  request: Pick<RawRequest, 'headers' | 'body'>,
  secrets: readonly string[],
  now: Date,
  tolerance = TOLERANCE,
): boolean {
  const id = webhookId(request);
  const timestamp = request.headers['webhook-timestamp'];
  const given = request.headers['webhook-signature'];
  if (id === null || typeof timestamp !== 'string' || typeof given !== 'string') return false;
  if (!/^\d{1,12}$/.test(timestamp) || Math.abs(now.getTime() - Number(timestamp) * 1000) > tolerance) return false;
  const signatures = given
    .split(' ')
    .filter((text) => text.startsWith('v1,'))
    .slice(0, MOST_SIGNATURES)
    .map((text) => Buffer.from(text.slice(3), 'base64'));
  // Which secret it was may show in the time it takes; what the right signature would have been does not.
  return secrets.some((secret) => {
    const wanted = digestOf(signingKey(secret), id, timestamp, request.body);
    return signatures.some((signature) => sameBytes(wanted, signature));
  });
}
