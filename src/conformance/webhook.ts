import assert from 'node:assert/strict';
import type { Duration } from '../core/clock.ts';
import type { Hint, Incoming, PollSource, RawRequest, WebhookSource } from '../core/connector.ts';
import { FaultError } from '../core/fault.ts';
import { decodes, lost, sameFacts, wellFormed } from './facts.ts';
import { type Check, type Lab, makeLab, readable, type Surroundings } from './lab.ts';
import { type SignatureUnderTest, type Signer, signatureChecks } from './signature.ts';

/** A webhook source, and what its sender sends. Bodies are as they travel; the suite signs, alters, repeats and mixes them. */
export interface WebhookSourceUnderTest extends Surroundings {
  readonly source: WebhookSource<unknown>;
  /** A request with this body, signed as the sender does; signed again it may have another id and time. */
  sign(body: Uint8Array, signer: Signer, at: Date): RawRequest;
  /** Names of the headers that carry the signature or are covered by it, in lower case. */
  readonly signedHeaders: readonly string[];
  /** How old a signature may be; absent where the system signs no time. */
  readonly tolerance?: Duration;
  /** True where two keys are accepted while keys are being changed. */
  readonly rotates?: boolean;
  /** New facts, whole: what the sender pushes of each, and its subject. Where it `feeds` a polled source, they can be read there as well. Absent where it sends notices only. */
  facts?(count: number): Promise<{ body: Uint8Array; subject: string }[]>;
  /** Two states of one record, the older first. Absent where it sends notices only. */
  versions?(): Promise<{ older: Uint8Array; newer: Uint8Array }>;
  /** Thin notices, where the system sends such. */
  readonly hints?: readonly Uint8Array[];
  /** What is of no concern to the hub: a ping, a type of event that it does not take. */
  readonly pings: readonly Uint8Array[];
  /** JSON, or whatever it speaks, that is not what this system says: a field that is missing or of another type. */
  readonly malformed: readonly Uint8Array[];
  /** The polled source that it feeds. */
  readonly feeds?: PollSource<unknown>;
}

const isIncoming = (item: Incoming | Hint): item is Incoming => 'bytes' in item;

function read(
  { source, sign }: WebhookSourceUnderTest,
  lab: Lab,
  body: Uint8Array,
  at = new Date(),
): readonly (Incoming | Hint)[] {
  return source.read({ ...sign(body, 'current', at), receivedAt: at }, lab.cx);
}

function factsIn(subject: WebhookSourceUnderTest, lab: Lab, body: Uint8Array, at?: Date): Incoming[] {
  const items = read(subject, lab, body, at);
  assert.ok(items.length > 0, 'a fact was read as nothing');
  assert.ok(items.every(isIncoming), 'a whole fact was read as a hint');
  return items as Incoming[];
}

/** What the sender pushes of new facts; none where it sends notices only, which must then be there. */
async function factsOf(
  subject: WebhookSourceUnderTest,
  count: number,
): Promise<{ body: Uint8Array; subject: string }[]> {
  if (subject.facts) return subject.facts(count);
  assert.ok(subject.hints?.length, 'the suite was given neither facts nor notices');
  return [];
}

/** Bytes that no system sends. */
const garbage: readonly Uint8Array[] = [
  ...[
    '',
    'nonsense',
    '{',
    '[]',
    'null',
    '0',
    '"text"',
    '{}',
    '{"type":null}',
    '[[[[',
    '\0',
    '{"__proto__":{"type":"x"}}',
  ].map((text) => Buffer.from(text)),
  Buffer.from([0xff, 0xfe, 0x80]),
  Buffer.from(`${'['.repeat(200_000)}${']'.repeat(200_000)}`),
];

/** What the sender must be told it did wrong (400): anything else that is thrown counts as a defect of ours, and it comes again and again. */
function isSendersFault(error: unknown, lab: Lab): boolean {
  if (error instanceof SyntaxError || error instanceof RangeError) return true;
  if (!(error instanceof FaultError) || error.fault.kind !== 'rejected') return false;
  readable(error.message);
  lab.keepsSilence(error.message);
  return true;
}

/** The signature of a webhook, for the checks that every signed source passes. */
function signatureOf(subject: WebhookSourceUnderTest): SignatureUnderTest<RawRequest> {
  const { cx } = makeLab(subject);
  const bare = Object.fromEntries(subject.signedHeaders.map((name) => [name, undefined]));
  return {
    sign: subject.sign,
    withBody: (request, body) => ({ ...request, body }),
    unsigned: (request) => ({ ...request, headers: { ...request.headers, ...bare } }),
    verify: (request) => subject.source.verify(request, cx),
    ...(subject.tolerance === undefined ? {} : { tolerance: subject.tolerance }),
    ...(subject.rotates === undefined ? {} : { rotates: subject.rotates }),
  };
}

const ofSignature = Object.fromEntries(
  Object.entries(signatureChecks).map(([name, check]): [string, Check<WebhookSourceUnderTest>] => [
    name,
    (subject) => check(signatureOf(subject)),
  ]),
);

