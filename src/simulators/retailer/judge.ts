import { type Excepted, type Sold, type Verdict, valuesThatWentBack, verifyDaySales } from '../verify.ts';
import { verifyPayments } from '../verify-payments.ts';
import { cancellationsInShop } from './judge-cancellations.ts';
import { contactsInShop, customersInBooks, type Said } from './judge-customers.ts';
import {
  catalogueInShop,
  catalogueInStore,
  marketPricesInShop,
  pricesAt,
  pricesInShop,
  stockAt,
} from './judge-feeds.ts';
import { type Lookups, lookupsInStore, unasked } from './judge-lookups.ts';
import { isOfStoreRoom, judgePickups, type PickupHops } from './judge-pickup.ts';
import { purchaseOf, receiptsInBooks } from './judge-receipts.ts';
import { creditsInShop, paidBackInBooks, takenBackInShop } from './judge-refunds.ts';
import { laterAt, storeGoods, storeReceipts, storeSales, storeShipments } from './judge-store.ts';
import { judgeWarehouse, type WarehouseHops } from './judge-warehouse.ts';
import {
  addUnits,
  type BooksLedger,
  type Held,
  isOfStore,
  type ShopLedger,
  type StoreLedger,
  type Units,
  type WarehouseLedger,
} from './ledgers.ts';
import { compareShipments, unitsOf } from './parcels.ts';
import { promisesKept } from './promises.ts';
import { type Hop, minorOf, moneyOf, Tally, text } from './tally.ts';

export interface Judgement extends PickupHops, WarehouseHops {
  readonly tillToOdoo: Hop;
  readonly ordersToOdoo: Hop;
  readonly paymentsToOdoo: Hop;
  readonly refundsToOdoo: Hop;
  /** Invoices less credit notes, and what the shop kept. */
  readonly keptToOdoo: Hop;
  readonly returnsToOdoo: Hop;
  /** Credit notes and receipts of people in Odoo: what the shop paid back and took back, and what of that is registered. */
  readonly creditsToShop: Hop;
  readonly paidBackToOdoo: Hop;
  readonly takenBackToShop: Hop;
  /** Orders that people in Odoo cancelled. */
  readonly cancellationsToShop: Hop;
  readonly ordersToWarehouse: Hop;
  /** When the customer has what was ordered: shop, Odoo and warehouse. */
  readonly promisesKept: Hop;
  readonly shipmentsToOdoo: Hop;
  readonly shipmentsToShop: Hop;
  /** Goods that were ordered of vendors. */
  readonly receiptsToOdoo: Hop;
  readonly stockToShop: Hop;
  /** What the shop sells from the store. */
  readonly storeStockToShop: Hop;
  readonly pricesToShop: Hop;
  readonly marketPricesToShop: Hop;
  /** Products that people brought out in Odoo, with their variants. */
  readonly catalogueToShop: Hop;
  readonly storeSalesToOdoo: Hop;
  /** What was handed over the counter, and what came back. */
  readonly storeGoodsToOdoo: Hop;
  readonly storeReceipts: Hop;
  /** What it was told has left, or was handed over later, of what it sold. */
  readonly shipmentsToStore: Hop;
  /** What the store was told that it sells. */
  readonly catalogueToStore: Hop;
  readonly stockToStore: Hop;
  readonly pricesToStore: Hop;
  /** What its till was told when it asked. */
  readonly lookupsInStore: Hop;
  readonly customersToOdoo: Hop;
  /** Of customers what people in Odoo have the word on. */
  readonly contactsToShop: Hop;
}

export interface Ledgers {
  readonly till: readonly Sold[];
  readonly shop: ShopLedger;
  readonly books: BooksLedger;
  /** Default: there is no such store. */
  readonly store?: StoreLedger;
  /** Default: the store asked nothing. */
  readonly lookups?: Lookups;
  readonly warehouse: WarehouseLedger;
  /** What people said last of customers, by the shop's number: those themselves in the shop, and those in Odoo. Default: nothing. */
  readonly said?: Readonly<Record<'inShop' | 'inBooks', Readonly<Record<string, Said>>>>;
  /** Open Exceptions: what people are asked about is not missed. */
  readonly excepted: readonly (Excepted & { readonly message?: string })[];
  /** Words of those that people have settled. Default: none. */
  readonly settled?: readonly string[];
}

type SaleOrder = BooksLedger['sale_orders'][number];

