/** The estate of the story: a Medusa, an Odoo, and a warehouse that says what came back. The chaos starts hubs on it, with all it needs in the environment. */
import { readFileSync } from 'node:fs';
import { medusa } from '../../src/connectors/medusa/index.ts';
import { odoo } from '../../src/connectors/odoo/index.ts';
import type { Duration } from '../../src/core/clock.ts';
import type { Connection, PollSource } from '../../src/core/connector.ts';
import { defineEstate, secret } from '../../src/core/estate.ts';
import { odooPromises } from '../../src/flows/odoo-orders.ts';
import { odooShipments } from '../../src/flows/odoo-shipments.ts';
import { shopReturns } from '../../src/flows/shop-returns.ts';
import { medusaOrders } from '../../src/flows/web-orders.ts';

export interface StoryParts {
  readonly medusa: string;
  /** Medusa's stock location. */
  readonly location: string;
  readonly odoo: string;
  readonly database: string;
  readonly login: string;
  /** Code of Odoo's warehouse. */
  readonly warehouse: string;
  /** Names of Odoo's taxes, by tax code of the hub. */
  readonly taxes: Readonly<Record<string, string>>;
  /** JSON lines of what came back, as the warehouse writes them. */
  readonly returns: string;
  /** Of calls to Medusa; 20 s when absent. After a kill in the middle of a delivery its lane is quiet for ten times as long. */
  readonly timeout?: Duration;
  /** RFC 3339: orders before are left alone. */
  readonly from?: string;
  /** Money that came in and went back, and goods that people take back in Medusa, are booked in Odoo too. */
  readonly money?: true;
  /** Medusa sends notices, signed with the secret MEDUSA_NOTICES: nothing is found by polling. */
  readonly noticed?: boolean;
}

/** What a warehouse says of goods that came back. */
export interface CameBack {
  readonly number: string;
  /** Key of the order, its number, and its line. */
  readonly order: string;
  readonly orderNumber: string;
  readonly line: string;
  readonly sku: string;
  readonly quantity: number;
  readonly fit: boolean;
}

const returnsIn = (file: string): PollSource<CameBack> => ({
  kind: 'poll',
  name: 'returns',
  every: '1s',
  async *pull(cursor) {
    const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
    const items = lines.slice(Number(cursor ?? 0)).map((line) => {
      const { number } = JSON.parse(line) as CameBack;
      return {
        dedupeKey: `return ${number}`,
        subject: `return:${number}`,
        occurredAt: new Date(),
        bytes: Buffer.from(line),
      };
    });
    if (items.length > 0) yield { items, cursor: String(lines.length) };
  },
  decode: (bytes) => JSON.parse(Buffer.from(bytes).toString()) as CameBack,
});

export function storyEstate(parts: StoryParts) {
  const web = medusa({
    url: parts.medusa,
    key: secret('MEDUSA_KEY'),
    overlap: '5s',
    settle: '5s',
    timeout: parts.timeout ?? '20s',
    ...(parts.noticed
      ? { every: '1h', sweep: '1h', signedWith: [secret('MEDUSA_NOTICES')] }
      : { every: '1s', sweep: '2s' }),
    ...(parts.from === undefined ? {} : { from: parts.from }),
  });
  const books = odoo({
    url: parts.odoo,
    database: parts.database,
    login: parts.login,
    key: secret('ODOO_KEY'),
    settle: '3s',
    timeout: '20s',
    capture: { overlap: '5s', every: { pickings: '2s', orders: '1s' } },
  });
  const warehouse = {
    connector: 'warehouse',
    entity: 'main',
    sources: { returns: returnsIn(parts.returns) },
    sinks: {},
    async *check() {},
  } satisfies Connection;
  const { customers: customer, products: product, saleOrders: order } = books.sinks;
  const { payments: payment, refunds: refund, returns: back } = books.sinks;
  const rows: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    'medusa-taxes': { 'BE BE21 21%': 'VAT21' },
    'medusa-locations': { [parts.location]: 'WH', WH: parts.location },
    'medusa-shipping-services': { Standard: 'standard' },
    'medusa-payment-methods': { pp_system_default: 'manual' },
    'odoo-warehouses': { [parts.warehouse]: 'WH' },
  };
  const orders = medusaOrders({
    from: web.sources.orders,
    to: { customer, product, order, ...(parts.money ? { payment, refund, return: back } : {}) },
    zone: 'Europe/Brussels',
  });
  const shipments = odooShipments({
    from: books.sources.pickings,
    to: { shipment: web.sinks.shipments },
    sold: (key) => key.startsWith('web:'),
  });
  const promises = odooPromises({
    from: books.sources.orders,
    to: { 'delivery-promise': web.sinks.promises },
    sold: (key) => key.startsWith('web:'),
  });
  const returns = shopReturns({
    from: warehouse.sources.returns,
    to: { return: web.sinks.returns },
    toReturn: (native) => ({
      id: `warehouse:${native.number}`,
      number: native.number,
      order: native.order,
      orderNumber: native.orderNumber,
      state: 'received',
      location: 'WH',
      occurredAt: '2026-11-25T10:00:00Z',
      lines: [
        {
          id: '1',
          orderLine: native.line,
          sku: native.sku,
          quantity: String(native.quantity),
          reason: 'unknown',
          restock: native.fit,
        },
      ],
    }),
  });
  const filled = [orders, shipments, promises, returns].map((flow) => ({
    ...flow,
    mappings: [
      ...(flow.mappings ?? []).map((seed) => ({ ...seed, rows: rows[seed.table] ?? seed.rows })),
      ...(flow === orders
        ? [
            { table: 'taxes', owner: 'finance', about: 'Tax codes → taxes of Odoo.', rows: parts.taxes },
            { table: 'sale-products', owner: 'finance', about: 'Products of Odoo.', rows: { rounding: 'ROUND-OFF' } },
            { table: 'payment-methods', owner: 'finance', about: 'Journals of Odoo.', rows: { manual: 'BNK1' } },
            { table: 'warehouses', owner: 'operations', about: 'Warehouses of Odoo.', rows: { WH: parts.warehouse } },
          ]
        : []),
    ],
  }));
  const found = { reason: 'found by a mark of the hub', by: 'tests' };
  return defineEstate({
    name: 'medusa',
    connections: { web, odoo: books, warehouse },
    flows: filled as never,
    approvals: { 'web-orders': found, 'odoo-shipments': found, 'shop-returns': found },
  });
}

const { MEDUSA_STORY } = process.env;

export default MEDUSA_STORY ? storyEstate(JSON.parse(MEDUSA_STORY) as StoryParts) : undefined;
