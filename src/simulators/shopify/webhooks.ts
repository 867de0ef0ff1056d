import { createHmac, randomUUID } from 'node:crypto';
import type { Random } from '../../core/clock.ts';
import type { Shop } from './shop.ts';

/** Shares, 0 to 1, of webhooks that go wrong. */
export interface WebhookFaults {
  /** Never sent. */
  lost?: number;
  twice?: number;
  /** Overtaken by later ones. */
  late?: number;
  /** Sent with no signature at all: not by Shopify, but by somebody who knows the address. */
  unsigned?: number;
}

export interface WebhookOptions {
  /** The app's client secret; while it is changed Shopify may sign with either. */
  readonly secrets: () => readonly [string, ...string[]];
  readonly random: Random;
  readonly faults: WebhookFaults;
  /** Milliseconds before the first repeat and of a late webhook; Shopify's are minutes. */
  readonly pace: number;
}

/** Failures in a row after which a subscription goes. */
const MOST_FAILURES = 8;

interface Sent {
  readonly topic: string;
  /** Status of each attempt; 0 where there was no answer. */
  readonly statuses: number[];
  readonly fault: 'lost' | 'twice' | 'late' | 'unsigned' | null;
}

/**
 * Sends what subscriptions ask for: one POST for each event, signed over its bytes, repeated up to eight times until the answer is 2xx; after eight
 * failures in a row the subscription is deleted. Order is not kept, nor is delivery certain.
 *
 * @see https://shopify.dev/docs/apps/build/webhooks
 */
export class Webhooks {
  readonly #shop: Shop;
  readonly #options: WebhookOptions;
  readonly #open = new Set<Promise<void>>();
  readonly #failures = new Map<string, number>();
  readonly #stopping = new AbortController();
  /** May be changed at any time. */
  readonly faults: WebhookFaults;
  readonly sent: Sent[] = [];

  constructor(shop: Shop, options: WebhookOptions) {
    this.#shop = shop;
    this.#options = options;
    this.faults = options.faults;
    shop.listeners.push((topic, subject) => {
      for (const one of shop.subscriptions.values())
        if (one.topic === topic)
          this.#follow(this.#deliver(one.id, topic, one.uri, payload(shop, topic, subject, one.includeFields)));
    });
  }

  /** Resolves when everything that was to be sent has been, or was given up. */
  async quiet(): Promise<void> {
    while (this.#open.size > 0) await Promise.all(this.#open);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.quiet();
  }

  #follow(work: Promise<void>): void {
    const done: Promise<void> = work.finally(() => this.#open.delete(done));
    this.#open.add(done);
  }

  async #deliver(subscription: string, topic: string, uri: string, body: string): Promise<void> {
    const { random, pace } = this.#options;
    const { faults } = this;
    const chance = (share = 0): boolean => random() < share;
    const fault = (['lost', 'unsigned', 'twice', 'late'] as const).find((name) => chance(faults[name])) ?? null;
    const sent: Sent = { topic, statuses: [], fault };
    this.sent.push(sent);
    if (fault === 'lost') return;
    if (fault === 'late') await this.#sleep(pace * (1 + random() * 4));
    const ids = { 'x-shopify-webhook-id': randomUUID(), 'x-shopify-event-id': randomUUID() };
    if (fault === 'unsigned') sent.statuses.push(await this.#post(uri, topic, body, ids, false));
    const repeats = fault === 'twice' ? 2 : 1;
    await Promise.all(Array.from({ length: repeats }, () => this.#insist(subscription, sent, uri, body, ids)));
  }

  async #insist(
    subscription: string,
    sent: Sent,
    uri: string,
    body: string,
    ids: Record<string, string>,
  ): Promise<void> {
    for (let attempt = 0; attempt <= MOST_FAILURES && !this.#stopping.signal.aborted; attempt++) {
      if (attempt > 0) await this.#sleep(this.#options.pace * 2 ** attempt);
      const status = await this.#post(uri, sent.topic, body, ids, true);
      sent.statuses.push(status);
      if (status >= 200 && status < 300) {
        this.#failures.set(subscription, 0);
        return;
      }
    }
    const failures = (this.#failures.get(subscription) ?? 0) + 1;
    this.#failures.set(subscription, failures);
    if (this.#stopping.signal.aborted) return;
    this.#shop.endSubscription(subscription);
  }

  async #post(uri: string, topic: string, body: string, ids: Record<string, string>, signed: boolean): Promise<number> {
    const secrets = this.#options.secrets();
    const secret = secrets[Math.floor(this.#options.random() * secrets.length)]!;
    const headers: Record<string, string> = {
      'content-type': 'application/json',
      'x-shopify-topic': topic.toLowerCase().replace('_', '/'),
      'x-shopify-shop-domain': this.#shop.domain,
      'x-shopify-api-version': '2026-07',
      'x-shopify-triggered-at': new Date().toISOString(),
      ...ids,
      ...(signed ? { 'x-shopify-hmac-sha256': createHmac('sha256', secret).update(body).digest('base64') } : {}),
    };
    const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(5000)]);
    return fetch(uri, { method: 'POST', body, headers, signal })
      .then(async (answer) => {
        await answer.body?.cancel();
        return answer.status;
      })
      .catch(() => 0);
  }

  #sleep(ms: number): Promise<void> {
    const { signal } = this.#stopping;
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const timer = setTimeout(resolve, ms);
      signal.addEventListener('abort', () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}

/** REST-shaped: numeric ids beyond 2^53 as JSON numbers, and the id that is safe to use. Of a refund, return or payment it is that record's own. */
function payload(
  shop: Shop,
  topic: string,
  subject: { id: string; updatedAt: Date },
  fields: readonly string[],
): string {
  const order = shop.orders.get(subject.id);
  const part = topic.startsWith('REFUNDS')
    ? order?.refunds.at(-1)
    : topic.startsWith('RETURNS')
      ? order?.returns.at(-1)
      : topic.startsWith('ORDER_TRANSACTIONS')
        ? order?.transactions.at(-1)
        : undefined;
  const id = part?.id ?? subject.id;
  const all: Record<string, string> = {
    id: id.split('/').at(-1)!,
    admin_graphql_api_id: JSON.stringify(id),
    updated_at: JSON.stringify(subject.updatedAt.toISOString()),
    ...(part ? { order_id: subject.id.split('/').at(-1)! } : {}),
  };
  const wanted = Object.entries(all).filter(([name]) => fields.length === 0 || fields.includes(name));
  return `{${wanted.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(',')}}`;
}
