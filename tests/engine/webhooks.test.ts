import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seeded, systemClock } from '../../src/core/clock.ts';
import type { Incoming, PollSource, RawRequest, WebhookSource } from '../../src/core/connector.ts';
import { defineEstate, type Estate } from '../../src/core/estate.ts';
import { Hub } from '../../src/engine/hub.ts';
import { connectionOf, idle, type NativeNote, noteFlow, silent, type TestLedger, testLedger } from '../support/hub.ts';
import { Target, until } from '../support/target.ts';
import { OLD_SECRET, SECRET, signed, webhookEstate } from '../support/webhook.ts';

const hubOn = (ledger: Pick<TestLedger, 'db' | 'vault'>, estate: Estate): Hub =>
  new Hub({
    estate,
    db: ledger.db,
    vault: ledger.vault,
    clock: systemClock,
    random: seeded(1),
    log: silent,
    secret: (name) => ({ NEW: SECRET, OLD: OLD_SECRET })[name]!,
    terms: { pollSeconds: 0.05, retrySeconds: [0.02, 0.2] },
  });

const request = (body: string, headers: Record<string, string> = signed(body)): RawRequest => ({
  headers,
  query: '',
  body: Buffer.from(body),
  receivedAt: new Date(),
});

const incoming = (note: NativeNote): Incoming => ({
  dedupeKey: `${note.id}/${note.n}`,
  subject: `note:${note.id}`,
  occurredAt: new Date(),
  bytes: Buffer.from(JSON.stringify(note)),
});

test('what a webhook brings is routed and delivered in order, and no loop tries to read it', async (t) => {
  const ledger = await testLedger(t);
  const { estate, target } = webhookEstate();
  const hub = hubOn(ledger, estate);
  await hub.start();
  t.after(() => hub.stop());
  const port = hub.webhooks.port('from', 'notes')!;
  for (let n = 1; n <= 20; n++)
    assert.equal(await hub.webhooks.receive(port, request(JSON.stringify({ id: `k${n % 3}`, n }))), 'stored');
  await idle(hub);
  const verdict = target.verdict(
    new Map([
      ['k0', 18],
      ['k1', 19],
      ['k2', 20],
    ]),
  );
  assert.deepEqual(verdict, { doubled: [], outOfOrder: [], lost: [] });
  const leases = await ledger.db.query<{ name: string }>('leases', "select name from lease where name like 'poller:%'");
  assert.deepEqual(leases, []);
});

test('a hint to one hub makes the hub that reads the source read now; pushed and listed records are one', async (t) => {
  const ledger = await testLedger(t);
  const listed: NativeNote[] = [];
  let pulls = 0;
  const poll: PollSource<NativeNote> = {
    kind: 'poll',
    name: 'listed',
    every: '1h',
    async *pull(cursor) {
      pulls += 1;
      const items = listed.slice(Number(cursor ?? 0));
      if (items.length > 0) yield { items: items.map(incoming), cursor: String(listed.length) };
    },
    decode: (bytes) => JSON.parse(Buffer.from(bytes).toString()),
  };
  const pushed: WebhookSource<NativeNote> = {
    kind: 'webhook',
    name: 'pushed',
    topic: 'notes',
    feeds: 'listed',
    verify: () => true,
    read: ({ body }) => {
      const told = JSON.parse(Buffer.from(body).toString()) as NativeNote | { changed: string };
      return 'changed' in told ? [{ hint: told.changed }] : [incoming(told)];
    },
    decode: poll.decode,
  };
  const target = new Target();
  const sink = target.sink();
  const estate = defineEstate({
    name: 'hints',
    connections: {
      from: connectionOf({ sources: { poll, pushed } }),
      target: connectionOf({ sinks: { notes: sink } }),
    },
    flows: [noteFlow(sink, poll)],
  });
  const [reader, other] = [hubOn(ledger, estate), hubOn(ledger, estate)];
  await reader.start();
  t.after(() => reader.stop());
  await until('it read once', () => pulls === 1, 10);
  await other.start();
  t.after(() => other.stop());
  const port = other.webhooks.port('from', 'notes')!;

  listed.push({ id: 'a', n: 1 });
  assert.equal(await other.webhooks.receive(port, request('{"changed":"note:a"}')), 'noted');
  await until('the other hub read it', () => target.values('a').length === 1, 8);

  assert.equal(await other.webhooks.receive(port, request('{"id":"b","n":1}')), 'stored');
  listed.push({ id: 'b', n: 1 }, { id: 'c', n: 1 });
  const before = pulls;
  await Promise.all(Array.from({ length: 30 }, () => reader.webhooks.receive(port, request('{"changed":"note:c"}'))));
  await until('it was read', () => target.values('c').length === 1, 8);
  await idle(reader);
  assert.ok(pulls - before < 15, `thirty hints at once are not thirty readings (${pulls - before})`);
  assert.deepEqual([target.values('a'), target.values('b'), target.values('c')], [[1], [1], [1]]);
});

test('an estate whose topics cannot be is refused', () => {
  const source = (changes: Partial<WebhookSource<NativeNote>>): WebhookSource<NativeNote> => ({
    kind: 'webhook',
    name: 'pushed',
    topic: 'notes',
    verify: () => true,
    read: () => [],
    decode: () => ({ id: '', n: 0 }),
    ...changes,
  });
  const estateOf = (...sources: WebhookSource<NativeNote>[]) => {
    const sink = new Target().sink();
    return () =>
      defineEstate({
        name: 'x',
        connections: {
          from: connectionOf({ sources: Object.fromEntries(sources.map((one, n) => [`s${n}`, one])) }),
          target: connectionOf({ sinks: { notes: sink } }),
        },
        flows: [{ ...noteFlow(sink), from: sources[0]! }],
      });
  };
  assert.ok(estateOf(source({}))());
  for (const [wrong, words] of [
    [estateOf(source({ topic: 'Notes/x' })), /topics are/],
    [estateOf(source({}), source({ name: 'other' })), /two sources have this topic/],
    [estateOf(source({}), source({ topic: 'other' })), /two sources are called/],
    [estateOf(source({ feeds: 'nothing' })), /no poll source/],
  ] as const)
    assert.throws(
      wrong,
      (error: Error & { code?: string }) => error.code === 'CONFIG_INVALID' && words.test(error.message),
    );
});

test('an address that ends in no flow does not exist: nothing is taken that nobody reads', async (t) => {
  const ledger = await testLedger(t);
  const { estate } = webhookEstate();
  const unread: Estate = { ...estate, flows: [] };
  assert.equal(hubOn(ledger, unread).webhooks.port('from', 'notes'), undefined);
  assert.ok(hubOn(ledger, estate).webhooks.port('from', 'notes'));
});
