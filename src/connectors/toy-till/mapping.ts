import type { Incoming } from '../../core/connector.ts';
import type { Draft, Look } from '../../core/flow.ts';
import type { CustomerDocument } from '../../model/customer.ts';
import type { Order, OrderDocument } from '../../model/order.ts';
import type { ProductDocument } from '../../model/product.ts';
import type { StockAdjustment } from '../../model/stock-adjustment.ts';
import type { TillSale } from './protocol.ts';

/** A sale as a fact, pushed or listed: named the same both ways, or it would be taken twice. */
export const incomingOf = (sale: TillSale): Incoming => ({
  dedupeKey: `sale ${sale.id} ${sale.revision}`,
  subject: `sale:${sale.id}`,
  sourceVersion: BigInt(sale.revision),
  occurredAt: new Date(sale.soldAt),
  bytes: Buffer.from(JSON.stringify(sale)),
  measure: {
    lines: sale.lines.length,
    currency: sale.currency,
    minor: BigInt(sale.total),
    absolute: sale.lines.reduce((sum, { total }) => sum + BigInt(Math.abs(total)), 0n),
  },
  labels: { sale: sale.number },
});

type TillDocument = typeof ProductDocument | typeof CustomerDocument | typeof OrderDocument;

/** Message Translator: what one sale means. `zone` is that of the till's days. */
export function toDocuments(
  sale: TillSale,
  look: Pick<Look, 'connection' | 'mapping'>,
  zone: string,
): Draft<TillDocument>[] {
  const customer = `${look.connection}:${sale.customer?.id ?? 'walk-in'}`;
  const order: Order = {
    id: `${look.connection}:${sale.id}`,
    number: sale.number,
    kind: sale.total < 0 ? 'cancellation' : 'sale',
    refersTo: null,
    placedAt: new Date(sale.soldAt).toISOString(),
    businessDay: new Intl.DateTimeFormat('en-CA', { timeZone: zone }).format(new Date(sale.soldAt)),
    customer,
    currency: sale.currency,
    pricesIncludeTax: true,
    lines: sale.lines.map((line) => ({
      id: line.id,
      sku: line.sku.toUpperCase(),
      description: line.name,
      quantity: line.quantity,
      unitPrice: line.price,
      taxes: [look.mapping('toy-till-taxes').get(line.tax)],
      total: line.total,
    })),
    total: sale.total,
  };
  const products = new Map(sale.lines.map((line) => [line.sku.toUpperCase(), line]));
  return [
    {
      kind: 'customer',
      onlyIfNew: true,
      body: {
        id: customer,
        number: sale.customer?.id ?? null,
        name: sale.customer?.name ?? 'Walk-in customer',
        country: null,
      },
    },
    ...[...products].map(
      ([sku, line]): Draft<typeof ProductDocument> => ({
        kind: 'product',
        onlyIfNew: true,
        body: { sku, code: line.sku, name: line.name || line.sku, kind: 'goods' },
      }),
    ),
    { kind: 'order', body: order },
  ];
}

/** What the till hears about an order that was recorded. */
export const orderRecorded = (order: Order, connection: string, version: number): object => ({
  sale: order.id.startsWith(`${connection}:`) ? order.id.slice(connection.length + 1) : null,
  number: order.number,
  status: order.kind === 'sale' ? 'recorded' : 'cancelled',
  version,
});

/** What the till hears about goods written off or found elsewhere: changes, not levels. */
export const stockAdjusted = (adjustment: StockAdjustment): object => ({
  adjustment: adjustment.id,
  occurredAt: adjustment.occurredAt,
  lines: adjustment.lines.map(({ sku, quantity, reason }) => ({ sku, change: quantity, reason })),
});
