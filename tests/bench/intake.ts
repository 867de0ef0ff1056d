// npm run bench:intake [-- --seconds N --connections N --rounds N]: POST /in/… over keep-alive connections, beside a bare node:http server that does
// INSERT, COMMIT, then 200 for each request, in one run on one PostgreSQL with fsync on. Servers and the load are processes of their own.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openEmbeddedPostgres } from '../../src/ledger/embedded/index.ts';
import { type Served, serveApart } from '../support/apart.ts';
import { makeTemplate } from '../support/cluster.ts';
import { type Load, type Measured, runLoad } from './load.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '8' },
    connections: { type: 'string', default: '50' },
    rounds: { type: 'string', default: '3' },
  },
});
const [seconds, connections, rounds] = [Number(values.seconds), Number(values.connections), Number(values.rounds)];

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

const home = mkdtempSync(join(tmpdir(), 'crossdock-bench-'));
const postgres = await openEmbeddedPostgres({ home, createDatabases: true }); // fsync stays on: what is measured is what is promised
try {
  await makeTemplate(postgres.url);
  process.env.CROSSDOCK_TEST_URL = postgres.url;
  const results: Record<Served, Figures[]> = { bare: [], leanest: [], hub: [] };
  const servers = {
    bare: await serveApart('bare'),
    leanest: await serveApart('leanest'),
    hub: await serveApart('hub'),
  };
  for (let round = 0; round <= rounds; round++)
    for (const kind of ['bare', 'leanest', 'hub'] as const) {
      const load: Load = { port: servers[kind].port, connections, seconds: round === 0 ? 2 : seconds, round };
      const before = await servers[kind].ask('stored');
      const [cpu, cpuOfLedger] = [await servers[kind].ask('cpu'), ledgerCpu(postgres.pid)];
      const told = await runLoad(load);
      const measured: Figures = {
        ...told,
        cpu: ((await servers[kind].ask('cpu')) - cpu) / told.acknowledged,
        cpuOfLedger: (ledgerCpu(postgres.pid) - cpuOfLedger) / told.acknowledged,
      };
      const stored = (await servers[kind].ask('stored')) - before;
      if (measured.acknowledged > stored)
        throw new Error(`${kind}: ${measured.acknowledged} acknowledged, ${stored} stored`);
      if (measured.refused > 0) throw new Error(`${kind}: ${measured.refused} refused`);
      if (round > 0) results[kind].push(measured);
    }
  for (const server of Object.values(servers)) await server.stop();

  const median = (numbers: number[]): number => numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)]!;
  const line = (name: string, kind: Served): void => {
    const of = (figure: keyof Figures): number => median(results[kind].map((measured) => measured[figure]));
    process.stdout.write(
      `${name.padEnd(30)} ${Math.round(of('perSecond')).toString().padStart(6)}/s   p50 ${of('p50').toFixed(1)} ms   p99 ${of('p99').toFixed(1)} ms   ${of('cpu').toFixed(0)} + ${of('cpuOfLedger').toFixed(0)} µs\n`,
    );
  };
  process.stdout.write(
    `${connections} keep-alive connections, 1 KB signed webhooks, fsync on, median of ${rounds} × ${seconds} s\n`,
  );
  line('bare INSERT, COMMIT, then 200', 'bare');
  line('the same without BEGIN', 'leanest');
  line('POST /in/{connection}/{topic}', 'hub');
  process.stdout.write(
    'µs: processor time for each request, of the server + of PostgreSQL: what remains comparable on a busy machine\n',
  );
  for (const [yardstick, words] of [
    ['bare', 'BEGIN, INSERT, COMMIT'],
    ['leanest', 'one INSERT alone'],
  ] as const) {
    const ratios = results.hub.map(({ perSecond }, round) => perSecond / results[yardstick][round]!.perSecond);
    const shown = ratios.map((ratio) => ratio.toFixed(2)).join(', ');
    process.stdout.write(`ratio to ${words}: ${median(ratios).toFixed(2)} ×   (rounds: ${shown})\n`);
  }
} finally {
  await postgres.stop();
  rmSync(home, { recursive: true, force: true });
}
