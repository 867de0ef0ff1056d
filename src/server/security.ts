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
export function guardHeaders(request: FastifyRequest, reply: FastifyReply): void {
  reply.headers({
    'content-security-policy': csp,
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': 'camera=(), microphone=(), geolocation=(), payment=()',
    'cache-control': 'no-store',
  });
  if (behindHttps(request)) reply.header('strict-transport-security', `max-age=${YEAR}`);
}

/** Whether the browser spoke https to a proxy before us. A client that lies about it only hurts its own cookie. */
const behindHttps = ({ headers }: FastifyRequest): boolean =>
  String(headers['x-forwarded-proto'] ?? '')
    .split(',')[0]!
    .trim()
    .toLowerCase() === 'https';

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
