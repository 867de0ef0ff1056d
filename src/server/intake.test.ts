import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, type TestContext, test } from 'node:test';
import { type TestLedger, testLedger } from '../../tests/support/hub.ts';
import { OLD_SECRET, SECRET, signed, webhookEstate } from '../../tests/support/webhook.ts';
import { seeded, systemClock } from '../core/clock.ts';
import type { Log, WebhookSource } from '../core/connector.ts';
import { HubError } from '../core/errors.ts';
import { FaultError } from '../core/fault.ts';
import { Hub } from '../engine/hub.ts';
import type { Terms } from '../engine/parts.ts';
import { Metrics } from '../watch/metrics.ts';
import { startServer } from './index.ts';

const ledger = await testLedger();
after(() => ledger.db.close());

interface Door {
  url: string;
  hub: Hub;
  metrics: Metrics;
  logged: { level: string; message: string; fields: Record<string, unknown> }[];
  post(body: string | Uint8Array, headers?: Record<string, string>, path?: string): Promise<Response>;
}

/** A served hub whose loops do not run: what comes in lies in the ledger. */
async function door(
  t: TestContext,
  options: {
    ledger?: Pick<TestLedger, 'db' | 'vault'>;
    source?: Partial<WebhookSource<never>>;
    terms?: Partial<Terms>;
    secrets?: Record<string, string>;
  } = {},
): Promise<Door> {
  const { estate } = webhookEstate(options.source as Partial<WebhookSource<{ id: string; n: number }>>);
  const logged: Door['logged'] = [];
  const keep =
    (level: string) =>
    (message: string, fields: Record<string, unknown> = {}) =>
      void logged.push({ level, message, fields });
  const log: Log = { debug: keep('debug'), info: keep('info'), warn: keep('warn'), error: keep('error') };
  const secrets = options.secrets ?? { NEW: SECRET, OLD: OLD_SECRET };
  const { db, vault } = options.ledger ?? ledger;
  const hub = new Hub({
    estate,
    db,
    vault,
    clock: systemClock,
    random: seeded(1),
    log,
    secret: (name) => {
      if (secrets[name]) return secrets[name];
      throw new Error(`no secret ${name}`);
    },
    ...(options.terms ? { terms: options.terms } : {}),
  });
  const metrics = new Metrics({ version: 'test' });
  const server = await startServer({ hub, db, clock: systemClock, log, metrics, port: 0, env: {} });
  t.after(() => server.stop());
  const post: Door['post'] = (body, headers, path = '/in/from/notes') =>
    fetch(server.url + path, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', ...(headers ?? signed(body)) },
    });
  return { url: server.url, hub, metrics, logged, post };
}

const note = (id: string, n = 1, more: object = {}): string => JSON.stringify({ id, n, ...more });
const events = async (id: string, from: Pick<TestLedger, 'db'> = ledger): Promise<Record<string, unknown>[]> =>
  from.db.query('events_of', 'select labels, state, source from event where subject = $1', [`note:${id}`]);

async function problem(answer: Response, status: number, code: string): Promise<{ detail: string }> {
  const told = (await answer.json()) as { code: string; detail: string };
  assert.deepEqual([answer.status, told.code], [status, code]);
  assert.match(answer.headers.get('content-type')!, /^application\/problem\+json/);
  return told;
}

test('202 once it is in the ledger, 200 when it was known, 204 for what is for nobody', async (t) => {
  const { post } = await door(t);
  const stored = await post(note('a'));
  assert.deepEqual([stored.status, await stored.json()], [202, { outcome: 'stored' }]);
  assert.equal((await events('a')).length, 1, 'at the moment of the answer');
  const known = await post(note('a'));
  assert.deepEqual([known.status, await known.json()], [200, { outcome: 'known' }]);
  const both = await post(`[${note('a')},${note('a2')}]`);
  assert.equal(both.status, 202, 'one of two was new');
  assert.deepEqual([(await events('a')).length, (await events('a2')).length], [1, 1]);
  const nobody = await post('null');
  assert.deepEqual([nobody.status, await nobody.text()], [204, '']);
});

test('fifty at once share commits and are each stored once, in whatever order they are repeated', async (t) => {
  const { post } = await door(t);
  const bodies = Array.from({ length: 50 }, (_, n) => note(`many-${n}`));
  const first = await Promise.all([...bodies, ...bodies].map((body) => post(body).then(({ status }) => status)));
  assert.equal(first.filter((status) => status === 202).length, 50);
  assert.equal(first.filter((status) => status === 200).length, 50);
});

