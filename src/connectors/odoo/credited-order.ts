import type { Context } from '../../core/connector.ts';
import { rejected } from '../../core/fault.ts';
import type { Refund } from '../../model/refund.ts';
import type { Odoo } from './database.ts';
import { payableOf } from './payable.ts';
import { type Row, relation } from './rows.ts';

/** A line of an order that is to be credited. */
export interface SaleLine {
  readonly id: number;
  readonly product: number;
  /** External id, or null for a line that a person made. */
  readonly externalId: string | null;
  readonly description: string;
  readonly invoiced: number;
  /** What was invoiced beyond what is ordered now, as it stands on the invoice; null where nothing was. `total`: with tax, in whole units of the currency. */
  readonly excess: {
    readonly quantity: number;
    readonly unitPrice: number;
    readonly taxes: readonly number[];
    readonly total: number;
  } | null;
}

export interface CreditedOrder {
  /** False for an order that was cancelled before anything was invoiced: there is nothing to credit. */
  readonly invoiced: boolean;
  readonly name: string;
  readonly invoicePartner: number;
  readonly lines: readonly SaleLine[];
}

/**
 * The order as it is to be credited, invoiced first where it can be: money only goes back where it was taken. `note`: id of the credit note that is being made, which has
 * not taken anything off the order in what this answers.
 */
export async function creditedOrder(
  odoo: Odoo,
  id: number,
  refund: Refund,
  note: number | null,
  cx: Context,
): Promise<CreditedOrder> {
  let order = await read(odoo, id, cx);
  if (order.invoices.length === 0 && order.row.invoice_status === 'to invoice') {
    await payableOf(odoo, id, refund.currency, cx);
    order = await read(odoo, id, cx);
  }
  return {
    invoiced: order.invoices.length > 0 || order.row.state !== 'cancel',
    name: String(order.row.name),
    invoicePartner: relation(order.row.partner_invoice_id).id,
    lines: await linesOf(odoo, id, note === null ? [] : await noteLines(odoo, note, cx), cx),
  };
}

const noteLines = (odoo: Odoo, note: number, cx: Context): Promise<Row[]> =>
  odoo.read('account.move.line', [['move_id', '=', note]], ['quantity', 'sale_line_ids'], cx);

/** Id of an order's oldest posted invoice, or null. */
export async function invoiceOf(odoo: Odoo, order: number, cx: Context): Promise<number | null> {
  const [invoice] = (await read(odoo, order, cx)).invoices;
  return invoice === undefined ? null : (invoice.id as number);
}

async function read(odoo: Odoo, id: number, cx: Context): Promise<{ row: Row; invoices: Row[] }> {
  const fields = ['name', 'state', 'partner_invoice_id', 'invoice_ids', 'invoice_status'];
  const [row] = await odoo.read('sale.order', [['id', '=', id]], fields, cx);
  if (!row) throw rejected('its order is no longer in Odoo', 'order-missing', 'order');
  const domain = [
    ['id', 'in', row.invoice_ids],
    ['move_type', '=', 'out_invoice'],
    ['state', '=', 'posted'],
  ];
  return { row, invoices: await odoo.read('account.move', domain, ['name'], cx) };
}

async function linesOf(odoo: Odoo, order: number, credited: readonly Row[], cx: Context): Promise<SaleLine[]> {
  const fields = ['product_id', 'name', 'qty_invoiced', 'qty_to_invoice'];
  const domain = [
    ['order_id', '=', order],
    ['display_type', '=', false],
  ];
  const rows = await odoo.read('sale.order.line', domain, fields, cx);
  const ids = rows.map(({ id }) => id as number);
  const names = await odoo.externalIds('sale.order.line', ids, cx);
  const over = rows.filter(({ qty_to_invoice }) => Number(qty_to_invoice) < 0);
  const invoiced = over.length === 0 ? [] : await invoiceLines(odoo, over, cx);
  return rows.map((row): SaleLine => {
    const billed = over.includes(row)
      ? invoiced.find(({ sale_line_ids }) => (sale_line_ids as number[]).includes(row.id as number))
      : undefined;
    return {
      id: row.id as number,
      product: relation(row.product_id).id,
      externalId: names.get(row.id as number) ?? null,
      description: String(row.name || ''),
      invoiced: credited
        .filter(({ sale_line_ids }) => (sale_line_ids as number[]).includes(row.id as number))
        .reduce((sum, { quantity }) => sum + Number(quantity), Number(row.qty_invoiced)),
      excess: billed ? excessOf(-Number(row.qty_to_invoice), billed) : null,
    };
  });
}

const invoiceLines = (odoo: Odoo, over: readonly Row[], cx: Context): Promise<Row[]> =>
  odoo.read(
    'account.move.line',
    [
      ['sale_line_ids', 'in', over.map(({ id }) => id)],
      ['parent_state', '=', 'posted'],
      ['move_id.move_type', '=', 'out_invoice'],
    ],
    ['quantity', 'price_unit', 'discount', 'tax_ids', 'price_total', 'sale_line_ids'],
    cx,
  );

/** Null for a line with a discount: what it is worth by the piece is not to be told in whole cents. */
function excessOf(quantity: number, line: Row): SaleLine['excess'] {
  if (Number(line.discount) !== 0 || quantity > Number(line.quantity)) return null;
  const total = (Number(line.price_total) / Number(line.quantity)) * quantity;
  return { quantity, unitPrice: Number(line.price_unit), taxes: line.tax_ids as number[], total };
}
