import { decimal, roundTo } from '../../core/decimal.ts';
import { currencyDigits } from '../../core/money.ts';
import { fulfil } from './orders.ts';
import { refusal } from './pages.ts';
import type { Product, Subscription, Variant } from './records.ts';
import type { Shop } from './shop.ts';
import { eventView, itemView, locationView, orderView, productView, variantView } from './views.ts';

const MOST = 250;

interface Complaint {
  readonly code?: string;
  readonly field: string[] | null;
  readonly message: string;
}

const complaint = (field: string[] | null, message: string, code?: string): Complaint => ({
  field,
  message,
  ...(code ? { code } : {}),
});

interface Quantity {
  inventoryItemId: string;
  locationId: string;
  quantity: number;
  changeFromQuantity?: number | null;
}

interface SetQuantities {
  name: string;
  reason: string;
  referenceDocumentUri?: string | null;
  quantities: Quantity[];
}

function complaintOf(shop: Shop, one: Quantity, index: number): Complaint | null {
  const at = (name: string) => ['input', 'quantities', String(index), name];
  if (!shop.variantOf(one.inventoryItemId))
    return complaint(
      at('inventoryItemId'),
      'The specified inventory item could not be found.',
      'INVALID_INVENTORY_ITEM',
    );
  if (!shop.locations.has(one.locationId))
    return complaint(at('locationId'), 'The specified location could not be found.', 'INVALID_LOCATION');
  const level = shop.level(one.inventoryItemId, one.locationId);
  if (!level)
    return complaint(at('locationId'), 'The inventory item is not stocked at the location.', 'INVALID_LOCATION');
  if (one.quantity > 1_000_000_000)
    return complaint(at('quantity'), "The quantity can't be higher than 1,000,000,000.", 'INVALID_QUANTITY_TOO_HIGH');
  if (one.quantity < -1_000_000_000)
    return complaint(at('quantity'), "The quantity can't be lower than -1,000,000,000.", 'INVALID_QUANTITY_TOO_LOW');
  if (one.changeFromQuantity !== null && one.changeFromQuantity !== level.available)
    return complaint(
      at('changeFromQuantity'),
      'The changeFromQuantity argument no longer matches the persisted quantity.',
      'CHANGE_FROM_QUANTITY_STALE',
    );
  return null;
}

/** All or nothing: one quantity that is wrong or stale leaves every one as it was. */
export function setQuantities(shop: Shop, input: SetQuantities) {
  const refused = (...userErrors: Complaint[]) => ({ inventoryAdjustmentGroup: null, userErrors });
  if (input.quantities.length > MOST)
    throw refusal(
      `The input array size of ${input.quantities.length} is greater than the maximum allowed of ${MOST}.`,
      'MAX_INPUT_SIZE_EXCEEDED',
    );
  if (input.quantities.some(({ changeFromQuantity }) => changeFromQuantity === undefined))
    return refused(complaint(['input', 'quantities'], 'changeFromQuantity must be given, null included.'));
  if (input.name !== 'available' && input.name !== 'on_hand')
    return refused(
      complaint(['input', 'name'], 'The quantity name must be either available or on_hand.', 'INVALID_NAME'),
    );
  const pairs = input.quantities.map(({ inventoryItemId, locationId }) => `${inventoryItemId} ${locationId}`);
  if (new Set(pairs).size < pairs.length)
    return refused(
      complaint(
        ['input', 'quantities'],
        'The combination of inventoryItemId and locationId must be unique.',
        'NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR',
      ),
    );
  const wrong = input.quantities.map((one, index) => complaintOf(shop, one, index)).filter((one) => one !== null);
  if (wrong.length > 0) return refused(...wrong);
  const changes = input.quantities.flatMap(({ inventoryItemId, locationId, quantity }) => {
    const level = shop.level(inventoryItemId, locationId)!;
    const delta = quantity - level.available;
    if (delta === 0) return [];
    shop.setLevel(level, quantity);
    shop.stockSet.push({ inventoryItemId, locationId, quantity });
    const item = itemView(shop, shop.variantOf(inventoryItemId)!);
    return [{ name: 'available', delta, quantityAfterChange: null, item, location: locationView(shop, locationId) }];
  });
  shop.commit();
  const group = {
    id: shop.id('InventoryAdjustmentGroup'),
    createdAt: shop.now().toISOString(),
    reason: input.reason,
    referenceDocumentUri: input.referenceDocumentUri ?? null,
    changes: ({ quantityNames }: { quantityNames?: string[] | null }) =>
      changes.filter(({ name }) => !quantityNames || quantityNames.includes(name)),
  };
  return { inventoryAdjustmentGroup: changes.length === 0 ? null : group, userErrors: [] };
}

