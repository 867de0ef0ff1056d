import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { Readable } from 'node:stream';
import type { Reach } from '../core/connector.ts';
import { FaultError } from '../core/fault.ts';
import { publicLookup, refusePrivateHost } from './reach.ts';

/** A connection that may lead anywhere is never reused for a call that may not. */
const agents = {
  any: { 'http:': new http.Agent({ keepAlive: true }), 'https:': new https.Agent({ keepAlive: true }) },
  public: { 'http:': new http.Agent({ keepAlive: true }), 'https:': new https.Agent({ keepAlive: true }) },
};
const lookup = publicLookup();
const CONNECT_MS = 10_000;
const WITHOUT_BODY = new Set([204, 205, 304]);

/**
 * fetch() that calls `check` in the very moment in which the request is written, when the connection stands: what `check` throws is thrown, and
 * nothing was sent. With fetch() itself any time may pass between the last look at a lease and the first byte. Redirects are not followed, for
 * they would carry credentials elsewhere. With reach `public` a `refused` Fault is thrown, before a connection is made, for a host that is not on
 * the open internet. Throws like fetch(): the signal's reason, or TypeError with the network's error as its cause.
 */
export async function send(url: string, init: RequestInit, check: () => void, reach: Reach = 'any'): Promise<Response> {
  const { signal, ...rest } = init;
  signal?.throwIfAborted();
  const { method, headers, body } = new Request(url, rest);
  const bytes = body ? Buffer.from(await new Response(body).arrayBuffer()) : null;
  const target = new URL(url);
  if (reach === 'public') refusePrivateHost(target.hostname);
  const secure = target.protocol === 'https:';
  return new Promise<Response>((resolve, reject) => {
    const request = (secure ? https : http).request(target, {
      method,
      agent: agents[reach][secure ? 'https:' : 'http:'],
      ...(reach === 'public' ? { lookup } : {}),
      headers: {
        accept: '*/*',
        'accept-encoding': 'identity',
        ...Object.fromEntries(headers),
        ...(bytes ? { 'content-length': bytes.length } : {}),
      },
    });
    const abort = (): void => void request.destroy(signal!.reason);
    signal?.addEventListener('abort', abort, { once: true });
    request.once('close', () => signal?.removeEventListener('abort', abort));
    request.once('error', (cause) => {
      if (signal?.aborted) reject(signal.reason);
      else if (cause.cause instanceof FaultError) reject(cause.cause);
      else reject(new TypeError(`fetch failed: ${cause.message}`, { cause }));
    });
    request.once('response', (message) => {
      const aborted = (): void => void message.destroy(signal!.reason);
      signal?.addEventListener('abort', aborted, { once: true });
      message.once('close', () => signal?.removeEventListener('abort', aborted));
      resolve(responseOf(message));
    });
    const write = (): void => {
      try {
        check();
      } catch (error) {
        reject(error);
        request.destroy();
        return;
      }
      request.end(bytes);
    };
    request.once('socket', (socket) => {
      if (request.reusedSocket) return write();
      const timer = setTimeout(() => request.destroy(new ConnectTimeout()), CONNECT_MS);
      request.once('close', () => clearTimeout(timer));
      socket.once(secure ? 'secureConnect' : 'connect', () => {
        clearTimeout(timer);
        write();
      });
    });
  });
}

/** Carries the code that fetch() gives: connectors know by it that nothing was sent. */
class ConnectTimeout extends Error {
  readonly code = 'UND_ERR_CONNECT_TIMEOUT';

  constructor() {
    super(`no connection within ${CONNECT_MS / 1000} s`);
  }
}

function responseOf(message: IncomingMessage): Response {
  const headers = new Headers();
  for (let i = 0; i < message.rawHeaders.length; i += 2)
    headers.append(message.rawHeaders[i]!, message.rawHeaders[i + 1]!);
  const status = message.statusCode ?? 0;
  const empty = WITHOUT_BODY.has(status);
  if (empty) message.resume();
  return new Response(empty ? null : (Readable.toWeb(message) as ReadableStream), {
    status,
    statusText: message.statusMessage ?? '',
    headers,
  });
}
