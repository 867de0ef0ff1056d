import type { Context } from '../../../core/connector.ts';
import { FaultError } from '../../../core/fault.ts';
import { money, moneyText } from '../../../core/money.ts';
import type { Odoo } from '../database.ts';
import { type Row, relation } from '../rows.ts';
import { load } from './load.ts';
import { minorOf } from './sink.ts';

/** Whose account an order's money stands on, and what says there that it is the order's. */
export interface Account {
  readonly partner: number;
  /** Name of the sale order: stands with a payment on account as its payment reference. */
  readonly order: string;
  /** Invoices and credit notes of the order: what was registered on them says by that whose it is. */
  readonly invoices: readonly number[];
}

/** Money that came from a customer, or went to one, with no invoice to be set against. */
export interface OnAccount {
  /** External id. */
  readonly name: string;
  /** Stands in Odoo as the payment's memo. */
  readonly memo: string;
  readonly direction: 'inbound' | 'outbound';
  readonly account: Account;
  readonly journal: number;
  /** YYYY-MM-DD. */
  readonly day: string;
  readonly currency: string;
  /** Minor units. */
  readonly amount: bigint;
}

/**
 * A posted payment by itself, as one enters it under Accounting › Customers › Payments: it stands on the customer's account. Loaded by external id and posted while it
 * is a draft, so that it may be repeated.
 */
export async function bookOnAccount(odoo: Odoo, booked: OnAccount, cx: Context): Promise<void> {
  const { name, memo, direction, account, journal, day, currency, amount } = booked;
  const domain = [['memo', '=', memo]];
  const held = async () => (await odoo.own('account.payment', domain, [name], ['state'], cx)).get(name);
  let payment = await held();
  if (!payment) {
    const cells = {
      id: name,
      payment_type: direction,
      partner_type: 'customer',
      'partner_id/.id': String(account.partner),
      'journal_id/.id': String(journal),
      date: day,
      amount: moneyText(money(amount, currency)),
      memo,
      payment_reference: account.order,
    };
    const [loaded] = await load(odoo, 'account.payment', [{ cells }], cx);
    if (loaded!.outcome === 'failed') throw new FaultError(loaded!.fault);
    payment = await held();
  }
  if (!payment)
    throw new FaultError({ kind: 'transient', message: 'Odoo did not take the payment; nothing was changed' });
  if (payment.state === 'draft') await odoo.call('account.payment', 'action_post', { ids: [payment.id as number] }, cx);
}

/** Null for an order that is no longer there. */
export async function accountOf(odoo: Odoo, order: number, cx: Context): Promise<Account | null> {
  const fields = ['name', 'partner_invoice_id', 'invoice_ids'];
  const [sale] = await odoo.read('sale.order', [['id', '=', order]], fields, cx);
  if (!sale) return null;
  return {
    partner: relation(sale.partner_invoice_id).id,
    order: String(sale.name),
    invoices: sale.invoice_ids as number[],
  };
}

/** A payment as it stands on the account of its order, which is named by its id. */
type Booked = Pick<OnAccount, 'memo' | 'direction' | 'currency'> & { readonly order: number };

const opposite = (direction: OnAccount['direction']) => (direction === 'outbound' ? 'inbound' : 'outbound');

/**
 * Sets a payment on a customer's account against what stands there of the same order in the other direction, as far as either goes; money of other orders is left alone. What is set
 * already is left alone too, so it may be repeated.
 */
export async function settleAccount(odoo: Odoo, booked: Booked, cx: Context): Promise<void> {
  const ids = await toSettle(odoo, booked, cx);
  if (ids.length > 0) await odoo.call('account.move.line', 'reconcile', { ids }, cx);
}

/** What came in for an order and stands on the customer's account, set against nothing; minor units. */
export async function standingOf(odoo: Odoo, order: number, currency: string, cx: Context): Promise<bigint> {
  const account = await accountOf(odoo, order, cx);
  return account === null
    ? 0n
    : sumOf(await openLines(odoo, ofOrder(account.partner, account), 'inbound', cx), currency);
}

/** Sets what stands there of an order against an invoice of it, as far as either goes. What is set already is left alone: it may be repeated. */
export async function settleInvoice(odoo: Odoo, order: number, invoice: number, cx: Context): Promise<void> {
  const account = await accountOf(odoo, order, cx);
  const own = account === null ? [] : await openLines(odoo, ofOrder(account.partner, account), 'inbound', cx);
  const due = own.length === 0 ? [] : await receivableOf(odoo, [invoice], cx);
  if (due.length === 0) return;
  await odoo.call('account.move.line', 'reconcile', { ids: [...due, ...own].map(({ id }) => id as number) }, cx);
}

/** Whether a payment on account could be set against something, or is a question to a person: what was cut off between the booking and that is to be done again. */
export const isUnsettled = async (odoo: Odoo, booked: Booked, cx: Context): Promise<boolean> =>
  (await toSettle(odoo, booked, cx)).length > 0 || (await unclear(odoo, booked, cx)) !== null;

