import type { Context, Found, Item, Result, Sink } from '../../../core/connector.ts';
import { type Fault, FaultError, rejected } from '../../../core/fault.ts';
import { money, moneyText } from '../../../core/money.ts';
import { type Refund, RefundDocument } from '../../../model/refund.ts';
import type { Odoo } from '../database.ts';
import { externalId } from '../external-id.ts';
import { pair, type Row } from '../rows.ts';
import { creditNoteOf, namesOf, roundingLine } from './credit-notes.ts';
import { invoiceOf } from './credited-order.ts';
import { maybeDone } from './done-before.ts';
import { type Loadable, load } from './load.ts';
import { moneyOf, refundsAlike } from './money-matches.ts';
import { accountOf, askWhose, bookOnAccount, isUnsettled, settleAccount } from './on-account.ts';
import { owedNote } from './owed-notes.ts';
import { isHeld, paidBack, payBack, shown } from './pay-back.ts';
import { isCancelledUninvoiced } from './payable.ts';
import { foundOf } from './payments.ts';
import { afterLanding, deliverPrepared, isFresh, linked, oneByOne } from './prepared.ts';
import { minorOf, sinkOf } from './sink.ts';

interface Prepared {
  /** Id of the sale order. */
  readonly order: number;
  /** Null while nothing was paid back. */
  readonly journal: number | null;
}

/**
 * Refunds become posted credit notes, tied to the order's lines and invoice as Odoo's own are, to the cent; what was paid back is registered on them through
 * the journal of its payment method. The credit note has an external id, and what is there is gone on with. A registration cannot be given a key, so the
 * sink is `find-first`: the refund's id stands in Odoo as the payment's memo, as with payments.
 *
 * What was never invoiced, because the order was cancelled or changed before, is not credited either: it goes back from the customer's account, on which its payment stands.
 *
 * A refund that Odoo itself decided on (`creditNote`) has its credit note: what the shop paid is registered on that one, and nothing else is made.
 *
 * One that people booked before the hub came is bound to its credit note (`match`), which is taken as it is; its money is registered where it is not there. Where Odoo has one that may be
 * it, of an order that people made there, nothing is made.
 *
 * A credit note is never set against an invoice that is still open: money that came in is a payment of its own, whichever comes first.
 *
 * Mapping tables: `taxes` (tax code of the hub → sales tax in Odoo), `payment-methods` (payment method → code of the journal). Only the company's own currency.
 *
 * @see odoo.md §3 Invoices
 */
export const refunds = (odoo: Odoo, max: number, limit = 5): Sink<typeof RefundDocument> =>
  sinkOf(odoo, {
    name: 'refunds',
    accepts: RefundDocument,
    idempotency: 'find-first',
    batch: { max, onFailure: 'independent' },
    minds: 'underway',
    find: async (items, cx) => {
      const found: Found[] = [];
      for (const item of items) found.push(await find(odoo, item, cx));
      return found;
    },
    match: (items, cx) => refundsAlike(odoo, items, cx),
    deliver: (items, cx) =>
      deliverPrepared(
        items,
        (item) => prepare(odoo, item, cx),
        (ready) => oneByOne(ready, ({ item, prepared }) => deliverOne(odoo, item, prepared, limit, cx)),
      ),
  });

async function prepare(odoo: Odoo, item: Item<Refund>, cx: Context): Promise<Prepared> {
  const { document: refund } = item;
  const { currency, name } = await odoo.company(cx);
  if (refund.currency !== currency.name)
    throw rejected(
      `refund ${refund.number} is in ${refund.currency}, but ${name} in Odoo keeps ${currency.name}`,
      'currency-unknown',
      'currency',
    );
  if (!/^\d{4}-\d{2}-\d{2}$/.test(refund.refundedOn))
    throw rejected(
      `refund ${refund.number}: '${refund.refundedOn.slice(0, 40)}' is not a day`,
      'not-a-day',
      'refundedOn',
    );
  const sum = refund.lines.reduce((all, { amount }) => all + BigInt(amount), 0n);
  if (sum !== BigInt(refund.amount))
    throw rejected(
      `refund ${refund.number}: its lines come to ${shown(sum, refund)}, but it says ${shown(BigInt(refund.amount), refund)}`,
      'totals-differ',
      'amount',
    );
  if (new Set(refund.lines.map(({ id }) => id)).size < refund.lines.length)
    throw rejected(`two lines of refund ${refund.number} have the same id`, 'line-id', 'lines');
  const order = Number(linked(item, 'order', refund.order));
  if (refund.method === null) return { order, journal: null };
  const code = cx.mapping('payment-methods').get(refund.method);
  return { order, journal: await odoo.journal(code, cx, 'payment-methods') };
}

