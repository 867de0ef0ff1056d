import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Random, seeded } from '../core/clock.ts';
import { isRight, signedNow } from './signature.ts';
import { Assortment, type StoreProduct } from './store-assortment.ts';
import { Counter, type Job, type Report } from './store-counter.ts';
import { figuresOf, type OwnFigures } from './store-figures.ts';
import { keepStore } from './store-journal.ts';

/** One sale as the store has it, by the store contract. */
export interface StoredSale {
  readonly id: string;
  readonly number: string;
  readonly revision: number;
  readonly soldAt: string;
  readonly location: string;
  readonly currency: string;
  readonly pricesIncludeTax: boolean;
  readonly customer: { readonly id: string; readonly name: string; readonly email?: string } | null;
  readonly refersTo: string | null;
  /** Absent: handed over at once. */
  readonly delivery?: {
    readonly method: 'collect' | 'ship';
    readonly promisedAt: string | null;
    readonly location?: string;
    readonly recipient?: object;
  };
  readonly lines: readonly {
    readonly id: string;
    readonly sku: string;
    readonly name: string;
    readonly quantity: string;
    readonly unitPrice: string;
    readonly discount: number;
    readonly taxes: readonly string[];
    readonly total: number;
  }[];
  readonly total: number;
}

/** What the store holds of what it was told, and how often it changed. */
interface Told<T> {
  readonly value: T;
  readonly version: number;
  readonly changes: number;
}
type Figure = Told<string>;

/** Goods of a sale, as the store was told of them. */
interface SoldShipment {
  readonly sale: string;
  readonly number: string;
  readonly milestone: string;
  readonly tracking: readonly { readonly number: string }[];
  readonly lines: readonly { readonly line: string | null; readonly sku: string; readonly quantity: string }[];
}

export interface RestStoreOptions {
  readonly seed: number;
  readonly token: string;
  /** `whsec_…`: what the store signs with, and what it expects to be signed with. */
  readonly secret: string;
  /** On 127.0.0.1; a free one when absent. */
  readonly port?: number;
  readonly pageSize?: number;
  /** The store's clock. */
  readonly now?: () => Date;
  /** A file that keeps its books from start to start; without it everything is gone at the end. */
  readonly journal?: string;
  /** It sells what it was told of: levels and prices of other products are refused. Default false: it has products of its own. */
  readonly catalogue?: boolean;
  /** What it counts and prices itself; may be changed at any time. */
  readonly own?: OwnFigures;
  /** May be changed at any time. */
  readonly faults?: StoreFaults;
}

/** Shares, 0 to 1, of what goes wrong. */
export interface StoreFaults {
  /** Pushes that are never made; that say only that there is something; that are made twice at the same instant, as are questions to the hub; that are made some seconds late. */
  lost?: number;
  thin?: number;
  twice?: number;
  late?: number;
  /** Webhooks to the store: acted on, then cut before the answer; its own questions: hung up, and asked again; anything asked of it: answered 500 before anything is done. */
  cut?: number;
  broken?: number;
}

/** What a store writes down. */
export interface StoreBooks {
  readonly sales: StoredSale[];
  readonly recorded: Map<string, Recorded>;
  readonly levels: Map<string, Figure>;
  readonly prices: Map<string, Figure>;
  readonly promises: Map<string, Figure>;
  readonly shipments: Map<string, Told<SoldShipment>>;
  readonly cancellations: Map<string, Figure>;
  readonly products: Map<string, StoreProduct>;
  readonly jobs: Map<string, Job>;
  readonly reports: Report[];
}

interface Recorded {
  readonly sale: string | null;
  readonly number: string;
  readonly status: string;
  readonly version: number;
}

