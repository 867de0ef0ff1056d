import { createHash } from 'node:crypto';
import type { Database } from './database.ts';
import { Figures } from './figures.ts';
import type { Commit } from './journal.ts';
import { addExactly } from './rational.ts';
import type { Change } from './store.ts';
import type { Json, Row, Value } from './types.ts';

/** One committed write to a record that has an external id. */
export interface Write {
  readonly commit: number;
  readonly call: number;
  readonly at: string;
  readonly xmlid: string;
  readonly model: string;
  readonly id: number;
  readonly kind: 'create' | 'write' | 'unlink';
  /** Fingerprint of the whole record after the write. */
  readonly digest: string;
  /** The fields this write changed, as they are after it. */
  readonly values: Readonly<Record<string, Value>>;
}

const stamps = new Set(['id', 'create_uid', 'create_date', 'write_uid', 'write_date']);

const content = (row: Row): [string, Value][] =>
  Object.entries(row).filter(
    ([name, value]) =>
      !stamps.has(name) && value !== false && value !== 0 && !(Array.isArray(value) && value.length === 0),
  );

/** What was written, kept apart from the records so that a judge can check order and count. */
export class History {
  private readonly db: Database;
  readonly writes: Write[] = [];
  readonly figures: Figures;

  constructor(db: Database) {
    this.db = db;
    this.figures = new Figures(db);
  }

  note(commit: Commit): void {
    this.figures.note(commit);
    for (const change of commit.changes) if (change.table !== 'ir.model.data') this.noteChange(commit, change);
  }

  private noteChange(commit: Commit, { table, id, row, inserted, fields }: Change): void {
    const xmlid = this.db.xmlidOf(table, id);
    if (!xmlid || !row || commit.call === 0) return;
    const all = content(row);
    const values = inserted
      ? all
      : fields.filter((name) => !stamps.has(name)).map((name) => [name, row[name]!] as [string, Value]);
    this.writes.push({
      commit: commit.number,
      call: commit.call,
      at: commit.at,
      xmlid,
      model: table,
      id,
      kind: inserted ? 'create' : 'write',
      digest: createHash('sha256').update(JSON.stringify(all)).digest('hex').slice(0, 16),
      values: Object.fromEntries(values),
    });
  }
}

const text = (value: Value | undefined): string | null => (typeof value === 'string' ? value : null);

const sorted = (db: Database, model: string, field: string, id: number): Row[] =>
  [...db.table(model).lookup(field, id)].sort((a, b) => a - b).map((one) => db.table(model).rows.get(one)!);

function orderLine(db: Database, line: Row): Json {
  return {
    id: line.id,
    xmlid: db.xmlidOf('sale.order.line', line.id) ?? null,
    default_code: text(db.table('product.product').rows.get(Number(line.product_id))?.default_code),
    quantity: line.product_uom_qty!,
    price_unit: line.price_unit!,
    discount: line.discount!,
    price_total: line.price_total!,
  };
}

/** Invoices and credit notes of each order, by its id. A credit note without goods is tied to an invoice only. */
function movesByOrder(db: Database): ReadonlyMap<number, readonly Row[]> {
  const moves = rows(db, 'account.move');
  const reversals = Map.groupBy(moves, (move) => Number(move.reversed_entry_id));
  return new Map(
    rows(db, 'sale.order').map(({ id, invoice_ids: ids }) => {
      const own = (ids as number[]).map((one) => db.table('account.move').rows.get(one)!);
      return [id, [...new Set([...own, ...own.flatMap((move) => reversals.get(move.id) ?? [])])]];
    }),
  );
}

/** What was posted for an order, of one type of document. */
const postedOf = (moves: readonly Row[], type: string): number =>
  moves
    .filter((move) => move.move_type === type && move.state === 'posted')
    .reduce((sum, move) => addExactly(sum, Number(move.amount_total)), 0);

const order = (db: Database, row: Row, moves: readonly Row[]): Json => ({
  id: row.id,
  name: row.name!,
  xmlid: db.xmlidOf('sale.order', row.id) ?? null,
  client_order_ref: text(row.client_order_ref),
  state: row.state!,
  date_order: row.date_order!,
  promised: text(row.commitment_date),
  amount_untaxed: row.amount_untaxed!,
  amount_total: row.amount_total!,
  invoiced: postedOf(moves, 'out_invoice'),
  credited: postedOf(moves, 'out_refund'),
  pickings: [...db.table('stock.picking').lookup('sale_id', row.id)],
  lines: sorted(db, 'sale.order.line', 'order_id', row.id).map((line) => orderLine(db, line)),
});

function movement(db: Database, move: Row): Json {
  const place = (id: Value | undefined) => text(db.table('stock.location').rows.get(Number(id))?.complete_name);
  return {
    id: move.id,
    xmlid: db.xmlidOf('stock.move', move.id) ?? null,
    state: move.state!,
    default_code: text(db.table('product.product').rows.get(Number(move.product_id))?.default_code),
    demand: move.product_uom_qty!,
    quantity: move.quantity!,
    from: place(move.location_id),
    to: place(move.location_dest_id),
    picking: move.picking_id!,
  };
}

const transfer = (db: Database, row: Row): Json => ({
  id: row.id,
  name: row.name!,
  xmlid: db.xmlidOf('stock.picking', row.id) ?? null,
  state: row.state!,
  origin: text(row.origin),
  tracking: text(row.carrier_tracking_ref),
  return_of: text(db.table('stock.picking').rows.get(Number(row.return_id))?.name),
  moves: sorted(db, 'stock.move', 'picking_id', row.id).map((move) => movement(db, move)),
});

