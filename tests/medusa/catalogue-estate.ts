/** The estate of the catalogue's story: people bring out products in Odoo, a Medusa sells them. Hubs are started on it and killed, with all it needs in the environment. */
import { medusa } from '../../src/connectors/medusa/index.ts';
import { odoo } from '../../src/connectors/odoo/index.ts';
import { defineEstate, secret } from '../../src/core/estate.ts';
import { type MappingSeed, withTables } from '../../src/core/flow.ts';
import { catalogueFeed, priceFeed, stockFeed } from '../../src/flows/odoo-feeds.ts';
import { odooShipments } from '../../src/flows/odoo-shipments.ts';
import { medusaOrders } from '../../src/flows/web-orders.ts';

export interface CatalogueParts {
  readonly medusa: string;
  /** Medusa's stock location. */
  readonly location: string;
  readonly odoo: string;
  readonly database: string;
  readonly login: string;
  /** Code of Odoo's warehouse. */
  readonly warehouse: string;
  /** Tells this Odoo from others whose records have the same ids. */
  readonly run: string;
  /** RFC 3339: orders before are left alone. */
  readonly from: string;
}

const table = (name: string, rows: Readonly<Record<string, string>>): MappingSeed => ({
  table: name,
  owner: 'tests',
  about: `Table ${name} of the story.`,
  rows,
});

function catalogueEstate(parts: CatalogueParts) {
  const web = medusa({
    url: parts.medusa,
    key: secret('MEDUSA_KEY'),
    every: '1s',
    sweep: '2s',
    overlap: '5s',
    settle: '2s',
    timeout: '5s',
    from: parts.from,
  });
  const books = odoo({
    url: parts.odoo,
    database: parts.database,
    login: parts.login,
    key: secret('ODOO_KEY'),
    settle: '3s',
    timeout: '20s',
    capture: { overlap: '5s', every: { stockLevels: '1s', prices: '1s', catalogue: '1s', pickings: '1s' } },
  });
  const sells = (sku: string): boolean => sku.startsWith('OWN-');
  const ofOdoo = [
    table('odoo-warehouses', { [parts.warehouse]: 'WH' }),
    table('odoo-pricelists', { 'sales price': 'web' }),
    table('medusa-locations', { [parts.location]: 'WH', WH: parts.location }),
  ];
  const orders = withTables(
    medusaOrders({
      from: web.sources.orders,
      to: { customer: books.sinks.customers, product: books.sinks.products, order: books.sinks.saleOrders },
      zone: 'Europe/Brussels',
    }),
    [
      table('medusa-taxes', { 'BE BE21 21%': 'VAT21' }),
      table('taxes', { VAT21: 'VAT 21%' }),
      table('sale-products', { rounding: 'ROUND-OFF' }),
      table('warehouses', { WH: parts.warehouse }),
    ],
  );
  const catalogue = catalogueFeed({
    id: 'web-catalogue',
    from: books.sources.catalogue,
    to: { 'catalogue-item': web.sinks.catalogue },
    sells,
  });
  const prices = priceFeed({
    id: 'web-prices',
    from: books.sources.prices,
    to: { price: web.sinks.prices },
    lists: ['web'],
    sells,
  });
  const stock = stockFeed({
    id: 'web-stock',
    from: books.sources.stockLevels,
    to: { 'stock-level': web.sinks.stockLevels },
    locations: ['WH'],
    priced: 'web',
    sells,
  });
  const shipments = odooShipments({
    from: books.sources.pickings,
    to: { shipment: web.sinks.shipments },
    sold: (key) => key.startsWith('web:'),
  });
  const found = { reason: 'found by a mark of the hub', by: 'tests' };
  return defineEstate({
    name: 'catalogue',
    connections: { web, [`odoo-${parts.run}`]: books },
    flows: [
      orders,
      withTables(catalogue, ofOdoo),
      withTables(prices, ofOdoo),
      withTables(stock, ofOdoo),
      withTables(shipments, ofOdoo),
    ],
    approvals: { 'web-orders': found, 'odoo-shipments': found },
  });
}

const { MEDUSA_CATALOGUE } = process.env;

export default MEDUSA_CATALOGUE ? catalogueEstate(JSON.parse(MEDUSA_CATALOGUE) as CatalogueParts) : undefined;
