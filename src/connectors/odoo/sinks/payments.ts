import type { Context, Found, Item, Result, Sink } from '../../../core/connector.ts';
import { type Fault, FaultError, rejected } from '../../../core/fault.ts';
import { money, moneyText } from '../../../core/money.ts';
import { type Payment, PaymentDocument } from '../../../model/payment.ts';
import type { Odoo } from '../database.ts';
import { externalId } from '../external-id.ts';
import { pair, type Row } from '../rows.ts';
import { maybeDone } from './done-before.ts';
import { paymentsAlike } from './money-matches.ts';
import {
  accountOf,
  askWhose,
  bookOnAccount,
  isUnsettled,
  settleAccount,
  settleInvoice,
  standingOf,
} from './on-account.ts';
import { isCancelled, isCancelledUninvoiced, type Payable, payableOf, prepareWizard, residualOf } from './payable.ts';
import { afterLanding, deliverPrepared, isFresh, linked, oneByOne } from './prepared.ts';
import { minorOf, sinkOf } from './sink.ts';

interface Prepared {
  /** Id of the sale order. */
  readonly order: number;
  readonly journal: number;
}

type Ready = readonly { readonly item: Item<Payment>; readonly prepared: Prepared }[];

/**
 * Payments are registered on the invoice of their order, as a bookkeeper does it with the wizard; the order is invoiced first where it is not yet.
 * Odoo cannot be given a key for it and does a second registration without a word (recording 33-invoice-double-payment), so the sink is `find-first`:
 * the payment's id stands in Odoo as its memo, and after a lost answer Odoo is asked for that memo, once it can no longer commit (`settle`).
 *
 * Before anything is registered the memo is looked up too: a bookkeeper may have been there first. A payment that would exceed what is left to pay
 * goes to a person, unless the document says that it paid for units that are no longer ordered (`beyond`): those stay on the customer's account, to be paid
 * back from there, or until something is added to the order that they pay for; and so does what was paid for a cancelled order beyond its invoices. Read back: one payment of that memo, of the amount, and but for
 * those set against an invoice.
 *
 * One that people registered before the hub came is bound (`match`) and taken as it is. Where Odoo has one that may be it, of an order that people made there, nothing is registered.
 *
 * Mapping table: `payment-methods` (payment method of the hub → code of the journal in Odoo). Only the company's own currency.
 *
 * @see odoo.md §3 Invoices
 */
export const payments = (odoo: Odoo, max: number): Sink<typeof PaymentDocument> =>
  sinkOf(odoo, {
    name: 'payments',
    accepts: PaymentDocument,
    idempotency: 'find-first',
    batch: { max, onFailure: 'independent' },
    minds: 'underway',
    find: (items, cx) => find(odoo, items, cx),
    match: (items, cx) => paymentsAlike(odoo, items, cx),
    deliver: (items, cx) =>
      deliverPrepared(
        items,
        (item) => prepare(odoo, item, cx),
        (ready) => deliver(odoo, ready, cx),
      ),
  });

async function prepare(odoo: Odoo, item: Item<Payment>, cx: Context): Promise<Prepared> {
  const { document: payment } = item;
  const { currency, name } = await odoo.company(cx);
  if (payment.currency !== currency.name)
    throw rejected(
      `payment ${payment.id} is in ${payment.currency}, but ${name} in Odoo keeps ${currency.name}`,
      'currency-unknown',
      'currency',
    );
  if (!/^\d{4}-\d{2}-\d{2}$/.test(payment.paidOn))
    throw rejected(`payment ${payment.id}: '${payment.paidOn.slice(0, 40)}' is not a day`, 'not-a-day', 'paidOn');
  const order = Number(linked(item, 'order', payment.order));
  const journal = await odoo.journal(cx.mapping('payment-methods').get(payment.method), cx, 'payment-methods');
  return { order, journal };
}

/** Payments of these memos that were not taken back, by memo. */
export async function heldPayments(
  odoo: Odoo,
  memos: readonly string[],
  direction: 'inbound' | 'outbound',
  cx: Context,
): Promise<Map<string, Row[]>> {
  const domain = [
    ['memo', 'in', [...new Set(memos)]],
    ['payment_type', '=', direction],
    ['state', 'not in', ['canceled', 'rejected']],
  ];
  const fields = ['name', 'memo', 'amount', 'state', 'currency_id', 'is_reconciled'];
  const rows = await odoo.read('account.payment', domain, fields, cx);
  const alone = rows.filter((row) => row.is_reconciled !== true).map((row) => row.id as number);
  const names = alone.length === 0 ? new Map() : await odoo.externalIds('account.payment', alone, cx);
  const own = `${odoo.module(cx)}.`;
  const marked = rows.map((row) => ({ ...row, [onAccount]: names.get(row.id as number)?.startsWith(own) === true }));
  return Map.groupBy(marked, (row) => String((row as Row).memo));
}