const isWeb = ({ client_order_ref }: SaleOrder): boolean => client_order_ref?.startsWith('#') === true;

const unsaid = { inShop: {}, inBooks: {} };

const none: StoreLedger = {
  ...{ sales: [], recorded: {}, levels: {}, prices: {} },
  ...{ products: null, unknown: [], jobs: [], handovers: [], told: [] },
};

/** Compares every system's own books with its neighbours', line by line and to the cent. No figure of a hub is asked. */
export function judge(ledgers: Ledgers): Judgement {
  const {
    till,
    shop,
    store = none,
    lookups = unasked,
    books,
    warehouse,
    said = unsaid,
    excepted,
    settled = [],
  } = ledgers;
  const web = books.sale_orders.filter(isWeb);
  const asked = askedAbout(shop, web, excepted);
  const standing = standingMoney(shop, books);
  const orderOf = ordersByDelivery(books, [...web, ...books.sale_orders.filter(isOfStore)]);
  const sent = warehouse.shipments.map(({ order, ...parcel }) => ({ ...parcel, order: orderOf.get(order) ?? order }));
  return {
    tillToOdoo: tills(till, books, web, excepted),
    ordersToOdoo: orders(shop, books, web, asked),
    paymentsToOdoo: moneyMoved('payment', shop, books, standing),
    refundsToOdoo: moneyMoved('refund', shop, books),
    keptToOdoo: kept(shop, web, asked, standing),
    returnsToOdoo: returns(shop, books),
    creditsToShop: creditsInShop(shop, books),
    paidBackToOdoo: paidBackInBooks(shop, books),
    takenBackToShop: takenBackInShop(shop, books),
    cancellationsToShop: cancellationsInShop(shop, books, asked),
    ordersToWarehouse: deliveries(wantedOf(shop, store), sent, warehouse, orderOf, asked),
    promisesKept: promisesKept(shop, books, warehouse, asked),
    shipmentsToOdoo: shipmentsInBooks(books, sent, orderOf, asked),
    shipmentsToShop: shipmentsInShop(shop, store, sent, asked),
    receiptsToOdoo: receiptsInBooks(warehouse, books),
    ...judgeWarehouse({ shop, books, warehouse, excepted, settled, orderOf }),
    ...judgePickups({ shop, store, books, excepted, asked }),
    stockToShop: stockAt('in the shop', shop.levels, books),
    storeStockToShop: stockAt('in the shop for the store', shop.levelsAtStore, books, 'store'),
    pricesToShop: pricesInShop(shop, books),
    marketPricesToShop: marketPricesInShop(shop, books),
    catalogueToShop: catalogueInShop(shop, books),
    storeSalesToOdoo: storeSales(store, books),
    storeGoodsToOdoo: storeGoods(store, books),
    storeReceipts: storeReceipts(store),
    shipmentsToStore: storeShipments(store, sent),
    catalogueToStore: catalogueInStore(store, books),
    stockToStore: stockAt('in the store', store.levels, books, 'store'),
    pricesToStore: pricesAt('in the store', store.prices, books),
    lookupsInStore: lookupsInStore(lookups, books),
    customersToOdoo: customersInBooks(shop, books, said.inShop),
    contactsToShop: contactsInShop(shop, books, said.inBooks),
  };
}

/** Orders that were cancelled, on either side, or changed while their parcel left, by name: the books cannot agree until somebody has decided, if somebody is asked. */
function askedAbout(shop: ShopLedger, web: readonly SaleOrder[], excepted: Ledgers['excepted']): ReadonlySet<string> {
  const gone = new Set(web.flatMap(({ state, client_order_ref: name }) => (state === 'cancel' ? [name] : [])));
  const mayDiffer = shop.orders.filter(({ cancelled, edited, name }) => cancelled || edited || gone.has(name));
  const isAsked = ({ name }: (typeof mayDiffer)[number]): boolean =>
    excepted.some(({ message = '' }) => new RegExp(`${name}(?!\\d)`).test(message));
  return new Set(mayDiffer.filter(isAsked).map(({ name }) => name));
}

/** Ends of the memos of money in Odoo: the shop's own ids. */
const memosOf = (kind: 'payment' | 'refund'): RegExp => new RegExp(`${kind}-(\\d+)$`);

/**
 * What of a cancelled order's money is set against nothing in Odoo, in minor units: what a shop keeps of an order of which so much was never invoiced stands on the customer's account until somebody
 * decides on it.
 */
