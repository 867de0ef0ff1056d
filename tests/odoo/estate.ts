import { randomUUID } from 'node:crypto';
import type { Odoo } from '../../src/connectors/odoo/database.ts';
import type { Context, Incoming, Item, PollSource, Result } from '../../src/core/connector.ts';
import type { AnyDocumentType, BodyOf } from '../../src/core/document.ts';
import type { Fault } from '../../src/core/fault.ts';
import type { Look } from '../../src/core/flow.ts';
import type { Order } from '../../src/model/order.ts';
import { makeContext } from './context.ts';
import { directly, type OdooServer, rpc } from './servers.ts';

/** People at work in an Odoo, beside the hub. Everything they make has names of its own. */
export interface People {
  readonly run: string;
  readonly cx: Context;
  readonly direct: Odoo;
  /** Any public method, with Odoo's own words where it refuses. */
  call(model: string, method: string, args: readonly unknown[], context?: Record<string, unknown>): Promise<unknown>;
  create(model: string, vals: Record<string, unknown>, context?: Record<string, unknown>): Promise<number>;
  write(model: string, id: number, vals: Record<string, unknown>, context?: Record<string, unknown>): Promise<void>;
  /** Goods that are counted, with this code; `onHand` in the first warehouse. */
  product(code: string, onHand?: number, more?: Record<string, unknown>): Promise<number>;
  count(product: number, quantity: number, location?: number): Promise<void>;
  /** A confirmed order; gives its id and that of its picking. */
  order(product: number, quantity: number, more?: Record<string, unknown>): Promise<{ order: number; picking: number }>;
  /** Ships as much of a picking; the rest becomes a backorder. */
  ship(picking: number, quantity: number, tracking?: string): Promise<void>;
}

export async function people(server: OdooServer, mappings: Parameters<typeof makeContext>[0] = {}): Promise<People> {
  const run = randomUUID().slice(0, 8);
  const cx = makeContext({ connection: `e-${run}`, secrets: { ODOO_KEY: server.key }, ...mappings });
  const direct = directly(server);
  const { uid } = await direct.introduction(cx);
  const company = await direct.company(cx);
  const call: People['call'] = (model, method, args, context = {}) =>
    rpc(server, uid, model, method, args, { context: { allowed_company_ids: [company.id], ...context } });
  const first = (made: unknown): number => (Array.isArray(made) ? (made[0] as number) : (made as number));
  const create: People['create'] = async (model, vals, context) =>
    first(await call(model, 'create', [[vals]], context));
  const write: People['write'] = async (model, id, vals, context) => {
    await call(model, 'write', [[id], vals], context);
  };
  const count: People['count'] = async (product, quantity, location) => {
    const { stockLocation } = await direct.warehouse(cx);
    const vals = { product_id: product, location_id: location ?? stockLocation, inventory_quantity: quantity };
    const quant = await create('stock.quant', vals, { inventory_mode: true });
    await call('stock.quant', 'action_apply_inventory', [[quant]]);
  };
  const partner = await create('res.partner', {
    name: `Buyer ${run}`,
    street: 'High Street 1',
    city: 'Leeds',
    zip: 'LS1',
  });
  return {
    run,
    cx,
    direct,
    call,
    create,
    write,
    count,
    product: async (code, onHand = 0, more = {}) => {
      const vals = {
        name: `Thing ${code}`,
        type: 'consu',
        is_storable: true,
        default_code: `${code}-${run}`,
        taxes_id: [],
      };
      const product = await create('product.product', { ...vals, ...more });
      if (onHand > 0) await count(product, onHand);
      return product;
    },
    order: async (product, quantity, more = {}) => {
      const line = { product_id: product, product_uom_qty: quantity, price_unit: 10 };
      const order = await create('sale.order', { partner_id: partner, order_line: [[0, 0, line]], ...more });
      await call('sale.order', 'action_confirm', [[order]]);
      const [picking] = await direct.read('stock.picking', [['sale_id', '=', order]], ['name'], cx);
      return { order, picking: picking!.id as number };
    },
    ship: async (picking, quantity, tracking) => {
      const [move] = await direct.read('stock.move', [['picking_id', '=', picking]], ['quantity'], cx);
      await write('stock.move', move!.id as number, { quantity, picked: true });
      if (tracking) await write('stock.picking', picking, { carrier_tracking_ref: tracking });
      await call('stock.picking', 'button_validate', [[picking]], { skip_backorder: true });
    },
  };
}

