import assert from 'node:assert/strict';
import { test } from 'node:test';
import { execute, type GraphQLFieldResolver, parse } from 'graphql';
import { bulkCalls, bulkQueries } from '../../src/connectors/shopify/documents/bulk.ts';
import { customerCalls } from '../../src/connectors/shopify/documents/customers.ts';
import { type Document, versions } from '../../src/connectors/shopify/documents/document.ts';
import { orderCalls } from '../../src/connectors/shopify/documents/orders.ts';
import { pickupCalls } from '../../src/connectors/shopify/documents/pickups.ts';
import { priceListCalls } from '../../src/connectors/shopify/documents/price-lists.ts';
import { priceCalls } from '../../src/connectors/shopify/documents/prices.ts';
import { productCalls } from '../../src/connectors/shopify/documents/products.ts';
import { promiseCalls } from '../../src/connectors/shopify/documents/promises.ts';
import { refundCalls } from '../../src/connectors/shopify/documents/refunds.ts';
import { returnCalls } from '../../src/connectors/shopify/documents/returns.ts';
import { calls } from '../../src/connectors/shopify/documents/sent.ts';
import { shipmentCalls } from '../../src/connectors/shopify/documents/shipments.ts';
import { shopCalls } from '../../src/connectors/shopify/documents/shop.ts';
import { stockCalls } from '../../src/connectors/shopify/documents/stock-levels.ts';
import { seeded } from '../../src/core/clock.ts';
import type { BulkOperation } from '../../src/simulators/shopify/bulk.ts';
import { startShopify } from '../../src/simulators/shopify/index.ts';
import { fulfil, openReturn, placeOrder } from '../../src/simulators/shopify/orders.ts';
import { furnish, trade } from '../../src/simulators/shopify/traffic.ts';
import { hasRealSchema, realSchema } from './real-schema.ts';

const skip = hasRealSchema() ? false : 'the schema was not fetched: npm run conform:shopify';

/** Reads what was answered instead of computing anything: Shopify's schema then says whether it could have been its answer. */
const recorded: GraphQLFieldResolver<Record<string, unknown>, unknown> = (source, _args, _context, { path }) =>
  source[path.key as string];

