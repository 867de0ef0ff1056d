import { decimalText } from '../../core/decimal.ts';
import type { Refund } from '../../model/refund.ts';
import { type Ordered, share } from './order-lines.ts';
import { type Edited, editsOf, sum, type TakenOff, totalAt } from './taken-off.ts';
import { plainText, type Terms } from './terms.ts';

type RefundLine = Refund['lines'][number];

/**
 * Money that went back. Medusa does not say what for, so it is told as far as it can be known: what is owed after an edit goes back for the units that were taken off (so Medusa
 * reckons itself: only what is beyond that becomes a credit line), and what is as much as a cancelled order comes to, for all of it. The rest is one line of money.
 */
export function refunds(terms: Terms, ordered: Ordered): Refund[] {
  const edits = editsOf(terms, ordered.inclusive);
  const payments = terms.order.payment_collections.flatMap((one) => one.payments);
  const captures = payments.flatMap((one) => one.captures);
  const all = payments
    .flatMap(({ provider_id, refunds: some }) => some.map((refund) => ({ ...refund, provider_id })))
    .map((one) => ({ ...one, minor: terms.minor(terms.amount(one.amount, 'refunds.amount')) }))
    .sort((a, b) => (a.created_at < b.created_at ? -1 : 1));
  const settled = new Set<Edited>();
  let back = 0n;
  return all.flatMap(({ id, minor, created_at, provider_id }, index): Refund[] => {
    if (minor < 1n) return [];
    const at = Date.parse(terms.instant(created_at, 'refunds.created_at'));
    const paid = captures
      .filter((one) => Date.parse(one.created_at) <= at)
      .reduce((so, { amount }) => so + terms.minor(terms.amount(amount, 'captures.amount')), 0n);
    const owed = paid - back - totalAt(at, edits, ordered, terms);
    back += minor;
    const open = edits.filter((edit) => edit.at <= at && !settled.has(edit));
    const taken = open.flatMap((edit) => edit.taken);
    const forUnits = taken.length === 0 || owed <= 0n ? 0n : lesser(owed, minor);
    if (forUnits > 0n) for (const edit of open) settled.add(edit);
    const goods = forUnits > 0n ? takenLines(taken, forUnits, terms) : [];
    return [
      {
        id: terms.key(id),
        number: `${terms.number}-F${index + 1}`,
        order: terms.key(terms.order.id),
        orderNumber: terms.number,
        return: null,
        refundedOn: terms.day(created_at, 'refunds.created_at'),
        method: terms.paymentMethod(provider_id),
        currency: terms.currency,
        amount: Number(minor),
        lines: [...goods, ...restLines(minor - forUnits, terms, ordered)],
      },
    ];
  });
}

const lesser = (a: bigint, b: bigint): bigint => (a < b ? a : b);

/** Units that were taken off, for the money that went back for them: less than they were worth where some of it pays for what was added. */
function takenLines(taken: readonly TakenOff[], money: bigint, terms: Terms): RefundLine[] {
  const whole = sum(taken.map(({ worth }) => worth));
  let left = Number(money);
  return taken.map(({ id, line, units, worth, tax }, place): RefundLine => {
    const amount = place === taken.length - 1 ? left : Number(terms.minor(share(terms.major(money), worth, whole)));
    left -= amount;
    return {
      id,
      orderLine: line.id,
      description: line.title,
      quantity: decimalText(units),
      left: plainText(line.quantity),
      amount,
      tax: Number(terms.minor(share(terms.major(BigInt(amount)), tax, worth))),
      taxes: terms.taxCodes(line.tax_lines),
    };
  });
}

/** Money for no units that an edit took off: for all that is on a cancelled order, or for nothing that is told. */
function restLines(money: bigint, terms: Terms, ordered: Ordered): RefundLine[] {
  if (money === 0n) return [];
  const whole = terms.order.status === 'canceled' && money === BigInt(ordered.total);
  return whole ? wholeLines(ordered) : [{ ...noGoods, id: 'money', description: 'Money back', amount: Number(money) }];
}

const noGoods = { orderLine: null, quantity: '0', tax: 0, taxes: [] };

/** Every line of the order, what discounts took off it with it. */
function wholeLines({ lines, inclusive, total }: Ordered): RefundLine[] {
  const discounts = new Map(lines.map((line) => [line.id, line]));
  const isDiscount = (id: string): boolean => id.endsWith('-discount');
  const goods = lines
    .filter(({ id, quantity }) => id !== 'rounding' && !isDiscount(id) && quantity !== '0')
    .map(({ id, description, quantity, taxes, total: net, tax = 0 }): RefundLine => {
      const off = discounts.get(`${id}-discount`);
      const taxed = tax + (off?.tax ?? 0);
      const amount = net + (off?.total ?? 0) + (inclusive ? 0 : taxed);
      return { id, orderLine: id, description, quantity, amount, tax: taxed, taxes };
    });
  const rest = goods.reduce((left, { amount }) => left - amount, total);
  return rest === 0 ? goods : [...goods, { ...noGoods, id: 'rounding', description: 'Rounding', amount: rest }];
}
