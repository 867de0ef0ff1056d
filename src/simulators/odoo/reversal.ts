import type { Env } from './env.ts';
import { char, date, many2many, many2one } from './fields.ts';
import { defineModel, type Model, onRows } from './model.ts';
import { entryLines } from './receivable.ts';
import type { Json, Row } from './types.ts';

/** A draft credit note over all lines of an invoice, tied to the order's lines as they are. */
function reversalOf(env: Env, wizard: Row, invoice: Row): Row {
  const lines = entryLines(env, invoice).filter((line) => line.display_type === 'product');
  const [made] = env.create('account.move', [
    {
      move_type: 'out_refund',
      partner_id: invoice.partner_id!,
      currency_id: invoice.currency_id!,
      company_id: invoice.company_id!,
      journal_id: wizard.journal_id || invoice.journal_id!,
      invoice_origin: invoice.invoice_origin!,
      invoice_date: wizard.date!,
      date: wizard.date!,
      reversed_entry_id: invoice.id,
      ref: wizard.reason ? `Reversal of: ${invoice.name}, ${wizard.reason}` : `Reversal of: ${invoice.name}`,
      invoice_line_ids: lines.map((line) => [
        0,
        0,
        {
          name: line.name!,
          product_id: line.product_id!,
          product_uom_id: line.product_uom_id!,
          quantity: line.quantity!,
          price_unit: line.price_unit!,
          discount: line.discount!,
          tax_ids: [[6, 0, line.tax_ids as number[]]],
          sale_line_ids: [[6, 0, line.sale_line_ids as number[]]],
        },
      ]),
    },
  ]);
  return made!;
}

function refundMoves(env: Env, rows: readonly Row[]): Json {
  const wizard = rows[0]!;
  const made = (wizard.move_ids as number[]).map((id) => reversalOf(env, wizard, env.get('account.move', id)));
  env.flush();
  return {
    name: 'Reverse Moves',
    type: 'ir.actions.act_window',
    res_model: 'account.move',
    view_mode: 'form',
    res_id: made[0]!.id,
    context: { default_move_type: 'out_refund' },
  };
}

/** *Credit Note* on an invoice. */
export const reversalModels = (): Model[] => [
  defineModel({
    name: 'account.move.reversal',
    label: 'Account Move Reversal',
    fields: {
      move_ids: many2many('account.move', 'Moves'),
      reason: char('Reason displayed on Credit Note'),
      journal_id: many2one('account.journal', 'Journal', { required: true }),
      date: date('Reversal date', { default: (env) => env.db.today() }),
    },
    complete: (env, vals) => ({ move_ids: [[6, 0, (env.context.active_ids as number[]) ?? []]], ...vals }),
    methods: { refund_moves: onRows('account.move.reversal', refundMoves) },
  }),
];
