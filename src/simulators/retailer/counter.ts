import type { Random } from '../../core/clock.ts';
import type { RestStore, StoredSale } from '../rest-store.ts';
import { isBought } from './assortment.ts';

const pick = <T>(random: Random, all: readonly T[]): T => all[Math.floor(random() * all.length)]!;

/** The store's own code of its place, and the price list that it sells by. */
export const PLACE = 'counter';
export const PRICES = 'web';

/** What the till may sell: what it was told of and is not withdrawn, with a price, and enough pieces. */
function onShelf({ assortment, levels, prices }: RestStore): { sku: string; price: number }[] {
  return [...prices].flatMap(([key, { value }]) => {
    const sku = key.slice(PRICES.length + 1);
    return isBought({ sku }) && assortment.sells(sku) && Number(levels.get(`${PLACE}/${sku}`)?.value ?? 0) >= 5
      ? [{ sku, price: Number(value) }]
      : [];
  });
}

const lineOf = (id: string, sku: string, quantity: number, price: number, discount: number) => ({
  id,
  sku,
  name: sku,
  quantity: String(quantity),
  unitPrice: (price / 100).toFixed(2),
  discount,
  taxes: ['standard'],
  total: quantity * price + (quantity < 0 ? discount : -discount),
});

type Delivery = NonNullable<StoredSale['delivery']>;

const recipient = {
  ...{ name: 'A regular', company: null, street: 'High Street 1', street2: null, city: 'Leeds', postalCode: 'LS1 1AA' },
  ...{ region: null, country: 'GB', phone: null, email: null },
};

/** Most take it with them; some come for it later, or have it sent, from the store or from the warehouse. */
function laterOf(chance: number): { readonly delivery?: Delivery } {
  if (chance >= 0.35) return {};
  if (chance < 0.1) return { delivery: { method: 'collect', promisedAt: null } };
  const sent = { method: 'ship', promisedAt: null, recipient } as const;
  return { delivery: chance < 0.2 ? sent : { ...sent, location: 'central' } };
}

const saleOf = (n: number, parts: Pick<StoredSale, 'customer' | 'refersTo' | 'lines' | 'delivery'>): StoredSale => ({
  id: `S${1000 + n}`,
  number: `R-${1000 + n}`,
  revision: 1,
  soldAt: new Date().toISOString(),
  location: PLACE,
  currency: 'GBP',
  pricesIncludeTax: true,
  ...parts,
  total: parts.lines.reduce((sum, { total }) => sum + total, 0),
});

/** People at the counter of the store: they buy what its till knows of, bring something back, or find that a discount was forgotten. */
export class Counter {
  readonly #store: RestStore;
  readonly #random: Random;
  /** Where the till pushes its sales. */
  readonly #hub: string;

  constructor(store: RestStore, random: Random, hub: string) {
    this.#store = store;
    this.#random = random;
    this.#hub = hub;
  }

  /** One customer; nothing happens while there is nothing to sell. */
  serve(): void {
    const chance = this.#random();
    const sale = (chance < 0.08 ? this.#back() : chance < 0.14 ? this.#corrected() : null) ?? this.#sold();
    // A push that never arrives is no loss: sales are listed too.
    if (sale) this.#store.take(sale, this.#hub).catch(() => undefined);
  }

  #sold(): StoredSale | null {
    const random = this.#random;
    const goods = onShelf(this.#store);
    if (goods.length === 0) return null;
    const n = this.#store.sales.length + 1;
    const chosen = new Set(Array.from({ length: 1 + Math.floor(random() * 3) }, () => pick(random, goods)));
    const lines = [...chosen].map(({ sku, price }, place) => {
      const discount = random() < 0.2 ? 1 + Math.floor(random() * price * 0.3) : 0;
      return lineOf(String(place + 1), sku, 1 + Math.floor(random() ** 2 * 4), price, discount);
    });
    const customer = random() < 0.5 ? null : { id: `C${Math.floor(random() * 20)}`, name: 'A regular' };
    return saleOf(n, { customer, refersTo: null, lines, ...laterOf(random()) });
  }

  /** One piece of an earlier sale that was taken along, for what was paid for it. */
  #back(): StoredSale | null {
    const latest = this.#latest();
    const back = new Set(latest.map(({ refersTo }) => refersTo));
    const earlier = latest.filter(
      ({ number, refersTo, delivery }) => refersTo === null && delivery === undefined && !back.has(number),
    );
    if (earlier.length === 0) return null;
    const { number, customer, lines } = pick(this.#random, earlier);
    const { sku, unitPrice, quantity, discount } = pick(this.#random, lines);
    const n = this.#store.sales.length + 1;
    const [price, off] = [Math.round(Number(unitPrice) * 100), Math.floor(discount / Number(quantity))];
    return saleOf(n, { customer, refersTo: number, lines: [lineOf('1', sku, -1, price, off)] });
  }

  /** A discount that was forgotten: the sale as it should have been. */
  #corrected(): StoredSale | null {
    const full = this.#latest().filter(({ lines, total }) => total > 0 && lines[0]!.discount === 0);
    if (full.length === 0) return null;
    const sale = pick(this.#random, full);
    const [first, ...others] = sale.lines;
    const off = 1 + Math.floor(this.#random() * 100);
    const lines = [{ ...first!, discount: off, total: first!.total - off }, ...others];
    return { ...sale, revision: sale.revision + 1, lines, total: sale.total - off };
  }

  #latest(): StoredSale[] {
    return [...new Map(this.#store.sales.map((sale) => [sale.id, sale])).values()];
  }
}