const minor = (shop: Shop, text: string): bigint => roundTo(decimal(text), currencyDigits(shop.currency));

interface BulkVariant {
  id?: string | null;
  price?: string | null;
  compareAtPrice?: string | null;
}

/** All or nothing, as without `allowPartialUpdates`. */
export function updateVariants(shop: Shop, { productId, variants }: { productId: string; variants: BulkVariant[] }) {
  const product = shop.products.get(productId);
  const refused = (...userErrors: Complaint[]) => ({ product: null, productVariants: null, userErrors });
  if (!product) return refused(complaint(['productId'], 'Product does not exist', 'PRODUCT_DOES_NOT_EXIST'));
  const wrong = variants.flatMap(({ id, price }, index): Complaint[] => {
    const at = (name: string) => ['variants', String(index), name];
    if (!id) return [complaint(at('id'), 'Product variant is missing ID attribute', 'PRODUCT_VARIANT_ID_MISSING')];
    if (!product.variants.some((variant) => variant.id === id))
      return [complaint(at('id'), 'Product variant does not exist', 'PRODUCT_VARIANT_DOES_NOT_EXIST')];
    if (price && minor(shop, price) < 0n)
      return [complaint(at('price'), 'Price must be greater than or equal to 0', 'GREATER_THAN_OR_EQUAL_TO')];
    return [];
  });
  if (wrong.length > 0) return refused(...wrong);
  for (const { id, price, compareAtPrice } of variants) {
    const variant = shop.variants.get(id!)!;
    if (price !== undefined && price !== null) variant.price = minor(shop, price);
    if (compareAtPrice !== undefined)
      variant.compareAtPrice = compareAtPrice === null ? null : minor(shop, compareAtPrice);
    variant.updatedAt = shop.now();
  }
  shop.touchProduct(product);
  return {
    product: productView(shop, product),
    productVariants: variants.map(({ id }) => variantView(shop, shop.variants.get(id!)!)),
    userErrors: [],
  };
}

interface SetProduct {
  identifier?: { id?: string; handle?: string } | null;
  input: {
    handle?: string | null;
    title?: string | null;
    descriptionHtml?: string | null;
    vendor?: string | null;
    status?: Product['status'] | null;
    productOptions?: { name: string; values: { name: string }[] }[] | null;
    variants?:
      | (Partial<Variant> & {
          price?: string | null;
          optionValues: { name: string; optionName: string }[];
          inventoryItem?: { tracked?: boolean; requiresShipping?: boolean } | null;
        })[]
      | null;
  };
}

