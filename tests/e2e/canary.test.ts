import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { attachEmbeddedPostgres } from '../../src/ledger/embedded/index.ts';
import { drop, HEADER, makeSales, records } from '../chaos/sales.ts';
import { until, World } from '../chaos/world.ts';
import { person, sightings, sightingsInTables, sightingsUnder } from '../support/canary.ts';

const words = Object.values(person).join(' ');
const metricsToken = 'canary-metrics-token-5c1d';
const row = (
  invoice: string,
  more: Partial<Record<'code' | 'words' | 'quantity' | 'price' | 'customer' | 'country', string>>,
) =>
  `${invoice},${more.code ?? '20007'},${more.words ?? 'ARTICLE'},${more.quantity ?? '1'},2025-03-03 10:00:00,${more.price ?? '4.00'},${more.customer ?? '12001'},${more.country ?? 'United Kingdom'}\n`;

/** Asks the API with a token as `token create --json` prints it. */
function apiAnswers(url: string, printed: string): (path: string) => Promise<string> {
  const { token } = JSON.parse(/^\{.*\}$/m.exec(printed)![0]);
  return async (path) => {
    const answer = await fetch(`${url}/api/v1${path}`, { headers: { authorization: `Bearer ${token}` } });
    const text = await answer.text();
    assert.equal(answer.status, 200, `${path}: ${text}`);
    return text;
  };
}

/**
 * Everything an operator does to a running hub, while a person's name, e-mail address and card number are in what it reads, and its own secrets in what it
 * is given. The person may be shown to whoever opens an Exception or the record itself; nothing else may hold the person, and nothing at all the secrets.
 */
