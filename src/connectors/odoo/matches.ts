import type { Context, Item, Match } from '../../core/connector.ts';
import type { Customer } from '../../model/customer.ts';
import type { Order } from '../../model/order.ts';
import type { Odoo } from './database.ts';
import { externalId } from './external-id.ts';
import type { Row } from './rows.ts';

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

/** Orders by the customer's reference, in which channels write their order numbers. */
export async function ordersAlike(odoo: Odoo, items: readonly Item<Order>[], cx: Context): Promise<Match[]> {
  const numbers = items.map(({ document }) => document.number);
  const domain = [
    ['client_order_ref', 'in', numbers],
    ['state', '!=', 'cancel'],
  ];
  const rows = await odoo.read('sale.order', domain, ['name', 'client_order_ref'], cx);
  return matched(odoo, 'sale.order', items, rows, cx, {
    kind: 'order',
    noun: 'orders',
    by: ({ document }) => [['order number', (row) => row.client_order_ref === document.number]],
    shown: ({ id, name }) => `${text(name)} (id ${String(id)})`,
  });
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
