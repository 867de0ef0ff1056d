import { type Static, Type } from 'typebox';
import { classified, defineDocument } from '../core/document.ts';

const JournalEntrySchema = Type.Object({
  id: Type.String(classified('internal')),
  /** YYYY-MM-DD. */
  date: Type.String(classified('internal')),
  reference: Type.String(classified('internal')),
  /** Journal code of the hub, translated by Mapping table `journals`. */
  journal: Type.String(),
  currency: Type.String(classified('public')),
  /** Debit is positive, credit negative, in minor units; the lines add up to 0. `account` is translated by Mapping table `accounts`. */
  lines: Type.Array(
    Type.Object({ id: Type.String(), account: Type.String(), label: Type.String(), amount: Type.Integer() }),
    { minItems: 2 },
  ),
});

export type JournalEntry = Static<typeof JournalEntrySchema>;

/** A balanced entry in the books, such as a till's day summary. */
export const JournalEntryDocument = defineDocument({
  name: 'journal-entry',
  version: '1.0',
  schema: JournalEntrySchema,
  key: (entry) => entry.id,
  references: (entry) => [['journal-entry', entry.reference]],
  measure: (entry) => ({
    lines: entry.lines.length,
    currency: entry.currency,
    minor: 0n,
    absolute: entry.lines.reduce((all, line) => all + BigInt(Math.abs(line.amount)), 0n) / 2n,
  }),
});