/** Makes the product or changes it: variants that are not named any more go; those with the same option values stay who they are. */
export function setProduct(shop: Shop, { identifier, input }: SetProduct) {
  const refused = (...userErrors: Complaint[]) => ({ product: null, userErrors });
  const byHandle = [...shop.products.values()].find(({ handle }) => handle === identifier?.handle);
  const known = identifier?.id ? shop.products.get(identifier.id) : byHandle;
  if (identifier?.id && !known)
    return refused(complaint(['input', 'id'], 'Product does not exist', 'PRODUCT_DOES_NOT_EXIST'));
  const clash = [...shop.products.values()].find(({ handle }) => handle === input.handle);
  if (input.handle && clash && clash !== known)
    return refused(complaint(['input', 'handle'], 'Handle is already in use', 'HANDLE_NOT_UNIQUE'));
  if (!known && !input.title) return refused(complaint(['input', 'title'], "Title can't be blank", 'INVALID_PRODUCT'));
  if (input.title && input.title.length > 255)
    return refused(complaint(['input', 'title'], 'Title is too long (maximum is 255 characters)', 'INVALID_PRODUCT'));
  if (input.variants && !input.productOptions)
    return refused(
      complaint(
        ['input', 'productOptions'],
        'Product options are required when updating variants',
        'PRODUCT_OPTIONS_INPUT_MISSING',
      ),
    );
  const valuesOf = (one: { optionValues: { name: string }[] }): string =>
    JSON.stringify(one.optionValues.map(({ name }) => name));
  const values = (input.variants ?? []).map(valuesOf);
  if (new Set(values).size < values.length)
    return refused(complaint(['input', 'variants'], 'Two variants have the same option values', 'INVALID_VARIANT'));
  const product =
    known ??
    shop.addProduct(input.title!, [], { handle: input.handle ?? identifier?.handle ?? shop.id('x').slice(-9) });
  product.title = input.title ?? product.title;
  product.handle = input.handle ?? product.handle;
  product.descriptionHtml = input.descriptionHtml ?? product.descriptionHtml;
  product.vendor = input.vendor ?? product.vendor;
  product.status = input.status ?? product.status;
  if (input.variants) setVariants(shop, product, input);
  shop.touchProduct(product);
  return { product: productView(shop, product), userErrors: [] };
}

function setVariants(shop: Shop, product: Product, { variants, productOptions }: SetProduct['input']): void {
  product.options = (productOptions ?? []).map(({ name }) => name);
  const kept = (variants ?? []).map(({ optionValues, inventoryItem, id, price, sku, barcode }) => {
    const options = optionValues.map(({ name }) => name);
    const known = product.variants.find((variant) =>
      id ? variant.id === id : JSON.stringify(variant.options) === JSON.stringify(options),
    );
    const parts = {
      options,
      title: options.join(' / '),
      ...(sku === undefined ? {} : { sku }),
      ...(barcode === undefined ? {} : { barcode }),
      ...(price === undefined || price === null ? {} : { price: minor(shop, price) }),
      ...inventoryItem,
    };
    if (!known) return shop.addVariant(product, parts);
    Object.assign(known, parts, { updatedAt: shop.now() });
    return known;
  });
  for (const variant of product.variants) if (!kept.includes(variant)) shop.variants.delete(variant.id);
  product.variants = kept;
}

interface FulfilInput {
  lineItemsByFulfillmentOrder: {
    fulfillmentOrderId: string;
    fulfillmentOrderLineItems?: { id: string; quantity: number }[] | null;
  }[];
  trackingInfo?: {
    company?: string | null;
    number?: string | null;
    url?: string | null;
    numbers?: string[] | null;
    urls?: string[] | null;
  } | null;
}

export function createFulfillment(shop: Shop, input: FulfilInput) {
  const refused = (message: string, ...field: string[]) => ({
    fulfillment: null,
    userErrors: [complaint(['fulfillment', ...field], message)],
  });
  const wanted = input.lineItemsByFulfillmentOrder;
  const ids = new Set(wanted.map(({ fulfillmentOrderId }) => fulfillmentOrderId));
  const order = [...shop.orders.values()].find((one) => one.fulfillmentOrders.some(({ id }) => ids.has(id)));
  const chosen = order?.fulfillmentOrders.filter(({ id }) => ids.has(id)) ?? [];
  if (!order || chosen.length < ids.size) return refused('Fulfillment order does not exist.');
  if (new Set(chosen.map(({ locationId }) => locationId)).size > 1)
    return refused('All fulfillment orders must be assigned to the same location.');
  if (chosen.some(({ status }) => status !== 'OPEN' && status !== 'IN_PROGRESS'))
    return refused(
      `Fulfillment order ${chosen[0]!.id} has an unfulfillable status= ${chosen[0]!.status.toLowerCase()}.`,
    );
  const quantities = new Map<string, number>();
  for (const { fulfillmentOrderId, fulfillmentOrderLineItems } of wanted) {
    const one = chosen.find(({ id }) => id === fulfillmentOrderId)!;
    for (const { id, remaining } of one.lines) if (!fulfillmentOrderLineItems?.length) quantities.set(id, remaining);
    for (const { id, quantity } of fulfillmentOrderLineItems ?? []) {
      const line = one.lines.find((candidate) => candidate.id === id);
      if (!line || quantity < 1 || quantity > line.remaining)
        return refused('Invalid fulfillment order line item quantity requested.', 'lineItemsByFulfillmentOrder');
      quantities.set(id, quantity);
    }
  }
  const made = fulfil(shop, order, trackingOf(input.trackingInfo ?? {}), quantities);
  return {
    fulfillment: orderView(shop, order)
      .fulfillments({})
      .find(({ id }) => id === made.id)!,
    userErrors: [],
  };
}

