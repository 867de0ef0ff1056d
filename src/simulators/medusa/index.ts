import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Random, seeded } from '../../core/clock.ts';
import { signedNow } from '../signature.ts';
import { answer } from './api.ts';
import { Refusal, Shop } from './shop.ts';

/** Shares, 0 to 1, of requests that go wrong. */
interface Faults {
  /** Answered only after the connection was cut: what was asked for is done. */
  cut?: number;
  /** HTTP 502 before anything is done. */
  broken?: number;
}

export interface MedusaOptions {
  readonly seed?: number;
  /** On 127.0.0.1; a free one when absent. */
  readonly port?: number;
  readonly key?: string;
  /** `whsec_…`: what its subscriber signs notices with. */
  readonly secret?: string;
  readonly now?: () => Date;
  /** Prices with tax in them. */
  readonly inclusive?: boolean;
  readonly faults?: Faults;
}

export interface MedusaSimulator {
  readonly url: string;
  readonly key: string;
  /** The shop's own ledger. */
  readonly shop: Shop;
  /** May be changed at any time. */
  readonly faults: Faults;
  readonly requests: { readonly method: string; readonly path: string; readonly status: number }[];
  /** Tells the hub of an event as a subscriber does; gives the HTTP status. */
  tell(hub: string, type: string, id: string): Promise<number>;
  stop(): Promise<void>;
}

/** Starts a simulated Medusa 2 on 127.0.0.1: its own ledger, the part of the Admin API that hubs use, signed notices, and faults as they are asked for. */
export async function startMedusa(options: MedusaOptions = {}): Promise<MedusaSimulator> {
  const random = seeded(options.seed ?? 1);
  const shop = new Shop(options);
  const key = options.key ?? 'sk_simulated';
  const secret = options.secret ?? `whsec_${Buffer.alloc(32, 3).toString('base64')}`;
  const faults: Faults = { ...options.faults };
  const requests: MedusaSimulator['requests'] = [];
  const server = createServer((request, response) => {
    receive({ request, response, shop, key, faults, random, requests }).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    key,
    shop,
    faults,
    requests,
    tell: async (hub, type, id) => {
      const body = Buffer.from(JSON.stringify({ type, data: { id } }));
      const headers = signedNow(secret, shop.id('msg'), body);
      const response = await fetch(hub, { method: 'POST', body: new Uint8Array(body), headers });
      await response.arrayBuffer();
      return response.status;
    },
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface Receiving {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly shop: Shop;
  readonly key: string;
  readonly faults: Faults;
  readonly random: Random;
  readonly requests: MedusaSimulator['requests'];
}

async function receive({ request, response, shop, key, faults, random, requests }: Receiving): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const { pathname: path, searchParams: query } = new URL(request.url ?? '/', 'http://medusa');
  const method = request.method ?? 'GET';
  const say = (status: number, body: unknown): void => {
    const html = typeof body === 'string';
    const text = html ? body : JSON.stringify(body);
    requests.push({ method, path, status });
    response.writeHead(status, { 'content-type': html ? 'text/html; charset=utf-8' : 'application/json' });
    response.end(text);
  };
  if (request.headers.authorization !== `Basic ${Buffer.from(`${key}:`).toString('base64')}`)
    return say(401, { message: 'Unauthorized' });
  const chance = (share = 0): boolean => share > 0 && random() < share;
  if (chance(faults.broken)) return say(502, 'Bad Gateway');
  try {
    const text = Buffer.concat(chunks).toString();
    const body = text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
    const told = answer(shop, { method, path, query, body });
    if (chance(faults.cut)) {
      requests.push({ method, path, status: 0 });
      return void request.socket.destroy();
    }
    say(200, told);
  } catch (error) {
    if (!(error instanceof Refusal)) return say(500, { type: 'unknown_error', message: String(error) });
    if (error.type === '') return say(error.status, `<!DOCTYPE html><pre>${error.message}</pre>`);
    say(error.status, { type: error.type, message: error.message });
  }
}