/** Marks a payment that the hub booked on the customer's account. */
const onAccount = 'on account';

const heldOf = (odoo: Odoo, memos: readonly string[], cx: Context) => heldPayments(odoo, memos, 'inbound', cx);

async function find(odoo: Odoo, items: readonly Item<Payment>[], cx: Context): Promise<Found[]> {
  const held = await heldOf(
    odoo,
    items.map(({ document }) => document.id),
    cx,
  );
  const found: Found[] = [];
  for (const item of items) {
    const { document } = item;
    const rows = held.get(document.id) ?? [];
    const alone = await mayBeAlone(odoo, item, rows, cx);
    const one = foundOf(document, rows, alone);
    const open =
      (await mayPay(odoo, item, rows, cx)) ||
      (alone && one.found === 'whole' && (await isUnsettled(odoo, bookedOf(item), cx)));
    found.push(open ? { found: 'absent' } : one);
  }
  return found;
}

/** A payment, as it may stand on the customer's account. */
const bookedOf = ({ document: { id: memo, currency, order: key }, links }: Item<Payment>) =>
  ({ memo, direction: 'inbound', currency, order: Number(links.get(`order:${key}`)) }) as const;

const orderOf = ({ document, links }: Item<Payment>): number => Number(links.get(`order:${document.order}`));

const isAlone = ([row]: readonly Row[]): boolean => row !== undefined && row.is_reconciled !== true;

/** Whether some of a payment may stand on the customer's account: for units that are no longer ordered, or for a cancelled order, or because it was booked there. */
async function mayBeAlone(odoo: Odoo, item: Item<Payment>, rows: readonly Row[], cx: Context): Promise<boolean> {
  if ((item.document.beyond ?? 0) > 0) return true;
  return isAlone(rows) && (rows[0]![onAccount] === true || (await isCancelled(odoo, orderOf(item), cx)));
}

/** Whether more of the order's money stands on the customer's account than is owed to the customer: it may pay for what was added since. */
async function mayPay(odoo: Odoo, item: Item<Payment>, rows: readonly Row[], cx: Context): Promise<boolean> {
  const { document: payment } = item;
  if (!isAlone(rows) || foundOf(payment, rows, true).found !== 'whole') return false;
  if (!(orderOf(item) > 0) || (await isCancelled(odoo, orderOf(item), cx))) return false;
  return (await standingOf(odoo, orderOf(item), payment.currency, cx)) > BigInt(payment.beyond ?? 0);
}

/** What Odoo holds of a payment: nothing, exactly it, or something that a person must look at. `alone`: some of it may be set against nothing. */
export function foundOf(
  payment: Pick<Payment, 'id' | 'amount' | 'currency'>,
  rows: readonly Row[],
  alone = false,
): Found {
  const [row] = rows;
  if (!row || (rows.length === 1 && row.state === 'draft' && row[onAccount])) return { found: 'absent' };
  const partial = (message: string): Found => ({ found: 'partial', message: `Odoo holds ${message}` });
  if (rows.length > 1)
    return partial(`${rows.length} payments with the memo '${payment.id}' (${rows.map(nameOf).join(', ')}), not one.`);
  const difference = amountApart(payment, row);
  if (difference !== null) return partial(`payment ${nameOf(row)} with the memo '${payment.id}', but ${difference}.`);
  if (row.state === 'draft' || (row.is_reconciled !== true && !row[onAccount] && !alone))
    return partial(
      `payment ${nameOf(row)} of ${moneyText(money(BigInt(payment.amount), payment.currency))} ${payment.currency} with the memo '${payment.id}', but ${row.state === 'draft' ? 'as a draft' : 'not set against an invoice'}.`,
    );
  return { found: 'whole', id: String(row.id) };
}

/** How the amount of a payment in Odoo differs, to go on a sentence; null where it does not. */
function amountApart({ amount, currency }: Pick<Payment, 'amount' | 'currency'>, row: Row): string | null {
  const theirs = minorOf(row.amount, currency);
  const { name } = pair(row.currency_id as never);
  if (theirs === BigInt(amount) && name === currency) return null;
  return `of ${moneyText(money(theirs, currency))} ${name} instead of ${moneyText(money(BigInt(amount), currency))} ${currency}`;
}

const nameOf = (row: Row): string => (typeof row.name === 'string' ? row.name : `draft ${String(row.id)}`);

