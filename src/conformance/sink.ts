import assert from 'node:assert/strict';
import { type Duration, milliseconds } from '../core/clock.ts';
import type { Found, Item, Result, Sink } from '../core/connector.ts';
import { type Fault, faultOf } from '../core/fault.ts';
import { onlyLooking } from '../core/look.ts';
import { type Check, type Lab, makeLab, readable, type Surroundings } from './lab.ts';
import type { Mishap, SeenRequest } from './network.ts';

/**
 * A sink, and what the suite must know of its target. Configure it with a `settle` of a second or two, for it is waited for; `late` must be
 * shorter.
 */
export interface SinkUnderTest extends Surroundings {
  // biome-ignore lint/suspicious/noExplicitAny: sinks of any document; the items below are its own
  readonly sink: Sink<any>;
  /** A document that the target takes, as the engine would give it: `id` null, links filled in. The `n`th: another key for each. */
  item(n: number): Item<unknown>;
  /** One that is wrong. Who finds out decides what its neighbours in a batch may come to. */
  bad(n: number): Item<unknown>;
  readonly badIsFoundBy: 'target' | 'sink';
  /** The field in which it is wrong; null where the target does not say. */
  readonly badField: string | null;
  /** How many records the target holds of an item, read without the sink. */
  held(item: Item<unknown>): Promise<number>;
  /** True for requests that change something at the target. */
  writes(request: SeenRequest): boolean;
  /** How the target answers such a request with success although it did nothing; null where it cannot. */
  hollow(request: SeenRequest): Response | null;
  /** How the target refuses a key, or its transport fails then; HTTP 401 when absent. */
  refuses?(request: SeenRequest): Response | Error;
  /** How the target asks to wait; HTTP 429 and 503 with Retry-After when absent. */
  readonly limited?: readonly (() => Response)[];
  /** How long after the client has gone a late commit comes. Default 300 ms. */
  readonly late?: Duration;
}

const counters = new WeakMap<SinkUnderTest, { n: number }>();

/** The next fresh items of a subject. */
function fresh(subject: SinkUnderTest, count: number): Item<unknown>[] {
  const counter = counters.get(subject) ?? { n: 0 };
  counters.set(subject, counter);
  return Array.from({ length: count }, () => subject.item(++counter.n));
}

function freshBad(subject: SinkUnderTest): Item<unknown> {
  const counter = counters.get(subject) ?? { n: 0 };
  counters.set(subject, counter);
  return subject.bad(++counter.n);
}

const repeatable = ({ sink }: SinkUnderTest): boolean =>
  sink.idempotency !== 'find-first' && sink.idempotency !== 'unsafe';

/** Delivers as the engine does: what is thrown counts for every item. */
async function deliver(subject: SinkUnderTest, lab: Lab, items: Item<unknown>[]): Promise<Result[]> {
  let results: Result[];
  try {
    results = await subject.sink.deliver(items, lab.cx);
  } catch (error) {
    const fault = faultOf(error, 'unknown');
    results = items.map(() => ({ outcome: 'failed', fault }));
  }
  assert.equal(results.length, items.length, `${results.length} results for ${items.length} items`);
  for (const result of results) if (result.outcome === 'failed') lab.keepsSilence(result.fault.message);
  return results;
}

const one = async (subject: SinkUnderTest, lab: Lab, item: Item<unknown>): Promise<Result> =>
  (await deliver(subject, lab, [item]))[0]!;

const told = (result: Result): string =>
  result.outcome === 'failed' ? `${result.fault.kind}: ${result.fault.message}` : result.outcome;

function idOf(result: Result): string {
  assert.equal(result.outcome, 'done', `expected done, was ${told(result)}`);
  const { id } = result as Extract<Result, { outcome: 'done' }>;
  assert.ok(typeof id === 'string' && id !== '', 'done without the id of the target');
  return id;
}

function faultIn(result: Result, ...kinds: Fault['kind'][]): Fault {
  assert.equal(result.outcome, 'failed', `expected ${kinds.join(' or ')}, was ${result.outcome}`);
  const { fault } = result as Extract<Result, { outcome: 'failed' }>;
  assert.ok(kinds.includes(fault.kind), `expected ${kinds.join(' or ')}, was ${told(result)}`);
  return fault;
}

async function find(subject: SinkUnderTest, lab: Lab, items: Item<unknown>[]): Promise<Found[]> {
  const found = await subject.sink.find!(items, lab.cx);
  assert.equal(found.length, items.length, `find gave ${found.length} answers for ${items.length} items`);
  return found;
}

