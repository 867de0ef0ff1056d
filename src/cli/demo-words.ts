import { type Judgement, verdictOf } from '../simulators/retailer/judge.ts';
import type { Summary } from '../watch/summary.ts';
import type { StockDelay } from './demo-promise.ts';
import { table } from './print.ts';

/** Kinds of documents that a shopkeeper counts, as one and as many. */
const kinds: readonly (readonly [kind: string, one: string, many: string])[] = [
  ['order', 'order', 'orders'],
  ['payment', 'payment', 'payments'],
  ['fulfilment-order', 'picking order', 'picking orders'],
  ['shipment', 'shipment', 'shipments'],
  ['receipt', 'receipt of goods', 'receipts of goods'],
  ['stock-level', 'stock figure', 'stock figures'],
  ['catalogue-item', 'new product', 'new products'],
];

/** What came, what crossed, what waits, what needs a person. */
export function liveLine({ events, deliveries, documents, exceptions }: Summary): string {
  const crossed = kinds.flatMap(([kind, one, many]) => {
    const count = documents[kind] ?? 0;
    return count === 0 ? [] : [`${count} ${count === 1 ? one : many}`];
  });
  const open = exceptions.reduce((sum, { count }) => sum + count, 0);
  const waiting = events.waiting + deliveries.waiting;
  return [
    `${events.received} came in`,
    crossed.join(', ') || 'nothing yet',
    waiting === 0 ? 'nothing waits' : `${waiting} wait`,
    open === 0 ? 'nobody is needed' : `${open} need a person`,
  ].join(' · ');
}

const hops: Readonly<Record<keyof Judgement, string>> = {
  tillToOdoo: 'till → Odoo: invoices',
  ordersToOdoo: 'shop → Odoo: orders',
  paymentsToOdoo: 'shop → Odoo: payments',
  refundsToOdoo: 'shop → Odoo: refunds',
  keptToOdoo: 'shop → Odoo: invoices less credit notes',
  returnsToOdoo: 'shop → Odoo: goods sent back',
  creditsToShop: 'Odoo → shop: credit notes, paid back',
  paidBackToOdoo: 'shop → Odoo: what was paid for them',
  takenBackToShop: 'Odoo → shop: goods taken back',
  cancellationsToShop: 'Odoo → shop: orders cancelled there, and their money',
  ordersToWarehouse: 'shop → Odoo → warehouse: orders',
  promisesKept: 'shop ↔ Odoo → warehouse: when it was promised for',
  shipmentsToOdoo: 'warehouse → Odoo: parcels',
  shipmentsToShop: 'warehouse → shop: parcels',
  receiptsToOdoo: 'warehouse → Odoo: goods that vendors sent',
  shortToPeople: 'warehouse → people: what it has not',
  silenceToPeople: 'warehouse → people: orders acknowledged in the end',
  straysToPeople: 'warehouse → people: parcels that never were',
  countsToPeople: 'warehouse → people: counts, by product',
  ordersToStore: 'shop → Odoo → store: what is collected or sent there',
  handoversToOdoo: 'store → Odoo: what was collected or sent',
  handoversToShop: 'store → shop: what was collected or sent',
  noticesToShop: 'store → shop: customers told that they can collect',
  uncollectedToPeople: 'store → people: what nobody collected',
  stockToShop: 'Odoo → shop: stock figures',
  storeStockToShop: 'Odoo → shop: stock figures of the store',
  pricesToShop: 'Odoo → shop: prices',
  marketPricesToShop: 'Odoo → shop: prices of a market in another currency',
  catalogueToShop: 'Odoo → shop: new products, by variant',
  storeSalesToOdoo: 'store → Odoo: sales',
  storeGoodsToOdoo: 'store → Odoo: goods handed over and brought back',
  storeReceipts: 'hub → store: receipts',
  shipmentsToStore: 'warehouse, store → store: what it sold and handed over later',
  catalogueToStore: 'Odoo → store: products, by variant',
  stockToStore: 'Odoo → store: stock figures',
  pricesToStore: 'Odoo → store: prices',
  lookupsInStore: 'Odoo → store: what the till asked at the counter',
  customersToOdoo: 'shop → Odoo: customers',
  contactsToShop: 'Odoo → shop: telephone numbers',
};

/** Each hop's row, and what is wrong in words. */
export function describeJudgement(
  judgement: Judgement,
  { moves, p95, broken }: StockDelay,
  {
    forged,
    unacknowledged,
    settled,
  }: {
    readonly forged: { readonly sent: number; readonly taken: number };
    /** Orders that people were told of because the warehouse was silent, and files of its that they have settled. */
    readonly unacknowledged: number;
    readonly settled: number;
  },
): string {
  const rows = Object.entries(judgement).map(([name, hop]) => [
    hops[name as keyof Judgement],
    String(hop.compared),
    String(hop.lost),
    String(hop.duplicated),
    String(hop.outOfOrder),
    hop.money ? hop.money.difference : String(hop.differences),
  ]);
  const { wrong } = verdictOf(judgement);
  const parts = [
    'Compared with the systems’ own books:',
    table(['', '>compared', '>lost', '>doubled', '>out of order', '>difference'], rows),
    ...wrong.slice(0, 20).map((words) => `  ${words}`),
  ];
  if (p95 !== null)
    parts.push(`Stock moves in Odoo stood in the shop within ${p95.toFixed(1)} s (95 of 100; ${moves} measured).`);
  if (broken !== null) parts.push(broken);
  if (unacknowledged > 0)
    parts.push(`Orders that the warehouse did not acknowledge in time, which people were told: ${unacknowledged}.`);
  if (settled > 0) parts.push(`What the warehouse sent by mistake, which a person settled: ${settled}.`);
  if (forged.sent > 0)
    parts.push(
      `Webhooks without a signature: ${forged.sent}, of which the hub took ${forged.taken === 0 ? 'none' : forged.taken}.`,
    );
  return parts.join('\n');
}