const noteFields = [
  'name',
  'state',
  'posted_before',
  'amount_total',
  'amount_residual',
  'currency_id',
  'reversed_entry_id',
];

async function heldOf(odoo: Odoo, item: Item<Refund>, cx: Context): Promise<Row | undefined> {
  const { note } = namesOf(odoo, item, cx);
  const domain = [
    ['ref', '=', item.document.number],
    ['move_type', '=', 'out_refund'],
  ];
  return (await odoo.own('account.move', domain, [note], noteFields, cx)).get(note);
}

/** Absent unless all of it is there: what is missing can be added without doubling what is not. */
async function find(odoo: Odoo, item: Item<Refund>, cx: Context): Promise<Found> {
  const { document: refund } = item;
  if (refund.creditNote !== undefined) {
    const paid = foundOf(refund, await paidBack(odoo, refund, cx));
    return paid.found === 'whole' && item.id !== null ? { found: 'whole', id: item.id } : paid;
  }
  const note = await heldOf(odoo, item, cx);
  const order = Number(item.links.get(`order:${refund.order}`));
  if (!note && refund.method !== null && order > 0 && (await isCancelledUninvoiced(odoo, order, cx))) {
    const paid = foundOf(refund, await paidBack(odoo, refund, cx));
    if (paid.found !== 'whole') return paid;
    return (await isUnsettled(odoo, bookedOf(item), cx))
      ? { found: 'absent' }
      : { found: 'whole', id: idWithout(order) };
  }
  if (note?.state !== 'posted' || differenceOf(refund, note)) return { found: 'absent' };
  if (refund.method === null)
    return note.reversed_entry_id === false ? { found: 'absent' } : { found: 'whole', id: String(note.id) };
  const paid = foundOf(refund, await paidBack(odoo, refund, cx), isPartly(refund));
  if (isPartly(refund) && paid.found === 'whole' && (await isUnsettled(odoo, bookedOf(item), cx)))
    return { found: 'absent' };
  return paid.found === 'whole' ? { found: 'whole', id: String(note.id) } : paid;
}

/** What stands for the credit note where there is none to be made. */
const idWithout = (order: number): string => `order-${order}`;

/** Its payment, as it may stand on the customer's account. */
const bookedOf = ({ document: { id: memo, currency, order: key }, links }: Item<Refund>) =>
  ({ memo, direction: 'outbound', currency, order: Number(links.get(`order:${key}`)) }) as const;

/** Whether some of it may never have been invoiced. */
const isPartly = ({ lines }: Refund): boolean => lines.some(({ left }) => left !== undefined);

async function deliverOne(
  odoo: Odoo,
  item: Item<Refund>,
  prepared: Prepared,
  limit: number,
  cx: Context,
): Promise<Result> {
  try {
    if (item.document.creditNote !== undefined) return await payOwed(odoo, item, prepared, cx);
    inTurn(item);
    const held = await heldOf(odoo, item, cx);
    const adopted = held ? null : await adoptedNote(odoo, item, cx);
    if (adopted) return await payAdopted(odoo, item, adopted, prepared, cx);
    const note = await posted(odoo, item, held, prepared.order, limit, cx);
    const id = note ? String(note.id) : idWithout(prepared.order);
    if (prepared.journal === null) return { outcome: 'done', id };
    if (note)
      await payBack(odoo, item.document, { note, journal: prepared.journal, partly: isPartly(item.document) }, cx);
    else await payFromAccount(odoo, item, prepared.order, prepared.journal, cx);
    if (!note || isPartly(item.document)) await settle(odoo, item, cx);
    return { outcome: 'done', id };
  } catch (error) {
    if (!(error instanceof FaultError)) throw error;
    const fault = await odoo.faultOf(error, 'account.move', cx).catch(() => error.fault);
    return { outcome: 'failed', fault: fault.kind === 'rejected' ? about(item.document, fault) : fault };
  }
}

