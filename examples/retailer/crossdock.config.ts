/**
 * A whole retailer: Odoo in the centre, a web shop, a till that drops day files, a store whose till speaks the hub's own contract, and a warehouse of somebody else that
 * speaks X12 by files.
 *
 * Orders of the shop become sale orders, invoiced and paid, and what comes back a return and a credit note; Odoo's deliveries go to the warehouse, or to the store where customers collect them or
 * which sends them, an order in parts too; what either says of them closes the delivery in Odoo and tells the customer; what is free in Odoo, and its prices, go to the shop, of both places (and of a market abroad), and to the
 * store of its own shelf; what people bring out in Odoo goes to the shop with its variants, and what either sells to the store; credit notes that they post there are paid back by the shop, and goods that they take back have come back
 * there; an order that they cancel is cancelled there, and a day that they promise anew is told; names and e-mail addresses of customers are the shop's word, telephone numbers Odoo's; what the store sells is an order in Odoo whose goods have left, or, where the customer gets them later, go the way of the shop's, and the store hears what became of them; its till may ask the hub what there is elsewhere. `crossdock demo` runs all of it against
 * simulators, which set these variables; for your own systems set them yourself.
 */
import {
  catalogueFeed,
  csv,
  type Duration,
  daySales,
  defineEstate,
  defineLookup,
  type FulfilmentOrder,
  functionalAcknowledgements,
  type MappingSeed,
  type Order,
  odoo,
  odooCancellations,
  odooContacts,
  odooFulfilment,
  odooPromises,
  odooRefunds,
  odooReturns,
  priceFeed,
  restStore,
  secret,
  shopFulfilments,
  shopify,
  shopShipments,
  stockFeed,
  storeFulfilments,
  storeHandovers,
  storeReceipts,
  storeSales,
  uci,
  warehouseAcknowledgements,
  warehouseFiles,
  warehouseReceipts,
  warehouseShipments,
  warehouseStock,
  webCustomers,
  webOrders,
  webProducts,
  withTables,
} from 'crossdock';

const { env } = process;

const till = csv({ ...uci, name: 'days', entity: 'main', folder: env.CROSSDOCK_INBOX ?? './inbox' });

const books = odoo({
  url: env.ODOO_URL ?? 'http://127.0.0.1:8069',
  database: env.ODOO_DB ?? 'odoo',
  login: env.ODOO_LOGIN ?? 'admin',
  key: secret('ODOO_KEY'),
  // How long Odoo may still commit after we stopped waiting: its limit_time_real. Simulators are quicker.
  settle: (env.ODOO_SETTLE ?? '120s') as Duration,
  capture: {
    // Credit notes and returns of before are told to nobody; without it those of before the hub's first look.
    ...(env.ODOO_GO_LIVE ? { goLive: env.ODOO_GO_LIVE } : {}),
    overlap: env.ODOO_SETTLE ? '10s' : '180s',
    every: {
      stockLevels: '1s',
      pickings: '2s',
      prices: '2s',
      catalogue: '2s',
      contacts: '2s',
      creditNotes: '2s',
      returns: '2s',
      orders: '2s',
    },
  },
});

const shop = shopify({
  shop: env.SHOPIFY_SHOP ?? 'example.myshopify.com',
  token: secret('SHOPIFY_TOKEN'),
  clientSecrets: [secret('SHOPIFY_SECRET')],
  ...(env.SHOPIFY_URL ? { url: env.SHOPIFY_URL } : {}),
  ...(env.CROSSDOCK_PUBLIC_URL ? { hub: env.CROSSDOCK_PUBLIC_URL } : {}),
  settle: (env.SHOPIFY_SETTLE ?? '60s') as Duration,
  every: '5s',
  // The price list of a market abroad, in its currency; all other prices are the shop's own.
  priceLists: { 'web-ie': env.SHOPIFY_MARKET_LIST ?? 'gid://shopify/PriceList/1' },
});

const warehouse = warehouseFiles({
  at: { kind: 'folder', path: env.WAREHOUSE_FOLDER ?? './warehouse' },
  format: { kind: 'x12', us: { qualifier: 'ZZ', id: 'RETAILER' }, warehouse: { qualifier: 'ZZ', id: 'WMS' } },
  acknowledgeWithin: (env.WAREHOUSE_ACKNOWLEDGES ?? '30m') as Duration,
});

