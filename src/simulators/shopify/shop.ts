import type {
  Customer,
  Level,
  Location,
  Market,
  Order,
  Person,
  Place,
  PriceList,
  Product,
  Subscription,
  Variant,
} from './records.ts';

export interface ShopOptions {
  readonly name?: string;
  readonly currency?: string;
  readonly taxesIncluded?: boolean;
  readonly now?: () => Date;
}

/** What is kept of the shop, by kind. */
export interface Kept {
  location: Location;
  product: Product;
  level: Level;
  priceList: PriceList;
  customer: Customer;
  order: Order;
  subscription: Subscription;
}

/** One commit: records as they are now, and those that are gone. */
export interface Commit {
  /** The last number that was given to an id. */
  readonly last: number;
  readonly kept: readonly { readonly kind: keyof Kept; readonly id: string; readonly record: unknown }[];
}

/** Called after every change, once it is committed. */
export type Listener = (topic: string, subject: { id: string; updatedAt: Date }) => void;

/** The shop's own ledger. All that changes it goes through here or through the functions of orders.ts, so that times, ids and webhooks are right. */
export class Shop {
  readonly name: string;
  readonly currency: string;
  readonly taxesIncluded: boolean;
  readonly products = new Map<string, Product>();
  readonly variants = new Map<string, Variant>();
  readonly levels = new Map<string, Level>();
  readonly priceLists = new Map<string, PriceList>();
  /** Owner type, namespace and key of each. */
  readonly metafieldDefinitions = new Set<string>();
  readonly locations = new Map<string, Location>();
  readonly customers = new Map<string, Customer>();
  readonly orders = new Map<string, Order>();
  readonly subscriptions = new Map<string, Subscription>();
  /** Every quantity that an app has set, in order. */
  readonly stockSet: { readonly inventoryItemId: string; readonly locationId: string; readonly quantity: number }[] =
    [];
  readonly listeners: Listener[] = [];
  /** Writes a commit where it lasts; without it everything is gone at the end. */
  keep: (commit: Commit) => void = () => undefined;
  readonly #now: () => Date;
  readonly #changed = new Map<string, Commit['kept'][number]>();
  #last = 1000;

  constructor({ name = 'example', currency = 'EUR', taxesIncluded = true, now = () => new Date() }: ShopOptions = {}) {
    this.name = name;
    this.currency = currency;
    this.taxesIncluded = taxesIncluded;
    this.#now = now;
  }

  get domain(): string {
    return `${this.name}.myshopify.com`;
  }

