import { bodyWithin, MOST_ANSWERED } from '../../core/bounded.ts';
import type { Duration } from '../../core/clock.ts';
import type {
  Connection,
  Context,
  Finding,
  Item,
  Part,
  PollSource,
  RawRequest,
  Result,
  Sink,
  WebhookSource,
} from '../../core/connector.ts';
import type { AnyDocumentType, BodyOf } from '../../core/document.ts';
import type { Secret } from '../../core/estate.ts';
import { type Fault, FaultError, rejected } from '../../core/fault.ts';
import { sha256 } from '../../core/seal.ts';
import { isSigned, signedHeaders } from '../../core/standard-webhooks.ts';
import {
  checkReceiver,
  type Posted,
  postWebhook,
  type Receiver,
  secretsInRotation,
  webhookIdOf,
} from '../../core/webhook-post.ts';
import { CancellationDocument } from '../../model/cancellation.ts';
import { CatalogueItemDocument } from '../../model/catalogue-item.ts';
import { DeliveryPromiseDocument } from '../../model/delivery-promise.ts';
import type { FulfilmentOrderDocument } from '../../model/fulfilment-order.ts';
import { OrderDocument } from '../../model/order.ts';
import { PriceDocument } from '../../model/price.ts';
import { ShipmentDocument } from '../../model/shipment.ts';
import { type StockLevel, StockLevelDocument } from '../../model/stock-level.ts';
import { MOST_PRODUCTS, productChanged, productObjection, unknownIn } from './catalogue-contract.ts';
import { nextCursor, objection, readMessage, readPage, readSale, type StoreSale, told } from './contract.ts';
import type { StoreReport } from './fulfilment-contract.ts';
import { fulfilmentOrders, reportSources } from './fulfilments.ts';
import { type StoreLookups, storeLookups } from './lookups.ts';
import {
  incomingOf,
  listedSale,
  orderCancelled,
  orderRecorded,
  priceChanged,
  promiseChanged,
  shipmentChanged,
  stockChanged,
} from './mapping.ts';
import { storeContract } from './openapi.ts';
import { type StoreQuestions, storeQuestions } from './questions.ts';

export type { StoreSale } from './contract.ts';
export type { StoreReport } from './fulfilment-contract.ts';

export interface RestStoreConfig {
  /** Company, brand or country whose store it is. Default 'main'. */
  readonly entity?: string;
  /** The store's own address: `/sales` lists sales, `/webhooks` takes what the hub tells, `/figures` (where it has it) is asked. */
  readonly url: string;
  /** The store runs in one's own network: http and private addresses are meant. Default false. */
  readonly allowPrivate?: boolean;
  /** Bearer token for `/sales`, `/reports` and `/figures`. */
  readonly token: Secret;
  /** What the store signs with; two while one replaces the other. */
  readonly signedWith: readonly Secret[];
  /** What the hub signs with. Default: the same. */
  readonly signWith?: readonly Secret[];
  /** How often sales and reports are listed, for what was pushed and never arrived. Default 5m. */
  readonly every?: Duration;
  /** Locations of the hub whose stock it hears of, and the store's own codes for them. Default: all, by the hub's codes. */
  readonly locations?: Readonly<Record<string, string>>;
  /** The store is told what it sells (`sinks.catalogue`): levels and prices of a product wait until it was told of it. Default false: it has products of its own. */
  readonly catalogue?: boolean;
  /** How soon what is to be collected is prepared, at the latest when three quarters of the time to the customer's promise are gone. Default 4h. */
  readonly readyWithin?: Duration;
  /** How long it waits for the customer before somebody is asked. Default 14d. */
  readonly collectWithin?: Duration;
  /** How long what the store ships may take to leave where nothing is promised. Default 3d; null: it is not awaited. */
  readonly shipWithin?: Duration | null;
}

export interface RestStoreConnection extends Connection {
  readonly sources: {
    /** Listed and pushed sales alike. */
    readonly sales: PollSource<StoreSale>;
    readonly pushed: WebhookSource<StoreSale>;
    /** What the store says of what it was to prepare, listed and pushed alike. */
    readonly reports: PollSource<StoreReport>;
    readonly reported: WebhookSource<StoreReport>;
  };
  readonly lookups: StoreLookups;
  /** What the store may ask: `POST /in/{connection}/figures`. */
  readonly questions: StoreQuestions;
  readonly sinks: {
    readonly orderStatus: Sink<typeof OrderDocument>;
    readonly promises: Sink<typeof DeliveryPromiseDocument>;
    readonly shipments: Sink<typeof ShipmentDocument>;
    readonly cancellations: Sink<typeof CancellationDocument>;
    readonly catalogue: Sink<typeof CatalogueItemDocument>;
    readonly stockLevels: Sink<typeof StockLevelDocument>;
    readonly prices: Sink<typeof PriceDocument>;
    readonly fulfilmentOrders: Sink<typeof FulfilmentOrderDocument>;
  };
}