async function deliver(odoo: Odoo, ready: Ready, cx: Context): Promise<Result[]> {
  const held = await heldOf(
    odoo,
    ready.map(({ item }) => item.document.id),
    cx,
  );
  const open = ready.map(({ item }) => item).filter(({ document }) => !held.has(document.id));
  const bound = await adoptedOf(odoo, open, cx);
  const fresh = open.filter(({ id }) => id === null);
  const maybe = await maybeDone(odoo, fresh, (some) => paymentsAlike(odoo, some, cx), cx);
  return oneByOne(ready, async (one) => {
    const fault = maybe.get(one.item.key);
    if (fault) return { outcome: 'failed', fault };
    return bound.get(one.item.key) ?? deliverOne(odoo, one, held, cx);
  });
}

/** Payments that people registered, and that are bound to their documents: taken as they are. What was taken back there is as if it had never been. */
async function adoptedOf(odoo: Odoo, items: readonly Item<Payment>[], cx: Context): Promise<Map<string, Result>> {
  const bound = items.filter(({ id }) => id !== null);
  if (bound.length === 0) return new Map();
  const domain = [
    ['id', 'in', bound.map(({ id }) => Number(id))],
    ['payment_type', '=', 'inbound'],
    ['state', 'in', ['in_process', 'paid']],
  ];
  const rows = await odoo.read('account.payment', domain, ['name', 'amount', 'currency_id'], cx);
  const byId = new Map(rows.map((row) => [String(row.id), row]));
  return new Map(
    bound.flatMap(({ key, id, document }): [string, Result][] => {
      const row = byId.get(id!);
      if (!row) return [];
      const difference = amountApart(document, row);
      if (difference === null) return [[key, { outcome: 'done', id: id! }]];
      const message = `payment ${document.id} is bound to payment ${nameOf(row)}, which is ${difference}: put that right there, then retry`;
      return [
        [key, { outcome: 'failed', fault: { kind: 'rejected', cause: 'payment-differs', field: 'amount', message } }],
      ];
    }),
  );
}

async function deliverOne(
  odoo: Odoo,
  { item, prepared }: Ready[number],
  held: Map<string, Row[]>,
  cx: Context,
): Promise<Result> {
  const { document: payment } = item;
  let there = held.get(payment.id) ?? [];
  const again = async (): Promise<Row[]> => (await heldOf(odoo, [payment.id], cx)).get(payment.id) ?? [];
  try {
    if (await mayPay(odoo, item, there, cx)) {
      await payAdded(odoo, item, prepared, cx);
      there = await again();
    }
    const alone = await mayBeAlone(odoo, item, there, cx);
    const before = resultOf(foundOf(payment, there, alone));
    if (before?.outcome === 'done' && alone) await settle(odoo, item, cx);
    if (before) return before;
    await register(odoo, item, prepared, cx);
  } catch (error) {
    if (!(error instanceof FaultError)) throw error;
    const fault = await odoo.faultOf(error, 'account.payment', cx).catch(() => error.fault);
    return { outcome: 'failed', fault: fault.kind === 'rejected' ? about(payment, fault) : fault };
  }
  try {
    there = await again();
    held.set(payment.id, there);
    const now = resultOf(foundOf(payment, there, await mayBeAlone(odoo, item, there, cx)));
    return now ?? { outcome: 'failed', fault: nowhere(payment) };
  } catch (error) {
    return { outcome: 'failed', fault: afterLanding(error, 'the payment was registered in Odoo') };
  }
}

async function register(odoo: Odoo, item: Item<Payment>, prepared: Prepared, cx: Context): Promise<void> {
  const { document: payment } = item;
  const { order, journal } = prepared;
  const cancelled = await isCancelled(odoo, order, cx);
  const amount = BigInt(payment.amount);
  const fresh = isFresh(item, cx) || mayChange(item);
  const open = await payableNow(odoo, order, { currency: payment.currency, amount, fresh }, cx);
  if (open === 'never') return bookAlone(odoo, item, prepared, cx);
  const beyond = cancelled ? amount : BigInt(payment.beyond ?? 0);
  const text = (minor: bigint) => `${moneyText(money(minor, payment.currency))} ${payment.currency}`;
  const due = open?.total ?? 0n;
  if ((amount > due && mayChange(item)) || (amount > due + beyond && isFresh(item, cx))) throw tooEarly();
  if (!open && beyond >= amount) return bookAlone(odoo, item, prepared, cx);
  if (!open)
    throw rejected('nothing is left to pay on the order in Odoo: is the money a second payment?', 'overpaid', 'amount');
  if (amount > due + beyond)
    throw rejected(
      `it is ${text(amount)}, but ${text(due)} is left to pay on invoice ${open.name}${open.others.length > 0 ? ' and those after it' : ''}`,
      'overpaid',
      'amount',
    );
  const vals = {
    journal_id: journal,
    amount: Number(moneyText(money(amount, payment.currency))),
    payment_date: payment.paidOn,
    communication: payment.id,
  };
  const context = { active_model: 'account.move', active_ids: [open.invoice] };
  const wizard = await prepareWizard(odoo, 'account.payment.register', vals, context, cx);
  await odoo.call('account.payment.register', 'action_create_payments', { ids: [wizard], context }, cx);
  const left = await residualOf(odoo, open.invoice, payment.currency, cx).catch((error: unknown) => {
    throw new FaultError(afterLanding(error, 'the payment was registered in Odoo'));
  });
  if (amount > open.residual) for (const other of open.others) await settleInvoice(odoo, order, other, cx);
  if (amount > due) await settleAccount(odoo, bookedOf(item), cx);
  const expected = amount > open.residual ? 0n : open.residual - amount;
  if (left !== expected)
    throw rejected(
      `it was registered, but ${text(left)} is left to pay on invoice ${open.name} instead of ${text(expected)}`,
      'read-back-residual',
      'amount',
    );
  if (amount > due) await askWhose(odoo, bookedOf(item), isFresh(item, cx), cx);
}