test('401 for a missing, wrong, foreign or old signature and for altered bytes; either secret of a rotation is right', async (t) => {
  const { post } = await door(t);
  const body = note('signed');
  const right = signed(body);
  const refused: [string, Record<string, string>, string?][] = [
    ['none', {}],
    ['no id', { ...right, 'webhook-id': '' }],
    ['another id', { ...right, 'webhook-id': `${right['webhook-id']}x` }],
    ['an id with a full stop', signed(body, { id: 'msg.1' })],
    ['no timestamp', { ...right, 'webhook-timestamp': '' }],
    ['another timestamp', { ...right, 'webhook-timestamp': String(Number(right['webhook-timestamp']) + 1) }],
    ['a timestamp with more behind it', { ...right, 'webhook-timestamp': `${right['webhook-timestamp']}.0` }],
    ['a foreign secret', signed(body, { secret: `whsec_${Buffer.alloc(32, 9).toString('base64')}` })],
    ['too old', signed(body, { age: 301 })],
    ['from the future', signed(body, { age: -302 })],
    ['another version', { ...right, 'webhook-signature': right['webhook-signature']!.replace('v1,', 'v1a,') }],
    ['cut', { ...right, 'webhook-signature': right['webhook-signature']!.slice(0, -8) }],
    ['empty', { ...right, 'webhook-signature': 'v1,' }],
    ['altered by a byte', right, `${body} `],
  ];
  for (const [what, headers, altered] of refused) {
    const answer = await post(altered ?? body, headers);
    assert.equal(answer.status, 401, what);
    await problem(answer, 401, 'SIGNATURE');
  }
  assert.deepEqual(await events('signed'), []);
  assert.equal((await post(body, signed(body, { secret: OLD_SECRET, age: 298 }))).status, 202);
  const several = { ...right, 'webhook-signature': `v1a,AAAA v1,AAAA ${right['webhook-signature']} v2,x` };
  assert.equal((await post(body, several)).status, 200);
});

test('404 in the same words whether it is the connection, the topic or both that are unknown', async (t) => {
  const { post } = await door(t);
  const told = new Set<string>();
  for (const path of [
    '/in/from/nothing',
    '/in/nobody/notes',
    '/in/target/notes',
    '/in/__proto__/notes',
    '/in/from/__proto__',
  ])
    told.add(JSON.stringify(await problem(await post(note('x'), {}, path), 404, 'NOT_FOUND')));
  assert.equal(told.size, 1);
  for (const path of ['/in/from', '/in/from/notes/more', '/in//notes', `/in/from/${'n'.repeat(150)}`])
    assert.equal((await post(note('x'), {}, path)).status, 404, path);
  assert.equal((await fetch(`${(await door(t)).url}/in/from/notes`)).status, 404, 'GET');
});

test('names in an address may be written with per cent signs; what is not such an address is for other routes', async (t) => {
  const { post, url } = await door(t);
  assert.equal((await post(note('coded'), undefined, '/in/%66rom/n%6ftes?a=1')).status, 202);
  for (const path of [
    '/in/from/n%2fotes',
    '/in/from/notes/',
    '/IN/from/notes',
    '/in/from/notes%',
    `/in/from/${'n'.repeat(201)}`,
  ])
    assert.ok([400, 404].includes((await post(note('x'), undefined, path)).status), path);
  assert.equal((await fetch(`${url}/healthz`)).status, 200);
});

test('an answer is for machines, a refusal carries the strict headers too; neither is kept by a cache', async (t) => {
  const { post } = await door(t);
  const told = await post(note('headers'));
  const refused = await post(note('headers'), { 'x-forwarded-proto': 'https' });
  for (const { headers } of [told, refused]) {
    assert.equal(headers.get('cache-control'), 'no-store');
    assert.equal(headers.get('x-content-type-options'), 'nosniff');
  }
  assert.match(refused.headers.get('content-security-policy')!, /default-src 'none'/);
  assert.match(refused.headers.get('strict-transport-security')!, /max-age/);
  assert.equal(refused.headers.get('www-authenticate'), 'Bearer realm="crossdock"');
});

