import { type Random, systemClock } from '../../core/clock.ts';
import type { Shop } from '../shopify/index.ts';
import type { Warehouse } from '../warehouse/index.ts';
import type { AfterSales } from './after-sales.ts';
import { isBought } from './assortment.ts';
import type { BackOffice } from './back-office.ts';
import type { Cancellations } from './cancellations.ts';
import type { Contacts } from './contacts.ts';
import type { Counter } from './counter.ts';
import type { CounterQuestions } from './counter-questions.ts';
import { Customers } from './customers.ts';
import type { Launches } from './launches.ts';
import type { Market } from './market.ts';
import type { PickupDesk } from './pickup-desk.ts';
import type { Promises } from './promises.ts';
import type { Purchasing } from './purchasing.ts';
import type { Shoppers } from './shoppers.ts';
import type { Stocktaking } from './stocktaking.ts';

export interface DayParts {
  readonly shop: Shop;
  readonly office: BackOffice;
  readonly launches: Launches;
  readonly shoppers: Shoppers;
  readonly contacts: Contacts;
  readonly afterSales: AfterSales;
  readonly counter: Counter;
  readonly questions: CounterQuestions;
  readonly market: Market;
  readonly pickups: PickupDesk;
  readonly promises: Promises;
  readonly cancellations: Cancellations;
  readonly purchasing: Purchasing;
  readonly stocktaking: Stocktaking;
  readonly warehouse: Warehouse;
  readonly random: Random;
  /** Orders a second in the web shop. Default 1. */
  readonly rate?: number;
  /** Seconds for which the warehouse leaves an order lying, once. Default 0: it does not. */
  readonly silence?: number;
}

/** Longest that a stock figure is waited for, in milliseconds. */
const PATIENCE = 60_000;

/**
 * A day's work beside the hub: customers order, cancel and send back, others buy at the counter, goods come in, products are brought out, prices and names change, the
 * warehouse picks and ships. `close` sends the customers and the people in Odoo home; who ships, puts away or answers callers works on until `stop`.
 */
export class Day {
  readonly #parts: DayParts;
  readonly #customers: Customers;
  readonly #closed = new AbortController();
  readonly #stopped = new AbortController();
  /** What ends when the day closes, and what goes on until all has been shipped and put away. */
  readonly #trade: Promise<void>[];
  readonly #handling: Promise<void>[];
  /** Milliseconds from each movement in Odoo until the shop said the new figure. */
  readonly delays: number[] = [];
  /** Movements whose figure the shop never said in time. */
  unseen = 0;
  /** While true the warehouse does nothing. */
  warehouseAway = false;
  /** When the warehouse is no longer silent, in milliseconds; null: it has not been. */
  #silentUntil: number | null = null;
  cancelled = 0;

