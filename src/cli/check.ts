import { weakSinks } from '../core/approval.ts';
import { systemClock } from '../core/clock.ts';
import type { Finding } from '../core/connector.ts';
import type { Estate } from '../core/estate.ts';
import { newId } from '../core/ids.ts';
import { checkConnection } from '../engine/check.ts';
import { Doorbell } from '../engine/doorbell.ts';
import { EraWatch } from '../engine/era.ts';
import { MappingBook } from '../engine/mappings.ts';
import { Names } from '../engine/names.ts';
import { defaultTerms } from '../engine/parts.ts';
import { wire } from '../engine/wiring.ts';
import { secretReader } from '../guard/secrets.ts';
import { currentMappings } from '../ledger/mappings.ts';
import { serverVersion } from '../ledger/vitals.ts';
import { jsonLog } from '../watch/log.ts';
import { loadEstate } from './estate-file.ts';
import { type OpenLedger, withLedger } from './open.ts';
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

async function checkConnections(estate: Estate, { db, vault }: OpenLedger): Promise<Finding[]> {
  const findings: Finding[] = [];
  const mappings = new MappingBook(db);
  await mappings.refresh();
  const wiring = wire(estate);
  const parts = {
    estate,
    db,
    vault,
    mappings,
    wiring,
    names: new Names(vault, wiring),
    clock: systemClock,
    random: Math.random,
    log: jsonLog({ level: 'error' }),
    bell: new Doorbell(),
    era: new EraWatch(db, systemClock),
    terms: defaultTerms,
    node: newId(),
    secret: secretReader(process.env),
  };
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

/** Tables a flow brings that the ledger does not hold yet are made at the first start: named here, so that nobody is surprised. */
async function checkMappings(estate: Estate, { db }: OpenLedger): Promise<Finding[]> {
  const known = new Set((await currentMappings(db)).map(({ name }) => name));
  return estate.flows.flatMap((flow) =>
    (flow.mappings ?? []).map(({ table, rows }: { table: string; rows: object }): Finding => {
      if (known.has(table))
        return { level: 'ok', subject: `flow ${flow.id}`, message: `Mapping table '${table}' is there` };
      return {
        level: 'warning',
        subject: `flow ${flow.id}`,
        message: `Mapping table '${table}' is not there yet; the first start makes it with ${Object.keys(rows).length} rows`,
      };
    }),
  );
}
