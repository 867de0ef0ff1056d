import type { IncomingMessage } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';

const csp = [
  "default-src 'none'",
  "style-src 'self'",
  "img-src 'self'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ');

const YEAR = 31_536_000;

/** On every answer, errors included. Nothing here may be kept by a cache, framed, or load anything from elsewhere. */
const guards = {
  'content-security-policy': csp,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=(), payment=()',
  'cache-control': 'no-store',
};
const httpsGuards = { ...guards, 'strict-transport-security': `max-age=${YEAR}` };

const guardsFor = (request: WithHeaders): Readonly<Record<string, string>> =>
  behindHttps(request) ? httpsGuards : guards;

export function guardHeaders(request: FastifyRequest, reply: FastifyReply): void {
  reply.headers(guardsFor(request));
}

const flat = Object.entries(guards).flat();
const flatForHttps = Object.entries(httpsGuards).flat();

/** The same as name, value, name, value, as `writeHead` takes it. */
export const flatGuards = (request: WithHeaders): readonly string[] => (behindHttps(request) ? flatForHttps : flat);

type WithHeaders = Pick<IncomingMessage, 'headers'>;

/** Whether the browser spoke https to a proxy before us. A client that lies about it only hurts its own cookie. */
const behindHttps = ({ headers }: WithHeaders): boolean => {
  const told = headers['x-forwarded-proto'];
  return told !== undefined && String(told).split(',')[0]!.trim().toLowerCase() === 'https';
};

const attributes = (request: FastifyRequest): string =>
  `Path=/; HttpOnly; SameSite=Strict${behindHttps(request) ? '; Secure' : ''}`;

export const sessionCookie = (request: FastifyRequest, name: string, value: string): string =>
  `${name}=${value}; ${attributes(request)}`;

export const clearedCookie = (request: FastifyRequest, name: string): string =>
  `${name}=; Max-Age=0; ${attributes(request)}`;

/** The value of a cookie, or null. */
export function cookieOf({ headers }: FastifyRequest, name: string): string | null {
  for (const pair of (headers.cookie ?? '').split(';')) {
    const at = pair.indexOf('=');
    if (pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim();
  }
  return null;
}
