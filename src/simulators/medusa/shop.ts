import { isDeepStrictEqual } from 'node:util';
import type {
  Customer,
  Fulfilment,
  InventoryItem,
  Item,
  Level,
  Metadata,
  Order,
  OrderChange,
  Payment,
  Price,
  Product,
  ProductOption,
  Return,
  Variant,
} from './records.ts';

/** How Medusa refuses. */
export class Refusal extends Error {
  readonly status: number;
  readonly type: string;
  constructor(status: number, type: string, message: string) {
    super(message);
    this.status = status;
    this.type = type;
  }
}

export const invalid = (message: string) => new Refusal(400, 'invalid_data', message);
export const notAllowed = (message: string) => new Refusal(400, 'not_allowed', message);
export const missing = (what: string, id: string) => new Refusal(404, 'not_found', `${what} id not found: ${id}`);

export interface NewOrder {
  readonly lines: readonly (readonly [variant: string, quantity: number])[];
  readonly country?: 'be' | 'nl';
  /** With the promotion of ten per cent. */
  readonly promotion?: boolean;
  /** Of its cart. */
  readonly metadata?: Metadata;
}

export interface NewOption {
  readonly title: string;
  readonly values: readonly string[];
}

/** As the API is told of a product, its variants left out. */
export interface NewProduct {
  readonly title: string;
  readonly handle: string;
  readonly external_id?: string | null;
  readonly description?: string | null;
  readonly status: string;
  readonly options: readonly NewOption[];
}

/** As the API is told of a variant. */
export interface NewVariant {
  readonly title: string;
  readonly sku?: string | null;
  readonly barcode?: string | null;
  readonly ean?: string | null;
  readonly weight?: number | null;
  readonly manage_inventory?: boolean;
  readonly options?: Readonly<Record<string, string>>;
  readonly inventory_items?: readonly { readonly inventory_item_id: string }[];
}

/**
 * The shop's own ledger, acting as Medusa 2.21.2 was seen to: what changes an order's `updated_at` (not a capture), what it answers to a second time, what it leaves
 * half done. Nothing is rounded.
 */
export class Shop {
  readonly location = 'sloc_central';
  readonly products = new Map<string, Product>();
  readonly variants = new Map<string, Variant>();
  readonly inventoryItems = new Map<string, InventoryItem>();
  readonly levels = new Map<string, Level>();
  readonly orders = new Map<string, Order>();
  readonly payments = new Map<string, Payment>();
  readonly returns = new Map<string, Return>();
  readonly customer: Customer;
  readonly currencies = ['eur', 'gbp'];
  /** Whether prices are kept with tax in them. */
  readonly inclusive: boolean;
  readonly #now: () => Date;
  #ids = 0;

  constructor({ now = () => new Date(), inclusive = false }: { now?: () => Date; inclusive?: boolean } = {}) {
    this.#now = now;
    this.inclusive = inclusive;
    this.customer = { id: 'cus_01SIMANN', email: 'ann@example.com', phone: null, updatedAt: this.now() };
  }

  changeCustomer(change: Partial<Pick<Customer, 'email' | 'phone'>>): void {
    Object.assign(this.customer, change, { updatedAt: this.now() });
  }

  id(prefix: string): string {
    this.#ids += 1;
    return `${prefix}_01SIM${String(this.#ids).padStart(10, '0')}`;
  }

  now(): string {
    return this.#now().toISOString();
  }

  addProduct(title: string, variants: readonly { title: string; sku: string | null; price: number; stock?: number }[]) {
    const product = this.makeProduct({
      title,
      handle: this.id('handle'),
      status: 'published',
      options: [{ title: 'Size', values: variants.map((variant) => variant.title) }],
    });
    for (const { title: name, sku, price, stock = 100_000 } of variants) {
      const variant = this.makeVariant(product, { title: name, sku, options: { Size: name } });
      this.setPrices(variant, [{ currency_code: 'eur', amount: price }]);
      this.stock(variant.inventoryItem!, this.location).stocked = stock;
    }
    return product;
  }

  makeProduct({ title, handle, external_id, description, status, options }: NewProduct): Product {
    const at = this.now();
    const product: Product = {
      ...{ id: this.id('prod'), title, handle, status, createdAt: at, updatedAt: at, variants: [] },
      externalId: external_id ?? null,
      description: description ?? null,
      options: options.map((option) => this.newOption(option)),
    };
    this.products.set(product.id, product);
    return product;
  }

  newOption({ title, values }: NewOption): ProductOption {
    return { id: this.id('opt'), title, values: values.map((value) => ({ id: this.id('optval'), value })) };
  }

