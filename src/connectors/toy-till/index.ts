import { bodyWithin } from '../../core/bounded.ts';
import type { Duration } from '../../core/clock.ts';
import type { Connection, Context, Finding, Item, PollSource, Sink, WebhookSource } from '../../core/connector.ts';
import type { AnyDocumentType, BodyOf } from '../../core/document.ts';
import type { Secret } from '../../core/estate.ts';
import { FaultError } from '../../core/fault.ts';
import { isSigned } from '../../core/standard-webhooks.ts';
import { checkReceiver, postWebhook, type Receiver, secretsInRotation, webhookIdOf } from '../../core/webhook-post.ts';
import { OrderDocument } from '../../model/order.ts';
import { StockAdjustmentDocument } from '../../model/stock-adjustment.ts';
import { incomingOf, orderRecorded, stockAdjusted } from './mapping.ts';
import { readMessage, readPage, readSale, type TillSale } from './protocol.ts';

export type { TillSale } from './protocol.ts';

export interface ToyTillConfig {
  /** Company, brand or country whose till it is. Default 'main'. */
  readonly entity?: string;
  /** The till's own address: `/sales` lists sales, `/webhooks` takes ours. */
  readonly url: string;
  /** The till runs in one's own network: http and private addresses are meant. Default false. */
  readonly allowPrivate?: boolean;
  /** Bearer token for `/sales`. */
  readonly token: Secret;
  /** What the till signs with; two while one replaces the other. */
  readonly signedWith: readonly Secret[];
  /** What we sign with. Default: the same. */
  readonly signWith?: readonly Secret[];
  /** How often sales are listed, for what was pushed and never arrived. Default 5m. */
  readonly every?: Duration;
}

export interface ToyTillConnection extends Connection {
  readonly sources: {
    /** Listed and pushed sales alike. */
    readonly sales: PollSource<TillSale>;
    readonly pushed: WebhookSource<TillSale>;
  };
  readonly sinks: {
    readonly orderStatus: Sink<typeof OrderDocument>;
    readonly stock: Sink<typeof StockAdjustmentDocument>;
  };
}

/**
 * A till that speaks signed webhooks both ways: the example of docs/writing-a-connector.md. Its sales are pushed to
 * `POST /in/{connection}/sales` and listed as well, for no push is ever certain. Throws HubError CONFIG_INVALID for an address that cannot be.
 */
export function toyTill(config: ToyTillConfig): ToyTillConnection {
  const url = config.url.replace(/\/+$/, '');
  const allowPrivate = config.allowPrivate ?? false;
  const receiver: Receiver = { url: `${url}/webhooks`, secrets: config.signWith ?? config.signedWith, allowPrivate };
  checkReceiver(receiver);
  const list = async (after: string | null, cx: Context) => {
    const response = await cx.fetch(`${url}/sales?after=${encodeURIComponent(after ?? '')}`, {
      headers: { authorization: `Bearer ${cx.secret(config.token.secret)}` },
      reach: allowPrivate ? 'any' : 'public',
    });
    if (response.status === 401 || response.status === 403)
      throw new FaultError({ kind: 'refused', message: 'the till does not accept the token' });
    if (response.status === 429)
      throw new FaultError({ kind: 'throttled', message: 'the till asks to wait', retryAfter: waitOf(response) });
    if (!response.ok) throw new FaultError({ kind: 'transient', message: `the till answered ${response.status}` });
    return readPage(await bodyWithin(response, 16 * 1024 * 1024, 'the till'));
  };
  return {
    connector: 'toy-till',
    entity: config.entity ?? 'main',
    sources: {
      sales: {
        kind: 'poll',
        name: 'sales',
        every: config.every ?? '5m',
        async *pull(cursor, cx) {
          for (let after = cursor; ; ) {
            const page = await list(after, cx);
            if (page.sales.length === 0) return;
            yield { items: page.sales.map(incomingOf), cursor: page.cursor };
            after = page.cursor;
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
        verify: (request, cx) => isSigned(request, secretsInRotation(config.signedWith, cx), request.receivedAt),
        read: (request) => {
          const told = readMessage(request.body);
          if (told.type === 'sale.completed') return [incomingOf(told.sale)];
          return told.type === 'sale.changed' ? [{ hint: `sale:${told.id}` }] : [];
        },
        decode: readSale,
      },
    },
    sinks: {
      orderStatus: {
        ...webhookSink(receiver, 'orderStatus', OrderDocument, 'order.recorded', (item, cx) =>
          orderRecorded(item.document, cx.connection, item.version),
        ),
        posts: false,
      },
      stock: webhookSink(receiver, 'stock', StockAdjustmentDocument, 'stock.adjusted', (item) =>
        stockAdjusted(item.document),
      ),
    },
    async *check(cx): AsyncIterable<Finding> {
      const { sales } = await list(null, cx);
      yield { level: 'ok', subject: 'sales', message: `the till lists its sales (${sales.length} on the first page)` };
      for (const { secret } of config.signedWith) cx.secret(secret);
      yield { level: 'ok', subject: 'webhooks', message: 'the signing secrets are there' };
    },
  };
}

/** Retry-After in milliseconds, 1 s to an hour; 30 s where it does not say. */
const waitOf = ({ headers }: Response): number =>
  Math.min(3600, Math.max(1, Number(headers.get('retry-after')) || 30)) * 1000;

/** One signed webhook for each document version. Its id is the same at every attempt and the till acts on it once: idempotent by itself. */
function webhookSink<D extends AnyDocumentType>(
  receiver: Receiver,
  name: string,
  accepts: D,
  type: string,
  data: (item: Item<BodyOf<D>>, cx: Context) => object,
): Sink<D> {
  return {
    name,
    accepts,
    idempotency: 'native',
    needsBound: false,
    settle: '30s',
    deadline: '2m',
    batch: { max: 20, onFailure: 'independent' },
    deliver: async (items, cx) =>
      Promise.all(
        items.map((item) =>
          postWebhook(
            receiver,
            {
              id: webhookIdOf(cx.connection, accepts.name, item.key, item.version),
              content: { type, timestamp: cx.clock.now().toISOString(), data: data(item, cx) },
              trace: item.trace,
            },
            cx,
          ),
        ),
      ),
  };
}
