import type { RestStore } from '../rest-store.ts';
import type { Order } from '../shopify/records.ts';
import type { Shop } from '../shopify/shop.ts';
import { netOf, totalOf } from '../shopify/sums.ts';
import type { OdooLedger } from '../verify.ts';
import type { HeldPayment } from '../verify-payments.ts';
import type { Warehouse } from '../warehouse/index.ts';
import { marketPricesOf } from './market.ts';
import { type Place, storeOf } from './places.ts';
import { promiseOf } from './promises.ts';
import { type Handover, handoversOf, type Job, jobsOf } from './store-jobs.ts';

/** What the shop sold, by its own books. Amounts in minor units, tax within. */
export interface ShopLedger {
  readonly orders: readonly {
    readonly name: string;
    readonly cancelled: boolean;
    /** Not by its customer: somebody told the shop. */
    readonly toldToCancel: boolean;
    /** Changed after it was placed. */
    readonly edited: boolean;
    /** Of what is still ordered. */
    readonly total: number;
    /** Paid and not given back. */
    readonly kept: number;
    readonly lines: readonly {
      readonly id: string;
      readonly sku: string;
      readonly quantity: number;
      readonly net: number;
    }[];
    readonly payments: readonly { readonly id: string; readonly amount: number }[];
    /** Money that the shop gave back of its own accord. */
    readonly refunds: readonly { readonly id: string; readonly amount: number }[];
    /** What came back by its own returns and is for sale again. */
    readonly returned: Units;
    /** Money that it gave back because somebody told it to, and goods that it was told have come back; `note`: of whom and for what. */
    readonly paidBack: readonly { readonly note: string; readonly amount: number }[];
    readonly takenBack: readonly { readonly note: string; readonly units: Units }[];
    readonly fulfilments: readonly { readonly tracking: string; readonly units: Units; readonly atStore: boolean }[];
    /** `YYYY-MM-DD HH:MM:SS`: when checkout said that it comes, and what the shop was told since; null where nothing. */
    readonly promised: { readonly checkout: string | null; readonly told: string | null };
    /** What of it the store is to hand over or to send, and how often the customer was told that it can be collected. */
    readonly atStore: { readonly collect: Units; readonly ship: Units; readonly told: number };
  }[];
  /** Who has an account; `phone` in E.164. */
  readonly customers: readonly {
    readonly number: string;
    readonly name: string;
    readonly email: string | null;
    readonly phone: string | null;
    readonly country: string | null;
  }[];
  /** What it says it can sell from the warehouse, and from the store, by SKU. */
  readonly levels: Units;
  readonly levelsAtStore: Units;
  /** What it charges, by SKU; and in its market abroad, in minor units of the currency there. */
  readonly prices: Units;
  readonly marketPrices: Units;
  /** What it shows. */
  readonly products: readonly {
    readonly title: string;
    readonly description: string;
    readonly variants: readonly { readonly sku: string; readonly values: readonly string[] }[];
  }[];
}

/** What a store sold, by its till's own books, each sale as it was corrected last. Amounts in minor units, tax within. */
export interface StoreLedger {
  readonly sales: readonly {
    readonly id: string;
    readonly number: string;
    readonly total: number;
    /** How the customer gets it, and from where; null: over the counter. */
    readonly later: { readonly method: 'collect' | 'ship'; readonly place: Place } | null;
    readonly lines: readonly {
      readonly id: string;
      readonly sku: string;
      /** Negative: it came back. */
      readonly quantity: number;
      readonly total: number;
    }[];
  }[];
  /** What it was told last of its sales, by id. */
  readonly recorded: Readonly<Record<string, string>>;
  /** What it was told that it may sell, and for how much, by SKU. */
  readonly levels: Units;
  readonly prices: Units;
  /** What it was told that it sells; null: it has products of its own. */
  readonly products:
    | readonly {
        readonly title: string;
        readonly description: string;
        readonly sold: boolean;
        readonly variants: readonly { readonly sku: string; readonly values: readonly string[] }[];
      }[]
    | null;
  /** Codes that it was told a level or a price of before it was told of the product. */
  readonly unknown: readonly string[];
  /** What it was asked to hand over or to send, and what it did. */
  readonly jobs: readonly Job[];
  readonly handovers: readonly Handover[];
  /** What it was told has left or was handed over of what it sold, by the sale's number. */
  readonly told: readonly Held[];
}

