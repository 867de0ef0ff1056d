import { laterAt } from './judge-store.ts';
import type { BooksLedger, ShopLedger, StoreLedger, Units } from './ledgers.ts';
import { compareShipments, handedOver, unitsOf } from './parcels.ts';
import { places } from './places.ts';
import type { Job } from './store-jobs.ts';
import { type Hop, Tally } from './tally.ts';

/** What customers of the shop, or of the store itself, collect at the store, or get sent from it. */
export interface PickupHops {
  /** Each part of an order that is the store's: how, and of what how many. */
  readonly ordersToStore: Hop;
  readonly handoversToOdoo: Hop;
  readonly handoversToShop: Hop;
  /** Customers were told, once, that their goods can be collected. */
  readonly noticesToShop: Hop;
  /** People are asked about what nobody collected, and about nothing else. */
  readonly uncollectedToPeople: Hop;
}

interface Sides {
  readonly shop: ShopLedger;
  readonly store: StoreLedger;
  readonly books: BooksLedger;
  readonly excepted: readonly { readonly message?: string }[];
  /** Orders that people are asked about already, by name. */
  readonly asked: ReadonlySet<string>;
}

/** Whether a transfer of Odoo, by its number, is the store's. */
export const isOfStoreRoom = ({ name }: { readonly name: string }): boolean => name.startsWith(`${places.store.code}/`);

export const judgePickups = (sides: Sides): PickupHops => ({
  ordersToStore: ordersToStore(sides),
  handoversToOdoo: handoversInBooks(sides),
  handoversToShop: handoversInShop(sides),
  noticesToShop: notices(sides),
  uncollectedToPeople: uncollected(sides),
});

const wordsOf = (method: string): string => (method === 'collect' ? 'to be collected' : 'to be sent');

/** Who never heard of a part need not hear that it is cancelled. */
function ordersToStore({ shop, store, asked }: Sides): Hop {
  const tally = new Tally();
  const held = Map.groupBy(
    store.jobs.filter(({ cancelled }) => !cancelled),
    ({ order }) => order,
  );
  const ownSales = laterAt('store', store).map(({ name, method, units }) => ({
    ...{ name, cancelled: false },
    atStore: { collect: {}, ship: {}, [method]: units },
  }));
  const ordered = [...shop.orders, ...ownSales];
  for (const { name, cancelled, atStore } of ordered) {
    const jobs = held.get(name) ?? [];
    for (const method of ['collect', 'ship'] as const) {
      const wanted = cancelled ? {} : atStore[method];
      const own = jobs.filter((job) => job.method === method);
      tally.compared += Object.keys(atStore[method]).length;
      if (!asked.has(name)) compareUnits(tally, `${name}, ${wordsOf(method)}`, wanted, own);
    }
  }
  const names = new Set(ordered.map(({ name }) => name));
  for (const { order, number } of store.jobs)
    if (!names.has(order)) tally.extra(`${number}: the store has it for ${order}, and nobody ordered it`);
  return tally.hop;
}

function compareUnits(tally: Tally, what: string, wanted: Units, jobs: readonly Job[]): void {
  const sum = (sku: string): number => jobs.reduce((all, { units }) => all + (units[sku] ?? 0), 0);
  for (const sku of new Set([...Object.keys(wanted), ...jobs.flatMap(({ units }) => Object.keys(units))])) {
    const [there, here] = [wanted[sku] ?? 0, sum(sku)];
    const words = `${what}: ${there} × ${sku}, and the store was asked for ${here}`;
    if (here > there) tally.extra(words);
    if (here < there) tally.miss(words);
  }
}

function handoversInBooks({ store, books, asked }: Sides): Hop {
  const pickings = new Map(books.pickings.map((one) => [one.id, one]));
  const own = new Set(laterAt('store', store).map(({ name }) => name));
  const held = books.sale_orders.flatMap(({ client_order_ref: order, pickings: ids }) =>
    order !== null && (order.startsWith('#') || own.has(order))
      ? ids
          .flatMap((id) => pickings.get(id) ?? [])
          .filter((one) => isOfStoreRoom(one) && one.state === 'done' && one.moves.every(leaves))
          .map((one) => handedOver({ order, tracking: one.tracking ?? '', units: unitsOf(one) }))
      : [],
  );
  return compareShipments(store.handovers.map(handedOver), held, 'done in Odoo', asked, 'handover');
}

/** What comes back to a shelf is no handover. */
const leaves = ({ to }: { readonly to: string | null }): boolean => !to?.startsWith(`${places.store.code}/`);

function handoversInShop({ shop, store, asked }: Sides): Hop {
  const held = shop.orders.flatMap(({ name, fulfilments }) =>
    fulfilments.filter(({ atStore }) => atStore).map((one) => handedOver({ ...one, order: name })),
  );
  const own = new Set(laterAt('store', store).map(({ name }) => name));
  const said = store.handovers.filter(({ order }) => !own.has(order));
  return compareShipments(said.map(handedOver), held, 'fulfilled in the shop', asked, 'handover');
}

/** A customer who came or who thought better of it meanwhile need not be told. */
function notices({ shop, store }: Sides): Hop {
  const tally = new Tally();
  const jobs = Map.groupBy(store.jobs, ({ order }) => order);
  for (const { name, cancelled, atStore } of shop.orders) {
    const own = (jobs.get(name) ?? []).filter(({ said }) => said.includes('ready'));
    if (own.length === 0 && atStore.told === 0) continue;
    tally.compared += 1;
    const waits = !cancelled && own.some((job) => !job.cancelled && !job.said.includes('collected'));
    if (atStore.told === 0 && waits) tally.miss(`${name}: nobody told the customer that it can be collected`);
    const extra = atStore.told - (own.length > 0 ? 1 : 0);
    if (extra > 0)
      tally.extra(`${name}: the customer was told ${atStore.told} times, ready ${own.length} times`, extra);
  }
  return tally.hop;
}

/** What is still there is asked about; what was fetched whole after all is not. What was asked about and is taken off the order then may be: a person ends it. */
function uncollected({ store, excepted }: Sides): Hop {
  const tally = new Tally();
  for (const job of store.jobs) {
    const taken = store.handovers.filter((one) => one.job === job.number);
    const isOver = job.said.includes(taken.length > 0 ? 'collected' : 'not-collected');
    const isShortOf = (units: Job['units']): boolean =>
      Object.entries(units).some(
        ([sku, wanted]) => taken.reduce((sum, one) => sum + (one.units[sku] ?? 0), 0) < wanted,
      );
    const isLeft = isOver && isShortOf(job.units);
    const wasLeft = isLeft || (isOver && isShortOf(job.unitsThen));
    const asked = excepted.filter(({ message = '' }) => notCollected.exec(message)?.[1] === job.number).length;
    if (!isLeft && asked === 0) continue;
    tally.compared += 1;
    if (isLeft && asked === 0)
      tally.miss(`${job.order}: nobody is asked about what was not collected of ${job.number}`);
    if (asked > (wasLeft ? 1 : 0)) tally.extra(`${job.order}: people are asked ${asked} times about ${job.number}`);
  }
  return tally.hop;
}

/** Number of what was not collected, in the words that people read. */
const notCollected = /^(?:Nobody came for|The customer did not take .+ of) fulfilment order (\S+) \(order/;
