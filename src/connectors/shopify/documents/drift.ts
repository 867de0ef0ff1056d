import {
  type GraphQLSchema,
  getVariableValues,
  NoDeprecatedCustomRule,
  type OperationDefinitionNode,
  parse,
  validate,
} from 'graphql';
import type { Context, Finding } from '../../../core/connector.ts';
import { FaultError } from '../../../core/fault.ts';
import type { Shop } from '../shop.ts';
import { bulkCalls } from './bulk.ts';
import { customerCalls } from './customers.ts';
import { type Document, inCurrency } from './document.ts';
import { given } from './given.ts';
import { orderCalls } from './orders.ts';
import { pickupCalls } from './pickups.ts';
import { productCalls } from './products.ts';
import { refundCalls } from './refunds.ts';
import { returnCalls } from './returns.ts';
import { sent } from './sent.ts';
import { shipmentCalls } from './shipments.ts';
import { type Asked, readSchema } from './shop-schema.ts';
import { stockCalls } from './stock-levels.ts';

interface Versions {
  /** The version after the connection's, as Shopify lists it; null where it lists none. */
  readonly next: string | null;
  /** Until when the connection's is served at least, such as `2027-07`. */
  readonly until: string;
}

interface Whole extends Asked {
  readonly text: Document;
}

/**
 * Holds every document that is sent, with all that it is ever given, against the schema that the shop tells of itself, on the connection's version and on the next
 * one. Nothing of them is run. What no longer fits the connection's version is an error; what will not fit the next is a warning, as is what Shopify calls
 * deprecated there.
 *
 * @see https://shopify.dev/docs/api/usage/versioning
 */
export async function* drift(shop: Shop, { next, until }: Versions, cx: Context): AsyncGenerator<Finding> {
  const own = shop.settings.version;
  const served = `${own} is served at least until ${until}`;
  const all = sent.map((text): Whole => {
    const document = parse(inCurrency(text, shop.settings.money).text);
    return { text, document, given: given[text.name] ?? [] };
  });
  try {
    const { schema, version } = await readSchema(shop, all, cx);
    yield* findings(schema, all, { version, level: 'error', served, last: next === null });
  } catch (thrown) {
    if (!(thrown instanceof FaultError)) throw thrown;
    return yield* tried(shop, thrown, cx);
  }
  if (next === null) return yield ok(`Shopify lists no version after ${own} yet`);
  try {
    const { schema, version } = await readSchema(shop.onVersion(next), all, cx);
    yield* findings(schema, all, { version, level: 'warning', served, last: true });
  } catch (thrown) {
    if (!(thrown instanceof FaultError)) throw thrown;
    yield warning(`not checked against ${next}, whose schema could not be read: ${thrown.message}`);
  }
}

const ok = (message: string): Finding => ({ level: 'ok', subject: 'documents', message });
const warning = (message: string): Finding => ({ level: 'warning', subject: 'documents', message });

interface On {
  readonly version: string;
  readonly level: 'error' | 'warning';
  readonly served: string;
  /** Whether no later version is looked at. */
  readonly last: boolean;
}

function* findings(schema: GraphQLSchema, all: readonly Whole[], on: On): Generator<Finding> {
  const { version, level, served, last } = on;
  let fits = 0;
  for (const one of all) {
    const { name, serves: ports } = one.text;
    const subject = `document ${name}`;
    const wrong = wrongOn(schema, one);
    if (wrong.length === 0) fits += 1;
    else yield { level, subject, message: `not valid on ${version}: ${wrong.join(' ')} ${served}.`, ports };
    const old = last ? validate(schema, one.document, [NoDeprecatedCustomRule]).map(({ message }) => message) : [];
    if (old.length > 0)
      yield { level: 'warning', subject, message: `deprecated on ${version}: ${[...new Set(old)].join(' ')}`, ports };
  }
  const writes = all.filter(({ text }) => text.writes).length;
  if (fits === all.length)
    yield ok(`all ${fits} that are sent, ${writes} of them to write, are valid on ${version}; none was run`);
}

/** What is wrong with a document, or with what it is given, each thing once. */
function wrongOn(schema: GraphQLSchema, { document, given: values }: Whole): string[] {
  const errors = [...validate(schema, document)];
  if (errors.length === 0) {
    const [{ variableDefinitions = [] }] = document.definitions as [OperationDefinitionNode];
    for (const one of values) errors.push(...(getVariableValues(schema, variableDefinitions, one).errors ?? []));
  }
  return [...new Set(errors.map(({ message }) => message))];
}

/** The shop does not tell its schema: some documents that read are asked for nothing, and what is left is said. */
async function* tried(shop: Shop, thrown: FaultError, cx: Context): AsyncGenerator<Finding> {
  const nowhere = 'gid://shopify/Order/0';
  const never = { query: "updated_at:>='2100-01-01T00:00:00Z'" };
  const asked: [Document, object][] = [
    [orderCalls.changedOrders, never],
    [orderCalls.ordersWhole, { ids: [nowhere] }],
    [orderCalls.orderAfter, { id: nowhere }],
    [shipmentCalls.orderToShip, { id: nowhere }],
    [pickupCalls.fulfilled, { id: nowhere }],
    [refundCalls.orderToRefund, { id: nowhere }],
    [refundCalls.orderToCancel, { id: nowhere }],
    [returnCalls.returnsOfOrder, { id: nowhere }],
    [returnCalls.returnable, { id: nowhere }],
    [bulkCalls.ordersCount, { query: '', limit: 1 }],
    [productCalls.changedProducts, never],
    [customerCalls.changedCustomers, never],
    [stockCalls.stockNow, { ids: ['gid://shopify/ProductVariant/0'], location: 'gid://shopify/Location/0' }],
  ];
  let fits = 0;
  for (const [document, variables] of asked)
    try {
      await shop.call(document, variables, cx);
      fits += 1;
    } catch (error) {
      if (!(error instanceof FaultError)) throw error;
      yield { level: 'error', subject: `document ${document.name}`, message: error.message, ports: document.serves };
    }
  const left = sent.length - asked.length;
  yield warning(
    `the schema could not be read (${thrown.message}): ${fits} of ${asked.length} documents that read were understood by ${shop.settings.version}; the other ${left}, among them all that write, and the next version were not checked`,
  );
}
