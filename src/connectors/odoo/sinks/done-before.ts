import type { Context, Item, Match } from '../../../core/connector.ts';
import type { Fault } from '../../../core/fault.ts';
import type { Odoo } from '../database.ts';
import { type Row, relation } from '../rows.ts';

/** A document about an order, such as a payment. */
type OfOrder = { readonly order: string };

/** An order in Odoo, with what tells which records that people made are about it. */
export interface HeldOrder {
  readonly id: number;
  /** Its number at the channel, where it has one, and Odoo's own. */
  readonly numbers: readonly string[];
  /** Whom it was sold and invoiced to, with the companies that they belong to. */
  readonly partners: readonly number[];
  /** Invoices and credit notes that have lines of it. */
  readonly moves: readonly number[];
}

/** Id of the order that a document is about, as it is bound or matched; 0 for none. */
export const orderIdOf = <T extends OfOrder>({ document, links }: Item<T>): number =>
  Number(links.get(`order:${document.order}`) || 0);

const words = (...values: unknown[]): string[] =>
  values.filter((value) => typeof value === 'string' && value !== '') as string[];

/** Orders of documents, by id. */
export async function heldOrders<T extends OfOrder>(
  odoo: Odoo,
  items: readonly Item<T>[],
  cx: Context,
): Promise<Map<number, HeldOrder>> {
  const ids = [...new Set(items.map(orderIdOf))].filter((id) => id > 0);
  if (ids.length === 0) return new Map();
  const fields = ['name', 'client_order_ref', 'partner_id', 'partner_invoice_id', 'invoice_ids'];
  const rows = await odoo.read('sale.order', [['id', 'in', ids]], fields, cx);
  const partnersOf = (row: Row): number[] => [relation(row.partner_id).id, relation(row.partner_invoice_id).id];
  const known = [
    ['id', 'in', [...new Set(rows.flatMap(partnersOf))]],
    ['active', 'in', [true, false]],
  ];
  const partners = await odoo.read('res.partner', known, ['commercial_partner_id'], cx);
  const whole = new Map(partners.map((row) => [row.id as number, relation(row.commercial_partner_id).id]));
  return new Map(
    rows.map((row) => [
      row.id as number,
      {
        id: row.id as number,
        numbers: words(row.client_order_ref, row.name),
        partners: [...new Set(partnersOf(row).flatMap((id) => [id, whole.get(id) ?? id]))],
        moves: row.invoice_ids as number[],
      },
    ]),
  );
}

/** All of some orders. */
export const allOf = <K extends 'partners' | 'moves' | 'numbers'>(
  orders: Iterable<HeldOrder>,
  field: K,
): HeldOrder[K][number][] => [...new Set([...orders].flatMap((order) => order[field] as HeldOrder[K][number][]))];

/** Whether a text that people wrote says one of these numbers, as a word of its own. */
export function says(text: unknown, numbers: readonly string[]): boolean {
  if (typeof text !== 'string' || text === '') return false;
  const bare = (word: string): string => word.toLowerCase().replace(/^#/, '').replace(/\.+$/, '');
  const parts = text.split(/[\s,;:()"']+/).map(bare);
  return numbers.some((number) => parts.includes(bare(number)) || text.trim() === number);
}

/** Whether a record may be a document's by its external id: what the hub made has one, which names it. */
export const mayBe = (odoo: Odoo, name: string | undefined, own: string, cx: Context): boolean =>
  name === own || name?.startsWith(`${odoo.module(cx)}.`) !== true;

/** How documents are told among what people made about their orders. */
export interface Likeness<T> {
  readonly kind: string;
  /** What agreed, such as `order and amount`. */
  readonly by: string;
  /** Records about the item's order. */
  of(item: Item<T>): readonly Row[];
  /** Whether one says what the document says. */
  agrees(item: Item<T>, row: Row): boolean;
  /** Whether it was made for this very document and no other. */
  names(item: Item<T>, row: Row): boolean;
  /** The document, and a record of Odoo's, in an operator's words. */
  told(item: Item<T>): string;
  shown(row: Row): string;
}

/**
 * One record for each document: the one that names it, else the only one that agrees with it and is no other document's. Where several agree, or what there is does not, a person
 * decides.
 */
export async function likeOnes<T>(items: readonly Item<T>[], likeness: Likeness<T>, cx: Context): Promise<Match[]> {
  const { kind, by, of, agrees, names, told, shown } = likeness;
  const free: Row[][] = [];
  for (const item of items) {
    const rows: Row[] = [];
    for (const row of of(item)) if ((await cx.otherBoundTo(kind, item.key, String(row.id))) === null) rows.push(row);
    free.push(rows);
  }
  const named = items.map((item, place) => free[place]!.filter((row) => names(item, row)));
  const owner = new Map(named.flatMap((rows, place) => (rows.length === 1 ? [[rows[0]!.id, place] as const] : [])));
  return items.map((item, place): Match => {
    const left = free[place]!.filter(({ id }) => (owner.get(id) ?? place) === place);
    const own = left.filter(({ id }) => owner.get(id) === place);
    const alike = own.length > 0 ? own : left.filter((row) => agrees(item, row));
    const [first, ...more] = alike;
    const list = (rows: readonly Row[]): string => rows.map(shown).join(', ');
    if (first && more.length === 0 && agrees(item, first)) return { match: 'one', id: String(first.id), by };
    if (more.length > 0)
      return { match: 'several', message: `${told(item)}: Odoo has ${alike.length} that it may be: ${list(alike)}` };
    const others = left.filter(
      (row) => !items.some((one, at) => at !== place && free[at]!.includes(row) && agrees(one, row)),
    );
    if (others.length === 0) return { match: 'none' };
    return {
      match: 'several',
      message: `${told(item)}: Odoo has for its order ${list(others)}, which is not the same`,
    };
  });
}

/**
 * What must not be made yet, by key: documents of orders that people made in Odoo, where Odoo has something that they may be and that is bound to none. A person says which, or that
 * it is another.
 */
export async function maybeDone<T extends OfOrder>(
  odoo: Odoo,
  items: readonly Item<T>[],
  alike: (items: readonly Item<T>[]) => Promise<Match[]>,
  cx: Context,
): Promise<Map<string, Fault>> {
  const orders = [...new Set(items.map(orderIdOf))];
  const names = await odoo.externalIds('sale.order', orders, cx);
  const own = `${odoo.module(cx)}.`;
  const theirs = items.filter((item) => names.get(orderIdOf(item))?.startsWith(own) !== true);
  if (theirs.length === 0) return new Map();
  const matches = await alike(theirs);
  return new Map(
    theirs.flatMap(({ key }, place) => {
      const match = matches[place]!;
      if (match.match === 'none') return [];
      const what =
        match.match === 'one' ? `Odoo has one that it may be (id ${match.id}, by ${match.by})` : match.message;
      const message = `${what}; its order was in Odoo before the hub, so nothing was made. If it is there, dismiss this and say under which id; else book it there by hand, and do the same`;
      return [[key, { kind: 'rejected', cause: 'may-be-there', field: 'order', message }] as const];
    }),
  );
}
