import type { Incoming, Item } from '../../core/connector.ts';
import { rejected } from '../../core/fault.ts';
import type { Draft, Look } from '../../core/flow.ts';
import { moneyText } from '../../core/money.ts';
import { sha256 } from '../../core/seal.ts';
import type { Cancellation } from '../../model/cancellation.ts';
import type { CustomerDocument } from '../../model/customer.ts';
import type { DeliveryPromise } from '../../model/delivery-promise.ts';
import type { Order, OrderDocument } from '../../model/order.ts';
import type { Price } from '../../model/price.ts';
import type { ProductDocument } from '../../model/product.ts';
import { requireCurrency } from '../../model/rules/order.ts';
import type { Shipment } from '../../model/shipment.ts';
import type { StockLevel } from '../../model/stock-level.ts';
import { readSale, type StoreSale } from './contract.ts';

/** Code of the product that discount lines are of. */
const DISCOUNT = 'DISCOUNT';

/** A sale as a fact, pushed or listed: named the same both ways, or it would be taken twice. */
export const incomingOf = (sale: StoreSale): Incoming => ({
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

/** A listed sale. One that is not what the contract says is a fact too: the flow makes an Exception of it, and the next ones go on. */
export function listedSale(value: unknown, receivedAt: Date): Incoming {
  const bytes = Buffer.from(JSON.stringify(value));
  try {
    return incomingOf(readSale(bytes));
  } catch {
    const { id } = (value ?? {}) as { id?: unknown };
    const name = typeof id === 'string' && id !== '' ? id.slice(0, 100) : 'without an id';
    return {
      dedupeKey: `bad sale ${sha256(bytes).toString('hex')}`,
      subject: `sale:${name}`,
      occurredAt: receivedAt,
      bytes,
    };
  }
}

type StoreDocument = typeof ProductDocument | typeof CustomerDocument | typeof OrderDocument;

/** Message Translator: what one sale means. Throws `rejected` where a line does not say what its sums are made of. `zone` is that of the store's days. */
export function toDocuments(
  sale: StoreSale,
  look: Pick<Look, 'connection' | 'mapping'>,
  zone: string,
): Draft<StoreDocument>[] {
  requireCurrency(sale.number, sale.currency);
  checkLines(sale);
  const location = look.mapping('store-locations').get(sale.delivery?.location ?? sale.location);
  const taxes = look.mapping('store-taxes');
  const lines = sale.lines.flatMap((line): Order['lines'] => {
    const codes = line.taxes.map((code) => taxes.get(code));
    const reduced = discountOf(line);
    const goods = {
      id: line.id,
      sku: line.sku.toUpperCase(),
      description: line.name,
      quantity: line.quantity,
      unitPrice: line.unitPrice,
      taxes: codes,
      total: line.total - reduced,
      ...(line.tax === undefined ? {} : { tax: line.tax }),
      location,
    };
    if (reduced === 0) return [goods];
    const unitPrice = moneyText({ minor: BigInt(reduced), currency: sale.currency });
    const discount = {
      id: `${line.id}/discount`,
      sku: DISCOUNT,
      description: `Discount on ${line.name}`,
      quantity: '1',
      unitPrice,
      taxes: codes,
      total: reduced,
    };
    return [goods, discount];
  });
  const customer = `${look.connection}:${sale.customer?.id ?? 'walk-in'}`;
  const order: Order = {
    id: `${look.connection}:${sale.id}`,
    number: sale.number,
    kind: sale.total < 0 ? 'cancellation' : 'sale',
    refersTo: sale.refersTo ?? null,
    placedAt: new Date(sale.soldAt).toISOString(),
    businessDay: new Intl.DateTimeFormat('en-CA', { timeZone: zone }).format(new Date(sale.soldAt)),
    customer,
    currency: sale.currency,
    pricesIncludeTax: sale.pricesIncludeTax,
    lines,
    total: sale.total,
    ...deliveryOf(sale),
  };
  return [customerOf(sale, customer), ...productsOf(sale, lines), { kind: 'order', body: order }];
}

/** How it reaches the customer, where it is not handed over at once. */
function deliveryOf({ delivery }: StoreSale): Pick<Order, 'delivery' | 'shipTo'> {
  if (!delivery) return {};
  const { method, promisedAt, recipient } = delivery;
  const at = promisedAt === null ? null : new Date(promisedAt).toISOString();
  return { delivery: { method, service: null, promisedAt: at }, ...(recipient ? { shipTo: recipient } : {}) };
}

const customerOf = ({ customer }: StoreSale, id: string): Draft<typeof CustomerDocument> => ({
  kind: 'customer',
  onlyIfNew: true,
  body: {
    id,
    number: customer?.id ?? null,
    name: customer?.name ?? 'Walk-in customer',
    country: null,
    ...(customer?.email ? { email: customer.email } : {}),
  },
});

function productsOf(sale: StoreSale, lines: Order['lines']): Draft<typeof ProductDocument>[] {
  const products = new Map(sale.lines.map((line) => [line.sku.toUpperCase(), line]));
  const drafts = [...products].map(
    ([sku, line]): Draft<typeof ProductDocument> => ({
      kind: 'product',
      onlyIfNew: true,
      body: { sku, code: line.sku, name: line.name || line.sku, kind: line.kind ?? 'goods' },
    }),
  );
  if (!lines.some(({ sku }) => sku === DISCOUNT) || products.has(DISCOUNT)) return drafts;
  return [
    ...drafts,
    { kind: 'product', onlyIfNew: true, body: { sku: DISCOUNT, code: DISCOUNT, name: 'Discount', kind: 'service' } },
  ];
}

/** What a line is reduced by, with the sign that its goods do not have: minor units. */
const discountOf = ({ discount = 0, quantity }: StoreSale['lines'][number]): number =>
  discount === 0 ? 0 : quantity.startsWith('-') ? discount : -discount;

/** What an order does not tell any more. */
function checkLines({ number, currency, lines, pricesIncludeTax }: StoreSale): void {
  for (const { id, discount = 0, taxes, tax } of lines) {
    const wrong = (message: string, field: string) =>
      rejected(`Sale ${number}, line ${id}: ${message}.`, 'totals-differ', field);
    if (discount < 0)
      throw wrong(`a discount of ${moneyText({ minor: BigInt(discount), currency })} ${currency} is none`, 'discount');
    if (!pricesIncludeTax && taxes.length > 0 && tax === undefined)
      throw wrong('prices are without tax, and it does not say how much there is', 'tax');
  }
}

/** What the store hears about an order that was recorded. */
export const orderRecorded = ({ document, version }: Item<Order>, connection: string): object => ({
  sale: saleOf(document.id, connection),
  number: document.number,
  status: document.kind === 'sale' && document.state !== 'cancelled' ? 'recorded' : 'cancelled',
  version,
});

/** What the store hears when people have moved what was promised. */
export const promiseChanged = ({ document, version }: Item<DeliveryPromise>, connection: string): object => ({
  sale: saleOf(document.order, connection),
  number: document.orderNumber,
  promisedAt: document.promisedAt,
  version,
});

/** What the store hears of goods of its sales that are prepared, on their way or handed over. */
export const shipmentChanged = ({ document, version }: Item<Shipment>, connection: string): object => ({
  id: document.id,
  sale: saleOf(document.order, connection),
  number: document.orderNumber,
  shipment: document.number,
  milestone: document.milestone,
  at: document.occurredAt,
  carrier: document.carrier,
  tracking: document.tracking,
  lines: document.lines.map(({ orderLine, sku, quantity }) => ({ line: orderLine, sku, quantity })),
  version,
});

/** What the store hears when people have cancelled what it sold. */
export const orderCancelled = ({ document, version }: Item<Cancellation>, connection: string): object => ({
  sale: saleOf(document.order, connection),
  number: document.orderNumber,
  reason: document.reason,
  refundsFollow: document.refundsFollow ?? false,
  at: document.occurredAt,
  version,
});

/** The store's own id of an order that it sold. */
const saleOf = (order: string, connection: string): string | null =>
  order.startsWith(`${connection}:`) ? order.slice(connection.length + 1) : null;

/** What the store hears of what may be sold. `code` is its own of the place. */
export const stockChanged = ({ document, version }: Item<StockLevel>, code: string): object => ({
  sku: document.sku,
  location: code,
  available: document.available,
  asOf: document.asOf,
  version,
});

export const priceChanged = ({ document: { id: _, ...price }, version }: Item<Price>): object => ({
  ...price,
  version,
});
