import type { Incoming, PollSource } from '../../../core/connector.ts';
import { canonicalJson, sha256 } from '../../../core/seal.ts';
import { bulkCalls, bulkQueries } from '../documents/bulk.ts';
import { customerCalls } from '../documents/customers.ts';
import { readCustomer, type ShopifyCustomer } from '../native.ts';
import type { Shop } from '../shop.ts';
import { type Change, Changes, type List } from './changes.ts';
import { FirstLoad } from './first-load.ts';
import type { Subscriptions } from './subscriptions.ts';

/** Customers, with or without orders, each time one changes. One that was deleted, or merged into another, is not told of again. */
export function customerSource(shop: Shop, subscriptions: Subscriptions): PollSource<ShopifyCustomer> {
  const first = shop.settings.from === undefined ? '' : `updated_at:>='${shop.settings.from}'`;
  const changes = new Changes<Change>({
    first,
    list: async (query, after, cx) => {
      const answer = await shop.answer<{ customers: List<Change> }>(
        customerCalls.changedCustomers,
        { query, after },
        cx,
      );
      return { ...answer, data: answer.data.customers };
    },
    async *read(fresh) {
      if (fresh.length > 0) yield { items: fresh.map(incomingOf), count: fresh.length };
    },
  });
  const load = new FirstLoad<Change>(
    shop,
    {
      search: first,
      asks: bulkQueries.customers,
      count: async (query, limit, cx) =>
        (await shop.call<{ customersCount: { count: number } }>(bulkCalls.customersCount, { query, limit }, cx))
          .customersCount.count,
      factOf: (customer) => incomingOf(customer as unknown as Change),
      read: nothingElse,
    },
    changes,
  );
  return {
    kind: 'poll',
    name: 'customers',
    every: shop.settings.every,
    rest: shop.settings.rest,
    coarseVersions: true,
    personal: { subject: true },
    async *pull(cursor, cx) {
      await subscriptions.keep(cx);
      yield* load.pull(cursor, cx);
    },
    decode: readCustomer,
  };
}

/** The file tells all of every customer. */
async function* nothingElse(): AsyncGenerator<{ items: Incoming[] }> {}

function incomingOf(customer: Change): Incoming {
  const text = canonicalJson(customer);
  const at = new Date(customer.updatedAt);
  return {
    dedupeKey: `customer ${customer.id} ${sha256(text).toString('hex')}`,
    subject: `customer:${customer.id}`,
    sourceVersion: BigInt(at.getTime()),
    occurredAt: at,
    bytes: Buffer.from(text),
  };
}