/** Levels or prices in one message: the contract's own limit. */
const MOST_FIGURES = 100;

/**
 * A till or shop of one's own that speaks the store contract (docs/connectors/rest-store.md). Its sales are pushed to
 * `POST /in/{connection}/sales` and listed as well, for no push is ever certain; so are its reports on what customers collect there. Throws HubError CONFIG_INVALID for an address that cannot be.
 */
export function restStore(config: RestStoreConfig): RestStoreConnection {
  const url = config.url.replace(/\/+$/, '');
  const allowPrivate = config.allowPrivate ?? false;
  const receiver: Receiver = { url: `${url}/webhooks`, secrets: config.signWith ?? config.signedWith, allowPrivate };
  checkReceiver(receiver);
  const listed = async (what: 'sales' | 'reports', after: string | null, cx: Context) => {
    const response = await cx.fetch(`${url}/${what}?after=${encodeURIComponent(after ?? '')}`, {
      headers: { authorization: `Bearer ${cx.secret(config.token.secret)}` },
      reach: allowPrivate ? 'any' : 'public',
    });
    return bodyWithin(await accepted(response), MOST_ANSWERED, 'the store');
  };
  const ask = async (question: object, cx: Context) => {
    const body = Buffer.from(JSON.stringify(question));
    const now = cx.clock.now();
    const id = `ask_${sha256(`${cx.connection} ${now.toISOString()} ${body}`).toString('hex').slice(0, 32)}`;
    const timestamp = Math.floor(now.getTime() / 1000);
    const response = await cx.fetch(`${url}/figures`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${cx.secret(config.token.secret)}`,
        'content-type': 'application/json',
        ...signedHeaders({ id, timestamp, body }, secretsInRotation(receiver.secrets, cx)),
      },
      body,
      reads: true,
      reach: allowPrivate ? 'any' : 'public',
    });
    if ([404, 405, 501].includes(response.status)) {
      await response.body?.cancel();
      throw new FaultError({ kind: 'refused', message: 'the store does not serve /figures: it cannot be asked' });
    }
    return bodyWithin(await accepted(response), MOST_ANSWERED, 'the store');
  };
  const list = async (after: string | null, cx: Context) => readPage(await listed('sales', after, cx));
  const verify = (request: RawRequest, cx: Context): boolean =>
    isSigned(request, secretsInRotation(config.signedWith, cx), request.receivedAt);
  const figures = { most: MOST_FIGURES, needsBound: config.catalogue ?? false };
  const patience = {
    ready: config.readyWithin ?? '4h',
    collected: config.collectWithin ?? '14d',
    shipped: config.shipWithin === undefined ? '3d' : config.shipWithin,
  } as const;
  return {
    connector: 'rest-store',
    entity: config.entity ?? 'main',
    contract: storeContract(),
    sources: {
      sales: {
        kind: 'poll',
        name: 'sales',
        every: config.every ?? '5m',
        async *pull(cursor, cx) {
          for (let after = cursor; ; ) {
            const page = await list(after, cx);
            if (page.sales.length === 0) return;
            yield { items: page.sales.map((sale) => listedSale(sale, cx.clock.now())), cursor: page.cursor };
            after = nextCursor(page.cursor, after);
          }
        },
        decode: readSale,
      },
      pushed: {
        kind: 'webhook',
        name: 'pushed',
        topic: 'sales',
        feeds: 'sales',
        accepts: ['application/json'],
        verify,
        read: (request) => {
          const told = readMessage(request.body);
          if (told.type === 'sale.completed') return [incomingOf(told.sale)];
          return told.type === 'sale.changed' ? [{ hint: `sale:${told.id}` }] : [];
        },
        decode: readSale,
      },
      ...reportSources(config, (after, cx) => listed('reports', after, cx)),
    },
    sinks: {
      orderStatus: singly(receiver, {
        name: 'orderStatus',
        accepts: OrderDocument,
        noun: 'order',
        type: 'order.recorded',
        told: orderRecorded,
        objection: (said) => objection(told.order, said),
      }),
      promises: singly(receiver, {
        name: 'promises',
        accepts: DeliveryPromiseDocument,
        noun: 'promise',
        type: 'promise.changed',
        told: promiseChanged,
        objection: (said) => objection(told.promise, said),
      }),
      shipments: singly(receiver, {
        name: 'shipments',
        accepts: ShipmentDocument,
        noun: 'shipment',
        type: 'shipment.changed',
        told: shipmentChanged,
        objection: (said) => objection(told.shipment, said),
      }),
      cancellations: singly(receiver, {
        name: 'cancellations',
        accepts: CancellationDocument,
        noun: 'cancellation',
        type: 'order.cancelled',
        told: orderCancelled,
        objection: (said) => objection(told.cancellation, said),
      }),
      catalogue: together(receiver, {
        name: 'catalogue',
        accepts: CatalogueItemDocument,
        most: MOST_PRODUCTS,
        told: productChanged,
        objection: (said, { document }) => productObjection(said, document),
        message: (products) => ({ type: 'product.changed', data: { products } }),
        parts: ({ document }) => document.variants.map(({ sku }) => ({ kind: 'product', key: sku, id: sku })),
      }),
      stockLevels: together(receiver, {
        name: 'stockLevels',
        accepts: StockLevelDocument,
        ...figures,
        told: (item: Item<StockLevel>) => stockChanged(item, codeOf(config, item.document.location)),
        objection: (said) => objection(told.level, said),
        message: (levels) => ({ type: 'stock.changed', data: { levels } }),
      }),
      prices: together(receiver, {
        name: 'prices',
        accepts: PriceDocument,
        ...figures,
        told: priceChanged,
        objection: (said) => objection(told.price, said),
        message: (prices) => ({ type: 'price.changed', data: { prices } }),
      }),
      fulfilmentOrders: fulfilmentOrders(receiver, (location) => codeOf(config, location), patience),
    },
    ...storeQuestions(verify, (code) => locationOf(config, code)),
    lookups: storeLookups(ask, (location) => codeOf(config, location)),
    async *check(cx): AsyncIterable<Finding> {
      const { sales } = await list(null, cx);
      yield { level: 'ok', subject: 'sales', message: `the store lists its sales (${sales.length} on the first page)` };
      const missing = config.signedWith.length - secretsInRotation(config.signedWith, cx).length;
      yield missing === 0
        ? { level: 'ok', subject: 'webhooks', message: 'the signing secrets are there' }
        : {
            level: 'warning',
            subject: 'webhooks',
            message: 'a second signing secret is not set: what is signed with it is refused',
            hint: 'set it, or take it out of the estate when the change is over',
          };
    },
  };
}

/** The store's own codes go before the hub's: a place of the hub's that is none of the store's is asked for by the hub's code. */
const locationOf = ({ locations = {} }: RestStoreConfig, code: string): string =>
  Object.keys(locations).find((location) => locations[location] === code) ?? code;

const codeOf = ({ locations }: RestStoreConfig, location: string): string => locations?.[location] ?? location;

async function accepted(response: Response): Promise<Response> {
  const { status, headers } = response;
  if (response.ok) return response;
  await response.body?.cancel();
  if (status === 401 || status === 403)
    throw new FaultError({ kind: 'refused', message: 'the store does not accept the token or the signature' });
  const wait = Number(headers.get('retry-after') ?? Number.NaN);
  if (status === 429 || (status === 503 && wait > 0))
    throw new FaultError({
      kind: 'throttled',
      message: `the store answered ${status}`,
      retryAfter: Math.min(3600, Math.max(1, wait || 30)) * 1000,
    });
  throw new FaultError({ kind: 'transient', message: `the store answered ${status}` });
}

const common = <D extends AnyDocumentType>(name: string, accepts: D) =>
  ({ name, accepts, needsBound: false, settle: '30s', deadline: '2m' }) as const;

const post = (
  receiver: Receiver,
  { type, data }: { type: string; data: object },
  about: Omit<Posted, 'content'>,
  cx: Context,
): Promise<Result> =>
  postWebhook(receiver, { ...about, content: { type, timestamp: cx.clock.now().toISOString(), data } }, cx);

interface Singly<D extends AnyDocumentType> {
  readonly name: string;
  readonly accepts: D;
  /** What its webhook-ids are made of, beside key and version. */
  readonly noun: string;
  /** Of its messages. */
  readonly type: string;
  /** One as the contract has it. */
  told(item: Item<BodyOf<D>>, connection: string): object;
  /** What keeps it from being told. */
  objection(told: object): ReturnType<typeof objection>;
}

/** One record in a message, which the store knows by its webhook-id. */
const singly = <D extends AnyDocumentType>(receiver: Receiver, all: Singly<D>): Sink<D> => ({
  ...common(all.name, all.accepts),
  posts: false,
  idempotency: 'native',
  batch: { max: 20, onFailure: 'independent' },
  deliver: (items, cx) =>
    Promise.all(
      items.map(async (item): Promise<Result> => {
        const data = all.told(item, cx.connection);
        const wrong = all.objection(data);
        if (wrong) return { outcome: 'failed', fault: rejected(wrong.message, 'not-the-contract', wrong.field).fault };
        const id = webhookIdOf(cx.connection, all.noun, item.key, item.version);
        return post(receiver, { type: all.type, data }, { id, trace: item.trace }, cx);
      }),
    ),
});

interface Together<D extends AnyDocumentType> {
  readonly name: string;
  readonly accepts: D;
  /** In one message. */
  readonly most: number;
  /** Default false. */
  readonly needsBound?: boolean;
  /** One as the contract has it. */
  told(item: Item<BodyOf<D>>): object;
  /** What keeps it from being told. */
  objection(told: object, item: Item<BodyOf<D>>): ReturnType<typeof objection>;
  message(told: readonly object[]): { type: string; data: object };
  /** Records of their own that the store knows from then on. */
  parts?(item: Item<BodyOf<D>>): Part[];
}

/**
 * Absolute records, many in one message: each says its version, and the store keeps the greatest. What the contract does not allow is not sent. A store takes a message whole or not at
 * all: what is of a product that it does not know waits for the product, and the others go again.
 */
function together<D extends AnyDocumentType>(receiver: Receiver, all: Together<D>): Sink<D> {
  const { name, accepts, most, needsBound = false } = all;
  return {
    ...common(name, accepts),
    needsBound,
    idempotency: 'overwrite',
    batch: { max: most, onFailure: 'none-lands' },
    deliver: async (items, cx) => {
      const told = items.map((item) => all.told(item));
      const wrong = items.map((item, n) => all.objection(told[n]!, item));
      const right = items.map((_, n) => n).filter((n) => wrong[n] === null);
      const sent = await send(
        right.map((n) => items[n]!),
        right.map((n) => told[n]!),
        cx,
      );
      return items.map((item, n): Result => {
        const no = wrong[n];
        if (no) return { outcome: 'failed', fault: rejected(no.message, 'not-the-contract', no.field).fault };
        return sent(item);
      });
    },
  };

  /** Posts them, and gives what came of each. */
  async function send(
    items: readonly Item<BodyOf<D>>[],
    told: readonly object[],
    cx: Context,
  ): Promise<(item: Item<BodyOf<D>>) => Result> {
    if (items.length === 0) return () => ({ outcome: 'untouched' });
    const names = items.map(({ key, version }) => `${key} ${version}`);
    const id = `msg_${sha256(JSON.stringify([cx.connection, accepts.name, names]))
      .toString('hex')
      .slice(0, 32)}`;
    let unknown: readonly string[] = [];
    const unprocessable = async (response: Response): Promise<void> => {
      const known = new Set(items.map(skuOf));
      unknown = (await unknownIn(response)).filter((sku) => known.has(sku));
    };
    const result = await post(receiver, all.message(told), { id, trace: items[0]!.trace, unprocessable }, cx);
    return (item) => {
      if (result.outcome === 'done')
        return { outcome: 'done', id: item.key, ...(all.parts ? { parts: all.parts(item) } : {}) };
      if (unknown.length === 0) return result;
      return unknown.includes(skuOf(item))
        ? { outcome: 'failed', fault: untold(skuOf(item)) }
        : { outcome: 'untouched' };
    };
  }
}

const skuOf = ({ document }: Item<unknown>): string => String((document as { sku?: string }).sku).toUpperCase();

const untold = (sku: string): Fault => ({
  kind: 'early',
  cause: 'product-unknown',
  message: `the store was not told of product '${sku}' and takes no level or price of it: have a catalogue feed tell it, or leave the product out of what the store sells`,
  field: 'sku',
});