/**
 * Goes on with an item as the engine does: what may be repeated is, at once; what must be asked for is, once `settle` has passed since its outcome
 * was unknown; what nobody may repeat ends here.
 */
async function goOn(subject: SinkUnderTest, lab: Lab, item: Item<unknown>, first: Result): Promise<Result> {
  let result = first;
  let unknown = false;
  for (let tries = 0; tries < 6 && result.outcome !== 'done'; tries++) {
    if (result.outcome === 'failed' && (result.fault.kind === 'rejected' || result.fault.kind === 'refused'))
      return result;
    unknown ||= result.outcome === 'failed' && result.fault.kind === 'unknown';
    if (unknown && subject.sink.idempotency === 'unsafe') return result;
    if (unknown && subject.sink.idempotency === 'find-first') {
      await new Promise((resolve) => setTimeout(resolve, milliseconds(subject.sink.settle)));
      const [found] = await find(subject, lab, [item]);
      assert.notEqual(
        found!.found,
        'partial',
        `find says 'partial' of what landed whole or not at all: ${JSON.stringify(found)}`,
      );
      if (found!.found === 'whole') return { outcome: 'done', id: found!.id };
    }
    result = await one(subject, lab, item);
  }
  return result;
}

/** Another order that is not its own mirror image. */
const turn = <T>(all: readonly T[]): T[] => [...all.slice(1), ...all.slice(0, 1)];

/** How many requests the delivery of one item makes when all is well. */
async function requestsOf(subject: SinkUnderTest, lab: Lab): Promise<SeenRequest[]> {
  for (const item of fresh(subject, 2)) {
    lab.network.reset();
    idOf(await one(subject, lab, item));
  }
  assert.ok(lab.network.seen.length > 0, 'nothing was sent through cx.fetch');
  assert.ok(
    lab.network.seen.some((request) => subject.writes(request)),
    'none of the requests of a delivery writes: the suite was told wrong',
  );
  return lab.network.seen;
}

/** Lets a mishap befall each request of a delivery in turn, goes on as the engine does, and counts what the target holds in the end. */
async function atEachRequest(subject: SinkUnderTest, mishap: Mishap): Promise<void> {
  const lab = makeLab(subject);
  const usual = await requestsOf(subject, lab);
  for (const { number } of usual) {
    const [item] = fresh(subject, 1) as [Item<unknown>];
    let struck: SeenRequest | undefined;
    lab.network.reset((request) => {
      if (request.number !== number) return undefined;
      struck = request;
      return mishap;
    });
    const result = await one(subject, lab, item);
    if (!struck) continue;
    // What may land yet must be said: `transient` promises that nothing did.
    if (result.outcome !== 'done')
      faultIn(
        result,
        'unknown',
        ...(subject.writes(struck) && mishap.do !== 'cut-before' ? [] : (['transient'] as const)),
      );
    lab.network.reset();
    const last = await goOn(subject, lab, item, result);
    await lab.network.quiet();
    const held = await subject.held(item);
    const where = `request ${number} of ${usual.length} (${struck.method} ${struck.url}), ${mishap.do}, answered ${told(result)}`;
    if (subject.sink.idempotency === 'unsafe') assert.ok(held <= 1, `${where}: the target holds ${held} records`);
    else {
      assert.equal(held, 1, `${where}: the target holds ${held} records instead of one`);
      const id = idOf(last);
      if (repeatable(subject))
        assert.equal(idOf(await one(subject, lab, item)), id, `${where}: the id it gave is another record's`);
    }
  }
}

const limits = [
  () => new Response('slow down', { status: 429, headers: { 'retry-after': '7' } }),
  () => new Response('busy', { status: 503, headers: { 'retry-after': '7' } }),
];

