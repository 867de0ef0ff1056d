import type { Context } from '../../core/connector.ts';
import { FaultError } from '../../core/fault.ts';
import type { Odoo } from './database.ts';
import { externalId } from './external-id.ts';
import { load } from './load.ts';
import { type Row, relation } from './rows.ts';

/** Of an order that is to be invoiced once more. */
export interface Invoiced {
  readonly order: number;
  /** How many invoices it has. */
  readonly invoices: number;
}

/**
 * Invoices what was added to an order after its invoices: lines and pieces that no invoice has ever had. Odoo's own wizard would take with them what was given back, for that shows
 * as still to be invoiced. A draft, with an external id of the order and the number of the invoice, so that it may be repeated. Answers false where nothing was added.
 */
export async function invoiceAdded(odoo: Odoo, { order, invoices }: Invoiced, cx: Context): Promise<boolean> {
  const { lineTaxes } = await odoo.dialect(cx);
  const fields = ['product_id', 'name', 'product_uom_qty', 'price_unit', 'discount', 'qty_to_invoice', lineTaxes];
  const domain = [
    ['order_id', '=', order],
    ['display_type', '=', false],
  ];
  const lines = await odoo.read('sale.order.line', domain, fields, cx);
  const before = await everInvoiced(odoo, lines, cx);
  const rows = lines.flatMap((line) => {
    const added = Number(line.product_uom_qty) - (before.get(line.id as number) ?? 0);
    if (added <= 0 || Number(line.qty_to_invoice) <= 0) return [];
    return [
      {
        id: externalId(odoo.module(cx), 'added_line', String(order), String(invoices), String(line.id)),
        'product_id/.id': String(relation(line.product_id).id),
        name: String(line.name),
        quantity: String(Math.min(added, Number(line.qty_to_invoice))),
        price_unit: String(line.price_unit),
        discount: String(line.discount),
        'tax_ids/.id': (line[lineTaxes] as number[]).join(','),
        'sale_line_ids/.id': String(line.id),
      },
    ];
  });
  if (rows.length === 0) return false;
  const [sale] = await odoo.read('sale.order', [['id', '=', order]], ['name', 'partner_invoice_id'], cx);
  const cells = {
    id: externalId(odoo.module(cx), 'added_invoice', String(order), String(invoices)),
    move_type: 'out_invoice',
    'partner_id/.id': String(relation(sale!.partner_invoice_id).id),
    invoice_origin: String(sale!.name),
  };
  const [loaded] = await load(odoo, 'account.move', [{ cells, lines: { field: 'invoice_line_ids', rows } }], cx);
  if (loaded!.outcome === 'failed') throw new FaultError(loaded!.fault);
  if (loaded!.outcome === 'untouched')
    throw new FaultError({ kind: 'transient', message: 'Odoo did not take the invoice; nothing was changed' });
  return true;
}

/** Pieces that invoices have had of sale lines, whatever was credited since. */
async function everInvoiced(odoo: Odoo, lines: readonly Row[], cx: Context): Promise<Map<number, number>> {
  const domain = [
    ['sale_line_ids', 'in', lines.map(({ id }) => id)],
    ['parent_state', '!=', 'cancel'],
    ['move_id.move_type', '=', 'out_invoice'],
  ];
  const all = new Map<number, number>();
  for (const { quantity, sale_line_ids } of await odoo.read(
    'account.move.line',
    domain,
    ['quantity', 'sale_line_ids'],
    cx,
  ))
    for (const id of sale_line_ids as number[]) all.set(id, (all.get(id) ?? 0) + Number(quantity));
  return all;
}
