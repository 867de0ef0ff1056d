import { decimal } from '../../../core/decimal.ts';
import { rejected } from '../../../core/fault.ts';
import type { Draft, Look, MappingSeed } from '../../../core/flow.ts';
import { exactMoney } from '../../../core/money.ts';
import { PriceDocument, priceKey } from '../../../model/price.ts';
import { ProductDocument } from '../../../model/product.ts';
import type { ListPrice, PriceRecord } from '../sources/prices.ts';

export const pricelists: MappingSeed = {
  table: 'odoo-pricelists',
  owner: 'sales',
  about: 'Pricelists in Odoo, or `sales price` → price lists of the hub; what has no row goes nowhere.',
  rows: {},
};

/** Row of Mapping table `odoo-pricelists` for the sales price of the product itself. */
const salesPrice = 'sales price';

/** The hub's price list, or null where the table names none. */
export const listOf = ({ list }: ListPrice, look: Pick<Look, 'mapping'>): string | null =>
  look.mapping(pricelists.table).find(list ?? salesPrice);

/** What the variant is bound to, else its internal reference; undefined: it is none of the hub's. */
export const skuOfVariant = async (
  { id, code }: Pick<PriceRecord['variants'][number], 'id' | 'code'>,
  look: Pick<Look, 'keyOf'>,
): Promise<string | undefined> => (await look.keyOf(ProductDocument, String(id))) ?? code?.toUpperCase();

/**
 * Message Translator: prices on those lists that Mapping table `odoo-pricelists` names (pricelist of Odoo, or `sales price` → list of the hub). A price that only
 * Odoo can work out is left out. Throws `rejected` for one that is no amount of its currency, or whose taxes are half within it.
 */
export async function toPrices(record: PriceRecord, look: Look): Promise<Draft<typeof PriceDocument>[]> {
  const drafts: Draft<typeof PriceDocument>[] = [];
  for (const variant of record.variants) {
    const sku = await skuOfVariant(variant, look);
    if (sku === undefined) continue;
    for (const price of variant.prices) {
      const list = listOf(price, look);
      if (list === null || price.amount === null) continue;
      if (record.includesTax === null)
        throw rejected(
          `'${record.name}' has sales taxes of which some are within the price and some are not: choose one in Odoo`,
          'taxes-mixed',
          'taxes_id',
        );
      drafts.push({
        kind: 'price',
        body: {
          id: priceKey(list, sku),
          sku,
          list,
          currency: price.currency,
          amount: minorOf(price, price.amount, sku),
          compareAt: null,
          includesTax: record.includesTax,
        },
      });
    }
  }
  return drafts;
}

/**
 * Prices on these lists that were told of the record's products and are none any more: their rule was removed or has ended, or only Odoo can work it out now. Told however often it is
 * looked at, for another flow may have said so first.
 */
export async function withdrawnPrices(
  record: PriceRecord,
  look: Look,
  { lists, told }: { readonly lists: readonly string[]; readonly told: readonly Draft<typeof PriceDocument>[] },
): Promise<Draft<typeof PriceDocument>[]> {
  const there = new Set(told.map(({ body }) => body.id));
  const drafts: Draft<typeof PriceDocument>[] = [];
  for (const variant of record.variants) {
    const sku = await skuOfVariant(variant, look);
    for (const list of sku === undefined ? [] : lists) {
      const key = priceKey(list, sku!);
      const known = there.has(key) ? null : await look.current(PriceDocument, key);
      if (known) drafts.push({ kind: 'price', body: { ...known, withdrawn: true } });
    }
  }
  return drafts;
}

/** A float of Odoo as the amount it means; six decimals are more than any price has. */
function minorOf({ currency, list }: ListPrice, amount: number, sku: string): number {
  try {
    const { minor } = exactMoney(decimal(amount.toFixed(6)), currency);
    if (minor >= 0n) return Number(minor);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  throw rejected(
    `the price of ${sku} on ${list ?? 'its own'} is ${amount} in Odoo, which is no amount in ${currency}: correct it there`,
    'not-an-amount',
    'list_price',
  );
}
