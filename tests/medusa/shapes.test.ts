import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { type MedusaLab, openMedusa, simulated } from './shops.ts';

/** The same story in the real Medusa of MEDUSA_URL and in the simulated one: what the simulated one answers, the real one answers too, of the same kind. */
const skip = process.env.MEDUSA_URL ? false : 'there is no real Medusa: npm run test:medusa';

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

const kindOf = (value: Json): string => (value === null ? 'null' : Array.isArray(value) ? 'list' : typeof value);

/** Where the simulated answer has what the real one has not, or something of another kind. Null may stand for anything. */
function differences(ours: Json, theirs: Json | undefined, at: string): string[] {
  if (theirs === undefined) return [`${at}: Medusa has none`];
  if (ours === null || theirs === null) return [];
  if (kindOf(ours) !== kindOf(theirs)) return [`${at}: ${kindOf(ours)}, but ${kindOf(theirs)} at Medusa`];
  if (Array.isArray(ours) && Array.isArray(theirs)) {
    const [first] = ours;
    if (first === undefined) return [];
    return theirs.length === 0 ? [`${at}: empty at Medusa`] : differences(first, theirs[0], `${at}[]`);
  }
  if (typeof ours !== 'object' || typeof theirs !== 'object' || Array.isArray(ours) || Array.isArray(theirs)) return [];
  return Object.entries(ours).flatMap(([name, value]) => differences(value, theirs[name], `${at}.${name}`));
}

