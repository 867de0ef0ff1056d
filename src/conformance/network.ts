import { milliseconds } from '../core/clock.ts';
import type { Context } from '../core/connector.ts';
import { FaultError } from '../core/fault.ts';

/** A request that a connector made. */
export interface SeenRequest {
  readonly url: string;
  readonly method: string;
  readonly body: string;
  /** 1 for the first request since the last `reset`. */
  readonly number: number;
}

/** What happens to one request. */
export type Mishap =
  /** The connection breaks before anything arrived. */
  | { do: 'cut-before' }
  /** The target did it; the answer never comes. */
  | { do: 'cut-after' }
  /** The target did it; a proxy's page comes instead of its answer. */
  | { do: 'garble' }
  /** The connection breaks at once; the target does it that many milliseconds later. */
  | { do: 'commit-late'; after: number }
  /** The target never sees it; this is answered. What does not go by HTTP fails with those words instead. */
  | { do: 'answer'; response: () => Response }
  /** The target never sees it; the transport fails like this. */
  | { do: 'fail'; error: () => Error }
  /** The engine refuses to send: the lease is no longer ours. */
  | { do: 'lease-lost' };

type Fetch = (url: string, init?: RequestInit) => Promise<Response>;

/** The network of a connector under test: `cx.fetch` goes through it, and what is planned happens. */
export class Network {
  readonly #base: Fetch;
  readonly #late = new Set<Promise<unknown>>();
  #plan: (request: SeenRequest) => Mishap | undefined = () => undefined;
  #sent = false;
  seen: SeenRequest[] = [];

  constructor(base: Fetch) {
    this.#base = base;
  }

  /** Forgets what was seen; from now on `plan` decides. */
  reset(plan: (request: SeenRequest) => Mishap | undefined = () => undefined): void {
    this.seen = [];
    this.#sent = false;
    this.#plan = plan;
  }

  /** Waits until everything that was to commit late has. */
  async quiet(): Promise<void> {
    while (this.#late.size > 0) await Promise.all(this.#late);
  }

  readonly fetch: Context['fetch'] = async (url, { timeout, ...init } = {}) => {
    const { method, body } = new Request(url, init);
    const request = this.#note(url, method, body === null ? '' : await new Response(body).text());
    const mishap = this.#plan(request);
    const send = () => this.#base(url, { ...init, signal: AbortSignal.timeout(milliseconds(timeout ?? '30s')) });
    if (mishap?.do === 'answer') {
      this.#sent = true;
      return mishap.response();
    }
    const response = await this.#befall(mishap, send);
    if (mishap?.do === 'garble') {
      await response.arrayBuffer();
      return new Response('<html><body>Bad gateway</body></html>', {
        status: 502,
        headers: { 'content-type': 'text/html' },
      });
    }
    return response;
  };

  /** Acts that do not go by HTTP: a garbled answer is a lost one, and what would be answered is what the transport says as it fails. */
  readonly call: Context['call'] = async ({ verb, to }, run) => {
    const mishap = this.#plan(this.#note(to, verb, ''));
    if (mishap?.do === 'answer') {
      this.#sent = true;
      throw new Error(await mishap.response().text());
    }
    return this.#befall(mishap?.do === 'garble' ? { do: 'cut-after' } : mishap, run);
  };

  #note(url: string, method: string, body: string): SeenRequest {
    const request = { url, method, body, number: this.seen.length + 1 };
    this.seen.push(request);
    return request;
  }

  async #befall<T>(mishap: Mishap | undefined, send: () => Promise<T>): Promise<T> {
    switch (mishap?.do) {
      case 'lease-lost':
        throw new FaultError(
          this.#sent
            ? { kind: 'unknown', message: 'the lease ran out between two calls' }
            : { kind: 'transient', message: 'the lease ran out before anything was sent' },
        );
      case 'cut-before':
        this.#sent = true;
        throw broken();
      case 'commit-late':
        this.#sent = true;
        this.#follow(new Promise((resolve) => setTimeout(resolve, mishap.after)).then(send));
        throw broken();
      case 'fail':
        this.#sent = true;
        throw mishap.error();
      default:
    }
    this.#sent = true;
    const result = await send();
    if (mishap?.do === 'cut-after') {
      if (result instanceof Response) await result.arrayBuffer();
      throw broken();
    }
    return result;
  }

  #follow(work: Promise<unknown>): void {
    const done: Promise<unknown> = work.catch(() => undefined).then(() => this.#late.delete(done));
    this.#late.add(done);
  }
}

/** As fetch() fails when a connection breaks. */
const broken = (): TypeError =>
  new TypeError('fetch failed', { cause: Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' }) });
