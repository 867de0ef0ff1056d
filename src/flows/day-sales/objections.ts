import { lineValue, type RecordGroup } from '../../connectors/csv/index.ts';
import type { Doubt } from '../../connectors/csv/lines.ts';
import type { Objection } from '../../core/flow.ts';
import { moneyText } from '../../core/money.ts';
import { type Invoice, type InvoiceLine, weigh } from './invoice.ts';
import type { Row } from './memory.ts';
import { type Cause, causes, type Limits } from './rules.ts';
import type { Settings } from './settings.ts';

/** Minor units; 0 where it cannot be read. */
export const valueOfRow = (row: Row, columns: readonly string[], settings: Settings, native: RecordGroup): bigint =>
  lineValue(
    row.values[columns.indexOf(settings.columns.quantity)],
    row.values[columns.indexOf(settings.columns.price)],
    native.currency,
  ) ?? 0n;

const show = (lines: readonly InvoiceLine[]): string => {
  const words = lines
    .slice(0, 3)
    .map(
      (line) =>
        `${line.code} '${line.description}' ${line.quantityText} × ${line.priceText}${line.at ? ` (${line.at})` : ''}`,
    );
  return `${words.join('; ')}${lines.length > 3 ? `; and ${lines.length - 3} more` : ''}`;
};

const limitOf: Partial<Record<Cause, keyof Limits>> = {
  'manual-entry': 'manual',
  'large-discount': 'discount',
  'large-sample': 'sample',
  'large-fee': 'fee',
  'quantity-out-of-range': 'quantity',
  'price-out-of-range': 'price',
};

/** What a person is asked about lines that are held for one cause. */
export function objectionAbout(
  cause: Cause,
  lines: readonly InvoiceLine[],
  invoice: Invoice,
  limits: Limits,
): Objection {
  const measure = weigh(lines, invoice.currency);
  const limit = limitOf[cause];
  const value = moneyText({ minor: measure.minor, currency: invoice.currency });
  return {
    cause,
    message: `Invoice ${invoice.number}, ${lines.length} ${lines.length === 1 ? 'line' : 'lines'} worth ${value} ${invoice.currency}: ${causes[cause]}.${limit ? ` The limit is ${limits[limit]}.` : ''} ${show(lines)}.`,
    measure,
  };
}

const doubts: Readonly<Record<Doubt, string>> = {
  'repeat-or-continuation':
    'they are equal to lines that are known, and the files do not say whether they are the same ones again or more of them',
  'changed-invoice':
    'they fit nowhere into the lines that are known of this invoice: it was changed after it was posted, or another one has its number',
};

/** What a person is asked about lines of which nobody can tell whether they are new. */
export function objectionToDoubt(
  { why, lines }: { why: Doubt; lines: readonly Row[] },
  native: RecordGroup,
  columns: readonly string[],
  settings: Settings,
): Objection {
  const measure = weigh(
    lines.map((row) => ({ value: valueOfRow(row, columns, settings, native) })),
    native.currency,
  );
  const value = moneyText({ minor: measure.minor, currency: native.currency });
  const place = lines[0]?.at ? ` from ${lines[0].at} on` : '';
  return {
    cause: why,
    message: `Invoice ${native.group}, ${lines.length} ${lines.length === 1 ? 'line' : 'lines'} worth ${value} ${native.currency}${place}: ${doubts[why]}. Decide \`append\` (they are new) or \`duplicate\` (they are not).`,
    measure,
  };
}