  /** The API tells times in whole seconds; so the shop has no finer ones. */
  now(): Date {
    return new Date(Math.floor(this.#now().getTime() / 1000) * 1000);
  }

  /** `gid://shopify/{type}/{n}`; numbers are beyond 2^53, as real ones will be. */
  id(type: string): string {
    this.#last += 1;
    return `gid://shopify/${type}/${9_007_199_254_740_993n + BigInt(this.#last)}`;
  }

  /** Part of the next commit; `null`: it is gone. */
  change<K extends keyof Kept>(kind: K, id: string, record: Kept[K] | null): void {
    this.#changed.set(`${kind} ${id}`, { kind, id, record });
  }

  /** Makes what changed last, all of it or nothing. */
  commit(): void {
    if (this.#changed.size === 0) return;
    const kept = [...this.#changed.values()];
    this.#changed.clear();
    this.keep({ last: this.#last, kept });
  }

  /** Takes a commit back in, as it was kept. */
  restore({ last, kept }: Commit): void {
    this.#last = last;
    const tables: Record<keyof Kept, Map<string, unknown>> = {
      location: this.locations,
      product: this.products,
      level: this.levels,
      priceList: this.priceLists,
      customer: this.customers,
      order: this.orders,
      subscription: this.subscriptions,
    };
    for (const { kind, id, record } of kept) {
      tables[kind].set(id, record);
      if (kind === 'product') for (const one of (record as Product).variants) this.variants.set(one.id, one);
    }
    // A shop that was kept before customers were records of their own.
    for (const { customer, billingAddress } of this.orders.values())
      if (customer) this.addCustomer(customer, billingAddress);
  }

  endSubscription(id: string): boolean {
    this.change('subscription', id, null);
    const there = this.subscriptions.delete(id);
    this.commit();
    return there;
  }

  tell(topic: string, subject: { id: string; updatedAt: Date }): void {
    this.commit();
    for (const listener of this.listeners) listener(topic, subject);
  }

  addLocation(name: string): Location {
    const location = { id: this.id('Location'), name, isActive: true };
    this.locations.set(location.id, location);
    this.change('location', location.id, location);
    this.commit();
    return location;
  }

  addProduct(title: string, variants: readonly Partial<Variant>[], parts: Partial<Product> = {}): Product {
    const at = this.now();
    const handle = parts.handle ?? title.toLowerCase().replace(/[^a-z0-9]+/g, '-');
    const product: Product = {
      descriptionHtml: '',
      vendor: this.name,
      status: 'ACTIVE',
      isGiftCard: false,
      options: ['Title'],
      ...parts,
      id: this.id('Product'),
      title,
      handle,
      variants: [],
      createdAt: at,
      updatedAt: at,
    };
    for (const one of variants) this.addVariant(product, one);
    this.products.set(product.id, product);
    this.change('product', product.id, product);
    this.tell('PRODUCTS_CREATE', product);
    return product;
  }

  /** A variant is stocked at every location, with nothing. */
  addVariant(product: Product, parts: Partial<Variant>): Variant {
    const variant: Variant = {
      sku: null,
      barcode: null,
      title: 'Default Title',
      price: 0n,
      compareAtPrice: null,
      options: ['Default Title'],
      tracked: true,
      requiresShipping: true,
      ...parts,
      id: this.id('ProductVariant'),
      productId: product.id,
      inventoryItemId: this.id('InventoryItem'),
      updatedAt: this.now(),
    };
    product.variants.push(variant);
    this.variants.set(variant.id, variant);
    for (const { id: locationId } of this.locations.values()) {
      const level = {
        id: this.id('InventoryLevel'),
        inventoryItemId: variant.inventoryItemId,
        locationId,
        available: 0,
      };
      this.setLevel({ ...level, updatedAt: this.now() }, 0);
    }
    return variant;
  }

  /** Markets with a catalog and a price list of their own, without a fixed price yet. */
  addPriceList(name: string, currency: string, markets: readonly Omit<Market, 'id'>[]): PriceList {
    const list: PriceList = {
      id: this.id('PriceList'),
      name,
      currency,
      catalog: { id: this.id('MarketCatalog'), title: name },
      markets: markets.map((market) => ({ id: this.id('Market'), ...market })),
      prices: {},
    };
    this.priceLists.set(list.id, list);
    this.touchPriceList(list);
    return list;
  }

  /** No webhook tells of it. */
  touchPriceList(list: PriceList): void {
    this.change('priceList', list.id, list);
    this.commit();
  }

  deletePriceList(id: string): void {
    this.priceLists.delete(id);
    this.change('priceList', id, null);
    this.commit();
  }

  setLevel(level: Level, available: number): void {
    const id = `${level.inventoryItemId} ${level.locationId}`;
    level.available = available;
    level.updatedAt = this.now();
    this.levels.set(id, level);
    this.change('level', id, level);
  }

  level(inventoryItemId: string, locationId: string): Level | undefined {
    return this.levels.get(`${inventoryItemId} ${locationId}`);
  }

  variantOf(inventoryItemId: string): Variant | undefined {
    return [...this.variants.values()].find((variant) => variant.inventoryItemId === inventoryItemId);
  }

  /** A customer who signs up, or buys for the first time. One that is there stays as it is. */
  addCustomer({ id, displayName, email, phone }: Person, address: Place | null = null): Customer {
    const known = this.customers.get(id);
    if (known) return known;
    const at = this.now();
    const [firstName = null, ...rest] = displayName.split(' ');
    const lastName = rest.join(' ') || null;
    const made: Customer = { id, firstName, lastName, email, phone, address, createdAt: at, updatedAt: at };
    this.customers.set(id, made);
    this.change('customer', id, made);
    this.tell('CUSTOMERS_CREATE', made);
    return made;
  }

  /** A change by the customer, by staff or by an app; one that changes nothing is not told. */
  changeCustomer(customer: Customer, change: Partial<Omit<Customer, 'id' | 'createdAt' | 'updatedAt'>>): void {
    const same = Object.entries(change).every(([name, value]) => customer[name as keyof Customer] === value);
    if (same) return;
    Object.assign(customer, change, { updatedAt: this.now() });
    this.change('customer', customer.id, customer);
    this.tell('CUSTOMERS_UPDATE', customer);
  }

  /** Deletes a customer who never ordered: Shopify deletes no other. */
  deleteCustomer(id: string): void {
    const customer = this.customers.get(id);
    if (!customer || [...this.orders.values()].some((order) => order.customer?.id === id)) return;
    this.customers.delete(id);
    this.change('customer', id, null);
    this.tell('CUSTOMERS_DELETE', customer);
  }

  touchOrder(order: Order, ...topics: string[]): void {
    order.updatedAt = this.now();
    this.change('order', order.id, order);
    for (const topic of [...topics, 'ORDERS_UPDATED']) this.tell(topic, order);
  }

  touchProduct(product: Product): void {
    product.updatedAt = this.now();
    this.change('product', product.id, product);
    this.tell('PRODUCTS_UPDATE', product);
  }
}
