import { milliseconds } from '../core/clock.ts';
import { HubError } from '../core/errors.ts';
import { lookupConnection } from '../core/estate.ts';
import { FaultError, faultOf, isOwn } from '../core/fault.ts';
import type { Answer, LookupRule } from '../core/lookup.ts';
import { scrubbed } from '../core/mask.ts';
import { contextFor } from './context.ts';
import type { Parts } from './parts.ts';
import { validateBody } from './validate.ts';
import { viewFor } from './view.ts';

interface Known {
  body: unknown;
  problem: string | null;
  /** Monotonic milliseconds. */
  at: number;
}

/** Answers remembered per look-up; the longest unused goes first. */
const MOST_REMEMBERED = 20_000;
/** For how long a system that did not answer, or a key with a problem, is not asked again. */
const RESPITE_MS = 2000;

/**
 * Answers simple reads at once (hybrid routing): from what it was told a moment ago, else from the system itself; when that does not answer in time,
 * from memory as long as that may count. A key that is being asked for is not asked for twice.
 */
class LookupDesk {
  readonly #parts: Parts;
  readonly #rule: LookupRule;
  readonly #connection: string;
  readonly #known = new Map<string, Known>();
  readonly #asking = new Map<string, Promise<Known | null>>();
  #restsUntil = 0;
  #trouble = '';

  constructor(parts: Parts, rule: LookupRule) {
    this.#parts = parts;
    this.#rule = rule;
    this.#connection = lookupConnection(parts.estate, rule);
  }

  /** One answer per key, same order; `paused`: the system is not asked. Throws HubError LOOKUP_UNANSWERED when for one of them nothing may be said. */
  async ask(keys: readonly string[], paused: boolean): Promise<Answer[]> {
    const before = new Map(keys.map((key) => [key, this.#remembered(key)]));
    const wanted = [...before].flatMap(([key, known]) => (this.#isYounger(known, this.#rule.fresh) ? [] : [key]));
    const asked = new Set(wanted);
    if (paused) this.#trouble = 'it is paused';
    const told = paused ? new Map<string, Known>() : await this.#askSystem(wanted);
    return keys.map((key) => {
      const now = told.get(key);
      if (now) return this.#answer(key, now, 'system');
      const known = before.get(key) ?? null;
      if (known && !asked.has(key)) return this.#answer(key, known, 'memory');
      if (known && this.#isYounger(known, this.#rule.stale)) return this.#answer(key, known, 'stale');
      throw new HubError('LOOKUP_UNANSWERED', `'${this.#connection}' does not answer: ${this.#trouble}`, {
        hint: known ? `what was last heard of '${key}' is too old to count` : `nothing was heard of '${key}' before`,
      });
    });
  }

  #answer = (key: string, { body, problem, at }: Known, from: Answer['from']): Answer => ({
    key,
    body,
    problem,
    from,
    age: Math.round(this.#parts.clock.monotonic() - at) / 1000,
  });

  #isYounger(known: Known | null, than: LookupRule['fresh']): boolean {
    if (known === null) return false;
    const most = known.problem === null ? milliseconds(than) : Math.min(milliseconds(than), RESPITE_MS);
    return this.#parts.clock.monotonic() - known.at < most;
  }

  #remembered(key: string): Known | null {
    const known = this.#known.get(key);
    if (!known) return null;
    // Used just now: moves to the end of the line.
    this.#known.delete(key);
    this.#known.set(key, known);
    return known;
  }

  /** What the system says now; keys it did not answer for are missing. */
  async #askSystem(keys: readonly string[]): Promise<Map<string, Known>> {
    const open = keys.filter((key) => !this.#asking.has(key));
    const { batch } = this.#rule.from;
    for (let from = 0; from < open.length; from += batch) {
      const part = open.slice(from, from + batch);
      const call = this.#call(part);
      for (const key of part) {
        const one = call.then((answers) => answers?.get(key) ?? null);
        this.#asking.set(key, one);
        void one.finally(() => this.#asking.delete(key));
      }
    }
    const answers = await Promise.all(keys.map(async (key) => [key, await this.#asking.get(key)] as const));
    return new Map(answers.flatMap(([key, known]) => (known ? [[key, known] as const] : [])));
  }

  /** One call; null when it failed, and why is kept. Never throws. */
  async #call(keys: readonly string[]): Promise<Map<string, Known> | null> {
    const { clock, log } = this.#parts;
    if (clock.monotonic() < this.#restsUntil) return null;
    const rule = this.#rule;
    const signal = AbortSignal.timeout(milliseconds(rule.within));
    try {
      const cx = contextFor(this.#parts, this.#connection, signal, () => true);
      const said = await untilAborted(rule.from.look(keys, cx, viewFor(this.#parts, this.#connection)), signal);
      if (said.length !== keys.length)
        throw new Error(`look-up '${rule.from.name}' answered ${said.length} bodies for ${keys.length} keys`);
      return this.#heard(keys, said);
    } catch (error) {
      // Not the system's trouble, so it needs no rest.
      if (error instanceof FaultError && isOwn(error.fault))
        return this.#heard(
          keys,
          keys.map(() => error),
        );
      const { message } = faultOf(error, 'transient');
      this.#trouble = signal.aborted ? `no answer within ${rule.within}` : message;
      this.#restsUntil = clock.monotonic() + RESPITE_MS;
      log.warn('lookup failed', { lookup: rule.id, connection: this.#connection, error: this.#trouble });
      return null;
    }
  }

  #heard(keys: readonly string[], said: readonly unknown[]): Map<string, Known> {
    const at = this.#parts.clock.monotonic();
    const answers = new Map(keys.map((key, place) => [key, this.#checked(key, said[place], at)]));
    for (const [key, known] of answers) this.#remember(key, known);
    const problems = [...answers.values()].flatMap(({ problem }) => problem ?? []);
    if (problems.length > 0)
      this.#parts.log.warn('lookup has problems', {
        lookup: this.#rule.id,
        connection: this.#connection,
        keys: problems.length,
        first: scrubbed(problems[0]!, []),
      });
    return answers;
  }

  /** One key's answer; what is no such document, or another's, is this key's problem and nobody else's. */
  #checked(key: string, said: unknown, at: number): Known {
    const { gives, name } = this.#rule.from;
    try {
      if (said instanceof FaultError) throw said;
      if (said === null) return { body: null, problem: null, at };
      validateBody(gives, said);
      if (gives.key(said as never) === key) return { body: said, problem: null, at };
      throw new Error(`look-up '${name}' answered with the record of another key`);
    } catch (error) {
      return { body: null, problem: faultOf(error, 'rejected').message, at };
    }
  }

  #remember(key: string, known: Known): void {
    this.#known.delete(key);
    this.#known.set(key, known);
    if (this.#known.size > MOST_REMEMBERED) this.#known.delete(this.#known.keys().next().value!);
  }
}

/** Rejects when the signal aborts, also where the work does not listen to it. */
async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
  return Promise.race([work, aborted]);
}

const desks = new WeakMap<Parts, Map<string, LookupDesk>>();

/** Asks a look-up of the estate; what it remembers is this hub process's. */
export function lookUp(parts: Parts, rule: LookupRule, keys: readonly string[], paused: boolean): Promise<Answer[]> {
  const own = desks.get(parts) ?? new Map<string, LookupDesk>();
  desks.set(parts, own);
  const desk = own.get(rule.id) ?? new LookupDesk(parts, rule);
  own.set(rule.id, desk);
  return desk.ask(keys, paused);
}