/** As `payableOf`; 'never': the order was cancelled before anything of it was invoiced, perhaps just now. */
async function payableNow(
  odoo: Odoo,
  order: number,
  invoiced: Parameters<typeof payableOf>[2],
  cx: Context,
): Promise<Payable | null | 'never'> {
  let refusal: unknown;
  const open = await payableOf(odoo, order, invoiced, cx).catch((error: unknown) => {
    if (!(error instanceof FaultError) || error.fault.kind !== 'rejected') throw error;
    refusal = error;
    return null;
  });
  if (!open && (await isCancelledUninvoiced(odoo, order, cx))) return 'never';
  if (refusal) throw refusal;
  return open;
}

/** Whether a version of the order is on its way. What was added to an order, and its payment, are told together and travel apart. */
const mayChange = ({ underway, document }: Item<Payment>): boolean => underway?.has(`order:${document.order}`) ?? false;

const tooEarly = (): FaultError =>
  new FaultError({
    kind: 'early',
    cause: 'overpaid',
    field: 'amount',
    message: 'it is more than is left to pay on the order in Odoo: what was added to the order is waited for',
  });

/** Sets what stands on the account against what was added to the order since, which is invoiced first. */
async function payAdded(odoo: Odoo, item: Item<Payment>, { order }: Prepared, cx: Context): Promise<void> {
  if (mayChange(item)) throw tooEarly();
  const { currency, beyond = 0 } = item.document;
  const amount = (await standingOf(odoo, order, currency, cx)) - BigInt(beyond);
  const open = await payableOf(odoo, order, { currency, amount, fresh: isFresh(item, cx) }, cx);
  for (const invoice of open ? [open.invoice, ...open.others] : []) await settleInvoice(odoo, order, invoice, cx);
}

/** Sets what stands on the account against the order's refunds, or has a person asked whose those are that it finds there. */
async function settle(odoo: Odoo, item: Item<Payment>, cx: Context): Promise<void> {
  await settleAccount(odoo, bookedOf(item), cx);
  await askWhose(odoo, bookedOf(item), isFresh(item, cx), cx);
}

async function bookAlone(odoo: Odoo, item: Item<Payment>, { order, journal }: Prepared, cx: Context): Promise<void> {
  const { key, document: payment } = item;
  const account = await accountOf(odoo, order, cx);
  if (account === null) throw rejected('its order is no longer in Odoo', 'order-missing', 'order');
  const { id: memo, currency, paidOn: day } = payment;
  const name = externalId(odoo.module(cx), 'payment', key);
  const amount = BigInt(payment.amount);
  await bookOnAccount(odoo, { name, memo, direction: 'inbound', account, journal, day, currency, amount }, cx);
  await settle(odoo, item, cx);
}

/** Null where Odoo holds nothing. */
function resultOf(found: Found): Result | null {
  if (found.found === 'absent') return null;
  if (found.found === 'whole') return { outcome: 'done', id: found.id };
  const message = `${found.message} Put that right there, then retry, or dismiss this and say under which id it is there.`;
  return { outcome: 'failed', fault: { kind: 'rejected', cause: 'payment-differs', field: 'id', message } };
}

const about = (payment: Payment, fault: Extract<Fault, { kind: 'rejected' }>): Fault => ({
  ...fault,
  message: `payment ${payment.id}: ${fault.message}`,
});

const nowhere = (payment: Payment): Fault => ({
  kind: 'rejected',
  cause: 'read-back-missing',
  message: `Odoo said that it registered payment ${payment.id}, but it is not there`,
});
