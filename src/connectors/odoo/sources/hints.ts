import type { Context, PollSource, RawRequest, WebhookSource } from '../../../core/connector.ts';
import type { Secret } from '../../../core/estate.ts';
import { rejected } from '../../../core/fault.ts';
import { readJson } from '../../../core/json.ts';
import { sameBytes, sha256 } from '../../../core/seal.ts';

/** Shorter ones can be guessed. */
const SHORTEST = 24;

/**
 * Automation rules of Odoo 19 that post to `/in/{connection}/changed-{source}?token=…` make the source read at once. A hint only: Odoo signs nothing, posts once, and not
 * after a rollback only; so nothing of the body is believed, and the address is the whole secret. Odoo waits for the answer in its user's own request.
 *
 * @see odoo.md §1 item 7 and §4 (webhook action)
 */
export function hints(
  polled: readonly PollSource<unknown>[],
  secrets: readonly Secret[],
): Record<`hint-${string}`, WebhookSource<never>> {
  if (secrets.length === 0) return {};
  return Object.fromEntries(
    polled.map(({ name }) => [
      `hint-${name}`,
      {
        kind: 'webhook',
        name: `hint-${name}`,
        topic: `changed-${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
        feeds: name,
        accepts: ['application/json'],
        maxBytes: 64 * 1024,
        verify: (request, cx) => isTold(request, secrets, cx),
        read: ({ body }) => [{ hint: hintOf(readJson(body)) }],
        decode: () => {
          throw rejected('a hint of Odoo holds no record', 'only-a-hint');
        },
      } satisfies WebhookSource<never>,
    ]),
  );
}

/** Digests are compared, so that neither length nor content shows in the time it takes. A second secret may be gone, or not be there yet. */
function isTold({ query }: RawRequest, secrets: readonly Secret[], cx: Context): boolean {
  const token = sha256(new URLSearchParams(query).get('token') ?? '');
  return secrets
    .map(({ secret }) => {
      const value = secretOrNull(secret, cx);
      return value !== null && value.length >= SHORTEST && sameBytes(sha256(value), token);
    })
    .includes(true);
}

function secretOrNull(name: string, cx: Context): string | null {
  try {
    return cx.secret(name);
  } catch {
    return null;
  }
}

/** `{"_model":"stock.quant","_id":7,…}`: what an operator may want to know, if it is what it seems. */
function hintOf(body: unknown): string {
  const { _model: model, _id: id } = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
  return typeof model === 'string' && /^[a-z_.]{1,60}$/.test(model) && Number.isSafeInteger(id)
    ? `${model}:${String(id)}`
    : 'something';
}
