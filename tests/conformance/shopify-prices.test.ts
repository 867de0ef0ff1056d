import { conform, type SinkUnderTest } from '../../src/conformance/index.ts';
import { shopify } from '../../src/connectors/shopify/index.ts';
import { hollow, invalidToken, item, operationOf, secrets, start } from './shopify-lab.ts';

/** The shop's own prices. */
async function prices(): Promise<SinkUnderTest> {
  const { shop, connection, variants } = await start();
  const priceOf = (sku: string, n: number, variant: string) =>
    item(
      `web/${sku}`,
      { id: `web/${sku}`, sku, list: 'web', currency: 'EUR', amount: 700_000 + n, compareAt: null, includesTax: true },
      [[`product:${sku}`, variant]],
    );
  return {
    sink: connection.sinks.prices,
    secrets,
    item: (n) => priceOf(variants[n]!.sku!, n, variants[n]!.id),
    bad: (n) => priceOf(`NONE-${n}`, n, 'gid://shopify/ProductVariant/7'),
    badIsFoundBy: 'sink',
    badField: 'sku',
    held: async ({ document }) => {
      const { sku, amount } = document as { sku: string; amount: number };
      return [...shop.variants.values()].filter((one) => one.sku === sku && one.price === BigInt(amount)).length;
    },
    writes: (request) => operationOf(request) === 'SetPrices',
    hollow: hollow({ productVariantsBulkUpdate: { productVariants: [], userErrors: [] } }),
    refuses: invalidToken,
  };
}

/** Fixed prices of a market's price list. */
async function listPrices(): Promise<SinkUnderTest> {
  const { simulator, shop, variants } = await start();
  const list = shop.addPriceList('US', 'USD', [{ name: 'United States', taxes: 'ADD_TAXES_AT_CHECKOUT' }]);
  const { sinks } = shopify({
    shop: shop.domain,
    url: simulator.url,
    token: { secret: 'TOKEN' },
    clientSecrets: [{ secret: 'NEW' }],
    settle: '1s',
    priceLists: { us: list.id },
  });
  const priceOf = (sku: string, n: number, variant: string) =>
    item(
      `us/${sku}`,
      { id: `us/${sku}`, sku, list: 'us', currency: 'USD', amount: 700_000 + n, compareAt: null, includesTax: false },
      [[`product:${sku}`, variant]],
    );
  return {
    sink: sinks.prices,
    secrets,
    item: (n) => priceOf(variants[n]!.sku!, n, variants[n]!.id),
    bad: (n) => priceOf(`NONE-${n}`, n, 'gid://shopify/ProductVariant/7'),
    badIsFoundBy: 'sink',
    badField: 'sku',
    held: async ({ document }) => {
      const { sku, amount } = document as { sku: string; amount: number };
      const variant = variants.find((one) => one.sku === sku);
      return variant && list.prices[variant.id]?.price === BigInt(amount) ? 1 : 0;
    },
    writes: (request) => operationOf(request) === 'SetListPrices',
    hollow: hollow({ priceListFixedPricesAdd: { prices: [], userErrors: [] } }),
    refuses: invalidToken,
  };
}

conform({ sinks: { 'shopify prices': prices, 'shopify prices of a market': listPrices } });
