import assert from 'node:assert/strict';
import { connect, createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type Clock, systemClock } from '../core/clock.ts';
import type { Log } from '../core/connector.ts';
import type { Hub } from '../engine/hub.ts';
import type { Reader } from '../ledger/database.ts';
import { Metrics } from '../watch/metrics.ts';
import { anException, aReading } from '../watch/testing.ts';
import { type ServedHub, type ServerOptions, startServer } from './index.ts';

/** A Hub can be served as it is (checked by the compiler). */
export const fits = (hub: Hub): ServedHub => hub;

const EVIL = `"><script>alert('x')</script>&`;

/** The statements of a reading, answered from values. */
function stubLedger() {
  const state = { broken: false, hangs: false, reading: aReading() };
  const answers: Record<string, () => unknown[]> = {
    figures_events: () => [{ name: 'routed', count: 6 }],
    figures_measures: () => state.reading.figures.measures,
    figures_exceptions: () => state.reading.figures.exceptions,
    vitals: () => [state.reading.vitals],
    connections: () => state.reading.connections,
    figures_deliveries: () => state.reading.awaited.map(({ count }) => ({ name: 'waiting', count })),
    awaited_summary: () => state.reading.awaited,
    exceptions_latest: () => state.reading.exceptions,
  };
  const db: Reader = {
    snapshot: (work) => work(db),
    async query<Row>(name: string) {
      if (state.hangs) await new Promise(() => undefined);
      if (state.broken) throw Object.assign(new Error('connect ECONNREFUSED 10.1.2.3:5432'), { code: 'ECONNREFUSED' });
      return (answers[name]?.() ?? []) as Row[];
    },
  };
  return { state, db };
}

interface Served {
  url: string;
  link: string;
  hub: { away: string | null };
  ledger: ReturnType<typeof stubLedger>['state'];
  logged: string[];
  announced: string[];
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  post(path: string, form: Record<string, string>, headers?: Record<string, string>): Promise<Response>;
  /** Redeems the link; returns the Cookie header. */
  signIn(): Promise<string>;
}

async function serve(t: TestContext, options: Partial<ServerOptions> & { clock?: Clock } = {}): Promise<Served> {
  const { state, db } = stubLedger();
  const logged: string[] = [];
  const announced: string[] = [];
  const keep = (message: string, fields?: Record<string, unknown>) =>
    void logged.push(`${message} ${JSON.stringify(fields)}`);
  const log: Log = { debug: keep, info: keep, warn: keep, error: keep };
  const hub = {
    away: null as string | null,
    parts: { estate: { name: `Demo ${EVIL}` }, vault: { unseal: (sealed: Uint8Array) => Buffer.from(sealed) } },
  };
  const server = await startServer({
    hub,
    db,
    clock: systemClock,
    log,
    port: 0,
    env: {},
    announce: (link) => announced.push(link),
    ...options,
  });
  t.after(() => server.stop());
  const get: Served['get'] = (path, headers = {}) => fetch(server.url + path, { headers, redirect: 'manual' });
  const post: Served['post'] = (path, form, headers = {}) =>
    fetch(server.url + path, { method: 'POST', body: new URLSearchParams(form), headers, redirect: 'manual' });
  const signIn = async () => {
    const token = new URL(server.signInLink).searchParams.get('token')!;
    const answer = await post('/sign-in', { token });
    return answer.headers.get('set-cookie')!.split(';')[0]!;
  };
  return { url: server.url, link: server.signInLink, hub, ledger: state, logged, announced, get, post, signIn };
}

async function assertProblem(answer: Response, status: number, code: string): Promise<Record<string, unknown>> {
  assert.equal(answer.status, status);
  assert.match(answer.headers.get('content-type')!, /^application\/problem\+json/);
  const told = (await answer.json()) as Record<string, unknown>;
  assert.equal(told.status, status);
  assert.equal(told.code, code);
  for (const field of ['type', 'title', 'detail']) assert.equal(typeof told[field], 'string', field);
  return told;
}

