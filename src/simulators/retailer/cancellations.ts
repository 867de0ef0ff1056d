import type { Random } from '../../core/clock.ts';
import type { Order } from '../shopify/records.ts';
import type { Shop } from '../shopify/shop.ts';
import type { Desk } from './desk.ts';

/** Longest that somebody thinks before ringing up, in milliseconds: by then the order is new, or invoiced, or with the warehouse. */
const SECOND_THOUGHTS = 8000;

/** People in Odoo whom customers ring up who want nothing of their order any more. They cancel it while nothing of it has left, and credit what was paid of its invoices. */
export class Cancellations {
  readonly #shop: Shop;
  readonly #desk: Desk;
  readonly #random: Random;
  #callers: { readonly name: string; readonly at: number }[] = [];
  /** Sale orders that they have cancelled; null: nobody has looked yet what they did before. */
  #cancelled: Set<number> | null = null;
  /** Invoices that they have credited. */
  readonly #credited = new Set<number>();

  constructor(shop: Shop, desk: Desk, random: Random) {
    this.#shop = shop;
    this.#desk = desk;
    this.#random = random;
  }

  /** The customer is going to ring up about this one. */
  expect({ name }: Order): void {
    this.#callers.push({ name, at: Date.now() + this.#random() * SECOND_THOUGHTS });
  }

  /** Customers who will ring up, or whose order is not in Odoo yet. */
  get waiting(): number {
    return this.#callers.length;
  }

  /** Cancels the orders of those who have rung up by now, once they are in Odoo; of what has left in part it is too late. */
  async serve(): Promise<void> {
    const now = Date.now();
    for (const caller of this.#callers.filter(({ at }) => at <= now)) {
      const [sale] = await this.#desk.read<{ id: number; state: string; picking_ids: number[] }>(
        'sale.order',
        [
          ['client_order_ref', '=', caller.name],
          ['state', '!=', 'draft'],
        ],
        ['state', 'picking_ids'],
      );
      if (!sale) continue;
      const left = [
        ['id', 'in', sale.picking_ids],
        ['state', '=', 'done'],
      ];
      if (sale.state === 'sale' && (await this.#id('stock.picking', left)) === undefined) await this.#cancel(sale.id);
      this.#callers = this.#callers.filter((one) => one !== caller);
    }
  }

  /** Credits the whole of each invoice of what they cancelled, once it is paid. */
  async credit(): Promise<void> {
    this.#cancelled ??= await this.#cancelledBefore();
    if (this.#cancelled.size === 0) return;
    const paid = [
      ['invoice_line_ids.sale_line_ids.order_id', 'in', [...this.#cancelled]],
      ['move_type', '=', 'out_invoice'],
      ['state', '=', 'posted'],
      ['amount_residual', '=', 0],
    ];
    const fields = ['journal_id'];
    const invoices = await this.#desk.read<{ id: number; journal_id: [number, string] }>('account.move', paid, fields);
    for (const { id, journal_id: journal } of invoices.filter((one) => !this.#credited.has(one.id))) {
      await this.#reverse(id, journal[0]);
      this.#credited.add(id);
    }
  }

  /** What is cancelled in Odoo, and not because its customer cancelled it in the shop. */
  async #cancelledBefore(): Promise<Set<number>> {
    const sales = await this.#desk.read<{ id: number; client_order_ref: string | false }>(
      'sale.order',
      [['state', '=', 'cancel']],
      ['client_order_ref'],
    );
    const own = new Map([...this.#shop.orders.values()].map((order) => [order.name, order]));
    const isTheirs = (order: Order | undefined): boolean =>
      order !== undefined && (order.cancelledAt === null || order.cancelReason !== 'CUSTOMER');
    return new Set(sales.flatMap(({ id, client_order_ref: name }) => (name && isTheirs(own.get(name)) ? [id] : [])));
  }

  async #cancel(sale: number): Promise<void> {
    const cancelled = [
      ['id', '=', sale],
      ['state', '=', 'cancel'],
    ];
    await this.#desk.until(
      () => this.#id('sale.order', cancelled),
      () => this.#desk.once('sale.order', 'action_cancel', { ids: [sale] }),
    );
    this.#cancelled?.add(sale);
  }

  async #reverse(invoice: number, journal: number): Promise<void> {
    const desk = this.#desk;
    const note = await desk.until(
      () => this.#id('account.move', [['reversed_entry_id', '=', invoice]]),
      async () => {
        const context = { active_model: 'account.move', active_ids: [invoice] };
        const vals = { reason: 'cancelled', journal_id: journal };
        const [wizard] = await desk.once<number[]>('account.move.reversal', 'create', { vals_list: [vals], context });
        await desk.once('account.move.reversal', 'refund_moves', { ids: [wizard], context });
      },
    );
    const posted = [
      ['id', '=', note],
      ['state', '=', 'posted'],
    ];
    await desk.until(
      () => this.#id('account.move', posted),
      () => desk.once('account.move', 'action_post', { ids: [note] }),
    );
  }

  async #id(model: string, domain: readonly unknown[]): Promise<number | undefined> {
    return (await this.#desk.call<number[]>(model, 'search', { domain }))[0];
  }
}
