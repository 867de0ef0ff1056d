import type { Context } from '../../core/connector.ts';
import { FaultError } from '../../core/fault.ts';
import { money, moneyText } from '../../core/money.ts';
import type { Odoo } from './database.ts';
import { externalId } from './external-id.ts';
import { type Cells, load } from './load.ts';
import { type Row, relation } from './rows.ts';
import { minorOf } from './sink.ts';

/** Kind of the external ids of credit note lines for units that are no longer ordered. Lines of goods that were shipped leave what is ordered as it is. */
export const OFF = 'refund_off';

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
export async function differenceOf(odoo: Odoo, order: number, note: number | null, cx: Context): Promise<Difference> {
  const { lineTaxes } = await odoo.dialect(cx);
  const amounts = ['product_uom_qty', 'qty_to_invoice', 'price_unit', 'discount', 'price_total'];
  const domain = [
    ['order_id', '=', order],
    ['display_type', '=', false],
  ];
  const lines = await odoo.read('sale.order.line', domain, ['product_id', 'name', lineTaxes, ...amounts], cx);
  const [invoiced, credited] = [await tied(odoo, lines, 'out_invoice', cx), await tied(odoo, lines, 'out_refund', cx)];
  const names = credited.length === 0 ? new Map() : await odoo.externalIds('account.move.line', ids(credited), cx);
  const isOff = (row: Row): boolean =>
    relation(row.move_id).id !== note && String(names.get(row.id as number)).startsWith(`${odoo.module(cx)}.${OFF}_`);
  const off = credited.filter(isOff);
  const [added, again, all]: [Lacking[], Lacking[], Lacking[]] = [[], [], []];
  for (const line of lines) {
    const isOf = ({ sale_line_ids: of }: Row): boolean => (of as number[]).includes(line.id as number);
    const before = invoiced.filter(isOf);
    const ordered = Number(line.product_uom_qty);
    const ever = quantityOf(before);
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
    const there = ever - quantityOf(off.filter(isOf));
    const open = Number(line.qty_to_invoice);
    const more = Math.min(ordered - ever, open);
    if (more > 0) added.push(row(more, line));
    const back = Math.min(ordered, ever) - there;
    if (Math.min(back, open) > 0) again.push(row(Math.min(back, open), line));
    if (before.every((one) => isPricedAs(one, line))) {
      const by = ordered - there;
      if (by !== 0) all.push(row(by, by > 0 ? line : before[0]!));
    } else {
      all.push(...before.map((one) => row(-Number(one.quantity), one)));
      if (there < ever) all.push(row(ever - there, before.at(-1)!));
      if (ordered > 0) all.push(row(ordered, line));
    }
  }
  return { added, again, all };
}

const ids = (rows: readonly Row[]): number[] => rows.map(({ id }) => id as number);

const quantityOf = (rows: readonly Row[]): number => rows.reduce((sum, { quantity }) => sum + Number(quantity), 0);

const isPricedAs = (one: Row, other: Row): boolean =>
  Number(one.price_unit) === Number(other.price_unit) && Number(one.discount) === Number(other.discount);

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

/** Whether an order has lost something since it was invoiced, and is worth `minor` more than its invoices (less, below zero), but for cents. */
export function isWorth(all: readonly Lacking[], minor: bigint, currency: string): boolean {
  if (!all.some(({ quantity }) => quantity < 0)) return false;
  const off = minor - all.reduce((sum, { total }) => sum + minorOf(total, currency), 0n);
  return off <= BigInt(all.length) && -off <= BigInt(all.length);
}

/** A line of a move for what is lacking, tied to its sale line; `sign` is -1 in a credit note. */
export const rowOf = (id: string, lacking: Lacking, sign: 1 | -1): Cells => ({
  id,
  'product_id/.id': String(lacking.product),
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
  /** How many invoices it has. */
  readonly invoices: number;
  readonly currency: string;
  /** What is paid now, minor units. */
  readonly amount: bigint;
  /** Whether what is told with it may still be on its way. */
  readonly fresh: boolean;
}

/**
 * Invoices what was added to an order after its invoices. Where something was taken off that pays for some of it, so that just the difference is paid,
 * that is on the invoice too. Odoo's own wizard would take with them what was given back, for that shows as still to be invoiced. A draft, with an external id of the order and the number of the
 * invoice, so that it may be repeated. Answers false where nothing was added. Throws `early` while what is told with it may still be on its way, where it would make a difference.
 */
export async function invoiceAdded(odoo: Odoo, invoiced: Invoiced, cx: Context): Promise<boolean> {
  const { order, invoices, currency, amount, fresh } = invoiced;
  const { added, again, all } = await differenceOf(odoo, order, null, cx);
  const isDifference = isWorth(all, amount, currency);
  const worth = (rows: readonly Lacking[]): bigint =>
    rows.reduce((sum, { total }) => sum + minorOf(total, currency), 0n);
  const isLess = worth(added) - BigInt(added.length) > amount;
  if (fresh && !isDifference && isLess && all.some(({ quantity }) => quantity < 0))
    throw tooEarly(
      'it is less than was added to the order in Odoo: what went back for what was taken off is waited for',
    );
  if (fresh && again.length > 0 && amount > worth(added) + BigInt(added.length))
    throw tooEarly(
      'pieces of the order were credited in Odoo: the version of the order that takes them off is waited for',
    );
  const more = fresh ? added : [...added, ...again];
  if (more.length === 0) return false;
  const name = (kind: string, ...more: string[]) =>
    externalId(odoo.module(cx), kind, String(order), String(invoices), ...more);
  const rows = (isDifference ? all : more).map((one, place) =>
    rowOf(name('added_line', isDifference ? `${one.line}.${place}` : String(one.line)), one, 1),
  );
  const [sale] = await odoo.read('sale.order', [['id', '=', order]], ['name', 'partner_invoice_id'], cx);
  const cells = {
    id: name('added_invoice'),
    move_type: 'out_invoice',
    'partner_id/.id': String(relation(sale!.partner_invoice_id).id),
    invoice_origin: String(sale!.name),
  };
  await loadMove(odoo, cells, rows, cx);
  if (isDifference) await round(odoo, invoiced, { invoice: name('added_invoice'), line: name('added_rounding') }, cx);
  return true;
}

const tooEarly = (message: string): FaultError =>
  new FaultError({ kind: 'early', cause: 'not-in-turn', field: 'amount', message });

async function loadMove(odoo: Odoo, cells: Cells, rows: Cells[], cx: Context): Promise<void> {
  const [loaded] = await load(odoo, 'account.move', [{ cells, lines: { field: 'invoice_line_ids', rows } }], cx);
  if (loaded!.outcome === 'failed') throw new FaultError(loaded!.fault);
  if (loaded!.outcome === 'untouched')
    throw new FaultError({ kind: 'transient', message: 'Odoo did not take the invoice; nothing was changed' });
}

/** A line for the cents by which a draft misses what is paid. */
async function round(
  odoo: Odoo,
  { currency, amount }: Invoiced,
  { invoice, line }: { readonly invoice: string; readonly line: string },
  cx: Context,
): Promise<void> {
  const held = await odoo.own('account.move', [['state', '=', 'draft']], [invoice], ['amount_total'], cx);
  const off = amount - minorOf(held.get(invoice)?.amount_total, currency);
  if (off === 0n || !held.has(invoice)) return;
  const price = moneyText(money(off, currency));
  const row = { id: line, name: 'Rounding', quantity: '1', price_unit: price, 'tax_ids/.id': '' };
  await loadMove(odoo, { id: invoice }, [row], cx);
}
