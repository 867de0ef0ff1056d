import { compare, decimal, integer } from '../../core/decimal.ts';
import { rejected } from '../../core/fault.ts';
import { momentOf } from '../../core/moment.ts';
import type { FulfilmentOrder } from '../../model/fulfilment-order.ts';
import { type CountLine, milestones, type ShippingAdvice } from './messages.ts';

/** Where a value stands, for people: `shipped-1.csv, line 3`. */
export type Place = string;

const wrong = (at: Place, field: string, what: string) =>
  rejected(`${at}, field '${field}': ${what}.`, 'file-unreadable', field);

export function text(at: Place, field: string, value: string | undefined, most = 100): string {
  const trimmed = value?.trim() ?? '';
  if (trimmed === '') throw wrong(at, field, 'is empty');
  if (trimmed.length > most) throw wrong(at, field, `has ${trimmed.length} characters, more than ${most}`);
  return trimmed;
}

export const optional = (value: string | undefined): string | null => value?.trim() || null;

/** A plain decimal of 0 or more. */
export function quantity(at: Place, field: string, value: string | undefined): string {
  const given = text(at, field, value, 20);
  try {
    if (compare(decimal(given), integer(0)) >= 0) return given;
  } catch {
    throw wrong(at, field, `'${given}' is not a plain number such as 2 or 0.350`);
  }
  throw wrong(at, field, `'${given}' is less than nothing`);
}

/** What a line of a count says: `quantity` is on the shelf, `available` is what no order has claimed. One of them, or both. */
export function counted(
  at: Place,
  { quantity: onHand, available }: Readonly<Record<string, string | undefined>>,
): Pick<CountLine, 'onHand' | 'available'> {
  if (optional(available) === null) return { onHand: quantity(at, 'quantity', onHand), available: null };
  return {
    onHand: optional(onHand) === null ? null : quantity(at, 'quantity', onHand),
    available: quantity(at, 'available', available),
  };
}

/** RFC 3339 with its offset; a time without one could be any of many. */
export function instant(at: Place, field: string, value: string | undefined): string {
  const given = text(at, field, value, 40);
  const time = momentOf(given);
  if (Number.isNaN(time)) throw wrong(at, field, `'${given}' is not a time such as 2026-11-25T16:30:00Z`);
  return new Date(time).toISOString();
}

export const optionalInstant = (at: Place, field: string, value: string | undefined): string | null =>
  optional(value) === null ? null : instant(at, field, value);

export function whole(at: Place, field: string, value: string | undefined): number {
  const given = text(at, field, value, 15);
  if (!/^\d{1,15}$/.test(given) || Number(given) === 0) throw wrong(at, field, `'${given}' is not a number from 1 up`);
  return Number(given);
}

export function oneOf<T extends string>(at: Place, field: string, value: string | undefined, words: readonly T[]): T {
  const given = text(at, field, value).toLowerCase();
  const found = words.find((word) => word === given);
  if (found === undefined) throw wrong(at, field, `'${given}' is none of ${words.join(', ')}`);
  return found;
}

/** How far goods have come; who says nothing of it tells of what has left. */
export const milestone = (at: Place, value: string | undefined): ShippingAdvice['milestone'] =>
  optional(value) === null ? 'shipped' : oneOf(at, 'milestone', value, milestones);

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\u0000-\u001f\u007f]/;

/** What no format of files can say. Throws `rejected` naming the field. */
export function checkOrderText(order: FulfilmentOrder): void {
  const say = (field: string, what: string) =>
    rejected(
      `Fulfilment order ${order.number.replaceAll(new RegExp(CONTROL, 'g'), ' ').slice(0, 40)}: ${field} ${what}.`,
      'unwritable',
      field,
    );
  if (CONTROL.test(order.number) || order.number.trim() === '')
    throw say('number', 'is empty or has a line break or control character');
  for (const { quantity: amount } of order.lines)
    if (!/^\d{1,12}(\.\d{1,6})?$/.test(amount) || Number(amount) === 0)
      throw say('lines.quantity', 'is not a positive plain number');
}
