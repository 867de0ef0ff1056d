import { setCatalogue } from './catalogue.ts';
import { addItems, beginEdit, changeItem, confirmEdit, dropEdit, type NewItem } from './edits.ts';
import { cancel, capture, markAsPaid, refund } from './money.ts';
import type { Metadata } from './records.ts';
import {
  askFor,
  beginReceiving,
  confirmReceiving,
  confirmRequest,
  dropReceiving,
  dropRequest,
  makeReturn,
  take,
} from './returns.ts';
import { missing, Refusal, type Shop } from './shop.ts';
import {
  changesView,
  inventoryView,
  lineItemsView,
  orderView,
  paymentView,
  picked,
  productView,
  returnView,
  variantView,
} from './views.ts';

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: Record<string, unknown>;
}

type View = Record<string, unknown>;
type Units = { id: string; quantity: number }[];

interface Listed {
  readonly name: string;
  readonly all: (shop: Shop) => View[];
}

const lists: Readonly<Record<string, Listed>> = {
  '/admin/orders': { name: 'orders', all: (shop) => [...shop.orders.values()].map((one) => orderView(one, shop)) },
  '/admin/payments': { name: 'payments', all: (shop) => [...shop.payments.values()].map(paymentView) },
  '/admin/returns': { name: 'returns', all: (shop) => [...shop.returns.values()].map(returnView) },
  '/admin/products': {
    name: 'products',
    all: (shop) => [...shop.products.values()].map((one) => productView(one, shop)),
  },
  '/admin/product-variants': {
    name: 'variants',
    all: (shop) => [...shop.variants.values()].map((one) => variantView(one, shop)),
  },
  '/admin/inventory-items': {
    name: 'inventory_items',
    all: (shop) => [...shop.inventoryItems.keys()].map((id) => inventoryView(shop, id)),
  },
  '/admin/stores': {
    name: 'stores',
    all: (shop) => [
      {
        id: 'store_01SIM',
        name: 'Simulated shop',
        default_sales_channel_id: 'sc_01SIM',
        supported_currencies: shop.currencies.map((currency_code) => ({ currency_code })),
      },
    ],
  },
  '/admin/stock-locations': { name: 'stock_locations', all: (shop) => [{ id: shop.location, name: 'Central' }] },
  '/admin/shipping-profiles': {
    name: 'shipping_profiles',
    all: () => [{ id: 'sp_01SIM', name: 'Default Shipping Profile', type: 'default' }],
  },
  '/admin/price-preferences': {
    name: 'price_preferences',
    all: (shop) =>
      shop.currencies.map((value) => ({
        id: `prpref_${value}`,
        attribute: 'currency_code',
        value,
        is_tax_inclusive: shop.inclusive,
      })),
  },
};

/** Answers as the Admin API of Medusa 2.21.2 was seen to. Throws Refusal. */
export function answer(shop: Shop, asked: Asked): View {
  const { method, path } = asked;
  if (method === 'GET') return read(shop, asked);
  const order = /^\/admin\/orders\/(\w+)\/(fulfillments|cancel)(?:\/(\w+)\/(shipments|mark-as-delivered))?$/.exec(path);
  if (method === 'POST' && order) {
    act(shop, order, asked.body);
    return { order: orderView(shop.order(order[1]!), shop) };
  }
  const [, updated] = /^\/admin\/orders\/(\w+)$/.exec(path) ?? [];
  if (method === 'POST' && updated) {
    const metadata = metadataIn(asked.body);
    if (metadata !== undefined) shop.setMetadata(updated, metadata);
    const fields = fieldsOf(asked);
    const view = orderView(shop.order(updated), shop);
    return { order: fields.length === 0 ? view : picked(view, fields) };
  }
  const payment = /^\/admin\/payments\/(\w+)\/(capture|refund)$/.exec(path);
  if (method === 'POST' && payment) {
    const [, id, what] = payment as unknown as [string, string, string];
    return {
      payment: paymentView(what === 'capture' ? capture(shop, id) : refund(shop, id, Number(asked.body.amount))),
    };
  }
  const [, collection] = /^\/admin\/payment-collections\/(\w+)\/mark-as-paid$/.exec(path) ?? [];
  if (method === 'POST' && collection) {
    markAsPaid(shop, collection, String(asked.body.order_id));
    return { payment_collection: { id: collection, status: 'completed' } };
  }
  if (path.startsWith('/admin/returns')) return back(shop, asked);
  if (path.startsWith('/admin/order-edits')) return edit(shop, asked);
  return write(shop, asked);
}

