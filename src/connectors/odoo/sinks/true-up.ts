import type { Context } from '../../../core/connector.ts';
import { FaultError } from '../../../core/fault.ts';
import { money, moneyText } from '../../../core/money.ts';
import type { Odoo } from '../database.ts';
import { externalId } from '../external-id.ts';
import { type Row, relation } from '../rows.ts';
import { type Cells, load } from './load.ts';
import { minorOf } from './sink.ts';

/**
 * Kinds of the external ids of credit note lines: for units that are no longer ordered, and for goods that went back or were given as a present, which leave what is ordered as it is. Of other credit
 * notes (people's, and those of before these kinds) so much counts as the former as was taken off.
 */
export const OFF = 'refund_off';
export const GOODS = 'refund_goods';

/** What of a sale line its invoices lack, or have too much of: so many units at a price. */
export interface Lacking {
  /** Id of the sale line. */
  readonly line: number;
  readonly product: number;
  readonly name: string;
  /** Below zero for what is invoiced and no longer ordered. */
  readonly quantity: number;
  /** In the terms of the order: without tax, or with it. */
  readonly price: number;
  readonly discount: number;
  readonly taxes: readonly number[];
  /** With tax, in whole units of the currency. */
  readonly total: number;
}

/** How an order that was changed after it was invoiced differs from its invoices. Goods that went back make no difference. */
interface Difference {
  /** Lines and pieces that no invoice has ever had. */
  readonly added: readonly Lacking[];
  /** Pieces that were credited as no longer ordered: ordered again, or the version of the order that takes them off has not come yet. */
  readonly again: readonly Lacking[];
  readonly all: readonly Lacking[];
}

/** Compares an order with its invoices, line by line. `note`: id of a credit note that is left out. */
export async function compareWithInvoices(
  odoo: Odoo,
  order: number,
  note: number | null,
  cx: Context,
): Promise<Difference> {
  const { lineTaxes } = await odoo.dialect(cx);
  const amounts = ['product_uom_qty', 'qty_to_invoice', 'price_unit', 'discount', 'price_total'];
  const domain = [
    ['order_id', '=', order],
    ['display_type', '=', false],
  ];
  const lines = await odoo.read('sale.order.line', domain, ['product_id', 'name', lineTaxes, ...amounts], cx);
  const invoiced = await tied(odoo, lines, 'out_invoice', cx);
  const credited = (await tied(odoo, lines, 'out_refund', cx)).filter((row) => relation(row.move_id).id !== note);
  const names = credited.length === 0 ? new Map() : await odoo.externalIds('account.move.line', ids(credited), cx);
  const isKind = (kind: string, row: Row): boolean =>
    String(names.get(row.id as number)).startsWith(`${odoo.module(cx)}.${kind}_`);
  const [added, again, all]: [Lacking[], Lacking[], Lacking[]] = [[], [], []];
  for (const line of lines) {
    const isOf = ({ sale_line_ids: of }: Row): boolean => (of as number[]).includes(line.id as number);
    const before = invoiced.filter(isOf);
    const off = credited.filter((row) => isOf(row) && isKind(OFF, row));
    const others = credited.filter((row) => isOf(row) && !isKind(OFF, row) && !isKind(GOODS, row));
    const ordered = Number(line.product_uom_qty);
    const ever = quantityOf(before);
    const unclear = Math.max(0, Math.min(quantityOf(others), ever - quantityOf(off) - ordered));
    const there = ever - quantityOf(off) - unclear;
    const row = (quantity: number, like: Row): Lacking => ({
      line: line.id as number,
      product: relation(line.product_id).id,
      name: String(line.name || ''),
      quantity,
      price: Number(like.price_unit),
      discount: Number(like.discount),
      taxes: like[like === line ? lineTaxes : 'tax_ids'] as number[],
      total: (Number(like.price_total) / Number(like.product_uom_qty ?? like.quantity)) * quantity,
    });
    const open = Number(line.qty_to_invoice);
    const more = Math.min(ordered - ever, open);
    if (more > 0) added.push(row(more, line));
    const back = Math.min(Math.min(ordered, ever) - there, open);
    if (back > 0) again.push(row(back, line));
    const units = new Map<string, { like: Row; quantity: number }>();
    const count = (like: Row, quantity: number): void => {
      const known = units.get(priceOf(like));
      units.set(priceOf(like), { like, quantity: (known?.quantity ?? 0) + quantity });
    };
    for (const one of before) count(one, -Number(one.quantity));
    for (const one of off) count(one, Number(one.quantity));
    if (unclear > 0) count(others[0]!, unclear);
    if (ordered > 0) count(line, ordered);
    for (const { like, quantity } of units.values()) if (quantity !== 0) all.push(row(quantity, like));
  }
  return { added, again, all };
}

const priceOf = ({ price_unit: price, discount }: Row): string => `${Number(price)} ${Number(discount)}`;

const ids = (rows: readonly Row[]): number[] => rows.map(({ id }) => id as number);

const quantityOf = (rows: readonly Row[]): number => rows.reduce((sum, { quantity }) => sum + Number(quantity), 0);

const tied = (odoo: Odoo, lines: readonly Row[], type: string, cx: Context): Promise<Row[]> =>
  odoo.read(
    'account.move.line',
    [
      ['sale_line_ids', 'in', ids(lines)],
      ['parent_state', '!=', 'cancel'],
      ['move_id.move_type', '=', type],
    ],
    ['move_id', 'quantity', 'price_unit', 'discount', 'price_total', 'tax_ids', 'sale_line_ids'],
    cx,
  );

/** Cents by which sums may differ, for taxes are rounded line by line. */
const MOST_CENTS = 5n;

