import type { Env } from './env.ts';
import { productValue } from './product.ts';
import { addExactly, rational, toNumber } from './rational.ts';
import { isOpen } from './reservation.ts';
import { roundingOf, taxesOf } from './tax.ts';
import { type OrderTotals, orderTotals } from './taxes.ts';
import type { Json, Row, Version } from './types.ts';

/** Field names that changed between 18 and 19. */
export const lineFields = (version: Version) =>
  version >= 19
    ? ({ taxes: 'tax_ids', uom: 'product_uom_id', route: 'route_ids' } as const)
    : ({ taxes: 'tax_id', uom: 'product_uom', route: 'route_id' } as const);

export const linesOf = (env: Env, order: Row): Row[] =>
  env.having('sale.order.line', 'order_id', order.id).sort((a, b) => a.id - b.id);

/** The exact totals of an order, from its lines. */
function totalsOf(env: Env, order: Row): { lines: Row[]; totals: OrderTotals } {
  const { taxes } = lineFields(env.db.version);
  const lines = linesOf(env, order).filter((line) => line.display_type === false);
  const totals = orderTotals(
    lines.map((line) => ({
      quantity: rational(Number(line.product_uom_qty)),
      price: rational(Number(line.price_unit)),
      discount: rational(Number(line.discount)),
      taxes: taxesOf(env, line[taxes] as number[]),
    })),
    roundingOf(env, Number(order.company_id), Number(order.currency_id)),
  );
  return { lines, totals };
}

function computeTotals(env: Env, order: Row): void {
  if (!env.find('sale.order', order.id)) return;
  const { lines, totals } = totalsOf(env, order);
  for (const [i, line] of lines.entries()) {
    const { subtotal, total } = totals.lines[i]!;
    const [net, gross] = [toNumber(subtotal), toNumber(total)];
    env.set('sale.order.line', line, { price_subtotal: net, price_total: gross, price_tax: gross - net });
  }
  env.set('sale.order', order, {
    amount_untaxed: toNumber(totals.untaxed),
    amount_tax: toNumber(totals.tax),
    amount_total: toNumber(totals.total),
  });
}

export const taxTotals = (env: Env, order: Row): Json => {
  const { totals } = totalsOf(env, order);
  const currency = env.get('res.currency', order.currency_id!);
  const [untaxed, tax, total] = [totals.untaxed, totals.tax, totals.total].map(toNumber) as [number, number, number];
  const groups = new Map<number, { ids: number[]; tax: number }>();
  for (const share of totals.taxes) {
    const id = Number(env.get('account.tax', share.tax.id).tax_group_id);
    const group = groups.get(id) ?? { ids: [], tax: 0 };
    groups.set(id, { ids: [...group.ids, share.tax.id], tax: addExactly(group.tax, toNumber(share.amount)) });
  }
  const amounts = { tax_amount_currency: tax, tax_amount: tax, base_amount_currency: untaxed, base_amount: untaxed };
  const shown = [...groups].map(([id, group]) => ({
    id,
    involved_tax_ids: group.ids,
    tax_amount_currency: group.tax,
    tax_amount: group.tax,
    base_amount_currency: untaxed,
    base_amount: untaxed,
    display_base_amount_currency: untaxed,
    display_base_amount: untaxed,
    group_name: env.display('account.tax.group', id),
    group_label: false,
  }));
  return {
    currency_id: currency.id,
    currency_pd: currency.rounding!,
    company_currency_id: currency.id,
    company_currency_pd: currency.rounding!,
    has_tax_groups: shown.length > 0,
    subtotals: [{ tax_groups: shown, ...amounts, name: 'Untaxed Amount' }],
    ...amounts,
    same_tax_base: true,
    total_amount_currency: total,
    total_amount: total,
  };
};

export const pickingsOf = (env: Env, order: Row): Row[] =>
  env.having('stock.picking', 'sale_id', order.id).sort((a, b) => a.id - b.id);

function deliveryStatus(env: Env, order: Row, lines: readonly Row[]): string | false {
  const pickings = pickingsOf(env, order);
  if (pickings.every((picking) => picking.state === 'cancel')) return false;
  if (pickings.every((picking) => !isOpen(picking))) return 'full';
  if (!pickings.some((picking) => picking.state === 'done')) return 'pending';
  return lines.some((line) => Number(line.qty_delivered) !== 0) ? 'partial' : 'started';
}

/** What remains to be invoiced of a line. */
function toInvoice(env: Env, order: Row, line: Row): number {
  if (order.state !== 'sale' || line.display_type !== false) return 0;
  const product = env.find('product.product', line.product_id!);
  const policy = product ? productValue(env, product, 'invoice_policy') : 'order';
  return addExactly(
    Number(policy === 'delivery' ? line.qty_delivered : line.product_uom_qty),
    -Number(line.qty_invoiced),
  );
}

function invoiceStatus(order: Row, lines: readonly Row[]): string {
  if (order.state !== 'sale') return 'no';
  const priced = lines.filter((line) => line.display_type === false);
  if (priced.some((line) => Number(line.qty_to_invoice) !== 0)) return 'to invoice';
  return priced.length && priced.every((line) => Number(line.qty_invoiced) >= Number(line.product_uom_qty))
    ? 'invoiced'
    : 'no';
}

/** Brings what follows from lines and transfers up to date. */
function computeStatus(env: Env, order: Row): void {
  if (!env.find('sale.order', order.id)) return;
  const lines = linesOf(env, order);
  for (const line of lines) env.set('sale.order.line', line, { qty_to_invoice: toInvoice(env, order, line) });
  env.set('sale.order', order, {
    delivery_status: deliveryStatus(env, order, lines),
    invoice_status: invoiceStatus(order, lines),
  });
}

export const later = (env: Env, order: Row, amounts: boolean): void => {
  if (amounts) env.defer(`totals:${order.id}`, () => computeTotals(env, order));
  env.defer(`status:${order.id}`, () => computeStatus(env, order));
};
