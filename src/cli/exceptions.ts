import { HubError } from '../core/errors.ts';
import type { Estate } from '../core/estate.ts';
import { storedText } from '../core/money.ts';
import { Doorbell } from '../engine/doorbell.ts';
import { heldRecord } from '../engine/held.ts';
import { Names } from '../engine/names.ts';
import { bindException, dismissException, editException, retryException } from '../engine/resolve.ts';
import { wire } from '../engine/wiring.ts';
import { type ExceptionRow, findException, listExceptions, type OpenFilter } from '../ledger/exceptions.ts';
import { loadEstate } from './estate-file.ts';
import { actor } from './mapping.ts';
import { type OpenLedger, withLedger } from './open.ts';
import { printJson, sayTo, since, stake, table, until } from './print.ts';

/** An Exception as `--json` shows it. `value` and `absolute` are null where no money is at stake. */
function visible(ledger: OpenLedger, row: ExceptionRow) {
  const { labels, currency, minor, absolute } = row;
  return {
    id: row.id,
    cause: row.cause,
    message: ledger.vault.unseal(row.message_sealed, `exception:${row.id}`).toString(),
    field: row.field,
    lines: row.lines,
    labels,
    value: currency === null ? null : storedText({ minor, currency }),
    absolute: currency === null ? null : storedText({ minor: absolute, currency }),
    currency,
    holds: row.holds,
    flow: row.flow,
    connection: row.connection,
    subject: row.subject,
    kind: row.kind,
    key: row.key,
    owner: row.owner,
    state: row.state,
    openedAt: row.opened_at,
    dueAt: row.due_at,
  };
}

/** All open Exceptions that fit, oldest first. */
export async function openExceptions(
  ledger: OpenLedger,
  filter: Partial<OpenFilter> = {},
): Promise<ReturnType<typeof visible>[]> {
  const all: ReturnType<typeof visible>[] = [];
  for (let after: string | null = null; ; ) {
    const page = await listExceptions(ledger.db, after, 1000, filter);
    all.push(...page.map((row) => visible(ledger, row)));
    if (page.length < 1000) return all;
    after = page.at(-1)!.id;
  }
}

export interface ListOptions extends Partial<OpenFilter> {
  json?: boolean;
}

export async function list({ json = false, ...filter }: ListOptions): Promise<void> {
  await withLedger(async (ledger) => {
    const all = await openExceptions(ledger, filter);
    if (json) return printJson(all);
    if (all.length === 0)
      return sayTo(false)(Object.keys(filter).length > 0 ? 'No open Exception fits.' : 'No open Exceptions.');
    sayTo(false)(
      table(
        ['id', 'age', 'due', 'cause', 'subject', '>lines', '>value', 'owner', 'message'],
        all.map((x) => [
          x.id.slice(-12),
          since(x.openedAt),
          until(x.dueAt),
          x.cause,
          x.subject ?? x.key ?? '',
          String(x.lines),
          stake(x.value, x.currency),
          x.owner,
          x.message,
        ]),
      ),
    );
  });
}

export async function show(id: string, { json = false }: { json?: boolean }): Promise<void> {
  await withLedger(async (ledger) => {
    const row = await find(ledger, id);
    const shown = { ...visible(ledger, row), record: (await heldRecord(ledger, ledger.db, row))?.record ?? null };
    if (json) return printJson(shown);
    const say = sayTo(false);
    say(`${shown.cause}: ${shown.message}\n`);
    for (const [name, value] of Object.entries(shown))
      if (!['message', 'record'].includes(name) && value !== null)
        say(`${name.padEnd(11)} ${value instanceof Date ? value.toISOString() : value}`);
    if (shown.record !== null) say(`\nrecord\n${JSON.stringify(shown.record, null, 2)}`);
    say(`\nWhat you can do:\n${choices(row, id).join('\n')}`);
  });
}

/** The commands that can decide on an Exception. One that stands beside an event is answered; one that holds a record lets it be edited. */
function choices(row: ExceptionRow, id: string): string[] {
  const beside = row.event_id !== null && row.delivery_id === null && !row.holds;
  return [
    ...(beside
      ? [`  crossdock exceptions retry ${id} --answer WORD --reason "…"   (the words stand in the message)`]
      : []),
    `  crossdock exceptions retry ${id} --reason "…"`,
    ...(beside ? [] : [`  crossdock exceptions edit ${id} --set /field='"value"' --reason "…"`]),
    `  crossdock exceptions dismiss ${id} --reason "…"`,
    ...(row.delivery_id
      ? [
          `  crossdock exceptions dismiss ${id} --bound-to ID --reason "…"   (it is in ${row.connection} already, under that id)`,
        ]
      : []),
  ];
}

export async function retry(
  ids: string[],
  { reason, answer, config }: { reason: string; answer?: string; config: string },
): Promise<void> {
  await decide(
    ids,
    config,
    (parts, row) => retryException(parts, row, { by: actor(), reason }, answer ?? null),
    'goes again',
  );
}

export async function edit(
  id: string,
  { set, reason, config }: { set: string[]; reason: string; config: string },
): Promise<void> {
  const edits = new Map(
    set.map((text) => {
      const at = text.indexOf('=');
      if (at < 1)
        throw new HubError('BAD_USE', `'${text}' is not pointer=json`, { hint: `write it as /lines/0/quantity='"2"'` });
      try {
        return [text.slice(0, at), JSON.parse(text.slice(at + 1)) as unknown] as const;
      } catch (cause) {
        throw new HubError('BAD_USE', `the value of '${text.slice(0, at)}' is not JSON`, {
          cause,
          hint: 'text stands in double quotes',
        });
      }
    }),
  );
  await decide(
    [id],
    config,
    (parts, row) => editException(parts, row, { by: actor(), reason }, edits),
    'was changed and goes again',
  );
}

export async function dismiss(
  ids: string[],
  { reason, boundTo, config }: { reason: string; boundTo?: string; config: string },
): Promise<void> {
  if (boundTo !== undefined && ids.length > 1)
    throw new HubError('BAD_USE', '--bound-to is about one Exception', { hint: 'decide on them one by one' });
  if (boundTo !== undefined)
    return decide(
      ids,
      config,
      (parts, row) => bindException(parts, row, { by: actor(), reason }, boundTo),
      `is dismissed: its record is in the target as ${boundTo}`,
    );
  await decide(ids, config, (parts, row) => dismissException(parts, row, { by: actor(), reason }), 'is dismissed');
}

type Acting = Parameters<typeof retryException>[0];

async function decide(
  ids: string[],
  config: string,
  act: (parts: Acting, row: ExceptionRow) => Promise<void>,
  done: string,
): Promise<void> {
  const estate: Estate = await loadEstate(config);
  await withLedger(async (ledger) => {
    const wiring = wire(estate);
    const names = new Names(ledger.vault, wiring);
    const parts = { db: ledger.db, vault: ledger.vault, wiring, names, bell: new Doorbell() };
    for (const id of ids) {
      await act(parts, await find(ledger, id));
      sayTo(false)(`${id} ${done}.`);
    }
  });
}

async function find({ db }: OpenLedger, id: string): Promise<ExceptionRow> {
  const row = await findException(db, id);
  if (!row)
    throw new HubError('NOT_FOUND', `there is no single Exception '${id}'`, { hint: 'crossdock exceptions list' });
  return row;
}
