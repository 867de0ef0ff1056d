import { divideRounded } from '../../core/decimal.ts';
import { currencyDigits, moneyText } from '../../core/money.ts';

/** An amount in the shop's currency and as the customer saw it; minor units. */
export interface Bag {
  readonly shop: bigint;
  readonly presentment: bigint;
}

/** The currencies of a sale, and how much presentment currency one unit of shop currency is (parts per million). */
export interface Currencies {
  readonly shop: string;
  readonly presentment: string;
  readonly rate: bigint;
}

/** The customer's amount of a shop amount, each converted and rounded by itself, as Shopify does. */
export function bag(shop: bigint, { shop: from, presentment: to, rate }: Currencies): Bag {
  if (from === to) return { shop, presentment: shop };
  const digits = BigInt(currencyDigits(to) - currencyDigits(from));
  const scale = digits >= 0n ? 10n ** digits : 1n;
  const down = digits < 0n ? 10n ** -digits : 1n;
  return { shop, presentment: divideRounded(shop * rate * scale, 1_000_000n * down) };
}

/** MoneyBag as the API writes it: decimals, at least one (`"10.0"`), as Shopify's do. */
export function moneyBag({ shop, presentment }: Bag, currencies: Currencies) {
  return {
    shopMoney: { amount: amountText(shop, currencies.shop), currencyCode: currencies.shop },
    presentmentMoney: { amount: amountText(presentment, currencies.presentment), currencyCode: currencies.presentment },
  };
}

/** Shopify writes `10.0` for ten, `10.5` for ten and a half, `10.25`. */
function amountText(minor: bigint, currency: string): string {
  const text = moneyText({ minor, currency });
  return text.includes('.') ? text.replace(/(\.\d+?)0+$/, '$1') : `${text}.0`;
}

export const addBags = (bags: Iterable<Bag>): Bag => {
  let shop = 0n;
  let presentment = 0n;
  for (const one of bags) {
    shop += one.shop;
    presentment += one.presentment;
  }
  return { shop, presentment };
};

export const negative = ({ shop, presentment }: Bag): Bag => ({ shop: -shop, presentment: -presentment });

/** `part` of `whole` of a bag, rounded. */
export const share = ({ shop, presentment }: Bag, part: bigint, whole: bigint): Bag => ({
  shop: whole === 0n ? 0n : divideRounded(shop * part, whole),
  presentment: whole === 0n ? 0n : divideRounded(presentment * part, whole),
});
