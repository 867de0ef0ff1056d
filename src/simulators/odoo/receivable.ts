import type { Env } from './env.ts';
import { userError } from './errors.ts';
import { addExactly, negate, type Rational, rational, toNumber } from './rational.ts';
import { roundingOf, taxesOf } from './tax.ts';
import { orderTotals } from './taxes.ts';
import type { Row } from './types.ts';

/** The lines of an entry, oldest first. */
export const entryLines = (env: Env, move: Row): Row[] =>
  env.having('account.move.line', 'move_id', move.id).sort((a, b) => a.id - b.id);

/** True for a line that waits for a payment. */
export const payable = (env: Env, line: Row): boolean => {
  const type = env.find('account.account', line.account_id!)?.account_type;
  return type === 'asset_receivable' || type === 'liability_payable';
};

const isSale = (move: Row): boolean => String(move.move_type).startsWith('out_');

const signOf = (move: Row): 1 | -1 => (move.move_type === 'out_invoice' || move.move_type === 'in_refund' ? -1 : 1);

const amountsOf = (balance: number) => ({ balance, debit: Math.max(balance, 0), credit: Math.max(-balance, 0) });

function termAccount(env: Env, move: Row): number {
  const code = isSale(move) ? '121000' : '211000';
  return env
    .having('account.account', 'code', code)
    .find((row) => (row.company_ids as number[]).includes(Number(move.company_id)))!.id;
}

/** Context key: the lines an invoice gets from its own computation do not ask for another. */
export const COMPUTING = 'computing_invoice';

/**
 * What lines are booked at when they must add up to a sum that was rounded as a whole: the cents between are spread over them, one each, the largest
 * first. Otherwise the receivable would differ from the invoice's total.
 *
 * @see account.tax `_round_base_lines_tax_details`, Odoo 18 and 19
 */
function spread(amounts: readonly number[], sum: number): number[] {
  const spreadOut = [...amounts];
  const order = amounts.map((_, i) => i).sort((a, b) => Math.abs(amounts[b]!) - Math.abs(amounts[a]!));
  let cents = Math.round((sum - amounts.reduce(addExactly, 0)) * 100);
  for (let i = 0; cents !== 0 && order.length > 0; i++, cents -= Math.sign(cents)) {
    const line = order[i % order.length]!;
    spreadOut[line] = addExactly(spreadOut[line]!, Math.sign(cents) / 100);
  }
  return spreadOut;
}

/** Makes an invoice's tax lines and the line that waits for payment, from its product lines. */
export function computeInvoice(outer: Env, move: Row): void {
  if (!outer.find('account.move', move.id) || move.state !== 'draft') return;
  const env = outer.with({ [COMPUTING]: true });
  const lines = entryLines(env, move);
  const products = lines.filter((line) => line.display_type === 'product');
  env.unlink(
    'account.move.line',
    lines.filter((line) => line.display_type === 'tax' || line.display_type === 'payment_term'),
  );
  const rounding = roundingOf(env, Number(move.company_id), Number(move.currency_id));
  const totals = orderTotals(
    products.map((line) => ({
      quantity: rational(Number(line.quantity)),
      price: rational(Number(line.price_unit)),
      discount: rational(Number(line.discount)),
      taxes: taxesOf(env, line.tax_ids as number[]),
    })),
    rounding,
  );
  const signed = (value: Rational) => toNumber(signOf(move) < 0 ? negate(value) : value);
  const income = Number(env.get('account.journal', move.journal_id!).default_account_id);
  const balances = spread(
    totals.lines.map(({ subtotal }) => signed(subtotal)),
    signed(totals.untaxed),
  );
  for (const [i, line] of products.entries()) {
    const { subtotal, total } = totals.lines[i]!;
    env.set('account.move.line', line, {
      ...amountsOf(balances[i]!),
      price_subtotal: toNumber(subtotal),
      price_total: toNumber(total),
      account_id: line.account_id || income,
    });
  }
  const taxes = totals.taxes.map((share) => ({
    name: String(env.get('account.tax', share.tax.id).name),
    account_id: income,
    display_type: 'tax',
    tax_line_id: share.tax.id,
    balance: signed(share.amount),
  }));
  const booked = [...products.map((line) => Number(line.balance)), ...taxes.map((line) => line.balance)].reduce(
    addExactly,
    0,
  );
  const term = {
    name: false,
    account_id: termAccount(env, move),
    display_type: 'payment_term',
    balance: -booked,
    amount_residual: -booked,
  };
  const common = { move_id: move.id, partner_id: move.partner_id!, quantity: 0 };
  env.create(
    'account.move.line',
    [...taxes, term].map((line) => ({ ...common, ...line })),
  );
  const [untaxed, tax, total] = [totals.untaxed, totals.tax, totals.total].map(toNumber) as [number, number, number];
  env.set('account.move', move, {
    amount_untaxed: untaxed,
    amount_tax: tax,
    amount_total: total,
    amount_residual: total,
  });
}

