import type { Context, Item, Match } from '../../../core/connector.ts';
import type { Return } from '../../../model/return.ts';
import type { Odoo } from '../database.ts';
import { type Row, relation } from '../rows.ts';
import { likeOnes, mayBe, orderIdOf } from './done-before.ts';
import { namesOf } from './return-moves.ts';

/** What a receipt from a customer brought back, or is to bring, of one order. */
interface CameBack {
  readonly order: number;
  /** Pieces by product, in its own unit. */
  readonly pieces: Map<number, number>;
}

const rounded = (value: number): number => Math.round(value * 1e6) / 1e6;

/**
 * Receipts of what the order had brought to the customer, done by people with the same goods in the same quantities; products by internal reference or barcode. What is not done yet, or is
 * otherwise, a person decides on. A return that nobody has received yet is matched with none: nothing is made of it.
 */
export async function returnsAlike(odoo: Odoo, items: readonly Item<Return>[], cx: Context): Promise<Match[]> {
  const orders = items.filter(({ document }) => document.state === 'received').map(orderIdOf);
  const back = await cameBack(
    odoo,
    [...new Set(orders)].filter((id) => id > 0),
    cx,
  );
  if (back.size === 0) return items.map(() => ({ match: 'none' }));
  const ids = [...back.keys()];
  const rows = await odoo.read('stock.picking', [['id', 'in', ids]], ['name', 'state'], cx);
  const names = await odoo.externalIds('stock.picking', ids, cx);
  const codes = await codesOf(odoo, [...back.values()], cx);
  const shown = ({ id, name, state }: Row): string => {
    const goods = [...back.get(id as number)!.pieces].map(
      ([product, pieces]) => `${pieces} of ${codes.get(product)?.[0] ?? 'a product'}`,
    );
    return `${state === 'done' ? '' : 'open '}receipt ${String(name)} (id ${String(id)}) with ${goods.join(', ')}`;
  };
  return likeOnes(
    items,
    {
      kind: 'return',
      by: 'order and goods',
      of: (item) => {
        const order = item.document.state === 'received' ? orderIdOf(item) : 0;
        const own = namesOf(odoo, item, cx).back;
        return rows.filter(
          ({ id }) => back.get(id as number)!.order === order && mayBe(odoo, names.get(id as number), own, cx),
        );
      },
      agrees: ({ document }, { id, state }) => state === 'done' && isSame(document, back.get(id as number)!, codes),
      names: (item, { id }) => names.get(id as number) === namesOf(odoo, item, cx).back,
      told: ({ document }) => `return ${document.number} of order ${document.orderNumber}`,
      shown,
    },
    cx,
  );
}

/** By receipt. */
async function cameBack(odoo: Odoo, orders: readonly number[], cx: Context): Promise<Map<number, CameBack>> {
  const back = new Map<number, CameBack>();
  if (orders.length === 0) return back;
  const domain = [
    ['sale_line_id.order_id', 'in', orders],
    ['location_id.usage', '=', 'customer'],
    ['state', 'not in', ['draft', 'cancel']],
  ];
  const fields = ['picking_id', 'sale_line_id', 'product_id', 'state', 'quantity', 'product_qty', 'product_uom_qty'];
  const moves = await odoo.read('stock.move', domain, fields, cx);
  const lines = [...new Set(moves.map((row) => relation(row.sale_line_id).id))];
  const sold = lines.length === 0 ? [] : await odoo.read('sale.order.line', [['id', 'in', lines]], ['order_id'], cx);
  const orderOf = new Map(sold.map((row) => [row.id, relation(row.order_id).id]));
  for (const row of moves) {
    const picking = relation(row.picking_id).id;
    const order = orderOf.get(relation(row.sale_line_id).id);
    if (picking === 0 || order === undefined) continue;
    const product = relation(row.product_id).id;
    const { pieces } = back.get(picking) ?? back.set(picking, { order, pieces: new Map() }).get(picking)!;
    const whole = Number(row.product_qty);
    const came = row.state === 'done' ? (Number(row.quantity) * whole) / (Number(row.product_uom_qty) || 1) : whole;
    pieces.set(product, rounded((pieces.get(product) ?? 0) + came));
  }
  return back;
}

/** Codes by which a product may be known, by product. */
async function codesOf(odoo: Odoo, back: readonly CameBack[], cx: Context): Promise<Map<number, string[]>> {
  const domain = [
    ['id', 'in', [...new Set(back.flatMap(({ pieces }) => [...pieces.keys()]))]],
    ['active', 'in', [true, false]],
  ];
  const rows = await odoo.read('product.product', domain, ['default_code', 'barcode'], cx);
  const known = (row: Row): string[] =>
    [row.default_code, row.barcode].flatMap((code) => (typeof code === 'string' && code ? [code.toUpperCase()] : []));
  return new Map(rows.map((row) => [row.id as number, known(row)]));
}

/** Whether what came back is just what the return says. */
function isSame({ lines }: Return, { pieces }: CameBack, codes: ReadonlyMap<number, readonly string[]>): boolean {
  const wanted = new Map<string, number>();
  for (const { sku, quantity } of lines) {
    const code = sku.toUpperCase();
    wanted.set(code, rounded((wanted.get(code) ?? 0) + Number(quantity)));
  }
  const came = [...pieces].filter(([, count]) => count > 0);
  return (
    came.length === wanted.size &&
    came.every(([product, count]) => codes.get(product)?.some((code) => wanted.get(code) === count) === true)
  );
}
