import { shopify } from '../../src/connectors/shopify/index.ts';
import { toDocuments } from '../../src/connectors/shopify/mapping/orders.ts';
import type { ShopifyOrder } from '../../src/connectors/shopify/native.ts';
import type { Incoming } from '../../src/core/connector.ts';
import { FaultError } from '../../src/core/fault.ts';
import type { Order } from '../../src/model/order.ts';
import { type NewOrder, type Shop, type ShopifyOptions, startShopify } from '../../src/simulators/shopify/index.ts';
import { furnish, person, place } from '../../src/simulators/shopify/traffic.ts';
import { makeContext } from '../odoo/context.ts';

const table = (name: string) => {
  const find = (code: string): string | null => {
    if (name === 'shopify-taxes') return /VAT (21|6)%$/.exec(code)?.[1] ?? null;
    if (name === 'shopify-locations') return code.startsWith('gid://shopify/Location/') ? `LOC${code.slice(-1)}` : null;
    return name === 'shopify-payment-methods' ? `m:${code}` : null;
  };
  const get = (code: string): string => {
    const value = find(code);
    if (value === null) throw new FaultError({ kind: 'rejected', message: `${name} has no row for ${code}` });
    return value;
  };
  return { find, get };
};
const look = { connection: 'web', mapping: table };

/** A furnished shop, and a reader of all its orders as the connector reads them. */
export async function lab(options: ShopifyOptions = {}, money: 'shop' | 'presentment' = 'shop') {
  const simulator = await startShopify({ bucket: [1e6, 1e6], ...options });
  furnish(simulator.shop);
  const connection = shopify({
    shop: simulator.shop.domain,
    url: simulator.url,
    token: { secret: 'TOKEN' },
    clientSecrets: [{ secret: 'SECRET' }],
    money,
  });
  const cx = makeContext({ connection: 'web', secrets: { TOKEN: simulator.token, SECRET: 's' } });
  const read = async (): Promise<ShopifyOrder[]> => {
    const items: Incoming[] = [];
    for await (const page of connection.sources.orders.pull(null, cx)) items.push(...page.items);
    return items.map(({ bytes }) => connection.sources.orders.decode(bytes));
  };
  return { simulator, shop: simulator.shop, read };
}

export const draftsOf = (order: ShopifyOrder) => toDocuments(order, look, { zone: 'Europe/Brussels' });

/** Drafts of one kind that an order means. */
export const bodies = <T>(order: ShopifyOrder, kind: string): T[] =>
  draftsOf(order)
    .filter((draft) => draft.kind === kind)
    .map(({ body }) => body as T);
export const orderOf = (order: ShopifyOrder): Order => bodies<Order>(order, 'order')[0]!;

/** Three pieces of one kind for one customer. */
export const simple = (shop: Shop, more: Partial<NewOrder> = {}): NewOrder => {
  const customer = person(shop, 1);
  const variantId = [...shop.variants.keys()][0]!;
  return {
    lines: [{ variantId, quantity: 3, taxes: [{ title: 'VAT', rate: 2100 }] }],
    customer,
    shippingAddress: place(shop, 'Ann'),
    ...more,
  };
};
