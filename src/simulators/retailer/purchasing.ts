import type { Random } from '../../core/clock.ts';
import type { Warehouse } from '../warehouse/index.ts';
import { articles, isBought } from './assortment.ts';
import type { BackOffice } from './back-office.ts';

/** Milliseconds that a vendor takes. */
const TRANSIT = 2500;
/** Marks the purchase orders of these people. */
const MARK = 'RESTOCK-';

interface Purchase {
  readonly name: string;
  readonly units: Readonly<Record<string, number>>;
}

/**
 * What comes of a purchase order, load by load: mostly all of it; of five one comes short, and every other time the rest after it; of five one brings a piece too many. It depends on its number alone, so that
 * it is the same after any end of the process.
 */
function loadsOf({ name, units }: Purchase): Record<string, number>[] {
  const number = Number(/\d+$/.exec(name)?.[0] ?? 0);
  const [[sku, count] = ['', 0]] = Object.entries(units);
  if (number % 5 === 2) {
    const short = { ...units, [sku]: count - 1 };
    return number % 10 === 2 ? [short, { [sku]: 1 }] : [short];
  }
  return [number % 5 === 4 ? { ...units, [sku]: count + 1 } : units];
}

/** People in Odoo who order goods of a vendor, and the vendor, whose loads come in at the warehouse. */
export class Purchasing {
  readonly #office: BackOffice;
  readonly #warehouse: Warehouse;
  readonly #random: Random;
  /** Purchase orders of which something is to come, and since when, in milliseconds. */
  readonly #awaited = new Map<string, { readonly purchase: Purchase; readonly since: number }>();

  constructor(office: BackOffice, warehouse: Warehouse, random: Random) {
    this.#office = office;
    this.#warehouse = warehouse;
    this.#random = random;
  }

  /** Loads that have not come in yet. */
  get waiting(): number {
    return [...this.#awaited.values()].reduce((sum, { purchase }) => sum + this.#missing(purchase).length, 0);
  }

  /** Finds what was ordered and has not come: one whose order was not confirmed is. */
  async recall(): Promise<void> {
    const domain = [['partner_ref', '=like', `${MARK}%`]];
    for (const { id } of await this.#office.desk.read<{ id: number }>('purchase.order', domain, ['name']))
      await this.#confirm(id);
  }

  /** Orders some goods; nothing happens while there are none. Every step may be done twice. */
  async order(): Promise<void> {
    const { desk } = this.#office;
    const goods = this.#office.offered.filter((one) => isBought(one) && articles.includes(one));
    const vendor = await desk.find('res.partner', [['name', '=', 'Harbour Mills']], async () => ({
      name: 'Harbour Mills',
    }));
    const chosen = goods.filter(() => this.#random() < 0.15).slice(0, 3);
    if (chosen.length === 0) return;
    const lines: unknown[] = [];
    for (const { sku, price } of chosen) {
      const product_qty = 2 + Math.floor(this.#random() * 10);
      lines.push([0, 0, { product_id: this.#office.idOf(sku), product_qty, price_unit: price / 200 }]);
    }
    const partner_ref = `${MARK}${Date.now()}`;
    const id = await desk.find('purchase.order', [['partner_ref', '=', partner_ref]], async () => ({
      partner_id: vendor,
      partner_ref,
      order_line: lines,
    }));
    await this.#confirm(id);
  }

  async #confirm(id: number): Promise<void> {
    const { desk } = this.#office;
    await desk.call('purchase.order', 'button_confirm', { ids: [id] });
    const [order] = await desk.read<{ name: string }>('purchase.order', [['id', '=', id]], ['name']);
    const rows = await desk.read<{ product_id: [number]; product_qty: number }>(
      'purchase.order.line',
      [['order_id', '=', id]],
      ['product_id', 'product_qty'],
    );
    const units: Record<string, number> = {};
    for (const { product_id, product_qty } of rows) {
      const sku = this.#office.offered.find((one) => this.#office.idOf(one.sku) === product_id[0])?.sku;
      if (sku !== undefined) units[sku] = (units[sku] ?? 0) + product_qty;
    }
    const purchase = { name: order!.name, units };
    if (this.#missing(purchase).length > 0) this.#awaited.set(purchase.name, { purchase, since: Date.now() });
  }

  #missing(purchase: Purchase): { readonly receipt: string; readonly units: Record<string, number> }[] {
    return loadsOf(purchase)
      .map((units, n) => ({ receipt: `RC-${purchase.name}-${n + 1}`, units }))
      .filter(({ receipt }) => !this.#warehouse.cameIn.has(receipt));
  }

  /** What is due comes in, one load of each order at a time. */
  arrive(at: Date): void {
    for (const [name, { purchase, since }] of this.#awaited) {
      if (at.getTime() - since < TRANSIT) continue;
      const [load, ...more] = this.#missing(purchase);
      if (load) this.#warehouse.receive(load.receipt, name, load.units, at);
      if (more.length === 0) this.#awaited.delete(name);
      else this.#awaited.set(name, { purchase, since: at.getTime() });
    }
  }
}
