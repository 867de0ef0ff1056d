import { moneyText } from '../../core/money.ts';

/**
 * How what the hub made is told from what people made: its document's key stands in a note, in brackets, whatever people write before or after them. Brackets of a key are written as `%28` and `%29`,
 * its percent signs as `%25`; marks of before have them as they are, and are known too.
 */

const codes: Readonly<Record<string, string>> = { '%': '%25', '(': '%28', ')': '%29' };
const signs = new Map(Object.entries(codes).map(([sign, code]) => [code, sign]));

const written = (key: string): string => key.replace(/[%()]/g, (sign) => codes[sign]!);
const read = (text: string): string => text.replace(/%2[589]/g, (code) => signs.get(code)!);

type Note = string | null | undefined;

/** Key as it stands in a refund's note, and what was paid: `12.35 GBP`. */
function refundIn(note: Note): { readonly text: string; readonly sum: string } | null {
  const now = /\(crossdock ([^()]+), ([\d.]+ [A-Z]{3})\)/;
  const before = /\(crossdock (.+), ([\d.]+ [A-Z]{3})\)/s;
  const [, text, sum] = now.exec(note ?? '') ?? before.exec(note ?? '') ?? [];
  return text === undefined || sum === undefined ? null : { text, sum };
}

const sumOf = (amount: bigint, currency: string): string => `${moneyText({ minor: amount, currency })} ${currency}`;

export const refundNote = (key: string, number: string, amount: bigint, currency: string): string =>
  `${number} (crossdock ${written(key)}, ${sumOf(amount, currency)})`;

/** Key of the refund that a hub made, for something that is in the books already; null for one of the shop's own. */
export function refundKeyIn(note: Note): string | null {
  const found = refundIn(note);
  return found && read(found.text);
}

/** Whether a hub made it for this key, whatever it came to. */
export function isRefundOf(note: Note, key: string): boolean {
  const text = refundIn(note)?.text;
  return text === written(key) || text === key;
}

/** Whether a hub's refund came to this. */
export const isRefundWorth = (note: Note, amount: bigint, currency: string): boolean =>
  refundIn(note)?.sum === sumOf(amount, currency);

/** Stands with the reason of each line of a return. */
export const returnNote = (key: string, number: string): string => `${number} (crossdock ${written(key)})`;

/** Key of the return that a hub made; null for one of the shop's own. */
export function returnKeyIn(note: Note): string | null {
  const now = /\(crossdock ([^()]+)\)/.exec(note ?? '')?.[1];
  return now === undefined ? (/\(crossdock (.+)\)$/s.exec(note ?? '')?.[1] ?? null) : read(now);
}
