import type { Context } from '../../core/connector.ts';
import { FaultError } from '../../core/fault.ts';
import { money, moneyText } from '../../core/money.ts';
import type { Odoo } from './database.ts';
import { load } from './load.ts';
import { type Row, relation } from './rows.ts';
import { minorOf } from './sink.ts';

/** Money that came from a customer, or went to one, with no invoice to be set against. */
export interface OnAccount {
  /** External id. */
  readonly name: string;
  /** Stands in Odoo as the payment's memo. */
  readonly memo: string;
  readonly direction: 'inbound' | 'outbound';
  readonly partner: number;
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
  const { name, memo, direction, partner, journal, day, currency, amount } = booked;
  const domain = [['memo', '=', memo]];
  const held = async () => (await odoo.own('account.payment', domain, [name], ['state'], cx)).get(name);
  let payment = await held();
  if (!payment) {
    const cells = {
      id: name,
      payment_type: direction,
      partner_type: 'customer',
      'partner_id/.id': String(partner),
      'journal_id/.id': String(journal),
      date: day,
      amount: moneyText(money(amount, currency)),
      memo,
    };
    const [loaded] = await load(odoo, 'account.payment', [{ cells }], cx);
    if (loaded!.outcome === 'failed') throw new FaultError(loaded!.fault);
    payment = await held();
  }
  if (!payment)
    throw new FaultError({ kind: 'transient', message: 'Odoo did not take the payment; nothing was changed' });
  if (payment.state === 'draft') await odoo.call('account.payment', 'action_post', { ids: [payment.id as number] }, cx);
}

/** Whose account an order's money stands on. */
export async function accountOf(odoo: Odoo, order: number, cx: Context): Promise<number | null> {
  const [sale] = await odoo.read('sale.order', [['id', '=', order]], ['partner_invoice_id'], cx);
  return sale ? relation(sale.partner_invoice_id).id : null;
}

type Booked = Pick<OnAccount, 'memo' | 'direction' | 'currency'>;

/** Sets a payment on a customer's account against what stands there in the other direction, as far as either goes. What is set already is left alone, so it may be repeated. */
export async function settleAccount(odoo: Odoo, booked: Booked, cx: Context): Promise<void> {
  const ids = await toSettle(odoo, booked, cx);
  if (ids.length > 0) await odoo.call('account.move.line', 'reconcile', { ids }, cx);
}

/** Whether a payment on account could be set against something: what was cut off between the booking and that is to be done again. */
export const isUnsettled = async (odoo: Odoo, booked: Booked, cx: Context): Promise<boolean> =>
  (await toSettle(odoo, booked, cx)).length > 0;

/** Lines of a payment that is not all set against something and of what there is in the other direction: one of just its amount, else the oldest. Empty where there is nothing. */
async function toSettle(odoo: Odoo, { memo, direction, currency }: Booked, cx: Context): Promise<number[]> {
  const own = await openLines(odoo, [['memo', '=', memo]], direction, cx);
  if (own.length === 0) return [];
  const account = [['partner_id', '=', relation(own[0]!.partner_id).id]];
  const others = await openLines(odoo, account, direction === 'outbound' ? 'inbound' : 'outbound', cx);
  const left = ({ amount_residual: residual }: Row): bigint => {
    const minor = minorOf(residual, currency);
    return minor < 0n ? -minor : minor;
  };
  let wanted = own.reduce((sum, line) => sum + left(line), 0n);
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
  if (moves.length === 0) return [];
  const lines = [
    ['move_id', 'in', moves],
    ['account_id.account_type', '=', 'asset_receivable'],
    ['reconciled', '=', false],
  ];
  const rows = await odoo.read('account.move.line', lines, ['amount_residual', 'partner_id'], cx);
  return rows.sort((a, b) => (a.id as number) - (b.id as number));
}
