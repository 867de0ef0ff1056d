import type { Context, Item, Match } from '../../../core/connector.ts';
import { money, moneyText } from '../../../core/money.ts';
import type { Payment } from '../../../model/payment.ts';
import type { Refund } from '../../../model/refund.ts';
import type { Odoo } from '../database.ts';
import { type Row, relation } from '../rows.ts';
import { namesOf } from './credit-notes.ts';
import { allOf, type HeldOrder, heldOrders, likeOnes, mayBe, orderIdOf, says } from './done-before.ts';
import { minorOf } from './sink.ts';

const booked = ['state', 'in', ['in_process', 'paid']];

const worth = (minor: bigint, currency: string): string => `${moneyText(money(minor, currency))} ${currency}`;

const isWorth = (amount: unknown, row: Row, document: { amount: number; currency: string }): boolean =>
  relation(row.currency_id).name === document.currency &&
  minorOf(amount, document.currency) === BigInt(document.amount);

/** Name, id and amount of a payment or credit note. */
function shown(noun: string, amount: 'amount' | 'amount_total', row: Row): string {
  const currency = relation(row.currency_id).name;
  const name =
    typeof row.name === 'string' && row.name !== '/' ? `${row.name} (id ${String(row.id)})` : `id ${String(row.id)}`;
  const draft = row.state === 'draft' ? 'draft ' : '';
  return `${draft}${noun} ${name} over ${worth(minorOf(row[amount], currency), currency)}`;
}

const paymentFields = [
  ...['name', 'state', 'amount', 'currency_id', 'partner_id', 'memo', 'payment_reference'],
  ...['is_reconciled', 'invoice_ids', 'reconciled_invoice_ids'],
];

/** Posted payments that were registered on these moves, and of these partners those that are set against nothing or are of one of the amounts. */
function paymentsOf(
  odoo: Odoo,
  direction: 'inbound' | 'outbound',
  { moves, partners, amounts }: { moves: readonly number[]; partners: readonly number[]; amounts: readonly number[] },
  cx: Context,
): Promise<Row[]> {
  const domain = [
    ['payment_type', '=', direction],
    booked,
    ...['|', ['invoice_ids', 'in', moves], '&', ['partner_id', 'in', partners]],
    ...['|', ['is_reconciled', '=', false], ['amount', 'in', amounts]],
  ];
  return odoo.read('account.payment', domain, paymentFields, cx);
}

/** Whether it is set against one of these moves, or was registered on it. */
const isOn = ({ invoice_ids: on, reconciled_invoice_ids: against }: Row, moves: readonly number[]): boolean =>
  [on, against].some((ids) => Array.isArray(ids) && ids.some((id) => moves.includes(id as number)));

/** Whether people wrote one of these numbers on it. */
const isFor = ({ memo, payment_reference: reference }: Row, numbers: readonly string[]): boolean =>
  says(memo, numbers) || says(reference, numbers);

const amountOf = ({ document: { amount, currency } }: Item<Payment | Refund>): number =>
  Number(moneyText(money(BigInt(amount), currency)));

/**
 * Payments that people registered for the order: on an invoice of it, or of its customer with a memo that says the order's number or the payment's own reference. Amount and currency
 * agree; two of one amount are told apart by such a memo only.
 */
export async function paymentsAlike(odoo: Odoo, items: readonly Item<Payment>[], cx: Context): Promise<Match[]> {
  const orders = await heldOrders(odoo, items, cx);
  if (orders.size === 0) return items.map(() => ({ match: 'none' }));
  const wanted = {
    moves: allOf(orders.values(), 'moves'),
    partners: allOf(orders.values(), 'partners'),
    amounts: [...new Set(items.map(amountOf))],
  };
  const rows = await paymentsOf(odoo, 'inbound', wanted, cx);
  const orderOf = (item: Item<Payment>): HeldOrder | undefined => orders.get(orderIdOf(item));
  return likeOnes(
    items,
    {
      kind: 'payment',
      by: 'order and amount',
      of: (item) => {
        const order = orderOf(item);
        const numbers = [...(order?.numbers ?? []), item.document.id];
        const ofCustomer = (row: Row) => order!.partners.includes(relation(row.partner_id).id);
        return order ? rows.filter((row) => isOn(row, order.moves) || (ofCustomer(row) && isFor(row, numbers))) : [];
      },
      agrees: ({ document }, row) => isWorth(row.amount, row, document),
      names: ({ document }, row) => isFor(row, [document.id]),
      told: (item) =>
        `payment of ${worth(BigInt(item.document.amount), item.document.currency)} for order ${orderOf(item)!.numbers[0]}`,
      shown: (row) => shown('payment', 'amount', row),
    },
    cx,
  );
}

const noteFields = [
  'name',
  'state',
  'ref',
  'amount_total',
  'amount_residual',
  'currency_id',
  'reversed_entry_id',
  'invoice_origin',
];

/**
 * Credit notes that people posted for the order: those that reverse an invoice of it, have lines of it, or name it as their source. Total and currency agree. Where one is not paid
 * back, and money went to the customer that says of nothing, or where there is money and no credit note, a person decides.
 */
