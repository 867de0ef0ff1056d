import type { Context, Item, Result, Sink } from '../../../core/connector.ts';
import { type Fault, rejected } from '../../../core/fault.ts';
import { money, moneyText } from '../../../core/money.ts';
import { type JournalEntry, JournalEntryDocument } from '../../../model/journal-entry.ts';
import type { Odoo } from '../database.ts';
import { externalId } from '../external-id.ts';
import { pair, type Row } from '../rows.ts';
import { type Cells, type Loadable, type Loaded, load } from './load.ts';
import { afterLanding, deliverPrepared } from './prepared.ts';
import { minorOf, sinkOf } from './sink.ts';

interface Prepared {
  readonly loadable: Loadable;
  readonly journal: number;
}

/**
 * Balanced entries become posted `account.move` of type `entry`. What Odoo already holds is read first, for `load()` on a posted entry fails; then those
 * that are missing or still drafts are loaded, posted, and read back: state, date (a lock date moves it silently) and amount.
 *
 * Mapping tables: `journals` (journal code of the hub → of Odoo) and `accounts` (account code of the hub → of Odoo). Only the company's own currency.
 *
 * @see odoo.md §3 POS summaries; recording 36-journal-entry-pos
 */
export const journalEntries = (odoo: Odoo, max: number): Sink<typeof JournalEntryDocument> =>
  sinkOf(odoo, {
    name: 'journal-entries',
    accepts: JournalEntryDocument,
    batch: { max, maxLines: 2000, onFailure: 'none-lands' },
    deliver: (items, cx) =>
      deliverPrepared(
        items,
        (item) => entryOf(odoo, item, cx),
        (ready) => settle(odoo, ready, cx),
      ),
  });

async function entryOf(odoo: Odoo, { key, document: entry }: Item<JournalEntry>, cx: Context): Promise<Prepared> {
  const { currency, name } = await odoo.company(cx);
  if (entry.currency !== currency.name)
    throw rejected(
      `journal entry ${entry.reference} is in ${entry.currency}, but ${name} in Odoo keeps ${currency.name}`,
      'currency-unknown',
      'currency',
    );
  const balance = entry.lines.reduce((all, line) => all + BigInt(line.amount), 0n);
  if (balance !== 0n)
    throw rejected(
      `journal entry ${entry.reference} does not balance: debit exceeds credit by ${moneyText(money(balance, entry.currency))} ${entry.currency}`,
      'unbalanced',
      'lines',
    );
  if (new Set(entry.lines.map((line) => line.id)).size < entry.lines.length)
    throw rejected(`two lines of journal entry ${entry.reference} have the same id`, 'line-id', 'lines');
  const journal = await odoo.journal(cx.mapping('journals').get(entry.journal), cx);
  const rows: Cells[] = [];
  for (const line of entry.lines) {
    const account = await odoo.account(cx.mapping('accounts').get(line.account), cx);
    const amount = BigInt(line.amount);
    rows.push({
      id: externalId(odoo.module(cx), 'entry_line', key, line.id),
      'account_id/.id': String(account),
      name: line.label,
      debit: amount > 0n ? moneyText(money(amount, entry.currency)) : '0',
      credit: amount < 0n ? moneyText(money(-amount, entry.currency)) : '0',
      'tax_ids/.id': '',
    });
  }
  const cells: Cells = {
    id: externalId(odoo.module(cx), 'entry', key),
    move_type: 'entry',
    'journal_id/.id': String(journal),
    date: entry.date,
    ref: entry.reference,
  };
  return { loadable: { cells, lines: { field: 'line_ids', rows } }, journal };
}

type Ready = readonly { readonly item: Item<JournalEntry>; readonly prepared: Prepared }[];