const store = restStore({
  url: env.STORE_URL ?? 'http://till.store.internal:8080',
  // It stands in the retailer's own network.
  allowPrivate: true,
  token: secret('STORE_TOKEN'),
  signedWith: [secret('STORE_SECRET')],
  every: '5s',
  locations: { store: 'counter' },
  catalogue: true,
});

/** Two places: Odoo's warehouse WH, which is the shop's first location and somebody else's warehouse; and Odoo's warehouse STO, which is the shop's second location and the store's counter. */
const shopLocations = {
  central: env.SHOPIFY_LOCATION ?? 'gid://shopify/Location/1',
  store: env.SHOPIFY_STORE ?? 'gid://shopify/Location/2',
};
const table = (name: string, owner: string, rows: Record<string, string>, about: string): MappingSeed => ({
  table: name,
  owner,
  about,
  rows,
});
const tables = {
  shop: [
    table('shopify-taxes', 'finance', { 'GB VAT 20%': 'standard' }, 'Taxes of the shop → tax codes of the hub.'),
    table(
      'shopify-locations',
      'operations',
      { [shopLocations.central]: 'central', [shopLocations.store]: 'store', ...shopLocations },
      'Both ways: locations of the shop → location codes of the hub, and the codes → locations of the shop.',
    ),
    table(
      'shopify-payment-methods',
      'finance',
      { shopify_payments: 'card' },
      'Payment gateways of the shop → payment methods of the hub.',
    ),
    table(
      'shopify-carriers',
      'operations',
      { ups: 'UPS' },
      'Carriers of the hub → names in the shop’s list of carriers.',
    ),
  ],
  store: [
    table('store-taxes', 'finance', { standard: 'standard' }, 'Tax codes of the store → tax codes of the hub.'),
    table(
      'store-locations',
      'stores',
      { counter: 'store', central: 'central' },
      'The store’s own codes of places → location codes of the hub; what it sells may be sent from elsewhere.',
    ),
  ],
  reports: [
    table('store-carriers', 'logistics', { brown: 'ups' }, "The store's own codes of carriers → carriers of the hub."),
  ],
  books: [
    table('taxes', 'finance', { standard: '20% in price' }, 'Tax codes of the hub → names of sales taxes in Odoo.'),
    table('payment-methods', 'finance', { card: 'BNK1' }, 'Payment methods of the hub → journals in Odoo.'),
    table(
      'sale-products',
      'finance',
      { rounding: 'ROUNDING' },
      'rounding: internal reference of the service that cents of rounding are booked on.',
    ),
    table(
      'warehouses',
      'logistics',
      { central: 'WH', store: 'STO' },
      'Location codes of the hub → codes of warehouses in Odoo.',
    ),
    table('carriers', 'logistics', {}, 'Carriers of the hub → delivery methods in Odoo; no row: none is set.'),
  ],
  odoo: [
    table(
      'odoo-warehouses',
      'logistics',
      { WH: 'central', STO: 'store' },
      'Codes of warehouses in Odoo → location codes of the hub.',
    ),
    table(
      'odoo-pricelists',
      'sales',
      { 'Web shop': 'web', 'Web shop Ireland': 'web-ie' },
      'Pricelists in Odoo → price lists of the hub.',
    ),
    table('odoo-carriers', 'logistics', {}, 'Delivery methods of Odoo → carriers of the hub.'),
  ],
};

/** Customers and orders of the web shop, by their keys. */
const ofShop = (key: string): boolean => key.startsWith('shop:');

/** Orders of the store. */
const ofStore = (key: string): boolean => key.startsWith('store:');

/** What somebody is to prepare and hand over: what was sold over a counter has left it already. */
const isAwaited = ({ order }: FulfilmentOrder, sold: Order | null): boolean =>
  ofShop(order) || (ofStore(order) && sold?.delivery !== undefined);

/** What people bring out in Odoo has codes of its own: Odoo is the master of it, the shop of the rest of what it sells. */
const launched = (sku: string): boolean => sku.startsWith('OWN-');

/** What the shop and the store sell; what only the till of day files sells is nothing to them. */
const sells = (sku: string): boolean => sku.startsWith('WEB-') || launched(sku);

