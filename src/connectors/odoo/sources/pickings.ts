import type { Context, PollSource } from '../../../core/connector.ts';
import type { Address } from '../../../model/address.ts';
import type { Odoo } from '../database.ts';
import { type Row, relation } from '../rows.ts';
import { addressesOf } from './addresses.ts';
import { later } from './cursor.ts';
import { type Capture, feed, type Native } from './feed.ts';

export interface MoveRecord {
  /** Id of the sale line and external id that the hub gave it; null for what no sale line asked for. */
  readonly saleLine: number | null;
  readonly externalId: string | null;
  readonly product: number;
  readonly code: string | null;
  readonly description: string;
  readonly state: string;
  /** Wanted, and moved or reserved, in the product's own unit. */
  readonly wanted: number;
  readonly moved: number;
}

export interface PickingRecord {
  readonly id: number;
  readonly name: string;
  readonly state: string;
  /** Id of the picking whose rest it is; null for the first. */
  readonly rest: number | null;
  /** RFC 3339, UTC; null until it is done. */
  readonly doneAt: string | null;
  /** Source document, in which the hub leaves its marks. */
  readonly origin: string | null;
  readonly carrier: string | null;
  readonly tracking: string | null;
  readonly moves: readonly MoveRecord[];
}

/** A delivery to a customer: the first picking and all its backorders. */
export interface DeliveryRecord extends Native {
  /** Id, own number and customer's reference of the sale order. */
  readonly order: { readonly id: number; readonly name: string; readonly reference: string | null };
  readonly warehouse: string;
  /** RFC 3339, UTC, or null. */
  readonly promisedAt: string | null;
  readonly shipTo: Address;
  /** The first one first. */
  readonly pickings: readonly PickingRecord[];
}

const shippedStates = ['confirmed', 'assigned', 'done', 'cancel'];

/**
 * Deliveries of sale orders. A picking and its backorders are one record, known by the first of them: what is shipped in parts stays one job for whoever ships it.
 * Only the last step leaves to the customer, so where goods are picked and packed in steps of their own it appears when it may be begun.
 */
export const pickings = (capture: Capture, every: PollSource<DeliveryRecord>['every']): PollSource<DeliveryRecord> => {
  const { odoo } = capture;
  return feed<DeliveryRecord>(capture, {
    name: 'pickings',
    every,
    noun: 'delivery',
    watched: async (cx) => {
      const company = ['company_id', '=', (await odoo.company(cx)).id];
      return [
        {
          model: 'stock.picking',
          domain: [company, ['sale_id', '!=', false], ['picking_type_id.code', '=', 'outgoing']],
          root: 'id',
        },
        {
          model: 'stock.move',
          domain: [company, ['sale_line_id', '!=', false], ['picking_id.picking_type_id.code', '=', 'outgoing']],
          root: 'picking_id',
        },
      ];
    },
    all: async (cx) => ({
      model: 'stock.picking',
      domain: [
        ['company_id', '=', (await odoo.company(cx)).id],
        ['sale_id', '!=', false],
        ['picking_type_id.code', '=', 'outgoing'],
        ['state', 'in', ['confirmed', 'assigned']],
      ],
    }),
    read: (ids, _now, cx) => readDeliveries(odoo, ids, cx),
    labels: ({ order, pickings }) => ({ order: order.reference ?? order.name, picking: pickings.at(-1)!.name }),
    decode: (bytes) => JSON.parse(Buffer.from(bytes).toString()) as DeliveryRecord,
  });
};

/** Deliveries that any of these pickings belong to. Those that are not to begin yet, and drafts, are left out. */
export async function readDeliveries(odoo: Odoo, ids: readonly number[], cx: Context): Promise<DeliveryRecord[]> {
  const rows = await chainsOf(odoo, ids, cx);
  const moves = await movesOf(odoo, [...rows.keys()], cx);
  const orders = await byId(
    odoo,
    'sale.order',
    [...rows.values()].map((row) => relation(row.sale_id).id),
    cx,
    ['name', 'client_order_ref', 'commitment_date'],
  );
  const addresses = await addressesOf(
    odoo,
    [...rows.values()].map((row) => relation(row.partner_id).id),
    cx,
  );
  const met = [...rows.values()].map((row) => relation(row.picking_type_id).id);
  const types = await odoo.pickingTypes(cx, met);
  const chains = Map.groupBy(rows.values(), (row) => rootOf(row, rows));
  return [...chains].flatMap(([id, unsorted]): DeliveryRecord[] => {
    const chain = unsorted
      .filter((row) => shippedStates.includes(String(row.state)))
      .sort((a, b) => (a.id as number) - (b.id as number));
    const [first] = chain;
    const order = first && orders.get(relation(first.sale_id).id);
    const warehouse = first && types.get(relation(first.picking_type_id).id);
    const shipTo = first && addresses.get(relation(first.partner_id).id);
    if (!order || warehouse == null || !shipTo) return [];
    const own = chain.map((row) => ({ row, moves: moves.get(row.id as number) ?? [] }));
    const times = own.flatMap(({ row, moves }) => [row, ...moves.map(({ row: move }) => move)]);
    return [
      {
        id,
        version: times.map((row) => String(row.write_date).slice(0, 19)).reduce(later),
        order: {
          id: order.id as number,
          name: String(order.name),
          reference: typeof order.client_order_ref === 'string' ? order.client_order_ref : null,
        },
        warehouse,
        promisedAt: momentOf(order.commitment_date),
        shipTo,
        pickings: own.map(({ row, moves }) =>
          pickingOf(
            row,
            moves.map(({ move }) => move),
          ),
        ),
      },
    ];
  });
}