test('each answer is counted under the pattern of its route, once', async (t) => {
  const { post, metrics } = await door(t);
  await post(note('counted'));
  await post(note('counted'), {});
  await post(note('counted'), {}, '/in/some/where');
  const text = await metrics.text(null);
  for (const status of [202, 401, 404])
    assert.match(
      text,
      new RegExp(
        `http_request_seconds_count\\{method="POST",route="/in/:connection/:topic",status="${status}"\\} 1\\n`,
      ),
    );
  assert.doesNotMatch(text, /some|where/);
});

test('413 above the limit, declared or not; 415 for what is not taken; 400 for what a known sender garbled', async (t) => {
  const { post, url } = await door(t, { source: { maxBytes: 2000, accepts: ['application/json'] } });
  await problem(await post('x'.repeat(2001)), 413, 'TOO_LARGE');
  const chunks = new ReadableStream({
    start(controller) {
      for (let n = 0; n < 30; n++) controller.enqueue(new Uint8Array(100).fill(120));
      controller.close();
    },
  });
  const init = { method: 'POST', body: chunks, duplex: 'half', headers: { 'content-type': 'application/json' } };
  await problem(await fetch(`${url}/in/from/notes`, init as RequestInit), 413, 'TOO_LARGE');
  const whole = note('whole', 1, { text: 'x'.repeat(1900) });
  assert.equal((await post(whole)).status, 202, 'up to the limit');
  await problem(await post(note('t'), { ...signed(note('t')), 'content-type': 'text/plain' }), 415, 'MEDIA_TYPE');
  await problem(await post(note('t'), { ...signed(note('t')), 'content-encoding': 'gzip' }), 415, 'MEDIA_TYPE');
  const untyped = await fetch(`${url}/in/from/notes`, {
    method: 'POST',
    body: Buffer.from(note('t')),
    headers: signed(note('t')),
  });
  await problem(untyped, 415, 'MEDIA_TYPE');
  const typed = { ...signed(note('t')), 'content-type': 'Application/JSON; charset=utf-8' };
  assert.equal((await post(note('t'), typed)).status, 202);
  for (const garbled of [
    '',
    '{',
    '{"id":"x"',
    '\ufeff{',
    `${'['.repeat(900)}${']'.repeat(900)}`,
    '{"__proto__":{"n":1}}',
  ])
    await problem(await post(garbled), 400, 'MALFORMED');
  await problem(await post(Buffer.from([0x7b, 0xff, 0x7d])), 400, 'MALFORMED');
});

test('a body of any type or none is taken as it travelled, to the byte', async (t) => {
  const bytes = Buffer.from([0, 255, 254, 13, 10, 0x7b]);
  let read: Buffer | null = null;
  const { url } = await door(t, {
    source: {
      verify: () => true,
      read: ({ body, query, headers }) => {
        read = Buffer.from(body);
        const about = `${query} ${headers['content-type'] ?? 'none'}`;
        return [{ dedupeKey: about, subject: 'note:raw', occurredAt: new Date(), bytes: body, labels: { about } }];
      },
    },
  });
  for (const type of ['application/x-www-form-urlencoded', 'text/xml', null]) {
    const headers = type === null ? {} : { 'content-type': type };
    const answer = await fetch(`${url}/in/from/notes?a=%2F&b`, { method: 'POST', body: new Blob([bytes]), headers });
    assert.deepEqual([answer.status, read], [202, bytes], String(type));
  }
  const about = (await events('raw')).map(({ labels }) => (labels as { about: string }).about);
  assert.deepEqual(about, ['a=%2F&b application/x-www-form-urlencoded', 'a=%2F&b text/xml', 'a=%2F&b none']);
});

test('a body that comes byte by byte is put together again, and costs no more than twice its bytes', async (t) => {
  let read = '';
  const { url } = await door(t, {
    source: {
      verify: ({ body }) => {
        read = Buffer.from(body).toString();
        return false;
      },
    },
  });
  const text = Array.from({ length: 20_000 }, (_, n) => String.fromCharCode(97 + (n % 26)));
  const head = 'POST /in/from/notes HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n';
  const told = await new Promise<string>((resolve) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => {
      socket.write(`${head}${text.map((letter) => `1\r\n${letter}\r\n`).join('')}0\r\n\r\n`);
    });
    socket.once('data', (data) => {
      socket.destroy();
      resolve(data.toString());
    });
  });
  assert.match(told, /^HTTP\/1\.1 401/);
  assert.equal(read, text.join(''));
});

