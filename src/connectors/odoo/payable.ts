import type { Context } from '../../core/connector.ts';
import { type Fault, FaultError, rejected } from '../../core/fault.ts';
import { invoiceAdded } from './added-lines.ts';
import type { Odoo } from './database.ts';
import { type Row, rowsOf } from './rows.ts';
import { minorOf } from './sink.ts';

/** A posted customer invoice that waits for money. */
export interface Payable {
  readonly invoice: number;
  readonly name: string;
  /** Minor units still to be paid. */
  readonly residual: bigint;
}

/**
 * The oldest posted invoice of a sale order on which something is still to be paid, or null when all is paid. An order without an invoice is
 * invoiced over what can be, one that was paid and has more lines since over those, a draft is posted. These steps are guarded by Odoo itself: what was invoiced is no longer to be invoiced, and only
 * drafts can be posted; so a step whose answer was lost may be made again. Throws `rejected` for an order that cannot be invoiced yet.
 *
 * @see odoo.md §3 Invoices; recording 32-invoice-post-pay
 */
export async function payableOf(odoo: Odoo, order: number, currency: string, cx: Context): Promise<Payable | null> {
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
  const isOpen = ({ state, amount_residual: left }: Row): boolean => state === 'draft' || minorOf(left, currency) > 0n;
  if (!invoices.some(isOpen) && (await invoiceAdded(odoo, { order, invoices: invoices.length }, cx))) {
    sale = await saleOf(odoo, order, cx);
    invoices = await invoicesOf(odoo, sale, cx);
  }
  if (invoices.some((row) => row.state === 'draft')) {
    const drafts = invoices.filter((row) => row.state === 'draft').map((row) => row.id as number);
    const refusal = await refusalOf(() => odoo.call('account.move', 'action_post', { ids: drafts }, cx));
    invoices = await invoicesOf(odoo, sale, cx);
    if (invoices.some((row) => row.state === 'draft'))
      throw notDone(refusal, `the invoice of order ${String(sale.name)} could not be posted in Odoo`);
  }
  for (const row of [...invoices].sort((a, b) => (a.id as number) - (b.id as number))) {
    const residual = minorOf(row.amount_residual, currency);
    if (residual > 0n) return { invoice: row.id as number, name: String(row.name), residual };
  }
  return null;
}

/** Whether an order was cancelled before anything of it was invoiced: money for it has no invoice to be set against, and never will. */
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
