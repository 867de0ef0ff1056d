import { type Static, Type } from 'typebox';
import { classified, defineDocument } from '../core/document.ts';

const StockLevelSchema = Type.Object({
  /** `location/sku`, and `@channel` after it where each channel is told a figure of its own. */
  id: Type.String(classified('internal')),
  /** Key of the product document. */
  sku: Type.String(classified('public')),
  /** Location code of the hub: the same for every channel; Mapping table `locations` has each system's own. */
  location: Type.String(classified('internal')),
  /** Plain decimal, never negative: what may be promised. `free − in flight − safety`, where the source says these. */
  available: Type.String(classified('internal')),
  /** Plain decimals the figure was made of, where known. */
  onHand: Type.Optional(Type.String(classified('internal'))),
  /** On hand, less what orders have reserved. */
  free: Type.Optional(Type.String(classified('internal'))),
  inFlight: Type.Optional(Type.String(classified('internal'))),
  safety: Type.Optional(Type.String(classified('internal'))),
  /** RFC 3339, UTC: when the source counted. */
  asOf: Type.String(classified('internal')),
});

export type StockLevel = Static<typeof StockLevelSchema>;

/** How much of one product may be promised from one location. Absolute: the newest replaces all before it. */
export const StockLevelDocument = defineDocument({
  name: 'stock-level',
  version: '1.0',
  schema: StockLevelSchema,
  key: (level) => level.id,
  references: (level) => [['sku', level.sku]],
  needs: (level) => [['product', level.sku]],
});
