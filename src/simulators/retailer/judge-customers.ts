import { type OdooWrite, valuesThatWentBack } from '../verify.ts';
import type { BooksLedger, ShopLedger } from './ledgers.ts';
import { type Hop, Tally } from './tally.ts';

/** What people said last of a customer, each of what is theirs to say. */
export interface Said {
  /** Shoppers, in the shop. */
  readonly name?: string;
  readonly email?: string;
  /** People in Odoo. */
  readonly phone?: string;
}

type Account = ShopLedger['customers'][number];
type Partner = BooksLedger['partners'][number];

/** The shop's word on a customer. */
const shops = ['name', 'email', 'country'] as const;

const diallable = (phone: string | null | undefined): string | null => phone?.replace(/[\s().-]/g, '') || null;

const show = (value: string | null | undefined): string => (value ? `'${value}'` : 'nothing');

/** Writes to customers' own records that put an address or a number back to what it was before. */
function undone(tally: Tally, writes: readonly OdooWrite[], partners: readonly Partner[], field: keyof Said): void {
  const own = new Set(partners.map(({ xmlid }) => xmlid));
  const back = valuesThatWentBack(
    writes.filter(({ xmlid }) => own.has(xmlid)),
    { 'res.partner': [field] },
  );
  tally.outOfOrder += back.length;
  tally.wrong.push(...back);
}

const ofShop = (customers: readonly Account[], partners: readonly Partner[]): Partner[] => {
  const numbers = new Set(customers.map(({ number }) => number));
  return partners.filter(({ ref }) => numbers.has(ref));
};

/** Every customer of the shop is one partner, and has there the name, address and country that the shop has, which are those that shoppers gave. */
export function customersInBooks(
  { customers }: ShopLedger,
  { partners, writes }: BooksLedger,
  said: Readonly<Record<string, Said>>,
): Hop {
  const tally = new Tally();
  const held = Map.groupBy(partners, ({ ref }) => ref);
  for (const customer of customers) {
    const { number, name } = customer;
    tally.compared += 1;
    const [partner, ...more] = held.get(number) ?? [];
    if (!partner) tally.miss(`${name} (${number}) is not in Odoo`);
    if (more.length > 0) tally.extra(`${name} (${number}) is ${more.length + 1} partners in Odoo`, more.length);
    for (const field of shops) {
      if (partner && partner[field] !== customer[field])
        tally.differ(
          `${name} (${number}): ${field} is ${show(customer[field])} in the shop, ${show(partner[field])} in Odoo`,
        );
      const word = field === 'country' ? undefined : said[number]?.[field];
      if (word !== undefined && customer[field] !== word)
        tally.differ(`${name} (${number}) gave ${show(word)} as ${field}, the shop has ${show(customer[field])}`);
    }
  }
  undone(tally, writes, ofShop(customers, partners), 'email');
  return tally.hop;
}

/** Every customer of the shop has there the telephone number that Odoo has, which is the one that people gave there. */
export function contactsInShop(
  { customers }: ShopLedger,
  { partners, writes }: BooksLedger,
  said: Readonly<Record<string, Said>>,
): Hop {
  const tally = new Tally();
  const accounts = new Map(customers.map((one) => [one.number, one]));
  const own = ofShop(customers, partners);
  for (const { ref, phone } of own) {
    const { name, phone: held } = accounts.get(ref)!;
    const word = said[ref]?.phone;
    if (phone === null && held === null && word === undefined) continue;
    tally.compared += 1;
    if (diallable(phone) !== held)
      tally.differ(`${name} (${ref}): phone is ${show(phone)} in Odoo, ${show(held)} in the shop`);
    if (word !== undefined && phone !== word)
      tally.differ(`${name} (${ref}): people in Odoo gave ${show(word)} as phone, it has ${show(phone)}`);
  }
  undone(tally, writes, own, 'phone');
  return tally.hop;
}