  constructor(parts: DayParts) {
    this.#parts = parts;
    this.#customers = new Customers(parts.shop, parts.shoppers, parts.random, (order) =>
      parts.cancellations.expect(order),
    );
    const closed = this.#closed.signal;
    this.#trade = [
      this.#every(1000 / (parts.rate ?? 1), closed, () => this.#customers.order()),
      this.#every(2000, closed, () => {
        this.cancelled += this.#customers.cancel();
        this.#customers.edit();
      }),
      this.#every(3000, closed, () => this.#customers.sendBack()),
      this.#every(500, closed, () => this.#parts.office.enrol()),
      this.#every(1500, closed, () => this.#goodsIn()),
      this.#every(4000, closed, () => this.#reprice()),
      this.#every(700, closed, () => this.#measure()),
      this.#every(1500 / (parts.rate ?? 1), closed, () => parts.counter.serve()),
      this.#every(1500, closed, () => parts.market.reprice()),
      this.#every(3000, closed, () => parts.launches.launch()),
      this.#every(5000, closed, () => parts.launches.revise(parts.random)),
      this.#every(6000, closed, () => parts.shoppers.signUp()),
      this.#every(2000, closed, () => parts.shoppers.change()),
      this.#every(2000, closed, () => parts.contacts.correct()),
      this.#every(2500, closed, () => parts.afterSales.serve()),
      this.#every(2000, closed, () => parts.pickups.giveUp()),
      this.#every(3000, closed, () => parts.purchasing.order()),
      this.#every(2500, closed, () => parts.promises.move()),
    ];
    this.#handling = [
      this.#every(1500, this.#stopped.signal, () => parts.questions.ask()),
      this.#every(1000, this.#stopped.signal, () => parts.cancellations.serve()),
      this.#every(1000, this.#stopped.signal, () => parts.cancellations.credit()),
      this.#every(500, this.#stopped.signal, () => parts.pickups.work(Date.now())),
      this.#every(1000, this.#stopped.signal, () => parts.office.putAway()),
      this.#every(500, this.#stopped.signal, () => this.#workInWarehouse()),
      this.#every(10_000, this.#stopped.signal, () => this.#warehouseWorks() && parts.stocktaking.count()),
    ];
  }

  async #every(ms: number, signal: AbortSignal, work: () => unknown): Promise<void> {
    for (; !signal.aborted; await systemClock.sleep(ms, signal)) await work();
  }

  /** Silent, once, from the first order that comes when it has had others. */
  #warehouseWorks(): boolean {
    const { warehouse, silence = 0 } = this.#parts;
    if (silence > 0 && this.#silentUntil === null && warehouse.orders.size > 0 && warehouse.unread)
      this.#silentUntil = Date.now() + silence * 1000;
    return !this.warehouseAway && Date.now() >= (this.#silentUntil ?? 0);
  }

  #workInWarehouse(): void {
    if (!this.#warehouseWorks()) return;
    this.#parts.purchasing.arrive(new Date());
    this.#parts.warehouse.work(new Date());
  }

  #articleOf(bought: boolean) {
    const all = this.#parts.office.offered.filter((one) => isBought(one) === bought);
    return all[Math.floor(this.#parts.random() * all.length)];
  }

  async #goodsIn(): Promise<void> {
    const article = this.#articleOf(true);
    if (!article) return;
    const more = 1 + Math.floor(this.#parts.random() * 12);
    const place = this.#parts.random() < 0.3 ? 'store' : 'central';
    await this.#parts.office.count(article.sku, (await this.#parts.office.onHand(article.sku, place)) + more, place);
  }

  async #reprice(): Promise<void> {
    const article = this.#articleOf(true);
    if (!article) return;
    await this.#parts.office.reprice(article.sku, article.price + Math.floor(this.#parts.random() * 50));
  }

  #levelOf(sku: string): number | undefined {
    const { shop } = this.#parts;
    const variant = [...shop.variants.values()].find((one) => one.sku === sku);
    const [location] = shop.locations.keys();
    return variant && shop.level(variant.inventoryItemId, location!)?.available;
  }

  /** Something that nobody buys comes in, so that its new figure can come of nothing else. */
  async #measure(): Promise<void> {
    const { office } = this.#parts;
    const article = this.#articleOf(false);
    if (!article) return;
    const figure = (await office.onHand(article.sku)) + 1;
    const began = performance.now();
    await office.count(article.sku, figure);
    while (this.#levelOf(article.sku) !== figure) {
      if (performance.now() - began > PATIENCE) {
        this.unseen += 1;
        return;
      }
      await systemClock.sleep(20);
    }
    this.delays.push(performance.now() - began);
  }

  /** The warehouse counts its shelves once more. */
  takeStock(): Promise<void> {
    return this.#parts.stocktaking.count();
  }

  /** Nobody buys any more, and no goods come in. */
  async close(): Promise<void> {
    this.#closed.abort();
    await Promise.all(this.#trade);
    this.cancelled += this.#customers.cancel();
    this.#customers.edit();
  }

  async stop(): Promise<void> {
    this.#closed.abort();
    this.#stopped.abort();
    await Promise.all([...this.#trade, ...this.#handling]);
  }
}

/** The value that so large a share does not exceed. */
export function percentile(values: readonly number[], share: number): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? null;
}
