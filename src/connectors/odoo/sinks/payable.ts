import type { Context } from '../../../core/connector.ts';
import { type Fault, FaultError, rejected } from '../../../core/fault.ts';
import type { Odoo } from '../database.ts';
import { type Row, rowsOf } from '../rows.ts';
import { minorOf } from './sink.ts';
import { type Invoiced, invoiceAdded, roundDrafts } from './true-up.ts';

/** A posted customer invoice that waits for money. */
export interface Payable {
  readonly invoice: number;
  readonly name: string;
  /** Minor units still to be paid. */
  readonly residual: bigint;
  /** Younger ones of the order that wait too, and what is still to be paid on all of them. */
  readonly others: readonly number[];
  readonly total: bigint;
}

/**
 * The oldest posted invoice of a sale order on which something is still to be paid, or null when all is paid. `amount`: what is paid, minor units; `fresh`: since a moment ago. An order without an invoice is
 * invoiced over what can be, one that has more since over that, where less waits than is paid (and less what was taken off, where the difference is paid), a draft is posted. These steps are guarded by Odoo itself: what was invoiced is no longer to be invoiced, and only
 * drafts can be posted; so a step whose answer was lost may be made again. Throws `rejected` for an order that cannot be invoiced yet.
 *
 * @see odoo.md §3 Invoices; recording 32-invoice-post-pay
 */
export async function payableOf(
  odoo: Odoo,
  order: number,
  { currency, amount, fresh }: Pick<Invoiced, 'currency' | 'amount' | 'fresh'>,
  cx: Context,
): Promise<Payable | null> {
  let sale = await saleOf(odoo, order, cx);
  let invoices = await invoicesOf(odoo, sale, cx);
  if (invoices.length === 0) {
    if (sale.invoice_status !== 'to invoice')
      throw rejected(
        `order ${String(sale.name)} has nothing to invoice in Odoo (${why(sale)}): put that right there, then retry`,
        'not-invoiceable',
        'order',
      );
    const refusal = await refusalOf(() => invoice(odoo, order, cx));
    sale = await saleOf(odoo, order, cx);
    invoices = await invoicesOf(odoo, sale, cx);
    if (invoices.length === 0) throw notDone(refusal, `order ${String(sale.name)} could not be invoiced in Odoo`);
  }
  const left = minorSum(invoices, currency);
  const moves = (sale.invoice_ids as number[]).length;
  const invoiced = { order, moves, currency, amount: amount - left, fresh };
  const isDraft = ({ state }: Row): boolean => state === 'draft';
  if (!invoices.some(isDraft) && (left === 0n || amount > left) && (await invoiceAdded(odoo, invoiced, cx))) {
    sale = await saleOf(odoo, order, cx);
    invoices = await invoicesOf(odoo, sale, cx);
  }
  if (invoices.some(isDraft)) {
    const drafts = invoices.filter(isDraft).map((row) => row.id as number);
    const posted = minorSum(
      invoices.filter((row) => !isDraft(row)),
      currency,
    );
    await roundDrafts(odoo, drafts, { currency, amount: amount - posted }, cx);
    const refusal = await refusalOf(() => odoo.call('account.move', 'action_post', { ids: drafts }, cx));
    invoices = await invoicesOf(odoo, sale, cx);
    if (invoices.some(isDraft))
      throw notDone(refusal, `the invoice of order ${String(sale.name)} could not be posted in Odoo`);
  }
  const open = invoices
    .filter((row) => minorOf(row.amount_residual, currency) > 0n)
    .sort((a, b) => (a.id as number) - (b.id as number));
  const [first, ...others] = open;
  if (!first) return null;
  return {
    invoice: first.id as number,
    name: String(first.name),
    residual: minorOf(first.amount_residual, currency),
    others: others.map(({ id }) => id as number),
    total: minorSum(open, currency),
  };
}

const minorSum = (invoices: readonly Row[], currency: string): bigint =>
  invoices.reduce((sum, row) => sum + minorOf(row.amount_residual, currency), 0n);