/** A shipment as one side holds it. */
export interface Held {
  readonly order: string;
  readonly tracking: string;
  readonly units: Units;
}

export type Units = Readonly<Record<string, number>>;

/** What left the warehouse, and what it received, by its own books. */
export interface WarehouseLedger {
  readonly shipments: readonly {
    readonly number: string;
    /** Number of the delivery, as Odoo calls it. */
    readonly order: string;
    readonly tracking: string;
    readonly units: Units;
  }[];
  readonly received: readonly { readonly reference: string; readonly units: Units }[];
  /** Until when it is to ship, by the delivery's number: YYYYMMDD, as it was told last. */
  readonly promised: Readonly<Record<string, string | null>>;
  /** What of a delivery was not there and will not come. Default: nothing. */
  readonly short?: readonly { readonly order: string; readonly units: Units }[];
  /** Control numbers of what it has acknowledged. Default: nothing. */
  readonly heard?: readonly string[];
  /** Numbers of shipments that it told of by mistake. Default: none. */
  readonly strays?: readonly string[];
  /** What was on its shelves at the last count. Default: it counts nothing. */
  readonly counted?: Units;
}

/** What is read of `GET {admin}/ledger` beyond what day sales need. */
export interface BooksLedger extends OdooLedger {
  readonly sale_orders: readonly (Omit<OdooLedger['sale_orders'][number], 'lines'> & {
    readonly amount_total: number;
    /** `YYYY-MM-DD HH:MM:SS`, or null. */
    readonly promised: string | null;
    /** On posted invoices, and on posted credit notes. */
    readonly invoiced: number;
    readonly credited: number;
    readonly pickings: readonly number[];
    readonly lines: readonly {
      readonly xmlid: string | null;
      readonly default_code: string | null;
      readonly quantity: number;
      readonly price_unit: number;
      readonly discount: number;
    }[];
  })[];
  readonly pickings: readonly (OdooLedger['pickings'][number] & {
    readonly id: number;
    readonly name: string;
    readonly tracking: string | null;
    /** Number of the delivery that it brings back. */
    readonly return_of: string | null;
  })[];
  readonly quants: readonly {
    readonly default_code: string | null;
    readonly location: string | null;
    readonly quantity: number;
    readonly reserved: number;
  }[];
  readonly payments: readonly HeldPayment[];
  /** Those of customers; `order`: the reference of what it is for. */
  readonly credit_notes: readonly {
    readonly id: number;
    readonly name: string | null;
    /** Null: people made it. */
    readonly xmlid: string | null;
    readonly state: string;
    readonly total: number;
    readonly residual: number;
    readonly order: string | null;
  }[];
  /** Those that have a reference. */
  readonly partners: readonly {
    readonly xmlid: string | null;
    readonly ref: string;
    readonly name: string;
    readonly email: string | null;
    readonly phone: string | null;
    readonly country: string | null;
  }[];
  readonly products: readonly {
    readonly name: string;
    readonly description: string | null;
    readonly sold: boolean;
    readonly variants: readonly { readonly default_code: string | null; readonly values: readonly string[] }[];
  }[];
  /** Fixed prices, as amounts. */
  readonly prices: readonly {
    readonly list: string | null;
    readonly default_code: string | null;
    readonly amount: number;
  }[];
  /** What was free in each location and what each rule of a price list said, since its record was written so until it was written again. */
  readonly figures: {
    readonly free: readonly (Figure & { readonly location: string | null; readonly free: number })[];
    readonly prices: readonly (Figure & { readonly list: string | null; readonly amount: number | null })[];
  };
}

interface Figure {
  readonly commit: number;
  readonly at: string;
  readonly id: number;
  readonly default_code: string | null;
}

/** Orders of the store have numbers of their own. */
export const isOfStore = ({ client_order_ref: number }: BooksLedger['sale_orders'][number]): boolean =>
  number?.startsWith('R-') === true;

/** The shop's own number of a record. */
export const tail = (gid: string): string => gid.slice(gid.lastIndexOf('/') + 1);

export const addUnits = (all: Record<string, number>, sku: string, units: number): void => {
  all[sku] = (all[sku] ?? 0) + units;
};

/** What others told the shop to do bears their mark. */
const isTold = (note: string | null | undefined): note is string => note?.includes('(crossdock ') === true;

const noteOf = ({ lines }: Order['returns'][number]): string | undefined => lines[0]?.note;

