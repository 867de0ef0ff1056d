import type { Random } from '../../core/clock.ts';
import type { Shop } from '../shopify/shop.ts';
import type { BackOffice } from './back-office.ts';

/** A market of the shop that has prices of its own: its name there, its currency, and the pricelist in Odoo that they come from. */
export const MARKET = { name: 'Ireland', currency: 'EUR', list: 'Web shop Ireland' } as const;

const PRICE_RULE = 'product.pricelist.item';

/** Gives the shop the market, with a price list without a price yet. Returns the list's id; one that has the list keeps it. */
export function openMarket(shop: Shop): string {
  const { name, currency } = MARKET;
  const there = [...shop.priceLists.values()].find((list) => list.name === name);
  return (there ?? shop.addPriceList(name, currency, [{ name, taxes: 'INCLUDES_TAXES_IN_PRICE' }])).id;
}

/** The fixed prices of the market's list, in minor units of its currency, by SKU; a shop may have no such market. */
export function marketPricesOf({
  priceLists,
  variants,
}: Pick<Shop, 'priceLists' | 'variants'>): Record<string, number> {
  const list = [...priceLists.values()].find(({ name }) => name === MARKET.name);
  return Object.fromEntries(
    Object.entries(list?.prices ?? {}).flatMap(([id, { price }]) => {
      const variant = variants.get(id);
      return variant ? [[variant.sku!, Number(price)]] : [];
    }),
  );
}

/** People in Odoo who price a part of the range for the market by hand, change their minds, and leave a price to a discount that only Odoo works out: then it is none of the market's any more. */
export class Market {
  readonly #office: BackOffice;
  readonly #random: Random;
  #list = 0;

  constructor(office: BackOffice, random: Random) {
    this.#office = office;
    this.#random = random;
  }

  /** The pricelist, in the market's currency: one that the company itself does not use. */
  async prepare(): Promise<void> {
    const { desk } = this.#office;
    const domain = [
      ['name', '=', MARKET.currency],
      ['active', 'in', [true, false]],
    ];
    const [currency] = await desk.read<{ id: number }>('res.currency', domain, ['name']);
    this.#list = await desk.find('product.pricelist', [['name', '=', MARKET.list]], async () => ({
      name: MARKET.list,
      currency_id: currency!.id,
    }));
  }

  /** One product; every step may be done twice. */
  async reprice(): Promise<void> {
    const { desk, offered } = this.#office;
    const range = offered.filter((_, place) => place % 4 === 0);
    const article = range[Math.floor(this.#random() * range.length)];
    if (!article) return;
    const fixed_price = Math.round(article.price * (1.1 + this.#random() * 0.2)) / 100;
    const product_id = this.#office.idOf(article.sku);
    const domain = [
      ['pricelist_id', '=', this.#list],
      ['product_id', '=', product_id],
    ];
    const rule = await desk.find(PRICE_RULE, domain, async () => ({
      ...{ pricelist_id: this.#list, applied_on: '0_product_variant', product_id },
      ...{ compute_price: 'fixed', fixed_price },
    }));
    const isLeft = this.#random() < 0.25;
    await desk.write(
      PRICE_RULE,
      rule,
      isLeft ? { compute_price: 'percentage', percent_price: 10 } : { compute_price: 'fixed', fixed_price },
    );
  }
}