/** Whether an order was cancelled: money for what was not invoiced of it by then has no invoice to be set against, and never will. */
export async function isCancelled(odoo: Odoo, order: number, cx: Context): Promise<boolean> {
  const [sale] = order > 0 ? await odoo.read('sale.order', [['id', '=', order]], ['state'], cx) : [];
  return sale?.state === 'cancel';
}

/** Whether an order was cancelled before anything of it was invoiced. */
export async function isCancelledUninvoiced(odoo: Odoo, order: number, cx: Context): Promise<boolean> {
  const sale = await saleOf(odoo, order, cx);
  return sale.state === 'cancel' && (await invoicesOf(odoo, sale, cx)).length === 0;
}

/** What is left to pay on an invoice, in minor units. */
export async function residualOf(odoo: Odoo, invoice: number, currency: string, cx: Context): Promise<bigint> {
  const [row] = await read(odoo, 'account.move', [invoice], ['amount_residual'], cx);
  return minorOf(row?.amount_residual, currency);
}

/**
 * Makes a wizard's record. Odoo forgets it when nothing is done with it: an answer that was lost means that nothing has happened, so the Fault is
 * `transient` then.
 */
export async function prepareWizard(
  odoo: Odoo,
  model: string,
  vals: Readonly<Record<string, unknown>>,
  context: Readonly<Record<string, unknown>>,
  cx: Context,
): Promise<number> {
  try {
    const answer = await odoo.call(model, 'create', { args: [['vals_list', [vals]]], context }, cx);
    const id: unknown = Array.isArray(answer) ? answer[0] : answer;
    if (typeof id === 'number') return id;
    throw new FaultError({ kind: 'transient', message: `Odoo gave no id for a ${model}; nothing was changed` });
  } catch (error) {
    if (!(error instanceof FaultError) || error.fault.kind !== 'unknown') throw error;
    const message = `Odoo did not answer when a ${model} was prepared; nothing was changed`;
    throw new FaultError({ kind: 'transient', message }, { cause: error });
  }
}

const why = (sale: Row): string =>
  sale.state === 'sale' || sale.state === 'done'
    ? 'its products are invoiced by what was delivered, and nothing was; or it is worth nothing'
    : `it is in state '${String(sale.state)}', not confirmed`;

const read = async (
  odoo: Odoo,
  model: string,
  ids: readonly number[],
  fields: string[],
  cx: Context,
): Promise<Row[]> =>
  ids.length === 0 ? [] : rowsOf(await odoo.call(model, 'read', { ids, args: [['fields', fields]] }, cx));

async function saleOf(odoo: Odoo, order: number, cx: Context): Promise<Row> {
  const [sale] = await read(odoo, 'sale.order', [order], ['name', 'state', 'invoice_ids', 'invoice_status'], cx);
  if (!sale) throw rejected('its order is no longer in Odoo', 'order-missing', 'order');
  return sale;
}

async function invoicesOf(odoo: Odoo, sale: Row, cx: Context): Promise<Row[]> {
  const fields = ['name', 'state', 'move_type', 'amount_residual'];
  const rows = await read(odoo, 'account.move', sale.invoice_ids as number[], fields, cx);
  return rows.filter((row) => row.move_type === 'out_invoice' && row.state !== 'cancel');
}

async function invoice(odoo: Odoo, order: number, cx: Context): Promise<unknown> {
  const vals = { advance_payment_method: 'delivered', sale_order_ids: [[6, 0, [order]]] };
  const wizard = await prepareWizard(odoo, 'sale.advance.payment.inv', vals, {}, cx);
  return odoo.call('sale.advance.payment.inv', 'create_invoices', { ids: [wizard] }, cx);
}

/** A refusal may come of another call, ours whose answer was lost, having done it meanwhile: what is read afterwards decides. */
async function refusalOf(act: () => Promise<unknown>): Promise<Fault | null> {
  try {
    await act();
    return null;
  } catch (error) {
    if (error instanceof FaultError && error.fault.kind === 'rejected') return error.fault;
    throw error;
  }
}

const notDone = (refusal: Fault | null, what: string): FaultError =>
  rejected(refusal ? `${what}: ${refusal.message}` : `${what}, and it gave no reason`, 'not-invoiceable', 'order');