function standingMoney(shop: ShopLedger, { payments: held }: BooksLedger): ReadonlyMap<string, number> {
  const open = (kind: 'payment' | 'refund'): ReadonlyMap<string | undefined, number> =>
    new Map(held.map((one) => [memosOf(kind).exec(one.memo ?? '')?.[1], minorOf(one.open ?? 0)]));
  const [came, went] = [open('payment'), open('refund')];
  const sum = (ids: readonly { readonly id: string }[], of: typeof came): number =>
    ids.reduce((all, { id }) => all + (of.get(id) ?? 0), 0);
  return new Map(
    shop.orders
      .filter(({ cancelled }) => cancelled)
      .map(({ name, payments, refunds }) => [name, sum(payments, came) - sum(refunds, went)]),
  );
}

/** The till's sales are all that is neither the shop's nor the store's. */
function tills(
  sold: readonly Sold[],
  books: BooksLedger,
  web: readonly SaleOrder[],
  excepted: readonly Excepted[],
): Hop {
  const known = [...web, ...books.sale_orders.filter(isOfStore)];
  const own = new Set(known.flatMap(({ pickings }) => pickings));
  const ids = new Set(known.flatMap(({ xmlid, lines }) => [xmlid, ...lines.map((line) => line.xmlid)]));
  const others = {
    sale_orders: books.sale_orders.filter((order) => !known.includes(order)),
    pickings: books.pickings.filter(
      (picking) => !own.has(picking.id) && !orderOfReturn(picking) && !purchaseOf(picking),
    ),
    writes: books.writes.filter(({ xmlid }) => !ids.has(xmlid)),
  };
  const { lost, duplicated, outOfOrder, wrong }: Verdict = verifyDaySales(sold, others, excepted);
  return { compared: sold.length, lost, duplicated, outOfOrder, differences: 0, wrong };
}

function orders(shop: ShopLedger, books: BooksLedger, web: readonly SaleOrder[], asked: ReadonlySet<string>): Hop {
  const tally = new Tally();
  const held = Map.groupBy(web, ({ client_order_ref }) => client_order_ref!);
  let [there, here] = [0, 0];
  for (const sold of shop.orders) {
    tally.compared += 1;
    const [order, ...more] = held.get(sold.name) ?? [];
    if (more.length > 0) tally.extra(`${sold.name}: ${more.length + 1} sale orders`, more.length);
    const state = sold.cancelled ? ['cancel'] : ['sale', 'done'];
    if (!order) tally.miss(`${sold.name}: no sale order`);
    else if (!state.includes(order.state) && !asked.has(sold.name))
      tally.miss(`${sold.name}: ${sold.cancelled ? 'cancelled in the shop, ' : ''}${order.state} in Odoo`);
    if (sold.cancelled || asked.has(sold.name)) continue;
    there += sold.total;
    here += order ? minorOf(order.amount_total) : 0;
    if (!order) continue;
    if (minorOf(order.amount_total) !== sold.total)
      tally.differ(`${sold.name}: ${text(sold.total)} in the shop, ${order.amount_total} in Odoo`);
    lines(tally, sold, order);
  }
  const names = new Set(shop.orders.map(({ name }) => name));
  for (const [name, found] of held) if (!names.has(name)) tally.extra(`${name}: nobody ordered it`, found.length);
  const ids = new Set(web.flatMap(({ xmlid, lines }) => [xmlid, ...lines.map((line) => line.xmlid)]));
  const back = valuesThatWentBack(books.writes.filter(({ xmlid }) => ids.has(xmlid)));
  tally.outOfOrder = back.length;
  tally.wrong.push(...back);
  return { ...tally.hop, ...moneyOf(there, here) };
}