test('poison is stored or refused alone: neighbours of the same moment are stored', async (t) => {
  const { post } = await door(t);
  const bodies = [
    note('first'),
    '{"id":"nul\\u0000","n":1}',
    '{"id":"lone\\ud800","n":1}',
    '{"id":"lone\\ud801","n":1}',
    '{"__proto__":{"id":"evil"},"id":"proto","n":1}',
    note('last'),
  ];
  const statuses = await Promise.all(bodies.map((body) => post(body).then(({ status }) => status)));
  assert.deepEqual(statuses, [202, 202, 202, 202, 400, 202]);
  assert.equal((await events('first')).length + (await events('last')).length, 2);
  assert.equal((await events('nul\ufffd')).length, 1);
  assert.equal((await events('lone\ufffd')).length, 2, 'two keys that differ in what cannot be written are two');
  assert.equal(({} as { id?: string }).id, undefined);
});

test('a paused connection still receives', async (t) => {
  const own = await testLedger(t);
  const { post } = await door(t, { ledger: own });
  await own.db.query(
    'c',
    "insert into connection (name, entity, connector, state) values ('from', 'main', 'test', 'paused')",
  );
  assert.equal((await post(note('paused'))).status, 202);
  assert.equal((await events('paused', own)).length, 1);
});

test('a defect of ours or a missing secret is a 503 that says nothing of what is inside, and an error in the log', async (t) => {
  const { post, logged } = await door(t, { secrets: {} });
  const answer = await post(note('defect'));
  assert.equal(answer.headers.get('retry-after'), '5');
  assert.doesNotMatch(JSON.stringify(await problem(answer, 503, 'LEDGER_AWAY')), /NEW|secret/);
  const line = logged.find(({ level }) => level === 'error');
  assert.match(String(line!.fields.error), /no secret NEW/);
});

test('what goes wrong in a connector that reads a request is told apart: the sender’s fault, a wait, a defect', async (t) => {
  let error: Error = new Error();
  const read = () => {
    throw error;
  };
  const { post, logged } = await door(t, { source: { read } });
  for (const [thrown, status, code, inLog] of [
    [new FaultError({ kind: 'rejected', message: 'no id' }), 400, 'MALFORMED', 'malformed'],
    [new SyntaxError('x'), 400, 'MALFORMED', 'malformed'],
    [new RangeError('x'), 400, 'MALFORMED', 'malformed'],
    [new HubError('OVERLOADED', 'later'), 503, 'OVERLOADED', 'overloaded'],
    [new HubError('LEDGER_AWAY', 'away'), 503, 'LEDGER_AWAY', 'ledger_away'],
    [new FaultError({ kind: 'transient', message: 'x' }), 503, 'LEDGER_AWAY', 'connector_contract'],
    [new TypeError('x'), 503, 'LEDGER_AWAY', 'connector_contract'],
  ] as const) {
    error = thrown;
    await problem(await post(note('unread')), status, code);
    assert.equal(logged.at(-1)!.fields.outcome, inLog, `${thrown.name} ${code}`);
  }
  assert.deepEqual(await events('unread'), []);
});

test('each request leaves a line in the log: from where, what became of it, how long it took', async (t) => {
  const { post, logged } = await door(t);
  const started = performance.now();
  await post(note('told'));
  const line = logged.find(({ message }) => message === 'intake.answered')!;
  const { elapsedMs, ...fields } = line.fields as { elapsedMs: number };
  assert.deepEqual([line.level, fields], ['debug', { connection: 'from', topic: 'notes', outcome: 'stored' }]);
  assert.ok(elapsedMs >= 0 && elapsedMs <= performance.now() - started);
});

test('a valid traceparent is kept with the event, any other is not', async (t) => {
  const { post } = await door(t);
  const trace = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  await post(note('traced'), { ...signed(note('traced')), traceparent: trace });
  await post(note('untraced'), { ...signed(note('untraced')), traceparent: `${trace}-more` });
  assert.deepEqual((await events('traced'))[0]!.labels, { note: 'traced', traceparent: trace });
  assert.deepEqual((await events('untraced'))[0]!.labels, { note: 'untraced' });
});

