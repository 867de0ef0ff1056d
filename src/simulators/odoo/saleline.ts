import type { Env } from './env.ts';
import { accessError, userError } from './errors.ts';
import { boolean, float, integer, many2many, many2one, monetary, one2many, selection, text } from './fields.ts';
import { defineModel, type Model } from './model.ts';
import { priceOf } from './price.ts';
import { procure } from './procurement.ts';
import { productValue } from './product.ts';
import { secretRecord } from './read.ts';
import { later, lineFields } from './saletotals.ts';
import { mapTaxes } from './tax.ts';
import type { Json, Row, Vals, Version } from './types.ts';

/** Taxes must be of the order's company; 18 and 19 say so very differently. */
function checkCompanies(env: Env, lines: readonly Row[]): void {
  const { taxes } = lineFields(env.db.version);
  for (const line of lines) {
    const foreign = (line[taxes] as number[])
      .map((id) => env.get('account.tax', id))
      .find((tax) => tax.company_id !== line.company_id);
    if (!foreign) continue;
    const company = (row: Row) => env.display('res.company', Number(row.company_id));
    if (env.db.version >= 19)
      throw accessError(
        `Failed to write field sale.order.line.${taxes}\n${secretRecord(env, env.model('account.tax'), company(foreign))}`,
      );
    const country = env.find('res.country', foreign.country_id!)?.code;
    throw userError(
      `Incompatible companies on records:\n- “${env.displayOf('sale.order.line', line)}” belongs to company “${company(line)}” ` +
        `and “Taxes” (${taxes}: '${foreign.name} (${country})') belongs to another company.`,
    );
  }
}

/** Chooses everything about a line that was not said. */
function completeLine(env: Env, vals: Vals): Vals {
  const names = lineFields(env.db.version);
  const order = env.get('sale.order', vals.order_id);
  if (vals.display_type)
    return { ...vals, [names.taxes]: [], product_uom_qty: 0, price_unit: 0, company_id: order.company_id! };
  const filled: Vals = { company_id: order.company_id!, ...vals };
  if (!vals.product_id) return filled;
  const product = env.get('product.product', vals.product_id);
  const given = (name: string) => vals[name] !== undefined;
  if (!filled.name) filled.name = lineName(env, product);
  if (!filled[names.uom]) filled[names.uom] = productValue(env, product, 'uom_id');
  if (!given('price_unit'))
    filled.price_unit = listPrice(env, order, product, Number(vals.product_uom_qty ?? 1), filled[names.uom]!);
  if (!given(names.taxes))
    filled[names.taxes] = [[6, 0, mapTaxes(env, order, productValue(env, product, 'taxes_id') as number[])]];
  return filled;
}

const listPrice = (env: Env, order: Row, product: Row, quantity: number, uom: Json): number =>
  priceOf(env, { product, quantity, uom: Number(uom), pricelist: env.find('product.pricelist', order.pricelist_id!) });

/** A new quantity alone takes the price from the list again, whatever it was before; not once something was invoiced. */
function repriced(env: Env, row: Row): void {
  const product = env.find('product.product', row.product_id!);
  if (!product || Number(row.qty_invoiced) > 0) return;
  const { uom } = lineFields(env.db.version);
  const order = env.get('sale.order', row.order_id!);
  const price = listPrice(env, order, product, Number(row.product_uom_qty), row[uom]!);
  env.set('sale.order.line', row, { price_unit: price });
}

/** What was delivered cannot be un-ordered. */
function checkDelivered(rows: readonly Row[], vals: Vals): void {
  if (!('product_uom_qty' in vals)) return;
  const quantity = Number(vals.product_uom_qty);
  if (rows.some((row) => Number(row.qty_delivered) > quantity && quantity < Number(row.product_uom_qty)))
    throw userError(
      'The ordered quantity of a sale order line cannot be decreased below the amount already delivered. Instead, create a return in your inventory.',
    );
}

function lineName(env: Env, product: Row): string {
  const more = productValue(env, product, 'description_sale');
  const name = env.displayOf('product.product', product);
  return more ? `${name}\n${more}` : name;
}

export const orderStates = [
  ['draft', 'Quotation'],
  ['sent', 'Quotation Sent'],
  ['sale', 'Sales Order'],
  ['cancel', 'Cancelled'],
] as const;

/** The lines of a locked order stay as they are, even when the same is written again. */
function checkLocked(env: Env, rows: readonly Row[], vals: Vals): void {
  if (!ordersOf(env, rows).some((order) => order.locked)) return;
  const { taxes, uom } = lineFields(env.db.version);
  const { fields } = env.model('sale.order.line');
  const kept = ['discount', 'name', 'price_unit', 'product_id', uom, 'product_uom_qty', taxes].filter(
    (name) => name in vals,
  );
  if (kept.length === 0) return;
  const labels = kept.map((name) => fields[name]!.label);
  throw userError(`It is forbidden to modify the following fields in a locked order:\n${labels.join('\n')}`);
}

