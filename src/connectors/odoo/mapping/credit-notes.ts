import { rejected } from '../../../core/fault.ts';
import type { Look, Objection } from '../../../core/flow.ts';
import { currencyDigits, money, moneyText } from '../../../core/money.ts';
import { type Order, OrderDocument } from '../../../model/order.ts';
import { type Refund, RefundDocument } from '../../../model/refund.ts';
import { lastKeyOf } from '../external-id.ts';
import type { CreditLine, CreditNoteRecord } from '../sources/credit-notes.ts';
import { keyOfOrder, returnKeyOf } from './sold.ts';

export interface CreditRules {
  /** Whether an order is of the channel that pays back, by its key. */
  readonly sold: (order: string) => boolean;
  /** The channel is told of returns as well, each by itself; else refunds say what is for sale again. */
  readonly returnsToo: boolean;
}

/** What a credit note means: a refund to be paid, nothing, or something that a person must look at. */
export interface CreditTold {
  readonly refund: Refund | null;
  readonly objection: Objection | null;
}

export const takenBack = 'credit-note-taken-back';
export const changed = 'credit-note-changed';

const nothing: CreditTold = { refund: null, objection: null };

/**
 * Message Translator: a posted credit note for an order of the channel is a refund of what is still owed on it, told once. What was set against an open invoice, or paid back in Odoo
 * by hand, is owed to nobody. A later change is no other refund: it goes to a person.
 *
 * Throws `rejected` for one that is for several orders.
 */
export async function toRefund(record: CreditNoteRecord, look: Look, rules: CreditRules): Promise<CreditTold> {
  const known = await look.keyOf(RefundDocument, String(record.id));
  const id = known ?? `${look.connection}:credit-note-${record.id}`;
  // A refund that another system told, which was bound to this credit note.
  if (!id.startsWith(`${look.connection}:credit-note-`)) return nothing;
  const told = await look.current(RefundDocument, id);
  if (told !== null) return { refund: null, objection: objectionTo(record, told) };
  if (record.state !== 'posted') return nothing;
  const orders = await ordersOf(record, look, rules);
  const [order] = orders;
  if (!order) return nothing;
  const minor = minorIn(record.currency);
  const owed = minor(record.owed);
  if (owed <= 0n) return nothing;
  const whole = owed === minor(record.total);
  const sale = await look.current(OrderDocument, order.key);
  const lines = whole ? linesOf(record, sale, look, rules) : [restOf(record, owed)];
  const back = rules.returnsToo && whole ? returnOf(record) : null;
  return {
    objection: null,
    refund: {
      id,
      number: record.name ?? String(record.id),
      order: order.key,
      orderNumber: order.number,
      return: back === null ? null : returnKeyOf(look, back),
      creditNote: record.name ?? String(record.id),
      refundedOn: record.day ?? record.version.slice(0, 10),
      method: null,
      currency: record.currency,
      amount: Number(owed),
      lines,
    },
  };
}

const minorIn =
  (currency: string) =>
  (amount: number): bigint =>
    BigInt(Math.round(amount * 10 ** currencyDigits(currency)));

async function ordersOf({ name, orders }: CreditNoteRecord, look: Look, { sold }: CreditRules) {
  const keyed: { key: string; number: string }[] = [];
  for (const order of orders)
    keyed.push({ key: (await keyOfOrder(order, look)) ?? '', number: order.reference ?? order.name });
  if (keyed.length > 1 && keyed.some(({ key }) => sold(key)))
    throw rejected(
      `Credit note ${name} is for ${keyed.length} orders (${keyed.map(({ number }) => number).join(', ')}): make one for each order, or pay it back by hand and dismiss this.`,
      'several-orders',
      'order',
    );
  return keyed.filter(({ key }) => sold(key));
}

/** A credit note that was told is as it was, but for what was paid of it. */
function objectionTo(record: CreditNoteRecord, told: Refund): Objection | null {
  const amount = BigInt(told.amount);
  const measure = { lines: 1, currency: told.currency, minor: -amount, absolute: amount };
  const text = (minor: bigint) => `${moneyText(money(minor, told.currency))} ${told.currency}`;
  const about = `Credit note ${told.number} of order ${told.orderNumber}`;
  if (record.state !== 'posted')
    return {
      cause: takenBack,
      field: 'state',
      message: `${about} was ${record.state === 'cancel' ? 'cancelled' : 'reset to draft'} in Odoo after the shop was told to pay back ${text(amount)}: the shop's payment is not taken back by that. Post it again and set the payment against it, or settle it with the customer and dismiss this.`,
      measure,
    };
  const total = minorIn(record.currency)(record.total);
  // Less was told where some of it had been settled in Odoo.
  const same = record.currency === told.currency && (total === amount || isRest(told));
  if (same) return null;
  return {
    cause: changed,
    field: 'amount',
    message: `${about} was ${text(amount)} when the shop was told to pay it back, and is ${moneyText(money(total, record.currency))} ${record.currency} in Odoo now: credit or charge the difference by itself, or put it right there.`,
    measure,
  };
}