/** Ids of the sale lines that are worth less than was invoiced of them. */
export const reduced = (all: readonly Lacking[]): ReadonlySet<number> =>
  new Set(
    [...Map.groupBy(all, ({ line }) => line)]
      .filter(([, rows]) => rows.reduce((sum, { total }) => sum + total, 0) < -0.005)
      .map(([line]) => line),
  );

/** Whether an order has lost something since it was invoiced, and is worth `minor` more than its invoices (less, below zero), but for cents. */
export function isWorth(all: readonly Lacking[], minor: bigint, currency: string): boolean {
  if (reduced(all).size === 0) return false;
  const off = minor - worthOf(all, currency);
  const most = BigInt(all.length) < MOST_CENTS ? BigInt(all.length) : MOST_CENTS;
  return off <= most && -off <= most;
}

const worthOf = (rows: readonly Lacking[], currency: string): bigint =>
  minorOf(
    rows.reduce((sum, { total }) => sum + total, 0),
    currency,
  );

/** A line of a move for what is lacking, tied to its sale line; `sign` is -1 in a credit note. */
export const rowOf = (id: string, lacking: Lacking, sign: 1 | -1): Cells => ({
  id,
  'product_id/.id': lacking.product > 0 ? String(lacking.product) : '',
  name: lacking.name,
  quantity: String(lacking.quantity * sign),
  price_unit: String(lacking.price),
  discount: String(lacking.discount),
  'tax_ids/.id': lacking.taxes.join(','),
  'sale_line_ids/.id': String(lacking.line),
});

/** Of an order that is to be invoiced once more. */
export interface Invoiced {
  readonly order: number;
  /** How many invoices and credit notes it has, those that were cancelled with them. */
  readonly moves: number;
  readonly currency: string;
  /** What is paid now, minor units. */
  readonly amount: bigint;
  /** Whether what is told with it may still be on its way. */
  readonly fresh: boolean;
}

/** Kinds of the external ids of invoices for what was added, and for the difference of what was added and taken off; and of the latter's lines for cents. */
const ADDED = 'added_invoice';
const CHANGED = 'changed_invoice';
const CENTS = 'changed_cents';

/**
 * Invoices what was added to an order after its invoices. Where something was taken off that pays for some of it, so that just the difference is paid,
 * that is on the invoice too. Odoo's own wizard would take with them what was given back, for that shows as still to be invoiced. A draft, with an external id of the order and of how many moves it
 * had, so that it may be repeated. Answers false where nothing was added. Throws `early` while what is told with it may still be on its way, where it would make a difference.
 */
export async function invoiceAdded(odoo: Odoo, invoiced: Invoiced, cx: Context): Promise<boolean> {
  const { order, moves, currency, amount, fresh } = invoiced;
  const { added, again, all } = await compareWithInvoices(odoo, order, null, cx);
  const isDifference = isWorth(all, amount, currency);
  const [known, cents] = [worthOf(added, currency), BigInt(added.length)];
  if (fresh && !isDifference && known - cents > amount && reduced(all).size > 0)
    throw tooEarly(
      'it is less than was added to the order in Odoo: what went back for what was taken off is waited for',
    );
  if (fresh && again.length > 0 && amount > known + cents)
    throw tooEarly(
      'pieces of the order were credited in Odoo: the version of the order that takes them off is waited for',
    );
  const more = fresh ? added : [...added, ...again];
  if (more.length === 0) return false;
  const name = (kind: string, ...more: string[]) =>
    externalId(odoo.module(cx), kind, String(order), String(moves), ...more);
  const rows = (isDifference ? all : more).map((one, place) =>
    rowOf(name('added_line', `${one.line}.${place}`), one, 1),
  );
  const [sale] = await odoo.read('sale.order', [['id', '=', order]], ['name', 'partner_invoice_id'], cx);
  const cells = {
    id: name(isDifference ? CHANGED : ADDED),
    move_type: 'out_invoice',
    'partner_id/.id': String(relation(sale!.partner_invoice_id).id),
    invoice_origin: String(sale!.name),
  };
  await loadMove(odoo, cells, rows, cx);
  return true;
}

/** Gives drafts of differences a line for the cents by which they miss what is paid; may be repeated. */
export async function roundDrafts(
  odoo: Odoo,
  drafts: readonly number[],
  { currency, amount }: Pick<Invoiced, 'currency' | 'amount'>,
  cx: Context,
): Promise<void> {
  const names = await odoo.externalIds('account.move', drafts, cx);
  const prefix = `${odoo.module(cx)}.${CHANGED}_`;
  for (const [id, invoice] of names) {
    if (!invoice.startsWith(prefix)) continue;
    const [draft] = await odoo.read('account.move', [['id', '=', id]], ['amount_total'], cx);
    const off = amount - minorOf(draft?.amount_total, currency);
    if (off === 0n || off > MOST_CENTS || -off > MOST_CENTS) continue;
    const line = `${odoo.module(cx)}.${CENTS}_${invoice.slice(prefix.length)}`;
    const price = moneyText(money(off, currency));
    const row = { id: line, name: 'Rounding', quantity: '1', price_unit: price, 'tax_ids/.id': '' };
    await loadMove(odoo, { id: invoice }, [row], cx);
  }
}

const tooEarly = (message: string): FaultError =>
  new FaultError({ kind: 'early', cause: 'not-in-turn', field: 'amount', message });

async function loadMove(odoo: Odoo, cells: Cells, rows: Cells[], cx: Context): Promise<void> {
  const [loaded] = await load(odoo, 'account.move', [{ cells, lines: { field: 'invoice_line_ids', rows } }], cx);
  if (loaded!.outcome === 'failed') throw new FaultError(loaded!.fault);
  if (loaded!.outcome === 'untouched')
    throw new FaultError({ kind: 'transient', message: 'Odoo did not take the invoice; nothing was changed' });
}
