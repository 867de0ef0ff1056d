import type { Context, Item } from '../../../core/connector.ts';
import { divideRounded } from '../../../core/decimal.ts';
import { rejected } from '../../../core/fault.ts';
import { money, moneyText } from '../../../core/money.ts';
import type { Refund } from '../../../model/refund.ts';
import type { Odoo } from '../database.ts';
import { externalId, lastKeyOf } from '../external-id.ts';
import { type CreditedOrder, creditedOrder, type SaleLine } from './credited-order.ts';
import type { Cells, Loadable } from './load.ts';
import { compareWithInvoices, GOODS, isWorth, type Lacking, OFF, reduced, rowOf } from './true-up.ts';

type Line = Refund['lines'][number];

/** External ids of a refund's credit note and of its lines. */
export function namesOf(odoo: Odoo, { key }: Item<Refund>, cx: Context) {
  const name = (kind: string, ...more: string[]) => externalId(odoo.module(cx), kind, key, ...more);
  return {
    note: name('refund'),
    line: (...more: string[]) => name(GOODS, ...more),
    off: (...more: string[]) => name(OFF, ...more),
    rounding: name('refund_rounding'),
  };
}

/**
 * A credit note to be loaded, one line for each of the refund. Lines of goods are tied to the order's lines, as those of Odoo's own credit notes are, where so much of them was
 * invoiced: the order then has so much less invoiced.
 *
 * Units that were never shipped and are no longer ordered are credited as far as they were invoiced: an order that was changed before it was invoiced has them on no invoice, and
 * what was paid for them stands on the customer's account.
 *
 * Money that goes back for no goods is what a shop tells when units were taken off an order that had been paid. Where the order in Odoo was invoiced for exactly so much more than is
 * ordered now, the money is that: the credit note takes those lines, and what was added and is paid by some of them with it. Nothing is left that Odoo would credit a second time.
 */
export async function creditNoteOf(
  odoo: Odoo,
  item: Item<Refund>,
  { order: id, note }: { readonly order: number; readonly note: number | null },
  cx: Context,
): Promise<Credit> {
  const { document: refund } = item;
  const names = namesOf(odoo, item, cx);
  const order = await creditedOrder(odoo, id, refund, note, cx);
  const credited = order.invoiced ? refund.lines.flatMap((line) => creditedOf(line, order)) : [];
  const amount = credited.reduce((sum, line) => sum + BigInt(line.amount), 0n);
  const cells: Cells = {
    id: names.note,
    move_type: 'out_refund',
    'partner_id/.id': String(order.invoicePartner),
    invoice_date: refund.refundedOn,
    ref: refund.number,
    invoice_origin: order.name,
  };
  const changed = await changedBy(odoo, refund, { id, order, note }, cx);
  const rows: Cells[] = [];
  if (changed) rows.push(...changed.map((one, place) => rowOf(names.off('changed', `${one.line}.${place}`), one, -1)));
  else for (const line of credited) rows.push(...(await rowsOf(odoo, item, line, order, cx)));
  const lines = { field: 'invoice_line_ids', rows };
  return {
    partner: order.invoicePartner,
    amount: changed ? BigInt(refund.amount) : amount,
    loadable: rows.length === 0 ? null : { cells, lines },
  };
}

/** What is to be credited of a refund. */
interface Credit {
  /** Whom the order is invoiced to. */
  readonly partner: number;
  /** Minor units, tax included; less than went back where some of it was on no invoice. */
  readonly amount: bigint;
  /** Null where nothing of it was invoiced. */
  readonly loadable: Loadable | null;
}

/** The line, with so many of its units as were invoiced and are no longer ordered. */
function creditedOf(line: Line, order: CreditedOrder): Line[] {
  const { left, quantity } = line;
  const held = left === undefined ? undefined : lineOf(line, order);
  // What was added and taken off again before the books heard of it. Where people made the lines none is known by its external id.
  if (left !== undefined && !held && order.lines.some(({ externalId: name }) => name !== null)) return [];
  if (left === undefined || !held || !/^\d+$/.test(quantity) || !/^\d+$/.test(left)) return [line];
  const units = BigInt(quantity);
  const over = BigInt(Math.max(0, Math.trunc(held.invoiced))) - BigInt(left);
  if (over >= units) return [line];
  if (over <= 0n) return [];
  const part = (minor: number): number => Number(divideRounded(BigInt(minor) * over, units));
  return [{ ...line, quantity: String(over), amount: part(line.amount), tax: part(line.tax) }];
}

