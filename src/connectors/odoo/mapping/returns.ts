import type { Look } from '../../../core/flow.ts';
import { ProductDocument } from '../../../model/product.ts';
import { type Return, ReturnDocument } from '../../../model/return.ts';
import { lastKeyOf } from '../external-id.ts';
import type { ReturnRecord } from '../sources/returns.ts';
import { keyOfOrder, returnKeyOf } from './sold.ts';

/**
 * Message Translator: a receipt of an order of the channel is a return that was received; null for those of other orders, for what the channel did not sell, and for one that was
 * told from elsewhere. Mapping table `odoo-warehouses`.
 */
export async function toReturn(
  record: ReturnRecord,
  look: Look,
  sold: (order: string) => boolean,
): Promise<Return | null> {
  const id = returnKeyOf(look, record.id);
  const known = await look.keyOf(ReturnDocument, String(record.id));
  if (known !== null && known !== id) return null;
  const order = await keyOfOrder(record.order, look);
  if (order === null || !sold(order)) return null;
  const own = record.lines.filter(({ externalId }) => externalId !== null && lastKeyOf(externalId) !== null);
  const groups = Map.groupBy(own, ({ saleLine, sellable }) => `${saleLine}${sellable ? '' : '-lost'}`);
  const lines: Return['lines'] = [];
  for (const [line, moves] of groups) {
    const { externalId, product, code, sellable } = moves[0]!;
    const quantity = Math.round(moves.reduce((sum, move) => sum + move.quantity, 0) * 1e6) / 1e6;
    lines.push({
      id: line,
      orderLine: lastKeyOf(externalId!)!,
      sku: (await look.keyOf(ProductDocument, String(product))) ?? code?.toUpperCase() ?? `odoo-${product}`,
      quantity: String(quantity),
      reason: 'unknown',
      restock: sellable,
    });
  }
  if (lines.length === 0) return null;
  return {
    id,
    number: record.name,
    order,
    orderNumber: record.order.reference ?? record.order.name,
    state: 'received',
    location: look.mapping('odoo-warehouses').get(record.warehouse),
    occurredAt: record.doneAt,
    lines,
  };
}
