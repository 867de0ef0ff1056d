import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { signed } from '../support/webhook.ts';

interface Load {
  port: number;
  connections: number;
  seconds: number;
  /** Makes the ids of different loads different. */
  round: number;
}

export interface Measured {
  perSecond: number;
  /** Milliseconds from the last byte written to the first byte read. */
  p50: number;
  p99: number;
  acknowledged: number;
  refused: number;
}

/** Runs a load in a process of its own, so that it does not share the measured server's thread. */
export async function runLoad(load: Load): Promise<Measured> {
  const child = fork(import.meta.filename, [JSON.stringify(load)], { execArgv: process.execArgv });
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`the load ended with ${code}`);
  });
  ended.catch(() => undefined);
  const [measured] = (await Promise.race([once(child, 'message'), ended])) as [Measured];
  return measured;
}

/** Requests made and signed before the clock starts: what is measured is the server, not the load. */
function makeRequests({ port, round }: Load, count: number): Buffer[] {
  const text = 'x'.repeat(950);
  return Array.from({ length: count }, (_, n) => {
    const body = JSON.stringify({ id: `r${round}-${n % 997}`, n, text: `${port}${text}` });
    const headers = Object.entries({ ...signed(body), 'content-type': 'application/json' });
    const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    return Buffer.from(
      `POST /in/from/notes HTTP/1.1\r\nhost: 127.0.0.1\r\n${lines}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
  });
}

/** Reads answers as cheaply as it can be done: the load must not take the processor from what it measures. */
class Answers {
  #pending = Buffer.alloc(0);
  #usual = -1;

  /** Whether the request was accepted, or null while its answer has not come whole. */
  take(bytes: Buffer): boolean | null {
    // All accepted answers of one server are of one length.
    if (this.#pending.length === 0 && bytes.length === this.#usual) return isAccepted(bytes);
    this.#pending = Buffer.concat([this.#pending, bytes]);
    const text = this.#pending.toString('latin1');
    const head = text.indexOf('\r\n\r\n');
    const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0);
    if (head < 0 || text.length < head + 4 + length) return null;
    const accepted = isAccepted(this.#pending);
    if (accepted) this.#usual = text.length;
    this.#pending = Buffer.alloc(0);
    return accepted;
  }
}

/** `HTTP/1.1 2…` */
const isAccepted = (answer: Buffer): boolean => answer[9] === 0x32;

async function measure(load: Load): Promise<Measured> {
  const requests = makeRequests(load, Math.min(400_000, load.seconds * 40_000));
  const times: number[] = [];
  let next = 0;
  let refused = 0;
  const started = performance.now();
  const end = started + load.seconds * 1000;
  const talk = () =>
    new Promise<void>((resolve, reject) => {
      const answers = new Answers();
      let sent = 0;
      const callback = (count: number, bytes: Uint8Array): boolean => {
        const accepted = answers.take(Buffer.from(bytes.buffer, bytes.byteOffset, count));
        if (accepted === null) return true;
        times.push(performance.now() - sent);
        if (!accepted) refused += 1;
        ask();
        return true;
      };
      const onread = { buffer: Buffer.alloc(16 * 1024), callback };
      const socket = connect({ port: load.port, host: '127.0.0.1', noDelay: true, onread });
      const ask = (): void => {
        const request = requests[next++];
        if (!request || performance.now() > end) {
          socket.end();
          resolve();
          return;
        }
        sent = performance.now();
        socket.write(request);
      };
      socket.once('connect', ask).once('error', reject);
    });
  await Promise.all(Array.from({ length: load.connections }, talk));
  const took = (performance.now() - started) / 1000;
  if (next >= requests.length) throw new Error('the load ran out of requests');
  times.sort((a, b) => a - b);
  const at = (share: number): number => times[Math.floor(times.length * share)] ?? 0;
  return {
    perSecond: times.length / took,
    p50: at(0.5),
    p99: at(0.99),
    acknowledged: times.length - refused,
    refused,
  };
}

if (process.argv[1] === import.meta.filename && process.send) {
  process.send(await measure(JSON.parse(process.argv[2]!) as Load));
  process.disconnect();
}