async function settle(odoo: Odoo, ready: Ready, cx: Context): Promise<Result[]> {
  const idOf = ({ prepared }: Ready[number]) => prepared.loadable.cells.id;
  const references = [...new Set(ready.map(({ item }) => item.document.reference))];
  const domain = [
    ['ref', 'in', references],
    ['move_type', '=', 'entry'],
  ];
  const held = await odoo.own('account.move', domain, ready.map(idOf), ['state'], cx);
  const open = ready.filter((one) => held.get(idOf(one))?.state !== 'posted');
  const loaded = await load(
    odoo,
    'account.move',
    open.map(({ prepared }) => prepared.loadable),
    cx,
  );
  const stages = new Map<string, Loaded>();
  for (const [name, { id }] of held) stages.set(name, { outcome: 'landed', id: id as number });
  open.forEach((one, place) => {
    stages.set(idOf(one), loaded[place]!);
  });
  const drafts = loaded.flatMap((one) => (one.outcome === 'landed' ? [one.id] : []));
  const refusals = await post(odoo, drafts, cx);
  const outcomes = ready.map((one) => stages.get(idOf(one))!);
  return readBack(odoo, ready, outcomes, refusals, cx);
}

/** Posts drafts: all at once, one by one where that is refused. Gives the Fault of each that was refused. */
async function post(odoo: Odoo, ids: readonly number[], cx: Context): Promise<Map<number, Fault>> {
  const refusals = new Map<number, Fault>();
  if (ids.length === 0) return refusals;
  const fault = await press(odoo, ids, cx);
  if (fault?.kind === 'rejected' && ids.length > 1)
    for (const id of ids) {
      const own = await press(odoo, [id], cx);
      if (own) refusals.set(id, own);
    }
  else if (fault) for (const id of ids) refusals.set(id, fault);
  return refusals;
}

async function press(odoo: Odoo, ids: readonly number[], cx: Context): Promise<Fault | null> {
  try {
    await odoo.call('account.move', 'action_post', { ids }, cx);
    return null;
  } catch (error) {
    return odoo.faultOf(error, 'account.move', cx);
  }
}

async function readBack(
  odoo: Odoo,
  ready: Ready,
  outcomes: readonly Loaded[],
  refusals: ReadonlyMap<number, Fault>,
  cx: Context,
): Promise<Result[]> {
  const ids = outcomes.flatMap((one) => (one.outcome === 'landed' ? [one.id] : []));
  if (ids.length === 0) return outcomes as Result[];
  let rows: Map<unknown, Row>;
  try {
    const fields = ['state', 'date', 'amount_total', 'journal_id'];
    rows = new Map((await odoo.read('account.move', [['id', 'in', ids]], fields, cx)).map((row) => [row.id, row]));
  } catch (error) {
    const fault = afterLanding(error, 'the journal entry was written to Odoo');
    return outcomes.map((one) => (one.outcome === 'landed' ? { outcome: 'failed', fault } : one));
  }
  return outcomes.map((one, place): Result => {
    if (one.outcome !== 'landed') return one;
    const { item, prepared } = ready[place]!;
    const row = rows.get(one.id);
    const fault =
      row?.state !== 'posted' && refusals.has(one.id)
        ? refusals.get(one.id)!
        : differenceOf(item.document, prepared.journal, row);
    return fault ? { outcome: 'failed', fault } : { outcome: 'done', id: String(one.id) };
  });
}

function differenceOf(entry: JournalEntry, journal: number, row: Row | undefined): Fault | null {
  const landed = `journal entry ${entry.reference} has landed in Odoo, but`;
  const differs = (message: string, cause: string): Fault => ({
    kind: 'rejected',
    message: `${landed} ${message}`,
    cause,
  });
  if (!row) return differs('cannot be read back there', 'read-back-missing');
  if (row.state !== 'posted') return differs(`is in state '${String(row.state)}' there, not posted`, 'read-back-state');
  if (row.date !== entry.date)
    return differs(
      `is booked on ${String(row.date)} there and ${entry.date} here (a locked period?)`,
      'read-back-date',
    );
  if (pair(row.journal_id as never).id !== journal) return differs('is in another journal there', 'read-back-journal');
  const debit = entry.lines.reduce((all, line) => all + BigInt(Math.max(line.amount, 0)), 0n);
  const theirs = minorOf(row.amount_total, entry.currency);
  if (theirs === debit) return null;
  const amount = (minor: bigint) => `${moneyText(money(minor, entry.currency))} ${entry.currency}`;
  return differs(`its amount is ${amount(theirs)} there and ${amount(debit)} here`, 'read-back-amount');
}