/**
 * Throws `early` while the payment is `fresh`, then `rejected`, where it stands on the account set against nothing, and beside it others that say of no order: whether one is its own a
 * person must tell. What is its own may come a moment later.
 */
export async function askWhose(odoo: Odoo, booked: Booked, fresh: boolean, cx: Context): Promise<void> {
  const message = await unclear(odoo, booked, cx);
  if (message === null) return;
  throw new FaultError({
    kind: fresh ? 'early' : 'rejected',
    cause: 'account-unclear',
    field: 'order',
    message: `${message}: set that against it there if it is its own, then retry; else dismiss this`,
  });
}

/** What is unclear of a payment on account, in an operator's words; null where nothing is. */
async function unclear(odoo: Odoo, { memo, direction, currency, order }: Booked, cx: Context): Promise<string | null> {
  const own = await openLines(odoo, [['memo', '=', memo]], direction, cx);
  const account = own.length === 0 ? null : await accountOf(odoo, order, cx);
  if (!account) return null;
  const ownerless = [
    ['partner_id', '=', account.partner],
    ['payment_reference', '=', false],
    ['invoice_ids', '=', false],
  ];
  const all = await openLines(odoo, ownerless, opposite(direction), cx);
  if (all.length === 0) return null;
  const names = (lines: readonly Row[]) => lines.map(({ move_id: move }) => relation(move).name).join(', ');
  if (direction === 'outbound')
    return `it was paid from the customer's account in Odoo, on which nothing of order ${account.order} stands, but money that says of no order (${names(all)})`;
  const standing = sumOf(await openLines(odoo, ofOrder(account.partner, account), direction, cx), currency);
  const others = all.filter((line) => leftOf(line, currency) <= standing);
  if (others.length === 0) return null;
  return `it stands on the customer's account in Odoo, where nothing of order ${account.order} was paid back, but money that says of no order (${names(others)})`;
}

/** Which payments of a partner are an order's. */
const ofOrder = (partner: number, { order, invoices }: Account) => [
  ['partner_id', '=', partner],
  '|',
  ['payment_reference', '=', order],
  ['invoice_ids', 'in', invoices],
];

/** What of a line is set against nothing, in minor units, whichever way it went. */
function leftOf({ amount_residual: residual }: Row, currency: string): bigint {
  const minor = minorOf(residual, currency);
  return minor < 0n ? -minor : minor;
}

const sumOf = (lines: readonly Row[], currency: string): bigint =>
  lines.reduce((sum, line) => sum + leftOf(line, currency), 0n);

/** Lines of a payment that is not all set against something and of what there is of its order in the other direction: one of just its amount, else the oldest. Empty where there is nothing. */
async function toSettle(odoo: Odoo, { memo, direction, currency, order }: Booked, cx: Context): Promise<number[]> {
  const own = await openLines(odoo, [['memo', '=', memo]], direction, cx);
  const account = own.length === 0 ? null : await accountOf(odoo, order, cx);
  if (!account) return [];
  const mine = ofOrder(relation(own[0]!.partner_id).id, account);
  const others = await openLines(odoo, mine, opposite(direction), cx);
  const left = (line: Row): bigint => leftOf(line, currency);
  let wanted = sumOf(own, currency);
  const exact = others.find((line) => left(line) === wanted);
  const used: Row[] = [];
  for (const line of exact ? [exact] : others) {
    if (wanted <= 0n) break;
    used.push(line);
    wanted -= left(line);
  }
  return used.length === 0 ? [] : [...own, ...used].map(({ id }) => id as number);
}

/** Lines on customers' accounts, of posted payments, that are not all set against something; oldest first. */
async function openLines(
  odoo: Odoo,
  which: readonly unknown[],
  direction: OnAccount['direction'],
  cx: Context,
): Promise<Row[]> {
  const domain = [
    ...which,
    ['payment_type', '=', direction],
    ['is_reconciled', '=', false],
    ['state', 'in', ['in_process', 'paid']],
  ];
  const payments = await odoo.read('account.payment', domain, ['move_id'], cx);
  const moves = payments.map(({ move_id: move }) => relation(move).id).filter((id) => id !== 0);
  return moves.length === 0 ? [] : receivableOf(odoo, moves, cx);
}

/** Lines of moves on customers' accounts that are not all set against something; oldest first. */
async function receivableOf(odoo: Odoo, moves: readonly number[], cx: Context): Promise<Row[]> {
  const lines = [
    ['move_id', 'in', moves],
    ['account_id.account_type', '=', 'asset_receivable'],
    ['reconciled', '=', false],
  ];
  const rows = await odoo.read('account.move.line', lines, ['amount_residual', 'partner_id', 'move_id'], cx);
  return rows.sort((a, b) => (a.id as number) - (b.id as number));
}