test('a canary person and canary secrets, sent through a whole hub and its commands, are found where they belong only', async () => {
  const world = await World.open({
    CROSSDOCK_LOG: 'debug',
    CROSSDOCK_METRICS_TOKEN: metricsToken,
    CHAOS_SETTLE: '3s',
    CHAOS_TIMEOUT: '10s',
    CROSSDOCK_LEASE_SECONDS: '3',
  });
  try {
    const checkpoints = join(world.folder, 'checkpoints');
    mkdirSync(checkpoints);
    await world.faults([
      { kind: 'cut-after-commit', model: 'sale.order', method: 'load', calls: [1] },
      { kind: 'expired-key', model: 'res.partner', method: 'load', calls: [1] },
      { kind: 'status', status: 503, model: 'product.product', method: 'load', calls: [1] },
    ]);
    const hub = world.hub({ env: { CROSSDOCK_CHECKPOINTS: checkpoints } });
    await until('the hub is ready', 90, () => /Status page: \S+/.test(hub.said) || hub.over);
    drop(
      world.inbox,
      'monday.csv',
      HEADER +
        records(makeSales({ seed: 3, count: 12, most: 4 })) +
        // The customer's number is an e-mail address: it becomes the key of a record, and stands in the needs of its orders.
        row('900001', { words: `GIFT FOR ${words}`, customer: person['an e-mail address']! }) +
        row('900002', { words: `damaged ${words}`, price: '0', quantity: '-2' }) +
        row('900003', { country: `Zebulonia ${person['the name of a person']}` }) +
        row('900004', { words: `REFUND ${words}`, price: '-4.00' }),
    );
    drop(world.inbox, 'strange.csv', `InvoiceNo,${words}\n1;2\n`);
    drop(world.inbox, 'worse.csv', HEADER + row('900005', { price: `4.00 ${words}`, quantity: words }));
    const orders = async () => (await world.ledger()).sale_orders.length;
    await until('orders land', 120, async () => hub.over || (await orders()) >= 8);
    assert.equal(hub.over, false, hub.said);
    await until('some are Exceptions', 60, async () => (await world.exceptions()).length >= 2);
    const run = async (...args: string[]) => {
      const { code, stdout, stderr } = await world.run(args, { env: { CROSSDOCK_INBOX: world.inbox } }).ended;
      return { args: args.join(' '), code, text: stdout + stderr };
    };
    const url = /Status page: (\S+)/.exec(hub.said)![1]!;
    const metrics = await (
      await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${metricsToken}` } })
    ).text();
    assert.match(metrics, /crossdock_/);
    const pages = [
      metrics,
      await (await fetch(url)).text(),
      await (await fetch(`${url}/readyz`)).text(),
      await (await fetch(`${url}/metrics`)).text(),
    ];
    const api = apiAnswers(
      url,
      (await run('token', 'create', '--name', 'canary', '--scope', 'read', '--all-entities', '--json')).text,
    );
    const byKey = encodeURIComponent(`till:${person['an e-mail address']}`);
    const [customers, whereIsIt] = [await api(`/documents?key=${byKey}`), await api(`/trace?key=${byKey}`)];
    assert.match(customers, /"kind":"customer","key":"~[0-9a-f]{32}"/, 'found by what people know');
    assert.match(whereIsIt, /"what":"binding"/);
    const [customer] = JSON.parse(customers).items;
    pages.push(
      ...(await Promise.all(
        ['documents', 'deliveries', 'events', `documents/${customer.id}`, 'trace?key=900001'].map((path) =>
          api(`/${path}`),
        ),
      )),
      customers,
      whereIsIt.replace(/^\{"key":"[^"]*"/, ''),
    );
    assert.ok(pages.length > 10);
    // A code that no Mapping table knows is quoted to whoever has to add it, whatever the till wrote into that column; what looks like a person's is not.
    const { 'the name of a person': _quoted, ...looksPersonal } = person;
    const exceptionsShown = sightings('the Exceptions', await api('/exceptions'), looksPersonal);
    const masterBefore = readFileSync(join(world.home, 'master.key'), 'utf8').trim();
    const rotated = await run('key', 'rotate');
    assert.equal(rotated.code, 0, rotated.text);
    assert.equal(hub.over, false, 'the hub runs on');
    drop(world.inbox, 'tuesday.csv', HEADER + row('900010', { words: `ANOTHER FOR ${words}` }));
    await until('the hub goes on with the new key', 60, async () =>
      (await world.ledger()).sale_orders.some((order) => JSON.stringify(order).includes('900010')),
    );
    // The customer is erased once what was on its way for it has arrived; what is said of it does not name it.
    const estate = join(import.meta.dirname, '..', 'chaos', 'estate.ts');
    const asked = [
      '--reference',
      `customer=${person['an e-mail address']}`,
      '--reason',
      'request 7',
      '--config',
      estate,
    ];
    const live = async () => JSON.parse(/^\{.*\}$/m.exec((await run('erase', ...asked, '--json')).text)![0]).live;
    await until('nothing of the customer is on its way', 90, async () =>
      Object.values(await live()).every((n) => n === 0),
    );
    const dry = await run('erase', ...asked);
    assert.match(dry.text, /customer +~[0-9a-f]{32}[\s\S]*order +till:900001[\s\S]*Nothing was changed/);
    const erased = await run('erase', ...asked, '--yes');
    assert.match(erased.text, /Erased\.[\s\S]*backups that were made before/);
    const backup = join(world.folder, 'canary.backup');
    const outputs = [
      rotated,
      dry,
      erased,
      await run('backup', backup),
      await run('restore', backup, '--check', '--json'),
      await run('status', '--json'),
      await run('connections', 'list', '--json'),
      await run('mapping', 'list'),
      await run('retention', '--dry-run', '--config', join(import.meta.dirname, '..', 'chaos', 'estate.ts'), '--json'),
      await run('audit', 'checkpoint', '--out', checkpoints),
      await run('audit', 'verify', '--json'),
      await run('trace', '900001', '--json'),
      await run('trace', `till:${person['an e-mail address']}`, '--json'),
      await run('key', 'reseal'),
    ];
    for (const { args, code, text } of outputs) assert.equal(code, 0, `${args}: ${text}`);
    const anchors = readFileSync(join(checkpoints, /audit-\S+\.ndjson/.exec(outputs[9]!.text)![0]), 'utf8');
    assert.ok(anchors.trim().split('\n').length >= 1);
    const against = await run(
      'audit',
      'verify',
      '--against',
      join(checkpoints, /audit-\S+\.ndjson/.exec(outputs[9]!.text)![0]),
    );
    assert.equal(against.code, 0, against.text);
    const shown = [await run('exceptions', 'list'), await run('exceptions', 'list', '--json')];
    const attached = (await attachEmbeddedPostgres(world.home))!;
    const secrets = {
      'the key of Odoo': world.odoo.key,
      'the token of the metrics': metricsToken,
      'the password of the ledger': new URL(attached.url).password,
      'the master key before': masterBefore,
      'the master key': readFileSync(join(world.home, 'master.key'), 'utf8').trim(),
    };
    const { found, rows } = await sightingsInTables(attached.url, { ...person, ...secrets });
    assert.ok(rows > 100);
    hub.signal('SIGTERM');
    const { stdout, stderr, code } = await hub.ended;
    assert.equal(code, 0);
    assert.match(stderr, /delivery\.attempted/);
    const last = await world.hub({ untilIdle: true }).ended;
    assert.equal(last.code, 0, 'the next start opens with the new master key');
    const keys = ['master.key', 'postgres.json'];
    const old = /master\.key\.\d+/.exec(rotated.text)![0];
    const everything = { ...person, ...secrets };
    assert.deepEqual(
      [
        ...found,
        ...exceptionsShown,
        ...sightings('what the hub said', stdout + stderr + last.stdout + last.stderr, everything),
        ...outputs.flatMap(({ args, text }) => sightings(`the output of ${args}`, text, everything)),
        ...shown.flatMap(({ args, text }) => sightings(`the output of ${args}`, text, secrets)),
        ...pages.flatMap((page, n) => sightings(`page ${n}`, page, everything)),
        ...sightings('the backup', readFileSync(backup), everything),
        ...sightings('checkpoints', anchors, everything),
        // The data directory as it lies on the disk, write-ahead log and server log included.
        ...sightingsUnder(world.home, everything, [...keys, old]),
        ...sightingsUnder(world.inbox, secrets),
      ],
      [],
    );
    assert.ok(sightingsUnder(world.inbox, person).length > 0, 'the person was in what was read');
  } finally {
    await world.close();
  }
});
