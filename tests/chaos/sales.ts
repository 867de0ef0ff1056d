import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Random, seeded } from '../../src/core/clock.ts';
import type { SoldLine } from '../../src/simulators/till.ts';

/** An invoice as a till made it. */
export interface Sale {
  readonly invoice: string;
  readonly customer: string;
  readonly lines: readonly SoldLine[];
}

export const HEADER = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n';

/**
 * Sales of one to `most` lines, no code twice in one invoice (so that no line can be taken for another), a tenth of them without a customer;
 * one in twenty only writes stock off.
 */
export function makeSales(options: { seed: number; count: number; most: number; first?: number }): Sale[] {
  const { seed, count, most, first = 700_001 } = options;
  const random = seeded(seed);
  return Array.from({ length: count }, (_, i) => {
    const invoice = String(first + i);
    if (random() < 0.05) return { invoice, customer: '', lines: [{ ...line(random, []), quantity: -3, price: 0 }] };
    const lines: SoldLine[] = [];
    for (let n = 1 + Math.floor(random() * most); n > 0; n--) lines.push(line(random, lines));
    return { invoice, customer: random() < 0.1 ? '' : String(12_000 + Math.floor(random() * 40)), lines };
  });
}

/** A line of an article that is not among `others`. */
export function line(random: Random, others: readonly SoldLine[]): SoldLine {
  for (;;) {
    const article = Math.floor(random() * 120);
    const code = String(20_000 + article * 7);
    if (others.some((other) => other.code === code)) continue;
    return { code, quantity: 1 + Math.floor(random() * 12), price: 50 + article * 5 };
  }
}

/** The records of a till's file. */
export const records = (sales: readonly Sale[]): string =>
  sales
    .flatMap(({ invoice, customer, lines }) =>
      lines.map(
        ({ code, quantity, price }) =>
          `${invoice},${code},ARTICLE ${code},${quantity},2025-03-03 10:00:00,${(price / 100).toFixed(2)},${customer},United Kingdom\n`,
      ),
    )
    .join('');

/** Writes under a name that no inbox takes, then renames. */
export function drop(folder: string, name: string, text: string): void {
  writeFileSync(join(folder, `${name}.part`), text);
  renameSync(join(folder, `${name}.part`), join(folder, name));
}
