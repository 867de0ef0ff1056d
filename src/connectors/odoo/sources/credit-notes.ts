import type { Context, PollSource } from '../../../core/connector.ts';
import type { Odoo } from '../database.ts';
import { type Row, relation } from '../rows.ts';
import { type BroughtBack, broughtBack } from './brought-back.ts';
import { later } from './cursor.ts';
import { type Capture, feed, type Native } from './feed.ts';
import { type SoldOrder, soldOrders } from './sold-orders.ts';

export interface CreditLine {
  readonly id: number;
  /** Id of the sale line that it credits and external id that the hub gave it; null for what credits none. */
  readonly saleLine: number | null;
  readonly externalId: string | null;
  readonly description: string;
  readonly quantity: number;
  /** In whole units of the currency: with tax, and the tax within. */
  readonly total: number;
  readonly tax: number;
  /** The receipt that brought its goods back; null where they did not come, or not all of them. */
  readonly back: BroughtBack | null;
}

/** A customer's credit note, as it is now. Amounts in whole units of its currency. */
export interface CreditNoteRecord extends Native {
  /** Null while it has no number. */
  readonly name: string | null;
  readonly state: 'draft' | 'posted' | 'cancel';
  /** YYYY-MM-DD; null for a draft without one. */
  readonly day: string | null;
  readonly currency: string;
  readonly total: number;
  /** What of it is set against nothing: still to be paid back. */
  readonly owed: number;
  /** Orders that it is for. */
  readonly orders: readonly SoldOrder[];
  readonly lines: readonly CreditLine[];
}

/** `from`: RFC 3339; credit notes of before are not read. */
export interface CreditNoteSettings {
  readonly every: PollSource<CreditNoteRecord>['every'];
  readonly from: string | null;
}

const fields = [
  'name',
  'state',
  'invoice_date',
  'currency_id',
  'amount_total',
  'amount_residual',
  'invoice_origin',
  'reversed_entry_id',
  'write_date',
];

/**
 * Credit notes that people made for orders: reversals of invoices, those that Odoo makes of what was returned, and those that say which order they are for. What the hub made
 * itself, of refunds that were decided elsewhere, is left out by its external id, which came into being with it.
 *
 * Made since the go-live, or dated after that day; without one since the hub began to read. A payment on an older one is no reason to tell of it.
 */
export const creditNotes = (capture: Capture, { every, from }: CreditNoteSettings): PollSource<CreditNoteRecord> => {
  const { odoo } = capture;
  const domainOf = async (cx: Context, begun: string) => {
    const since = from === null ? begun : from.slice(0, 19).replace('T', ' ');
    return [
      ['company_id', '=', (await odoo.company(cx)).id],
      ['move_type', '=', 'out_refund'],
      '|',
      ['create_date', '>=', since],
      ['invoice_date', '>', since.slice(0, 10)],
    ];
  };
  return feed<CreditNoteRecord>(capture, {
    name: 'creditNotes',
    every,
    noun: 'credit note',
    watched: async (cx) => [
      {
        model: 'account.move',
        domain: [
          ['company_id', '=', (await odoo.company(cx)).id],
          ['move_type', '=', 'out_refund'],
        ],
        root: 'id',
      },
    ],
    all: async (cx, begun) => ({ model: 'account.move', domain: await domainOf(cx, begun) }),
    read: async (ids, _now, cx, begun) => read(odoo, [['id', 'in', ids], ...(await domainOf(cx, begun))], cx),
    labels: ({ name, orders }) => ({
      ...(name === null ? {} : { 'credit note': name }),
      ...(orders[0] ? { order: orders[0].reference ?? orders[0].name } : {}),
    }),
    decode: (bytes) => JSON.parse(Buffer.from(bytes).toString()) as CreditNoteRecord,
  });
};

async function read(odoo: Odoo, domain: readonly unknown[], cx: Context): Promise<CreditNoteRecord[]> {
  const found = await odoo.read('account.move', domain, fields, cx);
  const ids = found.map(({ id }) => id as number);
  const names = await odoo.externalIds('account.move', ids, cx);
  const own = `${odoo.module(cx)}.`;
  const notes = found.filter(({ id }) => names.get(id as number)?.startsWith(own) !== true);
  if (notes.length === 0) return [];
  const lines = await linesOf(odoo, notes, cx);
  const saleLines = lines.map(({ saleLine }) => saleLine).filter((id) => id !== 0);
  const back = await broughtBack(odoo, saleLines, cx);
  const orders = await soldOrders(odoo, notes, saleLines, cx);
  const known = await odoo.externalIds('sale.order.line', [...new Set(saleLines)], cx);
  const byNote = Map.groupBy(lines, ({ note }) => note);
  return notes.map((row): CreditNoteRecord => {
    const mine = byNote.get(row.id as number) ?? [];
    return {
      id: row.id as number,
      version: [row, ...mine.map((line) => line.row)].map((one) => String(one.write_date).slice(0, 19)).reduce(later),
      name: typeof row.name === 'string' && row.name !== '/' ? row.name : null,
      state: row.state as CreditNoteRecord['state'],
      day: typeof row.invoice_date === 'string' ? row.invoice_date : null,
      currency: relation(row.currency_id).name,
      total: Number(row.amount_total),
      owed: Number(row.amount_residual),
      orders: orders.of(
        row,
        mine.map(({ saleLine }) => saleLine),
      ),
      lines: mine.map(({ row: line, saleLine }) =>
        lineOf(line, saleLine, known, back.cover(row.id as number, line, saleLine)),
      ),
    };
  });
}

interface Tied {
  readonly row: Row;
  readonly note: number;
  /** 0 for none. */
  readonly saleLine: number;
}

/** What credit notes are made of; sections and notes are words. */
async function linesOf(odoo: Odoo, notes: readonly Row[], cx: Context): Promise<Tied[]> {
  const domain = [
    ['move_id', 'in', notes.map(({ id }) => id)],
    ['display_type', '=', 'product'],
  ];
  const asked = ['move_id', 'name', 'quantity', 'price_total', 'price_subtotal', 'sale_line_ids', 'write_date'];
  const rows = await odoo.read('account.move.line', domain, asked, cx);
  return rows.map((row) => ({
    row,
    note: relation(row.move_id).id,
    saleLine: (row.sale_line_ids as number[])[0] ?? 0,
  }));
}

const rounded = (value: number): number => Math.round(value * 1e6) / 1e6;

const lineOf = (
  row: Row,
  saleLine: number,
  names: ReadonlyMap<number, string>,
  back: BroughtBack | null,
): CreditLine => ({
  id: row.id as number,
  saleLine: saleLine || null,
  externalId: names.get(saleLine) ?? null,
  description: String(row.name || ''),
  quantity: Number(row.quantity),
  total: rounded(Number(row.price_total)),
  tax: rounded(Number(row.price_total) - Number(row.price_subtotal)),
  back,
});