const fieldsOf = ({ query }: Asked): string[] => (query.get('fields') ?? '').split(',').filter(Boolean);

function read(shop: Shop, asked: Asked): View {
  const { path, query } = asked;
  const fields = fieldsOf(asked);
  const show = (view: View): View => (fields.length === 0 ? view : picked(view, fields));
  const [, product] = /^\/admin\/products\/(\w+)$/.exec(path) ?? [];
  if (product) {
    const found = shop.products.get(product);
    if (!found) throw new Refusal(404, 'not_found', 'Product not found');
    return { product: show(productView(found, shop)) };
  }
  const one = /^(\/admin\/orders|\/admin\/returns)\/(\w+)$/.exec(path);
  if (one?.[1] === '/admin/orders') return { order: show(orderView(shop.order(one[2]!), shop)) };
  if (one) {
    const found = shop.returns.get(one[2]!);
    if (!found) throw missing('Return', one[2]!);
    return { return: show(returnView(found)) };
  }
  const changes = /^\/admin\/orders\/(\w+)\/changes$/.exec(path);
  if (changes) {
    const wanted = (view: View) =>
      ['change_type', 'status'].every((name) => (query.get(name) ?? view[name]) === view[name]);
    return { order_changes: changesView(shop.order(changes[1]!)).filter(wanted).map(show) };
  }
  const lines = /^\/admin\/orders\/(\w+)\/line-items$/.exec(path);
  if (lines) return { order_items: lineItemsView(shop.order(lines[1]!), shop).map(show) };
  const levels = /^\/admin\/inventory-items\/(\w+)\/location-levels$/.exec(path);
  if (levels) return { inventory_levels: inventoryView(shop, levels[1]!).location_levels };
  const list = lists[path];
  if (!list) throw new Refusal(404, '', `Cannot GET ${path}`);
  const all = filtered(list.all(shop), query);
  const offset = Number(query.get('offset') ?? 0);
  const limit = Number(query.get('limit') ?? 50);
  return { [list.name]: all.slice(offset, offset + limit).map(show), count: all.length, offset, limit };
}

function filtered(all: View[], query: URLSearchParams): View[] {
  const ids = query.getAll('id[]');
  const order = query.get('order');
  const kept = all.filter((view) => {
    if (ids.length > 0 && !ids.includes(String(view.id))) return false;
    for (const name of ['order_id', 'sku', 'attribute', 'handle']) {
      const wanted = [...query.getAll(name), ...query.getAll(`${name}[]`)];
      if (wanted.length > 0 && !wanted.includes(String(view[name]))) return false;
    }
    const text = query.get('q')?.toLowerCase();
    const searched = ['title', 'sku', 'barcode', 'ean', 'upc'].map((name) => String(view[name] ?? '').toLowerCase());
    if (text !== undefined && !searched.some((value) => value.includes(text))) return false;
    for (const name of ['created_at', 'updated_at']) {
      const since = query.get(`${name}[$gte]`);
      if (since === null) continue;
      if (Number.isNaN(Date.parse(since))) throw new Refusal(500, 'unknown_error', 'An unknown error occurred.');
      if (Date.parse(String(view[name])) < Date.parse(since)) return false;
    }
    return true;
  });
  if (order !== null && !/^-?[a-z_]+$/.test(order))
    throw new Refusal(500, 'unknown_error', 'An unknown error occurred.');
  if (order === null) return kept;
  // Within one moment in no certain order: another one for each page.
  const within = Number(query.get('offset') ?? 0) > 0 ? -1 : 1;
  const name = order.replace('-', '');
  const way = name === order ? 1 : -1;
  const text = (view: View, field: string): string => String(view[field]);
  return kept.sort((a, b) => {
    if (text(a, name) !== text(b, name)) return text(a, name) < text(b, name) ? -way : way;
    return (text(a, 'id') < text(b, 'id') ? -1 : 1) * within;
  });
}

function act(shop: Shop, [, id, what, fulfilment, then]: RegExpExecArray, body: Record<string, unknown>): void {
  if (what === 'cancel') cancel(shop, id!);
  else if (then === 'mark-as-delivered') shop.deliver(id!, fulfilment!);
  else if (then === 'shipments') shop.ship(id!, fulfilment!, (body.labels ?? []) as never);
  else shop.fulfil(id!, unitsIn(body), String(body.location_id), body.metadata);
}

