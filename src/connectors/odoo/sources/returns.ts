import type { Context, PollSource } from '../../../core/connector.ts';
import type { Odoo } from '../database.ts';
import { type Row, relation } from '../rows.ts';
import { later, rfc3339 } from './cursor.ts';
import { type Capture, feed, type Native } from './feed.ts';
import { ordersOf, type SoldOrder } from './sold-orders.ts';

interface ReturnedLine {
  /** Id of the sale line and external id that the hub gave it. */
  readonly saleLine: number;
  readonly externalId: string | null;
  readonly product: number;
  readonly code: string | null;
  /** In the product's own unit. */
  readonly quantity: number;
  /** Whether it lies where the stock feed counts it. */
  readonly sellable: boolean;
}

/** A receipt of goods that an order had brought to a customer. Once done it does not change any more. */
export interface ReturnRecord extends Native {
  readonly name: string;
  readonly order: SoldOrder;
  readonly warehouse: string;
  /** RFC 3339, UTC. */
  readonly doneAt: string;
  readonly lines: readonly ReturnedLine[];
}

/** `from`: RFC 3339; what came back before is not read. */
export interface ReturnSettings {
  readonly every: PollSource<ReturnRecord>['every'];
  readonly from: string | null;
}

/**
 * Goods that came back, once their receipt is done: with Odoo's own *Return* button, or otherwise as the return of a move that had shipped them. What the hub booked itself is left
 * out by its external id. Since the go-live, or since the hub began to read.
 */
export const returns = (capture: Capture, { every, from }: ReturnSettings): PollSource<ReturnRecord> => {
  const { odoo } = capture;
  const domainOf = async (cx: Context, begun: string) => [
    ['company_id', '=', (await odoo.company(cx)).id],
    ['return_id', '!=', false],
    ['state', '=', 'done'],
    ['date_done', '>=', from === null ? begun : from.slice(0, 19).replace('T', ' ')],
  ];
  return feed<ReturnRecord>(capture, {
    name: 'returns',
    every,
    noun: 'return',
    watched: async (cx) => [
      {
        model: 'stock.picking',
        domain: [
          ['company_id', '=', (await odoo.company(cx)).id],
          ['return_id', '!=', false],
          ['state', '=', 'done'],
        ],
        root: 'id',
      },
    ],
    all: async (cx, begun) => ({ model: 'stock.picking', domain: await domainOf(cx, begun) }),
    read: async (ids, _now, cx, begun) => read(odoo, [['id', 'in', ids], ...(await domainOf(cx, begun))], cx),
    labels: ({ name, order }) => ({ order: order.reference ?? order.name, return: name }),
    decode: (bytes) => JSON.parse(Buffer.from(bytes).toString()) as ReturnRecord,
  });
};

const moveFields = [
  ...['picking_id', 'sale_line_id', 'product_id', 'location_dest_id', 'write_date'],
  ...['quantity', 'product_qty', 'product_uom_qty'],
];

async function read(odoo: Odoo, domain: readonly unknown[], cx: Context): Promise<ReturnRecord[]> {
  const fields = ['name', 'date_done', 'picking_type_id', 'write_date'];
  const found = await odoo.read('stock.picking', domain, fields, cx);
  const marks = await odoo.externalIds('stock.picking', idsOf(found), cx);
  const own = `${odoo.module(cx)}.`;
  const rows = found.filter(({ id }) => marks.get(id as number)?.startsWith(own) !== true);
  if (rows.length === 0) return [];
  const back = [
    ['picking_id', 'in', idsOf(rows)],
    ['state', '=', 'done'],
    ['sale_line_id', '!=', false],
    ['location_id.usage', '=', 'customer'],
  ];
  const moves = await odoo.read('stock.move', back, moveFields, cx);
  const lineOf = await lineReader(odoo, moves, cx);
  const byLine = await orderOfLines(odoo, moves, cx);
  const orders = await ordersOf(odoo, [...new Set(byLine.values())], cx);
  const met = rows.map((row) => relation(row.picking_type_id).id);
  const types = await odoo.pickingTypes(cx, met);
  const mine = Map.groupBy(moves, (row) => relation(row.picking_id).id);
  return rows.flatMap((row): ReturnRecord[] => {
    const own = mine.get(row.id as number) ?? [];
    const order = own[0] && orders.get(byLine.get(relation(own[0].sale_line_id).id) ?? 0);
    const warehouse = types.get(relation(row.picking_type_id).id);
    if (!order || warehouse == null) return [];
    const lines = own.map(lineOf).filter(({ quantity }) => quantity > 0);
    if (lines.length === 0) return [];
    return [
      {
        id: row.id as number,
        version: [row, ...own].map((one) => String(one.write_date).slice(0, 19)).reduce(later),
        name: String(row.name),
        order,
        warehouse,
        doneAt: rfc3339(String(row.date_done)),
        lines,
      },
    ];
  });
}

const idsOf = (rows: readonly Row[]): number[] => rows.map(({ id }) => id as number);

async function orderOfLines(odoo: Odoo, moves: readonly Row[], cx: Context): Promise<Map<number, number>> {
  const ids = [...new Set(moves.map((row) => relation(row.sale_line_id).id))];
  const rows = ids.length === 0 ? [] : await odoo.read('sale.order.line', [['id', 'in', ids]], ['order_id'], cx);
  return new Map(rows.map((row) => [row.id as number, relation(row.order_id).id]));
}

/** What a move brought, with what it needs of others read once. */
async function lineReader(odoo: Odoo, moves: readonly Row[], cx: Context): Promise<(row: Row) => ReturnedLine> {
  const idsIn = (field: string) => [...new Set(moves.map((row) => relation(row[field]).id))];
  const names = await odoo.externalIds('sale.order.line', idsIn('sale_line_id'), cx);
  const all = ['active', 'in', [true, false]];
  const products = await odoo.read('product.product', [all, ['id', 'in', idsIn('product_id')]], ['default_code'], cx);
  const codes = new Map(products.map((row) => [row.id, row.default_code]));
  const places = await odoo.read('stock.location', [all, ['id', 'in', idsIn('location_dest_id')]], ['usage'], cx);
  const usage = new Map(places.map((row) => [row.id, row.usage]));
  return (row) => {
    const saleLine = relation(row.sale_line_id).id;
    const product = relation(row.product_id).id;
    const code = codes.get(product);
    // Moves may be in dozens; the rest of the hub counts pieces.
    const pieces = (Number(row.quantity) * Number(row.product_qty)) / (Number(row.product_uom_qty) || 1);
    return {
      saleLine,
      externalId: names.get(saleLine) ?? null,
      product,
      code: typeof code === 'string' ? code : null,
      quantity: Math.round(pieces * 1e6) / 1e6,
      sellable: usage.get(relation(row.location_dest_id).id) === 'internal',
    };
  };
}
