// npm run test:prometheus: Debian's Prometheus scrapes a running hub, and what it then answers is what the hub and its ledger say. Needs Debian or
// Ubuntu with prometheus installed, or its package server (the package is unpacked into a temporary folder, nothing is installed). Loopback only.
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  createWriteStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadEstate } from '../../src/cli/estate-file.ts';
import { startSimulatedOdoo } from '../../src/cli/simulated-odoo.ts';
import { type Running, run } from '../../src/cli/start.ts';
import { readFigures } from '../../src/ledger/figures.ts';
import { readVitals } from '../../src/ledger/vitals.ts';
import { jsonLog } from '../../src/watch/log.ts';

const root = join(import.meta.dirname, '../..');
const rules = join(root, 'deploy/prometheus-rules.yml');
const TOKEN = 'a-token-for-prometheus-only';
const ORDERS = 40;
const folder = mkdtempSync(join(tmpdir(), 'crossdock-prometheus-'));
const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** The folder of Debian's `prometheus` and `promtool`: installed, or unpacked from the package. */
function programs(): string {
  if (existsSync('/usr/bin/prometheus') && existsSync('/usr/bin/promtool')) return '/usr/bin';
  const at = join(folder, 'debian');
  mkdirSync(at);
  const apt = spawnSync('apt-get', ['download', 'prometheus'], { cwd: at, encoding: 'utf8' });
  const file = readdirSync(at).find((name) => name.endsWith('.deb'));
  if (apt.status !== 0 || !file)
    throw new Error(`Debian's prometheus is neither installed nor to be had:\n${apt.stderr ?? apt.error?.message}`);
  execFileSync('dpkg-deb', ['-x', file, '.'], { cwd: at });
  say(`unpacked ${file}`);
  return join(at, 'usr/bin');
}

/** A free port below 32768. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    const free = await new Promise<boolean>((resolve) => {
      const server = createServer()
        .once('error', () => resolve(false))
        .listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
    });
    if (free) return port;
  }
}

async function until<T>(what: string, look: () => Promise<T | null | false>, seconds = 60): Promise<T> {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await sleep(300)) {
    const seen = await look().catch(() => null);
    if (seen) return seen;
  }
  throw new Error(`not within ${seconds} s: ${what}`);
}

/** A day of a till: orders, one with a code that a bookkeeper must decide. */
function day(): string {
  const lines = Array.from(
    { length: ORDERS },
    (_, n) => `${700_000 + n},7100${n % 7},THING ${n % 7},${1 + (n % 3)},2026-01-05 10:00:00,2.50,${17_000 + n},France`,
  );
  return [
    'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country',
    ...lines,
    '799999,M,Manual,1,2026-01-05 11:00:00,500.00,17001,France',
    '',
  ].join('\n');
}

interface Prometheus {
  /** Values of an instant query by their labels (`connection="x",…` sorted; empty for none), without those that a scrape adds. */
  ask(query: string): Promise<Map<string, number>>;
  get(path: string): Promise<unknown>;
  stop(): Promise<void>;
}

async function startPrometheus(bin: string, target: string, token: string): Promise<Prometheus> {
  const port = await freePort();
  const at = mkdtempSync(join(folder, 'server-'));
  const config = join(at, 'prometheus.yml');
  writeFileSync(
    config,
    `global: { scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s }
rule_files: [${JSON.stringify(rules)}]
scrape_configs:
  - job_name: crossdock
    authorization: { credentials: ${JSON.stringify(token)} }
    static_configs: [{ targets: [${JSON.stringify(target)}] }]
`,
  );
  execFileSync(join(bin, 'promtool'), ['check', 'config', config], { stdio: 'pipe' });
  const child = spawn(
    join(bin, 'prometheus'),
    [`--config.file=${config}`, `--storage.tsdb.path=${join(at, 'data')}`, `--web.listen-address=127.0.0.1:${port}`],
    { cwd: at, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  child.stderr.pipe(createWriteStream(join(at, 'log')));
  child.stdout.resume();
  const get = async (path: string): Promise<unknown> => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(5_000) });
    if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
    return ((await answer.json()) as { data: unknown }).data;
  };
  try {
    await until('Prometheus answers', () => get('/api/v1/status/config'));
  } catch (error) {
    await end(child);
    throw new Error(readFileSync(join(at, 'log'), 'utf8'), { cause: error });
  }
  return {
    get,
    async ask(query) {
      const { result } = (await get(`/api/v1/query?query=${encodeURIComponent(query)}`)) as {
        result: { metric: Record<string, string>; value: [number, string] }[];
      };
      return new Map(result.map(({ metric, value }) => [labelsOf(metric), Number(value[1])]));
    },
    stop: () => end(child),
  };
}

