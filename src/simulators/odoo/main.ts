import { parseArgs } from 'node:util';
import { startOdooSimulator } from './index.ts';
import type { Version } from './types.ts';

const usage =
  'usage: main.ts --version 18|19 [--port N] [--data DIR] [--currency GBP] [--seed N] [--clock ISO] [--pace real] [--prepared] [--fsync] [--attached] [--json]';

function read() {
  const { values } = parseArgs({
    options: {
      version: { type: 'string', default: '19' },
      port: { type: 'string' },
      data: { type: 'string' },
      currency: { type: 'string' },
      seed: { type: 'string' },
      clock: { type: 'string' },
      pace: { type: 'string' },
      prepared: { type: 'boolean', default: false },
      fsync: { type: 'boolean', default: false },
      attached: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  if (values.version !== '18' && values.version !== '19')
    throw new RangeError(`there is no version ${values.version} here`);
  return values;
}

/** A clock that starts at a given moment. */
function clockFrom(start: string): () => number {
  const shift = Date.parse(start) - Date.now();
  if (Number.isNaN(shift)) throw new RangeError(`'${start}' is not a moment such as 2026-01-31T12:00:00Z`);
  return () => Date.now() + shift;
}

async function main(): Promise<void> {
  const values = read();
  const version = Number(values.version) as Version;
  const simulator = await startOdooSimulator({
    version,
    prepared: values.prepared,
    fsync: values.fsync,
    ...(values.port === undefined ? {} : { port: Number(values.port) }),
    ...(values.data === undefined ? {} : { dataDir: values.data }),
    ...(values.currency === undefined ? {} : { currency: values.currency }),
    ...(values.seed === undefined ? {} : { seed: Number(values.seed) }),
    ...(values.clock === undefined ? {} : { clock: clockFrom(values.clock) }),
    ...(values.pace === 'real' ? { pace: 'real' as const } : {}),
  });
  const { url, db, login, key, uid, admin, keys } = simulator;
  const extra = values.prepared ? { keys } : {};
  const facts = { url, db, login, key, uid, admin, pid: process.pid, ...extra };
  if (values.json) process.stdout.write(`${JSON.stringify(facts)}\n`);
  else
    process.stdout.write(
      `Odoo ${version} (simulated) at ${url}, database ${db}, login ${login}, key ${key}\nadmin ${admin}\n`,
    );
  const end = () => void simulator.stop().then(() => process.exit(0));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, end);
  // Whoever started us holds the other end: however they die, kill -9 included, we end too.
  if (values.attached) process.stdin.on('end', end).on('error', end).resume();
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${usage}\n`);
  process.exitCode = 2;
}
