import type { Context } from '../../../core/connector.ts';
import type { Odoo } from '../database.ts';
import { type Row, relation } from '../rows.ts';

/** A receipt that brought goods back from a customer. */
export interface BroughtBack {
  /** Id of the transfer. */
  readonly picking: number;
  /** Code of its warehouse; null where it is of none, and the goods are for sale nowhere. */
  readonly warehouse: string | null;
}

interface Receipts {
  /** The receipt that brought back what a line of a credit note credits; null where less has come than was credited up to this credit note. */
  cover(note: number, line: Row, saleLine: number): BroughtBack | null;
}

const inOwnUnit = (row: Row): number =>
  (Number(row.quantity) * Number(row.product_qty)) / (Number(row.product_uom_qty) || 1);

/** What came back into stock of sale lines, and what was credited of them. */
export async function broughtBack(odoo: Odoo, saleLines: readonly number[], cx: Context): Promise<Receipts> {
  const lines = [...new Set(saleLines)];
  if (lines.length === 0) return { cover: () => null };
  const returned = [
    ['sale_line_id', 'in', lines],
    ['state', '=', 'done'],
    ['location_id.usage', '=', 'customer'],
    ['location_dest_id.usage', '=', 'internal'],
  ];
  const amounts = ['quantity', 'product_qty', 'product_uom_qty'];
  const moves = await odoo.read('stock.move', returned, ['sale_line_id', 'picking_id', ...amounts], cx);
  const posted = [
    ['sale_line_ids', 'in', lines],
    ['parent_state', '=', 'posted'],
    ['move_id.move_type', '=', 'out_refund'],
  ];
  const credited =
    moves.length === 0
      ? []
      : await odoo.read('account.move.line', posted, ['move_id', 'quantity', 'sale_line_ids'], cx);
  const pickings = [...new Set(moves.map((row) => relation(row.picking_id).id))];
  const rows =
    pickings.length === 0 ? [] : await odoo.read('stock.picking', [['id', 'in', pickings]], ['picking_type_id'], cx);
  const met = rows.map((row) => relation(row.picking_type_id).id);
  const types = await odoo.pickingTypes(cx, met);
  const warehouses = new Map(
    rows.map((row) => [row.id as number, types.get(relation(row.picking_type_id).id) ?? null]),
  );
  return {
    cover: (note, line, saleLine) => {
      const own = moves.filter((row) => relation(row.sale_line_id).id === saleLine);
      const before = credited
        .filter((row) => (row.sale_line_ids as number[]).includes(saleLine) && relation(row.move_id).id <= note)
        .filter((row) => row.id !== line.id)
        .reduce((sum, { quantity }) => sum + Number(quantity), 0);
      let wanted = before + Number(line.quantity);
      for (const row of own.sort((a, b) => (a.id as number) - (b.id as number))) {
        wanted -= inOwnUnit(row);
        const picking = relation(row.picking_id).id;
        if (wanted <= 1e-6) return { picking, warehouse: warehouses.get(picking) ?? null };
      }
      return null;
    },
  };
}