  makeVariant(product: Product, wish: NewVariant): Variant {
    const at = this.now();
    const variant: Variant = {
      ...{ id: this.id('variant'), productId: product.id, title: wish.title, sku: wish.sku ?? null },
      ...{ barcode: wish.barcode ?? null, ean: wish.ean ?? null, weight: wish.weight ?? null },
      ...{ managed: wish.manage_inventory ?? true, createdAt: at, updatedAt: at, prices: [], inventoryItem: null },
      choice: new Map(),
    };
    this.choose(product, variant, wish.options ?? {});
    if (variant.managed)
      variant.inventoryItem = wish.inventory_items?.[0]?.inventory_item_id ?? this.count(variant.sku, variant.title).id;
    product.variants.push(variant);
    this.variants.set(variant.id, variant);
    return variant;
  }

  /** Gives a variant a value of each option of its product. Throws Refusal. */
  choose(product: Product, variant: Variant, options: Readonly<Record<string, string>>): void {
    const given = Object.entries(options);
    if (given.length !== product.options.length && given.length > 0)
      throw invalid(
        `Product has ${product.options.length} option values but there were ${given.length} provided option values for the variant: ${variant.title}.`,
      );
    const chosen = given.map(([title, value]) => {
      const option = product.options.find((one) => one.title === title);
      if (!option?.values.some((one) => one.value === value))
        throw invalid(`Option value ${value} does not exist for option ${title}`);
      return [option.id, value] as const;
    });
    const same = product.variants.find(
      (one) =>
        one !== variant && chosen.length > 0 && chosen.every(([option, value]) => one.choice.get(option) === value),
    );
    if (same) throw invalid(`Variant (${same.title}) with provided options already exists.`);
    variant.choice = new Map(chosen);
  }

  /** A new inventory item. */
  count(sku: string | null, title: string | null): InventoryItem {
    if (sku !== null && [...this.inventoryItems.values()].some((one) => one.sku === sku))
      throw invalid(`Inventory item with sku: ${sku}, already exists.`);
    const item: InventoryItem = { id: this.id('iitem'), sku, title };
    this.inventoryItems.set(item.id, item);
    return item;
  }

  /** Has an inventory item at a location, with nothing of it. */
  stock(item: string, location: string): Level {
    if (this.levels.has(`${item} ${location}`))
      throw invalid(`Inventory level with inventory_item_id: ${item}, location_id: ${location}, already exists.`);
    const level: Level = { id: this.id('ilev'), item, location, stocked: 0, reserved: 0 };
    this.levels.set(`${item} ${location}`, level);
    return level;
  }

  level(item: string, location: string): Level {
    const level = this.levels.get(`${item} ${location}`);
    if (!level) throw new Refusal(404, 'not_found', `Item ${item} is not stocked at location ${location}`);
    return level;
  }

  place({ lines, country = 'be', promotion = false, metadata }: NewOrder): Order {
    const id = this.id('order');
    const at = this.now();
    const rate = country === 'be' ? 21 : null;
    const items = lines.map(([variantId, quantity]): Item => {
      const variant = this.variants.get(variantId)!;
      const price = this.#priceOf(variant);
      this.level(variant.inventoryItem!, this.location).reserved += quantity;
      return {
        id: this.id('ordli'),
        variant,
        title: this.products.get(variant.productId)!.title,
        unitPrice: price,
        quantity,
        since: 1,
        until: null,
        last: quantity,
        rate,
        off: promotion ? (price * quantity) / 10 : 0,
        reserved: quantity,
        ...{ fulfilled: 0, shipped: 0, requested: 0, received: 0, dismissed: 0 },
      };
    });
    const draft = { items, shippingAmount: 4.95, shippingRate: rate, credit: 0 };
    const payment: Payment = {
      id: this.id('pay'),
      order: id,
      collection: this.id('pay_col'),
      amount: totalOf(draft, this.inclusive),
      createdAt: at,
      updatedAt: at,
      capturedAt: null,
      canceledAt: null,
      captures: [],
      refunds: [],
    };
    const order: Order = {
      ...draft,
      id,
      displayId: this.orders.size + 1,
      country,
      email: this.customer.email,
      createdAt: at,
      updatedAt: at,
      version: 1,
      status: 'pending',
      canceledAt: null,
      payment,
      collections: [{ id: payment.collection, status: 'authorized', amount: payment.amount, payment }],
      edits: [],
      metadata: metadata ?? null,
      updates: [],
      fulfilments: [],
      change: null,
    };
    this.orders.set(id, order);
    this.payments.set(payment.id, payment);
    return order;
  }

