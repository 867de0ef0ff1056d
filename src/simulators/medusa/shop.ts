import type {
  Fulfilment,
  Item,
  Level,
  Order,
  OrderChange,
  Payment,
  Price,
  Product,
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
}

/**
 * The shop's own ledger, acting as Medusa 2.21.2 was seen to: what changes an order's `updated_at` (not a capture), what it answers to a second time, what it leaves
 * half done. Nothing is rounded.
 */
export class Shop {
  readonly location = 'sloc_central';
  readonly products = new Map<string, Product>();
  readonly variants = new Map<string, Variant>();
  readonly levels = new Map<string, Level>();
  readonly orders = new Map<string, Order>();
  readonly payments = new Map<string, Payment>();
  readonly returns = new Map<string, Return>();
  readonly currencies = ['eur', 'gbp'];
  /** Whether prices are kept with tax in them. */
  readonly inclusive: boolean;
  readonly #now: () => Date;
  #ids = 0;

  constructor({ now = () => new Date(), inclusive = false }: { now?: () => Date; inclusive?: boolean } = {}) {
    this.#now = now;
    this.inclusive = inclusive;
  }

  id(prefix: string): string {
    this.#ids += 1;
    return `${prefix}_01SIM${String(this.#ids).padStart(10, '0')}`;
  }

  now(): string {
    return this.#now().toISOString();
  }

  addProduct(title: string, variants: readonly { title: string; sku: string | null; price: number; stock?: number }[]) {
    const product: Product = { id: this.id('prod'), title, updatedAt: this.now(), variants: [] };
    for (const { title: name, sku, price, stock = 100_000 } of variants) {
      const variant: Variant = {
        id: this.id('variant'),
        productId: product.id,
        title: name,
        sku,
        ean: null,
        updatedAt: this.now(),
        inventoryItem: this.id('iitem'),
        prices: [
          {
            id: this.id('price'),
            currency_code: 'eur',
            amount: price,
            min_quantity: null,
            max_quantity: null,
            rules: {},
          },
        ],
      };
      product.variants.push(variant);
      this.variants.set(variant.id, variant);
      this.levels.set(`${variant.inventoryItem} ${this.location}`, {
        id: this.id('ilev'),
        item: variant.inventoryItem,
        location: this.location,
        stocked: stock,
        reserved: 0,
      });
    }
    this.products.set(product.id, product);
    return product;
  }

  level(item: string, location: string): Level {
    const level = this.levels.get(`${item} ${location}`);
    if (!level) throw new Refusal(404, 'not_found', `Item ${item} is not stocked at location ${location}`);
    return level;
  }

  place({ lines, country = 'be', promotion = false }: NewOrder): Order {
    const id = this.id('order');
    const at = this.now();
    const rate = country === 'be' ? 21 : null;
    const items = lines.map(([variantId, quantity]): Item => {
      const variant = this.variants.get(variantId)!;
      const price = variant.prices.find(({ currency_code }) => currency_code === 'eur')!.amount;
      this.level(variant.inventoryItem, this.location).reserved += quantity;
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
      email: 'ann@example.com',
      createdAt: at,
      updatedAt: at,
      version: 1,
      status: 'pending',
      canceledAt: null,
      payment,
      collections: [{ id: payment.collection, status: 'authorized', amount: payment.amount, payment }],
      edits: [],
      fulfilments: [],
      change: null,
    };
    this.orders.set(id, order);
    this.payments.set(payment.id, payment);
    return order;
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
      const level = this.level(item!.variant.inventoryItem, location);
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