const momentOf = (value: unknown): string | null =>
  typeof value === 'string' ? `${value.slice(0, 19).replace(' ', 'T')}Z` : null;

const pickingOf = (row: Row, moves: readonly MoveRecord[]): PickingRecord => ({
  id: row.id as number,
  name: String(row.name),
  state: String(row.state),
  rest: relation(row.backorder_id).id || null,
  doneAt: momentOf(row.date_done),
  origin: typeof row.origin === 'string' ? row.origin : null,
  carrier: relation(row.carrier_id).name || null,
  tracking: typeof row.carrier_tracking_ref === 'string' ? row.carrier_tracking_ref : null,
  moves,
});

/** The pickings, all that they are backorders of, and all backorders of those. */
async function chainsOf(odoo: Odoo, ids: readonly number[], cx: Context): Promise<Map<number, Row>> {
  const fields = [
    'name',
    'state',
    'origin',
    'backorder_id',
    'sale_id',
    'partner_id',
    'picking_type_id',
    'date_done',
    'write_date',
    ...(await odoo.has('stock.picking', ['carrier_id', 'carrier_tracking_ref'], cx)),
  ];
  const found = new Map<number, Row>();
  let wanted = [...new Set(ids)];
  while (wanted.length > 0) {
    const domain = ['|', ['id', 'in', wanted], ['backorder_id', 'in', wanted]];
    const rows = await odoo.read('stock.picking', [['sale_id', '!=', false], ...domain], fields, cx);
    const fresh = rows.filter((row) => !found.has(row.id as number));
    for (const row of fresh) found.set(row.id as number, row);
    const above = fresh.map((row) => relation(row.backorder_id).id).filter((id) => id !== 0 && !found.has(id));
    const below = fresh.map((row) => row.id as number).filter((id) => !wanted.includes(id));
    wanted = [...new Set([...above, ...below])];
  }
  return found;
}

function rootOf(row: Row, rows: ReadonlyMap<number, Row>): number {
  const above = rows.get(relation(row.backorder_id).id);
  return above ? rootOf(above, rows) : (row.id as number);
}

async function byId(
  odoo: Odoo,
  model: string,
  ids: readonly number[],
  cx: Context,
  fields: readonly string[],
): Promise<Map<number, Row>> {
  const rows = ids.length === 0 ? [] : await odoo.read(model, [['id', 'in', [...new Set(ids)]]], fields, cx);
  return new Map(rows.map((row) => [row.id as number, row]));
}

/** Moves of pickings, by picking, with the external ids of their sale lines. */
async function movesOf(
  odoo: Odoo,
  pickings: readonly number[],
  cx: Context,
): Promise<Map<number, { row: Row; move: MoveRecord }[]>> {
  if (pickings.length === 0) return new Map();
  const fields = [
    'picking_id',
    'product_id',
    'sale_line_id',
    'state',
    'product_uom_qty',
    'product_qty',
    'quantity',
    'write_date',
  ];
  const rows = await odoo.read('stock.move', [['picking_id', 'in', pickings]], fields, cx);
  const lines = [...new Set(rows.map((row) => relation(row.sale_line_id).id).filter((id) => id !== 0))];
  const names = await odoo.externalIds('sale.order.line', lines, cx);
  const products = await odoo.read(
    'product.product',
    [
      ['id', 'in', [...new Set(rows.map((row) => relation(row.product_id).id))]],
      ['active', 'in', [true, false]],
    ],
    ['default_code', 'name'],
    cx,
  );
  const known = new Map(products.map((row) => [row.id as number, row]));
  return Map.groupBy(
    rows.map((row) => ({ row, move: moveOf(row, known, names) })),
    ({ row }) => relation(row.picking_id).id,
  );
}

function moveOf(row: Row, products: ReadonlyMap<number, Row>, names: ReadonlyMap<number, string>): MoveRecord {
  const product = products.get(relation(row.product_id).id);
  const line = relation(row.sale_line_id).id;
  // Moves may be in dozens; the rest of the hub counts pieces.
  const ratio = Number(row.product_uom_qty) === 0 ? 1 : Number(row.product_qty) / Number(row.product_uom_qty);
  return {
    saleLine: line || null,
    externalId: names.get(line) ?? null,
    product: relation(row.product_id).id,
    code: typeof product?.default_code === 'string' ? product.default_code : null,
    description: String(product?.name ?? relation(row.product_id).name),
    state: String(row.state),
    wanted: Number(row.product_qty),
    moved: Math.round(Number(row.quantity) * ratio * 1e6) / 1e6,
  };
}
