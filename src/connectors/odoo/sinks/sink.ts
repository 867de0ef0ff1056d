import { milliseconds } from '../../../core/clock.ts';
import type { Result, Sink } from '../../../core/connector.ts';
import { type Decimal, decimal } from '../../../core/decimal.ts';
import type { AnyDocumentType } from '../../../core/document.ts';
import { FaultError, rejected } from '../../../core/fault.ts';
import { currencyDigits } from '../../../core/money.ts';
import type { Odoo } from '../database.ts';
import { externalId } from '../external-id.ts';
import type { Loaded } from './load.ts';

/** Calls of the longest a delivery may take: writing, reading back and one repeat. */
const longestSteps = 2;

type Parts<D extends AnyDocumentType> = Pick<Sink<D>, 'name' | 'accepts' | 'batch' | 'deliver'> &
  Partial<Pick<Sink<D>, 'idempotency' | 'find' | 'compares' | 'minds' | 'match' | 'count'>>;

/** What all sinks of an Odoo have in common. Unless a sink says otherwise, external ids make every repeat the same one effect. */
export const sinkOf = <D extends AnyDocumentType>(odoo: Odoo, parts: Parts<D>): Sink<D> => ({
  idempotency: 'external-id',
  ids: /^[1-9]\d*$/,
  ...parts,
  settle: odoo.settings.settle,
  deadline: milliseconds(odoo.settings.timeout) * longestSteps,
});

/**
 * Records of ours, by external id, among those whose `field` is what the end of a key says (`till:12001`): asked after a restore, so that a record that is there is bound and
 * not written over. One that is not found so counts as absent: `load()` knows it by its external id all the same.
 */
export const findBy =
  (odoo: Odoo, { model, kind, field }: { model: string; kind: string; field: string }): NonNullable<Sink['find']> =>
  async (items, cx) => {
    const keys = items.map(({ key }) => key);
    const names = keys.map((key) => externalId(odoo.module(cx), kind, key));
    const words = new Set(keys.flatMap((key) => [key, key.slice(key.lastIndexOf(':') + 1)]));
    const anyCase = [...words].map((word) => [field, '=ilike', word.replaceAll(/[%_\\]/g, String.raw`\$&`)]);
    const rows = await odoo.own(model, [...anyCase.slice(1).map(() => '|'), ...anyCase], names, ['id'], cx);
    return names.map((name) => {
      const row = rows.get(name);
      return row ? { found: 'whole', id: String(row.id) } : { found: 'absent' };
    });
  };

export const resultOf = (loaded: Loaded): Result =>
  loaded.outcome === 'landed' ? { outcome: 'done', id: String(loaded.id) } : loaded;

/** Odoo's datetime: UTC without saying so, `YYYY-MM-DD HH:MM:SS`. Throws `rejected` naming the field for text that is no time. */
export function naiveUtc(time: string, field: string): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime()))
    throw rejected(`'${time.slice(0, 40)}' is not an RFC 3339 time`, 'not-a-time', field);
  return date.toISOString().slice(0, 19).replace('T', ' ');
}

/** A plain decimal of an order. Throws `rejected` naming order and field. */
export function numberOf(text: string, field: string, order: string): Decimal {
  try {
    return decimal(text);
  } catch (error) {
    throw rejected(`order ${order}: ${field}: ${(error as Error).message}`, 'not-a-number', field);
  }
}

/** A float of Odoo in minor units: exact for amounts below 90 trillion cents. */
export function minorOf(amount: unknown, currency: string): bigint {
  if (typeof amount !== 'number' || !Number.isFinite(amount))
    throw new FaultError({ kind: 'unknown', message: 'Odoo gave no amount to compare with' });
  return BigInt(Math.round(amount * 10 ** currencyDigits(currency)));
}