function trackingOf({ company = null, number, url, numbers, urls }: NonNullable<FulfilInput['trackingInfo']>) {
  const all = numbers ?? (number ? [number] : []);
  return all.map((one, index) => ({ company, number: one, url: urls?.[index] ?? url ?? null }));
}

/** Replaces all tracking of a fulfilment. */
export function updateTracking(
  shop: Shop,
  wanted: { readonly fulfillmentId: string; readonly trackingInfoInput: NonNullable<FulfilInput['trackingInfo']> },
) {
  const order = [...shop.orders.values()].find((one) => one.fulfillments.some(({ id }) => id === wanted.fulfillmentId));
  const fulfillment = order?.fulfillments.find(({ id }) => id === wanted.fulfillmentId);
  if (!order || !fulfillment)
    return { fulfillment: null, userErrors: [complaint(['fulfillmentId'], 'Fulfillment does not exist.')] };
  fulfillment.tracking = trackingOf(wanted.trackingInfoInput);
  shop.touchOrder(order);
  return {
    fulfillment: orderView(shop, order)
      .fulfillments({})
      .find(({ id }) => id === fulfillment.id)!,
    userErrors: [],
  };
}

interface NewEvent {
  readonly fulfillmentId: string;
  readonly status: string;
  readonly happenedAt?: string | null;
}

/** Adds an event each time it is asked to: Shopify takes no key for them. */
export function addEvent(shop: Shop, { fulfillmentId, status, happenedAt }: NewEvent) {
  const order = [...shop.orders.values()].find((one) => one.fulfillments.some(({ id }) => id === fulfillmentId));
  const fulfillment = order?.fulfillments.find(({ id }) => id === fulfillmentId);
  if (!order || !fulfillment)
    return {
      fulfillmentEvent: null,
      userErrors: [complaint(['fulfillmentEvent', 'fulfillmentId'], 'Fulfillment not found.')],
    };
  const made = {
    id: shop.id('FulfillmentEvent'),
    status,
    happenedAt: happenedAt ? new Date(happenedAt) : shop.now(),
  };
  fulfillment.events.push(made);
  shop.touchOrder(order);
  return { fulfillmentEvent: eventView(made), userErrors: [] };
}

interface NewSubscription {
  topic: string;
  webhookSubscription: { uri?: string | null; includeFields?: string[] | null };
}

/** `allowed`: whether http is taken, which Shopify never does; tests have no certificate. */
export function createSubscription(
  shop: Shop,
  { topic, webhookSubscription }: NewSubscription,
  allowed: (uri: string) => boolean,
) {
  const refused = (message: string) => ({
    webhookSubscription: null,
    userErrors: [complaint(['webhookSubscription', 'uri'], message)],
  });
  const { uri, includeFields } = webhookSubscription;
  if (!uri || !allowed(uri)) return refused('Address is not allowed');
  if ([...shop.subscriptions.values()].some((one) => one.topic === topic && one.uri === uri))
    return refused('Address for this topic has already been taken');
  const made: Subscription = {
    id: shop.id('WebhookSubscription'),
    topic,
    uri,
    includeFields: includeFields ?? [],
    createdAt: shop.now(),
  };
  shop.subscriptions.set(made.id, made);
  shop.change('subscription', made.id, made);
  shop.commit();
  return { webhookSubscription: subscriptionView(made), userErrors: [] };
}

export const subscriptionView = (one: Subscription) => ({
  __typename: 'WebhookSubscription',
  ...one,
  format: 'JSON',
  createdAt: one.createdAt.toISOString(),
});
