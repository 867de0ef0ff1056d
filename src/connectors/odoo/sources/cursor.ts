import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { FaultError } from '../../../core/fault.ts';

const Instant = Type.String({ pattern: String.raw`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$` });

const CursorSchema = Type.Object({
  /** Who began to read: what a process remembers of another ledger's reading is not this one's. */
  reader: Type.String(),
  /** Server's time before which every change was seen. */
  since: Instant,
  /** Server's time at which the last full comparison began. */
  swept: Instant,
  /** Last id that the full comparison under way has reached; null when none is. */
  after: Type.Union([Type.Integer(), Type.Null()]),
});

/** Where a source of Odoo's has got to. All times are the server's, as it writes them. */
export type Cursor = Static<typeof CursorSchema>;

const check = Compile(CursorSchema);

/** Name of who begins to read at this time of the server's. */
export const readerOf = (node: string, now: string): string => `${node}/${now}`;

/** When the reading began, by the server's clock. */
export const begunOf = ({ reader }: Pick<Cursor, 'reader'>): string => reader.slice(reader.lastIndexOf('/') + 1);

export const writeCursor = (cursor: Cursor): string => JSON.stringify(cursor);

export function readCursor(text: string): Cursor {
  const value: unknown = JSON.parse(text);
  if (check.Check(value)) return value;
  throw new FaultError({ kind: 'transient', message: 'the cursor of a source is not one of Odoo' });
}

/** Odoo's naive UTC as milliseconds. */
export const timeOf = (naive: string): number => Date.parse(`${naive.replace(' ', 'T')}Z`);

/** Odoo's naive UTC as RFC 3339. */
export const rfc3339 = (naive: string): string => `${naive.slice(0, 19).replace(' ', 'T')}Z`;

/** A moment as Odoo writes it, `back` milliseconds earlier. */
export const earlier = (naive: string, back: number): string =>
  new Date(timeOf(naive) - back).toISOString().slice(0, 19).replace('T', ' ');

export const later = (a: string, b: string): string => (a > b ? a : b);
