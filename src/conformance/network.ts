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
  /** The target never sees it; this is answered. */
  | { do: 'answer'; response: () => Response }
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
    const request: SeenRequest = {
      url,
      method,
      body: body === null ? '' : await new Response(body).text(),
      number: this.seen.length + 1,
    };
    this.seen.push(request);
    const mishap = this.#plan(request);
    const send = () => this.#base(url, { ...init, signal: AbortSignal.timeout(milliseconds(timeout ?? '30s')) });
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
      case 'answer':
        this.#sent = true;
        return mishap.response();
      default:
    }
    this.#sent = true;
    const response = await send();
    if (mishap?.do === 'cut-after') {
      await response.arrayBuffer();
      throw broken();
    }
    if (mishap?.do === 'garble') {
      await response.arrayBuffer();
      return new Response('<html><body>Bad gateway</body></html>', {
        status: 502,
        headers: { 'content-type': 'text/html' },
      });
    }
    return response;
  };

  #follow(work: Promise<unknown>): void {
    const done: Promise<unknown> = work.catch(() => undefined).then(() => this.#late.delete(done));
    this.#late.add(done);
  }
}

/** As fetch() fails when a connection breaks. */
const broken = (): TypeError =>
  new TypeError('fetch failed', { cause: Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' }) });
