import type { WebhookSource } from '../../core/connector.ts';
import { rejected } from '../../core/fault.ts';
import { readJson } from '../../core/json.ts';
import { isSigned } from '../../core/standard-webhooks.ts';
import { secretsInRotation } from '../../core/webhook-post.ts';
import type { Settings } from './shop.ts';

interface Parts {
  readonly topic: 'orders' | 'products';
  readonly settings: Settings;
  readonly decode: (bytes: Uint8Array) => unknown;
  /** Hears each event's name. */
  readonly hear?: (type: string) => void;
}

/**
 * Notices of a small subscriber in Medusa, signed by Standard Webhooks: `{ type: 'order.placed', data: { id } }`. Medusa's events carry ids only; they make the poll
 * source look now, and nothing in them is kept.
 */
export const notices = ({ topic, settings, decode, hear }: Parts): WebhookSource<unknown> => ({
  kind: 'webhook',
  name: `${topic}-notices`,
  topic,
  feeds: topic,
  accepts: ['application/json'],
  verify: (request, cx) =>
    settings.signedWith.length > 0 && isSigned(request, secretsInRotation(settings.signedWith, cx), request.receivedAt),
  read: (request) => {
    const told = readJson(request.body) as { type?: unknown; data?: { id?: unknown; order_id?: unknown } } | null;
    const id = told?.data?.order_id ?? told?.data?.id;
    if (typeof told?.type !== 'string' || typeof id !== 'string' || !/^[a-z]+_\w{1,60}$/.test(id))
      throw rejected('the notice names no event or no record: type, data.id', 'not-understood', 'data.id');
    hear?.(told.type);
    return [{ hint: id }];
  },
  decode,
});
