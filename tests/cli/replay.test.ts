import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { freshDatabase } from '../support/cluster.ts';

const root = join(import.meta.dirname, '..', '..');
const folder = mkdtempSync(join(tmpdir(), 'crossdock replay '));
after(() => rmSync(folder, { recursive: true, force: true }));

/**
 * Three feeds to three shelves, each by a flow of its own. Goods of one SKU are known by it in all of them. `FACTOR` is what the flows make of an amount; what costs less than nothing is for a
 * person, until `MINUS` says what to do about it. No shelf takes thirteen.
 */
writeFileSync(
  join(folder, 'crossdock.config.ts'),
  `
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { defineDocument, defineEstate, rejected } from ${JSON.stringify(join(root, 'src', 'index.ts'))};
const read = (file) => (existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {});
const { FACTOR = '1', MINUS } = process.env;
const part = (name) => {
  const Goods = defineDocument({
    name, version: '1.0', schema: { type: 'object' }, key: ({ id }) => id, references: ({ id }) => [['sku', id]],
    measure: ({ amount }) => ({ lines: 1, currency: 'EUR', minor: BigInt(amount) * 100n, absolute: BigInt(Math.abs(amount)) * 100n }),
  });
  const source = {
    kind: 'poll', name, every: '1s', decode: (bytes) => JSON.parse(Buffer.from(bytes).toString()),
    async *pull(cursor) {
      const all = Object.entries(read('feeds.json')[name] ?? {});
      const now = JSON.stringify(all);
      if (now === cursor) return;
      yield { cursor: now, items: all.map(([id, amount]) => ({
        dedupeKey: name + id + amount, subject: name + ':' + id, occurredAt: new Date(0), bytes: Buffer.from(JSON.stringify({ id, amount })),
      })) };
    },
  };
  const sink = {
    name: name + '-shelf', accepts: Goods, idempotency: 'overwrite', settle: 0, deadline: '5s', batch: { max: 10, onFailure: 'independent' },
    deliver: async (items) => items.map(({ key, document }) => {
      if (document.amount === 13) return { outcome: 'failed', fault: { kind: 'rejected', message: 'no thirteen', cause: 'unlucky' } };
      writeFileSync('shelves.json', JSON.stringify({ ...read('shelves.json'), [name + ' ' + key]: document.amount }));
      return { outcome: 'done', id: key };
    }),
  };
  const flow = {
    id: name + '-flow', about: '', documents: [Goods], from: source, to: { [name]: sink }, latency: 'realtime', promise: { within: '1m', critical: false },
    onException: { owner: 'x', within: '1d', hold: 'nothing' }, fallback: '',
    translate: ({ id, amount }) => {
      if (amount < 0 && MINUS === undefined) throw rejected('less than nothing', 'negative');
      return { outcome: 'routed', documents: [{ kind: name, body: { id, amount: Math.abs(amount) * Number(FACTOR) } }] };
    },
  };
  return { source, sink, flow };
};
const parts = [part('article'), part('offer'), part('label')];
const by = (port) => Object.fromEntries(parts.map((one) => [one[port].name, one[port]]));
const none = async function* () {};
export default defineEstate({
  name: 'replay',
  connections: {
    from: { connector: 'files', entity: 'main', sources: by('source'), sinks: {}, check: none },
    to: { connector: 'files', entity: 'main', sources: {}, sinks: by('sink'), writer: 'files', check: none },
  },
  flows: parts.map(({ flow }) => flow),
});`,
);

const DATABASE_URL = await freshDatabase();

