import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { type Random, seeded } from '../../src/core/clock.ts';
import { signed } from '../support/webhook.ts';

/** What became of one hostile request: a status, `closed` without an answer, or `held` when it was still open when the attack ended. */
type End = number | 'closed' | 'held';

export interface Attack {
  port: number;
  count: number;
  seed: number;
  /** At the same time. */
  concurrency: number;
}

export interface Verdict {
  /** How many requests of each kind ended how. */
  ends: Record<string, Record<string, number>>;
  /** Ends that must not be: 2xx, 3xx, 5xx. */
  wrong: string[];
}

interface Hostile {
  kind: string;
  /** Written one after the other, with a pause before each but the first. */
  parts: (string | Buffer)[];
  pauseMs?: number;
  /** Hangs up after the last part. */
  hangsUp?: boolean;
}

const PATH = '/in/from/notes';
const LIMIT = 1024 * 1024;

const post = (headers: Record<string, string | number>, path = PATH): string =>
  `POST ${path} HTTP/1.1\r\nhost: hub\r\n${Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')}\r\n`;

const whole = (body: string | Buffer, headers: Record<string, string | number>, path?: string): (string | Buffer)[] => [
  Buffer.concat([
    Buffer.from(post({ ...headers, 'content-length': Buffer.byteLength(body) }, path)),
    Buffer.from(body),
  ]),
];

const kinds: Record<string, (random: Random) => Omit<Hostile, 'kind'>> = {
  unsigned: (random) => ({ parts: whole(randomBytes(Math.floor(random() * 3000)), {}) }),
  'signed by another': (random) => {
    const body = `{"id":"evil","n":${Math.floor(random() * 1e6)}}`;
    return { parts: whole(body, signed(body, { secret: `whsec_${randomBytes(32).toString('base64')}` })) };
  },
  'replayed, too old': (random) => {
    const body = '{"id":"old","n":1}';
    return { parts: whole(body, signed(body, { age: 301 + Math.floor(random() * 1e6) })) };
  },
  'altered by a byte': (random) => {
    const body = Buffer.from('{"id":"altered","n":12345}');
    const headers = signed(body);
    const at = Math.floor(random() * body.length);
    body[at] = body[at]! ^ (1 << Math.floor(random() * 7));
    return { parts: whole(body, headers) };
  },
  'garbled headers': (random) => ({
    parts: whole('{}', {
      'webhook-id': 'x'.repeat(Math.floor(random() * 300)),
      'webhook-timestamp': ['', '-1', '1e9', 'NaN', '9'.repeat(12), String(Date.now())][Math.floor(random() * 6)]!,
      'webhook-signature': ['v1,', 'v1', ',,,', 'v1,==== '.repeat(400), 'v2,AAAA'][Math.floor(random() * 5)]!,
    }),
  }),
  'deep JSON': () => ({ parts: whole('['.repeat(200_000), {}) }),
  'oversized, declared': (random) => ({
    parts: [post({ 'content-length': LIMIT + 1 + Math.floor(random() * 1e9) }), randomBytes(20_000)],
    hangsUp: random() < 0.5,
  }),
  'oversized, in chunks': () => {
    const chunk = Buffer.concat([Buffer.from('10000\r\n'), Buffer.alloc(65_536, 120), Buffer.from('\r\n')]);
    return { parts: [post({ 'transfer-encoding': 'chunked' }), ...Array<Buffer>(18).fill(chunk), '0\r\n\r\n'] };
  },
  'chunks of one byte': () => ({
    parts: [post({ 'transfer-encoding': 'chunked' }), '1\r\nx\r\n'.repeat(60_000), '0\r\n\r\n'],
  }),
  compressed: () => ({ parts: whole(randomBytes(500), { 'content-encoding': 'gzip' }) }),
  'unknown address': (random) => ({
    parts: whole(
      '{}',
      {},
      ['/in/from/nothing', '/in/x/notes', '/in/%00/notes', '/in/../in/a/b'][Math.floor(random() * 4)],
    ),
  }),
  'not HTTP': (random) => ({ parts: [randomBytes(1 + Math.floor(random() * 400)), '\r\n\r\n'] }),
  'broken HTTP': (random) => ({
    parts: [
      [
        `${post({ 'content-length': 3, 'transfer-encoding': 'chunked' })}0\r\n\r\n`,
        `${post({ 'content-length': '3, 4' })}abc`,
        `${post({ 'transfer-encoding': 'chunked' })}xyz\r\n`,
        `POST ${PATH} HTTP/1.1\r\nno colon here\r\n\r\n`,
        `POST ${PATH} HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`,
        `POST /${'z'.repeat(15_000)} HTTP/1.1\r\nhost: a\r\n\r\n`,
      ][Math.floor(random() * 6)]!,
    ],
  }),
  'hangs up in its body': () => ({ parts: [post({ 'content-length': 5000 }), 'x'.repeat(2000)], hangsUp: true }),
  'slow head': (random) => ({
    parts: [`POST ${PATH} HTTP/1.1\r\n`, ...Array.from({ length: 40 }, (_, n) => `x-${n}: ${random()}\r\n`)],
    pauseMs: 1000,
  }),
  'slow body': () => ({
    parts: [post({ 'content-length': 900_000 }), Buffer.alloc(60_000, 120), ...Array<string>(40).fill('x')],
    pauseMs: 1000,
  }),
};