/** `S00012 - [TEE] T-Shirt (SHOP-2)` */
function lineDisplay(env: Env, row: Row): string {
  const order = env.get('sale.order', row.order_id!);
  const product = env.find('product.product', row.product_id!);
  const own = String(row.name || '').split('\n')[0];
  const name = env.db.version >= 19 && product ? env.displayOf('product.product', product) : own;
  const { ref } = env.get('res.partner', order.partner_id!);
  return `${order.name} - ${name}${ref ? ` (${ref})` : ''}`;
}

const ordersOf = (env: Env, lines: readonly Row[]): Row[] =>
  [...new Set(lines.map((line) => line.order_id))].map((id) => env.get('sale.order', id!));

export const lines = (version: Version): Model => {
  const names = lineFields(version);
  const unit = version >= 19 ? 'Product Unit' : 'Product Unit of Measure';
  return defineModel({
    name: 'sale.order.line',
    label: 'Sales Order Line',
    order: 'order_id, sequence, id',
    companyRule: true,
    fields: {
      order_id: many2one('sale.order', 'Order Reference', { required: true, index: true, onDelete: 'cascade' }),
      sequence: integer('Sequence', { default: 10 }),
      name: text('Description', { required: true }),
      display_type: selection('Display Type', [
        ['line_section', 'Section'],
        ...(version >= 19 ? ([['line_subsection', 'Subsection']] as const) : []),
        ['line_note', 'Note'],
      ]),
      product_id: many2one('product.product', 'Product', { index: true, onDelete: 'restrict' }),
      product_template_id: many2one('product.template', 'Product Template', { related: 'product_id.product_tmpl_id' }),
      product_uom_qty: float('Quantity', { required: true, default: 1, digits: unit }),
      [names.uom]: many2one('uom.uom', version >= 19 ? 'Unit' : 'Unit of Measure'),
      price_unit: float('Unit Price', { required: true, digits: 'Product Price' }),
      discount: float('Discount (%)', { digits: 'Discount' }),
      [names.taxes]: many2many('account.tax', 'Taxes'),
      [names.route]: version >= 19 ? many2many('stock.route', 'Routes') : many2one('stock.route', 'Route'),
      price_subtotal: monetary('Subtotal', { readonly: true }),
      price_tax: float('Total Tax', { readonly: true }),
      price_total: monetary('Total', { readonly: true }),
      qty_delivered: float('Delivery Quantity', { digits: unit }),
      qty_invoiced: float('Invoiced Quantity', { readonly: true }),
      qty_to_invoice: float('Quantity To Invoice', { readonly: true }),
      customer_lead: float('Lead Time', { required: true }),
      is_delivery: boolean('Is a Delivery'),
      company_id: many2one('res.company', 'Company'),
      currency_id: many2one('res.currency', 'Currency', { related: 'order_id.currency_id' }),
      order_partner_id: many2one('res.partner', 'Customer', { related: 'order_id.partner_id' }),
      state: selection('Order Status', orderStates, { related: 'order_id.state' }),
      move_ids: one2many('stock.move', 'sale_line_id', 'Stock Moves'),
      invoice_lines: many2many('account.move.line', 'Invoice Lines'),
    },
    display: lineDisplay,
    complete: completeLine,
    writing: (env, rows, vals) => {
      checkLocked(env, rows, vals);
      checkDelivered(rows, vals);
      return vals;
    },
    created: (env, rows) => {
      checkCompanies(env, rows);
      for (const order of ordersOf(env, rows)) {
        later(env, order, true);
        if (order.state === 'sale')
          procure(
            env,
            order,
            rows.filter((row) => row.order_id === order.id),
          );
      }
    },
    written: (env, rows, vals, before) => {
      if (!('price_unit' in vals))
        for (const [i, row] of rows.entries())
          if (row.product_uom_qty !== before[i]!.product_uom_qty) repriced(env, row);
      for (const order of ordersOf(env, rows)) {
        later(
          env,
          order,
          ['product_uom_qty', 'price_unit', 'discount', names.taxes].some((name) => name in vals),
        );
        const changed = rows.filter(
          (row, i) => row.order_id === order.id && row.product_uom_qty !== before[i]!.product_uom_qty,
        );
        if (order.state === 'sale' && changed.length) procure(env, order, changed);
      }
    },
    unlinking: (env, rows) => {
      for (const order of ordersOf(env, rows)) {
        if (order.state === 'sale' && rows.some((row) => row.order_id === order.id && row.display_type === false))
          throw userError(
            "Once a sales order is confirmed, you can't remove one of its lines (we need to track if something gets invoiced or delivered).\nSet the quantity to 0 instead.",
          );
        later(env, order, true);
      }
    },
  });
};
