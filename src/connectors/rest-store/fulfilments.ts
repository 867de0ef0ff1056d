import { type Duration, milliseconds } from '../../core/clock.ts';
import type {
  Context,
  Expectation,
  Incoming,
  Item,
  PollSource,
  Result,
  Sink,
  WebhookSource,
} from '../../core/connector.ts';
import { faultOf } from '../../core/fault.ts';
import { sha256 } from '../../core/seal.ts';
import { isSigned } from '../../core/standard-webhooks.ts';
import { postWebhook, type Receiver, secretsInRotation, webhookIdOf } from '../../core/webhook-post.ts';
import { type FulfilmentOrder, FulfilmentOrderDocument, readyKey, shippedKey } from '../../model/fulfilment-order.ts';
import { nextCursor } from './contract.ts';
import {
  checkedFulfilment,
  readReport,
  readReported,
  readReportsPage,
  type StoreReport,
} from './fulfilment-contract.ts';
import type { RestStoreConfig } from './index.ts';

/** How long a store may take. */
export interface Patience {
  /** Until what is collected is prepared, where no promise asks for it sooner. */
  readonly ready: Duration;
  /** Until it is collected, or given back to the shelf. */
  readonly collected: Duration;
  /** Until what is promised nobody has left; null: not awaited. */
  readonly shipped: Duration | null;
}

type OrderItem = Item<FulfilmentOrder>;

/**
 * What a store is to prepare, one message each. The store knows a repeat by its webhook-id and keeps the greatest version: a change replaces what it
 * was told, a cancellation takes it back. Who says nothing in time is asked about.
 */
export const fulfilmentOrders = (
  receiver: Receiver,
  codeOf: (location: string) => string,
  patience: Patience,
): Sink<typeof FulfilmentOrderDocument> => ({
  name: 'fulfilmentOrders',
  accepts: FulfilmentOrderDocument,
  needsBound: false,
  settle: '30s',
  deadline: '2m',
  idempotency: 'native',
  batch: { max: 20, onFailure: 'independent' },
  deliver: (items, cx) =>
    Promise.all(items.map((item) => tell(receiver, item, codeOf(item.document.location), patience, cx))),
});

async function tell(
  receiver: Receiver,
  item: OrderItem,
  code: string,
  patience: Patience,
  cx: Context,
): Promise<Result> {
  const { document, key, version, trace } = item;
  let fulfilment: object;
  try {
    fulfilment = checkedFulfilment(requested(document, code, version));
  } catch (error) {
    return { outcome: 'failed', fault: faultOf(error, 'rejected') };
  }
  const content = { type: 'fulfilment.requested', timestamp: cx.clock.now().toISOString(), data: { fulfilment } };
  const id = webhookIdOf(cx.connection, 'fulfilment', key, version);
  const result = await postWebhook(receiver, { id, content, trace }, cx);
  if (result.outcome !== 'done') return result;
  const expects = document.state === 'cancelled' ? [] : awaited(document, patience, cx);
  const wanted = expects.map((one) => one.key);
  const forgoes = [readyKey(document.number), shippedKey(document.number)].filter((one) => !wanted.includes(one));
  return { outcome: 'done', id: document.number, expects, forgoes };
}

const requested = (order: FulfilmentOrder, location: string, version: number): object => ({
  number: order.number,
  order: order.orderNumber,
  status: order.state,
  method: order.method,
  location,
  promisedAt: order.promisedAt,
  service: order.service,
  recipient: order.shipTo,
  lines: order.lines.map(({ id, sku, description, quantity }) => ({ id, sku, name: description, quantity })),
  version,
});

