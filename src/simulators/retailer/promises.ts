import type { Random } from '../../core/clock.ts';
import type { Order } from '../shopify/records.ts';
import type { Shop } from '../shopify/shop.ts';
import type { Desk } from './desk.ts';
import type { BooksLedger, ShopLedger, WarehouseLedger } from './ledgers.ts';
import { type Hop, Tally } from './tally.ts';

const DAY = 86_400_000;

/** `YYYY-MM-DD HH:MM:SS`, as Odoo keeps it. */
const naive = (date: Date): string => date.toISOString().slice(0, 19).replace('T', ' ');

/** When the shop says that an order comes: by its checkout, and by what it was told since. */
export function promiseOf({ fulfillmentOrders, metafields = [] }: Order): ShopLedger['orders'][number]['promised'] {
  const dates = fulfillmentOrders.flatMap(({ status, promisedAt }) =>
    status === 'CANCELLED' || promisedAt === null ? [] : [promisedAt.getTime()],
  );
  const told = metafields.find(({ namespace, key }) => namespace === 'crossdock' && key === 'promised_at');
  return {
    checkout: dates.length === 0 ? null : naive(new Date(Math.max(...dates))),
    told: told === undefined ? null : naive(new Date(told.value)),
  };
}

/** People in Odoo who agree another day with a customer, once, of orders that the hub has surely brought: they are invoiced. */
export class Promises {
  readonly #shop: Shop;
  readonly #desk: Desk;
  readonly #random: Random;
  readonly #moved = new Set<string>();

  constructor(shop: Shop, desk: Desk, random: Random) {
    this.#shop = shop;
    this.#desk = desk;
    this.#random = random;
  }

  /** Another day for one order that has not left, promised or not; nothing happens where none can be found. */
  async move(): Promise<void> {
    const open = [...this.#shop.orders.values()].filter(
      ({ id, cancelledAt, fulfillments }) => cancelledAt === null && fulfillments.length === 0 && !this.#moved.has(id),
    );
    const order = open[Math.floor(this.#random() * open.length)];
    if (!order) return;
    const domain = [
      ['client_order_ref', '=', order.name],
      ['state', '=', 'sale'],
      ['invoice_ids', '!=', false],
    ];
    const [sale] = await this.#desk.read<{ id: number; commitment_date: string | false }>('sale.order', domain, [
      'commitment_date',
    ]);
    if (!sale) return;
    this.#moved.add(order.id);
    // Somebody did on a day before, and what the warehouse has may be that.
    if ((sale.commitment_date || null) !== promiseOf(order).checkout) return;
    const day = new Date(Date.now() + (7 + Math.floor(this.#random() * 7)) * DAY);
    await this.#desk.write('sale.order', sale.id, { commitment_date: naive(day) });
  }
}

/** What a customer is told of when an order comes is what Odoo says, and what the warehouse goes by: by the day, and where it was moved while the goods left, by the first one. */
export function promisesKept(
  shop: ShopLedger,
  books: BooksLedger,
  { promised }: WarehouseLedger,
  asked: ReadonlySet<string>,
): Hop {
  const tally = new Tally();
  const names = new Map(books.pickings.map(({ id, name }) => [id, name]));
  for (const {
    name,
    cancelled,
    promised: { checkout, told },
  } of shop.orders) {
    const sale = books.sale_orders.find(({ client_order_ref: reference }) => reference === name);
    if (cancelled || asked.has(name) || !sale) continue;
    const there = told ?? checkout;
    if (there === null && sale.promised === null) continue;
    tally.compared += 1;
    if (there !== sale.promised) tally.miss(`${name}: promised for ${there} in the shop, for ${sale.promised} in Odoo`);
    const days = [sale.promised, checkout].map((time) => time?.slice(0, 10).replaceAll('-', '') ?? null);
    for (const id of sale.pickings) {
      const day = promised[names.get(id)!];
      if (day !== undefined && !days.includes(day))
        tally.miss(`${name}: promised for ${sale.promised} in Odoo, for ${day} at the warehouse`);
    }
  }
  return tally.hop;
}
