import { createHash } from 'node:crypto';
import {
  type DocumentNode,
  execute,
  GraphQLError,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  getDirectiveValues,
  NoSchemaIntrospectionCustomRule,
  parse,
  specifiedRules,
  validate,
} from 'graphql';
import { Bulk } from './bulk.ts';
import { actualCost, type Bucket, requestedCost } from './cost.ts';
import { updateCustomer } from './customers.ts';
import { defineMetafield, deleteMetafields, setMetafields } from './metafields.ts';
import {
  addEvent,
  createFulfillment,
  createSubscription,
  setProduct,
  setQuantities,
  subscriptionView,
  updateTracking,
  updateVariants,
} from './mutations.ts';
import { type PageArgs, page, refusal, searched, searchedFor } from './pages.ts';
import { prepareForPickup } from './pickups.ts';
import { addFixedPrices, deleteFixedPrices, priceListView } from './price-lists.ts';
import { reportProgress } from './progress.ts';
import type { PriceList, Variant } from './records.ts';
import { createRefund, orderCancel } from './refunds.ts';
import { closeOpen, createReturn, processReturn, reasons, returnable, reverseOrder } from './returns.ts';
import { schema as ours } from './schema.ts';
import type { Shop } from './shop.ts';
import { customerView, locationView, orderView, productView, variantView } from './views.ts';

/** Versions that answer; an older one is answered by the oldest of them, as at Shopify. */
export const served = ['2026-07', '2026-10'] as const;

export interface Request {
  readonly query?: unknown;
  readonly variables?: Readonly<Record<string, unknown>>;
  readonly operationName?: string;
}

interface ApiOptions {
  readonly bucket: Bucket;
  /** Access scopes of the token. */
  readonly scopes: readonly string[];
  /** Milliseconds after which the search sees a change. */
  readonly indexLag: () => number;
  readonly allowsUri: (uri: string) => boolean;
  /** Where the files of bulk operations are read. */
  readonly files: () => string;
  /** Versions whose schema is another one. */
  readonly schemas: ReadonlyMap<string, GraphQLSchema>;
  /** Whether it tells its schema. */
  readonly introspection: boolean;
}

const MOST_COST = 1000;

const counted = (all: number, limit: number | null | undefined) => {
  const most = limit ?? Number.POSITIVE_INFINITY;
  return { count: Math.min(all, most), precision: all > most ? 'AT_LEAST' : 'EXACT' };
};

/** The Admin API of the simulated shop: parses, checks, prices and executes. */
export class Api {
  readonly #shop: Shop;
  readonly #options: ApiOptions;
  readonly bulk: Bulk;
  /** Answers of idempotent mutations, by key. */
  readonly #answered = new Map<string, { args: string; result: unknown }>();