/** What is asked to be laid over an order's metadata; undefined where nothing is. Throws Refusal. */
function metadataIn({ metadata, ...others }: Record<string, unknown>): Metadata | null | undefined {
  const isRecord = typeof metadata === 'object' && !Array.isArray(metadata);
  const wrong =
    metadata === undefined || isRecord ? [] : [`Expected type: 'record' for field 'metadata', got: '${metadata}'`];
  const strange = Object.keys(others);
  if (strange.length > 0) wrong.push(`Unrecognized fields: '${strange.join(', ')}'`);
  if (wrong.length > 0) throw new Refusal(400, 'invalid_data', `Invalid request: ${wrong.join('; ')}`);
  return metadata as Metadata | null | undefined;
}

function unitsIn({ items }: Record<string, unknown>): Units {
  if (!Array.isArray(items)) throw new Refusal(400, 'invalid_data', "Invalid request: Field 'items' is required");
  for (const [n, { quantity }] of (items as { quantity?: unknown }[]).entries())
    if (typeof quantity !== 'number')
      throw new Refusal(400, 'invalid_data', `Invalid request: Field 'items, ${n}, quantity' is required`);
  return items as Units;
}

function back(shop: Shop, { method, path, body }: Asked): View {
  if (path === '/admin/returns') {
    if (typeof body.order_id !== 'string')
      throw new Refusal(400, 'invalid_data', "Invalid request: Field 'order_id' is required");
    const one = makeReturn(shop, body as never);
    return { order: orderView(shop.order(one.order), shop), return: returnView(one) };
  }
  const [, id, what] = /^\/admin\/returns\/(\w+)\/([a-z-]+(?:\/confirm)?)$/.exec(path) ?? [];
  if (!id || !what) throw new Refusal(404, '', `Cannot ${method} ${path}`);
  if (!shop.returns.has(id)) throw missing('Return', id);
  if (method === 'DELETE') {
    (what === 'request' ? dropRequest : dropReceiving)(shop, id);
    return { id, object: 'return', deleted: true };
  }
  const steps: Readonly<Record<string, () => void>> = {
    'request-items': () => askFor(shop, id, unitsIn(body)),
    request: () => confirmRequest(shop, id),
    receive: () => beginReceiving(shop, id),
    'receive-items': () => take(shop, id, unitsIn(body), true),
    'dismiss-items': () => take(shop, id, unitsIn(body), false),
    'receive/confirm': () => confirmReceiving(shop, id),
  };
  const step = steps[what];
  if (!step) throw new Refusal(404, '', `Cannot ${method} ${path}`);
  step();
  return { return: returnView(shop.returns.get(id)!) };
}

function edit(shop: Shop, { method, path, body }: Asked): View {
  if (path === '/admin/order-edits') {
    const order = beginEdit(shop, String(body.order_id));
    return { order_change: { id: 'ordch_01SIM', order_id: order.id, change_type: 'edit', status: 'pending' } };
  }
  const [, id, what, item] =
    /^\/admin\/order-edits\/(\w+)(?:\/(request|confirm|items)(?:\/item\/(\w+))?)?$/.exec(path) ?? [];
  if (!id) throw new Refusal(404, '', `Cannot ${method} ${path}`);
  if (method === 'DELETE') {
    dropEdit(shop, id);
    return { id, object: 'order-edit', deleted: true };
  }
  if (item) changeItem(shop, id, item, Number(body.quantity));
  else if (what === 'items') addItems(shop, id, body.items as NewItem[]);
  else if (what === 'confirm') confirmEdit(shop, id);
  return { order_preview: orderView(shop.order(id), shop) };
}

function write(shop: Shop, asked: Asked): View {
  const { method, path, body } = asked;
  const [, item, location] = /^\/admin\/inventory-items\/(\w+)\/location-levels\/(\w+)$/.exec(path) ?? [];
  if (item && location) {
    const stocked = Number(body.stocked_quantity);
    if (stocked < 0)
      throw new Refusal(
        400,
        'invalid_data',
        "Invalid request: Value for field 'stocked_quantity' too small, expected at least: '0'",
      );
    shop.level(item, location).stocked = stocked;
    return { inventory_item: inventoryView(shop, item) };
  }
  const told = setCatalogue(shop, asked);
  if (!told) throw new Refusal(404, '', `Cannot ${method} ${path}`);
  const fields = fieldsOf(asked);
  return fields.length > 0 && told.product ? { product: picked(told.product as View, fields) } : told;
}
