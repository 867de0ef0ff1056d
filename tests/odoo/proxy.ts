import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What happens to one request on its way to Odoo. */
export type Mishap =
  /** Nothing happens to it. */
  | { do: 'pass' }
  /** Odoo did it; the answer never arrives. */
  | { do: 'cut-after' }
  /** Nothing reaches Odoo and the connection is closed. */
  | { do: 'cut-before' }
  /** Odoo never sees it; this is answered instead. */
  | { do: 'answer'; status: number; body: string; headers?: Record<string, string> }
  /** Odoo never sees it; its method gives this result. */
  | { do: 'result'; result: unknown }
  /** Odoo did it; the answer is late. */
  | { do: 'late'; milliseconds: number }
  /** The connection is closed at once; the request reaches Odoo, and is committed, that much later. */
  | { do: 'commit-late'; milliseconds: number };

export interface SeenCall {
  readonly model: string;
  readonly method: string;
  readonly node: string | undefined;
}

/** A way to Odoo on which things go wrong as told, the same for a simulator and a real server. */
export interface Road {
  readonly url: string;
  readonly calls: SeenCall[];
  /** The next `times` calls of `model.method` meet with the mishap; `*` is any call. */
  next(call: string, mishap: Mishap, times?: number): void;
  clear(): void;
  /** Waits until Odoo has answered everything that reached it, or will reach it late. */
  quiet(): Promise<void>;
  close(): Promise<void>;
}

/** How often a call that only reads is made before its Fault is told. */
export const ALL_TRIES = 4;

/** `fate` decides about calls for which nothing was planned. */
export async function startProxy(target: string, fate?: (call: SeenCall) => Mishap | undefined): Promise<Road> {
  const plans: { call: string; mishap: Mishap; times: number }[] = [];
  const calls: SeenCall[] = [];
  const under = new Set<Promise<void>>();
  const server: Server = createServer((request, response) => {
    const serving = serve(request, response).catch(() => void response.destroy());
    under.add(serving);
    void serving.then(() => under.delete(serving));
  });
  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const call = callOf(request.url ?? '/', body);
    const seen = { ...call, node: request.headers['x-crossdock-node'] as string | undefined };
    calls.push(seen);
    const name = `${call.model}.${call.method}`;
    const plan = plans.find((one) => one.times > 0 && (one.call === name || one.call === '*'));
    if (plan) plan.times -= 1;
    const mishap = plan?.mishap ?? fate?.(seen);
    if (mishap?.do === 'cut-before') return void request.socket.destroy();
    if (mishap?.do === 'commit-late') {
      request.socket.destroy();
      await new Promise((resolve) => setTimeout(resolve, mishap.milliseconds));
    }
    if (mishap?.do === 'answer') {
      response.writeHead(mishap.status, { 'content-type': 'text/html', ...mishap.headers }).end(mishap.body);
      return;
    }
    if (mishap?.do === 'result') {
      const rpc = request.url === '/jsonrpc';
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify(rpc ? { jsonrpc: '2.0', id: 1, result: mishap.result } : mishap.result));
      return;
    }
    const { host: _, connection: __, 'content-length': ___, ...headers } = request.headers;
    const answer = await fetch(`${target}${request.url}`, {
      method: request.method ?? 'GET',
      headers: headers as Record<string, string>,
      redirect: 'manual',
      ...(body.length > 0 ? { body } : {}),
    });
    const bytes = Buffer.from(await answer.arrayBuffer());
    if (mishap?.do === 'commit-late') return;
    if (mishap?.do === 'cut-after') return void request.socket.destroy();
    if (mishap?.do === 'late') await new Promise((resolve) => setTimeout(resolve, mishap.milliseconds));
    response
      .writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? 'text/plain' })
      .end(bytes);
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    next: (call, mishap, times = 1) => {
      plans.push({ call, mishap, times });
    },
    clear: () => {
      plans.length = 0;
      calls.length = 0;
    },
    quiet: async () => {
      while (under.size > 0) await Promise.all(under);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function callOf(path: string, body: Buffer): { model: string; method: string } {
  const json2 = /^\/json\/2\/([^/]+)\/([^/?]+)/.exec(path);
  if (json2) return { model: json2[1]!, method: json2[2]! };
  if (path !== '/jsonrpc') return { model: '', method: path };
  const { service, method, args } = (JSON.parse(body.toString()) as { params: Record<string, unknown> }).params;
  if (service !== 'object') return { model: String(service), method: String(method) };
  return { model: String((args as unknown[])[3]), method: String((args as unknown[])[4]) };
}
