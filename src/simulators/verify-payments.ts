/** A payment that was sent. Minor units of a currency with two decimals. */
export interface Paid {
  /** Stands in Odoo as the payment's memo. */
  readonly id: string;
  readonly amount: number;
}

/** What is read of `GET {admin}/ledger`, or of a real Odoo's `account.payment`. */
export interface HeldPayment {
  readonly memo: string | null;
  readonly state: string;
  readonly amount: number;
  readonly reconciled: boolean;
  /** What of it is set against nothing. */
  readonly open?: number;
}

export interface PaymentVerdict {
  /** Payments that were sent and are nowhere. */
  readonly lost: number;
  /** Payments beyond the one that was sent. */
  readonly doubled: number;
  /** Payments of another amount, or set against nothing. */
  readonly wrong: number;
  /** Each of them in words. */
  readonly words: readonly string[];
}

/** Compares payments that were sent with those an Odoo holds, from the Odoo's own records. */
export function verifyPayments(sent: readonly Paid[], held: readonly HeldPayment[]): PaymentVerdict {
  const live = Map.groupBy(
    held.filter(({ state }) => state !== 'canceled' && state !== 'rejected'),
    ({ memo }) => memo ?? '',
  );
  const verdict = { lost: 0, doubled: 0, wrong: 0, words: [] as string[] };
  const known = new Set(sent.map(({ id }) => id));
  for (const { id, amount } of sent) {
    const [first, ...more] = live.get(id) ?? [];
    if (!first) {
      verdict.lost += 1;
      verdict.words.push(`${id}: not there`);
      continue;
    }
    if (more.length > 0) {
      verdict.doubled += more.length;
      verdict.words.push(`${id}: ${more.length + 1} payments`);
    } else if (Math.round(first.amount * 100) !== amount || !first.reconciled || first.state === 'draft') {
      verdict.wrong += 1;
      verdict.words.push(
        `${id}: ${first.amount} instead of ${amount / 100}, ${first.state}, set against ${first.reconciled ? 'an invoice' : 'nothing'}`,
      );
    }
  }
  for (const [memo, payments] of live)
    if (!known.has(memo)) {
      verdict.doubled += payments.length;
      verdict.words.push(`${memo}: ${payments.length} payments that nobody made`);
    }
  return verdict;
}
