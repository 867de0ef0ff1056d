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
import { printJson, sayTo } from './print.ts';

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
  if (json) printJson(findings);
  else
    for (const { level, subject, message, hint } of findings)
      sayTo(false)(
        `${{ ok: '  ok ', warning: 'warn ', error: 'FAIL ' }[level]} ${subject}: ${message}${hint ? `\n        → ${hint}` : ''}`,
      );
  if (findings.some(({ level }) => level === 'error')) process.exitCode = 1;
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
  const filled = new Set(seeds.flatMap(({ table, rows }) => (rows > 0 ? [table] : [])));
  return seeds.flatMap(({ subject, table, rows }): Finding[] => {
    if (known.has(table)) return [{ level: 'ok', subject, message: `Mapping table '${table}' is there` }];
    // Who brings it empty reads what another one fills.
    if (rows === 0 && filled.has(table)) return [];
    const message = `Mapping table '${table}' is not there yet; the first start makes it with ${rows} rows`;
    return [{ level: 'warning', subject, message }];
  });
}
