import type {
  EditAction,
  Fulfilment,
  Item,
  Level,
  Order,
  Payment,
  Product,
  ProductOption,
  Return,
  Variant,
} from './records.ts';
import { type Shop, totalOf } from './shop.ts';

type View = Record<string, unknown>;

const taxLines = (rate: number | null, owner: string): View[] =>
  rate === null ? [] : [{ id: `${owner}_tax`, code: 'BE21', rate, description: 'VAT', provider_id: 'system' }];

function itemView(item: Item, inclusive: boolean, versions: readonly number[]): View {
  return {
    id: item.id,
    title: item.title,
    variant_id: item.variant.id,
    variant_sku: item.variant.sku,
    variant_title: item.variant.title,
    requires_shipping: true,
    is_giftcard: false,
    is_tax_inclusive: inclusive,
    unit_price: item.unitPrice,
    quantity: item.quantity,
    detail: {
      quantity: item.quantity,
      fulfilled_quantity: item.fulfilled,
      shipped_quantity: item.shipped,
      return_requested_quantity: item.requested,
      return_received_quantity: item.received,
      return_dismissed_quantity: item.dismissed,
    },
    tax_lines: taxLines(item.rate, item.id),
    adjustments:
      item.off === 0
        ? []
        : versions.map((version) => ({
            id: `${item.id}_off${version}`,
            version,
            code: 'TEN',
            amount: Number(item.off.toFixed(8)),
            is_tax_inclusive: inclusive,
          })),
  };
}

const fulfilmentView = (one: Fulfilment): View => ({
  id: one.id,
  location_id: one.location,
  shipped_at: one.shippedAt,
  delivered_at: one.deliveredAt,
  canceled_at: one.canceledAt,
  metadata: one.metadata,
  items: one.items.map(({ item, quantity }) => ({ id: `${one.id}_${item}`, line_item_id: item, quantity })),
  labels: one.labels.map((label, n) => ({ id: `${one.id}_label${n}`, ...label })),
});

export const returnView = (one: Return): View => ({
  id: one.id,
  order_id: one.order,
  display_id: one.displayId,
  status: one.status,
  location_id: one.location,
  metadata: one.metadata,
  created_at: one.createdAt,
  updated_at: one.updatedAt,
  requested_at: one.requestedAt,
  received_at: one.receivedAt,
  canceled_at: null,
  items: one.items.map(({ id, item, quantity, received, damaged }) => ({
    id,
    item_id: item,
    reason_id: null,
    reason: null,
    quantity,
    received_quantity: received,
    damaged_quantity: damaged,
  })),
});

export const paymentView = (payment: Payment): View => ({
  id: payment.id,
  amount: payment.amount,
  currency_code: 'eur',
  provider_id: 'pp_system_default',
  created_at: payment.createdAt,
  updated_at: payment.updatedAt,
  captured_at: payment.capturedAt,
  canceled_at: payment.canceledAt,
  captures: payment.captures,
  refunds: payment.refunds,
  payment_collection: { id: payment.collection, order: { id: payment.order } },
});

const address = (country: string): View => ({
  first_name: 'Ann',
  last_name: 'Peeters',
  company: null,
  address_1: 'Kerkstraat 1',
  address_2: null,
  city: 'Gent',
  postal_code: '9000',
  province: null,
  country_code: country,
  phone: '+32 9 000 00 00',
});

/** All lines an order ever had, each as the last version that had it, with what was taken off it in every version. */
export const lineItemsView = (order: Order, shop: Shop): View[] =>
  order.items.map((item) => {
    const version = item.until ?? order.version;
    const versions = Array.from({ length: version - item.since + 1 }, (_, n) => item.since + n);
    const { quantity: _, detail: __, ...line } = itemView(item, shop.inclusive, versions);
    return {
      id: `orditem_${item.id.slice(6)}`,
      item_id: item.id,
      version,
      quantity: item.last,
      unit_price: version === 1 ? null : item.unitPrice,
      item: line,
      history: { version: { from: item.since, to: version } },
    };
  });

/** Confirmed edits, what was changed without one, and the change that is under way. */
export function changesView({ id: order, change, edits, updates, version }: Order): View[] {
  const action = ({ id, action: what, item, quantity, difference }: EditAction, ordering: number): View => ({
    id,
    order_id: order,
    action: what,
    ordering,
    amount: null,
    details: { reference_id: item, quantity, ...(difference === undefined ? {} : { quantity_diff: difference }) },
  });
  const confirmed = (one: { id: string; version: number }, kind: string, at: string, actions: View[]) => ({
    id: one.id,
    version: one.version,
    return_id: null,
    change_type: kind,
    status: 'confirmed',
    confirmed_at: at,
    actions,
  });
  const edited = edits.map((one) => confirmed(one, 'edit', one.confirmedAt, one.actions.map(action)));
  const updated = updates.map((one) => {
    const details = { new: one.asked, old: one.before, type: 'metadata' };
    const what = { order_id: order, action: 'UPDATE_ORDER_PROPERTIES', ordering: 1, amount: null, details };
    return confirmed(one, 'update_order', one.at, [{ id: `ordchact_${one.id.slice(6)}`, ...what }]);
  });
  const done = [...edited, ...updated].sort((a, b) => (a.confirmed_at < b.confirmed_at ? -1 : 1));
  if (!change) return done;
  const { returnId, kind } = change;
  const pending = {
    id: 'ordch_01SIM',
    version: version + 1,
    return_id: returnId,
    change_type: kind,
    status: 'pending',
  };
  return [...done, { ...pending, confirmed_at: null, actions: change.edits.map(action) }];
}