const REST = 'rest';
const isRest = ({ lines }: Refund): boolean => lines.some(({ id }) => id === REST);

const restOf = ({ name }: CreditNoteRecord, owed: bigint): Refund['lines'][number] => ({
  id: REST,
  orderLine: null,
  description: `What is left of credit note ${name}`,
  quantity: '0',
  amount: Number(owed),
  tax: 0,
  taxes: [],
});

/** A line for each of the order that is credited; what credits none is money. They add up to the credit note, to the cent. */
function linesOf(record: CreditNoteRecord, sale: Order | null, look: Look, rules: CreditRules): Refund['lines'] {
  const minor = minorIn(record.currency);
  const groups = Map.groupBy(record.lines, ({ id, saleLine }) =>
    saleLine === null ? `line ${id}` : `sale ${saleLine}`,
  );
  const lines = [...groups.values()].map((group) => lineOf(group, minor, sale, look, rules));
  const rest = Number(minor(record.total)) - lines.reduce((sum, { amount }) => sum + amount, 0);
  if (rest === 0 && lines.length > 0) return lines;
  const odd = { id: 'rounding', orderLine: null, description: lines.length > 0 ? 'Rounding' : 'Money without goods' };
  return [...lines, { ...odd, quantity: '0', amount: rest, tax: 0, taxes: [] }];
}

function lineOf(
  group: readonly CreditLine[],
  minor: (amount: number) => bigint,
  sale: Order | null,
  look: Look,
  rules: CreditRules,
): Refund['lines'][number] {
  const { id, externalId, description } = group[0]!;
  const orderLine = externalId === null ? null : lastKeyOf(externalId);
  const sold = orderLine === null ? undefined : sale?.lines.find((line) => line.id === orderLine);
  const amount = group.reduce((sum, { total }) => sum + minor(total), 0n);
  const quantity = Math.round(group.reduce((sum, line) => sum + line.quantity, 0) * 1e6) / 1e6;
  const goods = orderLine !== null && quantity > 0 && isAtPrice(quantity, amount, sold, sale);
  const back = group.at(-1)!.back;
  return {
    id: String(id),
    orderLine,
    description,
    quantity: goods ? String(quantity) : '0',
    ...(goods && !back && rules.returnsToo ? { mayReturn: true } : {}),
    ...(goods && back?.warehouse && !rules.returnsToo
      ? { restockAt: look.mapping('odoo-warehouses').get(back.warehouse), ...(sold ? { sku: sold.sku } : {}) }
      : {}),
    amount: Number(amount),
    tax: Number(group.reduce((sum, { tax }) => sum + minor(tax), 0n)),
    taxes: sold?.taxes ?? [],
  };
}

/** Whether so many units are credited at what they had cost: a price that was lowered afterwards gives no goods back. */
function isAtPrice(
  quantity: number,
  amount: bigint,
  sold: Order['lines'][number] | undefined,
  sale: Order | null,
): boolean {
  if (!sold || !sale || Number(sold.quantity) <= 0) return true;
  const worth = sold.total + (sale.pricesIncludeTax ? 0 : (sold.tax ?? 0));
  if (sold.tax === undefined && !sale.pricesIncludeTax && sold.taxes.length > 0) return true;
  const full = (worth / Number(sold.quantity)) * quantity;
  return Math.abs(full - Number(amount)) <= Math.max(2, quantity);
}

/** The newest receipt that something of what is credited came back with, which the refund waits for; null where nothing did. What did not come may be returned by itself. */
function returnOf({ lines }: CreditNoteRecord): number | null {
  const goods = lines.filter(({ saleLine, quantity }) => saleLine !== null && quantity > 0);
  const back = goods.flatMap((line) => line.back?.picking ?? []);
  return back.length === 0 ? null : Math.max(...back);
}