const ADDED = new Set(['__name__', 'job', 'instance']);
const labelsOf = (labels: Record<string, string>): string =>
  Object.entries(labels)
    .filter(([name]) => !ADDED.has(name))
    .map(([name, value]) => `${name}="${value}"`)
    .sort()
    .join();

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await gone;
}

/** What the hub itself shows: name → labels → value. */
async function scrape(url: string): Promise<Map<string, Map<string, number>>> {
  const answer = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${TOKEN}` } });
  assert.equal(answer.status, 200);
  const shown = new Map<string, Map<string, number>>();
  for (const line of (await answer.text()).split('\n')) {
    const [, name, labels = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (!name) continue;
    const key = [...labels.matchAll(/\w+="(?:[^"\\]|\\.)*"/g)]
      .map(([pair]) => pair)
      .sort()
      .join();
    shown.set(name, (shown.get(name) ?? new Map()).set(key, Number(value)));
  }
  return shown;
}

/** Figures that stand still once the hub is idle; the rest (memory, time, this request itself) moves with every scrape. */
const moves = (name: string): boolean =>
  /^crossdock_(process_|nodejs_|http_request_seconds|home_free_bytes|unsealed_audit_records)/.test(name);

async function compare(prometheus: Prometheus, running: Running): Promise<number> {
  const mine = await scrape(running.url);
  let compared = 0;
  for (const [name, values] of mine) {
    if (moves(name)) continue;
    assert.deepEqual(Object.fromEntries(await prometheus.ask(name)), Object.fromEntries(values), name);
    compared += values.size;
  }
  return compared;
}

async function main(): Promise<void> {
  const bin = programs();
  for (const args of [
    ['check', 'rules', rules],
    ['test', 'rules', join(import.meta.dirname, 'rules.yml')],
  ]) {
    const { status, stdout, stderr } = spawnSync(join(bin, 'promtool'), args, { encoding: 'utf8' });
    assert.equal(status, 0, `promtool ${args.join(' ')}\n${stdout}${stderr}`);
    say(stdout.trim());
  }

  const odoo = await startSimulatedOdoo({ version: 19 });
  const inbox = join(folder, 'inbox');
  mkdirSync(inbox);
  Object.assign(process.env, {
    CROSSDOCK_HOME: join(folder, 'home'),
    CROSSDOCK_PORT: String(await freePort()),
    CROSSDOCK_METRICS_TOKEN: TOKEN,
    CROSSDOCK_INBOX: inbox,
    ODOO_URL: odoo.url,
    ODOO_DB: odoo.db,
    ODOO_LOGIN: odoo.login,
    ODOO_KEY: odoo.key,
  });
  delete process.env.DATABASE_URL;
  const running = await run(
    () => loadEstate(join(root, 'examples/day-sales/crossdock.config.ts')),
    jsonLog({ level: 'silent' }),
    () => undefined,
  );
  const target = running.url.replace('http://', '');
  let prometheus: Prometheus | undefined;
  try {
    const closed = await fetch(`${running.url}/metrics`);
    assert.equal(closed.status, 401, 'without the token nothing is shown');
    const stranger = await startPrometheus(bin, target, 'not-the-token-at-all');
    await until('a wrong token is refused', async () => (await stranger.ask('up')).get('') === 0);
    assert.equal((await stranger.ask('crossdock_build_info')).size, 0);
    await stranger.stop();

    prometheus = await startPrometheus(bin, target, TOKEN);
    const { ask } = prometheus;
    await until('the hub is up', async () => (await ask('up')).get('') === 1);

    // Two answers that say "come again", so that faults are in the figures too.
    await fetch(`${odoo.admin}/faults`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ kind: 'status', status: 503, retryAfter: 1, limit: 2 }),
    });
    writeFileSync(join(inbox, 'day.csv'), day());
    await until('the day is read', async () => (await readFigures(running.ledger.db)).events.received > ORDERS);
    await running.hub.untilIdle(() => undefined, AbortSignal.timeout(120_000));

    // The hub keeps a reading for five seconds: then it shows the last figures, and a scrape later Prometheus has them.
    const figures = await readFigures(running.ledger.db);
    await until('the hub shows the last figures', async () => {
      const routed = (await scrape(running.url)).get('crossdock_events')?.get('state="routed"');
      return routed === figures.events.routed;
    });
    const compared = await until('Prometheus and the hub agree', () => compare(prometheus!, running)).catch(() =>
      compare(prometheus!, running),
    );
    say(`${compared} series: Prometheus says what the hub says`);

    const expect = async (query: string, value: number): Promise<void> => {
      const answer = await ask(query);
      assert.equal(answer.size === 1 ? [...answer.values()][0] : Number.NaN, value, query);
      say(`${query} = ${value}`);
    };
    assert.equal(figures.events.routed, ORDERS + 1);
    assert.equal(figures.documents.order, ORDERS);
    await expect('sum(crossdock_events{state!="excepted"})', figures.events.received);
    await expect('crossdock_events{state="excepted"}', 1);
    await expect('crossdock_documents{kind="order"}', ORDERS);
    await expect('crossdock_deliveries{state="delivered"}', figures.deliveries.delivered);
    await expect('sum(crossdock_deliveries{state=~"waiting|leased|unknown|parked"})', 0);
    await expect('sum(crossdock_open_exceptions)', 1);
    await expect('crossdock_open_exceptions_value_minor_units{currency="GBP"}', 50_000);
    await expect('sum(crossdock_delivery_attempts_total{outcome="delivered"})', figures.deliveries.delivered);
    const failed = await ask('sum(crossdock_delivery_attempts_total{fault!="none"})');
    assert.ok([...failed.values()][0]! >= 1, 'the two refused calls are in the figures');
    await expect('sum(crossdock_delivery_attempt_seconds_count) - sum(crossdock_delivery_attempts_total)', 0);
    await expect(
      'crossdock_oldest_waiting_delivery_seconds',
      (await readVitals(running.ledger.db)).oldestWaitingSeconds,
    );
    await expect('crossdock_ledger_up', 1);
    assert.ok([...(await ask('crossdock_home_free_bytes')).values()][0]! > 1e6);
    const scrapes = await ask('crossdock_http_request_seconds_count{route="/metrics",status="200"}');
    assert.ok([...scrapes.values()][0]! > 3, 'requests are counted');

    const loaded = (await prometheus.get('/api/v1/rules')) as {
      groups: { rules: { health: string; state: string; name: string }[] }[];
    };
    const all = loaded.groups.flatMap(({ rules: these }) => these);
    assert.deepEqual(
      all.filter(({ health }) => health === 'err').map(({ name }) => name),
      [],
      'every rule can be evaluated',
    );
    assert.deepEqual(
      all.filter(({ state }) => state === 'firing').map(({ name }) => name),
      [],
      'nothing fires on a healthy hub',
    );
    say(`${all.length} alert rules evaluated, none fires`);
  } finally {
    await prometheus?.stop();
    await running.stop();
    await odoo.stop();
  }
}

try {
  await main();
  say('\nPrometheus scrapes a hub: passed');
} catch (error) {
  say(`\n${error instanceof Error ? error.stack : String(error)}\nPrometheus scrapes a hub: failed`);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
