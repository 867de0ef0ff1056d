import { storedText } from '../core/money.ts';
import type { Change, Trouble } from '../engine/rehearse.ts';

const MOST_FIELDS = 12;
const MOST_LETTERS = 60;

const shown = (value: unknown): string => {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > MOST_LETTERS ? `${text.slice(0, MOST_LETTERS)}…` : text;
};

/** A change in lines for people: the document, then its fields and what it is worth more or less. */
export function* changeLines({ kind, key, is, fields, currency, minor }: Change): Iterable<string> {
  const worth =
    currency !== null && minor !== 0n
      ? `  (${minor > 0n ? '+' : ''}${storedText({ minor, currency })} ${currency})`
      : '';
  yield `  ${is} ${kind} ${key}${worth}`;
  if (is === 'new') return;
  for (const { pointer, before, after } of fields.slice(0, MOST_FIELDS))
    yield `    ${pointer}: ${shown(before)} → ${shown(after)}`;
  if (fields.length > MOST_FIELDS) yield `    and ${fields.length - MOST_FIELDS} more fields`;
}

interface Problem extends Trouble {
  count: number;
  /** One of those it concerns. */
  subject: string;
}

/** Adds changes and problems up. */
export class Tally {
  readonly #documents = new Map<string, { kind: string; made: number; changed: number }>();
  readonly #money = new Map<string, bigint>();
  readonly #problems = new Map<string, Problem>();

  add(changes: readonly Change[]): void {
    for (const { kind, is, currency, minor } of changes) {
      const row = this.#documents.get(kind) ?? { kind, made: 0, changed: 0 };
      row[is === 'new' ? 'made' : 'changed'] += 1;
      this.#documents.set(kind, row);
      if (currency !== null) this.#money.set(currency, (this.#money.get(currency) ?? 0n) + minor);
    }
  }

  /** Problems of one cause count together, with the words of the first. */
  trouble({ cause, message }: Trouble, subject: string): void {
    const known = this.#problems.get(cause);
    if (known) known.count += 1;
    else this.#problems.set(cause, { cause, message, count: 1, subject });
  }

  figures() {
    return {
      documents: [...this.#documents.values()],
      money: [...this.#money].map(([currency, minor]) => ({ currency, difference: storedText({ minor, currency }) })),
      problems: [...this.#problems.values()].sort((a, b) => b.count - a.count),
    };
  }
}
