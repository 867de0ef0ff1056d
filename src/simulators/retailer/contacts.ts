import type { Random } from '../../core/clock.ts';
import type { Shop } from '../shopify/shop.ts';
import type { Desk } from './desk.ts';
import type { Said } from './judge-customers.ts';
import { tail } from './ledgers.ts';

/** People in Odoo who speak to the shop's customers, and put their telephone numbers right. No number is given twice, so that one which comes back is somebody's word undone. */
export class Contacts {
  readonly #shop: Shop;
  readonly #desk: Desk;
  readonly #random: Random;
  #last = 0;
  /** What they wrote last, by the shop's number of the customer. */
  readonly said: Record<string, Said> = {};

  constructor(shop: Shop, desk: Desk, random: Random) {
    this.#shop = shop;
    this.#desk = desk;
    this.#random = random;
  }

  /** Another number of somebody; nothing happens where Odoo does not know the customer yet. */
  async correct(): Promise<void> {
    const known = [...this.#shop.customers.keys()];
    if (known.length === 0) return;
    const number = tail(known[Math.floor(this.#random() * known.length)]!);
    const [partner] = await this.#desk.read<{ id: number }>('res.partner', [['ref', '=', number]], ['ref']);
    if (!partner) return;
    const phone = this.#phone();
    await this.#desk.write('res.partner', partner.id, { phone });
    this.said[number] = { phone };
  }

  /** As people write it. */
  #phone(): string {
    this.#last = Math.max(this.#last + 1, Date.now());
    const digits = String(this.#last).slice(-9);
    return `+44 7${digits.slice(0, 3)} ${digits.slice(3)}`;
  }
}
