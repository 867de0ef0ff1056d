import { numberFor, postMoves } from './account.ts';
import type { Env } from './env.ts';
import { userError } from './errors.ts';
import { boolean, char, date, float, many2many, many2one, monetary, selection } from './fields.ts';
import { defineModel, type Model, onRows } from './model.ts';
import { addExactly } from './rational.ts';
import { entryLines, payable, reconcile } from './receivable.ts';
import { lineFields } from './saletotals.ts';
import type { Json, Row, Vals } from './types.ts';

/** An invoice over what the order's lines still have to be invoiced. */
function invoiceOrder(env: Env, order: Row): Row {
  const { taxes, uom } = lineFields(env.db.version);
  const lines = env
    .having('sale.order.line', 'order_id', order.id)
    .filter((line) => Number(line.qty_to_invoice) !== 0)
    .sort((a, b) => a.id - b.id);
  if (lines.length === 0) throw userError('Cannot create an invoice. No items are available to invoice.');
  const [invoice] = env.create('account.move', [
    {
      move_type: 'out_invoice',
      partner_id: order.partner_invoice_id!,
      partner_shipping_id: order.partner_shipping_id!,
      currency_id: order.currency_id!,
      company_id: order.company_id!,
      fiscal_position_id: order.fiscal_position_id!,
      invoice_origin: order.name!,
      ref: order.client_order_ref || (env.db.version >= 19 ? order.name! : ''),
      invoice_line_ids: lines.map((line) => [
        0,
        0,
        {
          name: line.name!,
          product_id: line.product_id!,
          product_uom_id: line[uom]!,
          quantity: line.qty_to_invoice!,
          price_unit: line.price_unit!,
          discount: line.discount!,
          tax_ids: [[6, 0, line[taxes] as number[]]],
          sale_line_ids: [[6, 0, [line.id]]],
        },
      ]),
    },
  ]);
  return invoice!;
}

const help =
  '<p class="o_view_nocontent_smiling_face">\n                Create a customer invoice\n              </p><p>\n' +
  '                Create invoices, register payments and keep track of the discussions with your customers.\n' +
  '              </p>\n            ';

/** The action that opens the new invoice, as the user interface wants it. */
function invoiceAction(env: Env, order: Row, invoice: Row): Json {
  const newer = env.db.version >= 19;
  const types = ['out_invoice', 'out_refund', ...(newer ? ['out_receipt'] : [])].map((type) => `'${type}'`).join(', ');
  return {
    id: 1,
    display_name: 'Invoices',
    name: 'Invoices',
    type: 'ir.actions.act_window',
    xml_id: 'account.action_move_out_invoice_type',
    ...(newer ? { path: 'invoicing', cache: true, group_ids: [] } : { groups_id: [], path: 'invoicing' }),
    help,
    binding_model_id: false,
    binding_type: 'action',
    binding_view_types: 'list,form',
    view_id: false,
    domain: `[('move_type', 'in', [${types}])]`,
    context: {
      default_move_type: 'out_invoice',
      default_partner_id: order.partner_id!,
      default_partner_shipping_id: order.partner_shipping_id!,
      default_invoice_payment_term_id: null,
      ...(newer ? {} : { default_invoice_origin: order.name! }),
    },
    res_id: invoice.id,
    res_model: 'account.move',
    target: 'current',
    view_mode: 'list,kanban,form,activity',
    mobile_view_mode: 'kanban',
    views: [[false, 'form']],
    limit: 80,
    search_view_id: false,
    embedded_action_ids: [],
    filter: false,
  };
}

function createInvoices(env: Env, rows: readonly Row[]): Json {
  const orders = (rows[0]!.sale_order_ids as number[]).map((id) => env.get('sale.order', id));
  const made = orders.map((order) => [order, invoiceOrder(env, order)] as const);
  env.flush();
  const [order, invoice] = made[0]!;
  return invoiceAction(env, order, invoice);
}

const nothingLeft = (env: Env) =>
  userError(
    env.db.version >= 19
      ? "There's nothing left to pay for the selected journal items, so no payment registration is necessary. You've got your finances under control like a boss!"
      : "You can't register a payment because there is nothing left to pay on the selected journal items.",
  );

function completeRegister(env: Env, vals: Vals): Vals {
  const [invoice] = ((env.context.active_ids as number[]) ?? []).map((id) => env.get('account.move', id));
  if (!invoice || Number(invoice.amount_residual) === 0) throw nothingLeft(env);
  return {
    amount: invoice.amount_residual!,
    payment_date: env.db.today(),
    communication: invoice.payment_reference!,
    ...vals,
    move_id: invoice.id,
  };
}

