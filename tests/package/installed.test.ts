import assert from 'node:assert/strict';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { type DemoSummary, lastJson, must, nodes, pack, root, run, scratch, start } from '../support/package.ts';

const { folder, clean } = scratch();
after(clean);
const project = join(folder, 'a shop');
let tarball = '';

/** npm as a user has it, asking the registry for what the cache does not hold. */
const npm = (args: string[], cwd = project) => must('npm', [...args, '--no-audit', '--no-fund'], { cwd });
const crossdock = (args: string[], env: Record<string, string> = {}) =>
  run('npx', ['--no-install', 'crossdock', ...args], { cwd: project, env });

before(async () => {
  ({ file: tarball } = await pack(folder));
  mkdirSync(project);
  await npm(['init', '-y']);
  await npm(['pkg', 'set', 'type=module']);
  await npm(['install', tarball]);
});

async function demoIn(cwd: string, env: Record<string, string | undefined>): Promise<void> {
  const said = await must('npx', ['--no-install', 'crossdock', 'demo', '--for', '20s', '--json'], { cwd, env });
  const { verified, money, documents } = lastJson<DemoSummary>(said);
  assert.deepEqual(verified, { lost: 0, duplicated: 0, outOfOrder: 0, differences: 0 });
  assert.ok(documents.order! > 50, `${documents.order} orders`);
  for (const { difference } of Object.values(money)) assert.equal(difference, '0.00');
}

test('npm pack, npm install in an empty folder, npx crossdock demo', () => demoIn(project, {}));

test('the same with only a Node 20 in PATH', async (t) => {
  const dir = nodes.inPath();
  if (dir === null) return t.skip('no node in PATH');
  const version = await must(join(dir, 'node'), ['--version'], { cwd: folder });
  if (!version.startsWith('v20.')) return t.skip(`the node in PATH is ${version.trim()}`);
  const only = mkdtempSync(join(tmpdir(), 'only node 20 '));
  t.after(() => rmSync(only, { recursive: true }));
  for (const name of ['node', 'npm', 'npx']) symlinkSync(join(dir, name), join(only, name));
  for (const name of ['sh', 'env', 'id', 'uname'])
    for (const bin of ['/bin', '/usr/bin'])
      if (existsSync(join(bin, name)) && !existsSync(join(only, name))) symlinkSync(join(bin, name), join(only, name));
  await demoIn(project, { PATH: only, CROSSDOCK_HOME: join(folder, 'twenty') });
});

test('the same with only a Node 24 in PATH, which then runs the hub in the process that was called', async (t) => {
  if (!existsSync(join(nodes.packaged, 'node'))) return t.skip('no packaged Node for this platform');
  const bin = join(project, 'node_modules/crossdock/bin/crossdock.mjs');
  const said = await must(join(nodes.packaged, 'node'), [bin, 'demo', '--for', '20s', '--json'], {
    cwd: project,
    env: { PATH: `${nodes.packaged}:/usr/bin:/bin`, CROSSDOCK_HOME: join(folder, 'twenty-four') },
  });
  assert.deepEqual(lastJson<DemoSummary>(said).verified, { lost: 0, duplicated: 0, outOfOrder: 0, differences: 0 });
});

interface SimulatedOdoo {
  url: string;
  db: string;
  login: string;
  key: string;
  pid: number;
}

