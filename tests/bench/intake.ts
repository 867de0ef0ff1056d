// npm run bench:intake [-- --seconds N --connections N --rounds N]: POST /in/… over keep-alive connections, beside bare node:http servers that do
// INSERT, COMMIT, then 200 for each request, in one run on one PostgreSQL with fsync on. Servers and the load are processes of their own; each round
// asks them in another order.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openEmbeddedPostgres } from '../../src/ledger/embedded/index.ts';
import { type Served, type ServedApart, serveApart } from '../support/apart.ts';
import { makeTemplate } from '../support/cluster.ts';
import { type Measured, runLoad } from './load.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '8' },
    connections: { type: 'string', default: '50' },
    rounds: { type: 'string', default: '3' },
  },
});
const [seconds, connections, rounds] = [Number(values.seconds), Number(values.connections), Number(values.rounds)];

const names: Record<Exclude<Served, 'leaking'>, string> = {
  hub: 'POST /in/{connection}/{topic}',
  bare10: 'BEGIN, INSERT, COMMIT, then 200; pool of 10',
  bare50: 'the same; pool of 50',
  leanest: 'one INSERT alone, then 200; pool of 10',
  floor: 'signature verified, nothing stored',
};

interface Figures extends Measured {
  cpu: number;
  cpuOfLedger: number;
}

/** Microseconds of processor time that the postmaster's children used until now, those that ended included; 0 where /proc does not tell. */
function ledgerCpu(postmaster: number): number {
  if (!existsSync('/proc/self/stat')) return 0;
  const fields = (pid: string | number): string[] =>
    readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
  let ticks = 0;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name)))
    try {
      const stat = fields(pid);
      if (Number(stat[1]) === postmaster) ticks += Number(stat[11]) + Number(stat[12]);
    } catch {
      // it ended meanwhile
    }
  const own = fields(postmaster);
  return (ticks + Number(own[13]) + Number(own[14])) * 10_000;
}

/** Compilers are done with a server after so many requests, however slow the machine is. */
const WARM = 25_000;

async function warmUp({ port }: ServedApart): Promise<void> {
  for (let acknowledged = 0, round = 1000; acknowledged < WARM; round++)
    acknowledged += (await runLoad({ port, connections, seconds: 3, round })).acknowledged;
}

const home = mkdtempSync(join(tmpdir(), 'crossdock-bench-'));
const postgres = await openEmbeddedPostgres({ home, createDatabases: true, settings: { max_connections: '200' } }); // fsync stays on
try {
  await makeTemplate(postgres.url);
  process.env.CROSSDOCK_TEST_URL = postgres.url;
  const kinds = Object.keys(names) as Served[];
  const results = Object.fromEntries(kinds.map((kind) => [kind, []])) as unknown as Record<Served, Figures[]>;
  const servers = new Map<Served, ServedApart>();
  for (const kind of kinds) servers.set(kind, await serveApart(kind));
  for (const server of servers.values()) await warmUp(server);
  for (let round = 1; round <= rounds; round++) {
    for (const kind of kinds) {
      const server = servers.get(kind)!;
      const before = await server.ask('stored');
      const [cpu, cpuOfLedger] = [await server.ask('cpu'), ledgerCpu(postgres.pid)];
      const told = await runLoad({ port: server.port, connections, seconds, round });
      const measured: Figures = {
        ...told,
        cpu: ((await server.ask('cpu')) - cpu) / told.acknowledged,
        cpuOfLedger: (ledgerCpu(postgres.pid) - cpuOfLedger) / told.acknowledged,
      };
      const stored = (await server.ask('stored')) - before;
      if (measured.acknowledged > stored)
        throw new Error(`${kind}: ${measured.acknowledged} acknowledged, ${stored} stored`);
      if (measured.refused > 0) throw new Error(`${kind}: ${measured.refused} refused`);
      results[kind].push(measured);
    }
    kinds.push(kinds.shift()!);
  }
  for (const server of servers.values()) await server.stop();

  const median = (numbers: readonly number[]): number =>
    [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)]!;
  process.stdout.write(
    `${connections} keep-alive connections, 1 KB signed webhooks, fsync on, median of ${rounds} × ${seconds} s\n`,
  );
  for (const [kind, name] of Object.entries(names) as [Served, string][]) {
    const of = (figure: keyof Figures): number => median(results[kind].map((measured) => measured[figure]));
    const ratios = results.hub.map(({ perSecond }, round) => perSecond / results[kind][round]!.perSecond);
    const [low, high] = [Math.min(...ratios), Math.max(...ratios)].map((ratio) => ratio.toFixed(2));
    process.stdout.write(
      `${name.padEnd(42)} ${Math.round(of('perSecond')).toString().padStart(6)}/s   p50 ${of('p50').toFixed(1).padStart(5)} ms   p99 ${of('p99').toFixed(1).padStart(5)} ms   ${of('cpu').toFixed(0).padStart(3)} + ${of('cpuOfLedger').toFixed(0).padStart(3)} µs${kind === 'hub' ? '' : `   hub: ${median(ratios).toFixed(2)} × (${low} to ${high})`}\n`,
    );
  }
  process.stdout.write(
    'µs: processor time for each request, of the server + of PostgreSQL: what remains comparable on a busy machine\n',
  );
} finally {
  await postgres.stop();
  rmSync(home, { recursive: true, force: true });
}