/** What every sink must do, each by itself. The names are those that a failing test shows. */
export const sinkChecks: Readonly<Record<string, Check<SinkUnderTest>>> = {
  'declares what the engine needs': async ({ sink }) => {
    assert.ok(sink.batch.max >= 1 && sink.batch.max <= 500, 'batch.max is 1 to 500');
    assert.ok(milliseconds(sink.deadline) > 0, 'deadline is a time');
    assert.ok(milliseconds(sink.settle) >= 0, 'settle is a time');
    if (sink.idempotency === 'find-first') {
      assert.equal(typeof sink.find, 'function', 'find-first without find');
      assert.ok(milliseconds(sink.settle) > 0, 'find-first with a settle of 0 asks before a late commit has come');
    }
  },

  'delivers a batch: one result each, in order, as the target holds it': async (subject) => {
    const lab = makeLab(subject);
    const items = fresh(subject, Math.min(5, subject.sink.batch.max));
    const ids = (await deliver(subject, lab, items)).map(idOf);
    assert.equal(new Set(ids).size, ids.length, 'two documents have one id at the target');
    for (const item of items) assert.equal(await subject.held(item), 1, `${item.key} was done and is not there`);
    const turned = turn(items);
    const again = repeatable(subject)
      ? (await deliver(subject, lab, turned)).map(idOf)
      : subject.sink.find
        ? (await find(subject, lab, turned)).map((found) => (found.found === 'whole' ? found.id : found.found))
        : turn(ids);
    assert.deepEqual(again, turn(ids), 'asked in another order, the answers are not in that order');
  },

  'replay has one effect': async (subject) => {
    const lab = makeLab(subject);
    const [item] = fresh(subject, 1) as [Item<unknown>];
    const id = idOf(await one(subject, lab, item));
    if (repeatable(subject)) {
      assert.equal(idOf(await one(subject, lab, item)), id, 'the same document again is another record');
      assert.deepEqual((await deliver(subject, lab, [item, ...fresh(subject, 1)])).map(idOf)[0], id);
    }
    if (subject.sink.idempotency !== 'unsafe')
      assert.equal(idOf(await one(subject, lab, { ...item, id })), id, 'bound to its id it became another record');
    assert.equal(await subject.held(item), 1, 'the target holds it more than once');
  },

  'find tells what landed and what did not': async (subject) => {
    if (subject.sink.idempotency !== 'find-first') return;
    const lab = makeLab(subject);
    const [there, absent] = fresh(subject, 2) as [Item<unknown>, Item<unknown>];
    const id = idOf(await one(subject, lab, there));
    lab.network.reset();
    assert.deepEqual(await find(subject, lab, [absent, there]), [{ found: 'absent' }, { found: 'whole', id }]);
    assert.ok(!lab.network.seen.some((request) => subject.writes(request)), 'find writes');
  },

  'an answer lost after the commit is never taken for nothing': (subject) =>
    atEachRequest(subject, { do: 'cut-after' }),

  'an answer that cannot be read is a lost answer': (subject) => atEachRequest(subject, { do: 'garble' }),

  'a connection that breaks before anything arrived is no verdict on the document': (subject) =>
    atEachRequest(subject, { do: 'cut-before' }),

  'a commit that comes after the client has gone has one effect': (subject) =>
    atEachRequest(subject, { do: 'commit-late', after: milliseconds(subject.late ?? 300) }),

  'asked to wait it is throttled, for as long as the target says': async (subject) => {
    const lab = makeLab(subject);
    const usual = await requestsOf(subject, lab);
    const writing = usual.find((request) => subject.writes(request))!.number;
    for (const response of subject.limited ?? limits)
      for (const number of new Set([1, writing])) {
        const [item] = fresh(subject, 1) as [Item<unknown>];
        lab.network.reset((request) => (request.number >= number ? { do: 'answer', response } : undefined));
        const fault = faultIn(await one(subject, lab, item), 'throttled') as Extract<Fault, { kind: 'throttled' }>;
        const wait = milliseconds(fault.retryAfter);
        assert.ok(wait >= 6500 && wait <= 7500, `Retry-After: 7 became ${wait} ms`);
        assert.equal(await subject.held(item), 0, 'it was throttled and is there all the same');
      }
  },

  'a key that is not accepted is refused, and says so': async (subject) => {
    const lab = makeLab(subject);
    const [item] = fresh(subject, 1) as [Item<unknown>];
    lab.network.reset((request) => {
      const refusal = () =>
        subject.refuses?.(request) ??
        new Response('{}', { status: 401, headers: { 'content-type': 'application/json' } });
      const first = refusal();
      // A new one for each answer: of a clone, a body that is given up waits for the other's.
      return first instanceof Error
        ? { do: 'fail', error: () => first }
        : { do: 'answer', response: () => refusal() as Response };
    });
    readable(faultIn(await one(subject, lab, item), 'refused').message);
    assert.equal(await subject.held(item), 0);
    lab.network.reset();
    idOf(await one(subject, lab, item));
  },

  'a bad document is rejected with a field and words': async (subject) => {
    const lab = makeLab(subject);
    const item = freshBad(subject);
    const fault = faultIn(await one(subject, lab, item), 'rejected') as Extract<Fault, { kind: 'rejected' }>;
    readable(fault.message);
    if (subject.badField !== null)
      assert.equal(fault.field, subject.badField, `the field is not named: ${fault.message}`);
    if (fault.cause !== undefined) assert.match(fault.cause, /^[a-z][a-z0-9-]*$/, 'a cause is a short stable slug');
    assert.equal(await subject.held(item), 0, 'it was rejected and is there all the same');
  },

  'a failing item does to its batch what is declared': async (subject) => {
    const { max, onFailure } = subject.sink.batch;
    if (max < 4) return;
    const lab = makeLab(subject);
    const [first, second, last] = fresh(subject, 3) as [Item<unknown>, Item<unknown>, Item<unknown>];
    const items = [first, second, freshBad(subject), last];
    const results = await deliver(subject, lab, items);
    for (const [index, result] of results.entries()) {
      const held = await subject.held(items[index]!);
      const expected = result.outcome === 'done' ? 1 : 0;
      assert.equal(held, expected, `item ${index + 1} of 4 was ${told(result)}, and the target holds ${held}`);
    }
    const outcomes = results.map(({ outcome }) => outcome);
    // What the sink takes out before it sends never was in the target's batch.
    const wanted =
      onFailure === 'independent' || subject.badIsFoundBy === 'sink'
        ? ['done', 'done', 'failed', 'done']
        : onFailure === 'stops'
          ? ['done', 'done', 'failed', 'untouched']
          : ['untouched', 'untouched', 'failed', 'untouched'];
    assert.deepEqual(outcomes, wanted, `declared '${onFailure}'`);
    faultIn(results[2]!, 'rejected');
    for (const [index, result] of results.entries())
      if (result.outcome === 'untouched') idOf(await goOn(subject, lab, items[index]!, result));
  },

  'success that did nothing is not done': async (subject) => {
    const lab = makeLab(subject);
    const usual = await requestsOf(subject, lab);
    let possible = false;
    for (const { number } of usual.filter((request) => subject.writes(request))) {
      const [item] = fresh(subject, 1) as [Item<unknown>];
      let hollow = false;
      lab.network.reset((request) => {
        const response = request.number >= number && subject.writes(request) ? subject.hollow(request) : null;
        if (response === null) return undefined;
        hollow = true;
        return { do: 'answer', response: () => response.clone() };
      });
      const result = await one(subject, lab, item);
      if (!hollow) continue;
      possible = true;
      assert.notEqual(result.outcome, 'done', `request ${number} did nothing, and was taken for done`);
    }
    const asked = usual.some((request) => subject.writes(request) && subject.hollow(request) !== null);
    assert.equal(possible, asked);
  },

  'nothing is sent once the lease is lost': async (subject) => {
    const lab = makeLab(subject);
    const usual = await requestsOf(subject, lab);
    for (const { number } of usual) {
      const [item] = fresh(subject, 1) as [Item<unknown>];
      let refused = 0;
      lab.network.reset((request) => {
        if (request.number < number) return undefined;
        refused += 1;
        return { do: 'lease-lost' };
      });
      const before = await subject.held(item);
      const result = await one(subject, lab, item);
      if (refused === 0) continue;
      faultIn(result, 'transient', 'unknown');
      const wrote = lab.network.seen.some((request) => request.number < number && subject.writes(request));
      if (!wrote) assert.equal(await subject.held(item), before, 'it was sent past cx.fetch');
      lab.network.reset();
      const last = await goOn(subject, lab, item, result);
      if (subject.sink.idempotency !== 'unsafe') assert.equal(last.outcome, 'done', `it went on to ${told(last)}`);
    }
  },

  'in a mere look nothing changes, and what the target had can be asked': async (subject) => {
    const lab = makeLab(subject);
    const look = { ...lab, cx: onlyLooking(lab.cx) };
    const [item] = fresh(subject, 1) as [Item<unknown>];
    const before = await subject.held(item);
    await subject.sink.match?.([item], look.cx);
    await subject.sink.count?.(look.cx);
    await deliver(subject, look, [item]);
    assert.deepEqual(lab.network.seen.filter(subject.writes), [], 'calls that change something');
    assert.equal(await subject.held(item), before, 'it was sent past cx.fetch');
  },

  'no secret stands in a message or a log line': async (subject) => {
    const lab = makeLab(subject);
    await deliver(subject, lab, [...fresh(subject, 1), freshBad(subject)]);
    lab.network.reset((request) => ({
      do: 'answer',
      // As servers do that repeat what they were sent.
      response: () =>
        new Response(`<pre>${request.body} ${Object.values(subject.secrets ?? {}).join(' ')}</pre>`, { status: 500 }),
    }));
    await deliver(subject, lab, fresh(subject, 1));
    lab.keepsSilence();
  },
};