export async function refundsAlike(odoo: Odoo, items: readonly Item<Refund>[], cx: Context): Promise<Match[]> {
  const orders = await heldOrders(odoo, items, cx);
  if (orders.size === 0) return items.map(() => ({ match: 'none' }));
  const moves = allOf(orders.values(), 'moves');
  const domain = [
    ['move_type', '=', 'out_refund'],
    ['state', '!=', 'cancel'],
    ...['|', '|', ['id', 'in', moves], ['reversed_entry_id', 'in', moves]],
    ['invoice_origin', 'in', allOf(orders.values(), 'numbers')],
  ];
  const rows = await odoo.read('account.move', domain, noteFields, cx);
  const ids = rows.map(({ id }) => id as number);
  const names = await odoo.externalIds('account.move', ids, cx);
  const wanted = { moves: ids, partners: allOf(orders.values(), 'partners'), amounts: [] };
  const paid = await paymentsOf(odoo, 'outbound', wanted, cx);
  const orderOf = (item: Item<Refund>): HeldOrder | undefined => orders.get(orderIdOf(item));
  const matches = await likeOnes(
    items.map((item) => (item.document.creditNote === undefined ? item : { ...item, links: new Map() })),
    {
      kind: 'refund',
      by: 'order and total',
      of: (item) => {
        const order = orderOf(item);
        const isOf = ({ id, reversed_entry_id: reversed, invoice_origin: origin }: Row) =>
          [id, relation(reversed).id].some((move) => order!.moves.includes(move as number)) ||
          order!.numbers.includes(String(origin));
        const isOpen = ({ id }: Row) => mayBe(odoo, names.get(id as number), namesOf(odoo, item, cx).note, cx);
        return order ? rows.filter((row) => isOf(row) && isOpen(row)) : [];
      },
      agrees: ({ document }, row) => row.state === 'posted' && isWorth(row.amount_total, row, document),
      names: (item, row) =>
        names.get(row.id as number) === namesOf(odoo, item, cx).note || says(row.ref, [item.document.number]),
      told: ({ document }) =>
        `refund ${document.number} of ${worth(BigInt(document.amount), document.currency)} for order ${document.orderNumber}`,
      shown: (row) => shown('credit note', 'amount_total', row),
    },
    cx,
  );
  return items.map((item, place): Match => {
    const match = matches[place]!;
    const order = orderOf(item);
    if (match.match === 'several' || !order || item.document.creditNote !== undefined) return match;
    const note = match.match === 'one' ? rows.find(({ id }) => String(id) === match.id)! : null;
    const message = unclearMoney(item.document, { order, note, paid });
    return message === null ? match : { match: 'several', message };
  });
}

interface PaidOut {
  readonly order: HeldOrder;
  /** The credit note, or null where there is none. */
  readonly note: Row | null;
  /** Payments to customers. */
  readonly paid: readonly Row[];
}

/** Payments of a refund's amount to its customer that are set against nothing. */
const loose = ({ amount, currency }: Refund, { order, paid }: PaidOut): Row[] =>
  paid.filter(
    (row) =>
      isWorth(row.amount, row, { amount, currency }) &&
      order.partners.includes(relation(row.partner_id).id) &&
      [row.invoice_ids, row.reconciled_invoice_ids].every((ids) => !Array.isArray(ids) || ids.length === 0),
  );

const isSaid = (refund: Refund, { order, note }: PaidOut, row: Row): boolean =>
  isFor(row, [...order.numbers, refund.number, refund.id, ...(typeof note?.name === 'string' ? [note.name] : [])]);

/** Money that may be the refund's, in an operator's words; null where that is clear. */
function unclearMoney(refund: Refund, out: PaidOut): string | null {
  if (out.note && minorOf(out.note.amount_residual, refund.currency) === 0n) return null;
  const candidates = loose(refund, out);
  const said = candidates.filter((row) => isSaid(refund, out, row));
  if (out.note && said.length === 1) return null;
  const unsure = said.length > 0 ? said : candidates.filter((row) => row.payment_reference === false);
  if (unsure.length === 0) return null;
  const about = out.note ? `credit note ${String(out.note.name)} is not paid back` : 'Odoo has no credit note of it';
  const list = unsure.map((row) => shown('payment', 'amount', row)).join(', ');
  return `refund ${refund.number} of order ${refund.orderNumber}: ${about}, but its customer was paid ${list}: set that against its credit note there if it is its own`;
}

/** Whether the money of a refund is booked: its credit note is settled, or a payment that says whose it is stands beside it. Or, in an operator's words, what is unclear. */
export async function moneyOf(
  odoo: Odoo,
  item: Item<Refund>,
  note: Row,
  cx: Context,
): Promise<'booked' | 'owed' | { unclear: string }> {
  const { document: refund } = item;
  if (minorOf(note.amount_residual, refund.currency) === 0n) return 'booked';
  const order = (await heldOrders(odoo, [item], cx)).get(orderIdOf(item));
  if (!order) return 'owed';
  const wanted = { moves: [note.id as number], partners: order.partners, amounts: [] };
  const out = { order, note, paid: await paymentsOf(odoo, 'outbound', wanted, cx) };
  const unclear = unclearMoney(refund, out);
  if (unclear !== null) return { unclear };
  return loose(refund, out).some((row) => isSaid(refund, out, row)) ? 'booked' : 'owed';
}
