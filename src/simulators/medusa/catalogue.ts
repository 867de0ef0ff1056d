import type { Product, Variant } from './records.ts';
import { invalid, missing, type NewOption, type NewVariant, Refusal, type Shop } from './shop.ts';
import { inventoryView, productView, variantView } from './views.ts';

type View = Record<string, unknown>;

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly body: Record<string, unknown>;
}

type VariantWish = NewVariant & { readonly id: string; readonly prices?: readonly { amount?: unknown }[] };

interface OptionWish {
  readonly add?: readonly NewOption[];
  readonly update?: readonly { product_option_id: string; add?: readonly { value: string }[] }[];
  readonly remove?: readonly string[];
}

interface Route {
  readonly method: string;
  readonly path: RegExp;
  readonly act: (shop: Shop, ids: readonly string[], body: Record<string, unknown>) => View;
}

const notFound = (message: string) => new Refusal(404, 'not_found', message);

function productOf(shop: Shop, id: string): Product {
  const product = shop.products.get(id);
  if (!product) throw notFound(`Product with id "${id}" not found`);
  return product;
}

/** As a variant is told of where no fields were asked for. */
function plain(variant: Variant, shop: Shop): View {
  const { inventory_items: _, options: __, ...view } = variantView(variant, shop);
  return view;
}

const routes: readonly Route[] = [
  { method: 'POST', path: /^\/admin\/products$/, act: (shop, _, body) => makeProduct(shop, body) },
  { method: 'POST', path: /^\/admin\/products\/(\w+)$/, act: (shop, [id], body) => setProduct(shop, id!, body) },
  {
    method: 'POST',
    path: /^\/admin\/products\/(\w+)\/options\/batch$/,
    act: (shop, [id], body) => setOptions(shop, id!, body as OptionWish),
  },
  {
    method: 'POST',
    path: /^\/admin\/product-options\/(\w+)$/,
    act: (shop, [id], body) => nameOption(shop, id!, String(body.title)),
  },
  {
    method: 'POST',
    path: /^\/admin\/products\/(\w+)\/variants\/batch$/,
    act: (shop, [id], body) => setVariants(shop, id!, body),
  },
  {
    method: 'POST',
    path: /^\/admin\/products\/(\w+)\/variants\/(\w+)$/,
    act: (shop, [id, variant], body) => setVariant(shop, id!, variant!, body as unknown as VariantWish),
  },
  {
    method: 'DELETE',
    path: /^\/admin\/products\/(\w+)\/variants\/(\w+)$/,
    act: (shop, [id, variant]) => dropVariant(shop, id!, variant!),
  },
  {
    method: 'POST',
    path: /^\/admin\/products\/(\w+)\/variants\/(\w+)\/inventory-items$/,
    act: (shop, [, id], body) => link(shop, id!, String(body.inventory_item_id)),
  },
  {
    method: 'DELETE',
    path: /^\/admin\/products\/(\w+)\/variants\/(\w+)\/inventory-items\/(\w+)$/,
    act: (shop, [, id]) => link(shop, id!, null),
  },
  {
    method: 'POST',
    path: /^\/admin\/inventory-items$/,
    act: (shop, _, { sku, title }) => {
      const { id } = shop.count((sku as string | undefined) ?? null, (title as string | undefined) ?? null);
      return { inventory_item: inventoryView(shop, id) };
    },
  },
  {
    method: 'POST',
    path: /^\/admin\/inventory-items\/location-levels\/batch$/,
    act: (shop, _, { create }) => stock(shop, create as readonly LevelWish[]),
  },
  {
    method: 'POST',
    path: /^\/admin\/inventory-items\/(\w+)\/location-levels$/,
    act: (shop, [item], body) => {
      shop.stock(item!, String(body.location_id)).stocked = Number(body.stocked_quantity ?? 0);
      return { inventory_item: inventoryView(shop, item!) };
    },
  },
];

/** Changes products and what they are counted by; null for any other request. Throws Refusal. */
export function setCatalogue(shop: Shop, { method, path, body }: Asked): View | null {
  for (const route of routes) {
    const found = route.method === method ? route.path.exec(path) : null;
    if (found) return route.act(shop, found.slice(1), body);
  }
  return null;
}

/** All of it or nothing: what is wrong with a variant takes the product with it. */
function makeProduct(shop: Shop, body: Record<string, unknown>): View {
  const { title, handle, status, external_id, description, options, variants } = body;
  if (typeof title !== 'string') throw invalid("Invalid request: Field 'title' is required");
  if (!Array.isArray(options) || options.length === 0)
    throw invalid(`Product options are not provided for: [${title}].`);
  const address = typeof handle === 'string' ? handle : title.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  if ([...shop.products.values()].some((one) => one.handle === address))
    throw invalid(`Product with handle: ${address}, already exists.`);
  const product = shop.makeProduct({
    ...{ title, handle: address, status: typeof status === 'string' ? status : 'draft' },
    ...{ external_id: external_id as string | null, description: description as string | null },
    options: options as NewOption[],
  });
  try {
    for (const variant of (variants ?? []) as VariantWish[]) makeVariant(shop, product, variant);
  } catch (error) {
    for (const { id } of [...product.variants]) drop(shop, product, id);
    shop.products.delete(product.id);
    throw error;
  }
  return { product: productView(product, shop) };
}

function setProduct(shop: Shop, id: string, { title, description, status }: Record<string, unknown>): View {
  const product = productOf(shop, id);
  if (typeof title === 'string') product.title = title;
  if (typeof description === 'string') product.description = description;
  if (typeof status === 'string') product.status = status;
  product.updatedAt = shop.now();
  return { product: productView(product, shop) };
}

