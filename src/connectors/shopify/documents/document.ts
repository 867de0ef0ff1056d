/**
 * Every text that is sent to Shopify, by name, with what it serves: when Shopify takes a field away, `check` and the tests can say which flows that
 * touches. All are valid on each of `versions`, which `npm run conform:shopify` proves against the schema that Shopify publishes.
 *
 * `money` is the amount in the currency the connection keeps its books in: the shop's own, or the customer's (`inCurrency`).
 *
 * @see https://shopify.dev/docs/api/admin-graphql
 */
export interface Document {
  readonly name: string;
  /** Ports of the connection that need it. */
  readonly serves: readonly string[];
  readonly writes: boolean;
  readonly text: string;
}

/** API versions that all documents are valid on, the default first. A version is served for at least a year from its first day. */
export const versions = ['2026-07', '2026-10'] as const;
export type ApiVersion = (typeof versions)[number];

export const query = (name: string, serves: readonly string[], text: string): Document => ({
  name,
  serves,
  writes: false,
  text,
});
export const mutation = (name: string, serves: readonly string[], text: string): Document => ({
  name,
  serves,
  writes: true,
  text,
});

export const MONEY = '{ money: shopMoney { amount currencyCode } }';

/** Whether there is more of a connection, and from where on. */
export const PAGE = 'pageInfo { hasNextPage endCursor }';

/** Lists that have no pages: Shopify cuts them off, so what is as long as this may be longer. */
export const most = { payments: 50, refunds: 50, fulfilments: 100 } as const;

/** A document with its amounts in the customer's currency instead of the shop's. */
export const inCurrency = (document: Document, money: 'shop' | 'presentment'): Document =>
  money === 'shop' ? document : { ...document, text: document.text.replaceAll('shopMoney', 'presentmentMoney') };
