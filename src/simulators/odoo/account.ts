import { chart } from './accounts.ts';
import { moneyText, nextNumber } from './base.ts';
import type { Env } from './env.ts';
import { userError } from './errors.ts';
import {
  boolean,
  char,
  date,
  float,
  html,
  integer,
  many2many,
  many2one,
  monetary,
  one2many,
  selection,
} from './fields.ts';
import { defineModel, type Model, onRows } from './model.ts';
import { addExactly, rational, toNumber } from './rational.ts';
import {
  COMPUTING,
  cancelEntries,
  computeInvoice,
  entryLines,
  moveName,
  payable,
  productLines,
  reconcile,
  reverse,
  tally,
} from './receivable.ts';
import { roundingOf, taxesOf } from './tax.ts';
import { orderTotals } from './taxes.ts';
import type { Json, Row, Vals, Version } from './types.ts';

const moveTypes = [
  ['entry', 'Journal Entry'],
  ['out_invoice', 'Customer Invoice'],
  ['out_refund', 'Customer Credit Note'],
  ['in_invoice', 'Vendor Bill'],
  ['in_refund', 'Vendor Credit Note'],
  ['out_receipt', 'Sales Receipt'],
  ['in_receipt', 'Purchase Receipt'],
] as const;

const sum = (rows: readonly Row[], field: string): number =>
  rows.reduce((total, row) => addExactly(total, Number(row[field])), 0);

const money = (env: Env, move: Row, value: number): string =>
  moneyText(env.get('res.currency', move.currency_id!), value);

function checkBalance(env: Env, move: Row): void {
  if (!env.find('account.move', move.id)) return;
  const lines = entryLines(env, move);
  const [debit, credit] = [sum(lines, 'debit'), sum(lines, 'credit')];
  if (debit === credit) return;
  if (env.db.version >= 19) throw userError('The entry is not balanced.');
  throw userError(
    `An error has occurred.\n\nThe move (${moveName(env, move)}) is not balanced.\n` +
      `The total of debits equals ${money(env, move, debit)} and the total of credits equals ${money(env, move, credit)}.\n` +
      `You might want to specify a default account on journal "${env.display('account.journal', Number(move.journal_id))}" to automatically balance each move.`,
  );
}

/** At the end of the operation: an entry must balance, a draft invoice gets its tax and payment lines. */
function balanceLater(env: Env, move: Row): void {
  if (env.context[COMPUTING]) return;
  if (move.move_type !== 'entry') {
    env.defer(`invoice:${move.id}`, () => computeInvoice(env, move));
    return;
  }
  env.defer(`balance:${move.id}`, () => {
    checkBalance(env, move);
    if (env.find('account.move', move.id))
      env.set('account.move', move, { amount_total: sum(entryLines(env, move), 'debit') });
  });
}

/** Debit and credit from a balance, or the other way round. */
function amounts(vals: Vals, before?: Row): Vals {
  const given = (name: string) => vals[name] !== undefined;
  if (given('balance') && !given('debit') && !given('credit')) {
    const balance = Number(vals.balance);
    return { ...vals, debit: Math.max(balance, 0), credit: Math.max(-balance, 0) };
  }
  if (!given('debit') && !given('credit')) return vals;
  const debit = Number(given('debit') ? vals.debit : given('credit') && Number(vals.credit) ? 0 : (before?.debit ?? 0));
  const credit = Number(
    given('credit') ? vals.credit : given('debit') && Number(vals.debit) ? 0 : (before?.credit ?? 0),
  );
  return { ...vals, debit, credit, balance: addExactly(debit, -credit) };
}