const lineOf = ({ orderLine }: Line, { lines }: CreditedOrder): SaleLine | undefined =>
  lines.find(({ externalId: name }) => name !== null && lastKeyOf(name) === orderLine);

/** Cents between what Odoo adds up and what was paid back; no tax. */
export function roundingLine(odoo: Odoo, item: Item<Refund>, amount: string, cx: Context): Loadable {
  const { note, rounding } = namesOf(odoo, item, cx);
  const row = { id: rounding, name: 'Rounding', quantity: '1', price_unit: amount, 'tax_ids/.id': '' };
  return { cells: { id: note }, lines: { field: 'invoice_line_ids', rows: [row] } };
}

const tiesOf = (line: SaleLine | undefined, tied: boolean) => ({
  'product_id/.id': line === undefined ? '' : String(line.product),
  'sale_line_ids/.id': line !== undefined && tied ? String(line.id) : '',
});

/** How the order differs from its invoices, if that is worth what goes back, no goods do, and each line that it names is worth less than was invoiced. */
async function changedBy(
  odoo: Odoo,
  { amount, currency, return: back, lines }: Refund,
  { id, order, note }: { readonly id: number; readonly order: CreditedOrder; readonly note: number | null },
  cx: Context,
): Promise<readonly Lacking[] | null> {
  if (back !== null || lines.some(({ orderLine, left }) => orderLine !== null && left === undefined)) return null;
  const { all } = await compareWithInvoices(odoo, id, note, cx);
  if (!isWorth(all, -BigInt(amount), currency)) return null;
  const less = reduced(all);
  const isNamed = (line: Line): boolean => line.orderLine === null || less.has(lineOf(line, order)?.id ?? 0);
  return lines.every(isNamed) ? all : null;
}

async function rowsOf(odoo: Odoo, item: Item<Refund>, line: Line, order: CreditedOrder, cx: Context): Promise<Cells[]> {
  const { document: refund } = item;
  const held = lineOf(line, order);
  const names = namesOf(odoo, item, cx);
  const name = line.left === undefined ? names.line : names.off;
  const taxes: number[] = [];
  for (const code of line.taxes) taxes.push(...(await odoo.taxes(code, cx)));
  const included = taxes.length > 0 && (await odoo.includedTaxes(cx)).has(taxes[0]!);
  const value = BigInt(line.amount) - (included || taxes.length === 0 ? 0n : BigInt(line.tax));
  return sharesOf(line, value, refund).map(({ quantity, price }, place) => ({
    id: place === 0 ? name(line.id) : name(line.id, 'last'),
    name: line.description.trim() || 'Refund',
    quantity: String(quantity),
    price_unit: price,
    'tax_ids/.id': [...new Set(taxes)].join(','),
    ...tiesOf(held, Number(line.quantity) > 0 && (held?.invoiced ?? 0) >= Number(line.quantity)),
  }));
}

/**
 * Quantities and unit prices that are worth `value` to the last minor unit: 10.00 for three is twice 3.33 and once 3.34. Without goods, or where the quantity is broken, once the whole.
 */
function sharesOf(line: Line, value: bigint, refund: Refund): { quantity: string; price: string }[] {
  const text = (minor: bigint) => moneyText(money(minor, refund.currency));
  if (!/^\d{1,9}(\.\d{1,6})?$/.test(line.quantity))
    throw rejected(
      `refund ${refund.number}: '${line.quantity.slice(0, 40)}' is not a quantity`,
      'not-a-number',
      'quantity',
    );
  if (!/^\d+$/.test(line.quantity) || BigInt(line.quantity) <= 1n) return [{ quantity: '1', price: text(value) }];
  const count = BigInt(line.quantity);
  const unit = value / count;
  const rest = value - unit * (count - 1n);
  if (rest === unit) return [{ quantity: String(count), price: text(unit) }];
  return [
    { quantity: String(count - 1n), price: text(unit) },
    { quantity: '1', price: text(rest) },
  ];
}
