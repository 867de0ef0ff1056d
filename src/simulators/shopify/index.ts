import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Random, seeded } from '../../core/clock.ts';
import { Api, type Request, served } from './api.ts';
import type { Bulk } from './bulk.ts';
import { Bucket } from './cost.ts';
import { keepShop } from './journal.ts';
import { Shop, type ShopOptions } from './shop.ts';
import { schemaWithout } from './taken-away.ts';
import { type WebhookFaults, Webhooks } from './webhooks.ts';

export type { NewOrder } from './orders.ts';
export type { Variant } from './records.ts';
export type { Shop } from './shop.ts';

/** Shares, 0 to 1, of requests that go wrong. */
interface ApiFaults {
  /** Answered only after the connection was cut: what was asked for is done. */
  cut?: number;
  /** HTTP 502 before anything is done. */
  broken?: number;
  /** Told to wait although the budget is there. */
  throttled?: number;
  /** Milliseconds before each answer. */
  latency?: number;
  /** Milliseconds after which a search sees a change. */
  indexLag?: number;
  /** Share of the files of bulk operations that break off half-way. */
  cutFiles?: number;
}

export interface ShopifyOptions extends ShopOptions {
  /** A file that keeps the shop from start to start; without it everything is gone at the end. */
  readonly journal?: string;
  readonly port?: number;
  readonly seed?: number;
  readonly token?: string;
  /** Client secrets that webhooks are signed with, one of them by chance. */
  readonly secrets?: readonly [string, ...string[]];
  readonly scopes?: readonly string[];
  readonly faults?: ApiFaults;
  readonly webhooks?: WebhookFaults;
  /** Milliseconds of a webhook's first wait. */
  readonly pace?: number;
  /** What is no longer there, by version of the API: `{ '2026-10': ['ProductVariant.barcode'] }`. */
  readonly takenAway?: Readonly<Partial<Record<(typeof served)[number], readonly string[]>>>;
  /** Whether the shop tells its schema. Default true, as at Shopify. */
  readonly introspection?: boolean;
  /** Size and points a second of the budget. */
  readonly bucket?: readonly [size: number, rate: number];
}

export interface ShopifySimulator {
  readonly url: string;
  readonly token: string;
  readonly secrets: readonly [string, ...string[]];
  /** The shop's own ledger. */
  readonly shop: Shop;
  readonly webhooks: Webhooks;
  readonly bulk: Bulk;
  /** May be changed at any time. */
  readonly faults: ApiFaults;
  /** What was asked for, `throttled` where it was told to wait. */
  readonly requests: { readonly operation: string; readonly status: number }[];
  stop(): Promise<void>;
}

const SCOPES = [
  ...[
    'read_orders',
    'write_orders',
    'read_all_orders',
    'read_customers',
    'write_customers',
    'read_products',
    'write_products',
    'read_returns',
    'write_returns',
  ],
  ...['read_inventory', 'write_inventory', 'read_locations', 'read_markets'],
  ...['read_merchant_managed_fulfillment_orders', 'write_merchant_managed_fulfillment_orders'],
];

/** Starts a simulated shop on 127.0.0.1: its own ledger, the Admin API in two versions, signed webhooks, and faults as they are asked for. */
export async function startShopify(options: ShopifyOptions = {}): Promise<ShopifySimulator> {
  const random = seeded(options.seed ?? 1);
  const shop = new Shop(options);
  const close = options.journal === undefined ? () => undefined : keepShop(shop, options.journal);
  const token = options.token ?? 'shpat_simulated';
  const secrets = options.secrets ?? (['shpss_simulated'] as const);
  const [size, rate] = options.bucket ?? [4000, 200];
  const faults: ApiFaults = { ...options.faults };
  const url = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const api = new Api(shop, {
    files: () => `${url()}${FILES}`,
    bucket: new Bucket(size, rate),
    scopes: options.scopes ?? SCOPES,
    indexLag: () => faults.indexLag ?? 0,
    introspection: options.introspection ?? true,
    schemas: new Map(
      Object.entries(options.takenAway ?? {}).map(([version, names]) => [version, schemaWithout(names)] as const),
    ),
    allowsUri: (uri) => /^https:\/\/|^http:\/\/127\.0\.0\.1/.test(uri),
  });
  const webhooks = new Webhooks(shop, {
    secrets: () => secrets,
    random,
    faults: { ...options.webhooks },
    pace: options.pace ?? 20,
  });
  const requests: ShopifySimulator['requests'] = [];
  const server = createServer((request, response) => {
    receive({ request, response, api, token, faults, random, requests }).catch(() => request.destroy());
  });
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  return {
    url: url(),
    bulk: api.bulk,
    token,
    secrets,
    shop,
    webhooks,
    faults,
    requests,
    stop: async () => {
      await webhooks.stop();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      close();
    },
  };
}

