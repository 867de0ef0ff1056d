import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

// Standard Webhooks as the simulators' own systems do it: they know nothing of the hub's.

const digest = (secret: string, head: string, body: Buffer): string =>
  createHmac('sha256', Buffer.from(secret.replace('whsec_', ''), 'base64'))
    .update(head)
    .update(body)
    .digest('base64');

/** Headers of a message, signed now. `secret` is `whsec_…`. */
export function signedNow(secret: string, id: string, body: Buffer, now = new Date()): Record<string, string> {
  const timestamp = String(Math.floor(now.getTime() / 1000));
  return {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${digest(secret, `${id}.${timestamp}.`, body)}`,
  };
}

/** Whether a request is signed with the secret. */
export function isRight({ headers }: IncomingMessage, body: Buffer, secret: string): boolean {
  const wanted = Buffer.from(digest(secret, `${headers['webhook-id']}.${headers['webhook-timestamp']}.`, body));
  return String(headers['webhook-signature'])
    .split(' ')
    .map((text) => Buffer.from(text.slice(3)))
    .some((given) => given.length === wanted.length && timingSafeEqual(given, wanted));
}
