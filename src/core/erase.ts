import type { TSchema } from 'typebox';
import { masked } from './mask.ts';

/** Stands in the body of a record from which a person was erased. */
const MARK = '~erased';
const GONE = '[erased]';
/** Shorter words would be found in anything. */
const SHORTEST = 4;

export const isErased = (body: unknown): boolean =>
  body !== null && typeof body === 'object' && Object.hasOwn(body, MARK);

/**
 * A copy of a record without a person: what its schema calls personal or payment is masked, and the person's `words` are taken out of every other text
 * (whole and one by one, in any case of letters, four characters or more). Amounts, dates and codes stay.
 */
export function erased(schema: TSchema, body: unknown, words: readonly string[]): Record<string, unknown> {
  const known = words.flatMap((word) => [word.trim(), ...word.split(/\s+/u)]).filter((word) => word.length >= SHORTEST);
  const patterns = [...new Set(known)]
    .sort((a, b) => b.length - a.length)
    .map((word) => new RegExp(word.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`), 'giu'));
  const without = (value: unknown): unknown => {
    if (typeof value === 'string') return patterns.reduce((text, pattern) => text.replaceAll(pattern, GONE), value);
    if (Array.isArray(value)) return value.map(without);
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, without(field)]));
  };
  return { ...(without(masked(schema, body).body) as object), [MARK]: true };
}