/** What every webhook source must do. */
export const webhookSourceChecks: Readonly<Record<string, Check<WebhookSourceUnderTest>>> = {
  ...ofSignature,

  'refuses a request of which a signed header was altered, taken away or sent twice': async (subject) => {
    const { cx } = makeLab(subject);
    const [body] = [...(await factsOf(subject, 1)).map((fact) => fact.body), ...(subject.hints ?? [])];
    const genuine = subject.sign(body!, 'current', new Date());
    assert.equal(await subject.source.verify(genuine, cx), true, 'it refuses what is signed');
    for (const name of subject.signedHeaders) {
      const value = genuine.headers[name];
      assert.ok(typeof value === 'string' && value !== '', `the signed request has no header ${name}`);
      const middle = Math.floor(value.length / 2);
      const other = value[middle] === '1' ? '2' : '1';
      const altered = value.slice(0, middle) + other + value.slice(middle + 1);
      for (const [what, header] of Object.entries({ altered, empty: '', gone: undefined, twice: [value, value] })) {
        const request: RawRequest = { ...genuine, headers: { ...genuine.headers, [name]: header } };
        assert.equal(await subject.source.verify(request, cx), false, `header ${name}: ${what}`);
      }
    }
  },

  'names what is pushed: every fact, well formed, and it can be decoded': async (subject) => {
    const lab = makeLab(subject);
    const facts = await factsOf(subject, 3);
    const items = facts.flatMap(({ body }) => factsIn(subject, lab, body));
    wellFormed(items);
    assert.deepEqual(
      lost(
        facts.map((fact) => fact.subject),
        new Set(items.map((item) => item.subject)),
      ),
      [],
      'facts that are not named',
    );
    assert.equal(
      new Set(items.map(({ dedupeKey }) => dedupeKey)).size,
      items.length,
      'different facts have one dedupe key',
    );
    decodes(items, (bytes) => subject.source.decode(bytes));
  },

  'the same push again, signed anew later, is the same fact': async (subject) => {
    const lab = makeLab(subject);
    const now = Date.now();
    for (const { body } of await factsOf(subject, 1)) {
      const first = factsIn(subject, lab, body, new Date(now));
      const again = factsIn(subject, lab, body, new Date(now + 61_000));
      assert.deepEqual(
        again.map(({ dedupeKey }) => dedupeKey),
        first.map(({ dedupeKey }) => dedupeKey),
        'repeated, the fact has another dedupe key',
      );
      sameFacts(first, again, (bytes) => subject.source.decode(bytes));
    }
  },

  'two states of a record are two facts of one subject, and in any order the newer can be told': async (subject) => {
    const lab = makeLab(subject);
    assert.equal(
      subject.versions === undefined,
      subject.facts === undefined,
      'the suite was given facts without versions of them',
    );
    if (!subject.versions) return;
    const { older, newer } = await subject.versions();
    const now = Date.now();
    const [second] = factsIn(subject, lab, newer, new Date(now));
    const [first] = factsIn(subject, lab, older, new Date(now + 1000));
    assert.notEqual(first!.dedupeKey, second!.dedupeKey, 'the newer state would be taken for a repeat of the older');
    assert.equal(first!.subject, second!.subject, 'two states of one record are about two things');
    assert.equal(
      first!.sourceVersion === undefined,
      second!.sourceVersion === undefined,
      'one has a version, one has not',
    );
    if (first!.sourceVersion !== undefined)
      assert.ok(second!.sourceVersion! > first!.sourceVersion, 'the newer state has no greater version');
  },

  'a thin notice is a hint about what it feeds, never a fact': async (subject) => {
    for (const body of subject.hints ?? []) {
      const items = read(subject, makeLab(subject), body);
      assert.ok(items.length > 0, 'a notice was read as nothing');
      assert.ok(!items.some(isIncoming), 'a notice was read as a fact: it would be stored in place of the record');
      for (const { hint } of items as readonly Hint[])
        assert.ok(typeof hint === 'string' && hint !== '' && hint.length <= 500, 'a hint that says nothing');
      assert.ok(subject.source.feeds !== undefined, 'it gives hints and feeds no polled source: nobody would read');
    }
  },

  'a ping is nothing': async (subject) => {
    for (const body of subject.pings)
      assert.deepEqual(
        read(subject, makeLab(subject), body),
        [],
        `${Buffer.from(body).toString().slice(0, 80)} is something`,
      );
  },

  "what cannot be read is the sender's fault, and never a fact": async (subject) => {
    const lab = makeLab(subject);
    for (const [index, body] of [...garbage, ...subject.malformed].entries()) {
      const what = Buffer.from(body).toString().slice(0, 40);
      let items: readonly unknown[] | null = null;
      try {
        items = read(subject, lab, body);
      } catch (error) {
        assert.ok(isSendersFault(error, lab), `'${what}': it threw ${String(error)}, which is answered 500`);
      }
      assert.deepEqual(items ?? [], [], `'${what}' was read as something`);
      assert.ok(items === null || index < garbage.length, `'${what}' was passed over in silence`);
    }
  },

  'what it pushes and what it feeds are the same facts': async (subject) => {
    const { feeds, source } = subject;
    assert.equal(source.feeds, feeds?.name, 'the suite was told another source than the one it feeds');
    if (!feeds) return;
    const lab = makeLab(subject);
    const facts = await factsOf(subject, 3);
    const pushed = facts.flatMap(({ body }) => factsIn(subject, lab, body));
    const listed: Incoming[] = [];
    for await (const { items } of feeds.pull(null, lab.cx)) listed.push(...items);
    const keys = new Set(listed.map(({ dedupeKey }) => dedupeKey));
    assert.deepEqual(
      lost(
        pushed.map(({ dedupeKey }) => dedupeKey),
        keys,
      ),
      [],
      'listed, the facts have other dedupe keys: each would be taken twice',
    );
    sameFacts(pushed, listed, (bytes) => feeds.decode(bytes));
  },
};
