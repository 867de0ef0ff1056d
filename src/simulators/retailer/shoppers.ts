import type { Random } from '../../core/clock.ts';
import type { Customer, Person } from '../shopify/records.ts';
import type { Shop } from '../shopify/shop.ts';
import { place } from '../shopify/traffic.ts';
import type { Said } from './judge-customers.ts';
import { tail } from './ledgers.ts';

const pick = <T>(random: Random, all: readonly T[]): T => all[Math.floor(random() * all.length)]!;

const firsts = ['Ada', 'Ben', 'Cleo', 'Dev', 'Edith', 'Femi', 'Grace', 'Hugo', 'Iris', 'Jonas', 'Kira', 'Liam'];
const lasts = ['Ashworth', 'Bell', 'Carver', 'Dunn', 'Ellery', 'Firth', 'Grange', 'Holt', 'Ingram', 'Jessop'];

const nameOf = (firstName: string | null, lastName: string | null): string =>
  [firstName, lastName].filter(Boolean).join(' ');

/** People with an account in the shop: they open one without an order, come back, and change their name or e-mail address. No address is given twice, so that one which comes back is somebody's word undone. */
export class Shoppers {
  readonly #shop: Shop;
  readonly #random: Random;
  #last = 0;
  /** What they gave last, by the shop's number. */
  readonly said: Record<string, Said> = {};

  constructor(shop: Shop, random: Random) {
    this.#shop = shop;
    this.#random = random;
  }

  /** Somebody who buys: one of them now and then, else somebody new. */
  buyer(): Person {
    const known = [...this.#shop.customers.values()];
    if (known.length < 5 || this.#random() < 0.6) return this.#newcomer();
    const { id, firstName, lastName, email, phone } = pick(this.#random, known);
    return { id, displayName: nameOf(firstName, lastName), email, phone };
  }

  signUp(): void {
    const person = this.#newcomer();
    this.#shop.addCustomer(person, place(this.#shop, person.displayName, 'GB'));
  }

  /** One of them has another name, or another address. */
  change(): void {
    const known = [...this.#shop.customers.values()];
    if (known.length === 0) return;
    const customer = pick(this.#random, known);
    if (this.#random() < 0.5) {
      const email = this.#address(customer.firstName ?? 'somebody');
      this.#shop.changeCustomer(customer, { email });
      this.#note(customer, { email });
    } else {
      const lastName = `${pick(this.#random, lasts)}-${pick(this.#random, lasts)}`;
      this.#shop.changeCustomer(customer, { lastName });
      this.#note(customer, { name: nameOf(customer.firstName, lastName) });
    }
  }

  #newcomer(): Person {
    const first = pick(this.#random, firsts);
    const displayName = `${first} ${pick(this.#random, lasts)}`;
    return { id: this.#shop.id('Customer'), displayName, email: this.#address(first), phone: null };
  }

  #note({ id }: Customer, said: Said): void {
    this.said[tail(id)] = { ...this.said[tail(id)], ...said };
  }

  /** Nobody has had it before, on no day. */
  #address(first: string): string {
    this.#last = Math.max(this.#last + 1, Date.now());
    return `${first.toLowerCase()}.${this.#last.toString(36)}@example.com`;
  }
}
