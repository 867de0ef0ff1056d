import { type Static, Type } from 'typebox';
import { classified, defineDocument } from '../core/document.ts';

const StockAdjustmentSchema = Type.Object({
  id: Type.String(classified('internal')),
  /** The record that caused it, such as the invoice number. */
  origin: Type.String(classified('internal')),
  /** RFC 3339, UTC. */
  occurredAt: Type.String(classified('internal')),
  /** Each line is one product; quantity is a plain decimal: negative written off, positive found. */
  lines: Type.Array(
    Type.Object({
      id: Type.String(),
      sku: Type.String(classified('public')),
      quantity: Type.String(classified('internal')),
      /** The words the source gave, such as "damaged". */
      reason: Type.String(classified('internal')),
    }),
    { minItems: 1 },
  ),
});

export type StockAdjustment = Static<typeof StockAdjustmentSchema>;

/** Goods written off or found: stock moves without money. */
export const StockAdjustmentDocument = defineDocument({
  name: 'stock-adjustment',
  version: '1.0',
  schema: StockAdjustmentSchema,
  key: (adjustment) => adjustment.id,
  references: (adjustment) => [['order', adjustment.origin]],
  needs: (adjustment) => [...new Set(adjustment.lines.map((line) => line.sku))].map((sku) => ['product', sku] as const),
  measure: (adjustment) => ({ lines: adjustment.lines.length, currency: null, minor: 0n, absolute: 0n }),
});
