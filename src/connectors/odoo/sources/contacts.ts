import type { Context, PollSource } from '../../../core/connector.ts';
import type { Odoo } from '../database.ts';
import { type Capture, feed, type Native } from './feed.ts';

/** A partner that has a number, as it was read. */
export interface ContactRecord extends Native {
  readonly name: string;
  readonly email: string | null;
  readonly phone: string | null;
}

/** What is not in use any more, and addresses and suppliers without a number, nobody's shop has: they are not read. */
const numbered: readonly unknown[] = [['ref', '!=', false]];

const textOf = (value: unknown): string | null => (typeof value === 'string' && value.trim() ? value.trim() : null);

/**
 * Partners (`res.partner`) that have a reference, which all customers with a number at a channel have. Name, e-mail address and telephone number are read, and nothing
 * else of them.
 */
export const contacts = (capture: Capture, every: PollSource<ContactRecord>['every']): PollSource<ContactRecord> =>
  feed<ContactRecord>(capture, {
    name: 'contacts',
    every,
    noun: 'contact',
    watched: async () => [{ model: 'res.partner', domain: numbered, root: 'id' }],
    all: async () => ({ model: 'res.partner', domain: numbered }),
    read: (ids, _now, cx) => read(capture.odoo, ids, cx),
    decode: (bytes) => JSON.parse(Buffer.from(bytes).toString()) as ContactRecord,
  });

async function read(odoo: Odoo, ids: readonly number[], cx: Context): Promise<ContactRecord[]> {
  const rows = await odoo.read(
    'res.partner',
    [['id', 'in', ids], ...numbered],
    ['name', 'email', 'phone', 'write_date'],
    cx,
  );
  return rows.map((row) => ({
    id: row.id as number,
    version: String(row.write_date).slice(0, 19),
    name: textOf(row.name) ?? '',
    email: textOf(row.email),
    phone: textOf(row.phone),
  }));
}