  /** Throws Refusal for what is not for sale: a draft, and what has no price. */
  #priceOf({ id, productId, prices }: Variant): number {
    if (this.products.get(productId)!.status !== 'published')
      throw invalid(`Variants ${id} do not exist or belong to a product that is not published`);
    const price = prices.find(({ currency_code }) => currency_code === 'eur');
    if (!price) throw invalid(`Variants with IDs ${id} do not have a price`);
    return price.amount;
  }

  order(id: string): Order {
    const order = this.orders.get(id);
    if (!order) throw missing('Order', id);
    return order;
  }

  fulfil(id: string, items: readonly { id: string; quantity: number }[], location: string, metadata: unknown): void {
    const order = this.order(id);
    if (order.status === 'canceled') throw invalid(`Order with id ${id} has been canceled.`);
    this.free(order);
    const found = items.map((one) => ({ ...one, item: order.items.find((item) => item.id === one.id) }));
    const strangers = found.flatMap((one) => (one.item ? [] : [one.id]));
    if (strangers.length > 0)
      throw invalid(`Items with ids ${strangers.join(', ')} does not exist in order with id ${id}.`);
    if (location !== this.location) throw missing('StockLocation', location);
    for (const { id: line, quantity, item } of found) {
      if (item!.reserved === 0)
        throw invalid(`No stock reservation found for item ${line} - ${item!.title} (${item!.variant.title})`);
      if (quantity > item!.reserved)
        throw invalid(`Quantity to fulfill exceeds the reserved quantity for the item: ${line}`);
    }
    for (const { quantity, item } of found) {
      const level = this.level(item!.variant.inventoryItem!, location);
      level.reserved -= quantity;
      level.stocked -= quantity;
      item!.reserved -= quantity;
      item!.fulfilled += quantity;
    }
    order.fulfilments.push({
      id: this.id('ful'),
      location,
      items: items.map((one) => ({ item: one.id, quantity: one.quantity })),
      metadata: (metadata as Record<string, unknown> | undefined) ?? null,
      shippedAt: null,
      deliveredAt: null,
      canceledAt: null,
      labels: [],
    });
    this.touch(order);
  }

  ship(id: string, fulfilment: string, labels: Fulfilment['labels']): void {
    const order = this.order(id);
    const one = order.fulfilments.find((each) => each.id === fulfilment);
    if (!one) throw new Refusal(500, 'unknown_error', 'An unknown error occurred.');
    if (one.shippedAt !== null) throw notAllowed('Shipment has already been created');
    this.free(order);
    one.shippedAt = this.now();
    one.labels = labels;
    for (const { item, quantity } of one.items) order.items.find((each) => each.id === item)!.shipped += quantity;
    this.touch(order);
  }

  deliver(id: string, fulfilment: string): void {
    const order = this.order(id);
    const one = order.fulfilments.find((each) => each.id === fulfilment)!;
    if (one.deliveredAt !== null) throw notAllowed('Fulfillment has already been marked delivered');
    one.deliveredAt = this.now();
    this.touch(order);
  }

  setPrices(variant: Variant, prices: readonly Partial<Price>[]): void {
    variant.prices = prices.map(({ id, currency_code, amount, min_quantity, max_quantity, rules }) => ({
      id: id ?? this.id('price'),
      currency_code: currency_code!,
      amount: amount!,
      min_quantity: min_quantity ?? null,
      max_quantity: max_quantity ?? null,
      rules: rules ?? {},
    }));
    variant.updatedAt = this.now();
  }

  /**
   * Lays fields over those of the order's metadata: an empty text takes one away, null is a value, null for the whole empties it. Each call stands in the history; one that
   * changes nothing leaves the order's time.
   */
  setMetadata(id: string, asked: Metadata | null): void {
    const order = this.order(id);
    if (order.status === 'canceled') throw invalid(`Order with id ${id} has been canceled.`);
    const before = order.metadata;
    const laid = Object.entries({ ...before, ...asked }).filter(([, value]) => value !== '');
    order.metadata = asked === null ? null : Object.fromEntries(laid);
    if (!isDeepStrictEqual(order.metadata, before)) order.updatedAt = this.now();
    order.updates.push({ id: this.id('ordch'), version: order.version, at: this.now(), before, asked });
  }

  /** Begins a change of the order, of which there may be one. */
  begin(order: Order, kind: OrderChange['kind'], returnId: string | null): void {
    this.free(order);
    order.change = { kind, returnId, asked: [], good: [], bad: [], edits: [] };
  }

  /** Ends the change that is under way; the order is as it says from now on. */
  confirmed(order: Order): void {
    order.change = null;
    this.touch(order);
  }

  /** Throws Refusal while a change of the order is under way. */
  free({ id, change }: Order): void {
    if (change) throw invalid(`Order (${id}) already has an existing active order change`);
  }

  touch(order: Order): void {
    order.version += 1;
    order.updatedAt = this.now();
  }
}

/** What is left to pay for, not rounded. */
export function totalOf(
  order: Pick<Order, 'items' | 'shippingAmount' | 'shippingRate' | 'credit'>,
  inclusive: boolean,
): number {
  const taxed = (net: number, rate: number | null): number => net * (inclusive ? 1 : 1 + (rate ?? 0) / 100);
  const there = order.items.filter(({ quantity }) => quantity > 0);
  const goods = there.map(({ unitPrice, quantity, off, rate, received, dismissed }) => {
    const left = (quantity - received - dismissed) / quantity;
    return taxed((unitPrice * quantity - off) * left, rate);
  });
  const sum = goods.reduce((so, one) => so + one, taxed(order.shippingAmount, order.shippingRate));
  // As decimals, not as the machine adds them.
  return Number((sum - order.credit).toFixed(8));
}