/** `crossdock sim odoo` of the installed package, in the foreground of a process of its own. */
async function simulator(t: { after(work: () => unknown): void }, version: string): Promise<SimulatedOdoo> {
  const child = start('npx', ['--no-install', 'crossdock', 'sim', 'odoo', '--version', version, '--json'], {
    cwd: project,
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  for await (const line of createInterface({ input: child.stdout! })) {
    const odoo = JSON.parse(line) as SimulatedOdoo;
    t.after(async () => {
      process.kill(odoo.pid, 'SIGTERM');
      child.kill('SIGTERM');
      await ended;
    });
    return odoo;
  }
  throw new Error('the simulator ended without a word');
}

const named = ({ url, db, login, key }: SimulatedOdoo): Record<string, string> => ({
  ODOO_URL: url,
  ODOO_DB: db,
  ODOO_LOGIN: login,
  ODOO_KEY: key,
});

const HEADER = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country';
const DAY = `${HEADER}
536365,85123A,WHITE HANGING HEART T-LIGHT HOLDER,6,2010-12-01 08:26:00,2.55,17850,United Kingdom
536365,71053,WHITE METAL LANTERN,6,2010-12-01 08:26:00,3.39,17850,United Kingdom
C536379,85123A,WHITE HANGING HEART T-LIGHT HOLDER,-1,2010-12-01 09:41:00,2.55,17850,United Kingdom
`;

for (const version of ['18', '19'])
  test(`the steps of docs/first-real-odoo.md with an Odoo ${version}: the example copied, check, a first day, again`, async (t) => {
    const odoo = named(await simulator(t, version));
    const env = { ...odoo, CROSSDOCK_HOME: join(folder, `odoo ${version}`) };
    cpSync(
      join(project, 'node_modules/crossdock/examples/day-sales/crossdock.config.ts'),
      join(project, 'crossdock.config.ts'),
    );
    const checked = await crossdock(['check', '--json'], env);
    const findings = lastJson<{ level: string; subject: string; message: string }[]>(checked.stdout);
    assert.deepEqual(
      findings.filter(({ level }) => level === 'error'),
      [],
    );
    assert.equal(checked.code, 0);
    const inbox = join(folder, `days ${version}`);
    mkdirSync(inbox);
    writeFileSync(join(inbox, '2010-12-01.csv'), DAY);
    const first = await crossdock(['start', '--inbox', inbox, '--until-idle', '--json'], env);
    const { lines, money } = lastJson<{ lines: object; money: Record<string, object> }>(first.stdout);
    assert.deepEqual(lines, { received: 3, posted: 3, adjusted: 0, excepted: 0 });
    assert.equal((money.GBP as { posted: string }).posted, '33.09');
    assert.equal((money.GBP as { difference: string }).difference, '0.00');
    assert.ok(existsSync(join(inbox, 'done')), readdirSync(inbox).join());
    writeFileSync(join(inbox, 'again.csv'), DAY);
    const second = await crossdock(['start', '--inbox', inbox, '--until-idle', '--json'], env);
    assert.deepEqual(lastJson<{ lines: object }>(second.stdout).lines, lines, 'the same day again adds nothing');
    const status = await crossdock(['status'], env);
    assert.match(status.stdout, /difference 0\.00/);
  });

test('docs/writing-a-flow.md: a connector and a flow of the user’s own, from the package’s exports alone', async (t) => {
  const odoo = named(await simulator(t, '19'));
  cpSync(
    join(project, 'node_modules/crossdock/examples/web-shop/crossdock.config.ts'),
    join(project, 'shop.config.ts'),
  );
  const env = { ...odoo, CROSSDOCK_HOME: join(folder, 'shop') };
  const { stdout, stderr, code } = await crossdock(
    ['start', '--config', 'shop.config.ts', '--until-idle', '--json'],
    env,
  );
  assert.equal(code, 0, stderr);
  const { documents, exceptions, money } = lastJson<{
    documents: object;
    exceptions: { cause: string; count: number }[];
    money: Record<string, { posted: string }>;
  }>(stdout);
  assert.deepEqual(documents, { customer: 1, order: 1, product: 1 });
  assert.equal(money.GBP!.posted, '25.00');
  assert.deepEqual(
    exceptions.map(({ cause, count }) => [cause, count]),
    [['no-lines', 1]],
  );
});

test('the compiler knows the types of an installed package', async () => {
  writeFileSync(
    join(project, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: { module: 'nodenext', target: 'es2024', strict: true, noEmit: true, types: ['node'] },
      files: ['crossdock.config.ts'],
    }),
  );
  symlinkSync(join(root, 'node_modules/@types'), join(project, 'node_modules/@types'), 'junction');
  const compile = () =>
    run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc6'), '-p', '.'], { cwd: project });
  assert.deepEqual((await compile()).stdout, '');
  const estate = readFileSync(join(project, 'crossdock.config.ts'), 'utf8');
  writeFileSync(
    join(project, 'crossdock.config.ts'),
    estate.replace('order: books.sinks.saleOrders', 'order: books.sinks.customers'),
  );
  assert.match((await compile()).stdout, /error TS/, 'orders into the sink of customers do not compile');
});

test('in a project of type commonjs, which npm makes, the error says what to do about an estate in .ts; .mts works', async () => {
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'shop', type: 'commonjs' }));
  writeFileSync(join(project, 'crossdock.config.ts'), "import 'crossdock';\nexport default {};\n");
  const { code, stderr } = await run('npx', ['--no-install', 'crossdock', 'check'], { cwd: project });
  assert.equal(code, 1);
  assert.match(stderr, /npm pkg set type=module/);
  renameSync(join(project, 'crossdock.config.ts'), join(project, 'crossdock.config.mts'));
  const renamed = await run('npx', ['--no-install', 'crossdock', 'check'], { cwd: project });
  assert.match(renamed.stderr, /crossdock\.config\.mts has no default export made by defineEstate/);
});
