import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { version } from '../../src/cli/version.ts';

const program = join(import.meta.dirname, '..', '..', 'bin', 'crossdock.mjs');
const folder = mkdtempSync(join(tmpdir(), 'crossdock cli '));
const running = new Set<ChildProcess>();
after(async () => {
  for (const child of running) child.kill('SIGTERM');
  await Promise.all([...running].map((child) => new Promise((resolve) => child.once('close', resolve))));
  rmSync(folder, { recursive: true, force: true });
});

/** Starts the launcher as a user does, in an empty folder. */
function start(args: readonly string[], env: Record<string, string> = {}): ChildProcess {
  const { DATABASE_URL: _, ...inherited } = process.env;
  const child = spawn(process.execPath, [program, ...args], {
    cwd: folder,
    env: { ...inherited, CROSSDOCK_HOME: join(folder, 'home'), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  child.once('close', () => running.delete(child));
  return child;
}

async function run(
  args: readonly string[],
  env?: Record<string, string>,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = start(args, env);
  let stdout = '';
  let stderr = '';
  child.stdout!.on('data', (data) => {
    stdout += data;
  });
  child.stderr!.on('data', (data) => {
    stderr += data;
  });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, stdout, stderr };
}

const firstLine = (child: ChildProcess): Promise<string> =>
  new Promise((resolve, reject) => {
    let text = '';
    child.stdout!.on('data', (data) => {
      text += data;
      if (text.includes('\n')) resolve(text.split('\n')[0]!);
    });
    child.once('close', (code) => reject(new Error(`ended with ${code} before it said anything`)));
  });

describe('the command line', { concurrency: 2 }, () => {
  for (const wanted of ['18', '19'])
    test(`sim odoo --version ${wanted} --json says in one line where it is and what a hub needs`, async () => {
      const child = start(['sim', 'odoo', '--version', wanted, '--json']);
      const said = JSON.parse(await firstLine(child)) as Record<string, string>;
      for (const field of ['url', 'db', 'login', 'key', 'admin']) assert.ok(said[field], `${field} is there`);
      const answer = await fetch(`${said.url}/jsonrpc`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, params: { service: 'common', method: 'version', args: [] } }),
      });
      const { result } = (await answer.json()) as { result: { server_version: string } };
      assert.match(result.server_version, new RegExp(`^${wanted}\\.`));
    });

  test('sim shopify --json answers its Admin API; sim warehouse --json works on a folder', async () => {
    const shop = JSON.parse(await firstLine(start(['sim', 'shopify', '--json']))) as Record<string, string>;
    const answer = await fetch(`${shop.url}/admin/api/2026-07/graphql.json`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-shopify-access-token': shop.token! },
      body: JSON.stringify({ query: '{ shop { myshopifyDomain } }' }),
    });
    const { data } = (await answer.json()) as { data: unknown };
    assert.deepEqual(data, { shop: { myshopifyDomain: shop.shop } });
    const warehouse = JSON.parse(await firstLine(start(['sim', 'warehouse', '--data', 'wms', '--json'])));
    assert.equal(existsSync(join(warehouse.folder, 'in')), true);
    const { code, stderr } = await run(['sim', 'sap']);
    assert.deepEqual([code, /one of odoo, shopify, warehouse, till, store, medusa/.test(stderr)], [2, true], stderr);
  });

  test('sim till, store and medusa say where they are and what a hub needs, and sell', async () => {
    const till = JSON.parse(await firstLine(start(['sim', 'till', '--data', 'drops', '--rate', '20', '--json'])));
    const store = JSON.parse(await firstLine(start(['sim', 'store', '--rate', '5', '--json'])));
    const medusa = JSON.parse(await firstLine(start(['sim', 'medusa', '--rate', '5', '--json'])));
    const ask = async (url: string, authorization: string) =>
      (await (await fetch(url, { headers: { authorization } })).json()) as Record<string, unknown[]>;
    const basic = `Basic ${Buffer.from(`${medusa.key}:`).toString('base64')}`;
    const sold = async (): Promise<boolean[]> => [
      readdirSync(till.folder).some((name) => name.endsWith('.csv')),
      (await ask(`${store.url}/sales?after=0`, `Bearer ${store.token}`)).sales!.length > 0,
      (await ask(`${medusa.url}/admin/orders?limit=5`, basic)).orders!.length > 0,
    ];
    for (let tries = 0; tries < 300 && !(await sold()).every(Boolean); tries++) await setTimeout(100);
    assert.deepEqual(await sold(), [true, true, true]);
    assert.match(store.secret, /^whsec_/);
    const kept = await run(['sim', 'medusa', '--data', 'x']);
    assert.deepEqual([kept.code, /keeps nothing/.test(kept.stderr)], [2, true]);
  });

  test('sim store in words: its variables, and where it pushes', async () => {
    const child = start(['sim', 'store']);
    let text = '';
    for await (const data of child.stdout!) {
      text += data;
      if (text.includes('/in/store/sales')) break;
    }
    assert.match(text, /STORE_URL=http:\/\/127\.0\.0\.1:\d+ STORE_TOKEN=\S+ STORE_SECRET=whsec_\S+/);
  });

  test('--version is the release, before any command', async () => {
    const { code, stdout } = await run(['--version']);
    assert.deepEqual([code, stdout.trim()], [0, version]);
  });

  test('every command explains itself', async () => {
    const { stdout } = await run(['--help']);
    const commands = [...stdout.matchAll(/^ {2}([a-z]+)/gm)].map(([, name]) => name!);
    for (const name of ['demo', 'start', 'check', 'status', 'trace', 'exceptions', 'mapping', 'sim', 'migrate'])
      assert.ok(commands.includes(name), `${name} is listed`);
    const { code, stdout: help } = await run(['start', '--help']);
    assert.equal(code, 0);
    assert.match(help, /Examples:\n {2}crossdock start/);
  });

  const wrong: [string, string[], RegExp][] = [
    ['an unknown command', ['strat'], /Did you mean start\?/],
    ['an unknown option', ['start', '--inbx', '.'], /Did you mean --inbox\?/],
    ['a decision without a reason', ['exceptions', 'dismiss', 'x'], /--reason/],
    ['a decision with an empty reason', ['exceptions', 'dismiss', 'x', '--reason', ' '], /It is empty: say why/],
    ['a table of a file that is not there', ['mapping', 'import', 'no.csv', '--reason', 'r'], /no\.csv cannot be read/],
    [
      'two Exceptions with one id',
      ['exceptions', 'dismiss', 'x', 'y', '--bound-to', '7', '--reason', 'r'],
      /about one Exception/,
    ],
    ['a reference without a value', ['erase', '--reference', 'email', '--reason', 'r'], /not kind=value/],
    ['a simulator that does not exist', ['sim', 'sap'], /no simulator for 'sap'/],
    ['an Odoo version that is not simulated', ['sim', 'odoo', '--version', '9'], /18, 19/],
    ['a rate that is none', ['demo', '--rate', '-1'], /--rate '-1' is no number of orders/],
    ['a moment that is none', ['replay', '--flow', 'x', '--from', '5'], /--from '5' is not a moment/],
    ['a day that never was', ['replay', '--flow', 'x', '--from', '2026-02-30'], /--from '2026-02-30' is not a moment/],
    [
      'a period that ends before it begins',
      ['replay', '--flow', 'x', '--from', '2026-11-25', '--to', '2026-11-24T08:00:00Z'],
      /is not before --to/,
    ],
    ['a rate of a simulator that is none', ['sim', 'store', '--rate', 'x'], /--rate 'x' is no number/],
    ['a port that is none', ['sim', 'odoo', '--port', 'x'], /'x' is not a port/],
  ];
  for (const [name, args, words] of wrong)
    test(`${name} is wrong use and says so`, async () => {
      const { code, stderr } = await run(args);
      assert.equal(code, 2);
      assert.match(stderr, words);
    });

  test('an estate file that is missing or broken is named', async () => {
    const missing = await run(['start', '--config', 'nowhere.ts']);
    assert.equal(missing.code, 1);
    assert.match(missing.stderr, /nowhere\.ts/);
    writeFileSync(join(folder, 'broken.mjs'), 'export default {');
    const broken = await run(['start', '--config', 'broken.mjs']);
    assert.equal(broken.code, 1);
    assert.match(broken.stderr, /broken\.mjs/);
  });

  test('check and plan make no folder, and say which is not there; plan that could read nothing ends with 1', async () => {
    const sources = join(import.meta.dirname, '..', '..', 'src', 'index.ts');
    const warehouse = join(import.meta.dirname, '..', '..', 'src', 'connectors', 'warehouse-files', 'index.ts');
    writeFileSync(
      join(folder, 'wms.mjs'),
      `import { defineEstate } from ${JSON.stringify(sources)};
      import { warehouseFiles } from ${JSON.stringify(warehouse)};
      const wms = warehouseFiles({ at: { kind: 'folder', path: ${JSON.stringify(join(folder, 'mistyped'))} }, format: { kind: 'csv' } });
      const { receipts } = wms.sources;
      export default defineEstate({
        name: 'wms',
        connections: { wms },
        flows: [{ id: 'receipts', about: '', documents: [], from: receipts, to: {}, latency: 'realtime', promise: { within: '1m', critical: false },
          onException: { owner: 'x', within: '1d', hold: 'lane' }, fallback: '', translate: () => ({ outcome: 'duplicate', documents: [] }) }],
      });`,
    );
    const checked = await run(['check', '--config', 'wms.mjs']);
    assert.equal(checked.code, 1, checked.stdout + checked.stderr);
    assert.match(checked.stdout, /FAIL {2}wms .*mistyped\/in: .*mistyped\/in is not there/);
    assert.match(checked.stdout, /FAIL {2}wms .*mistyped\/out: .*mistyped\/out is not there/);
    const planned = await run(['plan', '--config', 'wms.mjs']);
    assert.equal(planned.code, 1, planned.stdout + planned.stderr);
    assert.match(planned.stdout, /wms receipts: .*mistyped\/out is not there/);
    assert.ok(!existsSync(join(folder, 'mistyped')), 'nothing was made');
    mkdirSync(join(folder, 'mistyped', 'out'), { recursive: true });
    const { code, stdout } = await run(['plan', '--config', 'wms.mjs']);
    assert.deepEqual([code, /not there/.test(stdout)], [0, false], stdout);
    const told = await run(['replay', '--flow', 'receipts', '--config', 'wms.mjs']);
    assert.match(told.stdout, /Nothing that flow 'receipts' was told fits/);
    const kept = await run(['backup', join(folder, 'nowhere', 'x.backup')]);
    assert.match(kept.stderr, /the folder .*nowhere is not there[\s\S]*create it/);
  });

  test('a sink that cannot promise one effect needs an approval, and check shows who gave it', async () => {
    const sources = join(import.meta.dirname, '..', '..', 'src', 'index.ts');
    const estate = (approvals: string) => `
      import { defineDocument, defineEstate } from ${JSON.stringify(sources)};
      const Mail = defineDocument({ name: 'mail', version: '1.0', schema: { type: 'object' }, key: ({ id }) => id });
      const source = { kind: 'poll', name: 'mails', every: '1h', async *pull() {}, decode: JSON.parse };
      const sink = { name: 'outbox', accepts: Mail, idempotency: 'unsafe', settle: 0, deadline: '1s', batch: { max: 1, onFailure: 'stops' }, deliver: async () => [] };
      const part = { connector: 'mail', entity: 'main', async *check() {} };
      export default defineEstate({
        name: 'mails',
        connections: { from: { ...part, sources: { source }, sinks: {} }, to: { ...part, sources: {}, sinks: { sink } } },
        flows: [{ id: 'mails', about: '', documents: [Mail], from: source, to: { mail: sink }, latency: 'realtime', promise: { within: '1m', critical: false },
          onException: { owner: 'x', within: '1d', hold: 'lane' }, fallback: '', translate: () => ({ outcome: 'duplicate', documents: [] }) }],
        ${approvals}
      });`;
    writeFileSync(join(folder, 'mails.mjs'), estate(''));
    const refused = await run(['start', '--config', 'mails.mjs']);
    assert.equal(refused.code, 1);
    assert.match(
      refused.stderr,
      /flow 'mails' sends 'mail' to sink 'outbox'[\s\S]*approvals: \{ 'mails': \{ reason: '…', by: '…' \} \}/,
    );
    writeFileSync(
      join(folder, 'approved.mjs'),
      estate("approvals: { mails: { reason: 'twice is no harm', by: 'anna' } },"),
    );
    const { code, stdout, stderr } = await run(['check', '--config', 'approved.mjs'], {
      CROSSDOCK_HOME: join(folder, 'approvals'),
    });
    assert.equal(code, 0, `${stdout}${stderr}`);
    assert.match(stdout, /flow mails: 'mail' to 'outbox' \(unsafe\) approved by anna: twice is no harm/);
  });
});
