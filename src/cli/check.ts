import { weakSinks } from '../core/approval.ts';
import type { Finding } from '../core/connector.ts';
import type { Estate } from '../core/estate.ts';
import type { MappingSeed } from '../core/flow.ts';
import { checkConnection } from '../engine/check.ts';
import { currentMappings } from '../ledger/mappings.ts';
import { serverVersion } from '../ledger/vitals.ts';
import { loadEstate } from './estate-file.ts';
import { type OpenLedger, withLedger } from './open.ts';
import { partsOf } from './parts.ts';
import { are, counted, printJson, sayTo } from './print.ts';

/** Checks everything a first day would trip over; writes nothing. Exit code 1 when something is an error. */
export async function check({ config, json = false }: { config: string; json?: boolean }): Promise<void> {
  const estate = await loadEstate(config);
  const findings: Finding[] = [
    {
      level: 'ok',
      subject: 'estate',
      message: `${estate.name}: ${Object.keys(estate.connections).length} connections, ${estate.flows.length} flows`,
    },
  ];
  findings.push(...checkApprovals(estate));
  await withLedger(async (ledger) => {
    findings.push({
      level: 'ok',
      subject: 'ledger',
      message: `PostgreSQL ${await serverVersion(ledger.db)}, ${ledger.postgres || !process.env.DATABASE_URL ? 'embedded' : 'external'}`,
    });
    findings.push(...(await checkConnections(estate, ledger)), ...(await checkMappings(estate, ledger)));
  });
  const told = RANK.flatMap((rank) => findings.filter(({ level }) => level === rank));
  if (json) printJson(told);
  else sayTo(false)(describe(told));
  if (findings.some(({ level }) => level === 'error')) process.exitCode = 1;
}

/** What is to be done stands last, where it is read. */
const RANK = ['ok', 'warning', 'error'] as const;
const MARK = { ok: '  ok ', warning: 'warn ', error: 'FAIL ' };

/** For people: a line each, and how many errors and warnings there are. */
function describe(findings: readonly Finding[]): string {
  const count = (wanted: Finding['level']): number => findings.filter(({ level }) => level === wanted).length;
  return [
    ...findings.map(
      ({ level, subject, message, hint }) =>
        `${MARK[level]} ${subject}: ${message}${hint ? `\n        → ${hint}` : ''}`,
    ),
    `\n${counted(count('error'), 'error')}, ${counted(count('warning'), 'warning')}`,
  ].join('\n');
}

async function checkConnections(estate: Estate, ledger: OpenLedger): Promise<Finding[]> {
  const findings: Finding[] = [];
  const parts = await partsOf(estate, ledger);
  for (const name of Object.keys(estate.connections))
    for (const finding of await checkConnection(parts, name, AbortSignal.timeout(60_000)))
      findings.push({ ...finding, subject: finding.subject === name ? name : `${name} ${finding.subject}` });
  return findings;
}

/** Sinks that cannot promise one effect by themselves, and who approved of them; an estate without an approval is not loaded at all. */
function checkApprovals({ flows, approvals = {} }: Estate): Finding[] {
  return flows.flatMap((flow): Finding[] => {
    const subject = `flow ${flow.id}`;
    const sinks = weakSinks(flow).map(({ kind, sink, idempotency }) => `'${kind}' to '${sink}' (${idempotency})`);
    const approval = approvals[flow.id];
    if (!approval) return [];
    const { by, reason } = approval;
    if (sinks.length === 0)
      return [
        { level: 'warning', subject, message: 'the approval is not needed: its sinks promise one effect themselves' },
      ];
    return [{ level: 'ok', subject, message: `${sinks.join(', ')} approved by ${by}: ${reason}` }];
  });
}

/** Tables a flow or look-up brings that the ledger does not hold yet are made at the first start: named here, so that nobody is surprised. */
async function checkMappings(estate: Estate, { db }: OpenLedger): Promise<Finding[]> {
  const known = new Set((await currentMappings(db)).map(({ name }) => name));
  const brought = [
    ...estate.flows.map(({ id, mappings }) => ({ subject: `flow ${id}`, mappings })),
    ...(estate.lookups ?? []).map(({ id, from }) => ({ subject: `look-up ${id}`, mappings: from.mappings })),
  ];
  const seeds = brought.flatMap(({ subject, mappings }) =>
    (mappings ?? []).map(({ table, rows }: MappingSeed) => ({ subject, table, rows: Object.keys(rows).length })),
  );
  const tables = [...Map.groupBy(seeds, ({ table }) => table).values()];
  const there = tables.filter(([seed]) => known.has(seed!.table)).length;
  const missing = tables
    .filter(([seed]) => !known.has(seed!.table))
    // Who brings it empty reads what another one fills.
    .map((same) => same.reduce((most, seed) => (seed.rows > most.rows ? seed : most)));
  return [
    ...(there > 0
      ? [{ level: 'ok' as const, subject: 'ledger', message: `${counted(there, 'Mapping table')} ${are(there)} there` }]
      : []),
    ...missing.map(({ subject, table, rows }) => ({
      level: 'warning' as const,
      subject,
      message: `Mapping table '${table}' is not there yet; the first start makes it with ${counted(rows, 'row')}`,
    })),
  ];
}