export interface RestStore {
  readonly url: string;
  /** Everything sold, newest revisions last. */
  readonly sales: readonly StoredSale[];
  /** `order.recorded` it acted on, by webhook-id. */
  readonly recorded: ReadonlyMap<string, Recorded>;
  /** What it may sell, by `location/sku`, and prices by `list/sku`. */
  readonly levels: ReadonlyMap<string, Figure>;
  readonly prices: ReadonlyMap<string, Figure>;
  /** By when its sales are promised, by their ids, where it was told of another time than its own. */
  readonly promises: ReadonlyMap<string, Figure>;
  /** How far goods of its sales have come, by the ids of shipments. */
  readonly shipments: ReadonlyMap<string, Told<SoldShipment>>;
  /** Why its sales were cancelled elsewhere, by their ids. */
  readonly cancellations: ReadonlyMap<string, Figure>;
  /** Every level that it was told and that counted, in order. */
  readonly levelsSet: readonly { readonly key: string; readonly value: string }[];
  /** What it was told that it sells. */
  readonly assortment: Assortment;
  /** Codes of products that it was told a level or price of before it was told of them. */
  readonly unknown: ReadonlySet<string>;
  /** What it was asked to prepare, and what became of it. */
  readonly counter: Counter;
  /** Questions that it was asked. */
  readonly asked: number;
  /** Requests to `/webhooks`, and those whose signature was not right. */
  readonly requests: number;
  readonly refused: number;
  /** Puts a record among its sales as it is, however wrong. */
  write(sale: unknown): void;
  /** Says what became of a fulfilment, by its number; pushes it to `hub` (the whole address) until it is acknowledged, or not at all without one. */
  report(number: string, status: string, more?: object, hub?: string): Promise<string>;
  /** Asks `hub` (the whole address) for stock or prices, signed with its own secret or another one. */
  ask(hub: string, question: object, secret?: string): Promise<Response>;
  /** Sells something, or corrects an earlier sale; pushes it to `hub` (the whole address) until it is acknowledged, or not at all without one. */
  sell(hub?: string, corrects?: StoredSale): Promise<StoredSale>;
  /** The same with a sale of the caller's. */
  take(sale: StoredSale, hub?: string): Promise<void>;
  stop(): Promise<void>;
}

/** Milliseconds that a push is late; that an answer is waited for; and after which a bad line is gone. */
const LATE = 4000;
const ANSWER = 20_000;
const HANGS_UP = 10;

/** Nobody reads what comes of it. */
const forgotten = (sent: Promise<Response>): Promise<void> =>
  sent.then(
    ({ body }) => body?.cancel(),
    () => undefined,
  );

const ARTICLES = ['Lantern', 'Mug', 'Tea towel', 'Cake stand', 'Bell', 'Jam jar'];