/** Tax lines that follow from the taxes on an entry's lines. */
function addTaxLines(env: Env, move: Row): void {
  const lines = entryLines(env, move);
  if (lines.some((line) => line.tax_line_id) || move.move_type !== 'entry') return;
  const rounding = roundingOf(env, Number(move.company_id), Number(move.currency_id));
  for (const line of lines) {
    const taxes = taxesOf(env, line.tax_ids as number[]).map((tax) => ({ ...tax, included: false }));
    if (taxes.length === 0) continue;
    const { taxes: shares } = orderTotals(
      [{ quantity: rational(1), price: rational(Number(line.balance)), discount: rational(0), taxes }],
      rounding,
    );
    env.create(
      'account.move.line',
      shares.map((share) => ({
        move_id: move.id,
        account_id: line.account_id!,
        name: String(env.get('account.tax', share.tax.id).name),
        balance: toNumber(share.amount),
        tax_line_id: share.tax.id,
        display_type: 'tax',
      })),
    );
  }
}

const FIXED_WHEN_POSTED = [
  'invoice_line_ids',
  'line_ids',
  'invoice_date',
  'date',
  'partner_id',
  'invoice_payment_term_id',
  'currency_id',
  'fiscal_position_id',
  'journal_id',
];

function guardPosted(env: Env, rows: readonly Row[], vals: Vals): Vals {
  if (env.context.skip_readonly_check || !rows.some((row) => row.state === 'posted')) return vals;
  const fixed = Object.keys(vals).filter((name) => FIXED_WHEN_POSTED.includes(name) && name !== 'journal_id');
  if (fixed.length)
    throw userError(`You cannot modify the following readonly fields on a posted move: ${fixed.join(', ')}`);
  return vals;
}

/** The number of an entry: by month for miscellaneous and bank journals, by year for invoices. */
export function numberFor(env: Env, move: Row, before = ''): string {
  const journal = env.get('account.journal', move.journal_id!);
  const [year = '', month = ''] = String(move.date).split('-');
  const invoice = journal.type === 'sale' || journal.type === 'purchase';
  const refund = invoice && String(move.move_type).endsWith('refund') ? 'R' : '';
  const code = `${before}${refund}${journal.code}`;
  return invoice || journal.type === 'bank'
    ? nextNumber(env, `account.journal:${journal.id}:${code}:${year}`, `${code}/${year}/`, 5)
    : nextNumber(env, `account.journal:${journal.id}:${code}:${year}-${month}`, `${code}/${year}/${month}/`, 4);
}

/** Posts drafts. Throws UserError for an entry that is not one. */
export function postMoves(env: Env, moves: readonly Row[]): Json {
  for (const move of moves) {
    if (move.state !== 'draft') throw userError(`The entry ${move.name} (id ${move.id}) must be in draft.`);
    if (entryLines(env, move).length === 0) throw userError("Even magicians can't post nothing!");
    const invoice = move.move_type !== 'entry';
    if (invoice && !move.invoice_date)
      env.set('account.move', move, { invoice_date: env.db.today(), date: env.db.today() });
    const name = move.name || numberFor(env, move);
    env.set('account.move', move, {
      state: 'posted',
      posted_before: true,
      name,
      ...(invoice && !move.payment_reference ? { payment_reference: name } : {}),
    });
    reverse(env, move);
  }
  return false;
}

const journalOf = (env: Env, vals: Vals): Json => {
  const type = String(vals.move_type ?? 'entry').startsWith('out_')
    ? 'sale'
    : String(vals.move_type ?? 'entry').startsWith('in_')
      ? 'purchase'
      : 'general';
  return (
    env.search(
      'account.journal',
      [
        ['type', '=', type],
        ['company_id', '=', env.company],
      ],
      { limit: 1, order: 'sequence, id' },
    )[0]?.id ?? false
  );
};

function completeMove(env: Env, vals: Vals): Vals {
  const journal_id = vals.journal_id || journalOf(env, vals);
  const company = env.find('account.journal', journal_id)?.company_id ?? env.company;
  return {
    date: vals.invoice_date || env.db.today(),
    company_id: company,
    currency_id: env.get('res.company', company as number).currency_id!,
    ...vals,
    journal_id,
  };
}