/** What came back by these returns and was put on the shelf. */
function restockedBy({ refunds, lines }: Order, returns: Order['returns']): Units {
  const units: Record<string, number> = {};
  const own = refunds.filter(({ returnId }) => returns.some(({ id }) => id === returnId));
  for (const { lineId, quantity, restockType } of own.flatMap((refund) => refund.lines))
    if (restockType === 'RETURN') addUnits(units, lines.find(({ id }) => id === lineId)!.sku!, quantity);
  return units;
}

/** What was taken off: by edits, and before it was shipped, unless all of the order was cancelled. */
const takenOff = ({ refunds, cancelledAt }: Order) =>
  refunds
    .filter(({ returnId }) => returnId === null)
    .flatMap(({ lines, transactions }) =>
      lines.filter(
        ({ restockType }) => transactions.length === 0 || (restockType === 'CANCEL' && cancelledAt === null),
      ),
    );

const moved = ({ transactions }: Order, kind: 'SALE' | 'REFUND'): number =>
  transactions
    .filter((one) => one.kind === kind && one.status === 'SUCCESS')
    .reduce((sum, { amount }) => sum + Number(amount.shop), 0);

const moneyIn = ({ transactions }: Order['refunds'][number]): number =>
  transactions.reduce((sum, { amount }) => sum + Number(amount.shop), 0);

/** Units that the store is to hand over or to send, as they are ordered now. */
function atStoreOf({ fulfillmentOrders }: Order, store: string | undefined, lines: readonly Line[]) {
  const units = { collect: {} as Record<string, number>, ship: {} as Record<string, number> };
  const own = fulfillmentOrders.filter(({ locationId }) => locationId === store);
  for (const { method, lines: parts } of own)
    for (const { lineId } of parts) {
      const { sku, quantity } = lines.find(({ id }) => id === tail(lineId))!;
      if (quantity > 0) addUnits(units[method === 'PICK_UP' ? 'collect' : 'ship'], sku, quantity);
    }
  return { ...units, told: own.flatMap(({ noticed }) => noticed ?? []).length };
}

type Line = ShopLedger['orders'][number]['lines'][number];

function soldOf(order: Order, store: string | undefined): ShopLedger['orders'][number] {
  const off = takenOff(order);
  const taxed = ({ subtotal, tax }: (typeof off)[number]): number =>
    Number(subtotal.shop + (order.taxesIncluded ? 0n : tax.shop));
  const offLine = (id: string) => off.filter(({ lineId }) => lineId === id);
  const line = (id: string) => order.lines.find((one) => one.id === id)!;
  const lines = order.lines.map((one) => ({
    id: tail(one.id),
    sku: one.sku!,
    quantity: one.quantity - offLine(one.id).reduce((sum, { quantity }) => sum + quantity, 0),
    net: Number(netOf(one).shop) - offLine(one.id).reduce((sum, { subtotal }) => sum + Number(subtotal.shop), 0),
  }));
  return {
    name: order.name,
    cancelled: order.cancelledAt !== null,
    toldToCancel: order.cancelledAt !== null && order.cancelReason !== 'CUSTOMER',
    edited: order.edited || off.length > 0,
    total: Number(totalOf(order).shop) - off.reduce((sum, one) => sum + taxed(one), 0),
    kept: moved(order, 'SALE') - moved(order, 'REFUND'),
    lines,
    payments: order.transactions
      .filter(({ kind, status }) => kind === 'SALE' && status === 'SUCCESS')
      .map(({ id, amount }) => ({ id: tail(id), amount: Number(amount.shop) })),
    refunds: order.refunds
      .filter((one) => !isTold(one.note) && moneyIn(one) > 0)
      .map((one) => ({ id: tail(one.id), amount: moneyIn(one) })),
    returned: restockedBy(
      order,
      order.returns.filter((one) => !isTold(noteOf(one))),
    ),
    paidBack: order.refunds.flatMap((one) => (isTold(one.note) ? [{ note: one.note, amount: moneyIn(one) }] : [])),
    takenBack: order.returns.flatMap((one) => {
      const note = noteOf(one);
      return isTold(note) && one.status === 'CLOSED' ? [{ note, units: restockedBy(order, [one]) }] : [];
    }),
    fulfilments: order.fulfillments.map(({ tracking, lines: parts, locationId }) => {
      const units: Record<string, number> = {};
      for (const { lineId, quantity } of parts) addUnits(units, line(lineId).sku!, quantity);
      const numbers = tracking.flatMap(({ number }) => number ?? []).join(', ');
      return { tracking: numbers, units, atStore: store !== undefined && locationId === store };
    }),
    promised: promiseOf(order),
    atStore: atStoreOf(order, store, lines),
  };
}

