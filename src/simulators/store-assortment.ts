/** A product as the store was last told of it, by the store contract. */
export interface StoreProduct {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly sold: boolean;
  readonly options: readonly string[];
  readonly variants: readonly {
    readonly sku: string;
    readonly barcode: string | null;
    readonly values: readonly string[];
  }[];
  readonly version: number;
}

interface Figures {
  readonly levels?: readonly { readonly sku: string }[];
  readonly prices?: readonly { readonly sku: string }[];
}

/** What a store was told that it sells. */
export class Assortment {
  readonly products: Map<string, StoreProduct>;
  /** Codes that it was told of, those of variants that are gone too: what was withdrawn may still have a level. */
  readonly #known: Set<string>;

  constructor(products: Map<string, StoreProduct>) {
    this.products = products;
    this.#known = new Set([...products.values()].flatMap(({ variants }) => variants.map(({ sku }) => sku)));
  }

  /** The greatest version counts, whenever it comes. Returns whether this one does. */
  hear(product: StoreProduct): boolean {
    for (const { sku } of product.variants) this.#known.add(sku);
    const known = this.products.get(product.id);
    if (known && known.version >= product.version) return false;
    this.products.set(product.id, product);
    return true;
  }

  /** Whether it may be sold: a product that is not withdrawn has the code. */
  sells(code: string): boolean {
    return [...this.products.values()].some(({ sold, variants }) => sold && variants.some(({ sku }) => sku === code));
  }

  /** Codes of figures that it was never told of, each once. */
  unknownIn({ levels = [], prices = [] }: Figures): string[] {
    return [...new Set([...levels, ...prices].map(({ sku }) => sku))].filter((sku) => !this.#known.has(sku));
  }
}
