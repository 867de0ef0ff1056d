import { isLaunched, isSold } from './assortment.ts';
import { LIST } from './back-office.ts';
import { addUnits, type BooksLedger, type ShopLedger, type StoreLedger, type Units } from './ledgers.ts';
import { MARKET } from './market.ts';
import { type Place, places } from './places.ts';
import { type Hop, minorOf, Tally, text } from './tally.ts';

/** What a channel says it can sell is what is free in Odoo (on hand − reserved), of all that has a price there. */
export function stockAt(where: string, levels: Units, { quants, prices }: BooksLedger, place: Place = 'central'): Hop {
  const tally = new Tally();
  const free: Record<string, number> = {};
  for (const { default_code, location, quantity, reserved } of quants)
    if (default_code !== null && location?.startsWith(`${places[place].code}/`))
      addUnits(free, default_code, quantity - reserved);
  const offered = prices.flatMap(({ default_code }) =>
    default_code !== null && isSold(default_code) ? [default_code] : [],
  );
  for (const sku of new Set([...Object.keys(levels), ...offered])) {
    tally.compared += 1;
    const [there, here] = [levels[sku], free[sku] ?? 0];
    if (there === undefined) tally.miss(`${sku}: no level ${where}, ${here} free in Odoo`);
    else if (there !== here) tally.differ(`${sku}: ${there} ${where}, ${here} free in Odoo`);
  }
  return tally.hop;
}

/** What a channel charges is what stands on Odoo's price list. */
export const pricesAt = (where: string, charged: Units, { prices }: BooksLedger): Hop =>
  pricesOn(LIST, where, charged, prices).hop;

function pricesOn(list: string, where: string, charged: Units, prices: BooksLedger['prices']): Tally {
  const tally = new Tally();
  for (const { list: own, default_code: sku, amount } of prices) {
    if (own !== list || sku === null || !isSold(sku)) continue;
    tally.compared += 1;
    const [there, here] = [charged[sku], minorOf(amount)];
    if (there === undefined) tally.miss(`${sku}: no price ${where}, ${text(here)} in Odoo`);
    else if (there !== here) tally.differ(`${sku}: ${text(there)} ${where}, ${text(here)} in Odoo`);
  }
  return tally;
}

/** The same of the shop's market, which has no price of its own for anything that has none on Odoo's list for it (any more). */
export function marketPricesInShop({ marketPrices }: ShopLedger, { prices }: BooksLedger): Hop {
  const tally = pricesOn(MARKET.list, `in ${MARKET.name}`, marketPrices, prices);
  const fixed = new Set(prices.flatMap(({ list, default_code: sku }) => (list === MARKET.list ? [sku] : [])));
  for (const [sku, there] of Object.entries(marketPrices))
    if (!fixed.has(sku)) tally.extra(`${sku}: ${text(there)} in ${MARKET.name}, no price in Odoo`);
  return tally.hop;
}

/** The same of the shop, and nobody has bought anything for nothing there: what is new has no price at first. */
export function pricesInShop({ prices, orders }: ShopLedger, books: BooksLedger): Hop {
  const told = pricesAt('in the shop', prices, books);
  const free = orders.flatMap(({ name, lines }) =>
    lines.filter(({ quantity, net }) => quantity > 0 && net <= 0).map(({ sku }) => `${name}: ${sku} for nothing`),
  );
  return { ...told, differences: told.differences + free.length, wrong: [...told.wrong, ...free] };
}

type Item = BooksLedger['products'][number];
type Shown = Pick<ShopLedger['products'][number], 'title' | 'description' | 'variants'>;

const isOurs = ({ variants }: Item): boolean =>
  variants.some(({ default_code: code }) => code !== null && isLaunched(code));

/** What was brought out in Odoo is in the shop: each product and each variant once, by the names and with the values that it has there. */
export function catalogueInShop(shop: ShopLedger, { products }: BooksLedger): Hop {
  const tally = new Tally();
  const launched = products.filter((item) => item.sold && isOurs(item));
  const known = shop.products.filter(({ variants }) => variants.some(({ sku }) => isLaunched(sku)));
  compareItems(tally, launched, known, 'in the shop');
  return tally.hop;
}

/** What is for sale in Odoo is what the till of the store may sell, in the same way; and it was told of each product before it was told a level or a price of it. */
export function catalogueInStore({ products: told, unknown }: StoreLedger, { products }: BooksLedger): Hop {
  const tally = new Tally();
  if (told === null) return tally.hop;
  const offered = products.filter(
    ({ sold, variants }) => sold && variants.some(({ default_code: code }) => code !== null && isSold(code)),
  );
  compareItems(
    tally,
    offered,
    told.filter(({ sold }) => sold),
    'in the store',
  );
  for (const sku of unknown) tally.differ(`${sku}: the store was told a level or a price before the product`);
  return tally.hop;
}

function compareItems(tally: Tally, items: readonly Item[], known: readonly Shown[], where: string): void {
  const codes = new Set(items.flatMap(({ variants }) => variants.map(({ default_code }) => default_code)));
  for (const item of items) compareItem(tally, item, known, where);
  for (const { title, variants } of known)
    for (const { sku } of variants)
      if (!codes.has(sku)) tally.extra(`${sku}: ${where} as a variant of '${title}', and not for sale in Odoo`);
}

function compareItem(tally: Tally, item: Item, known: readonly Shown[], where: string): void {
  const own = known.filter(({ variants }) =>
    variants.some(({ sku }) => item.variants.some(({ default_code }) => default_code === sku)),
  );
  if (own.length > 1) tally.extra(`'${item.name}' is ${own.length} products ${where}`, own.length - 1);
  for (const { title, description } of own)
    if (title !== item.name || description !== (item.description ?? ''))
      tally.differ(`'${item.name}' (${item.description ?? 'no text'}) is called '${title}' (${description}) ${where}`);
  const held = own.flatMap(({ variants }) => variants);
  for (const { default_code: sku, values } of item.variants) {
    tally.compared += 1;
    const [one, ...more] = held.filter((variant) => variant.sku === sku);
    const chosen = values.join(' / ');
    if (!one) tally.miss(`${sku} of '${item.name}' is not ${where}`);
    else if (one.values.join(' / ') !== chosen)
      tally.differ(`${sku} is '${one.values.join(' / ')}' ${where}, '${chosen}' in Odoo`);
    if (more.length > 0) tally.extra(`${sku} is ${more.length + 1} times ${where}`, more.length);
  }
}
