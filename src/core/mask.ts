import type { TSchema } from 'typebox';
import { Value } from 'typebox/value';
import type { Classification } from './document.ts';

/** What may be shown to somebody without the right to personal data. */
const SHOWN: readonly (Classification | undefined)[] = ['public', 'internal', undefined];

interface Node {
  classification?: Classification;
  type?: string;
  properties?: Record<string, TSchema>;
  patternProperties?: Record<string, TSchema>;
  items?: TSchema | TSchema[];
  anyOf?: TSchema[];
  allOf?: TSchema[];
}

/** What was hidden: the values themselves, to find them again in words (`scrubbed`). */
export interface Masked {
  body: unknown;
  hidden: string[];
}

/**
 * A copy of a document's body in which personal and payment fields read `[personal]` or `[payment]`, by the classification in its schema. What
 * the schema does not describe reads `[undescribed]`; null stays null.
 */
export function masked(schema: TSchema, body: unknown): Masked {
  const hidden: string[] = [];
  return { body: mask(schema, body, hidden), hidden };
}

function mask(schema: TSchema, value: unknown, hidden: string[]): unknown {
  const node = schema as Node;
  if (!SHOWN.includes(node.classification)) return hide(value, node.classification!, hidden);
  if (node.allOf)
    return node.allOf.some((part) => classifiedAnywhere(part)) ? hide(value, 'undescribed', hidden) : value;
  if (node.anyOf) {
    // The first variant that fits describes it; a value that fits none is not described.
    const variant = node.anyOf.find((one) => Value.Check(one, value));
    return variant ? mask(variant, value, hidden) : hide(value, 'undescribed', hidden);
  }
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value))
    return value.map((item, index) => {
      const of = Array.isArray(node.items) ? node.items[index] : node.items;
      return of ? mask(of, item, hidden) : hide(item, 'undescribed', hidden);
    });
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => {
      const of = fieldSchema(node, name);
      return [name, of ? mask(of, field, hidden) : hide(field, 'undescribed', hidden)];
    }),
  );
}

function fieldSchema({ properties = {}, patternProperties = {} }: Node, name: string): TSchema | undefined {
  if (Object.hasOwn(properties, name)) return properties[name];
  return Object.entries(patternProperties).find(([pattern]) => new RegExp(pattern, 'u').test(name))?.[1];
}

const classifiedAnywhere = (schema: TSchema): boolean =>
  /"classification":"(personal|payment)"/.test(JSON.stringify(schema));

function hide(value: unknown, word: string, hidden: string[]): unknown {
  if (value === null || value === undefined) return value;
  collect(value, hidden);
  return `[${word}]`;
}

function collect(value: unknown, into: string[]): void {
  if (value !== null && typeof value === 'object') for (const part of Object.values(value)) collect(part, into);
  else if (value !== null && typeof value !== 'boolean') into.push(String(value));
}

const MARK = '[personal]';
/** E-mail addresses; account and card numbers; telephone numbers (with a plus or a leading zero and at least eight digits). */
const LOOKS_PERSONAL = [
  /[\p{L}\p{N}._%+-]+@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+/gu,
  /\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b/g,
  /\b\d(?:[ -]?\d){12,18}\b/g,
  /(?:\+|\b00?)\d(?:[ ()/.-]{0,2}\d){7,14}\b/g,
];

/**
 * Words of a target (an Exception's, an Attempt's message) without the given hidden values, and without what looks like an e-mail address, an
 * account, card or telephone number. Values go whole and word by word (three characters or more), in any case of letters.
 */
export function scrubbed(words: string, hidden: Iterable<string>): string {
  const secrets = new Set<string>();
  for (const value of hidden)
    for (const part of [value.trim(), ...value.split(/[^\p{L}\p{N}]+/u)]) if (part.length >= 3) secrets.add(part);
  let text = words;
  for (const secret of [...secrets].sort((a, b) => b.length - a.length)) {
    const exact = secret.replaceAll(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`);
    text = text.replaceAll(new RegExp(`(?<![\\p{L}\\p{N}])${exact}(?![\\p{L}\\p{N}])`, 'giu'), MARK);
  }
  for (const shape of LOOKS_PERSONAL) text = text.replaceAll(shape, MARK);
  return text;
}
