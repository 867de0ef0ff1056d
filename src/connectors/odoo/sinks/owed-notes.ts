import type { Context, Item } from '../../../core/connector.ts';
import { rejected } from '../../../core/fault.ts';
import type { Refund } from '../../../model/refund.ts';
import type { Odoo } from '../database.ts';
import type { Row } from '../rows.ts';

const fields = ['name', 'state', 'move_type', 'amount_total', 'amount_residual'];

/** The credit note in Odoo that a refund was decided by, which is what the refund is bound to. Throws `rejected` where it is no longer posted. */
export async function owedNote(odoo: Odoo, { id, document }: Item<Refund>, cx: Context): Promise<Row> {
  const [note] = await odoo.read('account.move', [['id', '=', Number(id ?? 0)]], fields, cx);
  const { number, creditNote } = document;
  if (note?.move_type !== 'out_refund')
    throw rejected(
      `refund ${number} was paid, but its credit note ${creditNote} is no longer in Odoo: book the payment there by hand, then dismiss this`,
      'credit-note-gone',
      'creditNote',
    );
  if (note.state !== 'posted')
    throw rejected(
      `refund ${number} was paid, but its credit note ${creditNote} is in state '${String(note.state)}' in Odoo: post it again, then retry, or book the payment there by hand and dismiss this`,
      'credit-note-not-posted',
      'creditNote',
    );
  return note;
}
