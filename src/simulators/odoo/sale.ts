import { nextNumber } from './base.ts';
import { addDays } from './database.ts';
import type { Env } from './env.ts';
import { OdooError, userError } from './errors.ts';
import {
  boolean,
  char,
  date,
  datetime,
  float,
  html,
  json,
  many2many,
  many2one,
  monetary,
  one2many,
  selection,
} from './fields.ts';
import { defineModel, type Model, onRows } from './model.ts';
import { addresses } from './partner.ts';
import { cancelPickings } from './picking.ts';
import { procure } from './procurement.ts';
import { cancelEntries } from './receivable.ts';
import { isOpen } from './reservation.ts';
import { lines, orderStates } from './saleline.ts';
import { later, linesOf, pickingsOf, taxTotals } from './saletotals.ts';
import { fiscalPositionFor } from './tax.ts';
import type { Json, Row, Vals, Version } from './types.ts';

/** Chooses everything about an order that was not said. */
function completeOrder(env: Env, vals: Vals): Vals {
  const company = Number(vals.company_id || env.company);
  const partner = env.find('res.partner', vals.partner_id);
  const filled: Vals = {
    company_id: company,
    ...defaultsFor(env, company),
    ...(partner ? partnerDefaults(env, partner, company, vals) : {}),
    ...vals,
  };
  const pricelist = env.find('product.pricelist', filled.pricelist_id);
  filled.currency_id = (pricelist?.currency_id ?? env.get('res.company', company).currency_id)!;
  if (!filled.name || filled.name === 'New') filled.name = nextNumber(env, 'sale.order', 'S', 5);
  return filled;
}

function defaultsFor(env: Env, company: number): Vals {
  const warehouses = env
    .having('stock.warehouse', 'company_id', company)
    .sort((a, b) => Number(a.sequence) - Number(b.sequence) || a.id - b.id);
  return {
    warehouse_id: warehouses[0]?.id ?? false,
    user_id: env.uid,
    team_id: env.search('crm.team', [], { limit: 1 })[0]?.id ?? false,
    date_order: env.tx.now.slice(0, 19),
    validity_date: addDays(env.db.today(), 30),
  };
}

function partnerDefaults(env: Env, partner: Row, company: number, vals: Vals): Vals {
  const address = addresses(env, partner, ['invoice', 'delivery']);
  const shipping = env.find('res.partner', vals.partner_shipping_id) ?? env.get('res.partner', address.delivery!);
  return {
    partner_invoice_id: address.invoice!,
    partner_shipping_id: shipping.id,
    // A pricelist is only chosen for a draft: an order made as confirmed has none unless told.
    pricelist_id:
      (vals.state ?? 'draft') === 'draft'
        ? env.value(env.model('res.partner'), partner, 'property_product_pricelist')
        : false,
    fiscal_position_id: fiscalPositionFor(env, partner, shipping, company),
  };
}

function confirmOrders(env: Env, orders: readonly Row[]): Json {
  if (orders.some((order) => order.state !== 'draft' && order.state !== 'sent'))
    throw userError('Some orders are not in a state requiring confirmation.');
  for (const order of orders) {
    env.write('sale.order', [order], { state: 'sale', date_order: env.tx.now.slice(0, 19) });
    procure(env, order, linesOf(env, order));
  }
  return true;
}

const cancelWizard = (env: Env, order: Row): Json => ({
  name: 'Cancel Sales Order',
  view_mode: 'form',
  res_model: 'sale.order.cancel',
  view_id: false,
  type: 'ir.actions.act_window',
  context: {
    default_template_id: env.search('mail.template', [['model', '=', 'sale.order']], { limit: 1 })[0]?.id ?? false,
    default_order_id: order.id,
    mark_so_as_canceled: true,
    default_email_layout_xmlid: 'mail.mail_notification_layout_with_responsible_signature',
    model_description: 'Sales Order',
  },
  target: 'new',
});

/** Drafts of invoices go with the order. 18 asks first when it was confirmed, and does nothing until told. */
function cancelOrders(env: Env, orders: readonly Row[]): Json {
  const asks =
    env.db.version < 19 && !env.context.disable_cancel_warning && orders.some((order) => order.state !== 'draft');
  if (asks) return cancelWizard(env, orders[0]!);
  if (orders.some((order) => order.locked))
    throw userError('You cannot cancel a locked order. Please unlock it first.');
  for (const order of orders) {
    cancelPickings(env, pickingsOf(env, order).filter(isOpen));
    const invoices = (order.invoice_ids as number[]).map((id) => env.get('account.move', id));
    cancelEntries(
      env,
      invoices.filter(({ state }) => state === 'draft'),
    );
    env.write('sale.order', [order], { state: 'cancel' });
  }
  return true;
}

/** Confirming an existing order and writing its lines in one call trips over a mistake in both versions. */
const unboundLocal = () =>
  new OdooError(
    'builtins.UnboundLocalError',
    500,
    "cannot access local variable 'pre_order_line_qty' where it is not associated with a value",
  );

