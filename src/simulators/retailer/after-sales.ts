import type { Random } from '../../core/clock.ts';
import type { Order } from '../shopify/records.ts';
import type { Shop } from '../shopify/shop.ts';
import type { Desk } from './desk.ts';

const pick = <T>(random: Random, all: readonly T[]): T => all[Math.floor(random() * all.length)]!;

/** Every second customer rings up where something is wrong; the others go by the shop's own page. So nobody asks for the same money twice. */
export const ringsUp = ({ name }: Order): boolean => Number(name.slice(1)) % 2 === 0;

/** What they ring up about, one after the other: a piece comes back for another one, is credited as it comes back, is credited and stays, or was too dear. */
const wishes = ['exchange', 'return', 'broken', 'price'] as const;

/** A delivered and paid order as people in Odoo see it. */
interface Sale {
  readonly invoices: readonly { readonly id: number; readonly journal: number }[];
  readonly picking: number;
}

interface CreditLine {
  readonly id: number;
  readonly product_id: [number, string] | false;
  readonly quantity: number;
  readonly price_unit: number;
}

/** People in Odoo who credit what was invoiced and take back what was delivered. Whoever did something sees it before trying again, so that a lost answer does nothing twice. */
export class AfterSales {
  readonly #shop: Shop;
  readonly #desk: Desk;
  readonly #random: Random;
  readonly #served = new Set<string>();

  constructor(shop: Shop, desk: Desk, random: Random) {
    this.#shop = shop;
    this.#desk = desk;
    this.#random = random;
  }

  /** One customer rings up about what was delivered. Returns whether anybody did. */
  async serve(): Promise<boolean> {
    const orders = [...this.#shop.orders.values()].filter((order) => !this.#served.has(order.id) && isDelivered(order));
    if (orders.length === 0) return false;
    const order = pick(this.#random, orders);
    const sale = await this.#saleOf(order);
    if (!sale) return false;
    this.#served.add(order.id);
    await this.#settle(sale, wishes[this.#served.size % wishes.length]!);
    return true;
  }

  async #settle(sale: Sale, wish: (typeof wishes)[number]): Promise<void> {
    if (wish === 'exchange') await this.#takeBack(sale.picking);
    else if (wish === 'return') await this.#credit(sale, { share: 1, product: await this.#takeBack(sale.picking) });
    else await this.#credit(sale, { share: wish === 'broken' ? 1 : 0.1 });
  }

  /** Null where it is not delivered and paid here too, or something went back already. */
  async #saleOf({ name }: Order): Promise<Sale | null> {
    const desk = this.#desk;
    const [sale] = await desk.read<{ invoice_ids: number[]; picking_ids: number[] }>(
      'sale.order',
      [
        ['client_order_ref', '=', name],
        ['state', '=', 'sale'],
      ],
      ['invoice_ids', 'picking_ids'],
    );
    if (!sale) return null;
    const { invoice_ids: invoices, picking_ids: pickings } = sale;
    const related = ['|', ['id', 'in', invoices], ['reversed_entry_id', 'in', invoices]];
    const moves = await desk.read<{
      id: number;
      move_type: string;
      state: string;
      amount_residual: number;
      journal_id: [number, string];
    }>('account.move', related, ['move_type', 'state', 'amount_residual', 'journal_id']);
    const transfers = await desk.read<{ id: number; state: string; return_id: unknown }>(
      'stock.picking',
      [['id', 'in', pickings]],
      ['state', 'return_id'],
    );
    const paid = moves.every(
      (one) => one.move_type === 'out_invoice' && one.state === 'posted' && one.amount_residual === 0,
    );
    const delivered = transfers.every(({ state, return_id: of }) => of === false && state === 'done');
    const [picking] = transfers;
    if (moves.length === 0 || !picking || !paid || !delivered) return null;
    return { invoices: moves.map(({ id, journal_id: [journal] }) => ({ id, journal })), picking: picking.id };
  }