test('health: alive always, ready only with the ledger, both without a sign-in and without a word about where it is', async (t) => {
  const { get, hub, ledger } = await serve(t);
  assert.equal((await get('/healthz')).status, 200);
  assert.deepEqual(await (await get('/readyz')).json(), { status: 'ready' });
  hub.away = 'password authentication failed for user "anna" at 10.1.2.3';
  const told = await assertProblem(await get('/readyz'), 503, 'LEDGER_AWAY');
  assert.doesNotMatch(JSON.stringify(told), /anna|10\.1/);
  hub.away = null;
  ledger.broken = true;
  const answer = await get('/readyz');
  assert.equal(answer.headers.get('retry-after'), '5');
  assert.doesNotMatch(JSON.stringify(await assertProblem(answer, 503, 'LEDGER_AWAY')), /10\.1/);
  assert.equal((await get('/healthz')).status, 200);
  ledger.broken = false;
  assert.equal((await get('/readyz')).status, 200);
});

test('a ledger that hangs is not ready after two seconds, and askers do not pile up on it', async (t) => {
  const { get, ledger } = await serve(t);
  ledger.hangs = true;
  const asked = Date.now();
  const answers = await Promise.all([get('/readyz'), get('/readyz'), get('/readyz')]);
  assert.ok(Date.now() - asked < 4_000);
  for (const answer of answers) await assertProblem(answer, 503, 'LEDGER_AWAY');
});

test('without a sign-in only health, the style and the way in are open', async (t) => {
  const { get, post } = await serve(t, { env: { CROSSDOCK_METRICS_TOKEN: 'a-token-of-enough-length' } });
  await assertProblem(await get('/'), 401, 'UNAUTHENTICATED');
  await assertProblem(await get('/', { cookie: 'crossdock_session_7070=x; x' }), 401, 'UNAUTHENTICATED');
  await assertProblem(await get('/metrics'), 401, 'UNAUTHENTICATED');
  for (const authorization of [
    'Bearer a-token-of-enough-lengtX',
    'Bearer ',
    'Basic a-token-of-enough-length',
    'a-token-of-enough-length',
  ])
    await assertProblem(await get('/metrics', { authorization }), 401, 'UNAUTHENTICATED');
  const page = await get('/', { accept: 'text/html' });
  assert.equal(page.status, 401);
  assert.match(await page.text(), /not signed in/);
  await assertProblem(await get('/api/v1/anything'), 404, 'NOT_FOUND');
  await assertProblem(await get('/..%2f..%2fetc/passwd'), 404, 'NOT_FOUND');
  await assertProblem(await post('/', {}), 404, 'NOT_FOUND');
});

test('metrics open to the bearer token and to a session', async (t) => {
  const metrics = new Metrics({ version: '9.9.9' });
  const { get, signIn, ledger } = await serve(t, {
    env: { CROSSDOCK_METRICS_TOKEN: 'a-token-of-enough-length' },
    metrics,
  });
  const answer = await get('/metrics', { authorization: 'Bearer a-token-of-enough-length' });
  assert.match(answer.headers.get('content-type')!, /^text\/plain/);
  const text = await answer.text();
  assert.match(text, /version="9\.9\.9"/);
  assert.match(text, /crossdock_events\{state="routed"\} 6/);
  assert.equal((await get('/metrics', { cookie: await signIn() })).status, 200);
  ledger.broken = true;
  assert.equal((await get('/metrics', { authorization: 'bearer a-token-of-enough-length' })).status, 200);
});

test('a metrics token that could be guessed is refused at the start', async (t) => {
  await assert.rejects(serve(t, { env: { CROSSDOCK_METRICS_TOKEN: 'short' } }), { code: 'CONFIG_INVALID' });
});

