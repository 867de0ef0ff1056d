import { add, compare, type Decimal, decimal, decimalText, integer, negate } from '../../../core/decimal.ts';
import { rejected } from '../../../core/fault.ts';
import type { Draft, Look } from '../../../core/flow.ts';
import { ProductDocument } from '../../../model/product.ts';
import { type StockLevel, StockLevelDocument } from '../../../model/stock-level.ts';
import { rfc3339 } from '../sources/cursor.ts';
import type { StockRecord } from '../sources/stock-levels.ts';

/** What a flow may add to the figure. */
export interface StockRules {
  /** Told apart from other channels' levels: part of their ids. Without one the channels share them. */
  readonly channel?: string | undefined;
  /** Plain decimal: pieces that are never promised; the greater one of this and the record's counts. Default 0. */
  safety?(sku: string, location: string, look: Look): string;
  /** Plain decimal: what orders that the hub has accepted, and Odoo does not know yet, will take. Default 0. */
  inFlight?(sku: string, location: string, look: Look): string | Promise<string>;
}

/**
 * Message Translator: what may be promised of a product, in each location. Mapping table `odoo-warehouses` (code of the warehouse in Odoo → location
 * code of the hub). A product without an internal reference is none of the hub's; a warehouse that has nothing of it is told where it had something.
 */
export async function toStockLevels(
  record: StockRecord,
  look: Look,
  rules: StockRules = {},
): Promise<Draft<typeof StockLevelDocument>[]> {
  const sku = await skuOf(record, look);
  if (sku === null) return [];
  const drafts: Draft<typeof StockLevelDocument>[] = [];
  for (const warehouse of record.warehouses) {
    const level = record.levels[warehouse];
    const location = level
      ? look.mapping('odoo-warehouses').get(warehouse)
      : look.mapping('odoo-warehouses').find(warehouse);
    if (location === null) continue;
    const id = rules.channel === undefined ? `${location}/${sku}` : `${location}/${sku}@${rules.channel}`;
    if (!level && !(await look.current(StockLevelDocument, id))) continue;
    const onHand = quantity(level?.onHand ?? 0);
    const free = minus(onHand, quantity(level?.reserved ?? 0));
    const safety = greater(record.safety, rules.safety?.(sku, location, look) ?? '0');
    const inFlight = (await rules.inFlight?.(sku, location, look)) ?? '0';
    drafts.push({
      kind: 'stock-level',
      body: levelOf({ id, sku, location, onHand, free, inFlight, safety }, record.version),
    });
  }
  return drafts;
}

interface Figures extends Pick<StockLevel, 'id' | 'sku' | 'location'> {
  readonly onHand: Decimal;
  readonly free: Decimal;
  readonly inFlight: string;
  readonly safety: string;
}

function levelOf({ onHand, free, ...level }: Figures, version: string): StockLevel {
  const { inFlight, safety } = level;
  const left = minus(minus(free, decimal(inFlight)), decimal(safety));
  const available = compare(left, integer(0)) < 0 ? integer(0) : left;
  return { ...level, available: plain(available), onHand: plain(onHand), free: plain(free), asOf: rfc3339(version) };
}

/** The SKU of a product of Odoo: what it is bound to, else its internal reference; null: it is none of the hub's. */
export const skuOf = async (record: StockRecord, look: Look): Promise<string | null> =>
  (await look.keyOf(ProductDocument, String(record.id))) ?? record.code?.toUpperCase() ?? null;

const greater = (a: string, b: string): string => (compare(decimal(a), decimal(b)) < 0 ? b : a);

const minus = (a: Decimal, b: Decimal): Decimal => add(a, negate(b));

/** Quantities of Odoo have at most six decimals. */
function quantity(value: number): Decimal {
  if (!Number.isFinite(value) || Math.abs(value) > 1e12)
    throw rejected(`Odoo tells a quantity that cannot be: ${value}`, 'not-a-number', 'quantity');
  return decimal(value.toFixed(6));
}

/** Without zeros at its end. */
const plain = (value: Decimal): string =>
  decimalText(value)
    .replace(/(\.\d*?)0+$/, '$1')
    .replace(/\.$/, '');
