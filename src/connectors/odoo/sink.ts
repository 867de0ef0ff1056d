import { milliseconds } from '../../core/clock.ts';
import type { Result, Sink } from '../../core/connector.ts';
import type { AnyDocumentType } from '../../core/document.ts';
import { FaultError, rejected } from '../../core/fault.ts';
import { currencyDigits } from '../../core/money.ts';
import type { Odoo } from './database.ts';
import type { Loaded } from './load.ts';

/** Calls of the longest a delivery may take: writing, reading back and one repeat. */
const longestSteps = 2;

type Parts<D extends AnyDocumentType> = Pick<Sink<D>, 'name' | 'accepts' | 'batch' | 'deliver'> &
  Partial<Pick<Sink<D>, 'idempotency' | 'find'>>;

/** What all sinks of an Odoo have in common. Unless a sink says otherwise, external ids make every repeat the same one effect. */
export const sinkOf = <D extends AnyDocumentType>(odoo: Odoo, parts: Parts<D>): Sink<D> => ({
  idempotency: 'external-id',
  ...parts,
  settle: odoo.settings.settle,
  deadline: milliseconds(odoo.settings.timeout) * longestSteps,
});

export const resultOf = (loaded: Loaded): Result =>
  loaded.outcome === 'landed' ? { outcome: 'done', id: String(loaded.id) } : loaded;

/** Odoo's datetime: UTC without saying so, `YYYY-MM-DD HH:MM:SS`. Throws `rejected` naming the field for text that is no time. */
export function naiveUtc(time: string, field: string): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime()))
    throw rejected(`'${time.slice(0, 40)}' is not an RFC 3339 time`, 'not-a-time', field);
  return date.toISOString().slice(0, 19).replace('T', ' ');
}

/** A float of Odoo in minor units: exact for amounts below 90 trillion cents. */
export function minorOf(amount: unknown, currency: string): bigint {
  if (typeof amount !== 'number' || !Number.isFinite(amount))
    throw new FaultError({ kind: 'unknown', message: 'Odoo gave no amount to compare with' });
  return BigInt(Math.round(amount * 10 ** currencyDigits(currency)));
}