function setOptions(shop: Shop, id: string, { add = [], update = [], remove = [] }: OptionWish): View {
  const product = productOf(shop, id);
  const used = (option: string) => product.variants.some(({ choice }) => choice.has(option));
  if (remove.some(used))
    throw invalid('Cannot unassign product option from product which has variants for that option');
  product.options = product.options.filter((option) => !remove.includes(option.id));
  for (const { product_option_id, add: values = [] } of update) {
    const option = product.options.find((one) => one.id === product_option_id);
    if (!option) throw missing('ProductOption', product_option_id);
    for (const { value } of values)
      if (!option.values.some((one) => one.value === value)) option.values.push({ id: shop.id('optval'), value });
  }
  for (const option of add) product.options.push(shop.newOption(option));
  return { product: productView(product, shop) };
}

function nameOption(shop: Shop, id: string, title: string): View {
  const option = [...shop.products.values()].flatMap((product) => product.options).find((one) => one.id === id);
  if (!option) throw notFound(`Product option with id "${id}" not found`);
  option.title = title;
  return { product_option: { ...option } };
}

function makeVariant(shop: Shop, product: Product, wish: VariantWish): Variant {
  const { sku } = wish;
  if (sku && [...shop.variants.values()].some((one) => one.sku === sku))
    throw invalid(`Product variant with sku: ${sku}, already exists.`);
  const variant = shop.makeVariant(product, wish);
  shop.setPrices(variant, (wish.prices ?? []) as never);
  return variant;
}

/** What is made and what is changed are two steps: what fails in the one takes the other back. The simulated one looks at what is new first. */
function setVariants(shop: Shop, id: string, body: Record<string, unknown>): View {
  const product = productOf(shop, id);
  const { create = [], update = [] } = body as { create?: VariantWish[]; update?: VariantWish[] };
  const strangers = update.filter((one) => !shop.variants.has(one.id)).map((one) => one.id);
  if (strangers.length > 0) throw invalid(`Cannot update non-existing variants with ids: ${strangers.join(', ')}`);
  const made: Variant[] = [];
  try {
    for (const wish of create) made.push(makeVariant(shop, product, wish));
  } catch (error) {
    for (const one of made) drop(shop, product, one.id);
    throw error;
  }
  for (const wish of update) change(shop, product, shop.variants.get(wish.id)!, wish);
  return {
    created: made.map((one) => plain(one, shop)),
    updated: update.map((one) => plain(shop.variants.get(one.id)!, shop)),
    deleted: { ids: [], object: 'variant', deleted: true },
  };
}

/** A variant that is not there is passed over without a word. */
function setVariant(shop: Shop, id: string, variant: string, wish: VariantWish): View {
  for (const [n, { amount }] of (wish.prices ?? []).entries())
    if (typeof amount !== 'number') throw invalid(`Invalid request: Field 'prices, ${n}, amount' is required`);
  const found = shop.variants.get(variant);
  const product = shop.products.get(id);
  if (!product) throw missing('Product', id);
  if (found) change(shop, product, found, wish);
  return { product: productView(product, shop) };
}

function change(shop: Shop, product: Product, variant: Variant, wish: VariantWish): void {
  const { title, sku, barcode, ean, weight, manage_inventory, options, prices } = wish;
  if (options) shop.choose(product, variant, options);
  if (title !== undefined) variant.title = title;
  if (sku !== undefined) variant.sku = sku;
  if (barcode !== undefined) variant.barcode = barcode;
  if (ean !== undefined) variant.ean = ean;
  if (weight !== undefined) variant.weight = weight;
  if (manage_inventory && !variant.managed) {
    variant.managed = true;
    variant.inventoryItem = shop.count(variant.sku, variant.title).id;
  }
  if (prices) shop.setPrices(variant, prices as never);
  variant.updatedAt = shop.now();
}

/** What open orders have reserved stays. One that is not there is deleted all the same. */
function dropVariant(shop: Shop, id: string, variant: string): View {
  const product = productOf(shop, id);
  const item = shop.variants.get(variant)?.inventoryItem;
  const reserved = [...shop.levels.values()].some((level) => level.item === item && level.reserved > 0);
  if (item && reserved)
    throw invalid(`Cannot remove following inventory item(s) since they have reservations: [${item}].`);
  drop(shop, product, variant);
  const parent = { ...productView(product, shop), variants: product.variants.map((one) => plain(one, shop)) };
  return { id: variant, object: 'variant', deleted: true, parent };
}

function drop(shop: Shop, product: Product, id: string): void {
  const variant = shop.variants.get(id);
  if (!variant) return;
  product.variants.splice(product.variants.indexOf(variant), 1);
  shop.variants.delete(id);
  const { inventoryItem } = variant;
  if (inventoryItem === null) return;
  shop.inventoryItems.delete(inventoryItem);
  for (const [at, { item }] of shop.levels) if (item === inventoryItem) shop.levels.delete(at);
}

function link(shop: Shop, id: string, item: string | null): View {
  const variant = shop.variants.get(id)!;
  variant.inventoryItem = item;
  return { variant: variantView(variant, shop) };
}

interface LevelWish {
  readonly inventory_item_id: string;
  readonly location_id: string;
}

function stock(shop: Shop, create: readonly LevelWish[]): View {
  for (const { inventory_item_id: item } of create)
    if (!shop.inventoryItems.has(item))
      throw notFound(`You tried to set relationship inventory_item_id: ${item}, but such entity does not exist`);
  const made = create.map(({ inventory_item_id, location_id }) => shop.stock(inventory_item_id, location_id));
  return { created: made.map(({ id, item, location }) => ({ id, inventory_item_id: item, location_id: location })) };
}
