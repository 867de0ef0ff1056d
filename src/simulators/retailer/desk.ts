/** An Odoo, and a login there. */
export interface BooksAccess {
  readonly url: string;
  readonly db: string;
  readonly key: string;
}

/** Odoo did not answer, or not what it should: it may have done it or not. */
class Unanswered extends Error {}

const ATTEMPTS = 100;
const PAUSE = 250;

/**
 * Odoo's own API as people's screens use it. What was not answered is tried again; so all that is `call`ed may be done twice.
 *
 * @see https://www.odoo.com/documentation/19.0/developer/reference/external_api.html
 */
export class Desk {
  readonly #access: BooksAccess;

  constructor(access: BooksAccess) {
    this.#access = access;
  }

  call<T>(model: string, method: string, args: Readonly<Record<string, unknown>>): Promise<T> {
    return again(() => this.once<T>(model, method, args));
  }

  read<T>(model: string, domain: readonly unknown[], fields: readonly string[]): Promise<T[]> {
    return this.call<T[]>(model, 'search_read', { domain, fields });
  }

  write(model: string, id: number, vals: Readonly<Record<string, unknown>>): Promise<unknown> {
    return this.call(model, 'write', { ids: [id], vals });
  }

  /** The first record that is found, else a new one: looked for before each attempt, so that a lost answer makes no second one. */
  find(model: string, domain: readonly unknown[], vals: () => Promise<Record<string, unknown>>): Promise<number> {
    return again(async () => {
      const [found] = await this.once<number[]>(model, 'search', { domain });
      if (found !== undefined) return found;
      const [made] = await this.once<number[]>(model, 'create', { vals_list: [await vals()] });
      return made!;
    });
  }

  /** Does something until it is seen to be done: looked for before each attempt, so that a lost answer does it no second time. What is done goes by `once`. */
  until<T>(seen: () => Promise<T | undefined>, act: () => Promise<unknown>): Promise<T> {
    return again(async () => {
      const found = await seen();
      if (found !== undefined) return found;
      await act();
      const made = await seen();
      if (made === undefined) throw new RangeError('Odoo answered, and did nothing');
      return made;
    });
  }

  /** One attempt. Throws where it was not answered. */
  async once<T>(model: string, method: string, args: Readonly<Record<string, unknown>>): Promise<T> {
    const { url, db, key } = this.#access;
    let response: Response;
    let answer: T & { message?: string };
    try {
      response = await fetch(`${url}/json/2/${model}/${method}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `bearer ${key}`, 'x-odoo-database': db },
        body: JSON.stringify(args),
      });
      answer = (await response.json()) as typeof answer;
    } catch (cause) {
      throw new Unanswered(`${model}.${method} was not answered`, { cause });
    }
    if (response.ok) return answer;
    const message = `${model}.${method}: ${answer.message}`;
    throw response.status >= 500 || response.status === 429 ? new Unanswered(message) : new RangeError(message);
  }
}

async function again<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Unanswered) || attempt > ATTEMPTS) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
}