const account = (env: Env, code: string, company: number): number =>
  env.having('account.account', 'code', code).find((row) => (row.company_ids as number[]).includes(company))!.id;

interface Money {
  readonly company: number;
  readonly partner: number;
  readonly journal: number;
  readonly date: Json;
  readonly amount: number;
  readonly memo: string;
  readonly out: boolean;
}

/** The posted entry of a payment: what the bank gets or gives, against the customer's account. */
function bookMoney(env: Env, { company, partner, journal, date: day, amount, memo, out }: Money): Row {
  const [ours, theirs] = out ? (['credit', 'debit'] as const) : (['debit', 'credit'] as const);
  const line = (code: string, side: string) => [
    0,
    0,
    { account_id: account(env, code, company), [side]: amount, name: memo, partner_id: partner },
  ];
  const [move] = env.create('account.move', [
    {
      move_type: 'entry',
      journal_id: journal,
      date: day,
      ref: memo,
      partner_id: partner,
      line_ids: [line(out ? '101404' : '101403', ours), line('121000', theirs)],
    },
  ]);
  env.set('account.move', move!, { name: numberFor(env, move!, 'P') });
  postMoves(env, [move!]);
  return move!;
}

/** Books a payment and sets it against the invoice as far as there is something to pay. */
function pay(env: Env, wizard: Row): Row {
  const invoice = env.get('account.move', wizard.move_id!);
  const open = entryLines(env, invoice).find((line) => payable(env, line))!;
  const amount = Number(wizard.amount);
  // What a customer is owed goes out.
  const out = Number(open.balance) < 0;
  const move = bookMoney(env, {
    company: Number(invoice.company_id),
    partner: Number(invoice.partner_id),
    journal: Number(wizard.journal_id),
    date: wizard.payment_date!,
    amount,
    memo: String(wizard.communication),
    out,
  });
  const [payment] = env.create('account.payment', [
    {
      amount,
      currency_id: invoice.currency_id!,
      memo: wizard.communication!,
      partner_id: invoice.partner_id!,
      journal_id: wizard.journal_id!,
      date: wizard.payment_date!,
      move_id: move.id,
      name: move.name!,
      payment_type: out ? 'outbound' : 'inbound',
      state: env.db.version >= 19 ? 'in_process' : 'paid',
    },
  ]);
  if (Number(open.amount_residual) !== 0) {
    reconcile(env, [open, entryLines(env, move).find((line) => line.account_id === open.account_id)!]);
    env.set('account.payment', payment!, { invoice_ids: [invoice.id], state: 'paid' });
  }
  return payment!;
}

/** Confirms payments that were entered by themselves: money on the customer's account, set against nothing. */
function postPayments(env: Env, payments: readonly Row[]): Json {
  for (const payment of payments.filter(({ state }) => state === 'draft')) {
    const move = bookMoney(env, {
      company: Number(payment.company_id),
      partner: Number(payment.partner_id),
      journal: Number(payment.journal_id),
      date: payment.date!,
      amount: Number(payment.amount),
      memo: String(payment.memo || ''),
      out: payment.payment_type === 'outbound',
    });
    env.set('account.payment', payment, { state: 'in_process', move_id: move.id, name: move.name! });
  }
  return null;
}

function createPayments(env: Env, rows: readonly Row[]): Json {
  const payment = pay(env, rows[0]!);
  return {
    name: 'Payments',
    type: 'ir.actions.act_window',
    res_model: 'account.payment',
    context: { create: false },
    view_mode: 'form',
    res_id: payment.id,
  };
}

const suspense = (env: Env, row: Row): number =>
  Number(env.get('account.journal', row.journal_id!).suspense_account_id);

const suspended = (env: Env, row: Row): Row[] =>
  entryLines(env, env.get('account.move', row.move_id!)).filter((line) => line.account_id === suspense(env, row));

/** A bank transaction: posted against the suspense account until someone says what it was. */
function bookStatementLine(env: Env, row: Row): void {
  const journal = env.get('account.journal', row.journal_id!);
  const amount = Number(row.amount);
  const name = String(row.payment_ref || '');
  const [move] = env.create('account.move', [
    {
      move_type: 'entry',
      journal_id: journal.id,
      date: row.date!,
      line_ids: [
        [0, 0, { account_id: journal.default_account_id!, balance: amount, name }],
        [0, 0, { account_id: journal.suspense_account_id!, balance: -amount, name }],
      ],
    },
  ]);
  postMoves(env, [move!]);
  env.set('account.bank.statement.line', row, { move_id: move!.id });
}