export function shopLedger(shop: Shop): ShopLedger {
  const store = storeOf(shop)?.id;
  const [levels, levelsAtStore]: Record<string, number>[] = [{}, {}];
  for (const { inventoryItemId, locationId, available } of shop.levels.values()) {
    const variant = shop.variantOf(inventoryItemId);
    if (variant) addUnits((locationId === store ? levelsAtStore : levels)!, variant.sku!, available);
  }
  return {
    orders: [...shop.orders.values()].map((order) => soldOf(order, store)),
    customers: [...shop.customers.values()].map(({ id, firstName, lastName, email, phone, address }) => ({
      number: tail(id),
      name: [firstName, lastName].filter(Boolean).join(' '),
      email,
      phone,
      country: address?.countryCodeV2 ?? null,
    })),
    levels: levels!,
    levelsAtStore: levelsAtStore!,
    prices: Object.fromEntries([...shop.variants.values()].map(({ sku, price }) => [sku!, Number(price)])),
    marketPrices: marketPricesOf(shop),
    products: [...shop.products.values()].map(({ title, descriptionHtml, variants }) => ({
      title,
      description: descriptionHtml,
      variants: variants.map(({ sku, options }) => ({ sku: sku!, values: options })),
    })),
  };
}

const figuresOf = (figures: RestStore['levels'], prefix: string): Units =>
  Object.fromEntries(
    [...figures]
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, { value }]) => [key.slice(prefix.length), Number(value)]),
  );

/** Milestones of goods that are not here any more. */
const HAVE_LEFT = ['shipped', 'collected', 'delivered'];

/** `place` and `list`: the store's code of its place, and the price list that it sells by. */
export function storeLedger(
  store: Pick<
    RestStore,
    'sales' | 'recorded' | 'levels' | 'prices' | 'assortment' | 'unknown' | 'counter' | 'shipments'
  >,
  place: string,
  list: string,
): StoreLedger {
  const { sales, recorded, levels, prices, assortment, unknown, counter, shipments } = store;
  const latest = new Map([...sales].sort((a, b) => a.revision - b.revision).map((sale) => [sale.id, sale]));
  const told = [...recorded.values()].sort((a, b) => a.version - b.version);
  return {
    sales: [...latest.values()].map(({ id, number, total, lines, delivery }) => ({
      id,
      number,
      total,
      later: delivery
        ? { method: delivery.method, place: delivery.location === undefined ? 'store' : 'central' }
        : null,
      lines: lines.map((line) => ({ ...line, quantity: Number(line.quantity) })),
    })),
    recorded: Object.fromEntries(told.map(({ sale, status }) => [sale, status])),
    levels: figuresOf(levels, `${place}/`),
    prices: figuresOf(prices, `${list}/`),
    products: [...assortment.products.values()],
    unknown: [...unknown],
    jobs: jobsOf(counter),
    handovers: handoversOf(counter),
    told: [...shipments.values()].flatMap(({ value: { number, milestone, tracking, lines } }) => {
      if (!HAVE_LEFT.includes(milestone)) return [];
      const units: Record<string, number> = {};
      for (const { sku, quantity } of lines) addUnits(units, sku, Number(quantity));
      return [{ order: number, tracking: tracking.map((one) => one.number).join(', '), units }];
    }),
  };
}

export const warehouseLedger = ({
  left,
  cameIn,
  orders,
  short,
  heard,
  strays = [],
  lastCount = {},
}: Pick<Warehouse, 'left'> &
  Partial<Pick<Warehouse, 'cameIn' | 'orders' | 'short' | 'heard' | 'strays' | 'lastCount'>>): WarehouseLedger => ({
  promised: Object.fromEntries([...(orders ?? [])].map(([number, { promised }]) => [number, promised])),
  received: [...(cameIn?.values() ?? [])],
  short: [...(short ?? [])].map(([order, units]) => ({ order, units })),
  heard: [...(heard ?? [])],
  strays,
  counted: lastCount,
  shipments: [...left]
    .map(([number, { order, tracking, units }]) => ({ number, order, tracking, units }))
    .filter(({ units }) => Object.keys(units).length > 0),
});