/** Of `count`, how often each kind comes; slow and large ones are rarer. */
const weightOf = (kind: string): number =>
  kind.startsWith('slow') ? 0.15 : /oversized|deep|one byte/.test(kind) ? 0.25 : 1;

/** Sends hostile requests, each over a connection of its own, until `count` of them have ended; slow ones are held all the while. */
export async function attack({ port, count, seed, concurrency }: Attack): Promise<Verdict> {
  const random = seeded(seed);
  const names = Object.keys(kinds);
  let total = 0;
  const upTo = names.map((name) => {
    total += weightOf(name);
    return total;
  });
  const draw = (): Hostile => {
    const at = random() * total;
    const kind = names.find((_, index) => at < upTo[index]!) ?? names[0]!;
    return { kind, ...kinds[kind]!(random) };
  };
  const verdict: Verdict = { ends: {}, wrong: [] };
  const note = ({ kind }: Hostile, end: End): void => {
    const ends = verdict.ends[kind] ?? {};
    verdict.ends[kind] = ends;
    ends[end] = (ends[end] ?? 0) + 1;
    if (typeof end === 'number' && (end < 400 || end > 499)) verdict.wrong.push(`${kind}: ${end}`);
  };
  const over = new AbortController();
  const slow: Promise<void>[] = [];
  let sent = 0;
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      while (sent < count) {
        sent += 1;
        const hostile = draw();
        const end = suffer(port, hostile, over.signal).then((ended) => note(hostile, ended));
        if (hostile.pauseMs) slow.push(end);
        else await end;
      }
    }),
  );
  const patience = setTimeout(() => over.abort(), 25_000);
  await Promise.all(slow);
  clearTimeout(patience);
  return verdict;
}

function suffer(port: number, { parts, pauseMs, hangsUp }: Hostile, over: AbortSignal): Promise<End> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let heard = '';
    let end: End | null = null;
    const finish = (): void => {
      over.removeEventListener('abort', held);
      socket.destroy();
      resolve(end ?? 'closed');
    };
    const held = (): void => {
      end = 'held';
      finish();
    };
    over.addEventListener('abort', held, { once: true });
    socket.on('data', (data) => {
      heard += data.toString('latin1');
      const status = /^HTTP\/1\.1 (\d{3})/.exec(heard);
      if (!status || !heard.includes('\r\n\r\n')) return;
      end = Number(status[1]);
      finish();
    });
    socket.on('error', () => undefined).on('close', finish);
    socket.once('connect', async () => {
      for (const [index, part] of parts.entries()) {
        if (socket.destroyed || end !== null) return;
        if (pauseMs && index > 0) await new Promise((next) => setTimeout(next, pauseMs));
        socket.write(part);
      }
      if (hangsUp) socket.destroy();
    });
  });
}