  /** Posts a credit note over so large a share of what one piece cost, of that product where one is given: on the invoice that has it, and no more than that invoice is, for discounts are lines of their own. */
  async #credit(
    { invoices }: Sale,
    { share, product }: { readonly share: number; readonly product?: number },
  ): Promise<void> {
    const desk = this.#desk;
    const isCreditable = (line: CreditLine): boolean =>
      line.price_unit > 0 && line.quantity > 0 && (product === undefined || (line.product_id || [])[0] === product);
    const linesOf = (move: number): Promise<CreditLine[]> =>
      desk.read<CreditLine>(
        'account.move.line',
        [
          ['move_id', '=', move],
          ['display_type', '=', 'product'],
        ],
        ['product_id', 'quantity', 'price_unit'],
      );
    let billed: Sale['invoices'][number] | undefined;
    for (const one of invoices) if (!billed && (await linesOf(one.id)).some(isCreditable)) billed = one;
    if (!billed) return;
    const { id: invoice, journal } = billed;
    const note = await desk.until(
      () => this.#id('account.move', [['reversed_entry_id', '=', invoice]]),
      async () => {
        const context = { active_model: 'account.move', active_ids: [invoice] };
        const vals = { reason: 'after sales', journal_id: journal };
        const [wizard] = await desk.once<number[]>('account.move.reversal', 'create', { vals_list: [vals], context });
        await desk.once('account.move.reversal', 'refund_moves', { ids: [wizard], context });
      },
    );
    const lines = await linesOf(note);
    const chosen = pick(this.#random, lines.filter(isCreditable));
    const price = Math.min(Math.max(1, Math.round(chosen.price_unit * share * 100)) / 100, await this.#totalOf(note));
    const others = lines.filter(({ id }) => id !== chosen.id).map(({ id }) => [2, id]);
    await desk.until(
      async () => ((await linesOf(note)).length === 1 ? note : undefined),
      () =>
        desk.once('account.move', 'write', {
          ids: [note],
          vals: { invoice_line_ids: [[1, chosen.id, { quantity: 1, price_unit: price }], ...others] },
        }),
    );
    await desk.until(
      () =>
        this.#id('account.move', [
          ['id', '=', note],
          ['state', '=', 'posted'],
        ]),
      () => desk.once('account.move', 'action_post', { ids: [note] }),
    );
  }

  /** Takes one piece of a delivery back onto the shelf. Gives its product. */
  async #takeBack(picking: number): Promise<number> {
    const desk = this.#desk;
    const receipt = await desk.until(
      () => this.#id('stock.picking', [['return_id', '=', picking]]),
      async () => {
        const [wizard] = await desk.once<number[]>('stock.return.picking', 'create', {
          vals_list: [{ picking_id: picking }],
        });
        const lines = await desk.read<{ id: number }>(
          'stock.return.picking.line',
          [['wizard_id', '=', wizard]],
          ['product_id'],
        );
        const { id } = pick(this.#random, lines);
        await desk.once('stock.return.picking.line', 'write', { ids: [id], vals: { quantity: 1 } });
        await desk.once('stock.return.picking', 'action_create_returns', { ids: [wizard] });
      },
    );
    const [move] = await desk.read<{ id: number; product_id: [number, string] }>(
      'stock.move',
      [['picking_id', '=', receipt]],
      ['product_id'],
    );
    await desk.write('stock.move', move!.id, { quantity: 1, picked: true });
    await desk.until(
      () =>
        this.#id('stock.picking', [
          ['id', '=', receipt],
          ['state', '=', 'done'],
        ]),
      () => desk.once('stock.picking', 'button_validate', { ids: [receipt] }),
    );
    return move!.product_id[0];
  }

  async #totalOf(move: number): Promise<number> {
    const fields = ['amount_total'];
    const [row] = await this.#desk.read<{ amount_total: number }>('account.move', [['id', '=', move]], fields);
    return row!.amount_total;
  }

  async #id(model: string, domain: readonly unknown[]): Promise<number | undefined> {
    return (await this.#desk.call<number[]>(model, 'search', { domain }))[0];
  }
}

/** Of those who ring up: shipped whole and paid, and nothing went back. */
function isDelivered(order: Order): boolean {
  const { cancelledAt, fulfillments, fulfillmentOrders, refunds, returns, transactions } = order;
  return (
    ringsUp(order) &&
    cancelledAt === null &&
    fulfillments.length > 0 &&
    fulfillmentOrders.every(({ status }) => status === 'CLOSED') &&
    refunds.length + returns.length === 0 &&
    transactions.some(({ kind }) => kind === 'SALE')
  );
}
