import { randomUUID } from 'node:crypto';
import { startMedusa } from '../../src/simulators/medusa/index.ts';

export interface LabVariant {
  readonly id: string;
  readonly product: string;
  readonly sku: string;
  readonly price: number;
  readonly inventoryItem: string;
}

/** An order as it was placed, with its lines by SKU. */
export interface Placed {
  readonly id: string;
  readonly number: string;
  readonly payment: string;
  readonly lines: ReadonlyMap<string, string>;
}

interface Wish {
  readonly country?: 'be' | 'nl';
  /** With the promotion of ten per cent. */
  readonly promotion?: boolean;
  /** What the checkout writes down. */
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** A Medusa that a test works on: sells to BE at 21 % and to NL without tax, ships for 4.95 euros. What is asked of it beside the hub goes by its own API. */
export interface MedusaLab {
  readonly url: string;
  readonly key: string;
  readonly location: string;
  /** Told apart from those of other tests: prices 9.99, 24.99, 3.33, 100 and 0.07. */
  readonly variants: readonly LabVariant[];
  admin<T>(method: string, path: string, body?: object): Promise<T>;
  place(lines: readonly (readonly [LabVariant, number])[], wish?: Wish): Promise<Placed>;
  stop(): Promise<void>;
}

const PRICES = [9.99, 24.99, 3.33, 100, 0.07];

async function ask<T>(url: string, headers: Record<string, string>, method: string, path: string, body?: object) {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { ...headers, ...(body ? { 'content-type': 'application/json' } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 400)}`);
  return JSON.parse(text) as T;
}

const byKey = (url: string, key: string) => {
  const headers = { authorization: `Basic ${Buffer.from(`${key}:`).toString('base64')}` };
  return <T>(method: string, path: string, body?: object) => ask<T>(url, headers, method, path, body);
};

/** A simulated Medusa. */
export async function simulated(): Promise<MedusaLab> {
  const simulator = await startMedusa();
  const { shop, url, key } = simulator;
  const variants = PRICES.map((price, n): LabVariant => {
    const sku = `S${n}-${randomUUID().slice(0, 8)}`.toUpperCase();
    const product = shop.addProduct(`Thing ${n}`, [{ title: 'S', sku, price }]);
    const [variant] = product.variants;
    return { id: variant!.id, product: product.id, sku, price, inventoryItem: variant!.inventoryItem! };
  });
  return {
    url,
    key,
    location: shop.location,
    variants,
    admin: byKey(url, key),
    place: async (lines, wish = {}) => {
      const order = shop.place({ lines: lines.map(([{ id }, quantity]) => [id, quantity]), ...wish });
      return {
        id: order.id,
        number: String(order.displayId),
        payment: order.payment.id,
        lines: new Map(order.items.map(({ id, variant }) => [variant.sku!, id])),
      };
    },
    stop: () => simulator.stop(),
  };
}

interface ListedOrder {
  readonly id: string;
  readonly display_id: number;
  readonly items: { readonly id: string; readonly variant_sku: string }[];
  readonly payment_collections: { readonly payments: { readonly id: string }[] }[];
}

/** The real Medusa that tests/medusa/run.ts has furnished. */
async function real(url: string, key: string, publishable: string): Promise<MedusaLab> {
  const admin = byKey(url, key);
  const store = <T>(path: string, body: object) =>
    ask<T>(url, { 'x-publishable-api-key': publishable }, 'POST', `/store/${path}`, body);
  type Ids<K extends string> = Record<K, { id: string; name?: string; code?: string }[]>;
  const { regions } = await admin<Ids<'regions'>>('GET', '/admin/regions');
  const { stock_locations } = await admin<Ids<'stock_locations'>>('GET', '/admin/stock-locations');
  const { sales_channels } = await admin<Ids<'sales_channels'>>('GET', '/admin/sales-channels');
  const { shipping_options } = await admin<Ids<'shipping_options'>>('GET', '/admin/shipping-options');
  const { shipping_profiles } = await admin<Ids<'shipping_profiles'>>('GET', '/admin/shipping-profiles');
  const [region, location, channel] = [regions[0]!.id, stock_locations[0]!.id, sales_channels[0]!.id];
  const option = shipping_options.find(({ name }) => name === 'Standard')!.id;
  const variants: LabVariant[] = [];
  for (const [n, price] of PRICES.entries()) {
    const sku = `S${n}-${randomUUID().slice(0, 8)}`.toUpperCase();
    const { product } = await admin<{
      product: { id: string; variants: { id: string; inventory_items: { inventory_item_id: string }[] }[] };
    }>('POST', '/admin/products?fields=*variants,*variants.inventory_items', {
      title: `Thing ${n}`,
      handle: sku.toLowerCase(),
      status: 'published',
      shipping_profile_id: shipping_profiles[0]!.id,
      sales_channels: [{ id: channel }],
      options: [{ title: 'Size', values: ['S'] }],
      variants: [
        {
          title: 'S',
          sku,
          manage_inventory: true,
          options: { Size: 'S' },
          prices: [{ currency_code: 'eur', amount: price }],
        },
      ],
    });
    const [variant] = product.variants;
    const inventoryItem = variant!.inventory_items[0]!.inventory_item_id;
    await admin('POST', `/admin/inventory-items/${inventoryItem}/location-levels`, {
      location_id: location,
      stocked_quantity: 100_000,
    });
    variants.push({ id: variant!.id, product: product.id, sku, price, inventoryItem });
  }
  return {
    url,
    key,
    location,
    variants,
    admin,
    place: async (lines, { country = 'be', promotion = false, metadata } = {}) => {
      const address = {
        ...{ first_name: 'Ann', last_name: 'Peeters', address_1: 'Kerkstraat 1', city: 'Gent', postal_code: '9000' },
        country_code: country,
      };
      const { cart } = await store<{ cart: { id: string } }>('carts', {
        region_id: region,
        email: 'ann@example.com',
        items: lines.map(([{ id }, quantity]) => ({ variant_id: id, quantity })),
        promo_codes: promotion ? ['TEN'] : [],
        shipping_address: address,
        billing_address: address,
        ...(metadata ? { metadata } : {}),
      });
      await store(`carts/${cart.id}/shipping-methods`, { option_id: option });
      const { payment_collection } = await store<{ payment_collection: { id: string } }>('payment-collections', {
        cart_id: cart.id,
      });
      await store(`payment-collections/${payment_collection.id}/payment-sessions`, {
        provider_id: 'pp_system_default',
      });
      const told = await store<{ order?: { id: string } }>(`carts/${cart.id}/complete`, {});
      if (!told.order) throw new Error(`the cart did not become an order: ${JSON.stringify(told)}`);
      const fields = 'id,display_id,items.*,payment_collections.payments.id';
      const { order } = await admin<{ order: ListedOrder }>('GET', `/admin/orders/${told.order.id}?fields=${fields}`);
      return {
        id: order.id,
        number: String(order.display_id),
        payment: order.payment_collections[0]!.payments[0]!.id,
        lines: new Map(order.items.map(({ id, variant_sku }) => [variant_sku, id])),
      };
    },
    stop: async () => {},
  };
}

/** The real Medusa of MEDUSA_URL, MEDUSA_KEY and MEDUSA_PUBLISHABLE; where they are not set, a simulated one. */
export function openMedusa(): Promise<MedusaLab> {
  const { MEDUSA_URL: url, MEDUSA_KEY: key, MEDUSA_PUBLISHABLE: publishable } = process.env;
  return url && key && publishable ? real(url, key, publishable) : simulated();
}
