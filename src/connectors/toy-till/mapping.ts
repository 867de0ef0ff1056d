import type { Incoming } from '../../core/connector.ts';
import { decimal, multiply } from '../../core/decimal.ts';
import { rejected } from '../../core/fault.ts';
import type { Draft, Look } from '../../core/flow.ts';
import { exactMoney, moneyText } from '../../core/money.ts';
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

/** Message Translator: what one sale means. Throws `rejected` where its sums do not agree, to the cent. `zone` is that of the till's days. */
export function toDocuments(
  sale: TillSale,
  look: Pick<Look, 'connection' | 'mapping'>,
  zone: string,
): Draft<TillDocument>[] {
  checkSums(sale);
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

function checkSums({ number, currency, lines, total }: TillSale): void {
  const shown = (minor: bigint | number): string => moneyText({ minor: BigInt(minor), currency });
  for (const line of lines) {
    let value: bigint;
    try {
      value = exactMoney(multiply(decimal(line.quantity), decimal(line.price)), currency).minor;
    } catch (cause) {
      throw rejected(`Sale ${number}, line ${line.id}: ${(cause as Error).message}.`, 'not-a-number', 'price');
    }
    if (value !== BigInt(line.total))
      throw rejected(
        `Sale ${number}, line ${line.id}: ${line.quantity} × ${line.price} is ${shown(value)} ${currency}, but the till says ${shown(line.total)}.`,
        'totals-differ',
        'total',
      );
  }
  const sum = lines.reduce((all, line) => all + BigInt(line.total), 0n);
  if (sum !== BigInt(total))
    throw rejected(
      `Sale ${number}: its lines add up to ${shown(sum)} ${currency}, but the till says ${shown(total)}.`,
      'totals-differ',
      'total',
    );
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