function settle(env: Env, line: Row, by: number): void {
  const residual = addExactly(Number(line.amount_residual), by);
  env.set('account.move.line', line, { amount_residual: residual, reconciled: residual === 0 });
  const move = env.get('account.move', line.move_id!);
  if (move.move_type === 'entry') {
    for (const payment of env.having('account.payment', 'move_id', move.id))
      env.set('account.payment', payment, { is_reconciled: residual === 0 });
    return;
  }
  const left = Math.abs(residual);
  const state = left === 0 ? 'paid' : left < Number(move.amount_total) ? 'partial' : 'not_paid';
  env.set('account.move', move, { amount_residual: left, payment_state: state });
}

/** Sets debits against credits of one account. Throws UserError when one of them is settled already. */
export function reconcile(env: Env, lines: readonly Row[]): void {
  if (lines.some((line) => line.reconciled))
    throw userError('You are trying to reconcile some entries that are already reconciled.');
  if (new Set(lines.map((line) => line.account_id)).size > 1) throw userError('Entries are not from the same account.');
  const debits = lines.filter((line) => Number(line.amount_residual) > 0);
  const credits = lines.filter((line) => Number(line.amount_residual) < 0);
  for (const debit of debits)
    for (const credit of credits) {
      const part = Math.min(Number(debit.amount_residual), -Number(credit.amount_residual));
      if (part <= 0) continue;
      settle(env, debit, -part);
      settle(env, credit, part);
      note(env, debit, credit);
      note(env, credit, debit);
    }
}

/** A payment tells the invoices and credit notes that it was set against. */
function note(env: Env, line: Row, against: Row): void {
  const move = env.get('account.move', against.move_id!);
  if (move.move_type !== 'out_invoice' && move.move_type !== 'out_refund') return;
  for (const payment of env.having('account.payment', 'move_id', Number(line.move_id))) {
    const reconciled = new Set([...(payment.reconciled_invoice_ids as number[]), move.id]);
    env.set('account.payment', payment, { reconciled_invoice_ids: [...reconciled] });
  }
}

/** A credit note that says which invoice it reverses is set against what is open of it. */
export function reverse(env: Env, move: Row): void {
  const reversed = env.find('account.move', move.reversed_entry_id!);
  if (reversed?.state !== 'posted') return;
  const open = [reversed, move].flatMap((one) => entryLines(env, one).filter((line) => payable(env, line)));
  if (open.every((line) => !line.reconciled)) reconcile(env, open);
}

/** A line of an invoice adds to what was invoiced of the order lines it is tied to, one of a credit note takes it off, also as a draft; `by` -1 when it is cancelled. */
export function tally(env: Env, line: Row, by: 1 | -1): void {
  const move = env.get('account.move', line.move_id!);
  const sign = move.move_type === 'out_invoice' ? by : -by;
  if (move.move_type !== 'out_refund' && move.move_type !== 'out_invoice') return;
  for (const id of line.sale_line_ids as number[]) {
    const sold = env.get('sale.order.line', id);
    const qty_invoiced = addExactly(Number(sold.qty_invoiced), sign * Number(line.quantity));
    env.write('sale.order.line', [sold], { qty_invoiced });
    const order = env.get('sale.order', sold.order_id!);
    const invoice_ids = [...new Set([...(order.invoice_ids as number[]), move.id])];
    env.set('sale.order', order, { invoice_ids });
  }
}

/** What is cancelled counts no longer as invoiced, or credited. */
export function cancelEntries(env: Env, moves: readonly Row[]): null {
  for (const line of moves.flatMap((move) => entryLines(env, move))) tally(env, line, -1);
  for (const move of moves) env.set('account.move', move, { state: 'cancel' });
  return null;
}

/** Ids of an invoice's own lines. */
export const productLines = (env: Env, move: Row): number[] =>
  entryLines(env, move)
    .filter((line) => line.display_type === 'product')
    .map((line) => line.id);

/** `Draft Entry (ref)` or `MISC/2026/11/0001 (ref)` */
export function moveName(env: Env, move: Row): string {
  const labels: Record<string, string> = {
    entry: 'Entry',
    out_invoice: 'Invoice',
    out_refund: 'Credit Note',
    in_invoice: 'Bill',
    in_refund: 'Vendor Credit Note',
  };
  const name = move.name ? String(move.name) : `Draft ${labels[String(move.move_type)] ?? 'Entry'}`;
  return move.ref && env ? `${name} (${move.ref})` : name;
}
