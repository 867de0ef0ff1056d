import type { Incoming, PollSource } from '../../../core/connector.ts';
import { canonicalJson, sha256 } from '../../../core/seal.ts';
import { bulkCalls, bulkQueries } from '../documents/bulk.ts';
import { productCalls } from '../documents/products.ts';
import { readProduct, type ShopifyProduct } from '../native.ts';
import { allOf, type Page } from '../pages.ts';
import type { Shop } from '../shop.ts';
import { type Change, Changes, type List } from './changes.ts';
import { FirstLoad, partsOf } from './first-load.ts';
import type { Subscriptions } from './subscriptions.ts';

type Listed = Change & { readonly variants: Page<unknown> };

/** Products with all their variants, each time one changes. */
export function productSource(shop: Shop, subscriptions: Subscriptions): PollSource<ShopifyProduct> {
  const changes = new Changes<Listed>({
    first: '',
    list: async (query, after, cx) => {
      const answer = await shop.answer<{ products: List<Listed> }>(productCalls.changedProducts, { query, after }, cx);
      return { ...answer, data: answer.data.products };
    },
    async *read(fresh, cx) {
      for (const product of fresh) {
        const nodes = await allOf(product.variants, async (after) => {
          const variables = { id: product.id, after };
          const { product: more } = await shop.call<{ product: Listed | null }>(
            productCalls.moreVariants,
            variables,
            cx,
          );
          return more?.variants;
        });
        yield { items: [incomingOf({ ...product, variants: { nodes } })], count: 1 };
      }
    },
  });
  const load = new FirstLoad<Listed>(
    shop,
    {
      search: '',
      asks: bulkQueries.products,
      count: async (query, limit, cx) =>
        (await shop.call<{ productsCount: { count: number } }>(bulkCalls.productsCount, { query, limit }, cx))
          .productsCount.count,
      factOf: (product, parts) =>
        incomingOf({ ...(product as unknown as Change), variants: { nodes: partsOf(parts, 'ProductVariant') } }),
      read: nothingElse,
    },
    changes,
  );
  return {
    kind: 'poll',
    name: 'products',
    every: shop.settings.every,
    rest: shop.settings.rest,
    coarseVersions: true,
    async *pull(cursor, cx) {
      await subscriptions.keep(cx);
      yield* load.pull(cursor, cx);
    },
    decode: readProduct,
  };
}

/** The file tells all of every product. */
async function* nothingElse(): AsyncGenerator<{ items: Incoming[] }> {}

function incomingOf(product: Change & { readonly variants: object }): Incoming {
  const text = canonicalJson(product);
  const at = new Date(product.updatedAt);
  return {
    dedupeKey: `product ${product.id} ${sha256(text).toString('hex')}`,
    subject: `product:${product.id}`,
    sourceVersion: BigInt(at.getTime()),
    occurredAt: at,
    bytes: Buffer.from(text),
  };
}
