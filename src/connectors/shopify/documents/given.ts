import { topics } from '../sources/subscriptions.ts';

/**
 * What is given with documents whose variables are more than ids and texts: every field that is ever sent, so that `check` sees one of them go as well. Made
 * up, and never sent. By the document's name; several where a field takes several names of Shopify's.
 */
export const given: Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>> = {
  Subscribe: Object.values(topics)
    .flat()
    .map((topic) => ({
      topic,
      subscription: { uri: 'https://hub.example.com/in', format: 'JSON', includeFields: ['id'] },
    })),
  SetStock: [
    {
      key: 'k',
      input: {
        name: 'available',
        reason: 'correction',
        referenceDocumentUri: 'gid://crossdock/StockLevel/1',
        quantities: [{ inventoryItemId: '1', locationId: '1', quantity: 1, changeFromQuantity: 0 }],
      },
    },
  ],
  SetPrices: [{ product: '1', variants: [{ id: '1', price: '1.00', compareAtPrice: '2.00' }] }],
  ClaimReturn: [{ metafields: [{ ownerId: '1', key: 'k', type: 'json', value: '{}', compareDigest: null }] }],
  SetListPrices: [
    {
      list: '1',
      prices: [
        {
          variantId: '1',
          price: { amount: '1.00', currencyCode: 'EUR' },
          compareAtPrice: { amount: '2.00', currencyCode: 'EUR' },
        },
      ],
    },
  ],
  ProductNow: [{ identifier: { id: '1' } }, { identifier: { handle: 'mug' } }],
  SetProduct: [{ id: '1' }, { handle: 'mug' }].flatMap((identifier) =>
    ['ACTIVE', 'DRAFT', 'ARCHIVED'].map((status) => ({
      identifier,
      input: {
        title: 'Mug',
        descriptionHtml: '',
        vendor: 'Mugs',
        status,
        productOptions: [{ name: 'Colour', position: 1, values: [{ name: 'Red' }] }],
        variants: [
          {
            id: '1',
            inventoryPolicy: 'DENY',
            sku: 'MUG',
            barcode: '1',
            optionValues: [{ optionName: 'Colour', name: 'Red' }],
            inventoryItem: { tracked: true, measurement: { weight: { value: 1, unit: 'GRAMS' } } },
          },
        ],
      },
    })),
  ),
  SetCustomer: [{ input: { id: '1', email: 'ada@example.com', phone: '+3220000000', firstName: 'Ada', lastName: '' } }],
  Fulfil: [
    {
      fulfillment: {
        notifyCustomer: false,
        trackingInfo: { company: 'bpost', numbers: ['1'], urls: ['https://example.com'] },
        lineItemsByFulfillmentOrder: [
          { fulfillmentOrderId: '1', fulfillmentOrderLineItems: [{ id: '1', quantity: 1 }] },
        ],
      },
    },
  ],
  ReportProgress: [{ id: '1', report: { reasonNotes: 'picked' } }],
  TellEvent: [{ event: { fulfillmentId: '1', status: 'DELIVERED', happenedAt: '2026-11-01T00:00:00Z' } }],
  CorrectTracking: [
    { id: '1', tracking: { company: 'bpost', numbers: ['1'], urls: ['https://example.com'] }, notify: false },
  ],
  PreparedForPickup: [{ input: { lineItemsByFulfillmentOrder: [{ fulfillmentOrderId: '1' }] } }],
  MakeRefund: [
    {
      key: 'k',
      input: {
        orderId: '1',
        currency: 'EUR',
        note: 'note',
        notify: false,
        refundLineItems: [
          { lineItemId: '1', quantity: 1, restockType: 'NO_RESTOCK' },
          { lineItemId: '1', quantity: 1, restockType: 'RETURN', locationId: '1' },
        ],
        shipping: { amount: '1.00' },
        transactions: [{ orderId: '1', parentId: '1', gateway: 'card', kind: 'REFUND', amount: '1.00' }],
      },
    },
  ],
  CancelOrder: ['CUSTOMER', 'INVENTORY', 'FRAUD', 'DECLINED', 'OTHER'].map((reason) => ({
    id: '1',
    reason,
    notify: false,
    paysBack: true,
  })),
  OpenReturn: [
    {
      input: {
        orderId: '1',
        requestedAt: '2026-11-01T00:00:00Z',
        returnLineItems: [
          { fulfillmentLineItemId: '1', quantity: 1, returnReasonDefinitionId: '1', returnReasonNote: 'note' },
        ],
      },
    },
  ],
  ProcessReturn: [
    {
      input: {
        returnId: '1',
        notifyCustomer: false,
        returnLineItems: [
          {
            id: '1',
            quantity: 2,
            dispositions: [
              { reverseFulfillmentOrderLineItemId: '1', quantity: 1, dispositionType: 'NOT_RESTOCKED' },
              {
                reverseFulfillmentOrderLineItemId: '1',
                quantity: 1,
                dispositionType: 'RESTOCKED',
                locationId: '1',
              },
            ],
          },
        ],
      },
    },
  ],
};
