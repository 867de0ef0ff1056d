import { after } from 'node:test';
import type { SeenRequest } from '../../src/conformance/index.ts';
import { type ShopifyConfig, shopify } from '../../src/connectors/shopify/index.ts';
import type { Item } from '../../src/core/connector.ts';
import { type ShopifyOptions, type ShopifySimulator, startShopify } from '../../src/simulators/shopify/index.ts';
import { furnish } from '../../src/simulators/shopify/traffic.ts';

export const started: ShopifySimulator[] = [];
after(async () => {
  for (const one of started) await one.stop();
});

export const secrets = { TOKEN: 'shpat_0123456789', NEW: 'shpss_new_secret', OLD: 'shpss_old_secret' };

/** A shop with 60 variants, and the connector to it. */
export async function start(options: ShopifyOptions = {}, config: Partial<ShopifyConfig> = {}) {
  const simulator = await startShopify({ token: secrets.TOKEN, bucket: [1e6, 1e6], ...options });
  started.push(simulator);
  furnish(simulator.shop, 400);
  const connection = shopify({
    shop: simulator.shop.domain,
    url: simulator.url,
    token: { secret: 'TOKEN' },
    clientSecrets: [{ secret: 'NEW' }, { secret: 'OLD' }],
    settle: '1s',
    ...config,
  });
  return { simulator, shop: simulator.shop, connection, variants: [...simulator.shop.variants.values()] };
}

export const operationOf = ({ body }: SeenRequest): string =>
  (JSON.parse(body) as { operationName: string }).operationName;
export const hollow = (data: object) => () => new Response(JSON.stringify({ data }));
export const item = <T>(key: string, document: T, links: [string, string][]): Item<unknown> => ({
  key,
  id: null,
  version: 1,
  document,
  links: new Map(links),
});

export const invalidToken = () =>
  new Response(JSON.stringify({ errors: '[API] Invalid API key or access token' }), { status: 401 });