export default defineEstate({
  name: 'retailer',
  connections: { till, odoo: books, shop, store, warehouse },
  flows: [
    daySales({
      from: till.sources.days,
      to: {
        customer: books.sinks.customers,
        product: books.sinks.products,
        order: books.sinks.saleOrders,
        'stock-adjustment': books.sinks.stockAdjustments,
      },
      options: { zone: uci.zone },
    }),
    withTables(
      webOrders({
        from: shop.sources.orders,
        to: {
          customer: books.sinks.customers,
          product: books.sinks.products,
          order: books.sinks.saleOrders,
          payment: books.sinks.payments,
          refund: books.sinks.refunds,
          return: books.sinks.returns,
        },
        zone: 'Europe/London',
        newCustomersOnly: true,
      }),
      [...tables.shop, ...tables.books],
    ),
    webCustomers({ from: shop.sources.customers, to: { customer: books.sinks.customers } }),
    odooContacts({ from: books.sources.contacts, to: { customer: shop.sinks.customers }, sold: ofShop }),
    withTables(
      odooRefunds({
        from: books.sources.creditNotes,
        to: { refund: shop.sinks.refunds },
        sold: ofShop,
        returns: true,
      }),
      tables.odoo,
    ),
    withTables(
      odooReturns({ from: books.sources.returns, to: { return: shop.sinks.returns }, sold: ofShop }),
      tables.odoo,
    ),
    odooCancellations({
      from: books.sources.orders,
      to: { cancellation: shop.sinks.cancellations },
      sold: ofShop,
      // What was invoiced is paid back by its credit note: flow odoo-refunds.
      creditNotes: true,
    }),
    odooPromises({ from: books.sources.orders, to: { 'delivery-promise': shop.sinks.promises }, sold: ofShop }),
    odooCancellations({
      id: 'store-cancellations',
      from: books.sources.orders,
      to: { cancellation: store.sinks.cancellations },
      sold: ofStore,
    }),
    odooPromises({
      id: 'store-promises',
      from: books.sources.orders,
      to: { 'delivery-promise': store.sinks.promises },
      sold: ofStore,
    }),
    webProducts({
      from: shop.sources.products,
      to: { product: books.sinks.products },
      owns: (sku) => !launched(sku),
    }),
    catalogueFeed({
      id: 'shop-catalogue',
      from: books.sources.catalogue,
      to: { 'catalogue-item': shop.sinks.catalogue },
      sells: launched,
    }),
    withTables(
      stockFeed({
        id: 'shop-stock',
        from: books.sources.stockLevels,
        to: { 'stock-level': shop.sinks.stockLevels },
        locations: ['central', 'store'],
        priced: 'web',
        within: '5s',
        sells,
      }),
      tables.odoo,
    ),
    withTables(
      priceFeed({
        id: 'shop-prices',
        from: books.sources.prices,
        to: { price: shop.sinks.prices },
        lists: ['web'],
        sells,
      }),
      tables.odoo,
    ),
    withTables(
      priceFeed({
        id: 'shop-market-prices',
        from: books.sources.prices,
        to: { price: shop.sinks.prices },
        lists: ['web-ie'],
        sells,
      }),
      tables.odoo,
    ),
    withTables(
      storeSales({
        from: store.sources.sales,
        to: { customer: books.sinks.customers, product: books.sinks.products, order: books.sinks.saleOrders },
        zone: 'Europe/London',
      }),
      [...tables.store, ...tables.books],
    ),
    catalogueFeed({
      id: 'store-catalogue',
      from: books.sources.catalogue,
      to: { 'catalogue-item': store.sinks.catalogue },
      sells,
    }),
    storeHandovers({ from: store.sources.sales, to: { shipment: books.sinks.shipments }, zone: 'Europe/London' }),
    storeReceipts({ from: store.sources.sales, to: { order: store.sinks.orderStatus }, zone: 'Europe/London' }),
    withTables(
      stockFeed({
        id: 'store-stock',
        from: books.sources.stockLevels,
        to: { 'stock-level': store.sinks.stockLevels },
        locations: ['store'],
        sells,
      }),
      tables.odoo,
    ),
    withTables(
      priceFeed({
        id: 'store-prices',
        from: books.sources.prices,
        to: { price: store.sinks.prices },
        lists: ['web'],
        sells,
      }),
      tables.odoo,
    ),
    withTables(
      odooFulfilment({
        from: books.sources.pickings,
        to: { 'fulfilment-order': warehouse.sinks.fulfilmentOrders },
        ships: (order, sold) => isAwaited(order, sold) && order.location === 'central',
      }),
      tables.odoo,
    ),
    withTables(
      odooFulfilment({
        id: 'store-fulfilment',
        from: books.sources.pickings,
        to: { 'fulfilment-order': store.sinks.fulfilmentOrders },
        ships: (order, sold) => isAwaited(order, sold) && order.location === 'store',
      }),
      tables.odoo,
    ),
    withTables(
      storeFulfilments({ from: store.sources.reports, to: { shipment: books.sinks.shipments } }),
      tables.reports,
    ),
    withTables(
      shopFulfilments({ from: store.sources.reports, to: { shipment: shop.sinks.shipments }, sold: ofShop }),
      tables.reports,
    ),
    withTables(
      shopFulfilments({
        id: 'store-handed-over',
        from: store.sources.reports,
        to: { shipment: store.sinks.shipments },
        sold: ofStore,
      }),
      tables.reports,
    ),
    warehouseShipments({
      from: warehouse.sources.shippingAdvices,
      to: { shipment: books.sinks.shipments },
      carriers: { UPSN: 'ups' },
    }),
    shopShipments({
      from: warehouse.sources.shippingAdvices,
      to: { shipment: shop.sinks.shipments },
      carriers: { UPSN: 'ups' },
      sold: ofShop,
    }),
    shopShipments({
      id: 'store-shipments',
      from: warehouse.sources.shippingAdvices,
      to: { shipment: store.sinks.shipments },
      carriers: { UPSN: 'ups' },
      sold: ofStore,
    }),
    warehouseReceipts({
      from: warehouse.sources.receipts,
      to: { receipt: books.sinks.receipts, 'stock-adjustment': books.sinks.stockAdjustments },
    }),
    warehouseStock({ from: warehouse.sources.inventory, location: 'central' }),
    warehouseAcknowledgements({ from: warehouse.sources.acknowledgements }),
    functionalAcknowledgements({
      id: 'shipping-advices-heard',
      from: warehouse.sources.shippingAdvices,
      to: { 'functional-acknowledgement': warehouse.sinks.functionalAcknowledgements },
    }),
    functionalAcknowledgements({
      id: 'receipts-heard',
      from: warehouse.sources.receipts,
      to: { 'functional-acknowledgement': warehouse.sinks.functionalAcknowledgements },
    }),
    functionalAcknowledgements({
      id: 'counts-heard',
      from: warehouse.sources.inventory,
      to: { 'functional-acknowledgement': warehouse.sinks.functionalAcknowledgements },
    }),
  ],
  // What the till asks at the counter: POST /in/store/figures
  lookups: [
    defineLookup({
      id: 'stock',
      about: 'What may be sold of a product now, by location/SKU.',
      from: books.lookups.stockLevels,
      fresh: '5s',
      stale: '10m',
      within: '2s',
      answers: [{ question: store.questions.stockLevels }],
    }),
    defineLookup({
      id: 'prices',
      about: 'What a product costs now, by list/SKU.',
      from: books.lookups.prices,
      fresh: '1m',
      stale: '1d',
      within: '2s',
      answers: [{ question: store.questions.prices }],
    }),
  ],
  approvals: {
    'web-orders': { reason: 'payments and refunds are found in Odoo by their memo', by: 'finance' },
    'odoo-cancellations': { reason: 'an order is cancelled in the shop once', by: 'sales-ops' },
    'odoo-refunds': { reason: 'a refund is found in the shop by the mark in its note', by: 'finance' },
    'odoo-returns': { reason: 'a return is found in the shop by the mark in its reason', by: 'operations' },
    'shop-shipments': { reason: 'a fulfilment is found in the shop by its tracking number', by: 'operations' },
    'shop-fulfilments': {
      reason: 'what was collected is found in the shop by its units and place, a parcel by its tracking number',
      by: 'operations',
    },
  },
});