/** Throws `early` while a refund before it, which names the same line, is not there: what it credits depends on what that one has credited. */
function inTurn({ document: { after = [] }, links }: Item<Refund>): void {
  const missing = after.filter((key) => !links.get(`refund:${key}`));
  if (missing.length === 0) return;
  throw new FaultError({
    kind: 'early',
    cause: 'refund-before',
    field: 'after',
    message: `refund ${missing.join(', ')} of the same line is not in Odoo yet: decide on that one first (if it is there already, say under which id when you dismiss it), then retry this one`,
  });
}

async function settle(odoo: Odoo, item: Item<Refund>, cx: Context): Promise<void> {
  await settleAccount(odoo, bookedOf(item), cx);
  await askWhose(odoo, bookedOf(item), isFresh(item, cx), cx);
}

/** The books decided on it and have the credit note: only what was paid is new to them. */
async function payOwed(odoo: Odoo, item: Item<Refund>, { journal }: Prepared, cx: Context): Promise<Result> {
  const note = await owedNote(odoo, item, cx);
  if (journal !== null) await payBack(odoo, item.document, { note, journal, partly: false }, cx);
  return { outcome: 'done', id: String(note.id) };
}

const about = ({ number }: Refund, fault: Extract<Fault, { kind: 'rejected' }>): Fault => ({
  ...fault,
  message: fault.message.includes(number) ? fault.message : `refund ${number}: ${fault.message}`,
});

/** The credit note that people made, and that the refund is bound to. Throws `rejected` where there is one that may be it. */
async function adoptedNote(odoo: Odoo, item: Item<Refund>, cx: Context): Promise<Row | null> {
  if (item.id === null) {
    const maybe = await maybeDone(odoo, [item], (items) => refundsAlike(odoo, items, cx), cx);
    for (const fault of maybe.values()) throw new FaultError(fault);
    return null;
  }
  const domain = [
    ['id', '=', Number(item.id) || 0],
    ['move_type', '=', 'out_refund'],
  ];
  const [note] = await odoo.read('account.move', domain, noteFields, cx);
  return note ?? null;
}

/** Registers what went back, unless people did. */
async function payAdopted(
  odoo: Odoo,
  item: Item<Refund>,
  note: Row,
  { journal }: Prepared,
  cx: Context,
): Promise<Result> {
  const { document: refund } = item;
  const difference = differenceOf(refund, note);
  if (difference) throw new FaultError(difference);
  const money = journal === null ? 'booked' : await moneyOf(odoo, item, note, cx);
  if (typeof money === 'object') throw rejected(money.unclear, 'account-unclear', 'amount');
  if (journal !== null && money === 'owed') await payBack(odoo, refund, { note, journal, partly: false }, cx);
  return { outcome: 'done', id: String(note.id) };
}

/** The posted credit note: found, or made; null where there is nothing to credit. Throws `rejected` when it is not what it should be. */
async function posted(
  odoo: Odoo,
  item: Item<Refund>,
  held: Row | undefined,
  order: number,
  limit: number,
  cx: Context,
): Promise<Row | null> {
  const { document: refund } = item;
  let note = held;
  if (!note) {
    // Paid from the customer's account when it came before: it stays so, whatever has become of the order since.
    if (isPartly(refund) && isHeld(foundOf(refund, await paidBack(odoo, refund, cx), true))) return null;
    const { loadable } = await creditNoteOf(odoo, item, { order, note: null }, cx);
    if (loadable === null) return null;
    await write(odoo, loadable, cx);
    note = await heldOf(odoo, item, cx);
  }
  if (note?.state === 'cancel' && (await wentWithOrder(odoo, note, order, cx))) {
    await odoo.call('account.move', 'button_draft', { ids: [note.id as number] }, cx);
    note = { ...note, state: 'draft' };
  }
  if (note?.state === 'draft') {
    const { amount } = await creditNoteOf(odoo, item, { order, note: note.id as number }, cx);
    const off = amount - minorOf(note.amount_total, refund.currency);
    if (off !== 0n) await round(odoo, item, { amount, off }, limit, cx);
    await post(odoo, item, note, order, cx);
    try {
      note = await heldOf(odoo, item, cx);
    } catch (error) {
      throw new FaultError(afterLanding(error, 'the credit note was posted in Odoo'));
    }
  }
  const difference = differenceOf(refund, note);
  if (difference) throw new FaultError(difference);
  if (note!.reversed_entry_id === false) await tie(odoo, note!, order, cx);
  return note!;
}

/** Odoo cancels the drafts of an order that is cancelled, a credit note that the hub is about to post among them. The customer got the money all the same. */
async function wentWithOrder(odoo: Odoo, note: Row, order: number, cx: Context): Promise<boolean> {
  if (note.posted_before === true) return false;
  const [row] = await odoo.read('sale.order', [['id', '=', order]], ['state'], cx);
  return row?.state === 'cancel';
}

