import type { Context, Found } from '../../../core/connector.ts';
import { FaultError, rejected } from '../../../core/fault.ts';
import { money, moneyText } from '../../../core/money.ts';
import type { Refund } from '../../../model/refund.ts';
import type { Odoo } from '../database.ts';
import type { Row } from '../rows.ts';
import { prepareWizard } from './payable.ts';
import { foundOf, heldPayments } from './payments.ts';
import { afterLanding } from './prepared.ts';
import { minorOf } from './sink.ts';

/** An amount of a refund for people to read. */
export const shown = (minor: bigint, { currency }: Refund): string =>
  `${moneyText(money(minor, currency))} ${currency}`;

/** Payments to the customer that carry the refund's id. */
export const paidBack = async (odoo: Odoo, { id }: Refund, cx: Context): Promise<Row[]> =>
  (await heldPayments(odoo, [id], 'outbound', cx)).get(id) ?? [];

/** Registers what was paid back on the credit note, unless Odoo holds it. `partly`: some of it may have been on no invoice. */
export async function payBack(
  odoo: Odoo,
  refund: Refund,
  { note, journal, partly: alone }: { readonly note: Row; readonly journal: number; readonly partly: boolean },
  cx: Context,
): Promise<void> {
  if (isHeld(foundOf(refund, await paidBack(odoo, refund, cx), alone))) return;
  const left = minorOf(note.amount_residual, refund.currency);
  if (left < (alone ? minorOf(note.amount_total, refund.currency) : BigInt(refund.amount)))
    throw rejected(
      `only ${shown(left, refund)} is left to pay back on credit note ${String(note.name)}: was it set against something in Odoo?`,
      'already-settled',
      'amount',
    );
  const vals = {
    journal_id: journal,
    amount: Number(moneyText(money(BigInt(refund.amount), refund.currency))),
    payment_date: refund.refundedOn,
    communication: refund.id,
  };
  const context = { active_model: 'account.move', active_ids: [note.id as number] };
  const wizard = await prepareWizard(odoo, 'account.payment.register', vals, context, cx);
  await odoo.call('account.payment.register', 'action_create_payments', { ids: [wizard], context }, cx);
  try {
    if (isHeld(foundOf(refund, await paidBack(odoo, refund, cx), alone))) return;
  } catch (error) {
    throw error instanceof FaultError && error.fault.kind === 'rejected'
      ? error
      : new FaultError(afterLanding(error, 'the money was registered in Odoo'));
  }
  throw rejected(
    `Odoo said that it registered the money of refund ${refund.number}, but it is not there`,
    'read-back-missing',
  );
}

/** Throws `rejected` where Odoo holds something else under the refund's id. */
export function isHeld(found: Found): boolean {
  if (found.found === 'partial')
    throw rejected(
      `${found.message} Put that right there, then retry, or dismiss this and say under which id it is there.`,
      'payment-differs',
      'id',
    );
  return found.found === 'whole';
}
