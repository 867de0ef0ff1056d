import { randomFrom } from './random.ts';

const faultKinds = [
  'latency',
  'cut-before-commit',
  'cut-after-commit',
  'commit-late',
  'status',
  'expired-key',
  'serialization',
  'worker-killed',
] as const;

type FaultKind = (typeof faultKinds)[number];

/** When something shall go wrong, and what. */
export interface FaultRule {
  readonly kind: FaultKind;
  /** Globs such as `sale.*`; every model and method when absent. */
  readonly model?: string;
  readonly method?: string;
  /** Chance per matching call, 0 to 1; 1 when absent. */
  readonly probability?: number;
  /** Exact matching calls to hit, the first being 1. */
  readonly calls?: readonly number[];
  /** How often at most. */
  readonly limit?: number;
  /** Milliseconds of delay for `latency` and `commit-late`. */
  readonly ms?: number;
  /** `commit-late`: whether the connection is closed at once or left silent until the commit. */
  readonly socket?: 'destroy' | 'silent';
  /** `status`: 429 or 503. */
  readonly status?: number;
  /** `status`: seconds for the Retry-After header. */
  readonly retryAfter?: number;
  readonly seed?: number;
}

interface Armed {
  readonly id: number;
  readonly rule: FaultRule;
  readonly random: () => number;
  matched: number;
  applied: number;
}

const glob = (pattern: string | undefined, text: string): boolean =>
  pattern === undefined ||
  new RegExp(
    `^${pattern
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
  ).test(text);

const isNumber = (value: unknown): value is number | undefined =>
  value === undefined || (typeof value === 'number' && Number.isFinite(value));

/** Checks a rule that came as JSON. Throws RangeError in words. */
export function readRule(value: unknown): FaultRule {
  const rule = (value ?? {}) as FaultRule;
  if (!faultKinds.includes(rule.kind)) throw new RangeError(`kind must be one of ${faultKinds.join(', ')}`);
  for (const name of ['probability', 'limit', 'ms', 'status', 'retryAfter', 'seed'] as const)
    if (!isNumber(rule[name])) throw new RangeError(`${name} must be a number`);
  if (rule.calls !== undefined && !(Array.isArray(rule.calls) && rule.calls.every((call) => Number.isInteger(call))))
    throw new RangeError('calls must be a list of whole numbers');
  return rule;
}

/** The rules in force. The same seed and the same calls give the same faults. */
export class Faults {
  private readonly seed: number;
  private armed: Armed[] = [];
  private lastId = 0;

  constructor(seed: number) {
    this.seed = seed;
  }

  add(rule: FaultRule): number {
    const id = ++this.lastId;
    this.armed.push({ id, rule, random: randomFrom((rule.seed ?? this.seed) + id * 7919), matched: 0, applied: 0 });
    return id;
  }

  list(): { id: number; rule: FaultRule; matched: number; applied: number }[] {
    return this.armed.map(({ id, rule, matched, applied }) => ({ id, rule, matched, applied }));
  }

  clear(id?: number): void {
    this.armed = id === undefined ? [] : this.armed.filter((one) => one.id !== id);
  }

  /** The first rule that hits this call. Every matching rule counts it. */
  strike(model: string, method: string): FaultRule | undefined {
    let hit: FaultRule | undefined;
    for (const one of this.armed) {
      if (!glob(one.rule.model, model) || !glob(one.rule.method, method)) continue;
      one.matched++;
      const exact = one.rule.calls ? one.rule.calls.includes(one.matched) : true;
      const lucky = one.random() >= (one.rule.probability ?? 1);
      if (hit || !exact || lucky || one.applied >= (one.rule.limit ?? Number.POSITIVE_INFINITY)) continue;
      one.applied++;
      hit = one.rule;
    }
    return hit;
  }
}
