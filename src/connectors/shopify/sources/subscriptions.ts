import { milliseconds } from '../../../core/clock.ts';
import type { Context, Finding } from '../../../core/connector.ts';
import { FaultError } from '../../../core/fault.ts';
import { shopCalls } from '../documents/shop.ts';
import { faultOfUserError, type UserError } from '../errors.ts';
import { allOf, type Page } from '../pages.ts';
import type { Shop } from '../shop.ts';

interface Subscription {
  readonly id: string;
  readonly topic: string;
  readonly uri: string;
  readonly format: string;
}

/**
 * What makes each source read now: all that its records go through. A topic says no more than that something happened, so one too many costs a look.
 *
 * @see https://shopify.dev/docs/api/admin-graphql/latest/enums/WebhookSubscriptionTopic
 */
export const topics = {
  orders: [
    ...['ORDERS_CREATE', 'ORDERS_UPDATED', 'ORDERS_EDITED', 'ORDERS_CANCELLED', 'ORDER_TRANSACTIONS_CREATE'],
    ...['REFUNDS_CREATE', 'RETURNS_APPROVE', 'RETURNS_CANCEL', 'RETURNS_CLOSE', 'RETURNS_DECLINE'],
    ...['RETURNS_PROCESS', 'RETURNS_REOPEN', 'RETURNS_UPDATE'],
  ],
  products: ['PRODUCTS_CREATE', 'PRODUCTS_UPDATE'],
  customers: ['CUSTOMERS_CREATE', 'CUSTOMERS_UPDATE'],
} as const satisfies Record<string, readonly string[]>;

/** Looked after no more often than this, or than changes are looked for. */
const EVERY_MS = milliseconds('1m');

/**
 * The webhook subscriptions of one of our addresses, looked after by the poll that they wake: Shopify deletes a subscription whose webhooks fail for
 * some hours, and people delete them too. A missing one is made again; what was missed meanwhile is read by that same poll, whose cursor never
 * depends on webhooks.
 */
export class Subscriptions {
  readonly #shop: Shop;
  readonly #path: string;
  readonly #topics: readonly string[];
  #lookedAt = Number.NEGATIVE_INFINITY;

  /** `path`: last part of the address, `POST /in/{connection}/{path}`. */
  constructor(shop: Shop, path: keyof typeof topics) {
    this.#shop = shop;
    this.#path = path;
    this.#topics = topics[path];
  }

  /** Makes what is missing, at most once a minute and never in a mere look. What goes wrong here is logged and tried again: reading goes on, and so do the other topics. */
  async keep(cx: Context): Promise<void> {
    const { hub, every } = this.#shop.settings;
    const since = cx.clock.monotonic() - this.#lookedAt;
    if (cx.look || hub === undefined || since < Math.min(EVERY_MS, milliseconds(every))) return;
    let whole = true;
    await attempt(cx, async () => {
      const { missing } = await this.#look(cx);
      for (const topic of missing) whole = (await attempt(cx, () => this.#subscribe(topic, cx), topic)) && whole;
      if (whole) this.#lookedAt = cx.clock.monotonic();
    });
  }

  async *check(cx: Context): AsyncIterable<Finding> {
    const subject = `webhooks ${this.#path}`;
    if (this.#shop.settings.hub === undefined)
      return yield {
        level: 'ok',
        subject,
        message: 'no address of the hub is set, so changes are found by polling alone',
      };
    const { missing } = await this.#look(cx);
    yield missing.length === 0
      ? { level: 'ok', subject, message: `all ${this.#topics.length} topics are subscribed to` }
      : {
          level: 'warning',
          subject,
          message: `not subscribed to ${missing.join(', ')}`,
          hint: 'the hub subscribes at its next poll; if this stays, look at the address of the hub and the access scopes',
        };
  }

  #uri(cx: Context): string {
    return `${this.#shop.settings.hub}/in/${cx.connection}/${this.#path}`;
  }

  async #look(cx: Context): Promise<{ missing: string[] }> {
    const ask = async (after: string | null) =>
      (await this.#shop.call<{ webhookSubscriptions: Page<Subscription> }>(shopCalls.subscriptions, { after }, cx))
        .webhookSubscriptions;
    const all = await allOf(await ask(null), ask);
    const uri = this.#uri(cx);
    const there = new Set(all.filter((one) => one.uri === uri && one.format === 'JSON').map(({ topic }) => topic));
    return { missing: this.#topics.filter((topic) => !there.has(topic)) };
  }

  async #subscribe(topic: string, cx: Context): Promise<void> {
    // The id alone: no customer's data travels, and what changed is read from Shopify itself.
    const subscription = { uri: this.#uri(cx), format: 'JSON', includeFields: ['id', 'admin_graphql_api_id'] };
    const { webhookSubscriptionCreate: told } = await this.#shop.call<{
      webhookSubscriptionCreate: { webhookSubscription: Subscription | null; userErrors: UserError[] };
    }>(shopCalls.subscribe, { topic, subscription }, cx);
    const [error] = told.userErrors;
    if (error && !/already been taken/.test(error.message))
      throw new FaultError(faultOfUserError(shopCalls.subscribe, error));
    if (!error) cx.log.warn('webhook subscription made', { connection: cx.connection, topic });
  }
}

/** Whether it went well. What concerns the connection is thrown, all else is logged. */
async function attempt(cx: Context, act: () => Promise<void>, topic = 'all'): Promise<boolean> {
  try {
    await act();
    return true;
  } catch (error) {
    if (!(error instanceof FaultError) || error.fault.kind === 'refused' || error.fault.kind === 'throttled')
      throw error;
    cx.log.warn('webhook subscriptions could not be looked after', { topic, kind: error.fault.kind });
    return false;
  }
}
