import type { RestStore } from '../rest-store.ts';
import { cancelOrder, refundOrder } from '../shopify/orders.ts';
import type { Order } from '../shopify/records.ts';
import type { Shop } from '../shopify/shop.ts';
import type { Job, Report } from '../store-counter.ts';
import { storeOf } from './places.ts';

/** Milliseconds until goods are prepared, and until their customer comes or their parcel is fetched. */
const PREPARING = 1500;
const COMING = 2500;

/** What is said of a job next: with which of its lines, and in which parcel. */
interface Step {
  readonly status: string;
  readonly after: number;
  readonly lines?: Report['lines'];
  readonly parcel?: Report['parcel'] & { readonly carrier: string };
}

/** Its place in the numbers of Odoo's transfers: what becomes of a job depends on it alone, so that it is the same after any end of the process. */
const placeOf = ({ number }: Job): number => Number(/\d+$/.exec(number)?.[0] ?? 0);

/** Of fifteen customers three do not come. */
const isForgotten = (job: Job): boolean => job.method === 'collect' && placeOf(job) % 5 === 3;
/** One of these three comes after all; of another the shop hears that it is not wanted any more. */
const comesAfterAll = (job: Job): boolean => placeOf(job) % 15 === 3;
const isGivenUp = (job: Job): boolean => placeOf(job) % 15 === 8;

const unitsOf = (lines: Report['lines'] = []): number => lines.reduce((sum, { quantity }) => sum + Number(quantity), 0);

/** The same lines, of one unit less. */
function lessOne(lines: NonNullable<Report['lines']>): NonNullable<Report['lines']> {
  const [first, ...others] = lines;
  const left = { ...first!, quantity: String(Number(first!.quantity) - 1) };
  return left.quantity === '0' ? others : [left, ...others];
}

/** What has not been handed over or sent yet. */
function restOf(job: Job, said: readonly Report[]): NonNullable<Report['lines']> {
  const gone = said.flatMap(({ lines = [] }) => lines);
  return job.lines.flatMap(({ id, quantity }) => {
    const rest = Number(quantity) - unitsOf(gone.filter((line) => line.id === id));
    return rest > 0 ? [{ id, quantity: String(rest) }] : [];
  });
}

/** What comes next, or null where nothing does. */
function nextOf(job: Job, said: readonly Report[]): Step | null {
  const rest = restOf(job, said);
  if (job.status === 'cancelled' || rest.length === 0) return null;
  const place = placeOf(job);
  const last = said.at(-1)?.status;
  if (job.method === 'ship') {
    if (said.at(-1)?.parcel?.last) return null;
    const isFirst = said.length === 0 && place % 3 === 0 && unitsOf(rest) > 1;
    const number = `${job.number}-${said.length + 1}`;
    const tracking = [`BR${number.replaceAll(/\D/g, '')}`];
    const lines = isFirst ? [{ ...rest[0]!, quantity: '1' }] : rest;
    return { status: 'shipped', after: COMING, lines, parcel: { number, carrier: 'brown', tracking, last: !isFirst } };
  }
  if (last === undefined) return { status: 'ready', after: PREPARING };
  if (last === 'ready' && isForgotten(job)) return { status: 'not-collected', after: COMING };
  if (last === 'collected' || (last === 'not-collected' && !comesAfterAll(job))) return null;
  const isLess = place % 10 === 6 && unitsOf(rest) > 1;
  return { status: 'collected', after: COMING, lines: isLess ? lessOne(rest) : rest };
}

/** The people in the store who prepare what the web shop has sold, hand it over and send it, and the customers who come for it, or not. */
export class PickupDesk {
  readonly #store: RestStore;
  readonly #shop: Shop;
  /** Where the store pushes what it says. */
  readonly #hub: string;
  /** When each job was heard of, or spoken of last, in milliseconds. */
  readonly #since = new Map<string, number>();

  constructor(store: RestStore, shop: Shop, hub: string) {
    this.#store = store;
    this.#shop = shop;
    this.#hub = hub;
  }

  #open(): { readonly job: Job; readonly next: Step }[] {
    const { jobs, reports } = this.#store.counter;
    const said = Map.groupBy(reports, ({ fulfilment }) => fulfilment);
    return [...jobs.values()].flatMap((job) => {
      const next = nextOf(job, said.get(job.number) ?? []);
      return next ? [{ job, next }] : [];
    });
  }

  /** Jobs of which there is more to say. */
  get waiting(): number {
    return this.#open().length;
  }

  /** A round: what is due is done, and said. `now` in milliseconds. */
  work(now: number): void {
    for (const { job, next } of this.#open()) {
      const since = this.#since.get(job.number) ?? now;
      this.#since.set(job.number, since);
      if (now - since < next.after) continue;
      this.#since.set(job.number, now);
      const { status, lines, parcel } = next;
      const more = { ...(lines ? { lines } : {}), ...(parcel ? { parcel } : {}) };
      // A push that never arrives is no loss: reports are listed too.
      this.#store.report(job.number, status, more, this.#hub).catch(() => undefined);
    }
  }

  /** What nobody came for and nobody wants is cancelled in the shop, and its money goes back: the order, or where another part of it has left, this part. */
  giveUp(): void {
    const { jobs, reports } = this.#store.counter;
    const waiting = new Set(reports.flatMap((one) => (one.status === 'not-collected' ? [one.fulfilment] : [])));
    for (const job of jobs.values()) if (isGivenUp(job) && waiting.has(job.number)) this.#cancel(job.order);
  }

  #cancel(name: string): void {
    const order = [...this.#shop.orders.values()].find((one) => one.name === name);
    const store = storeOf(this.#shop)?.id;
    const part = order?.fulfillmentOrders.find(({ locationId, status }) => locationId === store && status === 'OPEN');
    if (!order || !part || order.cancelledAt !== null) return;
    if (order.fulfillmentOrders.length === 1) cancelOrder(this.#shop, order);
    else this.#takeOff(order, part);
  }

  #takeOff(order: Order, part: Order['fulfillmentOrders'][number]): void {
    const lines = part.lines
      .filter(({ remaining }) => remaining > 0)
      .map(({ lineId, remaining }) => ({ lineId, quantity: remaining, restockType: 'CANCEL' as const }));
    const isPaid = order.transactions.some(({ kind }) => kind === 'SALE');
    refundOrder(this.#shop, order, lines, isPaid ? {} : { money: 0n });
  }
}
