import type { Context } from '../../../core/connector.ts';
import { rejected } from '../../../core/fault.ts';
import type { Refund } from '../../../model/refund.ts';
import type { Odoo } from '../database.ts';
import { type Row, relation } from '../rows.ts';
import { payableOf } from './payable.ts';

/** A line of an order that is to be credited. */
export interface SaleLine {
  readonly id: number;
  readonly product: number;
  /** External id, or null for a line that a person made. */
  readonly externalId: string | null;
  readonly description: string;
  readonly invoiced: number;
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
    await payableOf(odoo, id, { currency: refund.currency, amount: 0n, fresh: false }, cx);
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
  const fields = ['product_id', 'name', 'qty_invoiced'];
  const domain = [
    ['order_id', '=', order],
    ['display_type', '=', false],
  ];
  const rows = await odoo.read('sale.order.line', domain, fields, cx);
  const ids = rows.map(({ id }) => id as number);
  const names = await odoo.externalIds('sale.order.line', ids, cx);
  return rows.map(
    (row): SaleLine => ({
      id: row.id as number,
      product: relation(row.product_id).id,
      externalId: names.get(row.id as number) ?? null,
      description: String(row.name || ''),
      invoiced: credited
        .filter(({ sale_line_ids }) => (sale_line_ids as number[]).includes(row.id as number))
        .reduce((sum, { quantity }) => sum + Number(quantity), Number(row.qty_invoiced)),
    }),
  );
}