/** Commands on an invoice's product lines. */
function writeInvoiceLines(env: Env, move: Row, value: Json): void {
  for (const [code, id, vals] of (value ?? []) as [number, number, Vals][]) {
    if (code === 0)
      env.create('account.move.line', [{ ...invoiceLine(env, vals), move_id: move.id, display_type: 'product' }]);
    else if (code === 1) env.write('account.move.line', [env.get('account.move.line', id)], vals);
    else if (code === 2) env.unlink('account.move.line', [env.get('account.move.line', id)]);
  }
}

function invoiceLine(env: Env, vals: Vals): Vals {
  const product = env.find('product.product', vals.product_id);
  return {
    quantity: 1,
    ...(product && !vals.name ? { name: env.displayOf('product.product', product) } : {}),
    ...vals,
  };
}

const entries = (): Model[] => [
  defineModel({
    name: 'account.move',
    label: 'Journal Entry',
    order: 'date desc, name desc, invoice_date desc, id desc',
    companyRule: true,
    nameSearch: ['name', 'ref'],
    fields: {
      name: char('Number', { index: true }),
      ref: char('Reference', { index: true }),
      date: date('Date', { required: true }),
      posted_before: boolean('Posted Before', { readonly: true }),
      state: selection(
        'Status',
        [
          ['draft', 'Draft'],
          ['posted', 'Posted'],
          ['cancel', 'Cancelled'],
        ],
        { required: true, default: 'draft' },
      ),
      move_type: selection('Type', moveTypes, { required: true, default: 'entry' }),
      journal_id: many2one('account.journal', 'Journal', { required: true, index: true }),
      company_id: many2one('res.company', 'Company'),
      currency_id: many2one('res.currency', 'Currency', { required: true }),
      partner_id: many2one('res.partner', 'Partner', { index: true, onDelete: 'restrict' }),
      partner_shipping_id: many2one('res.partner', 'Delivery Address'),
      narration: html('Terms and Conditions'),
      line_ids: one2many('account.move.line', 'move_id', 'Journal Items'),
      invoice_line_ids: one2many('account.move.line', 'move_id', 'Invoice lines', {
        compute: (env, row) => productLines(env, row),
        assign: writeInvoiceLines,
      }),
      matched_payment_ids: many2many('account.payment', 'Matched Payments', {
        compute: (env, row) =>
          [...env.db.table('account.payment').rows.values()]
            .filter((payment) => (payment.invoice_ids as number[]).includes(row.id))
            .map((payment) => payment.id),
      }),
      invoice_date: date('Invoice/Bill Date'),
      invoice_origin: char('Origin'),
      reversed_entry_id: many2one('account.move', 'Reversal of'),
      payment_reference: char('Payment Reference'),
      amount_untaxed: monetary('Untaxed Amount', { readonly: true }),
      amount_tax: monetary('Tax', { readonly: true }),
      amount_total: monetary('Total', { readonly: true }),
      amount_residual: monetary('Amount Due', { readonly: true }),
      payment_state: selection(
        'Payment Status',
        [
          ['not_paid', 'Not Paid'],
          ['in_payment', 'In Payment'],
          ['paid', 'Paid'],
          ['partial', 'Partially Paid'],
          ['reversed', 'Reversed'],
        ],
        { default: 'not_paid' },
      ),
      fiscal_position_id: many2one('account.fiscal.position', 'Fiscal Position'),
    },
    display: moveName,
    complete: completeMove,
    created: (env, rows) => {
      for (const row of rows) {
        addTaxLines(env, row);
        balanceLater(env, row);
      }
    },
    writing: guardPosted,
    written: (env, rows) => {
      for (const row of rows) balanceLater(env, row);
    },
    unlinking: (env, rows) => {
      const settled = rows.find((row) => entryLines(env, row).some((line) => line.reconciled));
      if (settled && env.db.version < 19)
        throw userError(
          'You cannot do this modification on a reconciled journal entry. You can just change some non legal fields or you must unreconcile first.\n' +
            `Journal Entry (id): ${settled.name} (${settled.id})`,
        );
      if (rows.some((row) => row.state === 'posted'))
        throw userError(
          "You can't delete a posted journal item. Don’t play games with your accounting records; reset the journal entry to draft before deleting it.",
        );
    },
    methods: {
      action_post: onRows('account.move', postMoves),
      button_draft: onRows('account.move', (env, rows) => {
        for (const row of rows) {
          if (row.state === 'cancel') for (const line of entryLines(env, row)) tally(env, line, 1);
          env.set('account.move', row, { state: 'draft' });
        }
        return null;
      }),
      button_cancel: onRows('account.move', cancelEntries),
    },
  }),
  defineModel({
    name: 'account.move.line',
    label: 'Journal Item',
    order: 'date desc, move_name desc, id',
    companyRule: true,
    fields: {
      move_id: many2one('account.move', 'Journal Entry', { required: true, index: true, onDelete: 'cascade' }),
      move_name: char('Number', { related: 'move_id.name' }),
      date: date('Date', { related: 'move_id.date' }),
      parent_state: selection(
        'Status',
        [
          ['draft', 'Draft'],
          ['posted', 'Posted'],
          ['cancel', 'Cancelled'],
        ],
        { related: 'move_id.state' },
      ),
      journal_id: many2one('account.journal', 'Journal', { related: 'move_id.journal_id' }),
      company_id: many2one('res.company', 'Company'),
      sequence: integer('Sequence', { default: 100 }),
      account_id: many2one('account.account', 'Account', { index: true }),
      partner_id: many2one('res.partner', 'Partner'),
      name: char('Label'),
      debit: monetary('Debit'),
      credit: monetary('Credit'),
      balance: monetary('Balance'),
      quantity: float('Quantity'),
      price_unit: float('Unit Price', { digits: 'Product Price' }),
      discount: float('Discount (%)'),
      price_subtotal: monetary('Subtotal'),
      price_total: monetary('Total'),
      product_id: many2one('product.product', 'Product'),
      product_uom_id: many2one('uom.uom', 'Unit'),
      tax_ids: many2many('account.tax', 'Taxes'),
      tax_line_id: many2one('account.tax', 'Originator tax'),
      display_type: selection(
        'Display Type',
        [
          ['product', 'Product'],
          ['cogs', 'Cost of Goods Sold'],
          ['tax', 'Tax'],
          ['rounding', 'Rounding'],
          ['payment_term', 'Payment Term'],
          ['line_section', 'Section'],
          ['line_note', 'Note'],
          ['epd', 'Early Payment Discount'],
        ],
        { default: 'product' },
      ),
      amount_residual: monetary('Residual Amount'),
      reconciled: boolean('Reconciled'),
      sale_line_ids: many2many('sale.order.line', 'Sales Order Lines'),
    },
    complete: (env, vals) => ({
      company_id: env.find('account.move', vals.move_id)?.company_id ?? env.company,
      ...amounts(vals),
    }),
    writing: (_env, rows, vals) => amounts(vals, rows[0]),
    created: (env, rows) => {
      for (const row of rows) {
        if (payable(env, row)) env.set('account.move.line', row, { amount_residual: row.balance! });
        tally(env, row, 1);
        balanceLater(env, env.get('account.move', row.move_id!));
      }
    },
    written: (env, rows) => {
      for (const row of rows) balanceLater(env, env.get('account.move', row.move_id!));
    },
    unlinking: (env, rows) => {
      for (const row of rows) balanceLater(env, env.get('account.move', row.move_id!));
    },
    methods: {
      reconcile: onRows('account.move.line', (env, rows) => {
        reconcile(env, rows);
        return null;
      }),
    },
  }),
];

/** The chart of accounts, journals and entries. */
export const accountModels = (version: Version): Model[] => [...chart(version), ...entries()];
