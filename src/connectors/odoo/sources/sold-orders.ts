import type { Context } from '../../../core/connector.ts';
import type { Odoo } from '../database.ts';
import { type Row, relation } from '../rows.ts';

/** Id, own number and customer's reference of a sale order. */
export interface SoldOrder {
  readonly id: number;
  readonly name: string;
  readonly reference: string | null;
  /** External id that the hub gave one of its lines; null for an order that people made. */
  readonly line: string | null;
}

interface Orders {
  /** Those that a credit note is for, by its lines, else by the invoice that it reverses, else by its source document. */
  of(note: Row, saleLines: readonly number[]): SoldOrder[];
}

/** Sale orders of credit notes and of the sale lines that they are tied to. */
export async function soldOrders(
  odoo: Odoo,
  notes: readonly Row[],
  saleLines: readonly number[],
  cx: Context,
): Promise<Orders> {
  const reversed = notes.map((row) => relation(row.reversed_entry_id).id).filter((id) => id !== 0);
  const invoiced = await invoiceLines(odoo, reversed, cx);
  const lines = [...new Set([...saleLines, ...[...invoiced.values()].flat()])];
  const rows = lines.length === 0 ? [] : await odoo.read('sale.order.line', [['id', 'in', lines]], ['order_id'], cx);
  const orderOf = new Map(rows.map((row) => [row.id as number, relation(row.order_id).id]));
  const origins = notes.flatMap(({ invoice_origin: origin }) => (typeof origin === 'string' && origin ? [origin] : []));
  const named =
    origins.length === 0 ? [] : await odoo.read('sale.order', await byName(odoo, origins, cx), ['name'], cx);
  const ids = [...new Set([...orderOf.values(), ...named.map(({ id }) => id as number)])];
  const orders = await ordersOf(odoo, ids, cx);
  return {
    of: (note, own) => {
      const tied = own.filter((id) => id !== 0);
      const via = tied.length > 0 ? tied : (invoiced.get(relation(note.reversed_entry_id).id) ?? []);
      const found = new Set(via.map((line) => orderOf.get(line)).filter((id) => id !== undefined));
      if (found.size === 0) for (const { id, name } of named) if (name === note.invoice_origin) found.add(id as number);
      return [...found].sort((a, b) => a - b).flatMap((id) => orders.get(id) ?? []);
    },
  };
}

const byName = async (odoo: Odoo, names: readonly string[], cx: Context) => [
  ['company_id', '=', (await odoo.company(cx)).id],
  ['name', 'in', [...new Set(names)]],
];

/** Sale lines of invoices. */
async function invoiceLines(odoo: Odoo, invoices: readonly number[], cx: Context): Promise<Map<number, number[]>> {
  const all = new Map<number, number[]>();
  if (invoices.length === 0) return all;
  const domain = [
    ['move_id', 'in', invoices],
    ['sale_line_ids', '!=', false],
  ];
  for (const row of await odoo.read('account.move.line', domain, ['move_id', 'sale_line_ids'], cx)) {
    const { id } = relation(row.move_id);
    all.set(id, [...(all.get(id) ?? []), ...(row.sale_line_ids as number[])]);
  }
  return all;
}

/** Orders by id, each with the external id of one of its lines: an order may be read before the answer that tells its id. */
export async function ordersOf(odoo: Odoo, ids: readonly number[], cx: Context): Promise<Map<number, SoldOrder>> {
  if (ids.length === 0) return new Map();
  const rows = await odoo.read('sale.order', [['id', 'in', ids]], ['name', 'client_order_ref', 'order_line'], cx);
  const lines = rows.flatMap((row) => row.order_line as number[]);
  const names = await odoo.externalIds('sale.order.line', lines, cx);
  const own = `${odoo.module(cx)}.`;
  return new Map(
    rows.map((row) => [
      row.id as number,
      {
        id: row.id as number,
        name: String(row.name),
        reference: typeof row.client_order_ref === 'string' ? row.client_order_ref : null,
        line:
          (row.order_line as number[]).map((id) => names.get(id)).find((name) => name?.startsWith(own) === true) ??
          null,
      },
    ]),
  );
}