const quant = (db: Database, row: Row): Json => ({
  default_code: text(db.table('product.product').rows.get(Number(row.product_id))?.default_code),
  location: text(db.table('stock.location').rows.get(Number(row.location_id))?.complete_name),
  quantity: row.quantity!,
  reserved: row.reserved_quantity!,
});

const entry = (db: Database, row: Row): Json => ({
  id: row.id,
  name: text(row.name),
  ref: text(row.ref),
  xmlid: db.xmlidOf('account.move', row.id) ?? null,
  state: row.state!,
  date: row.date!,
  lines: sorted(db, 'account.move.line', 'move_id', row.id).map((line) => ({
    account: text(db.table('account.account').rows.get(Number(line.account_id))?.code),
    name: text(line.name),
    debit: line.debit!,
    credit: line.credit!,
  })),
});

/** What of a payment is set against nothing. */
const openOf = (db: Database, row: Row): number =>
  [...db.table('account.move.line').lookup('move_id', Number(row.move_id))]
    .map((id) => db.table('account.move.line').rows.get(id)!)
    .reduce((sum, { amount_residual: residual }) => addExactly(sum, Number(residual)), 0);

/** What was paid, what of it is set against nothing, and what the invoice it is set against still waits for. */
const payment = (db: Database, row: Row): Json => ({
  id: row.id,
  name: text(row.name),
  memo: text(row.memo),
  state: row.state!,
  amount: row.amount!,
  reconciled: row.is_reconciled!,
  open: Math.abs(openOf(db, row)),
  invoices: (row.invoice_ids as number[]).map((id) => {
    const invoice = db.table('account.move').rows.get(id)!;
    return { name: text(invoice.name), total: invoice.amount_total!, residual: invoice.amount_residual! };
  }),
});

/** A product as it is sold, with its variants: their values are in the order of the attributes. */
const catalogueItem = (db: Database, row: Row): Json => ({
  id: row.id,
  name: row.name!,
  description: text(row.description_sale),
  sold: row.active === true && row.sale_ok === true,
  variants: sorted(db, 'product.product', 'product_tmpl_id', row.id)
    .filter(({ active }) => active === true)
    .map((variant) => ({
      default_code: text(variant.default_code),
      values: (variant.product_template_attribute_value_ids as number[]).map((id) => {
        const chosen = db.table('product.template.attribute.value').rows.get(id)!;
        return text(db.table('product.attribute.value').rows.get(Number(chosen.product_attribute_value_id))?.name);
      }),
    })),
});

/** A customer's credit note, and the reference of the order that it is for. */
function creditNote(db: Database, row: Row, order: Row | undefined): Json {
  return {
    id: row.id,
    name: text(row.name),
    xmlid: db.xmlidOf('account.move', row.id) ?? null,
    state: row.state!,
    total: row.amount_total!,
    residual: row.amount_residual!,
    order: text(order?.client_order_ref),
  };
}

/** A partner that has a reference. */
const partner = (db: Database, row: Row): Json => ({
  id: row.id,
  xmlid: db.xmlidOf('res.partner', row.id) ?? null,
  ref: text(row.ref),
  name: row.name!,
  email: text(row.email),
  phone: text(row.phone),
  country: text(db.table('res.country').rows.get(Number(row.country_id))?.code),
});

/** A fixed price of one variant on a list. */
const listPrice = (db: Database, row: Row): Json => ({
  list: text(db.table('product.pricelist').rows.get(Number(row.pricelist_id))?.name),
  default_code: text(db.table('product.product').rows.get(Number(row.product_id))?.default_code),
  amount: row.fixed_price!,
});

const rows = (db: Database, model: string): Row[] =>
  db
    .table(model)
    .sortedIds()
    .map((id) => db.table(model).rows.get(id)!);

/** Everything a judge wants to know, straight from the records. */
export function ledger(db: Database, history: History): Json {
  const moves = rows(db, 'stock.move');
  const counts = Object.fromEntries(
    ['draft', 'waiting', 'confirmed', 'partially_available', 'assigned', 'done', 'cancel'].map((state) => [
      state,
      moves.filter((move) => move.state === state).length,
    ]),
  );
  const sold = rows(db, 'sale.order');
  const byOrder = movesByOrder(db);
  const ordersByMove = new Map(sold.flatMap((row) => byOrder.get(row.id)!.map((move) => [move.id, row] as const)));
  return {
    version: db.version,
    sale_orders: sold.map((row) => order(db, row, byOrder.get(row.id)!)),
    pickings: rows(db, 'stock.picking').map((row) => transfer(db, row)),
    loose_moves: moves.filter((move) => move.picking_id === false).map((move) => movement(db, move)),
    quants: rows(db, 'stock.quant').map((row) => quant(db, row)),
    entries: rows(db, 'account.move').map((row) => entry(db, row)),
    products: rows(db, 'product.template').map((row) => catalogueItem(db, row)),
    prices: rows(db, 'product.pricelist.item')
      .filter(({ compute_price: how }) => how === 'fixed')
      .map((row) => listPrice(db, row)),
    credit_notes: rows(db, 'account.move')
      .filter(({ move_type: type }) => type === 'out_refund')
      .map((row) => creditNote(db, row, ordersByMove.get(row.id))),
    partners: rows(db, 'res.partner')
      .filter(({ ref }) => ref !== false)
      .map((row) => partner(db, row)),
    payments: rows(db, 'account.payment').map((row) => payment(db, row)),
    counts: {
      records: Object.fromEntries(
        [...db.store.tables.values()].filter((table) => table.rows.size).map((table) => [table.name, table.rows.size]),
      ),
      moves: counts,
    },
    figures: history.figures.kept,
    writes: history.writes as unknown as Json,
  };
}