/** Each line with what was taken off it; Odoo's external ids end in the shop's own. */
function lines(tally: Tally, sold: ShopLedger['orders'][number], order: SaleOrder): void {
  for (const { id, sku, quantity, net } of sold.lines) {
    const own = order.lines.filter(({ xmlid }) => xmlid?.endsWith(`-${id}`));
    const off = order.lines.filter(({ xmlid }) => xmlid?.includes(`-${id}_2d_discount`));
    // Not Odoo's own total of a line, which rounds net and tax apart; the order's total is compared whole.
    const worth = minorOf(
      [...own, ...off].reduce((sum, line) => sum + line.quantity * line.price_unit * (1 - line.discount / 100), 0),
    );
    if (own.length === 0) tally.miss(`${sold.name}: ${quantity} × ${sku} is not in Odoo`);
    else if (own.length > 1) tally.extra(`${sold.name}: ${sku} is ${own.length} times in Odoo`);
    else if (own[0]!.default_code !== sku || own[0]!.quantity !== quantity || worth !== net)
      tally.miss(
        `${sold.name}: ${quantity} × ${sku} for ${text(net)}, in Odoo ${own[0]!.quantity} × ${own[0]!.default_code} for ${text(worth)}`,
      );
  }
}

/** Money that came in or went back stands in Odoo under a memo that ends in the shop's own id. */
function moneyMoved(
  kind: 'payment' | 'refund',
  shop: ShopLedger,
  { payments: held }: BooksLedger,
  standing: ReadonlyMap<string, number> = new Map(),
): Hop {
  const sent = shop.orders.flatMap((order) => order[`${kind}s`]);
  const alone = new Set(
    shop.orders
      .filter(({ name }) => (standing.get(name) ?? 0) > 0)
      .flatMap((order) => order[`${kind}s`].map(({ id }) => id)),
  );
  const own = held.flatMap((one) => {
    const id = memosOf(kind).exec(one.memo ?? '')?.[1];
    return id === undefined ? [] : [{ ...one, memo: id, reconciled: one.reconciled || alone.has(id) }];
  });
  const { lost, doubled, wrong, words } = verifyPayments(sent, own);
  const there = sent.reduce((sum, { amount }) => sum + amount, 0);
  const here = own.reduce((sum, { amount }) => sum + minorOf(amount), 0);
  return {
    compared: sent.length,
    lost: lost + wrong,
    duplicated: doubled,
    outOfOrder: 0,
    differences: 0,
    ...moneyOf(there, here),
    wrong: words,
  };
}

/** What the shop kept of each order is what stands on its invoices, less its credit notes, and of a cancelled one on the customer's account. */
function kept(
  shop: ShopLedger,
  web: readonly SaleOrder[],
  asked: ReadonlySet<string>,
  standing: ReadonlyMap<string, number>,
): Hop {
  const tally = new Tally();
  const held = Map.groupBy(web, ({ client_order_ref }) => client_order_ref!);
  let [there, here] = [0, 0];
  for (const { name, edited, kept: own } of shop.orders) {
    if (edited && asked.has(name)) continue;
    const booked = (held.get(name) ?? []).reduce(
      (sum, one) => sum + minorOf(one.invoiced) - minorOf(one.credited),
      Math.max(0, standing.get(name) ?? 0),
    );
    tally.compared += 1;
    there += own;
    here += booked;
    if (booked !== own)
      tally.differ(`${name}: the shop kept ${text(own)}, Odoo's invoices less credit notes come to ${text(booked)}`);
  }
  return { ...tally.hop, ...moneyOf(there, here) };
}

type Picking = BooksLedger['pickings'][number];