test('503 in time when the ledger does not answer, and at once when too much waits; it goes on by itself', async (t) => {
  const own = await testLedger(t);
  const { post } = await door(t, {
    ledger: own,
    terms: { intakeSeconds: 1, intakeQueue: { arrivals: 2, bytes: 1_000_000 } },
  });
  const lock = await own.db.session();
  await lock.query('begin; lock table event in exclusive mode');
  const started = performance.now();
  const waiting = [0, 1, 2].map((n) => post(note(`held-${n}`)));
  await new Promise((resolve) => setTimeout(resolve, 300));
  await problem(await post(note('held-3')), 503, 'OVERLOADED');
  assert.ok(performance.now() - started < 900, 'at once');
  for (const answer of await Promise.all(waiting)) {
    assert.equal(answer.headers.get('retry-after'), '5');
    await problem(answer, 503, 'LEDGER_AWAY');
  }
  assert.ok(performance.now() - started < 4000, 'in time');
  await lock.query('rollback');
  lock.release();
  // What was cancelled is not there, or is known: the sender comes again either way.
  for (const n of [0, 1, 2]) assert.ok([200, 202].includes((await post(note(`held-${n}`))).status));
  for (const n of [0, 1, 2]) assert.equal((await events(`held-${n}`, own)).length, 1);
});

test('while slow senders hold every connection, health and healthy senders are served; bodies that do not come give way', async (t) => {
  const { url, post } = await door(t);
  const port = Number(new URL(url).port);
  const sockets = Array.from({ length: 1300 }, (_, n) => {
    const socket = connect(port, '127.0.0.1').on('error', () => undefined);
    const head = `POST /in/from/notes HTTP/1.1\r\nhost: x\r\ncontent-length: 500000\r\n`;
    socket.write(n % 2 === 0 ? head : `${head}\r\n${'x'.repeat(n % 10 === 1 ? 100_000 : 100)}`);
    return socket;
  });
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  await new Promise((resolve) => setTimeout(resolve, 1500));
  for (let n = 0; n < 20; n++) {
    assert.equal((await fetch(`${url}/healthz`)).status, 200);
    assert.equal((await post(note(`among-${n}`))).status, 202);
  }
});

test('what is not HTTP as it should be is answered 4xx or closed', async (t) => {
  const { url } = await door(t);
  const say = (text: string) =>
    new Promise<string>((resolve) => {
      let heard = '';
      const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(text));
      socket.on('data', (data) => {
        heard += data.toString('latin1');
        if (heard.includes('\r\n\r\n')) socket.destroy();
      });
      socket.on('error', () => undefined).on('close', () => resolve(heard.split('\r\n')[0]!));
    });
  const head = 'POST /in/from/notes HTTP/1.1\r\nhost: x\r\n';
  const odd: [string, RegExp][] = [
    [`${head}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`, /^HTTP\/1.1 400/],
    [`${head}content-length: 5\r\ncontent-length: 6\r\n\r\nhello!`, /^HTTP\/1.1 400/],
    [`${head}content-length: -1\r\n\r\n`, /^HTTP\/1.1 400/],
    [`${head}content-length: 1e9\r\n\r\n`, /^HTTP\/1.1 400/],
    [`${head}transfer-encoding: gzip\r\n\r\nxx`, /^HTTP\/1.1 400/],
    [`${head}transfer-encoding: chunked\r\n\r\nzz\r\n`, /^HTTP\/1.1 400/],
    [`${head}expect: something-else\r\ncontent-length: 1\r\n\r\nx`, /^HTTP\/1.1 417/],
    [`${head}expect: 100-continue\r\ncontent-length: 2\r\n\r\n{}`, /^HTTP\/1.1 100/],
    [`${head}x: ${'y'.repeat(20_000)}\r\n\r\n`, /^HTTP\/1.1 431/],
    [`${head}content-length: 99999999999\r\n\r\n`, /^HTTP\/1.1 413/],
    ['\x16\x03\x01\x02\x00\x01\x00', /^(HTTP\/1.1 400.*)?$/],
    ['POST /in/from/notes HTTP/9.9\r\n\r\n', /^HTTP\/1.1 (400|505)/],
    ['POST /in/from/%zz HTTP/1.1\r\nhost: x\r\n\r\n', /^HTTP\/1.1 (400|404)/],
  ];
  for (const [text, wanted] of odd) assert.match(await say(text), wanted, text.slice(0, 120));
});
