import type { Context, Item, Match } from '../../../core/connector.ts';
import { moneyText } from '../../../core/money.ts';
import type { Customer } from '../../../model/customer.ts';
import type { Order } from '../../../model/order.ts';
import type { Odoo } from '../database.ts';
import { externalId } from '../external-id.ts';
import type { Row } from '../rows.ts';
import { limitOf } from './order-changes.ts';
import { minorOf } from './sink.ts';

/** Partners of their own: addresses of others have the same e-mail address often. */
export const persons: readonly unknown[] = [['parent_id', '=', false]];

/** Orders that were placed. */
export const placed: readonly unknown[] = [['state', 'in', ['sale', 'done']]];

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

const mailOf = ({ email }: Customer): string => email?.trim().toLowerCase() ?? '';

/** Customers by number (`ref`) and e-mail address. Where the two lead to different partners, a person decides. */
export async function customersAlike(odoo: Odoo, items: readonly Item<Customer>[], cx: Context): Promise<Match[]> {
  const numbers = items.flatMap(({ document: { number } }) => (number ? [number] : []));
  const mails = items.map(({ document }) => mailOf(document)).filter((mail) => mail !== '');
  const domain = [...persons, '|', ['ref', 'in', numbers], ['email_normalized', 'in', mails]];
  const rows = await odoo.read('res.partner', domain, ['ref', 'email_normalized'], cx);
  return matched(odoo, 'res.partner', items, rows, cx, {
    kind: 'customer',
    noun: 'partners',
    by: ({ document }) => [
      ['number', (row) => document.number !== null && text(row.ref) === document.number],
      ['e-mail', (row) => mailOf(document) !== '' && text(row.email_normalized) === mailOf(document)],
    ],
    shown: ({ id }) => `id ${String(id)}`,
  });
}

/**
 * Orders by the customer's reference, in which channels write their order numbers, and by what they come to: two channels may use the same numbers. One that comes to something else
 * is looked at by a person. `tolerance`: minor units by which Odoo's rounding may differ.
 */
export async function ordersAlike(
  odoo: Odoo,
  items: readonly Item<Order>[],
  tolerance: number,
  cx: Context,
): Promise<Match[]> {
  const numbers = items.map(({ document }) => document.number);
  const domain = [
    ['client_order_ref', 'in', numbers],
    ['state', '!=', 'cancel'],
  ];
  const fields = ['name', 'client_order_ref', 'amount_total', 'amount_untaxed', 'currency_id'];
  const rows = await odoo.read('sale.order', domain, fields, cx);
  const known = await matched(odoo, 'sale.order', items, rows, cx, {
    kind: 'order',
    noun: 'orders',
    by: ({ document }) => [
      [
        'order number and total',
        (row) => row.client_order_ref === document.number && comesTo(document, row, tolerance),
      ],
    ],
    shown: ({ id, name }) => `${text(name)} (id ${String(id)})`,
  });
  return items.map(({ document }, place): Match => {
    const others = rows.filter((row) => row.client_order_ref === document.number);
    if (known[place]!.match !== 'none' || others.length === 0) return known[place]!;
    const shown = others.map((row) => `${text(row.name)} (id ${String(row.id)}) over ${amountOf(row)}`).join(', ');
    const { minor, net } = worthOf(document);
    const own = `${moneyText({ minor, currency: document.currency })} ${document.currency}${net ? ' before tax' : ''}`;
    return { match: 'several', message: `order ${document.number} is over ${own}, in Odoo its number has ${shown}` };
  });
}

/** What an order comes to, in minor units: with tax where that is known, else before tax. */
function worthOf({ total, lines, pricesIncludeTax }: Order): { minor: bigint; net: boolean } {
  if (total !== undefined) return { minor: BigInt(total), net: false };
  return { minor: lines.reduce((sum, line) => sum + BigInt(line.total), 0n), net: !pricesIncludeTax };
}

const currencyOf = ({ currency_id }: Row): string => (Array.isArray(currency_id) ? text(currency_id[1]) : '');

const amountOf = (row: Row): string => `${String(row.amount_total)} ${currencyOf(row)}`;

function comesTo(order: Order, row: Row, tolerance: number): boolean {
  if (currencyOf(row) !== order.currency) return false;
  const { minor, net } = worthOf(order);
  const apart = minorOf(net ? row.amount_untaxed : row.amount_total, order.currency) - minor;
  return (apart < 0n ? -apart : apart) <= limitOf(tolerance, order.currency);
}

interface Ways<T> {
  readonly kind: string;
  readonly noun: string;
  by(item: Item<T>): readonly (readonly [by: string, alike: (row: Row) => boolean])[];
  shown(row: Row): string;
}

async function matched<T>(
  odoo: Odoo,
  model: string,
  items: readonly Item<T>[],
  rows: readonly Row[],
  cx: Context,
  { kind, noun, by, shown }: Ways<T>,
): Promise<Match[]> {
  const ids = rows.map(({ id }) => id as number);
  const names = await odoo.externalIds(model, ids, cx);
  return items.map((item): Match => {
    const own = rows.find(({ id }) => names.get(id as number) === externalId(odoo.module(cx), kind, item.key));
    if (own) return { match: 'one', id: String(own.id), by: 'external id' };
    const found = by(item).flatMap(([way, alike]) => rows.filter(alike).map((row) => ({ way, row })));
    const [first] = found;
    if (!first) return { match: 'none' };
    const different = [...new Map(found.map(({ row }) => [row.id, row])).values()];
    if (different.length === 1) return { match: 'one', id: String(first.row.id), by: first.way };
    const ways = [...new Set(found.map(({ way }) => way))].join(' or ');
    return {
      match: 'several',
      message: `${different.length} ${noun} in Odoo have its ${ways}: ${different.map(shown).join(', ')}`,
    };
  });
}
