import { type Static, Type } from 'typebox';
import { classified, defineDocument } from '../core/document.ts';

const ReceiptSchema = Type.Object({
  id: Type.String(classified('internal')),
  /** The warehouse's own number. */
  number: Type.String(classified('internal')),
  /** What was announced: the number of a purchase order, or of an incoming transfer. */
  reference: Type.String(classified('internal')),
  /** RFC 3339, UTC. */
  receivedAt: Type.String(classified('internal')),
  lines: Type.Array(
    Type.Object({
      id: Type.String(),
      sku: Type.String(classified('public')),
      /** Plain decimal, positive. */
      quantity: Type.String(classified('internal')),
      /** In the warehouse's words, such as "damaged"; null is as it should be. */
      condition: Type.Union([Type.String(), Type.Null()], classified('internal')),
    }),
    { minItems: 1 },
  ),
});

export type Receipt = Static<typeof ReceiptSchema>;

/** Goods that came in at a warehouse, and were announced: all or a part of what was ordered. */
export const ReceiptDocument = defineDocument({
  name: 'receipt',
  version: '1.0',
  schema: ReceiptSchema,
  key: (receipt) => receipt.id,
  references: (receipt) => [
    ['receipt', receipt.number],
    ['purchase-order', receipt.reference],
  ],
  needs: (receipt) => [...new Set(receipt.lines.map((line) => line.sku))].map((sku) => ['product', sku] as const),
  measure: (receipt) => ({ lines: receipt.lines.length, currency: null, minor: 0n, absolute: 0n }),
});