interface Receiving {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly api: Api;
  readonly token: string;
  readonly faults: ApiFaults;
  readonly random: Random;
  readonly requests: ShopifySimulator['requests'];
}

/** Where the files of bulk operations lie; at Shopify's that is another server. */
const FILES = '/bulk-files/';

/** Gives a file, from the byte on that is asked for. It needs no token: its address is signed. */
function giveFile({ request, response, api, faults, random, requests }: Receiving): void {
  const file = api.bulk.file((request.url ?? '').slice(FILES.length));
  const answer = (status: number, headers: Record<string, string>, body?: Buffer): void => {
    requests.push({ operation: 'file', status });
    response.writeHead(status, headers);
    if (body && random() < (faults.cutFiles ?? 0))
      response.write(body.subarray(0, body.length / 2), () => request.socket.destroy());
    else response.end(body);
  };
  if (!file) {
    answer(403, {});
    return;
  }
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  if (from >= file.length) {
    answer(416, { 'content-range': `bytes */${file.length}` });
    return;
  }
  const part = file.subarray(from);
  const headers = { 'content-type': 'application/jsonl', 'content-length': String(part.length) };
  if (!request.headers.range) answer(200, headers, part);
  else answer(206, { ...headers, 'content-range': `bytes ${from}-${file.length - 1}/${file.length}` }, part);
}

async function receive(receiving: Receiving): Promise<void> {
  const { request, response, api, token, faults, random, requests } = receiving;
  if (request.method === 'GET' && request.url?.startsWith(FILES)) return giveFile(receiving);
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const asked = /^\/admin\/api\/(\d{4}-\d{2}|unstable)\/graphql\.json$/.exec(request.url ?? '')?.[1];
  const version = served.find((one) => one >= (asked ?? '')) ?? served[served.length - 1]!;
  const answer = (status: number, body: unknown, operation = ''): void => {
    requests.push({ operation, status });
    response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'x-shopify-api-version': version });
    response.end(JSON.stringify(body));
  };
  if (!asked || request.method !== 'POST') return answer(404, { errors: 'Not Found' });
  if (request.headers['x-shopify-access-token'] !== token)
    return answer(401, { errors: '[API] Invalid API key or access token (unrecognized login or wrong password)' });
  const chance = (share = 0): boolean => share > 0 && random() < share;
  if (faults.latency) await new Promise((resolve) => setTimeout(resolve, faults.latency));
  if (chance(faults.broken)) return answer(502, { errors: 'Bad Gateway' });
  if (chance(faults.throttled))
    return answer(200, { errors: [{ message: 'Throttled', extensions: { code: 'THROTTLED' } }] }, 'throttled');
  const told = JSON.parse(Buffer.concat(chunks).toString()) as Request;
  const result = await api.answer(told, version);
  if (chance(faults.cut)) {
    requests.push({ operation: String(told.operationName), status: 0 });
    request.socket.destroy();
    return;
  }
  answer(200, result, isThrottled(result) ? 'throttled' : String(told.operationName));
}

const isThrottled = ({ errors }: Record<string, unknown>): boolean =>
  ((errors ?? []) as { extensions?: { code?: unknown } }[]).some(({ extensions }) => extensions?.code === 'THROTTLED');