/** Refusals as they are told: status, type, words, ids left out. */
async function refusal(lab: MedusaLab, method: string, path: string, body?: object): Promise<string> {
  const response = await fetch(`${lab.url}${path}`, {
    method,
    headers: {
      authorization: `Basic ${Buffer.from(`${lab.key}:`).toString('base64')}`,
      ...(body ? { 'content-type': 'application/json' } : {}),
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  const { type, message } = (await response.json()) as { type?: string; message?: string };
  const words = message
    ?.replace(/\b(order|ordli|return|ful|sloc|iitem|prod|variant|opt)_\w+/g, '$1')
    .replace(/item \w+ -.*/, 'item');
  return `${response.status} ${type}: ${words}`;
}

/** A product from its making to its end: what a hub asks of a catalogue. */
async function catalogueStory(lab: MedusaLab): Promise<{ answers: Record<string, Json>; refusals: string[] }> {
  const code = `NEW-${randomUUID().slice(0, 8)}`.toUpperCase();
  const fields =
    'id,title,handle,external_id,description,status,created_at,options.id,options.title,options.is_exclusive,options.values.value,variants.id,variants.title,variants.sku,variants.barcode,variants.ean,variants.upc,variants.weight,variants.manage_inventory,variants.created_at,variants.options.value,variants.options.option.title,variants.prices.id,variants.inventory_items.inventory_item_id,variants.inventory_items.inventory.location_levels.location_id';
  type Made = {
    product: {
      id: string;
      options: { id: string; title: string }[];
      variants: { id: string; sku: string; inventory_items: { inventory_item_id: string }[] }[];
    };
  };
  const variant = (size: string, more: object = {}) => {
    const one = {
      title: size,
      sku: `${code}-${size}`,
      barcode: `${code}${size}`,
      weight: 100,
      options: { Size: size },
    };
    return { ...one, manage_inventory: true, allow_backorder: false, prices: [], ...more };
  };
  const product = { title: code, handle: code.toLowerCase(), external_id: 'x', description: '', status: 'published' };
  const body = { ...product, options: [{ title: 'Size', values: ['S', 'M'] }], variants: [variant('S')] };
  const said = async (...asked: [method: string, path: string, body?: object]) =>
    (await refusal(lab, ...asked)).replaceAll(code, 'CODE').replaceAll(code.toLowerCase(), 'code');
  const made = await lab.admin<Made>('POST', `/admin/products?fields=${fields}`, body);
  const { id, options, variants } = made.product;
  const path = `/admin/products/${id}`;
  const item = variants[0]!.inventory_items[0]!.inventory_item_id;
  const levels = { create: [{ inventory_item_id: item, location_id: lab.location }] };
  const batch = (asked: object) => ['POST', `${path}/variants/batch`, asked] as const;
  const refusals = [
    await said('POST', '/admin/products', { titel: 'x', ...body, title: undefined }).then(
      (words) => words.split(';')[0]!,
    ),
    await said('POST', '/admin/products', { title: `${code}-2`, variants: [] }),
    await said('POST', '/admin/products', body),
    await said('POST', '/admin/products', { ...body, handle: `${code}-2`.toLowerCase() }),
    await said('GET', '/admin/products/prod_none'),
    await said('POST', '/admin/products/prod_none', { title: 'x' }),
    await said('POST', '/admin/product-options/opt_none', { title: 'x' }),
    await said(...batch({ create: [variant('L')] })),
    await said(...batch({ create: [variant('M', { sku: `${code}-S` })] })),
    await said(...batch({ create: [variant('S', { sku: `${code}-X` })] })),
    await said(...batch({ create: [variant('M', { options: { Size: 'M', Colour: 'Red' } })] })),
    await said(...batch({ update: [{ id: 'variant_none', title: 'x' }] })),
    await said('POST', `${path}/options/batch`, { remove: [options[0]!.id] }),
    await said('POST', '/admin/inventory-items', { sku: `${code}-S` }),
    await said('POST', '/admin/inventory-items/location-levels/batch', {
      create: [{ inventory_item_id: 'iitem_none', location_id: lab.location }],
    }),
  ];
  const counted = await lab.admin<Json>('POST', '/admin/inventory-items/location-levels/batch', levels);
  refusals.push(await said('POST', '/admin/inventory-items/location-levels/batch', levels));
  const more = { update: [{ product_option_id: options[0]!.id, add: [{ value: 'L' }] }], add: [] };
  await lab.admin('POST', `${path}/options/batch`, more);
  const changed = await lab.admin<Json>('POST', `${path}/variants/batch`, {
    create: [variant('L')],
    update: [{ id: variants[0]!.id, prices: [{ currency_code: 'eur', amount: 3 }] }],
  });
  const option = await lab.admin<Json>('POST', `/admin/product-options/${options[0]!.id}`, { title: 'Length' });
  const get = (what: string) => lab.admin<Json>('GET', what);
  const answers = {
    made: made as unknown as Json,
    counted,
    changed,
    option,
    whole: await get(`${path}?fields=${fields}`),
    byHandle: await get(`/admin/products?handle=${code.toLowerCase()}&fields=${fields}`),
    byCode: await get(
      `/admin/product-variants?q=${code.toLowerCase()}&order=id&fields=id,product_id,sku,barcode,ean,upc`,
    ),
    items: await get(`/admin/inventory-items?sku[]=${code}-S&sku[]=none&fields=id,sku`),
    profiles: await get('/admin/shipping-profiles?fields=id,type'),
    stores: await get('/admin/stores?fields=id,default_sales_channel_id'),
    deleted: await lab.admin<Json>('DELETE', `${path}/variants/${variants[0]!.id}`),
    again: await lab.admin<Json>('DELETE', `${path}/variants/${variants[0]!.id}`),
  };
  return { answers, refusals };
}

async function story(lab: MedusaLab): Promise<{ answers: Record<string, Json>; refusals: string[] }> {
  const [a, b] = lab.variants as [MedusaLab['variants'][0], MedusaLab['variants'][0]];
  const order = await lab.place([[b, 3]], { promotion: true });
  const line = order.lines.get(b.sku);
  const units = (quantity: number) => ({ items: [{ id: line, quantity }] });
  const path = `/admin/orders/${order.id}`;
  const parcel = { location_id: lab.location, metadata: { crossdock: 'x' } };
  const refusals = [
    await refusal(lab, 'GET', '/admin/orders/order_none'),
    await refusal(lab, 'POST', `${path}/fulfillments`, { ...units(4), ...parcel }),
    await refusal(lab, 'POST', `${path}/fulfillments`, { items: [{ id: line, quantity: 'x' }], ...parcel }),
    await refusal(lab, 'POST', `${path}/fulfillments`, { items: [{ id: 'ordli_none', quantity: 1 }], ...parcel }),
    await refusal(lab, 'POST', '/admin/returns', {}),
    await refusal(lab, 'POST', `/admin/inventory-items/${a.inventoryItem}/location-levels/sloc_none`, {
      stocked_quantity: 1,
    }),
    await refusal(lab, 'POST', `/admin/inventory-items/${a.inventoryItem}/location-levels/${lab.location}`, {
      stocked_quantity: -1,
    }),
  ];
  await lab.admin('POST', `/admin/payments/${order.payment}/capture`, {});
  await lab.admin('POST', `${path}/fulfillments`, { ...units(3), ...parcel });
  refusals.push(await refusal(lab, 'POST', `${path}/fulfillments`, { ...units(1), ...parcel }));
  type Listed = { order: { fulfillments: { id: string }[] } };
  const { order: now } = await lab.admin<Listed>('GET', `${path}?fields=id,fulfillments.*`);
  const shipment = `${path}/fulfillments/${now.fulfillments[0]!.id}/shipments`;
  const labels = [{ tracking_number: 'T', tracking_url: '', label_url: '' }];
  await lab.admin('POST', shipment, { ...units(3), labels });
  refusals.push(await refusal(lab, 'POST', shipment, { ...units(3), labels }));
  const made = await lab.admin<{ return: { id: string } }>('POST', '/admin/returns', {
    order_id: order.id,
    location_id: lab.location,
    metadata: { crossdock: 'y' },
  });
  const back = `/admin/returns/${made.return.id}`;
  refusals.push(
    await refusal(lab, 'POST', '/admin/returns', { order_id: order.id }),
    await refusal(lab, 'POST', `${back}/request-items`, units(4)),
    await refusal(lab, 'POST', `${back}/receive`, {}),
  );
  const changes = await lab.admin<Json>('GET', `${path}/changes?fields=id,return_id,change_type,status`);
  await lab.admin('POST', `${back}/request-items`, units(2));
  await lab.admin('POST', `${back}/request`, {});
  refusals.push(await refusal(lab, 'POST', `${back}/request`, {}));
  await lab.admin('POST', `${back}/receive`, {});
  refusals.push(await refusal(lab, 'POST', `${back}/receive-items`, units(3)));
  await lab.admin('POST', `${back}/receive-items`, units(1));
  await lab.admin('POST', `${back}/dismiss-items`, units(1));
  await lab.admin('POST', `${back}/receive/confirm`, {});
  refusals.push(await refusal(lab, 'POST', `${back}/receive/confirm`, {}));
  await lab.admin('POST', `/admin/payments/${order.payment}/refund`, { amount: 1 });
  refusals.push(await refusal(lab, 'POST', `/admin/payments/${order.payment}/refund`, { amount: 1000 }));
  refusals.push(await refusal(lab, 'POST', `${path}/cancel`, {}));
  const get = (what: string) => lab.admin<Json>('GET', what);
  const edited = await lab.place(
    [
      [a, 2],
      [b, 1],
    ],
    { promotion: true },
  );
  await lab.admin('POST', `/admin/payments/${edited.payment}/capture`, {});
  const edit = `/admin/order-edits/${edited.id}`;
  const item = (variant: typeof a) => `${edit}/items/item/${edited.lines.get(variant.sku)}`;
  refusals.push(
    await refusal(lab, 'POST', item(a), { quantity: 1 }),
    await refusal(lab, 'POST', `${edit}/confirm`, {}),
  );
  await lab.admin('POST', '/admin/order-edits', { order_id: edited.id });
  refusals.push(
    await refusal(lab, 'POST', '/admin/order-edits', { order_id: edited.id }),
    await refusal(lab, 'POST', `${edit}/items/item/ordli_none`, { quantity: 1 }),
  );
  await lab.admin('POST', item(a), { quantity: 1 });
  await lab.admin('POST', item(b), { quantity: 0 });
  await lab.admin('POST', `${edit}/request`, {});
  await lab.admin('POST', `${edit}/confirm`, {});
  const history = `/admin/orders/${edited.id}`;
  const editFields = 'id,version,change_type,status,confirmed_at,actions.*';
  const lineFields = 'id,item_id,version,quantity,unit_price,item.*,item.tax_lines.*,item.adjustments.*';
  const fields =
    'id,display_id,status,version,is_draft_order,email,currency_code,created_at,updated_at,canceled_at,total,credit_line_total,items.*,items.detail.*,items.tax_lines.*,items.adjustments.*,shipping_methods.*,shipping_methods.tax_lines.*,shipping_address.*,billing_address.*,customer.*,payment_collections.payments.*,payment_collections.payments.captures.*,payment_collections.payments.refunds.*,returns.*,returns.items.*,fulfillments.*,fulfillments.labels.*';
  return {
    answers: {
      order: await get(`${path}?fields=${fields}`),
      orders: await get(`/admin/orders?id[]=${order.id}&fields=${fields}`),
      changes,
      edits: await get(`${history}/changes?change_type=edit&status=confirmed&fields=${editFields}`),
      lines: await get(`${history}/line-items?fields=${lineFields}`),
      edited: await get(`${history}?fields=id,total,items.*,items.adjustments.*`),
      payments: await get(
        `/admin/payments?id[]=${order.payment}&order=-updated_at&limit=1&fields=id,updated_at,created_at,captures.*,payment_collection.order.id`,
      ),
      returns: await get(`/admin/returns?order_id=${order.id}&fields=id,status,metadata,items.*`),
      products: await get(
        '/admin/products?limit=1&fields=id,title,status,is_giftcard,updated_at,variants.id,variants.title,variants.sku,variants.updated_at',
      ),
      variants: await get(
        `/admin/product-variants?id[]=${b.id}&fields=id,product_id,manage_inventory,updated_at,inventory_items.*,inventory_items.inventory.location_levels.*,prices.*,prices.price_rules.*`,
      ),
      levels: await get(`/admin/inventory-items/${b.inventoryItem}/location-levels`),
      stores: await get('/admin/stores?fields=id,name,supported_currencies.currency_code'),
      preferences: await get('/admin/price-preferences?attribute=currency_code'),
      locations: await get('/admin/stock-locations?fields=id,name'),
    },
    refusals,
  };
}

/** What is laid over the metadata of an order, and what becomes of it: what it says then, whether its time and version moved, and what is written down. */
async function metadataStory(lab: MedusaLab): Promise<{ answers: Record<string, Json>; refusals: string[] }> {
  const [a] = lab.variants as [MedusaLab['variants'][0]];
  const order = await lab.place([[a, 1]], { metadata: { promised_at: '2026-12-03T17:00:00Z', gift: 'yes' } });
  const path = `/admin/orders/${order.id}`;
  type Now = { order: { metadata: Json; updated_at: string; version: number } };
  const fields = 'fields=id,status,metadata,updated_at,version';
  const seen: string[] = [];
  let last = (await lab.admin<Now>('GET', `${path}?${fields}`)).order.updated_at;
  const ask = async (body: object) => {
    const { metadata, updated_at, version } = (await lab.admin<Now>('POST', `${path}?${fields}`, body)).order;
    seen.push(`${sorted(metadata)} ${updated_at === last ? 'as it was' : 'later'} ${version}`);
    last = updated_at;
  };
  for (const metadata of [
    { crossdock_promised_at: '2026-12-07T17:00:00.000Z' },
    { crossdock_promised_at: '2026-12-07T17:00:00.000Z' },
    { deep: { a: 1, b: 2 }, list: [1, ''] },
    { deep: { b: '' } },
    { crossdock_promised_at: '' },
    { gift: null },
    { none: '' },
    {},
    null,
    {},
  ])
    await ask({ metadata });
  await ask({});
  await lab.admin('POST', '/admin/order-edits', { order_id: order.id });
  await ask({ metadata: { during: 'an edit' } });
  await lab.admin('DELETE', `/admin/order-edits/${order.id}`);
  const refusals = [
    await refusal(lab, 'POST', path, { metadata: 'x' }),
    await refusal(lab, 'POST', path, { metadata: [1] }),
    await refusal(lab, 'POST', path, { strange: 1, other: 1, metadata: 7 }),
    await refusal(lab, 'POST', '/admin/orders/order_none', { metadata: { a: '1' } }),
  ];
  await lab.admin('POST', `${path}/cancel`, {});
  refusals.push(await refusal(lab, 'POST', path, { metadata: { a: '1' } }), ...seen);
  type Changes = { order_changes: { version: number; status: string; actions: { action: string; details: Json }[] }[] };
  const changes = await lab.admin<Changes>(
    'GET',
    `${path}/changes?change_type=update_order&fields=id,version,return_id,change_type,status,confirmed_at,actions.*`,
  );
  for (const { version, status, actions } of changes.order_changes)
    refusals.push(`${version} ${status} ${actions.map(({ action, details }) => `${action} ${sorted(details)}`)}`);
  return {
    answers: {
      changes: changes as unknown as Json,
      one: await lab.admin<Json>('GET', `${path}?${fields}`),
      listed: await lab.admin<Json>('GET', `/admin/orders?id[]=${order.id}&${fields}`),
    },
    refusals,
  };
}

/** As JSON, names in order. */
const sorted = (value: Json): string =>
  typeof value !== 'object' || value === null || Array.isArray(value)
    ? JSON.stringify(value)
    : `{${Object.keys(value)
        .sort()
        .map((name) => `${name}: ${sorted(value[name]!)}`)
        .join(', ')}}`;

const stories = { orders: story, metadata: metadataStory, catalogue: catalogueStory };

for (const [name, tell] of Object.entries(stories))
  test(`what the simulated Medusa answers and refuses of ${name} is what the real one does`, { skip }, async (t) => {
    const [there, here] = [await openMedusa(), await simulated()];
    t.after(() => here.stop());
    const [real, ours] = [await tell(there), await tell(here)];
    assert.deepEqual(ours.refusals, real.refusals);
    const unlike = Object.entries(ours.answers).flatMap(([what, answer]) =>
      differences(answer, real.answers[what], what),
    );
    assert.deepEqual(unlike, []);
  });
