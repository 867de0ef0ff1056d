import { HubError } from '../core/errors.ts';
import type { AnyFlow, Estate } from '../core/estate.ts';
import { sourceOf } from '../core/estate.ts';
import { momentOf } from '../core/moment.ts';
import type { Parts } from '../engine/parts.ts';
import { type Rehearsed, rehearseReplay, requestReplay } from '../engine/replay.ts';
import { subjectsToReplay } from '../ledger/replay.ts';
import { spellings } from '../ledger/trace.ts';
import { changeLines, Tally } from './changes.ts';
import { loadEstate } from './estate-file.ts';
import { actor } from './mapping.ts';
import { withLedger } from './open.ts';
import { partsOf } from './parts.ts';
import { counted, printJson, type Say, sayTo, table } from './print.ts';
import { heldWords } from './trace.ts';

export interface ReplayOptions {
  flow?: string;
  from?: string;
  to?: string;
  key?: string;
  cause?: string;
  yes?: boolean;
  reason?: string;
  config: string;
  json?: boolean;
}

const PAGE = 200;

/**
 * Tells flows again what was heard, by flow, time, key or cause of an Exception: first what that would change, field by field and in money, and with
 * `yes` and a reason for real. What a flow would ask a person about is left as it is.
 */
export async function replay(options: ReplayOptions): Promise<void> {
  const { json = false, yes = false, reason } = options;
  if (yes && !reason?.trim())
    throw new HubError('BAD_USE', 'a replay needs a reason', {
      hint: '--reason "what was wrong"; it is kept in the audit',
    });
  const { flow: id, from, to, key, cause } = options;
  if ([id, from, to, key, cause].every((one) => one === undefined))
    throw new HubError('BAD_USE', 'nothing says what is to be told again', {
      hint: 'name a flow (--flow), a time (--from, --to), a key (--key) or the cause of an Exception (--cause); several of them narrow it down',
    });
  const period = { from: moment(options.from, '--from'), to: moment(options.to, '--to') };
  if (period.from && period.to && period.from >= period.to)
    throw new HubError('BAD_USE', `--from ${options.from} is not before --to ${options.to}`, {
      hint: 'what was heard from the one until just before the other is told again',
    });
  const estate = await loadEstate(options.config);
  const flows = id === undefined ? estate.flows : [flowOf(estate, id)];
  const say = sayTo(json);
  await withLedger(async (ledger) => {
    const parts = await partsOf(estate, ledger);
    const told: Told[] = [];
    const total = new Tally();
    for (const flow of flows) {
      const one = await tell(parts, flow, { ...options, ...period }, { total, say });
      if (one.subjects === 0) continue;
      told.push(one);
      if (!json && !isIdle(one)) report(say, one, yes);
    }
    const all = { ...countsOf(told), ...total.figures() };
    if (json) return printJson({ ...all, flows: told });
    const idle = told.filter(isIdle);
    if (idle.length > 0)
      say(
        `\n${idle.map(({ flow }) => flow).join(', ')}: ${counted(countsOf(idle).subjects, 'record')} without a change.`,
      );
    if (told.length > 1) {
      say(`\nIn ${told.length} flows together: ${counted(all.subjects, 'record')}, ${all.unchanged} without a change.`);
      for (const line of figureLines(all)) say(line);
    }
    if (all.held > 0)
      say(
        `\nBehind an earlier version that needs a person ${yes ? 'wait' : 'would wait'} ${all.held}. Dismiss its Exception, and only the new one goes; retry it, and it goes first.`,
      );
    if (told.length === 0) say(`Nothing that ${id === undefined ? 'a flow' : `flow '${id}'`} was told fits.`);
    else if (yes)
      say(
        `\n${counted(all.asked, 'record')} ${all.asked === 1 ? 'goes' : 'go'} again; crossdock trace shows each. A hub must run for it.`,
      );
    else say(`\nNothing was changed.${all.documents.length > 0 ? ' Add --yes --reason "…" to do it.' : ''}`);
  }, say);
}

interface Counts {
  subjects: number;
  unchanged: number;
  /** How many go again. */
  asked: number;
  /** Those that wait, or would, behind an earlier version which is parked. */
  held: number;
}

/** What telling one flow again changes. */
interface Told extends Counts, Figures {
  flow: string;
  records: object[];
}

type Figures = ReturnType<Tally['figures']>;

const countsOf = (told: readonly Counts[]): Counts => {
  const sum = (count: keyof Counts): number => told.reduce((all, one) => all + one[count], 0);
  return { subjects: sum('subjects'), unchanged: sum('unchanged'), asked: sum('asked'), held: sum('held') };
};

