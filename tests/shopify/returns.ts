import { shopify } from '../../src/connectors/shopify/index.ts';
import { toDocuments } from '../../src/connectors/shopify/mapping/orders.ts';
import type { Context, Item, Result } from '../../src/core/connector.ts';
import type { Refund } from '../../src/model/refund.ts';
import type { Return } from '../../src/model/return.ts';
import { startShopify } from '../../src/simulators/shopify/index.ts';
import { placeOrder } from '../../src/simulators/shopify/orders.ts';
import type { Order } from '../../src/simulators/shopify/records.ts';
import { furnish, person, place } from '../../src/simulators/shopify/traffic.ts';
import { makeContext } from '../odoo/context.ts';

/** A simulated shop with its sinks and sources, one product of which is sold, for tests of returns. */
export async function lab(t: { after(fn: () => Promise<void>): void }) {
  const simulator = await startShopify({ bucket: [1e6, 1e6] });
  t.after(() => simulator.stop());
  const { shop } = simulator;
  furnish(shop);
  const { sinks, sources } = shopify({
    shop: shop.domain,
    url: simulator.url,
    token: { secret: 'TOKEN' },
    clientSecrets: [{ secret: 'TOKEN' }],
  });
  const [location] = shop.locations.keys();
  const mappings = {
    'shopify-payment-methods': { shopify_payments: 'card' },
    'shopify-locations': { warehouse: location! },
    'shopify-shipping-services': {},
    'shopify-return-reasons': { unknown: 'unwanted' },
  };
  const cx = makeContext({ connection: 'web', secrets: { TOKEN: simulator.token }, mappings });
  const [variant] = [...shop.variants.values()];
  const sell = (quantity = 3): Order =>
    placeOrder(shop, {
      lines: [{ variantId: variant!.id, quantity }],
      customer: person(shop, 1),
      shippingAddress: place(shop, 'A Person'),
    });
  const level = (): number => shop.level(variant!.inventoryItemId, location!)!.available;
  return { simulator, shop, sinks, sources, cx, sell, level, location: location! };
}

export const tail = (id: string): string => id.split('/').at(-1)!;
/** The outcome of a delivery, with the words of its fault. */
export const told = (result: Result | undefined): string =>
  result?.outcome === 'failed' ? `${result.fault.kind}: ${result.fault.message}` : String(result?.outcome);

/** A return of the books of an order that is bound. */
export const returnOf = (
  order: Order,
  lines: Partial<Return['lines'][number]>[],
  more: Partial<Return> = {},
): Item<Return> => ({
  key: 'odoo:return-7',
  id: null,
  version: 1,
  links: new Map([['order:web:1', order.id]]),
  document: {
    id: 'odoo:return-7',
    number: 'WH/IN/00007',
    order: 'web:1',
    orderNumber: order.name,
    state: 'received',
    location: 'warehouse',
    occurredAt: '2026-11-25T10:00:00Z',
    lines: lines.map((line, index) => ({
      id: String(index),
      orderLine: tail(order.lines[0]!.id),
      sku: 'A',
      quantity: '1',
      reason: 'unknown',
      restock: true,
      ...line,
    })),
    ...more,
  },
});

/** What a look at the shop finds of an order's returns, refunds and lines. */
export async function heard({ sources }: Awaited<ReturnType<typeof lab>>, order: Order, cx: Context) {
  for await (const { items } of sources.orders.pull(null, cx))
    for (const { bytes } of items) {
      const native = sources.orders.decode(bytes);
      if (native.id !== order.id) continue;
      const look = { connection: 'web', mapping: cx.mapping };
      return toDocuments(native, look, { zone: 'UTC' });
    }
  throw new Error('the order was not read');
}

/** A credit note of the books for it, over lines of one unit's price each. */
export const creditOf = (
  order: Order,
  lines: Partial<Refund['lines'][number]>[],
  key = 'odoo:credit-note-5',
): Item<Refund> => {
  const unit = Number(order.lines[0]!.unitPrice.shop);
  const document: Refund = {
    id: key,
    number: 'RINV/5',
    order: 'web:1',
    orderNumber: order.name,
    return: null,
    creditNote: 'RINV/5',
    refundedOn: '2026-11-25',
    method: null,
    currency: 'EUR',
    amount: lines.reduce((sum, { quantity = '1' }) => sum + Number(quantity) * unit, 0),
    lines: lines.map((line, index) => ({
      id: String(index),
      orderLine: tail(order.lines[0]!.id),
      description: 'x',
      quantity: '1',
      amount: Number(line.quantity ?? '1') * unit,
      tax: 0,
      taxes: [],
      ...line,
    })),
  };
  return { key, id: null, version: 1, links: new Map([['order:web:1', order.id]]), document };
};
