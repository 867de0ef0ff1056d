import type { Item, Result } from '../../../core/connector.ts';
import { type Fault, FaultError } from '../../../core/fault.ts';
import { moneyText } from '../../../core/money.ts';
import type { Price } from '../../../model/price.ts';
import type { Document } from '../documents/document.ts';
import { faultOfUserError, type UserError } from '../errors.ts';
import { failed } from './sink.ts';

/** A price that is still to be set. */
export interface Wanted {
  readonly index: number;
  readonly item: Item<Price>;
  readonly variant: string;
  /** Shopify's id of the price list; null for the shop's own price. */
  readonly list: string | null;
}

/** What Shopify said to several prices: what it complains of, else what became of each. */
export interface Sent {
  readonly errors: readonly UserError[];
  resultOf(one: Wanted): Result;
}

export const textOf = ({ currency }: Price, minor: number): string => moneyText({ minor: BigInt(minor), currency });

/** `what`: what was to become of the price, such as `set`. */
export const held = (right: boolean, id: string, what: 'set' | 'taken away'): Result =>
  right
    ? { outcome: 'done', id }
    : failed(new FaultError({ kind: 'unknown', message: `Shopify did not say that the price was ${what}` }));

const fieldOf = (path: readonly string[]): string => {
  if (path.includes('compareAtPrice')) return 'compareAt';
  if (path.at(-1) === 'currencyCode') return 'currency';
  if (path.includes('price')) return 'amount';
  return path.at(-1) === 'priceListId' ? 'list' : 'sku';
};

/** Where in what was sent the price stands that a complaint is about; null where Shopify does not say. */
const placeOf = ({ field }: UserError): number | null => {
  const place = field?.find((part) => /^\d+$/.test(part));
  return place === undefined ? null : Number(place);
};

/** A complaint about the product or the list is about all of its prices. */
const isOfAll = ({ field }: UserError): boolean => field?.length === 1 && /^(product|priceList)Id$/.test(field[0]!);

/** What a complaint of Shopify's makes of the price that it is about. */
export type Refused = (one: Wanted, error: UserError) => Result;

/** What is wrong with a price that Shopify complains of. */
export const faultOfPrice = (document: Document, error: UserError): Fault => faultOfUserError(document, error, fieldOf);

/**
 * Sends prices that go together: what Shopify complains of is taken out, and the rest is sent again; where it does not say which, each by itself. Prices are
 * absolute, so that it does no harm where some were set the first time. What there is no time for is `untouched`.
 */
export async function sendTogether(
  refused: Refused,
  group: readonly Wanted[],
  send: (open: readonly Wanted[]) => Promise<Sent>,
  mayBegin: () => boolean,
  results: Result[],
): Promise<void> {
  const complain = (one: Wanted, error: UserError): void => {
    results[one.index] = refused(one, error);
  };
  for (let open = group; open.length > 0; ) {
    if (!mayBegin()) {
      for (const { index } of open) results[index] = { outcome: 'untouched' };
      return;
    }
    const { errors, resultOf } = await send(open);
    if (errors.length === 0) {
      for (const one of open) results[one.index] = resultOf(one);
      return;
    }
    const whole = errors.find(isOfAll);
    const named = new Map(errors.map((error) => [placeOf(error), error]));
    const left = open.filter((_, at) => !named.has(at));
    if (whole || open.length === 1) {
      for (const one of open) complain(one, whole ?? errors[0]!);
      return;
    }
    if (left.length === open.length) {
      for (const one of open) await sendTogether(refused, [one], send, mayBegin, results);
      return;
    }
    for (const [at, one] of open.entries()) if (named.has(at)) complain(one, named.get(at)!);
    open = left;
  }
}
