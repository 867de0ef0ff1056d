import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Random } from '../../src/core/clock.ts';

interface Written {
  readonly key: string;
  readonly n: number;
}

/** What happens to a call, each with its probability. */
export interface Mishaps {
  /** It does what it was asked, and breaks off before it answers. */
  lost: number;
  /** It breaks off, and does what it was asked up to 3.5 seconds later. */
  late: number;
  /** 429 or 503, and Retry-After. */
  storm: number;
  /** 500, nothing done. */
  failing: number;
}

export const calm: Mishaps = { lost: 0, late: 0, storm: 0, failing: 0 };

/**
 * The target of the gauntlet, with a ledger of its own: notes are records by key, changed by whoever writes last; every call to payments makes
 * another payment. A note whose number ends in 13 is refused.
 */
export class Receiver {
  /** Every change of a note, in the order in which it took effect. */
  readonly changes: Written[] = [];
  readonly payments: Written[] = [];
  mishaps: Mishaps = calm;
  calls = 0;
  /** Calls by a hub that had been told to wait. What was under way when it was told, and what a hub sends that never heard of it, is none. */
  early = 0;
  readonly #notes = new Map<string, number>();
  readonly #random: Random;
  readonly #server;
  #pending = 0;

  private constructor(random: Random) {
    this.#random = random;
    this.#server = createServer((request, response) => {
      void this.#serve(request, response).catch(() => response.destroy());
    });
  }

  static async open(random: Random): Promise<Receiver> {
    const receiver = new Receiver(random);
    await new Promise<void>((resolve) => receiver.#server.listen(0, '127.0.0.1', resolve));
    return receiver;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get pending(): number {
    return this.#pending;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://target');
    const say = (status: number, body: unknown, headers = {}) =>
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
    if (url.pathname === '/find') {
      const keys = url.searchParams.get('keys')!.split(',');
      say(
        200,
        keys.map((key) => {
          const at = this.payments.findIndex((payment) => payment.key === key);
          return at < 0 ? null : `payment/${at}`;
        }),
      );
      return;
    }
    this.calls += 1;
    if (request.headers['x-too-early'] !== undefined) this.early += 1;
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const items = JSON.parse(Buffer.concat(chunks).toString()) as Written[];
    const act = () => (url.pathname === '/payments' ? this.#pay(items) : this.#change(items));
    let dice = this.#random();
    const falls = (share: number): boolean => {
      dice -= share;
      return dice < 0;
    };
    const { lost, late, storm, failing } = this.mishaps;
    if (falls(storm)) {
      say(this.#random() < 0.5 ? 429 : 503, {}, { 'retry-after': '1' });
      return;
    }
    if (falls(failing)) return void say(500, {});
    if (falls(late)) {
      this.#pending += 1;
      setTimeout(() => {
        this.#pending -= 1;
        act();
      }, this.#random() * 3500);
      return void request.socket.destroy();
    }
    if (falls(lost)) {
      act();
      return void request.socket.destroy();
    }
    say(200, act());
  }

  #change(items: readonly Written[]): { id?: string; problem?: string }[] {
    return items.map(({ key, n }) => {
      if (n % 100 === 13) return { problem: `Note ${key} has the number ${n}, which this target does not take.` };
      if (this.#notes.get(key) !== n) this.changes.push({ key, n });
      this.#notes.set(key, n);
      return { id: `note/${key}` };
    });
  }

  #pay(items: readonly Written[]): { id: string }[] {
    return items.map((item) => ({ id: `payment/${this.payments.push({ key: item.key, n: item.n }) - 1}` }));
  }
}
