import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Log } from '../src/core/connector.ts';
import { Metrics } from '../src/watch/metrics.ts';
import { aReading } from '../src/watch/testing.ts';

const root = join(import.meta.dirname, '..');
const silent = () => undefined;
const log: Log = { debug: silent, info: silent, warn: silent, error: silent };

/** Metrics of the process come from prom-client and differ by platform: documented by their prefix. */
const families = ['crossdock_process_', 'crossdock_nodejs_'];
const inFamily = (name: string): boolean => families.some((prefix) => name.startsWith(prefix));

interface Described {
  type: string;
  labels: string[];
}

/** Every metric a hub can show, with something in it. */
async function shown(): Promise<Map<string, Described>> {
  const metrics = new Metrics({ version: '1' });
  const observed = metrics.observe(log);
  observed.warn('delivery.attempted', {
    connection: 'c',
    sink: 's',
    outcome: 'rejected',
    fault: 'rejected',
    elapsedMs: 1,
  });
  observed.debug('intake.answered', { connection: 'c', topic: 't', outcome: 'stored' });
  observed.warn('lease lost', { lease: 'router:1' });
  observed.warn('leases ran out: outcomes unknown', { lanes: 1 });
  metrics.answered({ method: 'GET', route: '/healthz', status: 200, seconds: 0.001 });
  metrics.watchDisk(() => 1);
  const found = new Map<string, Described>();
  for (const line of (await metrics.text(aReading())).split('\n')) {
    const [, name, type] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? [];
    if (name) found.set(name, { type: type!, labels: [] });
    const [, full, labels] = /^(\w+)\{(.*)\} /.exec(line) ?? [];
    if (!full) continue;
    const described = found.get(full) ?? found.get(full.replace(/_(bucket|sum|count)$/, ''))!;
    const names = [...labels!.matchAll(/(\w+)="/g)].map(([, label]) => label!).filter((label) => label !== 'le');
    described.labels = [...new Set([...described.labels, ...names])].sort();
  }
  return found;
}

/** The rows of docs/metrics.md. */
function documented(): Map<string, Described & { meaning: string }> {
  const rows = readFileSync(join(root, 'docs/metrics.md'), 'utf8').matchAll(
    /^\| `(crossdock_[\w*]+)` *\|([^|]*)\|([^|]*)\|([^|]*)\|/gm,
  );
  return new Map(
    [...rows].map(([, name, type, labels, meaning]) => [
      name!,
      {
        type: type!.trim(),
        labels: [...labels!.matchAll(/`(\w+)`/g)].map(([, label]) => label!).sort(),
        meaning: meaning!.trim(),
      },
    ]),
  );
}

test('docs/metrics.md names every metric, with its type and labels, and none that does not exist', async () => {
  const [real, docs] = [await shown(), documented()];
  assert.ok(docs.size > 15, 'the table was found');
  for (const [name, { type, labels }] of real) {
    if (inFamily(name)) continue;
    const row = docs.get(name);
    assert.ok(row, `${name} is not in docs/metrics.md`);
    assert.deepEqual({ type: row.type, labels: row.labels }, { type, labels }, name);
    assert.ok(row.meaning.length > 10, `${name} is explained`);
  }
  for (const name of docs.keys())
    if (name.endsWith('*'))
      assert.ok(
        [...real.keys()].some((found) => found.startsWith(name.slice(0, -1))),
        name,
      );
    else assert.ok(real.has(name), `${name} is in docs/metrics.md, but no hub shows it`);
  for (const prefix of families) assert.ok(docs.has(`${prefix}*`), prefix);
});

test('the alert rules ask for metrics and labels that exist', async () => {
  const real = await shown();
  const rules = readFileSync(join(root, 'deploy/prometheus-rules.yml'), 'utf8');
  const asked = [...rules.matchAll(/\b(crossdock_\w+)(?:\{([^}]*)\})?/g)];
  assert.ok(asked.length > 10);
  for (const [, name, selector = ''] of asked) {
    const described = real.get(name!) ?? real.get(name!.replace(/_(bucket|sum|count)$/, ''));
    assert.ok(described, `${name} is asked for by a rule, but no hub shows it`);
    for (const [, label] of selector.matchAll(/(\w+)=~?"/g))
      assert.ok(described.labels.includes(label!), `${name} has no label ${label}`);
  }
});

test('docs/metrics.md names every field of the line that each attempt leaves', () => {
  const source = readFileSync(join(root, 'src/engine/settle.ts'), 'utf8');
  const line = /'delivery\.attempted', \{(.*?)\n {2}\}\);/s.exec(source)?.[1];
  assert.ok(line, 'the line was found');
  const fields = [...line.matchAll(/(?:^ {4}|\{ )(\w+):/gm)].map(([, field]) => field!);
  assert.ok(fields.includes('delivery') && fields.includes('fault') && fields.includes('elapsedMs'));
  const table = readFileSync(join(root, 'docs/metrics.md'), 'utf8').split('`delivery.attempted`').at(-1)!;
  for (const field of fields) assert.match(table, new RegExp(`^\\|[^|]*\`${field}\``, 'm'), `${field} is explained`);
});