const orders = (): Model =>
  defineModel({
    name: 'sale.order',
    label: 'Sales Order',
    order: 'date_order desc, id desc',
    companyRule: true,
    nameSearch: ['name', 'client_order_ref'],
    fields: {
      name: char('Order Reference', { index: true, default: 'New' }),
      state: selection('Status', orderStates, { default: 'draft', index: true }),
      locked: boolean('Locked'),
      client_order_ref: char('Customer Reference', { index: true }),
      origin: char('Source Document'),
      reference: char('Payment Ref.'),
      date_order: datetime('Order Date', { required: true, default: (env) => env.tx.now.slice(0, 19) }),
      validity_date: date('Expiration'),
      commitment_date: datetime('Delivery Date'),
      partner_id: many2one('res.partner', 'Customer', { required: true, index: true, onDelete: 'restrict' }),
      partner_invoice_id: many2one('res.partner', 'Invoice Address', { required: true, onDelete: 'restrict' }),
      partner_shipping_id: many2one('res.partner', 'Delivery Address', { required: true, onDelete: 'restrict' }),
      company_id: many2one('res.company', 'Company', { required: true }),
      currency_id: many2one('res.currency', 'Currency'),
      currency_rate: float('Currency Rate', { default: 1 }),
      pricelist_id: many2one('product.pricelist', 'Pricelist'),
      warehouse_id: many2one('stock.warehouse', 'Warehouse'),
      team_id: many2one('crm.team', 'Sales Team'),
      user_id: many2one('res.users', 'Salesperson'),
      fiscal_position_id: many2one('account.fiscal.position', 'Fiscal Position'),
      payment_term_id: many2one('account.payment.term', 'Payment Terms'),
      carrier_id: many2one('delivery.carrier', 'Delivery Method'),
      note: html('Terms and conditions'),
      picking_policy: selection(
        'Shipping Policy',
        [
          ['direct', 'As soon as possible'],
          ['one', 'When all products are ready'],
        ],
        { required: true, default: 'direct' },
      ),
      require_signature: boolean('Online signature', { default: true }),
      require_payment: boolean('Online payment'),
      amount_untaxed: monetary('Untaxed Amount', { readonly: true }),
      amount_tax: monetary('Taxes', { readonly: true }),
      amount_total: monetary('Total', { readonly: true }),
      tax_totals: json('Tax Totals', { compute: taxTotals }),
      invoice_status: selection(
        'Invoice Status',
        [
          ['upselling', 'Upselling Opportunity'],
          ['invoiced', 'Fully Invoiced'],
          ['to invoice', 'To Invoice'],
          ['no', 'Nothing to Invoice'],
        ],
        { default: 'no' },
      ),
      delivery_status: selection('Delivery Status', [
        ['pending', 'Not Delivered'],
        ['started', 'Started'],
        ['partial', 'Partially Delivered'],
        ['full', 'Fully Delivered'],
      ]),
      order_line: one2many('sale.order.line', 'order_id', 'Order Lines'),
      picking_ids: one2many('stock.picking', 'sale_id', 'Transfers'),
      invoice_ids: many2many('account.move', 'Invoices'),
    },
    complete: completeOrder,
    created: (env, rows) => {
      for (const row of rows) later(env, row, true);
    },
    writing: (_env, rows, { currency_id: _computed, ...vals }) => {
      if (vals.order_line && vals.state === 'sale' && rows.some((row) => row.state !== 'sale')) throw unboundLocal();
      if ('pricelist_id' in vals && rows.some((row) => row.state === 'sale'))
        throw userError('You cannot change the pricelist of a confirmed order !');
      return vals;
    },
    written: (env, rows, vals) => {
      if ('commitment_date' in vals) for (const row of rows) handOn(env, row);
      for (const row of rows) later(env, row, 'pricelist_id' in vals || 'company_id' in vals);
    },
    unlinking: (env, rows) => {
      if (rows.some((row) => row.state !== 'draft' && row.state !== 'cancel'))
        throw userError('You can not delete a sent quotation or a confirmed sales order. You must first cancel it.');
      for (const row of rows)
        for (const picking of pickingsOf(env, row)) env.set('stock.picking', picking, { sale_id: false });
    },
    methods: {
      action_confirm: onRows('sale.order', confirmOrders),
      action_cancel: onRows('sale.order', cancelOrders),
      action_draft: onRows('sale.order', (env, rows) => {
        env.write(
          'sale.order',
          rows.filter((row) => row.state === 'cancel' || row.state === 'sent'),
          { state: 'draft' },
        );
        return true;
      }),
      action_lock: onRows('sale.order', (env, rows) => {
        env.write('sale.order', rows, { locked: true });
        return null;
      }),
      action_unlock: onRows('sale.order', (env, rows) => {
        env.write('sale.order', rows, { locked: false });
        return null;
      }),
    },
  });

/** A changed Delivery Date is the deadline of all the order's moves (sale_stock). */
function handOn(env: Env, order: Row): void {
  for (const line of env.having('sale.order.line', 'order_id', order.id))
    env.write('stock.move', env.having('stock.move', 'sale_line_id', line.id), {
      date_deadline: order.commitment_date!,
    });
}

/** Sales orders and their lines. */
export const saleModels = (version: Version): Model[] => [orders(), lines(version)];