  constructor(shop: Shop, options: ApiOptions) {
    this.#shop = shop;
    this.#options = options;
    this.bulk = new Bulk(shop, {
      schema: ours,
      execute: async (document) => execute({ schema: ours, document, rootValue: this.#root() }),
      address: options.files,
    });
  }

  /** The answer of one request by a version of the API, as JSON would carry it. */
  async answer({ query, variables = {}, operationName }: Request, version: string): Promise<Record<string, unknown>> {
    let document: DocumentNode;
    try {
      document = parse(String(query));
    } catch (error) {
      return { errors: [{ message: (error as Error).message, extensions: { code: 'parseError' } }] };
    }
    const schema = this.#options.schemas.get(version) ?? ours;
    const rules = this.#options.introspection ? specifiedRules : [...specifiedRules, NoSchemaIntrospectionCustomRule];
    const invalid = validate(schema, document, rules);
    if (invalid.length > 0)
      return {
        errors: invalid.map(({ message, locations }) => ({
          message,
          locations,
          extensions: { code: 'undefinedField' },
        })),
      };
    const requested = requestedCost(schema, document, variables);
    if (requested > MOST_COST)
      return this.#refused(
        requested,
        `Query cost is ${requested}, which exceeds the single query max cost limit (${MOST_COST}).`,
        'MAX_COST_EXCEEDED',
      );
    if (!this.#options.bucket.take(requested)) return this.#refused(requested, 'Throttled', 'THROTTLED');
    const result = await execute({
      schema,
      document,
      rootValue: this.#root(),
      variableValues: variables,
      operationName: operationName ?? null,
    });
    const mutation = document.definitions.some((one) => 'operation' in one && one.operation === 'mutation');
    const actual = Math.min(requested, actualCost(result.data, mutation));
    this.#options.bucket.take(actual - requested);
    const errors = result.errors?.map((error) => (error instanceof GraphQLError ? error.toJSON() : error));
    return {
      ...(errors
        ? {
            errors: errors.map((error) => ({
              ...error,
              extensions: { code: 'INTERNAL_SERVER_ERROR', ...error.extensions },
            })),
          }
        : {}),
      data: result.data,
      extensions: this.#cost(requested, actual),
    };
  }

  #cost(requestedQueryCost: number, actualQueryCost: number | null) {
    return { cost: { requestedQueryCost, actualQueryCost, throttleStatus: this.#options.bucket.status } };
  }

  #refused(requested: number, message: string, code: string) {
    return { errors: [{ message, extensions: { code } }], extensions: this.#cost(requested, null) };
  }

  #root(): object {
    const shop = this.#shop;
    const visible = <T extends { updatedAt: Date }>(
      records: Iterable<T>,
      query: string | null | undefined,
      fields: Parameters<typeof searchedFor<T>>[1] = {},
    ): T[] => {
      const wanted = searchedFor(query, fields) ?? searched(query);
      const seenBefore = shop.now().getTime() - this.#options.indexLag();
      return [...records]
        .filter((record) => wanted(record) && record.updatedAt.getTime() <= seenBefore)
        .sort((a, b) => a.updatedAt.getTime() - b.updatedAt.getTime());
    };
    const own = ({ id }: { id: string }): string => id;
    return {
      ...this.#about(),
      ...this.#bulk(),
      ordersCount: ({ query, limit }: { query?: string; limit?: number | null }) =>
        counted(visible(shop.orders.values(), query).length, limit),
      productsCount: ({ query, limit }: { query?: string; limit?: number | null }) =>
        counted(visible(shop.products.values(), query).length, limit),
      nodes: ({ ids }: { ids: string[] }) => {
        if (ids.length > 250)
          throw refusal('The input array size is greater than the maximum allowed of 250.', 'MAX_INPUT_SIZE_EXCEEDED');
        return ids.map((id) => this.#node(id));
      },
      customersCount: ({ query, limit }: { query?: string; limit?: number | null }) =>
        counted(visible(shop.customers.values(), query).length, limit),
      customer: ({ id }: { id: string }) => this.#node(id),
      customers: (args: PageArgs & { query?: string }) => {
        this.#needs('read_customers', 'customers');
        const found = visible(shop.customers.values(), args.query, { email: ({ email }) => email });
        return page(found, args, own, customerView);
      },
      customerUpdate: ({ input }: { input: Parameters<typeof updateCustomer>[1] }) => updateCustomer(shop, input),
      order: ({ id }: { id: string }) => this.#node(id),
      refund: ({ id }: { id: string }) => this.#part(id, 'refunds'),
      fulfillment: ({ id }: { id: string }) => this.#part(id, 'fulfillments'),
      fulfillmentOrder: ({ id }: { id: string }) => this.#part(id, 'fulfillmentOrders'),
      return: ({ id }: { id: string }) => this.#part(id, 'returns'),
      reverseFulfillmentOrder: ({ id }: { id: string }) => reverseOrder(shop, id),
      returnableFulfillments: ({ orderId, ...args }: PageArgs & { orderId: string }) => returnable(shop, orderId, args),
      returnReasonDefinitions: ({ handles, ...args }: PageArgs & { handles?: string[] | null }) =>
        reasons(handles ?? null, args),
      returnCreate: (args: Parameters<typeof createReturn>[1]) => createReturn(shop, args),
      returnProcess: (args: Parameters<typeof processReturn>[1]) => processReturn(shop, args),
      returnClose: (args: { id: string }) => closeOpen(shop, args),
      metafieldsSet: (args: Parameters<typeof setMetafields>[1]) => setMetafields(shop, args),
      metafieldsDelete: (args: Parameters<typeof deleteMetafields>[1]) => deleteMetafields(shop, args),
      metafieldDefinitionCreate: (args: Parameters<typeof defineMetafield>[1]) => defineMetafield(shop, args),
      product: ({ id }: { id: string }) => this.#node(id),
      productByIdentifier: ({ identifier }: { identifier: { id?: string; handle?: string } }) => {
        const found = [...shop.products.values()].find(
          ({ id, handle }) => id === identifier.id || handle === identifier.handle,
        );
        return found ? productView(shop, found) : null;
      },
      orders: (args: PageArgs & { query?: string }) => {
        this.#needs('read_orders', 'orders');
        return page(visible(shop.orders.values(), args.query), args, own, (order) => orderView(shop, order));
      },
      products: (args: PageArgs & { query?: string }) =>
        page(visible(shop.products.values(), args.query), args, own, (product) => productView(shop, product)),
      productVariants: (args: PageArgs & { query?: string }) => {
        const fields = { sku: (one: Variant) => one.sku, barcode: (one: Variant) => one.barcode };
        return page(visible(shop.variants.values(), args.query, fields), args, own, (one) => variantView(shop, one));
      },
      priceLists: (args: PageArgs) => {
        this.#needs('read_products', 'priceLists');
        return page([...shop.priceLists.values()], args, own, (list) => this.#priceList(list));
      },
      locations: (args: PageArgs) => page([...shop.locations.values()], args, own, ({ id }) => locationView(shop, id)),
      webhookSubscriptions: (args: PageArgs) => page([...shop.subscriptions.values()], args, own, subscriptionView),
      inventorySetQuantities: (
        args: { input: Parameters<typeof setQuantities>[1] },
        _: unknown,
        info: GraphQLResolveInfo,
      ) => this.#once(info, args, () => setQuantities(shop, args.input)),
      refundCreate: (args: { input: Parameters<typeof createRefund>[1] }, _: unknown, info: GraphQLResolveInfo) =>
        this.#once(info, args, () => createRefund(shop, args.input)),
      orderCancel: (args: Parameters<typeof orderCancel>[1]) => orderCancel(shop, args),
      priceListFixedPricesDelete: (args: Parameters<typeof deleteFixedPrices>[1]) => deleteFixedPrices(shop, args),
      priceListFixedPricesAdd: (args: Parameters<typeof addFixedPrices>[1]) => addFixedPrices(shop, args),
      productVariantsBulkUpdate: (args: Parameters<typeof updateVariants>[1]) => updateVariants(shop, args),
      productSet: (args: Parameters<typeof setProduct>[1]) => setProduct(shop, args),
      fulfillmentTrackingInfoUpdate: (wanted: Parameters<typeof updateTracking>[1]) => updateTracking(shop, wanted),
      fulfillmentEventCreate: ({ fulfillmentEvent }: { fulfillmentEvent: Parameters<typeof addEvent>[1] }) =>
        addEvent(shop, fulfillmentEvent),
      fulfillmentOrderLineItemsPreparedForPickup: ({ input }: { input: Parameters<typeof prepareForPickup>[1] }) =>
        prepareForPickup(shop, input),
      fulfillmentOrderReportProgress: (args: Parameters<typeof reportProgress>[1]) => {
        const { fulfillmentOrder, userErrors } = reportProgress(shop, args);
        return { fulfillmentOrder: fulfillmentOrder && this.#part(fulfillmentOrder, 'fulfillmentOrders'), userErrors };
      },
      fulfillmentCreate: ({ fulfillment }: { fulfillment: Parameters<typeof createFulfillment>[1] }) =>
        createFulfillment(shop, fulfillment),
      webhookSubscriptionCreate: (args: Parameters<typeof createSubscription>[1]) =>
        createSubscription(shop, args, this.#options.allowsUri),
      webhookSubscriptionDelete: ({ id }: { id: string }) => ({
        deletedWebhookSubscriptionId: shop.endSubscription(id) ? id : null,
        userErrors: [],
      }),
    };
  }

  #needs(scope: string, field: string): void {
    if (this.#options.scopes.includes(scope)) return;
    throw refusal(`Access denied for ${field} field. Required access: \`${scope}\` access scope.`, 'ACCESS_DENIED');
  }

  #bulk() {
    const { bulk } = this;
    return {
      bulkOperation: ({ id }: { id: string }) => {
        const one = bulk.operations.get(id);
        return one ? bulk.view(one) : null;
      },
      bulkOperations: ({ query, ...args }: PageArgs & { query?: string | null }) =>
        page(bulk.matching(query ?? ''), args, ({ id }) => id, bulk.view),
      bulkOperationRunQuery: (args: { query: string; groupObjects: boolean }) => bulk.run(args),
    };
  }

  #about() {
    const shop = this.#shop;
    return {
      shop: {
        id: 'gid://shopify/Shop/1',
        name: shop.name,
        myshopifyDomain: shop.domain,
        currencyCode: shop.currency,
        taxesIncluded: shop.taxesIncluded,
        ianaTimezone: 'Europe/Brussels',
      },
      publicApiVersions: [...served, 'unstable'].map((handle) => ({
        handle,
        displayName: handle === '2026-10' ? `${handle} (Latest)` : handle,
        supported: handle !== 'unstable',
      })),
      currentAppInstallation: {
        id: 'gid://shopify/AppInstallation/1',
        accessScopes: this.#options.scopes.map((handle) => ({ handle, description: handle })),
      },
    };
  }

  #node(id: string) {
    const shop = this.#shop;
    const order = shop.orders.get(id);
    if (order) return orderView(shop, order);
    const product = shop.products.get(id);
    if (product) return productView(shop, product);
    const customer = shop.customers.get(id);
    if (customer) return customerView(customer);
    const list = shop.priceLists.get(id);
    if (list) return this.#priceList(list);
    const variant = shop.variants.get(id);
    if (variant) return variantView(shop, variant);
    const sold = [...shop.orders.values()].find(({ lines }) => lines.some((line) => line.id === id));
    return sold
      ? (orderView(shop, sold)
          .lineItems({ first: 250 })
          .nodes.find((line) => line.id === id) ?? null)
      : null;
  }

  #priceList(list: PriceList) {
    return priceListView(this.#shop, list, () => this.#needs('read_markets', 'markets'));
  }

  /** A refund, a return, a fulfilment or a fulfilment order of whatever order has it. */
  #part(id: string, name: 'refunds' | 'returns' | 'fulfillments' | 'fulfillmentOrders') {
    for (const order of this.#shop.orders.values()) {
      if (!order[name].some((one) => one.id === id)) continue;
      const view = orderView(this.#shop, order);
      const all = name === 'refunds' || name === 'fulfillments' ? view[name]({}) : view[name]({ first: 250 }).nodes;
      return (all as { id: string }[]).find((one) => one.id === id) ?? null;
    }
    return null;
  }

  /** A mutation that needs a key acts once for it: the same call again is given the same answer, another call with that key is refused. */
  #once<T>(info: GraphQLResolveInfo, args: unknown, act: () => T): T | object {
    const given = getDirectiveValues(info.schema.getDirective('idempotent')!, info.fieldNodes[0]!, info.variableValues);
    const key = given?.key;
    if (typeof key !== 'string' || key.trim() === '')
      throw refusal('The @idempotent directive is required for this mutation but was not provided.', 'BAD_REQUEST');
    const digest = createHash('sha256').update(JSON.stringify(args)).digest('hex');
    const known = this.#answered.get(key);
    if (!known) {
      const result = act();
      this.#answered.set(key, { args: digest, result });
      return result as T;
    }
    if (known.args === digest) return known.result as T;
    const message = 'The idempotency key was used before with other parameters.';
    if (info.fieldName !== 'inventorySetQuantities') return { userErrors: [{ field: null, message }] };
    return {
      inventoryAdjustmentGroup: null,
      userErrors: [{ code: 'IDEMPOTENCY_KEY_PARAMETER_MISMATCH', field: null, message }],
    };
  }
}