export function orderView(order: Order, shop: Shop): View {
  return {
    id: order.id,
    display_id: order.displayId,
    custom_display_id: null,
    status: order.status,
    version: order.version,
    is_draft_order: false,
    email: order.email,
    currency_code: 'eur',
    created_at: order.createdAt,
    updated_at: order.updatedAt,
    canceled_at: order.canceledAt,
    metadata: order.metadata,
    total: totalOf(order, shop.inclusive),
    credit_line_total: order.credit,
    items: order.items
      .filter(({ quantity }) => quantity > 0)
      .map((item) => itemView(item, shop.inclusive, [order.version])),
    shipping_methods: [
      {
        id: `ordsm_${order.id.slice(6)}`,
        name: 'Standard',
        amount: order.shippingAmount,
        is_tax_inclusive: shop.inclusive,
        shipping_option_id: 'so_standard',
        tax_lines: taxLines(order.shippingRate, 'ordsm'),
        adjustments: [],
      },
    ],
    shipping_address: address(order.country),
    billing_address: address(order.country),
    customer: {
      id: shop.customer.id,
      first_name: null,
      last_name: null,
      company_name: null,
      email: shop.customer.email,
      phone: shop.customer.phone,
      updated_at: shop.customer.updatedAt,
    },
    payment_collections: order.collections.map(({ id, status, amount, payment }) => {
      const { payment_collection: _, ...view } = payment ? paymentView(payment) : {};
      return { id, status, amount, payments: payment ? [view] : [] };
    }),
    fulfillments: order.fulfilments.map(fulfilmentView),
    returns: [...shop.returns.values()].filter((one) => one.order === order.id).map(returnView),
  };
}

const levelView = ({ id, item, location, stocked, reserved }: Level): View => ({
  id,
  inventory_item_id: item,
  location_id: location,
  stocked_quantity: stocked,
  reserved_quantity: reserved,
  available_quantity: stocked - reserved,
});

export const inventoryView = (shop: Shop, item: string): View => ({
  id: item,
  sku: shop.inventoryItems.get(item)?.sku ?? null,
  title: shop.inventoryItems.get(item)?.title ?? null,
  location_levels: [...shop.levels.values()].filter((level) => level.item === item).map(levelView),
});

const optionView = ({ id, title }: ProductOption): View => ({ id, title, is_exclusive: true });

export function variantView(variant: Variant, shop: Shop): View {
  const { options } = shop.products.get(variant.productId)!;
  const chosen = options.flatMap((option) => {
    const value = option.values.find((one) => one.value === variant.choice.get(option.id));
    return value ? [{ ...value, option: optionView(option) }] : [];
  });
  return {
    id: variant.id,
    product_id: variant.productId,
    title: variant.title,
    sku: variant.sku,
    barcode: variant.barcode,
    ean: variant.ean,
    upc: null,
    weight: variant.weight,
    manage_inventory: variant.managed,
    created_at: variant.createdAt,
    updated_at: variant.updatedAt,
    options: chosen,
    inventory_items:
      variant.inventoryItem === null
        ? []
        : [
            {
              inventory_item_id: variant.inventoryItem,
              required_quantity: 1,
              inventory: inventoryView(shop, variant.inventoryItem),
            },
          ],
    prices: variant.prices.map((price) => ({ ...price })),
  };
}

export const productView = (product: Product, shop: Shop): View => ({
  id: product.id,
  title: product.title,
  handle: product.handle,
  external_id: product.externalId,
  description: product.description,
  status: product.status,
  is_giftcard: false,
  created_at: product.createdAt,
  updated_at: product.updatedAt,
  options: product.options.map((option) => ({ ...optionView(option), values: option.values })),
  variants: product.variants.map((variant) => variantView(variant, shop)),
});

/** Where a record does not tell its id unless it is asked for it. */
const silent = /(?:options?|values|location_levels)\.$/;

/** What `fields` asks for: a record's own values by name or `*`, its relations only where they are named. Prices show their rules only with `price_rules`. */
export function picked(view: View, fields: readonly string[], path = ''): View {
  const own = (name: string): boolean => fields.includes(`${path}${name}`) || fields.includes(`${path}*`);
  const inside = (name: string): boolean => fields.some((field) => field.startsWith(`${path}${name}.`));
  const kept = Object.entries(view).flatMap(([name, value]): [string, unknown][] => {
    if (name === 'id') return !silent.test(path) || own(name) ? [[name, value]] : [];
    if (name === 'rules') return own(name) ? [[name, inside('price_rules') ? value : {}]] : [];
    if (name === 'metadata' || name === 'details' || value === null || typeof value !== 'object')
      return own(name) || (value === null && inside(name)) ? [[name, value]] : [];
    if (!inside(name)) return [];
    const part = (one: unknown) => picked(one as View, fields, `${path}${name}.`);
    return [[name, Array.isArray(value) ? value.map(part) : part(value)]];
  });
  return Object.fromEntries(kept);
}
