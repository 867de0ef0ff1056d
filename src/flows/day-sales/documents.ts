import { compare } from '../../core/decimal.ts';
import type { Draft, Look } from '../../core/flow.ts';
import type { CustomerDocument } from '../../model/customer.ts';
import { type Order, OrderDocument } from '../../model/order.ts';
import type { Product, ProductDocument } from '../../model/product.ts';
import type { StockAdjustmentDocument } from '../../model/stock-adjustment.ts';
import type { Invoice, InvoiceLine } from './invoice.ts';

export type DaySalesDocument =
  | typeof ProductDocument
  | typeof CustomerDocument
  | typeof OrderDocument
  | typeof StockAdjustmentDocument;

const kindOf = ({ role }: InvoiceLine): Product['kind'] => (role === 'goods' || role === 'voucher' ? role : 'service');

/** One product per code; the words of a line that only moves stock say why it moved, not what the product is called. */
export function products(
  lines: readonly InvoiceLine[],
  stockOnly: ReadonlySet<string>,
): Draft<typeof ProductDocument>[] {
  const drafts = new Map<string, Product>();
  for (const line of lines) {
    const name = stockOnly.has(line.id) ? '' : line.description;
    const known = drafts.get(line.sku);
    if (known && (name === '' || known.name !== known.code)) continue;
    drafts.set(line.sku, {
      sku: line.sku,
      code: known?.code ?? line.code,
      name: name || (known?.code ?? line.code),
      kind: kindOf(line),
    });
  }
  return [...drafts.values()].map((body) => ({ kind: 'product', body, onlyIfNew: true }));
}

const customerKey = (connection: string, { customer }: Invoice): string => `${connection}:${customer ?? 'walk-in'}`;

/** The customer, or the till's own partner for sales without a name. */
export const customer = (connection: string, invoice: Invoice, walkIn: string): Draft<typeof CustomerDocument> => ({
  kind: 'customer',
  onlyIfNew: true,
  body: {
    id: customerKey(connection, invoice),
    number: invoice.customer,
    name: invoice.customer === null ? walkIn : `Customer ${invoice.customer}`,
    country: invoice.country,
  },
});

export const order = (
  connection: string,
  invoice: Invoice,
  lines: readonly InvoiceLine[],
  taxes: readonly string[],
  refersTo: string | null,
): Draft<typeof OrderDocument> => ({
  kind: 'order',
  body: {
    id: `${connection}:${invoice.number}`,
    number: invoice.number,
    kind: invoice.cancellation ? 'cancellation' : 'sale',
    refersTo,
    placedAt: invoice.placedAt,
    businessDay: invoice.businessDay,
    customer: customerKey(connection, invoice),
    currency: invoice.currency,
    pricesIncludeTax: false,
    lines: lines.map((line) => ({
      id: line.id,
      sku: line.sku,
      description: line.description || line.code,
      quantity: line.quantityText,
      unitPrice: line.priceText,
      taxes: [...taxes],
      total: Number(line.value),
    })),
  },
});

/** Of lines that were not adjusted before; named by the first of them. */
export const stockAdjustment = (
  connection: string,
  invoice: Invoice,
  lines: readonly InvoiceLine[],
): Draft<typeof StockAdjustmentDocument> => ({
  kind: 'stock-adjustment',
  body: {
    id: `${connection}:${invoice.number}:stock:${lines[0]!.id}`,
    origin: invoice.number,
    occurredAt: invoice.placedAt,
    lines: lines.map((line) => ({
      id: line.id,
      sku: line.sku,
      quantity: line.quantityText,
      reason: line.description || (line.quantityText.startsWith('-') ? 'written off' : 'found'),
    })),
  },
});

/** Pieces by product and price. */
const priced = (lines: Iterable<{ sku: string; price: string; quantity: string }>): Map<string, number> => {
  const pieces = new Map<string, number>();
  for (const { sku, price, quantity } of lines) {
    const key = `${sku} ${price.includes('.') ? price.replace(/\.?0+$/, '') : price}`;
    pieces.set(key, (pieces.get(key) ?? 0) + Number(quantity));
  }
  return pieces;
};

/**
 * The sale that a cancellation takes back: the only earlier one of the same customer that has every line's product at the same price and in
 * at least that quantity. Null where it cannot be known.
 */
export async function saleOf(
  connection: string,
  invoice: Invoice,
  lines: readonly InvoiceLine[],
  look: Look<unknown>,
): Promise<string | null> {
  if (!invoice.cancellation || invoice.customer === null || lines.length === 0) return null;
  if (lines.some((line) => compare(line.price, { coefficient: 0n, scale: 0 }) === 0)) return null;
  const wanted = priced(
    lines.map(({ sku, priceText, quantityText }) => ({ sku, price: priceText, quantity: quantityText })),
  );
  const earlier = await look.find(OrderDocument, [
    'customer-sku',
    `${customerKey(connection, invoice)} ${lines[0]!.sku}`,
  ]);
  const covers = (sale: Order): boolean => {
    const sold = priced(sale.lines.map(({ sku, unitPrice, quantity }) => ({ sku, price: unitPrice, quantity })));
    return [...wanted].every(([key, pieces]) => (sold.get(key) ?? 0) >= -pieces);
  };
  const sales = earlier.filter(
    (sale) =>
      sale.kind === 'sale' && sale.currency === invoice.currency && sale.placedAt <= invoice.placedAt && covers(sale),
  );
  return sales.length === 1 ? sales[0]!.number : null;
}