/** An order's books, in cents: what was invoiced, credited and is open on either, and what of its money stands on the customer's account. */
export async function booksOf(
  { direct, cx }: People,
  order: number,
): Promise<{ state: unknown; invoiced: number; credited: number; open: number; standing: number }> {
  const cents = (value: unknown): number => Math.round(Number(value) * 100);
  const [sale] = await direct.read('sale.order', [['id', '=', order]], ['name', 'invoice_ids', 'state'], cx);
  const ids = sale!.invoice_ids as number[];
  const figures = ['move_type', 'amount_total', 'amount_residual', 'state'];
  const moves = await direct.read('account.move', [['id', 'in', ids]], figures, cx);
  const sum = (field: string, type?: string): number =>
    moves.reduce((all, one) => (type && one.move_type !== type ? all : all + cents(one[field])), 0);
  const payments = await direct.read(
    'account.payment',
    ['|', ['payment_reference', '=', sale!.name], ['invoice_ids', 'in', ids]],
    ['move_id'],
    cx,
  );
  const lines = await direct.read(
    'account.move.line',
    [
      ['move_id', 'in', payments.map(({ move_id: move }) => (move as [number, string])[0])],
      ['account_id.account_type', '=', 'asset_receivable'],
    ],
    ['amount_residual'],
    cx,
  );
  return {
    state: sale!.state,
    invoiced: sum('amount_total', 'out_invoice'),
    credited: sum('amount_total', 'out_refund'),
    open: sum('amount_residual'),
    standing: lines.reduce((all, one) => all - cents(one.amount_residual), 0),
  };
}

/** Reads a source from a cursor to its end. */
export async function readAll<N>(
  source: PollSource<N>,
  cursor: string | null,
  cx: Context,
): Promise<{ items: Incoming[]; natives: N[]; cursor: string | null }> {
  const items: Incoming[] = [];
  let last = cursor;
  for await (const page of source.pull(cursor, cx)) {
    items.push(...page.items);
    last = page.cursor;
  }
  return { items, natives: items.map(({ bytes }) => source.decode(bytes)), cursor: last };
}

/** What a translation may look at: Mapping tables, and documents that the test says are there. */
export function lookWith(parts: {
  readonly mappings?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly keys?: Readonly<Record<string, string>>;
  readonly documents?: Readonly<Record<string, unknown>>;
}): Look {
  const { mapping } = makeContext({ mappings: parts.mappings ?? {} });
  return {
    connection: 'odoo-main',
    entity: 'main',
    memory: null,
    receivedAt: new Date(),
    decision: null,
    mapping,
    keyOf: async (type, id) => parts.keys?.[`${type.name} ${id}`] ?? null,
    current: async <D extends AnyDocumentType>(type: D, key: string) =>
      (parts.documents?.[`${type.name} ${key}`] ?? null) as BodyOf<D> | null,
    since: async () => [],
    inFlight: async () => [],
    find: async () => [],
  };
}

/** What orders of a shop have in common but for their lines; `customer:C` is who bought. */
export const soldOn = (key: string, currency: string): Omit<Order, 'lines'> => ({
  id: key,
  number: `W-${key}`,
  kind: 'sale',
  refersTo: null,
  placedAt: '2026-11-20T10:11:12Z',
  businessDay: '2026-11-20',
  customer: 'C',
  currency,
  pricesIncludeTax: false,
});

export const item = <T>(key: string, document: T, links: Readonly<Record<string, string>> = {}): Item<T> => ({
  key,
  id: null,
  document,
  version: 1,
  links: new Map(Object.entries(links)),
});

export function done(result: Result | undefined): Extract<Result, { outcome: 'done' }> {
  if (result?.outcome === 'done') return result;
  throw new Error(`not done: ${JSON.stringify(result)}`);
}

export function faultOf(result: Result | undefined): Fault {
  if (result?.outcome === 'failed') return result.fault;
  throw new Error(`not failed: ${JSON.stringify(result)}`);
}