/** A store that speaks the store contract, with a ledger of its own: a stand-in for tests and trials, which knows nothing of the connector. */
export async function startRestStore(options: RestStoreOptions): Promise<RestStore> {
  const random = seeded(options.seed);
  const faults = options.faults ?? {};
  const chance = (share = 0): boolean => share > 0 && random() < share;
  const books: StoreBooks = {
    sales: [],
    recorded: new Map(),
    levels: new Map(),
    prices: new Map(),
    promises: new Map(),
    shipments: new Map(),
    cancellations: new Map(),
    products: new Map(),
    jobs: new Map(),
    reports: [],
  };
  const { sales, recorded, levels, prices, promises, shipments, cancellations } = books;
  const journal = options.journal === undefined ? null : keepStore(books, options.journal);
  const stopping = new AbortController();
  const levelsSet: { key: string; value: string }[] = [];
  const now = options.now ?? (() => new Date());
  const counter = new Counter(now, books);
  const assortment = new Assortment(books.products);
  const unknown = new Set<string>();
  const counts = { requests: 0, refused: 0, asked: 0 };
  const server = createServer((request, response) => {
    if (request.method === 'GET' && request.url?.startsWith('/sales?')) return list(request, response, 'sales', sales);
    if (request.method === 'GET' && request.url?.startsWith('/reports?'))
      return list(request, response, 'reports', counter.reports);
    if (request.method === 'POST' && request.url === '/figures') return void tellFigures(request, response);
    if (request.method === 'POST' && request.url === '/webhooks') return void hear(request, response);
    response.writeHead(404).end();
  });

  function list(request: IncomingMessage, response: ServerResponse, name: string, all: readonly unknown[]): void {
    if (chance(faults.broken)) return void response.writeHead(500).end();
    if (request.headers.authorization !== `Bearer ${options.token}`) return void response.writeHead(401).end();
    const after = Number(new URL(request.url!, 'http://store').searchParams.get('after') || 0);
    const page = all.slice(after, after + (options.pageSize ?? 50));
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ [name]: page, cursor: String(after + page.length) }));
  }

  async function bodyOf(request: IncomingMessage): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  }

  async function tellFigures(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request);
    counts.asked += 1;
    if (chance(faults.broken)) return void response.writeHead(500).end();
    if (request.headers.authorization !== `Bearer ${options.token}` || !isRight(request, body, options.secret))
      return void response.writeHead(401).end();
    const answer = figuresOf(JSON.parse(body.toString()), options.own ?? {}, now());
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  }

  async function hear(request: IncomingMessage, response: ServerResponse): Promise<void> {
    counts.requests += 1;
    const body = await bodyOf(request);
    if (!isRight(request, body, options.secret)) {
      counts.refused += 1;
      return void response.writeHead(401).end();
    }
    if (chance(faults.broken)) return void response.writeHead(500).end();
    const { type, data } = JSON.parse(body.toString());
    const untold = options.catalogue ? assortment.unknownIn(data) : [];
    for (const sku of untold) unknown.add(sku);
    if (untold.length > 0) {
      const detail = `this store was not told of ${untold.join(', ')}`;
      response.writeHead(422, { 'content-type': 'application/problem+json' });
      return void response.end(JSON.stringify({ title: 'product unknown', status: 422, detail, unknown: untold }));
    }
    for (const product of data.products ?? [])
      if (assortment.hear(product)) journal?.note('products', product.id, product);
    if (type === 'order.recorded') {
      const id = String(request.headers['webhook-id']);
      recorded.set(id, data);
      journal?.note('recorded', id, data);
    }
    if (type === 'promise.changed' && keep(promises, data.sale, String(data.promisedAt), data.version))
      journal?.note('promises', data.sale, promises.get(data.sale));
    if (type === 'shipment.changed' && keep(shipments, data.id, data, data.version))
      journal?.note('shipments', data.id, shipments.get(data.id));
    if (type === 'order.cancelled' && keep(cancellations, data.sale, data.reason, data.version))
      journal?.note('cancellations', data.sale, cancellations.get(data.sale));
    if (type === 'fulfilment.requested' && counter.hear(data.fulfilment))
      journal?.note('jobs', data.fulfilment.number, data.fulfilment);
    for (const { location, sku, available, version } of data.levels ?? []) {
      const key = `${location}/${sku}`;
      if (!keep(levels, key, available, version)) continue;
      levelsSet.push({ key, value: available });
      journal?.note('levels', key, levels.get(key));
    }
    for (const { list, sku, amount, version } of data.prices ?? []) {
      const key = `${list}/${sku}`;
      if (keep(prices, key, String(amount), version)) journal?.note('prices', key, prices.get(key));
    }
    if (chance(faults.cut)) return void request.socket.destroy();
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  }

  async function push(hub: string, id: string, message: object): Promise<void> {
    const body = Buffer.from(JSON.stringify(message));
    for (let attempt = 1; attempt <= 50; attempt++) {
      const headers = signedNow(options.secret, id, body, now());
      const sent = fetch(hub, {
        method: 'POST',
        body: new Uint8Array(body),
        headers,
        signal: AbortSignal.timeout(20_000),
      });
      if (await sent.then(({ ok }) => ok).catch(() => false)) return;
      if (stopping.signal.aborted) break;
      await new Promise((resolve) => setTimeout(resolve, Math.min(2000, 20 * 2 ** attempt)));
    }
    throw new Error(`the hub did not take ${id}`);
  }

  async function sell(hub?: string, corrects?: StoredSale): Promise<StoredSale> {
    const sale = makeSale(sales.length + 1, random, corrects);
    await take(sale, hub);
    return sale;
  }

  async function take(sale: StoredSale, hub?: string): Promise<void> {
    sales.push(sale);
    journal?.note('sales', sale.id, sale);
    if (hub === undefined || chance(faults.lost)) return;
    if (chance(faults.late)) await new Promise((resolve) => setTimeout(resolve, LATE));
    const id = `msg_${sale.id}_${sale.revision}`;
    const message = (type: string, data: object) => ({ type, timestamp: sale.soldAt, data });
    if (chance(faults.thin)) await push(hub, id, message('sale.changed', { id: sale.id }));
    else {
      const times = chance(faults.twice) ? 2 : 1;
      await Promise.all(Array.from({ length: times }, () => push(hub, id, message('sale.completed', { sale }))));
    }
  }

  async function report(number: string, status: string, more: object = {}, hub?: string): Promise<string> {
    const told = counter.report(number, status, more);
    journal?.note('reports', told.id, told);
    if (hub === undefined || chance(faults.lost)) return told.id;
    if (chance(faults.late)) await new Promise((resolve) => setTimeout(resolve, LATE));
    const message = { type: 'fulfilment.reported', timestamp: told.at, data: { report: told } };
    const times = chance(faults.twice) ? 2 : 1;
    await Promise.all(Array.from({ length: times }, () => push(hub, `msg_${told.id}`, message)));
    return told.id;
  }

  let questions = 0;
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sales,
    recorded,
    levels,
    prices,
    promises,
    shipments,
    cancellations,
    levelsSet,
    assortment,
    unknown,
    counter,
    get asked() {
      return counts.asked;
    },
    get requests() {
      return counts.requests;
    },
    get refused() {
      return counts.refused;
    },
    write: (sale) => void sales.push(sale as StoredSale),
    sell,
    take,
    report,
    ask: async (hub, question, secret = options.secret) => {
      const body = Buffer.from(JSON.stringify(question));
      const send = (ms: number) => {
        const headers = signedNow(secret, `ask_${++questions}`, body);
        return fetch(hub, { method: 'POST', body: new Uint8Array(body), headers, signal: AbortSignal.timeout(ms) });
      };
      if (chance(faults.cut)) await forgotten(send(HANGS_UP));
      const again = chance(faults.twice) ? forgotten(send(ANSWER)) : undefined;
      const [answer] = await Promise.all([send(ANSWER), again]);
      return answer;
    },
    stop: async () => {
      stopping.abort();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      journal?.close();
    },
  };
}