test('the link signs in once; a preview of it does not use it up', async (t) => {
  const { link, get, post } = await serve(t);
  const path = link.slice(link.indexOf('/sign-in'));
  const token = new URL(link).searchParams.get('token')!;
  for (let preview = 0; preview < 3; preview++) {
    const page = await get(path);
    assert.equal(page.status, 200);
    assert.match(await page.text(), /<form method="post" action="\/sign-in">/);
  }
  assert.equal((await post('/sign-in', { token }, { 'sec-fetch-site': 'cross-site' })).status, 401);
  const [one, two] = await Promise.all([post('/sign-in', { token }), post('/sign-in', { token })]);
  assert.deepEqual([one.status, two.status].sort(), [303, 401]);
  const signedIn = one.status === 303 ? one : two;
  assert.equal(signedIn.headers.get('location'), '/');
  const cookie = signedIn.headers.get('set-cookie')!;
  assert.match(cookie, /^crossdock_session_\d+=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/);
  assert.equal((await get('/', { cookie: cookie.split(';')[0]! })).status, 200);
  assert.equal((await get(path)).status, 401);
  assert.equal((await post('/sign-in', { token })).status, 401);
});

test('behind https the cookie is Secure and https is kept', async (t) => {
  const { link, post } = await serve(t);
  const answer = await post(
    '/sign-in',
    { token: new URL(link).searchParams.get('token')! },
    { 'x-forwarded-proto': 'https' },
  );
  assert.match(answer.headers.get('set-cookie')!, /; Secure$/);
  assert.match(answer.headers.get('strict-transport-security')!, /max-age=\d+/);
});

test('signing out ends the session', async (t) => {
  const { get, post, signIn } = await serve(t);
  const cookie = await signIn();
  assert.equal((await post('/sign-out', {}, { cookie })).status, 303);
  assert.equal((await get('/', { cookie })).status, 401);
});

test('a new link is printed where the hub runs, never sent, and not twice in ten seconds', async (t) => {
  const { get, post, announced } = await serve(t);
  const pages = [await post('/sign-in-links', {}), await post('/sign-in-links', {})];
  assert.equal(announced.length, 1);
  const token = new URL(announced[0]!).searchParams.get('token')!;
  for (const page of pages) assert.doesNotMatch(await page.text(), new RegExp(token));
  assert.equal((await get(`/sign-in?token=${token}`)).status, 200);
});

test('the status page says it in words, with exact money', async (t) => {
  const { get, signIn } = await serve(t);
  const answer = await get('/', { cookie: await signIn() });
  assert.match(answer.headers.get('content-type')!, /^text\/html; charset=utf-8/);
  const text = await answer.text();
  for (const part of [
    '3 Exceptions need a person',
    '1,000.00',
    '900.00',
    '12.50',
    '87.50',
    'end of year',
    'unknown-code',
    'vat-rates',
    'invoice 536365',
    'crossdock exceptions show 00000000abcd',
  ])
    assert.ok(text.includes(part), part);
  assert.match(text, /<meta http-equiv="refresh" content="5">/);
});

test('money that is neither posted nor held is called out once nothing moves, and only then', async (t) => {
  const time = { now: 0 };
  const { get, signIn, ledger } = await serve(t, { clock: { ...systemClock, monotonic: () => time.now } });
  const cookie = await signIn();
  const reading = aReading({ connections: [], exceptions: [] });
  reading.figures.exceptions = [];
  ledger.reading = reading;
  assert.match(await (await get('/', { cookie })).text(), /87\.50 .*on its way/);
  time.now += 6_000;
  const text = await (await get('/', { cookie })).text();
  assert.match(text, /Money is unaccounted for/);
  assert.match(text, /GBP 87\.50 came in/);
  reading.figures.measures[1]!.minor = 98_750n;
  time.now += 6_000;
  assert.match(await (await get('/', { cookie })).text(), /Everything received has arrived/);
});

test('rows of a currency that is none are shown, and take no page away', async (t) => {
  const { get, signIn, ledger } = await serve(t);
  const reading = aReading({ exceptions: [anException({ currency: 'XXQ' })] });
  reading.figures.exceptions = [{ cause: 'odd', currency: 'XXQ', count: 1, lines: 1, minor: 1_250n }];
  ledger.reading = reading;
  const answer = await get('/', { cookie: await signIn() });
  assert.equal(answer.status, 200);
  assert.equal((await answer.text()).match(/XXQ 1,250/g)?.length, 2);
});

