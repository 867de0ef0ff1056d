import { HubError } from '../core/errors.ts';
import { Planner, type Unread } from '../engine/plan.ts';
import { changeLines, Tally } from './changes.ts';
import { loadEstate } from './estate-file.ts';
import { withLedger } from './open.ts';
import { partsOf } from './parts.ts';
import { are, counted, printJson, sayTo, table } from './print.ts';

export interface PlanOptions {
  config: string;
  flow?: string;
  most: string;
  fromStart?: boolean;
  verbose?: boolean;
  inbox?: string;
  json?: boolean;
}

/** Shows for live sources what would be written and what would go wrong; writes nothing anywhere. Exit code 0 also where something would go wrong, 1 when no source could be read. */
export async function plan(options: PlanOptions): Promise<void> {
  const { json = false, fromStart = false, verbose = false } = options;
  const most = Number(options.most);
  if (!Number.isInteger(most) || most < 1)
    throw new HubError('BAD_USE', `--most '${options.most}' is not a number`, { hint: 'whole, 1 and up' });
  if (options.inbox !== undefined) process.env.CROSSDOCK_INBOX = options.inbox;
  const estate = await loadEstate(options.config);
  const say = sayTo(json);
  await withLedger(async (ledger) => {
    const parts = await partsOf(estate, ledger);
    const ports = parts.wiring.sources
      .map((port) => ({ ...port, flows: port.flows.filter(({ id }) => id === (options.flow ?? id)) }))
      .filter(({ flows }) => flows.length > 0);
    if (ports.length === 0)
      throw new HubError('FLOW_UNKNOWN', `flow '${options.flow}' is not in the estate`, {
        hint: `it has ${estate.flows.map(({ id }) => id).join(', ')}`,
      });
    const planner = new Planner(parts, { fromStart });
    const tally = new Tally();
    const counts = { planned: 0, unchanged: 0, known: 0, older: 0 };
    const unread: Unread[] = [];
    for (const port of ports)
      for await (const step of planner.read(port, most, AbortSignal.timeout(3_600_000))) {
        if (!('flow' in step)) {
          unread.push(step);
          continue;
        }
        counts[step.outcome] += 1;
        if (step.outcome === 'planned' && step.changes.length + step.problems.length === 0) counts.unchanged += 1;
        tally.add(step.changes);
        for (const problem of step.problems) tally.trouble(problem, step.subject);
        if (verbose && !json && step.changes.length > 0) {
          say(`${step.flow}: ${step.subject}`);
          for (const change of step.changes) for (const line of changeLines(change)) say(line);
        }
      }
    if (unread.filter(({ partly }) => !partly).length === ports.length) process.exitCode = 1;
    const waiting = await planner.waiting();
    if (json) return printJson({ ...counts, ...tally.figures(), waiting, unread });
    say(describe({ ...counts, ...tally.figures(), waiting, unread }));
  }, say);
}

type Figures = ReturnType<Tally['figures']> & {
  planned: number;
  /** Of them, those that change nothing. */
  unchanged: number;
  known: number;
  older: number;
  waiting: { need: string; connection: string; by: string }[];
  unread: Unread[];
};

const MOST_WAITING = 20;

function describe({ planned, unchanged, known, older, documents, money, problems, waiting, unread }: Figures): string {
  const parts = [
    `${[
      `${counted(planned, 'record')} would be told to ${planned === 1 ? 'its flow' : 'their flows'}`,
      ...(unchanged > 0 ? [`${unchanged} of them would change nothing`] : []),
      ...(known > 0 ? [`${known} ${are(known)} known already`] : []),
      ...(older > 0 ? [`${older} ${are(older)} older than what is known`] : []),
    ].join(', ')}.`,
    ...documents.map(({ kind, made, changed }) => `  ${kind}: ${made} new, ${changed} changed`),
    ...money.map(({ currency, difference }) => `  value: ${difference} ${currency}`),
  ];
  if (problems.length > 0)
    parts.push(
      `\nWould become Exceptions:\n${table(
        ['cause', '>records', 'such as', 'message'],
        problems.map(({ cause, count, subject, message }) => [cause, String(count), subject, message]),
      )}`,
    );
  if (waiting.length > 0)
    parts.push(
      `\nWould wait, for nobody brings what they need:\n${table(
        ['needed', 'at', 'by'],
        waiting.slice(0, MOST_WAITING).map(({ need, connection, by }) => [need, connection, by]),
      )}${waiting.length > MOST_WAITING ? `\nand ${waiting.length - MOST_WAITING} more` : ''}`,
    );
  for (const { source, message } of unread) parts.push(`\n${source}: ${message}`);
  parts.push('\nNothing was written.');
  return parts.join('\n');
}
