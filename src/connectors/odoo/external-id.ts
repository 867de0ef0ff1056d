import { sha256 } from '../../core/seal.ts';

/**
 * External ids as Odoo's `ir.model.data` keeps them: `module.name` with letters, digits, `_` and `-`. Different keys give different ids: letters
 * and digits stand for themselves, every other character becomes `_` + its code point in hex + `_`, and `-` parts one key from the next.
 * A name of more than 180 characters ends in 40 hex digits of its SHA-256 instead.
 */
const longest = 180;

const encoded = (key: string): string =>
  key.replace(/[^A-Za-z0-9]/gu, (character) => `_${character.codePointAt(0)!.toString(16)}_`);

/** The part before the dot: which hub wrote the record. Never the name of a module that is installed in Odoo (an upgrade of it would delete the ids). */
export const moduleOf = (connection: string): string => `hub_${encoded(connection)}`;

/** `externalId('hub_odoo', 'order_line', '1001', '1')` is `hub_odoo.order_line_1001-1`. `kind` is ours: lower-case letters and `_`. */
export function externalId(module: string, kind: string, ...keys: readonly string[]): string {
  const name = keys.map(encoded).join('-');
  const short =
    name.length <= longest
      ? name
      : `${name.slice(0, longest - 42)}--${sha256(keys.map(encoded).join('-')).toString('hex').slice(0, 40)}`;
  return `${module}.${kind}_${short}`;
}

const decoded = (key: string): string =>
  key.replace(/_([0-9a-f]+)_/g, (_, hex: string) => String.fromCodePoint(Number.parseInt(hex, 16)));

/** The last of the keys that an id was made of, or null for an id that is not ours, or was too long to tell. */
export function lastKeyOf(id: string): string | null {
  const name = id.slice(id.indexOf('.') + 1);
  if (!name.includes('-') || name.includes('--')) return null;
  return decoded(name.slice(name.lastIndexOf('-') + 1));
}

/** The key of the order whose line an id is of, or null as above. */
export function orderKeyOf(id: string): string | null {
  const name = /\.order_line_([^-]+)-[^-]+$/.exec(id)?.[1];
  return name === undefined ? null : decoded(name);
}
