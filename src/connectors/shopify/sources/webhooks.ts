import { createHmac } from 'node:crypto';
import type { Context, RawRequest, WebhookSource } from '../../../core/connector.ts';
import type { Secret } from '../../../core/estate.ts';
import { rejected } from '../../../core/fault.ts';
import { readJson } from '../../../core/json.ts';
import { sameBytes } from '../../../core/seal.ts';
import type { Settings } from '../shop.ts';

const headerOf = ({ headers }: RawRequest, name: string): string => {
  const value = headers[name];
  return typeof value === 'string' ? value : '';
};

/** Of two secrets in rotation the second may be gone already, or not be there yet; the first must be there. */
function secretsOf(names: readonly Secret[], cx: Context): string[] {
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

/**
 * Whether Shopify signed the raw bytes with one of the app's client secrets. Nothing but the body is signed, no time either: a replay is possible, and
 * does no more than make the hub look.
 *
 * @see https://shopify.dev/docs/apps/build/webhooks/verify-deliveries
 */
function isFromShopify(request: RawRequest, secrets: readonly string[]): boolean {
  const given = Buffer.from(headerOf(request, 'x-shopify-hmac-sha256'), 'base64');
  if (given.length === 0) return false;
  return secrets.some((secret) => sameBytes(createHmac('sha256', secret).update(request.body).digest(), given));
}

/**
 * Notices that something changed: they make the poll source `feeds` look now and are not stored. Their content is of REST's shape, of one moment,
 * comes late and out of order; the poll reads what is true.
 */
export const notices = (
  settings: Settings,
  topic: string,
  feeds: string,
  decode: (bytes: Uint8Array) => unknown,
): WebhookSource<unknown> => ({
  kind: 'webhook',
  name: `${feeds}-notices`,
  topic,
  feeds,
  accepts: ['application/json'],
  verify: (request, cx) => isFromShopify(request, secretsOf(settings.clientSecrets, cx)),
  read: (request) => {
    // One app's secret signs for all shops that installed it.
    if (headerOf(request, 'x-shopify-shop-domain').toLowerCase() !== settings.domain) return [];
    const told = readJson(request.body);
    const id =
      typeof told === 'object' && told !== null && 'admin_graphql_api_id' in told
        ? told.admin_graphql_api_id
        : undefined;
    if (typeof id !== 'string' || !/^gid:\/\/shopify\/[A-Za-z]+\/\d+$/.test(id))
      throw rejected(
        'the webhook names no record: admin_graphql_api_id is missing',
        'not-understood',
        'admin_graphql_api_id',
      );
    return [{ hint: id }];
  },
  decode,
});
