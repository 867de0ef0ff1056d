import type { Sink } from '../core/connector.ts';
import { HubError } from '../core/errors.ts';
import { sourceOf } from '../core/estate.ts';
import { adoptMatches, compareSides, type Sides, type Unasked } from '../engine/adopt.ts';
import { loadEstate } from './estate-file.ts';
import { actor } from './mapping.ts';
import { withLedger } from './open.ts';
import { partsOf } from './parts.ts';
import { printJson, sayTo, table } from './print.ts';

export interface AdoptOptions {
  config: string;
  flow: string;
  yes?: boolean;
  reason?: string;
  verbose?: boolean;
  json?: boolean;
}

/** Shows what both sides of a flow have already, and with `yes` and a reason binds it. */
export async function adopt(options: AdoptOptions): Promise<void> {
  const { config, flow: id, yes = false, reason, verbose = false, json = false } = options;
  if (yes && !reason?.trim())
    throw new HubError('BAD_USE', 'adopting needs a reason', { hint: '--reason "why"; it is kept in the audit' });
  const estate = await loadEstate(config);
  const say = sayTo(json);
  await withLedger(async (ledger) => {
    const parts = await partsOf(estate, ledger);
    const flow = parts.wiring.flow(id);
    const port = flow && parts.wiring.sources.find(({ flows }) => flows.includes(flow));
    if (!flow || !port)
      throw new HubError('FLOW_UNKNOWN', `flow '${id}' is not in the estate`, {
        hint: `it has ${estate.flows.map((one) => one.id).join(', ')}`,
      });
    const able = Object.values<Sink>(flow.to).some((sink) => sink.match !== undefined);
    const { sides, unasked } = able
      ? await compareSides(parts, port, flow, AbortSignal.timeout(3_600_000))
      : { sides: [], unasked: [] };
    const { connection: source } = sourceOf(estate, flow);
    if (yes) await adoptMatches(parts, { flow, source, sides }, { by: actor(), reason: reason! });
    if (json) return printJson({ flow: id, acted: yes, sides, unasked });
    say(describeSides(sides, unasked, { yes, able, verbose }));
  }, say);
}

const MOST = 50;

/** For people. `able`: some target of the flow can be asked at all; `verbose`: every pair, and every key that only one side has. */
export function describeSides(
  sides: readonly Sides[],
  unasked: readonly Unasked[],
  { yes, able, verbose = false }: { yes: boolean; able: boolean; verbose?: boolean },
): string {
  if (!able) return 'No target of this flow can tell what it has already.';
  if (sides.length === 0 && unasked.length === 0)
    return 'The source of this flow has nothing to tell yet, so nothing was asked for and nothing was written.';
  const rows = sides.map(({ kind, connection, matched, known, onlyHere, onlyThere, ambiguous }) => [
    kind,
    connection,
    String(matched.length),
    String(known),
    String(onlyHere.length),
    onlyThere === null ? 'not told' : String(onlyThere),
    String(ambiguous.length),
  ]);
  const parts =
    rows.length === 0
      ? ['Nothing could be asked for.']
      : [table(['kind', 'at', '>matched', '>bound before', '>only here', '>only there', '>ambiguous'], rows)];
  const ways = sides.flatMap(({ kind, matched }) =>
    [...Map.groupBy(matched, ({ by }) => by)].map(([by, pairs]) => `  ${kind}: ${pairs.length} by ${by}`),
  );
  if (ways.length > 0) parts.push(`\nMatched\n${ways.join('\n')}`);
  if (verbose) parts.push(...pairsAndRest(sides));
  const unclear = sides.flatMap(({ kind, ambiguous }) => ambiguous.map(({ key, message }) => [kind, key, message]));
  if (unclear.length > 0) parts.push(`\nAmbiguous\n${table(['kind', 'key', 'message'], unclear.slice(0, MOST))}`);
  if (unclear.length > MOST) parts.push(`and ${unclear.length - MOST} more`);
  if (unasked.length > 0)
    parts.push(
      `\nCould not be asked about\n${table(
        ['record', 'message'],
        unasked.slice(0, MOST).map(({ subject, message }) => [subject, message]),
      )}`,
    );
  if (unasked.length > MOST) parts.push(`and ${unasked.length - MOST} more`);
  parts.push(
    yes
      ? '\nWhat was matched is bound now.'
      : '\nNothing was written. Bind what was matched with --yes --reason "why".',
  );
  return parts.join('\n');
}

function* pairsAndRest(sides: readonly Sides[]): Iterable<string> {
  const pairs = sides.flatMap(({ kind, connection, matched }) =>
    matched.map(({ key, id, by }) => [kind, key, connection, id, by]),
  );
  if (pairs.length > 0) yield `\nPairs\n${table(['kind', 'key', 'at', 'id there', 'by'], pairs)}`;
  const alone = sides.flatMap(({ kind, connection, onlyHere }) => onlyHere.map((key) => [kind, key, connection]));
  if (alone.length > 0) yield `\nOnly here\n${table(['kind', 'key', 'not at'], alone)}`;
}