test('what the simulated shop answers is of the types that Shopify publishes', { skip }, async (t) => {
  const shopify = await startShopify({ bucket: [1e6, 1e6] });
  t.after(() => shopify.stop());
  const { shop } = shopify;
  furnish(shop);
  const random = seeded(7);
  await trade(shop, random, 200);
  const orders = [...shop.orders.values()];
  const variants = [...shop.variants.values()].slice(0, 5);
  const [location] = shop.locations.keys();
  const [buyer] = shop.customers.values();
  const refund = orders.flatMap(({ refunds }) => refunds)[0]!;
  const back = orders.flatMap(({ returns }) => returns)[0]!;
  const shippable = orders.find(({ fulfillmentOrders: [first] }) => first?.status === 'OPEN')!.fulfillmentOrders[0]!;
  const gone = orders.flatMap(({ fulfillments }) => fulfillments)[0]!;
  const cursor = (id: string): string => Buffer.from(id).toString('base64url');
  const some = orders.filter(({ refunds, returns }, index) => index % 10 === 0 || refunds.length + returns.length > 1);
  const long = orders.find(({ lines }) => lines.length > 1)!;
  const posted = orders.find(({ shipping }) => shipping.length > 0)!;
  const edited = orders.find((one) => one.edits !== undefined)!;
  const refunded = orders.find(({ refunds }) => refunds.length > 0)!;
  const fresh = placeOrder(shop, { lines: [{ variantId: variants[0]!.id, quantity: 1 }] });
  const collected = placeOrder(shop, { lines: [{ variantId: variants[0]!.id, quantity: 1 }], collect: true });
  const prepares = (fulfillmentOrderId: string) => ({
    input: { lineItemsByFulfillmentOrder: [{ fulfillmentOrderId }] },
  });
  const pays = (orderId: string): object => ({
    amount: '1.00',
    gateway: 'shopify_payments',
    kind: 'REFUND',
    orderId,
    parentId: orderId === fresh.id ? fresh.transactions[0]!.id : null,
  });
  const came = placeOrder(shop, { lines: [{ variantId: variants[0]!.id, quantity: 3 }] });
  const [unit] = fulfil(shop, came, []).lines;
  const opened = openReturn(shop, came, unit!.lineId, 1);
  const line = opened.lines[0]!.id;
  const reverse = {
    order: line.replace('ReturnLineItem', 'ReverseFulfillmentOrder'),
    line: line.replace('Return', 'ReverseFulfillmentOrder'),
  };
  const returned = (note: string) => ({
    orderId: came.id,
    requestedAt: '2026-11-20T10:00:00Z',
    returnLineItems: [{ fulfillmentLineItemId: unit!.id, quantity: 1, returnReasonNote: note }],
  });
  const disposed = {
    id: opened.lines[0]!.id,
    quantity: 1,
    dispositions: [
      {
        reverseFulfillmentOrderLineItemId: reverse.line,
        quantity: 1,
        dispositionType: 'RESTOCKED',
        locationId: location,
      },
    ],
  };
  const claims = (ownerId: string, compareDigest: string | null) => ({
    metafields: [{ ownerId, key: 'crossdock_returns', type: 'json', value: '{}', compareDigest }],
  });
  const abroad = shop.addPriceList('US', 'USD', [{ name: 'United States', taxes: 'ADD_TAXES_AT_CHECKOUT' }]);
  const fixed = (list: string, currencyCode: string, variantId = variants[0]!.id) => ({
    list,
    prices: [{ variantId, price: { amount: '9.99', currencyCode }, compareAtPrice: { amount: '12', currencyCode } }],
  });
  shopify.bulk.run({ query: bulkQueries.products('').text, groupObjects: true });
  const [done] = shopify.bulk.operations.values() as unknown as [BulkOperation];
  while (done.status !== 'COMPLETED') await new Promise((resolve) => setTimeout(resolve, 5));
  const asked: [Document, object][] = [
    [orderCalls.changedOrders, { query: "updated_at:>='2020-01-01T00:00:00Z'" }],
    ...some.map((order): [Document, object] => [orderCalls.ordersWhole, { ids: [order.id] }]),
    ...some.map((order): [Document, object] => [orderCalls.orderAfter, { id: order.id }]),
    [orderCalls.orderEdits, { id: edited.id }],
    [orderCalls.orderPlaces, { id: long.id }],
    [orderCalls.morePlaceLines, { id: shippable.id, after: cursor(shippable.lines[0]!.id) }],
    [orderCalls.moreReturns, { id: came.id, after: cursor(opened.id) }],
    [orderCalls.moreShippingLines, { id: posted.id, after: cursor(posted.shipping[0]!.id) }],
    [orderCalls.allPayments, { id: long.id }],
    [shipmentCalls.correctTracking, { id: gone.id, tracking: { company: 'bpost', numbers: ['T9'] }, notify: false }],
    [orderCalls.moreLines, { id: long.id, after: cursor(long.lines[0]!.id) }],
    [orderCalls.moreRefundLines, { id: refund.id, after: cursor(refund.lines[0]!.id) }],
    [orderCalls.moreReturnLines, { id: back.id, after: cursor(back.lines[0]!.id) }],
    [productCalls.changedProducts, { query: "updated_at:>='2020-01-01T00:00:00Z'" }],
    [productCalls.moreVariants, { id: variants[0]!.productId, after: cursor(variants[0]!.id) }],
    [stockCalls.stockNow, { ids: variants.map(({ id }) => id), location }],
    [
      stockCalls.setStock,
      {
        key: 'a',
        input: {
          name: 'available',
          reason: 'correction',
          quantities: [
            {
              inventoryItemId: variants[0]!.inventoryItemId,
              locationId: location,
              quantity: 5,
              changeFromQuantity: null,
            },
          ],
        },
      },
    ],
    [
      stockCalls.setStock,
      {
        key: 'b',
        input: {
          name: 'available',
          reason: 'correction',
          quantities: [
            {
              inventoryItemId: 'gid://shopify/InventoryItem/1',
              locationId: location,
              quantity: 5,
              changeFromQuantity: 9,
            },
          ],
        },
      },
    ],
    [priceCalls.productsOf, { ids: variants.map(({ id }) => id) }],
    [priceCalls.setPrices, { product: variants[0]!.productId, variants: [{ id: variants[0]!.id, price: '9.99' }] }],
    [priceCalls.setPrices, { product: variants[0]!.productId, variants: [{ id: variants[4]!.id, price: '9.99' }] }],
    [priceListCalls.allPriceLists, {}],
    [priceListCalls.priceLists, { ids: [abroad.id, variants[0]!.id, 'gid://shopify/PriceList/1'] }],
    [priceListCalls.setListPrices, fixed(abroad.id, 'USD')],
    [priceListCalls.setListPrices, fixed(abroad.id, 'EUR')],
    [priceListCalls.setListPrices, fixed(abroad.id, 'USD', 'gid://shopify/ProductVariant/1')],
    [priceListCalls.setListPrices, fixed('gid://shopify/PriceList/1', 'USD')],
    [priceListCalls.deleteListPrices, { list: abroad.id, variants: [variants[0]!.id] }],
    [priceListCalls.deleteListPrices, { list: abroad.id, variants: [variants[0]!.id] }],
    [priceListCalls.deleteListPrices, { list: abroad.id, variants: ['gid://shopify/ProductVariant/1'] }],
    [priceListCalls.deleteListPrices, { list: 'gid://shopify/PriceList/1', variants: [] }],
    [
      productCalls.setProduct,
      {
        identifier: { handle: 'new' },
        input: {
          title: 'New',
          productOptions: [{ name: 'Title', values: [{ name: 'Default Title' }] }],
          variants: [{ sku: 'N', optionValues: [{ optionName: 'Title', name: 'Default Title' }] }],
        },
      },
    ],
    [productCalls.productNow, { identifier: { handle: 'new' } }],
    [productCalls.variantsLike, { query: `sku:"${variants[0]!.sku}" OR barcode:"5400000000017"` }],
    [customerCalls.customersLike, { query: `email:"${buyer!.email}"` }],
    [shipmentCalls.orderToShip, { id: long.id }],
    [shipmentCalls.report, { id: shippable.id, report: { reasonNotes: 'picked' } }],
    [shipmentCalls.report, { id: collected.fulfillmentOrders[0]!.id, report: {} }],
    [shipmentCalls.report, { id: shippable.id, report: { reasonNotes: 'x'.repeat(257) } }],
    [shipmentCalls.report, { id: 'gid://shopify/FulfillmentOrder/1', report: null }],
    [shipmentCalls.orderToShip, { id: long.id }],
    [shipmentCalls.moreToShip, { id: shippable.id, after: cursor(shippable.lines[0]!.id) }],
    [
      shipmentCalls.fulfil,
      {
        fulfillment: {
          trackingInfo: { number: 'T1' },
          lineItemsByFulfillmentOrder: [{ fulfillmentOrderId: shippable.id }],
        },
      },
    ],
    [shipmentCalls.fulfil, { fulfillment: { lineItemsByFulfillmentOrder: [{ fulfillmentOrderId: shippable.id }] } }],
    [shipmentCalls.shippedEvents, { id: gone.id }],
    [
      shipmentCalls.tellEvent,
      { event: { fulfillmentId: gone.id, status: 'DELIVERED', happenedAt: '2026-11-20T10:00:00Z' } },
    ],
    [shipmentCalls.shippedEvents, { id: gone.id }],
    [shipmentCalls.tellEvent, { event: { fulfillmentId: 'gid://shopify/Fulfillment/1', status: 'DELIVERED' } }],
    [shopCalls.subscribe, { topic: 'ORDERS_CREATE', subscription: { uri: 'https://example.com/in' } }],
    [shopCalls.subscribe, { topic: 'ORDERS_CREATE', subscription: { uri: 'https://example.com/in' } }],
    [shopCalls.subscriptions, {}],
    [shopCalls.shop, {}],
    [shopCalls.locations, {}],
    [pickupCalls.prepared, prepares(collected.fulfillmentOrders[0]!.id)],
    [pickupCalls.prepared, prepares(collected.fulfillmentOrders[0]!.id)],
    [pickupCalls.prepared, prepares('gid://shopify/FulfillmentOrder/1')],
    [pickupCalls.fulfilled, { id: gone.id }],
    [refundCalls.orderToRefund, { id: refunded.id }],
    [refundCalls.refund, { key: 'a', input: { orderId: fresh.id, note: 'n', transactions: [pays(fresh.id)] } }],
    [refundCalls.refund, { key: 'b', input: { orderId: fresh.id, note: 'n', transactions: [pays('none')] } }],
    [refundCalls.refundable, { ids: [fresh.lines[0]!.id] }],
    [refundCalls.refunded, { id: refunded.refunds[0]!.id }],
    [returnCalls.returnsOfOrder, { id: came.id }],
    [returnCalls.returnable, { id: came.id }],
    [returnCalls.returned, { id: came.id }],
    [returnCalls.toShip, { id: came.id }],
    [returnCalls.reasons, { handles: ['other'] }],
    [returnCalls.returnNow, { id: opened.id }],
    [returnCalls.moreReverseLines, { id: reverse.order, after: cursor(line) }],
    [returnCalls.claim, claims(came.id, null)],
    [returnCalls.claim, claims(came.id, null)],
    [returnCalls.claim, claims('gid://shopify/Order/1', null)],
    [returnCalls.returnsOfOrder, { id: came.id }],
    [orderCalls.orderAfter, { id: came.id }],
    [returnCalls.process, { input: { returnId: opened.id, returnLineItems: [disposed] } }],
    [returnCalls.process, { input: { returnId: opened.id, returnLineItems: [disposed] } }],
    [returnCalls.returnNow, { id: opened.id }],
    [returnCalls.close, { id: opened.id }],
    [returnCalls.close, { id: opened.id }],
    [returnCalls.open, { input: returned('R (crossdock a)') }],
    [returnCalls.open, { input: returned('x'.repeat(256)) }],
    [refundCalls.orderToCancel, { id: fresh.id }],
    [refundCalls.cancel, { id: fresh.id, reason: 'CUSTOMER', notify: false, paysBack: true }],
    [refundCalls.cancel, { id: 'gid://shopify/Order/1', reason: 'OTHER', notify: false, paysBack: false }],
    [promiseCalls.definePromise, {}],
    [promiseCalls.definePromise, {}],
    [promiseCalls.setPromise, { id: fresh.id, at: '2026-12-01T12:00:00Z' }],
    [promiseCalls.setPromise, { id: 'gid://shopify/Order/1', at: '2026-12-01T12:00:00Z' }],
    [promiseCalls.withdrawPromise, { id: fresh.id }],
    [promiseCalls.withdrawPromise, { id: fresh.id }],
    [customerCalls.changedCustomers, { query: "updated_at:>='2020-01-01T00:00:00Z'" }],
    [customerCalls.setCustomer, { input: { id: buyer!.id, phone: '+32 470 12 34 56', firstName: 'Ada' } }],
    [customerCalls.setCustomer, { input: { id: buyer!.id, phone: 'none' } }],
    [bulkCalls.customersCount, { query: '', limit: 5 }],
    [bulkCalls.ordersCount, { query: '', limit: 100 }],
    [bulkCalls.productsCount, { query: '', limit: 5 }],
    [bulkCalls.runBulk, { query: bulkQueries.orders('').text }],
    [bulkCalls.runBulk, { query: '{ shop { id } }' }],
    [bulkCalls.bulksLately, { query: "operation_type:query created_at:>='2020-01-01T00:00:00Z'" }],
    [bulkCalls.bulkNow, { id: done.id }],
  ];
  assert.deepEqual(
    calls.filter((document) => !asked.some(([one]) => one === document)),
    [],
    'documents that were not asked',
  );
  const real = versions.map((version) => ({ version, schema: realSchema(version) }));
  for (const [document, variables] of asked) {
    const response = await fetch(`${shopify.url}/admin/api/2026-07/graphql.json`, {
      method: 'POST',
      headers: { 'x-shopify-access-token': shopify.token },
      body: JSON.stringify({ query: document.text, variables }),
    });
    const { data, errors } = (await response.json()) as { data: Record<string, unknown>; errors?: unknown };
    assert.deepEqual(errors, undefined, document.name);
    for (const { version, schema } of real) {
      const told = await execute({
        schema,
        document: parse(document.text),
        rootValue: data,
        variableValues: variables as Record<string, unknown>,
        fieldResolver: recorded as GraphQLFieldResolver<unknown, unknown>,
      });
      assert.deepEqual(
        told.errors?.map(({ message, path }) => `${path?.join('.')}: ${message}`),
        undefined,
        `${document.name}, ${version}`,
      );
      assert.deepEqual(JSON.parse(JSON.stringify(told.data)), data, `${document.name}, ${version}`);
    }
  }
});