test('the page says what waits for which record, since when, and what is late', async (t) => {
  const { figures, vitals } = aReading();
  const awaited = [
    {
      connection: 'shop',
      kind: 'stock-level',
      needs: 'product',
      count: 20,
      key: 'MUG/W1',
      needKey: 'MUG',
      age: 240,
      late: true,
    },
  ];
  const reading = aReading({
    figures: { ...figures, exceptions: [] },
    vitals: { ...vitals, lateDeliveries: 20 },
    awaited,
  });
  const { get, signIn, ledger } = await serve(t);
  ledger.reading = reading;
  const text = await (await get('/', { cookie: await signIn() })).text();
  assert.match(text, /20 deliveries are late/);
  assert.doesNotMatch(text, /On its way/);
  assert.match(text, /Waiting for another record/);
  assert.match(text, /stock-level MUG\/W1.*product MUG in shop.*20.*4 min.*late/s);
});

test('the page can be kept from updating', async (t) => {
  const { get, signIn } = await serve(t);
  assert.doesNotMatch(await (await get('/?hold=1', { cookie: await signIn() })).text(), /http-equiv/);
});

test('every value is escaped, wherever it comes from', async (t) => {
  const { get, signIn, ledger } = await serve(t);
  ledger.reading = aReading({
    connections: [{ name: EVIL, entity: EVIL, connector: EVIL, state: 'paused', reason: EVIL, changed_at: new Date() }],
    exceptions: [
      anException({ id: EVIL, cause: EVIL, owner: EVIL, labels: { [EVIL]: EVIL }, message_sealed: Buffer.from(EVIL) }),
      anException({ labels: {}, subject: EVIL }),
    ],
  });
  ledger.reading.figures.exceptions = [{ cause: EVIL, currency: 'GBP', count: 1, lines: 1, minor: 1n }];
  const text = await (await get('/', { cookie: await signIn() })).text();
  assert.doesNotMatch(text, /<script|alert\('/i);
  assert.ok(text.split('&lt;script&gt;').length > 12);
});

test('a message that cannot be unsealed does not take the page away', async (t) => {
  const hub = {
    away: null,
    parts: {
      estate: { name: 'Demo' },
      vault: {
        unseal: () => {
          throw new Error('bad tag');
        },
      },
    },
  };
  const { get, signIn } = await serve(t, { hub });
  assert.match(await (await get('/', { cookie: await signIn() })).text(), /message cannot be read/);
});

test('without the ledger the page says so and shows the last figures', async (t) => {
  const time = { now: 0 };
  const clock: Clock = { ...systemClock, monotonic: () => time.now };
  const { get, signIn, ledger } = await serve(t, { clock });
  const cookie = await signIn();
  ledger.broken = true;
  const first = await (await get('/', { cookie })).text();
  assert.match(first, /cannot be reached/);
  assert.doesNotMatch(first, /10\.1\.2\.3/);
  ledger.broken = false;
  assert.match(await (await get('/', { cookie })).text(), /1,000\.00/);
  Object.assign(ledger, { broken: true });
  time.now = 60_000;
  const last = await (await get('/', { cookie })).text();
  assert.match(last, /cannot be reached/);
  assert.match(last, /1,000\.00/);
});

test('every answer carries the strict headers; pages have no script, no inline style, nothing from elsewhere', async (t) => {
  const { get, signIn, link, url } = await serve(t);
  const cookie = await signIn();
  for (const [path, headers] of [
    ['/', { cookie }],
    ['/', { accept: 'text/html' }],
    ['/', {}],
    [link.slice(url.length), {}],
    ['/healthz', {}],
    ['/nowhere', {}],
    ['/status.css', {}],
  ] as [string, Record<string, string>][]) {
    const answer = await get(path, headers);
    const policy = answer.headers.get('content-security-policy')!;
    assert.match(policy, /default-src 'none'/);
    assert.match(policy, /frame-ancestors 'none'/);
    assert.doesNotMatch(policy, /unsafe|\*/);
    assert.equal(answer.headers.get('x-content-type-options'), 'nosniff');
    assert.equal(answer.headers.get('referrer-policy'), 'no-referrer');
    assert.match(answer.headers.get('cache-control')!, path === '/status.css' ? /no-cache/ : /no-store/);
    assert.doesNotMatch(await answer.text(), /<script|<style|\sstyle=|\son\w+=|(src|href)="(https?:)?\/\//);
  }
});

test('what is not understood is a problem, never a stack', async (t) => {
  const { url, post, get } = await serve(t);
  await assertProblem(await post('/sign-in', { token: 'x'.repeat(20_000) }), 413, 'BAD_USE');
  await assertProblem(
    await fetch(`${url}/sign-in`, {
      method: 'POST',
      body: '{"token":"x"}',
      headers: { 'content-type': 'application/json' },
    }),
    415,
    'BAD_USE',
  );
  await assertProblem(await get('/%zz'), 400, 'BAD_USE');
  assert.equal((await get('/sign-in?token=a&token=b')).status, 401);
  assert.equal((await get('/sign-in?token=%00')).status, 401);
  assert.equal((await post('/sign-in', { __proto__: 'x' })).status, 401);
  const raw = await rawAnswer(url, 'NOT HTTP\r\n\r\n');
  assert.match(raw, /^HTTP\/1\.1 400 .*application\/problem\+json.*"code":"BAD_USE"/s);
});

test('an error of ours is logged, and its words stay inside', async (t) => {
  const hub = {
    get away(): string | null {
      throw new Error('canary in a stack');
    },
    parts: { estate: { name: 'Demo' }, vault: { unseal: () => Buffer.of() } },
  };
  const { get, logged } = await serve(t, { hub });
  const told = await assertProblem(await get('/readyz'), 500, 'INTERNAL');
  assert.doesNotMatch(JSON.stringify(told), /canary/);
  assert.ok(logged.some((line) => line.startsWith('a request failed')));
});

function rawAnswer(url: string, text: string): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(Number(port), hostname, () => socket.write(text));
    socket.on('data', (data) => {
      answer += data;
    });
    socket.on('end', () => resolve(answer)).on('error', reject);
  });
}