const runningBalance = (env: Env, row: Row): number =>
  [...env.db.table('account.bank.statement.line').rows.values()]
    .filter((other) => other.journal_id === row.journal_id && other.id <= row.id)
    .reduce((sum, other) => addExactly(sum, Number(other.amount)), 0);

/** Invoicing orders, payments and bank statements. */
export const invoiceModels = (): Model[] => [
  defineModel({
    name: 'sale.advance.payment.inv',
    label: 'Sales Advance Payment Invoice',
    fields: {
      advance_payment_method: selection(
        'Create Invoice',
        [
          ['delivered', 'Regular invoice'],
          ['percentage', 'Down payment (percentage)'],
          ['fixed', 'Down payment (fixed amount)'],
        ],
        { default: 'delivered' },
      ),
      sale_order_ids: many2many('sale.order', 'Sale Order'),
    },
    methods: { create_invoices: onRows('sale.advance.payment.inv', createInvoices) },
  }),
  defineModel({
    name: 'account.payment.register',
    label: 'Pay',
    fields: {
      move_id: many2one('account.move', 'Invoice'),
      journal_id: many2one('account.journal', 'Journal', { required: true }),
      amount: monetary('Amount'),
      payment_date: date('Payment Date', { required: true }),
      communication: char('Memo'),
    },
    complete: completeRegister,
    methods: { action_create_payments: onRows('account.payment.register', createPayments) },
  }),
  defineModel({
    name: 'account.payment',
    label: 'Payments',
    order: 'date desc, name desc',
    companyRule: true,
    fields: {
      name: char('Number'),
      state: selection(
        'Status',
        [
          ['draft', 'Draft'],
          ['in_process', 'In Process'],
          ['paid', 'Paid'],
          ['canceled', 'Canceled'],
          ['rejected', 'Rejected'],
        ],
        { default: 'draft' },
      ),
      amount: monetary('Amount'),
      currency_id: many2one('res.currency', 'Currency', {
        default: (env) => env.get('res.company', env.company).currency_id!,
      }),
      memo: char('Memo', { index: true }),
      payment_reference: char('Payment Reference', { index: true }),
      date: date('Date', { default: (env) => env.db.today() }),
      partner_type: selection(
        'Partner Type',
        [
          ['customer', 'Customer'],
          ['supplier', 'Vendor'],
        ],
        { default: 'customer' },
      ),
      payment_type: selection(
        'Payment Type',
        [
          ['outbound', 'Send'],
          ['inbound', 'Receive'],
        ],
        { default: 'inbound' },
      ),
      partner_id: many2one('res.partner', 'Customer/Vendor'),
      journal_id: many2one('account.journal', 'Journal'),
      company_id: many2one('res.company', 'Company', { default: (env) => env.company }),
      move_id: many2one('account.move', 'Journal Entry', { index: true }),
      invoice_ids: many2many('account.move', 'Invoices'),
      reconciled_invoice_ids: many2many('account.move', 'Reconciled Invoices'),
      is_reconciled: boolean('Is Reconciled'),
      is_matched: boolean('Is Matched With a Bank Statement'),
    },
    methods: { action_post: onRows('account.payment', postPayments) },
  }),
  defineModel({
    name: 'account.bank.statement.line',
    label: 'Bank Statement Line',
    order: 'id desc',
    recName: 'payment_ref',
    companyRule: true,
    fields: {
      move_id: many2one('account.move', 'Journal Entry'),
      journal_id: many2one('account.journal', 'Journal', { required: true }),
      company_id: many2one('res.company', 'Company', { default: (env) => env.company }),
      date: date('Date', { default: (env) => env.db.today() }),
      payment_ref: char('Label'),
      partner_id: many2one('res.partner', 'Partner'),
      amount: float('Amount'),
      state: selection(
        'Status',
        [
          ['draft', 'Draft'],
          ['posted', 'Posted'],
          ['cancel', 'Cancelled'],
        ],
        { related: 'move_id.state' },
      ),
      is_reconciled: boolean('Is Reconciled', { compute: (env, row) => suspended(env, row).length === 0 }),
      amount_residual: float('Residual Amount', {
        compute: (env, row) => suspended(env, row).reduce((sum, line) => addExactly(sum, Number(line.balance)), 0),
      }),
      running_balance: float('Running Balance', { compute: runningBalance }),
    },
    created: (env, rows) => {
      for (const row of rows) bookStatementLine(env, row);
    },
  }),
];
