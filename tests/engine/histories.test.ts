import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Result } from '../../src/core/connector.ts';
import type { Hub } from '../../src/engine/hub.ts';
import { retryException } from '../../src/engine/resolve.ts';
import { sealAudit, verifyAudit } from '../../src/ledger/audit.ts';
import { listExceptions } from '../../src/ledger/exceptions.ts';
import { readFigures } from '../../src/ledger/figures.ts';
import { drained, noteHub, send, testLedger } from '../support/hub.ts';
import { cut, type NoteItem, rejection, scale, Target, throttled, transient, until } from '../support/target.ts';

/** What the world does with one call: it is repeated for each call of the run, in turn. */
const worlds = [
  'fine',
  'cut before commit',
  'cut after commit',
  'cut, commits late',
  'some committed, then cut',
  'transient',
  'throttled',
  'one rejected',
  'neighbours untouched',
  'slow',
] as const;
type World = (typeof worlds)[number];

/** What happens to the hubs while events come in. */
const happenings = [
  'nothing',
  'restart first',
  'restart second',
  'leases run out',
  'second stops',
  'second starts',
] as const;
type Happening = (typeof happenings)[number];

interface Step {
  history: number;
  key: number;
  version: number;
  /** Sent that often, through both hubs. */
  times: number;
}

const HISTORIES = 30;
const SETTLE = 400;
const LATE = 150;

const runs = fc.record({
  byKey: fc.boolean(),
  steps: fc.array(
    fc.record({
      history: fc.nat(HISTORIES - 1),
      key: fc.nat(2),
      version: fc.integer({ min: 1, max: 6 }),
      times: fc.constantFrom(1, 1, 1, 2, 3),
    }) satisfies fc.Arbitrary<Step>,
    { minLength: 90, maxLength: 160 },
  ),
  calls: fc.array(fc.constantFrom<World>('fine', 'fine', ...worlds), { minLength: 4, maxLength: 12 }),
  happenings: fc.array(fc.constantFrom<Happening>(...happenings), { minLength: 1, maxLength: 4 }),
  batch: fc.constantFrom(1, 3, 20),
});

/** A sink whose target does to each call what the script says. */
function scriptedSink(target: Target, script: readonly World[], byKey: boolean, batch: number) {
  let calls = 0;
  const rejectedOnce = new Set<string>();
  const answer = async (items: readonly NoteItem[]): Promise<Result[]> => {
    const world = script[calls++ % script.length]!;
    switch (world) {
      case 'cut before commit':
        return cut();
      case 'cut after commit':
        target.commit(items);
        return cut();
      case 'cut, commits late':
        target.commitLater(items, LATE);
        return cut();
      case 'some committed, then cut':
        target.commit(items.slice(0, Math.ceil(items.length / 2)));
        return cut();
      case 'transient':
        return items.map(() => transient());
      case 'throttled':
        return items.map(() => throttled(30));
      case 'one rejected': {
        const [first, ...rest] = items;
        if (rejectedOnce.has(first!.key)) return target.commit(items);
        rejectedOnce.add(first!.key);
        return [rejection(), ...target.commit(rest)];
      }
      case 'neighbours untouched': {
        const [first, ...rest] = items;
        return [...target.commit([first!]), ...rest.map((): Result => ({ outcome: 'untouched' }))];
      }
      case 'slow':
        await new Promise((resolve) => setTimeout(resolve, 60));
        target.catchUp();
        return target.commit(items);
      default:
        return target.commit(items);
    }
  };
  return target.sink({
    idempotency: byKey ? 'external-id' : 'find-first',
    settle: SETTLE,
    // Longer than any call here lives, so that a call whose lease was taken away commits before its Intent's deadline.
    deadline: '2s',
    batch: { max: batch, onFailure: 'independent' },
    answer,
  });
}

async function play(run: typeof runs extends fc.Arbitrary<infer T> ? T : never): Promise<void> {
  const ledger = await testLedger();
  const target = new Target({ byKey: run.byKey });
  // Every second call is fine, or breakers would be open most of the time.
  const script = run.calls.flatMap((world): World[] => [world, 'fine']);
  const sink = scriptedSink(target, script, run.byKey, run.batch);
  const make = async (): Promise<Hub> => {
    const hub = noteHub(ledger, sink, { terms: { attempts: 1000, leaseSeconds: 4 } });
    await hub.start();
    return hub;
  };
  const hubs: [Hub, Hub | null] = [await make(), await make()];
  const happen = async (what: Happening): Promise<void> => {
    if (what === 'restart first') {
      await hubs[0].stop();
      hubs[0] = await make();
    }
    if (what === 'restart second' || what === 'second stops') {
      await hubs[1]?.stop();
      hubs[1] = what === 'second stops' ? null : await make();
    }
    if (what === 'second starts') hubs[1] ??= await make();
    if (what === 'leases run out')
      await ledger.db.query('expire', 'update lane set lease_until = clock_timestamp() where holder is not null');
  };
  const wanted = new Map<string, number>();
  const sent = new Set<string>();
  const part = Math.ceil(run.steps.length / run.happenings.length);
  for (const [index, happening] of run.happenings.entries()) {
    const steps = run.steps.slice(index * part, (index + 1) * part);
    await Promise.all(
      steps.map(async ({ history, key, version, times }) => {
        const id = `h${history}-${key}`;
        wanted.set(id, Math.max(wanted.get(id) ?? 0, version));
        for (let n = 0; n < times; n++) {
          const receipt = await send(
            (n % 2 && hubs[1]) || hubs[0],
            { id, n: version },
            { key: `${id}/${version}`, sourceVersion: BigInt(version) },
          );
          if (receipt === 'new') {
            assert.ok(!sent.has(`${id}/${version}`), 'a known event is a duplicate');
            sent.add(`${id}/${version}`);
          }
        }
      }),
    );
    await happen(happening);
  }
  // People retry what was rejected until nothing is left to decide.
  await until('all is delivered', async () => {
    await drained(hubs[0], 120);
    const open = await listExceptions(ledger.db, null, 500);
    for (const exception of open) await retryException(hubs[0].parts, exception, { by: 'test', reason: 'again' });
    return open.length === 0;
  });
  await Promise.all(hubs.map((hub) => hub?.stop()));
  target.catchUp();

  assert.deepEqual(target.verdict(wanted), { doubled: [], outOfOrder: [], lost: [] });
  const { events, deliveries } = await readFigures(ledger.db);
  assert.equal(events.routed + events.late, sent.size, 'each event once');
  assert.deepEqual(
    [events.waiting, events.parked, deliveries.waiting, deliveries.leased, deliveries.unknown, deliveries.parked],
    [0, 0, 0, 0, 0, 0],
  );
  // A transaction that is open anywhere in this PostgreSQL, as of tests beside us, holds the sealer back.
  await until('all of the audit is sealed', async () => {
    await sealAudit(ledger.db, 100_000);
    const { broken, unsealed } = await verifyAudit(ledger.db);
    assert.equal(broken, null);
    return unsealed === 0;
  });
  await ledger.db.close();
}

test('any mix of repeats, lost answers, late commits, restarts and two hubs ends in one effect, in order', async (t) => {
  const rounds = 10 * scale;
  const seed = Number(process.env.CROSSDOCK_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
  t.diagnostic(`${rounds * HISTORIES} histories, seed ${seed} (repeat with CROSSDOCK_TEST_SEED)`);
  await fc.assert(fc.asyncProperty(runs, play), { numRuns: rounds, seed, endOnFailure: true });
});