/** Takes a port; the next one is left free as far as that can be known. */
async function occupy(t: TestContext, port: number): Promise<boolean> {
  const server = createServer();
  t.after(() => server.close());
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => resolve(true));
  });
}

test('a port that is taken: the next one, unless it was asked for', async (t) => {
  await occupy(t, 7070); // taken already is as good
  const { link, url } = await serve(t, { port: undefined as never, env: {} }).catch(() =>
    assert.fail('no port from 7071 to 7090 is free'),
  );
  const port = Number(new URL(url).port);
  assert.ok(port > 7070 && port <= 7090, url);
  assert.ok(link.startsWith(`http://127.0.0.1:${port}/sign-in?token=`));
  await assert.rejects(serve(t, { port }), { code: 'CONFIG_INVALID', message: new RegExp(`port ${port} is in use`) });
  await assert.rejects(serve(t, { port: undefined as never, env: { CROSSDOCK_PORT: String(port) } }), {
    code: 'CONFIG_INVALID',
    hint: /CROSSDOCK_PORT/,
  });
});

test('a port or host that cannot be is refused in words', async (t) => {
  for (const env of [{ CROSSDOCK_PORT: 'http' }, { CROSSDOCK_PORT: '70000' }, { CROSSDOCK_PORT: '7.5' }])
    await assert.rejects(serve(t, { port: undefined as never, env }), {
      code: 'CONFIG_INVALID',
      message: /CROSSDOCK_PORT/,
    });
  await assert.rejects(serve(t, { env: { CROSSDOCK_HOST: '203.0.113.7' } }), {
    code: 'CONFIG_INVALID',
    hint: /CROSSDOCK_HOST/,
  });
});

test('without CROSSDOCK_HOST it listens on loopback only', async (t) => {
  const { url } = await serve(t);
  assert.equal(new URL(url).hostname, '127.0.0.1');
});
