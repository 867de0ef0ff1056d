import { HubError } from '../core/errors.ts';
import type { AnyFlow, Estate } from '../core/estate.ts';
import { sourceOf } from '../core/estate.ts';
import { momentOf } from '../core/moment.ts';
import type { Parts } from '../engine/parts.ts';
import { type Rehearsed, rehearseReplay, requestReplay } from '../engine/replay.ts';
import { subjectsToReplay } from '../ledger/replay.ts';
import { changeLines, Tally } from './changes.ts';
import { loadEstate } from './estate-file.ts';
import { actor } from './mapping.ts';
import { withLedger } from './open.ts';
import { partsOf } from './parts.ts';
import { printJson, type Say, sayTo, table } from './print.ts';

export interface ReplayOptions {
  flow: string;
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
 * Tells a flow again what was heard, by time, key or cause of an Exception: first what that would change, field by field and in money, and with
 * `yes` and a reason for real. What a flow would ask a person about is left as it is.
 */
export async function replay(options: ReplayOptions): Promise<void> {
  const { json = false, yes = false, reason } = options;
  if (yes && !reason?.trim())
    throw new HubError('BAD_USE', 'a replay needs a reason', {
      hint: '--reason "what was wrong"; it is kept in the audit',
    });
  const period = { from: moment(options.from, '--from'), to: moment(options.to, '--to') };
  if (period.from && period.to && period.from >= period.to)
    throw new HubError('BAD_USE', `--from ${options.from} is not before --to ${options.to}`, {
      hint: 'what was heard from the one until just before the other is told again',
    });
  const estate = await loadEstate(options.config);
  const flow = flowOf(estate, options.flow);
  const say = sayTo(json);
  await withLedger(async (ledger) => {
    const parts = await partsOf(estate, ledger);
    const tally = new Tally();
    const shown: object[] = [];
    let subjects = 0;
    let unchanged = 0;
    let asked = 0;
    for await (const page of pagesOf(parts, flow, { ...options, ...period })) {
      const { connection } = sourceOf(estate, flow);
      subjects += page.length;
      for (const one of page) {
        tally.add(one.changes);
        if (one.trouble) tally.trouble(one.trouble, one.subject);
        else if (one.changes.length === 0) unchanged += 1;
        const { newest, ...about } = one;
        if (json) shown.push({ ...about, heardAt: newest?.received_at ?? null });
        else for (const line of linesOf(one)) say(line);
      }
      const changed = page.filter(({ trouble, changes }) => trouble === null && changes.length > 0);
      if (yes && changed.length > 0)
        await requestReplay(parts, flow, connection, changed, { by: actor(), reason: reason! });
      asked += yes ? changed.length : 0;
    }
    if (json) return printJson({ flow: flow.id, subjects, unchanged, asked, ...tally.figures(), records: shown });
    report(say, { flow, subjects, unchanged, asked, yes, tally });
  }, say);
}

function report(
  say: Say,
  {
    flow,
    subjects,
    unchanged,
    asked,
    yes,
    tally,
  }: { flow: AnyFlow; subjects: number; unchanged: number; asked: number; yes: boolean; tally: Tally },
): void {
  const { documents, money, problems } = tally.figures();
  if (subjects === 0) {
    say(`Nothing that flow '${flow.id}' was told fits.`);
    return;
  }
  say(
    `\n${subjects} records ${yes ? 'were looked at' : 'would be told'} ${yes ? 'for' : 'to'} flow '${flow.id}' again; ${unchanged} mean what they meant.`,
  );
  for (const { kind, made, changed } of documents) say(`  ${kind}: ${made} new, ${changed} changed`);
  for (const { currency, difference } of money) say(`  value: ${difference} ${currency}`);
  if (problems.length > 0)
    say(
      `\nLeft as they are, for a person would be asked:\n${table(
        ['cause', '>records', 'such as', 'message'],
        problems.map(({ cause, count, subject, message }) => [cause, String(count), subject, message]),
      )}`,
    );
  if (yes) say(`\n${asked} records go again; crossdock trace shows each. A hub must run for it.`);
  else say(`\nNothing was changed.${documents.length > 0 ? ' Add --yes --reason "…" to do it.' : ''}`);
}

function* linesOf({ subject, changes, trouble }: Rehearsed): Iterable<string> {
  if (trouble || changes.length === 0) return;
  yield subject;
  for (const change of changes) yield* changeLines(change);
}

/** People leave out the sign that shops write before a number. */
const keysOf = ({ vault }: Parts, key: string): { text: string; digest: Buffer }[] =>
  [key, key.startsWith('#') ? key.slice(1) : `#${key}`].map((text) => ({ text, digest: vault.digest(text) }));

type Period = { readonly from: Date | null; readonly to: Date | null };

async function* pagesOf(
  parts: Parts,
  flow: AnyFlow,
  options: Omit<ReplayOptions, 'from' | 'to'> & Period,
): AsyncIterable<Rehearsed[]> {
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