/** The greatest version counts, whenever it comes. */
function keep<T>(figures: Map<string, Told<T>>, key: string, value: T, version: number): boolean {
  const known = figures.get(key);
  if (known && known.version >= version) return false;
  figures.set(key, { value, version, changes: (known?.changes ?? 0) + 1 });
  return true;
}

function makeSale(n: number, random: Random, corrects?: StoredSale): StoredSale {
  const pick = (most: number): number => Math.floor(random() * most);
  const id = corrects?.id ?? `S${1000 + n}`;
  const back = corrects === undefined && random() < 0.1;
  const lines = Array.from({ length: 1 + pick(4) }, (_, index) => {
    const article = pick(ARTICLES.length);
    const quantity = (1 + pick(5)) * (back ? -1 : 1);
    const price = 100 + pick(5000);
    const discount = random() < 0.3 ? 1 + pick(price) : 0;
    return {
      id: `${id}-${index + 1}`,
      sku: `a${article}`,
      name: ARTICLES[article]!,
      quantity: String(quantity),
      unitPrice: (price / 100).toFixed(2),
      discount,
      taxes: ['standard'],
      total: quantity * price + (back ? discount : -discount),
    };
  });
  return {
    id,
    number: `R-${id}`,
    revision: (corrects?.revision ?? 0) + 1,
    soldAt: new Date(Date.UTC(2026, 4, 1, 9, 0, n)).toISOString(),
    location: 'front',
    currency: 'EUR',
    pricesIncludeTax: true,
    customer: random() < 0.5 ? null : { id: `C${pick(20)}`, name: 'A regular' },
    refersTo: null,
    lines,
    total: lines.reduce((sum, { total }) => sum + total, 0),
  };
}