/** What must still come of it: due while the customer's promise can still be kept, or within what was agreed. */
function awaited(order: FulfilmentOrder, patience: Patience, cx: Context): Expectation[] {
  const { number, orderNumber, promisedAt, method } = order;
  const left = promisedAt === null ? Number.NaN : Date.parse(promisedAt) - cx.clock.now().getTime();
  const soon = (agreed: number): number => (left > 0 ? Math.min(agreed, left * 0.75) : agreed);
  const promise = promisedAt === null ? '' : ` The customer was promised it for ${promisedAt}.`;
  const what = `fulfilment order ${number} of order ${orderNumber}`;
  if (method === 'collect')
    return [
      {
        key: readyKey(number),
        within: soon(milliseconds(patience.ready)),
        cause: 'not-ready',
        about: `${what} to be prepared in ${cx.connection}`,
        overdue: `${cx.connection} has not said that ${what} is ready to be collected.${promise} Ask the store what holds it; when it says so after all, this closes by itself.`,
      },
      {
        key: shippedKey(number),
        within: milliseconds(patience.collected),
        cause: 'still-waiting',
        about: `${what} to be collected in ${cx.connection}`,
        overdue: `${cx.connection} has not said that ${what} was collected, or given back to the shelf. Ask the customer whether it is still wanted, else have the store say 'not-collected' and cancel it; what the store says closes this.`,
      },
    ];
  if (patience.shipped === null && !(left > 0)) return [];
  return [
    {
      key: shippedKey(number),
      parts: order.lines.map(({ id }) => id),
      within: left > 0 ? left * 0.75 : milliseconds(patience.shipped!),
      cause: 'not-shipped',
      about: `all goods of ${what} to leave ${cx.connection}`,
      overdue: `${cx.connection} has not told that everything of ${what} has left.${promise} Ask the store what holds it, or ship it from elsewhere and tell the customer; when the rest leaves, this closes by itself.`,
    },
  ];
}

/** A report as a fact, pushed or listed: named the same both ways. */
const incomingOf = (report: StoreReport): Incoming => ({
  dedupeKey: `report ${report.id}`,
  subject: `fulfilment:${report.fulfilment}`,
  occurredAt: new Date(report.at),
  bytes: Buffer.from(JSON.stringify(report)),
  measure: { lines: report.lines?.length ?? 1, currency: null, minor: 0n, absolute: 0n },
  labels: { 'fulfilment order': report.fulfilment },
});

/** A listed report. One that is not what the contract says is a fact too: the flow makes an Exception of it, and the next ones go on. */
export function listedReport(value: unknown, receivedAt: Date): Incoming {
  const bytes = Buffer.from(JSON.stringify(value));
  try {
    return incomingOf(readReport(bytes));
  } catch {
    const digest = sha256(bytes).toString('hex');
    return {
      dedupeKey: `bad report ${digest}`,
      subject: `report:${digest.slice(0, 16)}`,
      occurredAt: receivedAt,
      bytes,
    };
  }
}

/** What the store says of fulfilments, listed and pushed. `list` gives one page after a cursor. */
export function reportSources(
  config: Pick<RestStoreConfig, 'every' | 'signedWith'>,
  list: (after: string | null, cx: Context) => Promise<Uint8Array>,
): { readonly reports: PollSource<StoreReport>; readonly reported: WebhookSource<StoreReport> } {
  return {
    reports: {
      kind: 'poll',
      name: 'reports',
      every: config.every ?? '5m',
      async *pull(cursor, cx) {
        for (let after = cursor; ; ) {
          const page = readReportsPage(await list(after, cx));
          if (page.reports.length === 0) return;
          yield { items: page.reports.map((report) => listedReport(report, cx.clock.now())), cursor: page.cursor };
          after = nextCursor(page.cursor, after);
        }
      },
      decode: readReport,
    },
    reported: {
      kind: 'webhook',
      name: 'reported',
      topic: 'reports',
      feeds: 'reports',
      accepts: ['application/json'],
      verify: (request, cx) => isSigned(request, secretsInRotation(config.signedWith, cx), request.receivedAt),
      read: (request) => {
        const report = readReported(request.body);
        if (report === null) return [];
        // Parcels are heard of in the order of the list: the last one closes the order, and must not overtake another.
        return report.status === 'shipped' ? [{ hint: `report:${report.id}` }] : [incomingOf(report)];
      },
      decode: readReport,
    },
  };
}