/** The order that a receipt of goods sent back belongs to; the shop calls them `#1001-R1`. */
const orderOfReturn = ({ origin }: Picking): string | undefined => /^(#.+)-R\d+/.exec(origin ?? '')?.[1];

/** The hub's own are not tied to the delivery where Odoo does not let it. */
const isReturn = (picking: Picking): boolean => picking.return_of !== null || orderOfReturn(picking) !== undefined;

/** What customers sent back and the shop put on the shelf has come back in Odoo, once. */
function returns(shop: ShopLedger, { pickings }: BooksLedger): Hop {
  const tally = new Tally();
  const back = Map.groupBy(pickings, orderOfReturn);
  for (const { name, returned } of shop.orders) {
    const held: Record<string, number> = {};
    for (const picking of back.get(name) ?? [])
      for (const [sku, count] of Object.entries(unitsOf(picking))) addUnits(held, sku, count);
    tally.compared += Object.keys(returned).length;
    for (const sku of new Set([...Object.keys(returned), ...Object.keys(held)])) {
      const more = (held[sku] ?? 0) - (returned[sku] ?? 0);
      const words = `${name}: ${returned[sku] ?? 0} × ${sku} came back, in Odoo ${held[sku] ?? 0}`;
      if (more > 0) tally.extra(words);
      if (more < 0) tally.miss(words);
    }
  }
  return tally.hop;
}

/** Number of a delivery in Odoo, backorders included, → the shop's order, or the store's sale. */
function ordersByDelivery({ pickings }: BooksLedger, sold: readonly SaleOrder[]): Map<string, string> {
  const names = new Map(pickings.map(({ id, name }) => [id, name]));
  return new Map(
    sold.flatMap((order) => order.pickings.map((id) => [names.get(id)!, order.client_order_ref!] as const)),
  );
}

interface Wanted {
  readonly name: string;
  readonly units: Units;
}

/** What the warehouse is to ship of each order of the shop, and of each sale of the store that it ships. */
function wantedOf({ orders: sold }: ShopLedger, store: StoreLedger): Wanted[] {
  const ofShop = sold.map(({ name, cancelled, lines: ordered, atStore }) => {
    const units: Record<string, number> = {};
    for (const { sku, quantity } of cancelled ? [] : ordered) addUnits(units, sku, quantity);
    for (const part of cancelled ? [] : [atStore.collect, atStore.ship])
      for (const [sku, count] of Object.entries(part)) addUnits(units, sku, -count);
    return { name, units };
  });
  return [...ofShop, ...laterAt('central', store)];
}

/** What was ordered and not cancelled has left the warehouse, all of it and once, but for what it said that it has not. */
function deliveries(
  ordered: readonly Wanted[],
  sent: readonly Held[],
  { short = [] }: WarehouseLedger,
  orderOf: ReadonlyMap<string, string>,
  asked: ReadonlySet<string>,
): Hop {
  const tally = new Tally();
  const left = Map.groupBy(sent, ({ order }) => order);
  const missing = Map.groupBy(short, ({ order }) => orderOf.get(order) ?? order);
  for (const { name, units: wanted } of ordered) {
    tally.compared += 1;
    if (asked.has(name)) continue;
    const gone: Record<string, number> = {};
    for (const { units } of left.get(name) ?? [])
      for (const [sku, count] of Object.entries(units)) addUnits(gone, sku, count);
    for (const sku of new Set([...Object.keys(wanted), ...Object.keys(gone)])) {
      const more = (gone[sku] ?? 0) - (wanted[sku] ?? 0);
      const words = `${name}: ${gone[sku] ?? 0} of ${wanted[sku] ?? 0} × ${sku} left the warehouse`;
      const lacking = (missing.get(name) ?? []).reduce((sum, { units }) => sum + (units[sku] ?? 0), 0);
      if (more > 0) tally.extra(words);
      if (more + lacking < 0) tally.miss(words);
    }
  }
  for (const [name] of left)
    if (!ordered.some((order) => order.name === name)) tally.extra(`${name}: left, and nobody ordered it`);
  return tally.hop;
}

function shipmentsInBooks(
  books: BooksLedger,
  sent: readonly Held[],
  orderOf: ReadonlyMap<string, string>,
  asked: ReadonlySet<string>,
): Hop {
  const held = books.pickings
    .filter((one) => orderOf.has(one.name) && one.state === 'done' && !isReturn(one) && !isOfStoreRoom(one))
    .map((picking) => ({
      order: orderOf.get(picking.name)!,
      tracking: picking.tracking ?? '',
      units: unitsOf(picking),
    }));
  return compareShipments(sent, held, 'done in Odoo', asked);
}

/** What the store sold is nothing to the shop. */
function shipmentsInShop(shop: ShopLedger, store: StoreLedger, sent: readonly Held[], asked: ReadonlySet<string>): Hop {
  const own = new Set(store.sales.map(({ number }) => number));
  const held = shop.orders.flatMap(({ name, fulfilments }) =>
    fulfilments.filter(({ atStore }) => !atStore).map((one) => ({ ...one, order: name })),
  );
  const said = sent.filter(({ order }) => !own.has(order));
  return compareShipments(said, held, 'fulfilled in the shop', asked);
}

/** All hops together. */
export function verdictOf(judgement: Judgement) {
  const hops = Object.values(judgement) as Hop[];
  const sum = (field: 'lost' | 'duplicated' | 'outOfOrder' | 'differences'): number =>
    hops.reduce((all, hop) => all + hop[field], 0);
  return {
    lost: sum('lost'),
    duplicated: sum('duplicated'),
    outOfOrder: sum('outOfOrder'),
    differences: sum('differences'),
    wrong: hops.flatMap(({ wrong }) => wrong),
  };
}