/** Throws `transient` where its order was cancelled meanwhile, and the draft with it: the next time finds both. */
async function post(odoo: Odoo, item: Item<Refund>, { id }: Row, order: number, cx: Context): Promise<void> {
  try {
    await odoo.call('account.move', 'action_post', { ids: [id as number] }, cx);
  } catch (error) {
    if (!(error instanceof FaultError) || error.fault.kind !== 'rejected') throw error;
    const held = await heldOf(odoo, item, cx);
    if (held?.state !== 'cancel' || !(await wentWithOrder(odoo, held, order, cx))) throw error;
    const message = `order ${item.document.orderNumber} was cancelled in Odoo meanwhile, and the draft of this credit note with it; it is made a draft again`;
    throw new FaultError({ kind: 'transient', message });
  }
}

/** Says which invoice it credits. Only now: Odoo sets a credit note that says so against what is still open of the invoice when it is posted (run on 18). */
async function tie(odoo: Odoo, { id }: Row, order: number, cx: Context): Promise<void> {
  const invoice = await invoiceOf(odoo, order, cx);
  if (invoice === null) return;
  const vals = { reversed_entry_id: invoice };
  await odoo.call('account.move', 'write', { ids: [id as number], args: [['vals', vals]] }, cx);
}

async function write(odoo: Odoo, record: Loadable, cx: Context): Promise<void> {
  const [loaded] = await load(odoo, 'account.move', [record], cx);
  if (loaded!.outcome === 'failed') throw new FaultError(loaded!.fault);
  if (loaded!.outcome === 'untouched')
    throw new FaultError({ kind: 'transient', message: 'Odoo did not take the credit note; nothing was changed' });
}

/** A line for what Odoo adds up otherwise than `amount`, by `off`. Throws `rejected` with both figures above the limit: the draft stays, for a person to see. */
async function round(
  odoo: Odoo,
  item: Item<Refund>,
  { amount, off }: { readonly amount: bigint; readonly off: bigint },
  limit: number,
  cx: Context,
): Promise<void> {
  const { document: refund } = item;
  if (off > BigInt(limit) || -off > BigInt(limit))
    throw rejected(
      `its credit note is a draft in Odoo and comes to ${shown(amount - off, refund)}, but ${shown(amount, refund)} is to be credited: more than ${shown(BigInt(limit), refund)} apart; correct it there and post it, then retry`,
      'read-back-amount',
      'amount',
    );
  await write(odoo, roundingLine(odoo, item, moneyText(money(off, refund.currency)), cx), cx);
}

function differenceOf(refund: Refund, note: Row | undefined): Fault | null {
  const other = (message: string, cause: string): Fault => ({
    kind: 'rejected',
    message: `the credit note of refund ${refund.number} ${message}: put that right there, then retry`,
    cause,
  });
  if (!note) return other('cannot be read back from Odoo', 'read-back-missing');
  if (note.state !== 'posted')
    return other(`is in state '${String(note.state)}' in Odoo, not posted`, 'read-back-state');
  const theirs = minorOf(note.amount_total, refund.currency);
  const agrees = theirs === BigInt(refund.amount) || (isPartly(refund) && theirs < BigInt(refund.amount));
  if (agrees && pair(note.currency_id as never).name === refund.currency) return null;
  return other(
    `is worth ${moneyText(money(theirs, refund.currency))} ${pair(note.currency_id as never).name} in Odoo and ${shown(BigInt(refund.amount), refund)} here`,
    'read-back-amount',
  );
}

/** Books what was paid back without a credit note. */
async function payFromAccount(
  odoo: Odoo,
  { key, document: refund }: Item<Refund>,
  order: number,
  journal: number,
  cx: Context,
): Promise<void> {
  if (isHeld(foundOf(refund, await paidBack(odoo, refund, cx)))) return;
  const account = await accountOf(odoo, order, cx);
  if (account === null) throw rejected('its order is no longer in Odoo', 'order-missing', 'order');
  const { id: memo, currency, refundedOn: day } = refund;
  const name = externalId(odoo.module(cx), 'refund_payment', key);
  const amount = BigInt(refund.amount);
  await bookOnAccount(odoo, { name, memo, direction: 'outbound', account, journal, day, currency, amount }, cx);
}
