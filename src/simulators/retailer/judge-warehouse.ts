import type { BooksLedger, ShopLedger, WarehouseLedger } from './ledgers.ts';
import { places } from './places.ts';
import { type Hop, Tally } from './tally.ts';

/** What people hear of the warehouse. */
export interface WarehouseHops {
  /** They are asked about what was ordered and will not come, and about nothing else. */
  readonly shortToPeople: Hop;
  /** They are not asked any more about what it acknowledged, however late. */
  readonly silenceToPeople: Hop;
  /** They were asked about what it told by mistake, and have settled it. */
  readonly straysToPeople: Hop;
  /** They are asked about goods of which the warehouse counts another number than Odoo, with both, and about nothing else. */
  readonly countsToPeople: Hop;
}

interface Sides {
  readonly shop: ShopLedger;
  readonly books: BooksLedger;
  readonly warehouse: WarehouseLedger;
  readonly excepted: readonly { readonly message?: string }[];
  /** Words of the Exceptions that people have settled. */
  readonly settled: readonly string[];
  /** Number of a delivery in Odoo → the shop's order. */
  readonly orderOf: ReadonlyMap<string, string>;
}

export const judgeWarehouse = (sides: Sides): WarehouseHops => ({
  shortToPeople: shortages(sides),
  silenceToPeople: silence(sides),
  straysToPeople: strays(sides),
  countsToPeople: counts(sides),
});

/** Of an order that was cancelled or changed since nobody need be asked. */
function shortages({ shop, warehouse: { short = [] }, excepted, orderOf }: Sides): Hop {
  const tally = new Tally();
  const asked = new Set(excepted.flatMap(({ message = '' }) => deliveryShort.exec(message)?.[1] ?? []));
  const settled = new Set(shop.orders.filter((one) => one.cancelled || one.edited).map(({ name }) => name));
  for (const { order, units } of short) {
    tally.compared += 1;
    const goods = Object.entries(units).map(([sku, count]) => `${count} × ${sku}`);
    const name = orderOf.get(order) ?? order;
    if (!asked.has(order) && !settled.has(name))
      tally.miss(`${name}: nobody is asked about ${goods.join(', ')}, which the warehouse has not`);
  }
  for (const order of asked)
    if (!short.some((one) => one.order === order))
      tally.extra(`${orderOf.get(order) ?? order}: people are asked about a shortage, and ${order} was not short`);
  return tally.hop;
}

/** Number of the delivery, in the words that people read. */
const deliveryShort = /(?:ships|nothing of) fulfilment order (\S+) .*(?:will not come|and closes it)/;

function silence({ warehouse: { heard = [] }, excepted }: Sides): Hop {
  const tally = new Tally();
  tally.compared = heard.length;
  const known = new Set(heard.map(Number));
  for (const { message = '' } of excepted) {
    const [, about, number] = unacknowledged.exec(message) ?? [];
    if (number !== undefined && known.has(Number(number)))
      tally.extra(`people are asked about ${about}, which the warehouse has acknowledged`);
  }
  return tally.hop;
}

/** What people read of an order that was not acknowledged, with its control number. */
const unacknowledged = /has not acknowledged (fulfilment order \S+ of order \S+), sent as 940-(\d+)-/;

function strays({ warehouse: { strays: sent = [] }, excepted, settled }: Sides): Hop {
  const tally = new Tally();
  for (const shipment of sent) {
    tally.compared += 1;
    const isAbout = (words = ''): boolean => shipmentIn(words) === shipment;
    if (!settled.some(isAbout)) tally.miss(`nobody was asked about shipment ${shipment}, which never was`);
    if (excepted.some(({ message }) => isAbout(message))) tally.extra(`people are still asked about ${shipment}`);
  }
  return tally.hop;
}

/** Number of the shipment that the words are about: `Shipment SH1: …`. */
export const shipmentIn = (words: string): string | undefined => /^Shipment ([^ :]+)/.exec(words)?.[1];

function counts({ books, warehouse: { counted = {} }, excepted }: Sides): Hop {
  const tally = new Tally();
  const lists = excepted.flatMap(({ message = '' }) => countDiffers.exec(message)?.[1] ?? []);
  if (lists.length > 1) tally.extra(`people are asked about ${lists.length} counts`, lists.length - 1);
  const asked = new Map(lists.flatMap((list) => list.split(', ').map((one) => [one.split(' ')[0]!, one] as const)));
  for (const [sku, count] of Object.entries(counted)) {
    tally.compared += 1;
    const held = books.quants
      .filter(({ default_code, location }) => default_code === sku && location === `${places.central.code}/Stock`)
      .reduce((sum, { quantity }) => sum + quantity, 0);
    const words = `${sku} ${count} on the shelf (books: ${held})`;
    if (held !== count && asked.get(sku) !== words)
      tally.miss(`people are not asked about ${words}, but about '${asked.get(sku) ?? ''}'`);
    if (held === count && asked.has(sku)) tally.extra(`people are asked about '${asked.get(sku)}', and it is ${held}`);
  }
  return tally.hop;
}

/** Goods that differ, as people read of them; of more than ten not all. */
const countDiffers = /^Count \S+ of the warehouse differs from the books in \S+: (.*)\. Find out/;
