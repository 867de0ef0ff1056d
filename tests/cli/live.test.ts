import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

const root = join(import.meta.dirname, '..', '..');
const running = new Set<ChildProcess>();
const folders: string[] = [];
after(async () => {
  for (const child of running) child.kill('SIGTERM');
  await Promise.all([...running].map((child) => new Promise((resolve) => child.once('close', resolve))));
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** Articles of one file go to another: what stands there by the same name was there before. `FACTOR` is what the flow makes of an amount. */
const estate = `
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { defineDocument, defineEstate } from ${JSON.stringify(join(root, 'src', 'index.ts'))};
const read = (file) => (existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : []);
const Article = defineDocument({ name: 'article', version: '1.0', schema: { type: 'object' }, key: ({ id }) => id });
const source = {
  kind: 'poll', name: 'articles', every: '1s', decode: (bytes) => JSON.parse(Buffer.from(bytes).toString()),
  async *pull(cursor) {
    const all = read('articles.json');
    const now = JSON.stringify(all);
    if (now === cursor) return;
    yield { cursor: now, items: all.map((one) => ({
      dedupeKey: one.id + ' ' + one.amount, subject: 'article:' + one.id, occurredAt: new Date(0), bytes: Buffer.from(JSON.stringify(one)),
    })) };
  },
};
const sink = {
  name: 'shelf', accepts: Article, idempotency: 'external-id', settle: 0, deadline: '5s', batch: { max: 10, onFailure: 'independent' },
  match: async (items) => items.map(({ document }) => {
    const found = read('shelf.json').find(({ name }) => name === document.name);
    return found ? { match: 'one', id: found.id, by: 'name' } : { match: 'none' };
  }),
  count: async () => read('shelf.json').length,
  deliver: async (items) => items.map(({ id, document }) => {
    const all = read('shelf.json');
    const own = all.find((one) => one.id === id) ?? { id: 'S' + (all.length + 1) };
    // Whoever reads it meanwhile sees it whole.
    writeFileSync('shelf.new', JSON.stringify([...all.filter((one) => one !== own), { ...own, ...document, id: own.id }]));
    renameSync('shelf.new', 'shelf.json');
    return { outcome: 'done', id: own.id };
  }),
};
const part = { connector: 'files', entity: 'main' };
export default defineEstate({
  name: 'articles',
  connections: {
    from: { ...part, sources: { source }, sinks: {}, async *check() {
      yield { level: 'warning', subject: 'document Articles', message: 'will go', ports: ['articles'] };
    } },
    to: { ...part, sources: {}, sinks: { sink }, async *check() {
      yield { level: 'warning', subject: 'document Shelf', message: 'will go', hint: 'look', ports: ['shelf', 'cellar'] };
      yield { level: 'warning', subject: 'document Cellar', message: 'will go', ports: ['cellar'] };
    } },
  },
  flows: [{
    mappings: ['sizes', 'colours'].map((table) => ({ table, owner: 'x', about: '', rows: { a: 'b' } })),
    id: 'to-shelf', about: '', documents: [Article], from: source, to: { article: sink }, latency: 'realtime',
    promise: { within: '1m', critical: false }, onException: { owner: 'x', within: '1d', hold: 'lane' }, fallback: '',
    translate: ({ id, name, amount }) => ({
      outcome: 'routed', documents: [{ kind: 'article', body: { id, name, amount: amount * Number(process.env.FACTOR ?? 1) } }],
    }),
  }],
});`;

const told = [
  { id: 'mug', name: 'Mug', amount: 2 },
  { id: 'cup', name: 'Cup', amount: 3 },
];

/** A folder with an estate; the shelf has a mug of its own. */
function lab() {
  const folder = mkdtempSync(join(tmpdir(), 'crossdock live '));
  folders.push(folder);
  writeFileSync(join(folder, 'crossdock.config.ts'), estate);
  const write = (file: string, value: object): void => writeFileSync(join(folder, file), JSON.stringify(value));
  write('articles.json', told);
  write('shelf.json', [{ id: 'OLD', name: 'Mug' }]);
  const { DATABASE_URL: _, ...inherited } = process.env;
  const start = (args: readonly string[], env: Record<string, string> = {}): ChildProcess => {
    const child = spawn(process.execPath, [join(root, 'bin', 'crossdock.mjs'), ...args], {
      cwd: folder,
      env: { ...inherited, CROSSDOCK_HOME: join(folder, 'home'), CROSSDOCK_PORT: '0', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    running.add(child);
    child.once('close', () => running.delete(child));
    return child;
  };
  const run = async (args: readonly string[], env?: Record<string, string>) => {
    const child = start(args, env);
    let said = '';
    let stdout = '';
    child.stdout!.on('data', (data) => {
      stdout += data;
    });
    child.stderr!.on('data', (data) => {
      said += data;
    });
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
    return { code, stdout, said: stdout + said };
  };
  const shelf = () =>
    (JSON.parse(readFileSync(join(folder, 'shelf.json'), 'utf8')) as { id: string; name: string; amount?: number }[])
      .map(({ id, name, amount = 0 }) => `${id.startsWith('OLD') ? id : 'new'} ${name} ${amount}`)
      .sort();
  const shelfSays = async (line: string): Promise<void> => {
    for (let n = 0; n < 600 && !shelf().includes(line); n++) await new Promise((resolve) => setTimeout(resolve, 100));
    assert.ok(shelf().includes(line), shelf().join(', '));
  };
  return { folder, start, run, shelf, shelfSays, write };
}

/** What a command says with `--json`. */
const read = (answer: { stdout: string; said: string; code: number | null }) => {
  assert.equal(answer.code, 0, answer.said);
  return JSON.parse(answer.stdout);
};

test('check names the flows that use what a finding concerns', async () => {
  const { run } = lab();
  const findings = read(await run(['check', '--json'])) as { subject: string; hint?: string }[];
  assert.deepEqual(
    findings.filter(({ subject }) => subject.includes('document')).map(({ hint }) => hint),
    [
      'concerns articles: flow to-shelf',
      'look; concerns shelf, cellar: flow to-shelf',
      'concerns cellar: no flow of the estate',
    ],
  );
});

test('check says for people what is there, then what is to be done, and its sum', async () => {
  const { run } = lab();
  const before = await run(['check']);
  assert.match(
    before.stdout,
    /\nwarn {2}flow to-shelf: Mapping table 'colours' is not there yet; the first start makes it with 1 row\n/,
  );
  assert.match(before.stdout, /\n\n0 errors, 5 warnings\n$/);
  assert.equal((await run(['start', '--until-idle', '--json'])).code, 0);
  const { code, stdout } = await run(['check']);
  assert.deepEqual(
    stdout.match(/^( {2}ok|warn|FAIL) /gm)!.map((mark) => mark.trim()),
    ['ok', 'ok', 'ok', 'warn', 'warn', 'warn'],
    stdout,
  );
  assert.match(stdout, /ok {2}ledger: 2 Mapping tables are there\n/);
  assert.match(stdout, /\n\n0 errors, 3 warnings\n$/);
  assert.equal(code, 0);
});

test('plan shows what would be written and writes nothing; adopt shows, binds with a reason, and what is bound is not made again', async () => {
  const { run, shelf } = lab();
  const wrong: [string[], RegExp][] = [
    [['plan', '--most', '0'], /--most '0' is not a number/],
    [['plan', '--mst', '5'], /Did you mean --most\?/],
    [['adopt'], /--flow/],
    [['adopt', '--flow', 'to-shelf', '--yes'], /adopting needs a reason/],
    [['replay', '--flow', 'to-shelf', '--yes'], /a replay needs a reason/],
    [['replay', '--flow', 'to-shelf', '--from', 'yesterday'], /--from 'yesterday' is not a moment/],
  ];
  for (const [args, words] of wrong) {
    const { code, said } = await run(args);
    assert.deepEqual([code, words.test(said)], [2, true], said);
  }
  const unknown = await run(['plan', '--flow', 'to-shlf']);
  assert.deepEqual([unknown.code, /flow 'to-shlf' is not in the estate/.test(unknown.said)], [1, true], unknown.said);

  const planned = await run(['plan', '--verbose']);
  assert.equal(planned.code, 0, planned.said);
  assert.match(planned.said, /\n2 records would be told to their flows\.\n/);
  assert.match(planned.said, /article/);
  assert.deepEqual(shelf(), ['OLD Mug 0']);

  const side = async (args: string[]) => {
    const { acted, sides } = read(await run(['adopt', '--flow', 'to-shelf', ...args, '--json']));
    const [{ matched, known, onlyHere, onlyThere }] = sides;
    return [
      acted,
      matched.map(({ key, id }: { key: string; id: string }) => `${key} ${id}`),
      known,
      onlyHere,
      onlyThere,
    ];
  };
  const found = [['mug OLD'], 0, ['cup'], 0];
  assert.deepEqual(await side([]), [false, ...found]);
  assert.deepEqual(await side([]), [false, ...found], 'showing bound something');
  assert.deepEqual(await side(['--yes', '--reason', 'both were there']), [true, ...found]);
  assert.deepEqual(await side([]), [false, [], 1, ['cup'], 0]);
  assert.deepEqual(shelf(), ['OLD Mug 0'], 'adopting wrote to the target');
  const hub = await run(['start', '--until-idle', '--json']);
  assert.equal(hub.code, 0, hub.said);
  assert.deepEqual(shelf(), ['OLD Mug 2', 'new Cup 3'], 'a second mug was made');
  const again = await run(['plan', '--from-start', '--most', '1', '--verbose']);
  assert.match(again.stdout, /^1 record would be told to its flow, 1 of them would change nothing\./);
  assert.equal(read(await run(['plan', '--from-start', '--json'])).unchanged, 2);
});

test('replay shows what a flow that was put right would change, and a hub does it once it was asked for', async () => {
  const { run, shelf } = lab();
  assert.equal((await run(['start', '--until-idle', '--json'])).code, 0);
  assert.deepEqual(shelf(), ['OLD Mug 0', 'new Cup 3', 'new Mug 2'], 'without adopting there is a second mug');
  const args = ['replay', '--flow', 'to-shelf', '--key', 'article:cup', '--json'];
  const same = read(await run(args));
  assert.deepEqual([same.subjects, same.unchanged, same.asked], [1, 1, 0]);
  const right = { FACTOR: '10' };
  const shown = read(await run(args, right));
  assert.deepEqual([shown.subjects, shown.unchanged, shown.asked], [1, 0, 0]);
  await run(['start', '--until-idle', '--json'], right);
  assert.ok(shelf().includes('new Cup 3'), 'showing changed something');
  assert.equal(read(await run([...args, '--yes', '--reason', 'tenfold'], right)).asked, 1);
  await run(['start', '--until-idle', '--json'], right);
  assert.deepEqual(shelf(), ['OLD Mug 0', 'new Cup 30', 'new Mug 2']);
});

test('adopt beside a hub that runs: what the hub has delivered is bound already; what waits for a paused connection is bound, and not made again', async () => {
  const { folder, run, start, shelf, shelfSays, write } = lab();
  assert.equal((await run(['start', '--until-idle', '--json'])).code, 0);
  assert.equal((await run(['connections', 'pause', 'to', '--reason', 'adopting'])).code, 0);
  write('shelf.json', [...JSON.parse(readFileSync(join(folder, 'shelf.json'), 'utf8')), { id: 'OLD2', name: 'Jug' }]);
  write('articles.json', [...told, { id: 'jug', name: 'Jug', amount: 4 }]);
  const hub = start(['start', '--json']);
  await new Promise((resolve) => {
    for (const stream of [hub.stdout!, hub.stderr!]) stream.once('data', resolve);
  });
  const act = ['adopt', '--flow', 'to-shelf', '--yes', '--reason', 'beside a hub', '--json'];
  const [side] = read(await run(act)).sides;
  assert.deepEqual([side.matched, side.known], [[{ key: 'jug', id: 'OLD2', by: 'name' }], 2]);
  assert.equal((await run(['connections', 'resume', 'to', '--reason', 'adopted'])).code, 0);
  await shelfSays('OLD2 Jug 4');
  assert.equal(shelf().length, 4);
  const closed = new Promise((resolve) => hub.once('close', resolve));
  hub.kill('SIGTERM');
  await closed;
});