async function run(args: readonly string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [join(root, 'bin', 'crossdock.mjs'), ...args], {
    cwd: folder,
    env: { ...process.env, DATABASE_URL, CROSSDOCK_HOME: join(folder, 'home'), CROSSDOCK_PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [said, stdout] = ['', ''];
  child.stdout.on('data', (data) => {
    stdout += data;
  });
  child.stderr.on('data', (data) => {
    said += data;
  });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, stdout, said: stdout + said };
}

/** A hub reads the feeds and does what is to be done. */
async function work(env?: Record<string, string>): Promise<void> {
  const { code, said } = await run(['start', '--until-idle', '--json'], env);
  assert.equal(code, 0, said);
}

const feeds = (value: Record<string, Record<string, number>>): void =>
  writeFileSync(join(folder, 'feeds.json'), JSON.stringify(value));
const shelves = (): Record<string, number> => JSON.parse(readFileSync(join(folder, 'shelves.json'), 'utf8'));

interface Flow {
  flow: string;
  subjects: number;
  unchanged: number;
  asked: number;
  money: { currency: string; difference: string }[];
  records: { subject: string }[];
}

/** What a replay says: its totals, and each flow with its subjects. */
async function replayed(args: readonly string[], env?: Record<string, string>) {
  const { code, stdout, said } = await run(['replay', ...args, '--json'], env);
  assert.equal(code, 0, said);
  const { subjects, unchanged, asked, money, flows } = JSON.parse(stdout) as Omit<Flow, 'flow'> & { flows: Flow[] };
  return {
    totals: [subjects, unchanged, asked, money[0]?.difference ?? null],
    flows: flows.map(({ flow, records, money: own }) => [
      flow,
      records.map(({ subject }) => subject).sort(),
      own[0]?.difference ?? null,
    ]),
  };
}

const act = ['--yes', '--reason', 'it was wrong'];

test('without a flow, replay goes over all flows that a time, a cause or a key touches: shown for each, summed up, and done', async () => {
  const bare = await run(['replay']);
  assert.deepEqual([bare.code, /nothing says what is to be told again/.test(bare.said)], [2, true], bare.said);
  assert.match(bare.said, /--flow.*--from, --to.*--key.*--cause/);

  feeds({ article: { mug: 2, cup: -3 }, offer: { mug: 1, jug: -4 }, label: { tin: 9 } });
  await work();
  const begun = { 'article mug': 2, 'offer mug': 1, 'label tin': 9 };
  assert.deepEqual(shelves(), begun);
  const between = new Date().toISOString();
  feeds({ article: { mug: 2, cup: -3, pan: 5 }, offer: { mug: 1, jug: -4, lid: 6 }, label: { tin: 9 } });
  await work();
  const before = { ...begun, 'article pan': 5, 'offer lid': 6 };
  assert.deepEqual(shelves(), before);

  // By key: one SKU that two flows know.
  const twice = { FACTOR: '2' };
  const key = ['--key', 'mug'];
  const shown = [
    ['article-flow', ['article:mug'], '2.00'],
    ['offer-flow', ['offer:mug'], '1.00'],
  ];
  assert.deepEqual(await replayed(key, twice), { totals: [2, 0, 0, '3.00'], flows: shown });
  await work();
  assert.deepEqual(shelves(), before, 'showing changed something');
  assert.deepEqual(await replayed([...key, ...act], twice), { totals: [2, 0, 2, '3.00'], flows: shown });
  await work(twice);
  const byKey = { ...before, 'article mug': 4, 'offer mug': 2 };
  assert.deepEqual(shelves(), byKey);

  // By time: what was heard from then on.
  const later = [
    ['article-flow', ['article:pan'], '5.00'],
    ['offer-flow', ['offer:lid'], '6.00'],
  ];
  const since = ['--from', between];
  assert.deepEqual(await replayed(since, twice), { totals: [2, 0, 0, '11.00'], flows: later });
  assert.deepEqual(await replayed([...since, ...act], twice), { totals: [2, 0, 2, '11.00'], flows: later });
  await work(twice);
  const byTime = { ...byKey, 'article pan': 10, 'offer lid': 12 };
  assert.deepEqual(shelves(), byTime);
  const until = await replayed(['--to', between], twice);
  assert.deepEqual(
    until.flows.map(([flow]) => flow),
    ['article-flow', 'offer-flow', 'label-flow'],
  );
  assert.deepEqual((await replayed(['--flow', 'label-flow', '--to', between])).flows, [
    ['label-flow', ['label:tin'], null],
  ]);

  // By cause: a person was asked about two.
  const right = { ...twice, MINUS: 'as it is' };
  const cause = ['--cause', 'negative'];
  const asked = [
    ['article-flow', ['article:cup'], '6.00'],
    ['offer-flow', ['offer:jug'], '8.00'],
  ];
  assert.deepEqual(await replayed(cause, right), { totals: [2, 0, 0, '14.00'], flows: asked });
  assert.deepEqual(await replayed([...cause, ...act], right), { totals: [2, 0, 2, '14.00'], flows: asked });
  await work(right);
  assert.deepEqual(shelves(), { ...byTime, 'article cup': 6, 'offer jug': 8 });

  const { code, said } = await run(['replay', '--cause', 'negative'], { ...right, FACTOR: '3' });
  assert.equal(code, 0, said);
  assert.match(said, /offer-flow: offer:jug\n {2}changed offer jug {2}\(\+4\.00 EUR\)/);
  assert.match(said, /In 2 flows together: 2 records, 0 without a change\.\n.*\n.*\n {2}value: 7\.00 EUR/);
  assert.match(said, /\n1 record would be told to flow 'offer-flow' again, 0 without a change\.\n/);
  const idle = await run(['replay', '--key', 'mug'], twice);
  assert.match(
    idle.stdout,
    /^\narticle-flow, offer-flow: 2 records without a change\.\n\nIn 2 flows together: 2 records, 2 without a change\.\n\nNothing was changed\.\n$/,
  );
  const nothing = await run(['replay', '--key', 'nobody']);
  assert.match(nothing.stdout, /Nothing that a flow was told fits\./);
});

test('what goes again behind a parked version is told with its Exception, by replay and by trace', async () => {
  feeds({ label: { bun: 13 } });
  await work();
  const twice = { FACTOR: '2' };
  const shown = await run(['replay', '--key', 'bun'], twice);
  const [, id] =
    /label bun waits behind version 1, which needs a person: Exception ([0-9a-f]{12}) \(unlucky\)/.exec(shown.said) ??
    [];
  assert.ok(id, shown.said);
  assert.match(shown.said, /needs a person would wait 1\. Dismiss its Exception.*\n\nNothing was changed\./);
  const done = await run(['replay', '--key', 'bun', ...act], twice);
  assert.match(done.said, /needs a person wait 1\. .*\n\n1 record goes again/);
  await work(twice);
  assert.equal(shelves()['label bun'], undefined);
  const list = async (...args: string[]) => (await run(['exceptions', 'list', ...args])).stdout;
  const unlucky = await list('--cause', 'unlucky', '--flow', 'label-flow', '--connection', 'to', '--owner', 'x');
  assert.match(
    unlucky,
    new RegExp(`^id +age +due +cause .*\n${id} +\\d+[sm] +24h +unlucky +bun +1 +13\\.00 EUR +x +no thirteen\n$`),
  );
  for (const filter of [
    ['--cause', 'lucky'],
    ['--flow', 'offer-flow'],
    ['--connection', 'from'],
    ['--owner', 'y'],
  ])
    assert.doesNotMatch(await list(...filter), new RegExp(id), filter.join(' '));
  assert.equal(await list('--owner', 'y'), 'No open Exception fits.\n');
  const before = await run(['trace', 'bun']);
  assert.match(
    before.said,
    new RegExp(`sent to .* v2 +waiting +waits behind version 1.*Exception ${id} \\(unlucky\\)`),
  );
  assert.match(before.said, /decided +label-flow +told again +by \S+: it was wrong\n/);
  assert.doesNotMatch(before.said, /Heard again/);

  const edited = await run(['exceptions', 'edit', id, '--set', '/amount=12', '--reason', 'one too many']);
  assert.equal(edited.code, 1, edited.said);
  assert.match(
    edited.said,
    /A newer version of the record waits behind .*\n +→ dismiss this one, and the newer one goes/,
  );
  const dismissed = await run(['exceptions', 'dismiss', id, '--reason', 'the new one goes']);
  assert.equal(dismissed.code, 0, dismissed.said);
  await work(twice);
  assert.equal(shelves()['label bun'], 26);
  assert.match((await run(['trace', 'bun'])).said, /decided +unlucky +dismissed +by \S+: the new one goes\n/);
});
