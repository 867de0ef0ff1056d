import type { Context } from '../../../core/connector.ts';

/** Lets the requests of all sources of a connection through one at a time: Odoo's workers are for people first. */
export class Turnstile {
  #last: Promise<unknown> = Promise.resolve();

  /** The same context, whose requests queue here. */
  for(cx: Context): Context {
    return { ...cx, fetch: (url, init) => this.#after(() => cx.fetch(url, init)) };
  }

  #after<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(work, work);
    this.#last = mine.catch(() => undefined);
    return mine;
  }
}
