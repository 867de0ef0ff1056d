import { moneyText } from '../../core/money.ts';

/** How what the hub made is told from what people made: its document's key stands in a note. */

/** The mark of a refund, without what it comes to. */
export const refundMark = (key: string): string => `(crossdock ${key}, `;

export const refundNote = (key: string, number: string, amount: bigint, currency: string): string =>
  `${number} ${refundMark(key)}${moneyText({ minor: amount, currency })} ${currency})`;

/** Key of the refund that a hub made, for something that is in the books already; null for one of the shop's own. */
export const refundKeyIn = (note: string | null | undefined): string | null =>
  /\(crossdock (.+), [\d.]+ [A-Z]{3}\)$/.exec(note ?? '')?.[1] ?? null;

/** Stands with the reason of each line of a return. */
export const returnNote = (key: string, number: string): string => `${number} (crossdock ${key})`;

/** Key of the return that a hub made; null for one of the shop's own. */
export const returnKeyIn = (note: string | null | undefined): string | null =>
  /\(crossdock ([^,]+)\)$/.exec(note ?? '')?.[1] ?? null;
