import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Random, seeded } from '../core/clock.ts';
import { isRight, signedNow } from './signature.ts';

/** One sale as the till has it. */
interface SoldSale {
  readonly id: string;
  readonly number: string;
  readonly revision: number;
  readonly soldAt: string;
  readonly currency: string;
  readonly customer: { readonly id: string; readonly name: string } | null;
  readonly lines: readonly {
    readonly id: string;
    readonly sku: string;
    readonly name: string;
    readonly quantity: string;
    readonly price: string;
    readonly tax: string;
    readonly total: number;
  }[];
  readonly total: number;
}

/** A webhook that the till acted on; repeats of its id had no effect. */
interface Heard {
  readonly id: string;
  readonly type: string;
  readonly data: Record<string, unknown>;
  readonly traceparent: string | null;
  /** How often it came. */
  times: number;
}

export interface ToyTillOptions {
  readonly seed: number;
  readonly token: string;
  /** `whsec_…`: what the till signs with, and what it expects to be signed with. */
  readonly secret: string;
  /** Shares, 0 to 1, of what goes wrong. */
  readonly faults?: {
    /** Pushed never. */
    readonly lost?: number;
    /** Pushed as a thin `sale.changed`. */
    readonly thin?: number;
    /** Pushed twice at the same instant. */
    readonly twice?: number;
    /** Webhooks to the till: acted on, then the connection is cut before the answer. */
    readonly cut?: number;
    /** Webhooks to the till: 500 before anything is done. */
    readonly broken?: number;
  };
}

export interface ToyTill {
  readonly url: string;
  /** Everything sold, newest revisions last. */
  readonly sales: readonly SoldSale[];
  /** What the till was told, in the order in which it acted. */
  readonly heard: readonly Heard[];
  /** Requests to `/webhooks` with a signature that is not right. */
  readonly refused: number;
  /** Status codes the hub gave to pushes. */
  readonly answers: readonly number[];
  /** Sells something, or corrects an earlier sale; pushes it to `hub` (the whole address) until it is acknowledged. */
  sell(hub: string, corrects?: SoldSale): Promise<SoldSale>;
  stop(): Promise<void>;
}

const ARTICLES = ['Lantern', 'Mug', 'Tea towel', 'Cake stand', 'Bell', 'Jam jar'];
const PAGE = 50;

/** A Toy Till with its own record of sales and of what it was told: a stand-in for tests, which knows nothing of the connector. */
export async function startToyTill(options: ToyTillOptions): Promise<ToyTill> {
  const random = seeded(options.seed);
  const faults = options.faults ?? {};
  const chance = (share = 0): boolean => random() < share;
  const state = { sales: [] as SoldSale[], heard: [] as Heard[], refused: 0, answers: [] as number[] };
  const server = createServer((request, response) => {
    if (request.url?.startsWith('/sales')) return listSales(request, response);
    if (request.method === 'POST' && request.url === '/webhooks') return void hear(request, response);
    response.writeHead(404).end();
  });

  function listSales(request: IncomingMessage, response: ServerResponse): void {
    if (request.headers.authorization !== `Bearer ${options.token}`) {
      response.writeHead(401).end();
      return;
    }
    const after = Number(new URL(request.url!, 'http://till').searchParams.get('after') || 0);
    const sales = state.sales.slice(after, after + PAGE);
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ sales, cursor: String(after + sales.length) }));
  }

  async function hear(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    if (!isRight(request, body, options.secret)) {
      state.refused += 1;
      response.writeHead(401).end();
      return;
    }
    if (chance(faults.broken)) {
      response.writeHead(500).end();
      return;
    }
    const id = String(request.headers['webhook-id']);
    const known = state.heard.find((message) => message.id === id);
    if (known) known.times += 1;
    else {
      const { type, data } = JSON.parse(body.toString()) as Pick<Heard, 'type' | 'data'>;
      state.heard.push({ id, type, data, traceparent: request.headers.traceparent?.toString() ?? null, times: 1 });
    }
    if (chance(faults.cut)) {
      request.socket.destroy();
      return;
    }
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  }

  /** The same id each time, signed anew, until it is acknowledged. */
  async function push(hub: string, id: string, message: object): Promise<void> {
    const body = JSON.stringify(message);
    for (let attempt = 1; attempt <= 50; attempt++) {
      const headers = signedNow(options.secret, id, Buffer.from(body));
      const status = await fetch(hub, { method: 'POST', body, headers, signal: AbortSignal.timeout(20_000) })
        .then((answer) => answer.status)
        .catch(() => 0);
      state.answers.push(status);
      if (status >= 200 && status < 300) return;
      await new Promise((resolve) => setTimeout(resolve, Math.min(2000, 20 * 2 ** attempt)));
    }
    throw new Error(`the hub did not take ${id}`);
  }

  async function sell(hub: string, corrects?: SoldSale): Promise<SoldSale> {
    const sale = makeSale(state.sales.length + 1, random, corrects);
    state.sales.push(sale);
    const timestamp = sale.soldAt;
    const id = `msg_${sale.id}_${sale.revision}`;
    const whole = { type: 'sale.completed', timestamp, data: { sale } };
    if (chance(faults.lost)) return sale;
    if (chance(faults.thin)) await push(hub, id, { type: 'sale.changed', timestamp, data: { id: sale.id } });
    else await Promise.all(Array.from({ length: chance(faults.twice) ? 2 : 1 }, () => push(hub, id, whole)));
    return sale;
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get sales() {
      return state.sales;
    },
    get heard() {
      return state.heard;
    },
    get refused() {
      return state.refused;
    },
    get answers() {
      return state.answers;
    },
    sell,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function makeSale(n: number, random: Random, corrects?: SoldSale): SoldSale {
  const pick = (most: number): number => Math.floor(random() * most);
  const id = corrects?.id ?? `S${1000 + n}`;
  const lines = Array.from({ length: 1 + pick(4) }, (_, index) => {
    const article = pick(ARTICLES.length);
    const quantity = 1 + pick(5);
    const price = 100 + pick(5000);
    return {
      id: `${id}-${index + 1}`,
      sku: `A${article}`,
      name: ARTICLES[article]!,
      quantity: String(quantity),
      price: (price / 100).toFixed(2),
      tax: 'standard',
      total: quantity * price,
    };
  });
  const customer = random() < 0.5 ? null : { id: `C${pick(20)}`, name: 'A regular' };
  return {
    id,
    number: id,
    revision: (corrects?.revision ?? 0) + 1,
    soldAt: new Date(Date.UTC(2026, 4, 1, 9, 0, n)).toISOString(),
    currency: 'EUR',
    customer,
    lines,
    total: lines.reduce((sum, { total }) => sum + total, 0),
  };
}
