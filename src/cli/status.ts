import { connectionStates } from '../ledger/connections.ts';
import { readFigures } from '../ledger/figures.ts';
import { type Summary, summarise } from '../watch/summary.ts';
import { visible } from './connections.ts';
import { withLedger } from './open.ts';
import { printJson, sayTo, stake, table } from './print.ts';

export async function status({ json = false }: { json?: boolean }): Promise<void> {
  const say = sayTo(json);
  await withLedger(async (ledger) => {
    const summary = summarise(await readFigures(ledger.db));
    const connections = await connectionStates(ledger.db);
    if (json) printJson({ ...summary, connections: connections.map(visible) });
    else {
      say(describe(summary));
      for (const { name, state, reason } of connections)
        say(`connection ${name}: ${state}${reason ? ` (${reason})` : ''}`);
    }
  });
}

/** An equation only where it is one: a line that goes to two systems is posted twice. */
const lineWords = ({ received, posted, adjusted, excepted }: Summary['lines']): string =>
  received === posted + adjusted + excepted
    ? `lines       ${received} received = ${posted} posted + ${adjusted} adjusted + ${excepted} excepted`
    : `lines       ${received} received, ${posted} posted, ${adjusted} moved or shipped, ${excepted} excepted`;

/** The figures in an operator's words. */
export function describe(summary: Summary): string {
  const { events, lines, deliveries } = summary;
  const parts = [
    `events      ${events.received} received, ${events.duplicate} duplicate, ${events.routed} routed, ${events.excepted} excepted`,
    lineWords(lines),
    `deliveries  ${deliveries.delivered} delivered, ${deliveries.waiting} waiting, ${deliveries.parked} parked, ${deliveries.superseded} superseded`,
    `documents   ${
      Object.entries(summary.documents)
        .map(([kind, count]) => `${count} ${kind}`)
        .join(', ') || 'none'
    }`,
  ];
  const moving = events.waiting + deliveries.waiting;
  for (const [currency, { received, posted, excepted, difference }] of Object.entries(summary.money)) {
    // What has not arrived is missing nowhere: only once nothing moves a difference is one.
    const rest =
      moving > 0 && /[1-9]/.test(difference)
        ? ` + ${difference} in transit (${moving} events and deliveries on their way)`
        : `; difference ${difference}`;
    parts.push(`${currency}         ${received} received = ${posted} posted + ${excepted} excepted${rest}`);
  }
  if (summary.exceptions.length > 0)
    parts.push(
      table(
        ['Exceptions by cause', '>count', '>value'],
        summary.exceptions.map(({ cause, count, value, currency }) => [cause, String(count), stake(value, currency)]),
      ),
      'crossdock exceptions list shows them; crossdock exceptions show ID says what to do.',
    );
  return parts.join('\n');
}