/** Tells one flow again what fits, after showing it. What it comes to is added to `total` as well. */
async function tell(
  parts: Parts,
  flow: AnyFlow,
  options: Filter,
  { total, say }: { total: Tally; say: Say },
): Promise<Told> {
  const { connection } = sourceOf(parts.estate, flow);
  const tally = new Tally();
  const counts: Counts = { subjects: 0, unchanged: 0, asked: 0, held: 0 };
  const records: object[] = [];
  for await (const page of pagesOf(parts, flow, options)) {
    counts.subjects += page.length;
    for (const one of page) {
      for (const sum of [tally, total]) {
        sum.add(one.changes);
        if (one.trouble) sum.trouble(one.trouble, one.subject);
      }
      if (one.trouble === null && one.changes.length === 0) counts.unchanged += 1;
      if (one.held.length > 0) counts.held += 1;
      const { newest, ...about } = one;
      if (options.json) records.push({ ...about, heardAt: newest?.received_at ?? null });
      else for (const line of linesOf(flow, one)) say(line);
    }
    const changed = page.filter(({ trouble, changes }) => trouble === null && changes.length > 0);
    if (!options.yes || changed.length === 0) continue;
    await requestReplay(parts, flow, connection, changed, { by: actor(), reason: options.reason! });
    counts.asked += changed.length;
  }
  return { flow: flow.id, ...counts, ...tally.figures(), records };
}

/** Nothing changes in it and nobody is asked. */
const isIdle = ({ subjects, unchanged }: Counts): boolean => subjects === unchanged;

function report(say: Say, told: Told, yes: boolean): void {
  const { flow, subjects, unchanged, problems } = told;
  say(
    `\n${counted(subjects, 'record')} ${yes ? `${subjects === 1 ? 'was' : 'were'} looked at for` : 'would be told to'} flow '${flow}' again, ${unchanged} without a change.`,
  );
  for (const line of figureLines(told)) say(line);
  if (problems.length > 0)
    say(
      `\nLeft as they are, for a person would be asked:\n${table(
        ['cause', '>records', 'such as', 'message'],
        problems.map(({ cause, count, subject, message }) => [cause, String(count), subject, message]),
      )}`,
    );
}

function* figureLines({ documents, money }: Figures): Iterable<string> {
  for (const { kind, made, changed } of documents) yield `  ${kind}: ${made} new, ${changed} changed`;
  for (const { currency, difference } of money) yield `  value: ${difference} ${currency}`;
}

function* linesOf(flow: AnyFlow, { subject, changes, held, trouble }: Rehearsed): Iterable<string> {
  if (trouble || changes.length === 0) return;
  yield `${flow.id}: ${subject}`;
  for (const change of changes) yield* changeLines(change);
  for (const one of held) yield `  ${one.kind} ${one.key} ${heldWords(one)}`;
}

const keysOf = ({ vault }: Parts, key: string): { text: string; digest: Buffer }[] =>
  spellings(key).map((text) => ({ text, digest: vault.digest(text) }));

type Filter = Omit<ReplayOptions, 'from' | 'to'> & { readonly from: Date | null; readonly to: Date | null };

async function* pagesOf(parts: Parts, flow: AnyFlow, options: Filter): AsyncIterable<Rehearsed[]> {
  const { connection, source } = sourceOf(parts.estate, flow);
  const { entity } = parts.estate.connections[connection]!;
  const filter = {
    flow: flow.id,
    connection,
    source: source.name,
    from: options.from,
    to: options.to,
    keys: options.key === undefined ? null : keysOf(parts, options.key),
    cause: options.cause ?? null,
  };
  for (let after = ''; ; ) {
    const subjects = await subjectsToReplay(parts.db, filter, after, PAGE);
    const page: Rehearsed[] = [];
    for (const subject of subjects) page.push(await rehearseReplay(parts, flow, { connection, subject, entity }));
    if (page.length > 0) yield page;
    if (subjects.length < PAGE) return;
    after = subjects.at(-1)!;
  }
}

function flowOf(estate: Estate, id: string): AnyFlow {
  const flow = estate.flows.find((one) => one.id === id);
  if (flow) return flow;
  throw new HubError('FLOW_UNKNOWN', `flow '${id}' is not in the estate`, {
    hint: `it has ${estate.flows.map((one) => one.id).join(', ')}`,
  });
}

/** A date (midnight UTC), or a moment with its zone; anything else is guessed at by Date. */
const ISO = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2}))?$/;

function moment(text: string | undefined, option: string): Date | null {
  if (text === undefined) return null;
  const date = new Date(ISO.test(text) ? momentOf(text.length === 10 ? `${text}T00:00:00Z` : text) : Number.NaN);
  if (Number.isNaN(date.getTime()))
    throw new HubError('BAD_USE', `${option} '${text}' is not a moment`, { hint: 'write it as 2026-11-25T08:00:00Z' });
  return date;
}
