import { randomBytes } from 'node:crypto';
import type { TestContext } from 'node:test';
import { Type } from 'typebox';
import { type Clock, seeded, systemClock } from '../../src/core/clock.ts';
import type { Connection, Log, PollSource, Sink } from '../../src/core/connector.ts';
import { defineDocument } from '../../src/core/document.ts';
import { type AnyFlow, defineEstate } from '../../src/core/estate.ts';
import { defineFlow } from '../../src/core/flow.ts';
import { Hub } from '../../src/engine/hub.ts';
import { repeatable } from '../../src/engine/outcome.ts';
import type { Terms } from '../../src/engine/parts.ts';
import { Database } from '../../src/ledger/database.ts';
import { openVault, type Vault } from '../../src/ledger/vault.ts';
import { freshDatabase } from './cluster.ts';

/** A small canonical record for engine tests: a numbered state of something, which may need other records. */
export const NoteDocument = defineDocument({
  name: 'note',
  version: '1.0',
  schema: Type.Object({ id: Type.String(), n: Type.Integer(), text: Type.String(), needs: Type.Array(Type.String()) }),
  key: (note) => note.id,
  references: (note) => [['note', note.id]],
  needs: (note) => note.needs.map((id) => ['note', id] as const),
  measure: (note) => ({ lines: 1, currency: 'EUR', minor: BigInt(note.n), absolute: BigInt(Math.abs(note.n)) }),
});

/** What a source of notes sends: JSON of a note, or a trap. */
export interface NativeNote {
  id: string;
  n: number;
  text?: string;
  needs?: string[];
}

export const silent: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

export interface TestLedger {
  url: string;
  db: Database;
  vault: Vault;
  master: Buffer;
}

const hubsOf = new WeakMap<Database, Hub[]>();

/** A fresh, migrated ledger; closed when test `t` ends, after the `noteHub`s on it were stopped, or else by whoever asked for it. */
export async function testLedger(t?: TestContext): Promise<TestLedger> {
  const url = await freshDatabase();
  const db = Database.open(url);
  t?.after(async () => {
    // A failed test leaves them at work, and they would hold up the whole file; what its target never answers is not waited for.
    const stopped = Promise.all((hubsOf.get(db) ?? []).map((hub) => hub.stop()));
    const patience = new AbortController();
    await Promise.race([stopped, systemClock.sleep(5000, patience.signal)]);
    patience.abort();
    await db.close();
  });
  const master = randomBytes(32);
  return { url, db, vault: await openVault(db, master), master };
}

/** A source that only receives what a test gives to `hub.intake`. */
export const pushSource = (): PollSource<NativeNote> => ({
  kind: 'poll',
  name: 'notes',
  every: '1h',
  async *pull() {},
  decode: (bytes) => JSON.parse(new TextDecoder().decode(bytes)),
});

export function noteFlow(
  sink: Sink<typeof NoteDocument>,
  source = pushSource(),
  changes: Partial<AnyFlow> = {},
): AnyFlow {
  return {
    ...defineFlow({
      id: 'notes',
      about: 'notes from a test to a target',
      documents: [NoteDocument],
      from: source,
      to: { note: sink },
      latency: 'realtime',
      promise: { within: '1m', critical: false },
      onException: { owner: 'tests', within: '1d', hold: 'lane' },
      fallback: 'none',
      translate: (native: NativeNote) => ({
        outcome: 'routed' as const,
        documents: [
          {
            kind: 'note' as const,
            body: { id: native.id, n: native.n, text: native.text ?? '', needs: native.needs ?? [] },
          },
        ],
      }),
    }),
    ...changes,
  };
}

export const connectionOf = (parts: Partial<Connection>): Connection => ({
  connector: 'test',
  entity: 'main',
  sources: {},
  sinks: {},
  async *check() {},
  ...parts,
});

/** A hub between one push source and one sink, on a ledger. Fast terms; `log` silent. */
export function noteHub(
  ledger: Pick<TestLedger, 'db' | 'vault'>,
  sink: Sink<typeof NoteDocument>,
  options: {
    terms?: Partial<Terms>;
    seed?: number;
    log?: Log;
    writer?: string;
    flow?: Partial<AnyFlow>;
    clock?: Clock;
    source?: PollSource<NativeNote>;
  } = {},
): Hub {
  const source = options.source ?? pushSource();
  const estate = defineEstate({
    name: 'test',
    connections: {
      from: connectionOf({ sources: { notes: source } }),
      target: connectionOf({
        sinks: { [sink.name]: sink as Sink },
        ...(options.writer ? { writer: options.writer } : {}),
      }),
    },
    flows: [noteFlow(sink, source, options.flow)],
    ...(repeatable(sink.idempotency) ? {} : { approvals: { notes: { reason: 'a test', by: 'tests' } } }),
  });
  const hub = new Hub({
    estate,
    db: ledger.db,
    vault: ledger.vault,
    clock: options.clock ?? systemClock,
    random: seeded(options.seed ?? 1),
    log: options.log ?? silent,
    secret: () => 'secret',
    terms: { pollSeconds: 0.05, retrySeconds: [0.02, 0.2], ...options.terms },
  });
  hubsOf.set(ledger.db, [...(hubsOf.get(ledger.db) ?? []), hub]);
  return hub;
}

/** Sends a note through intake; `key` makes it a repeat of an earlier one. */
export function send(
  hub: Hub,
  note: NativeNote,
  options: { key?: string; sourceVersion?: bigint; labels?: Record<string, string> } = {},
) {
  return hub.intake.receive({
    connection: 'from',
    source: 'notes',
    incoming: {
      dedupeKey: options.key ?? `${note.id}/${note.n}/${Math.random()}`,
      subject: `note:${note.id}`,
      occurredAt: new Date(),
      bytes: new TextEncoder().encode(JSON.stringify(note)),
      measure: { lines: 1, currency: 'EUR', minor: BigInt(note.n), absolute: BigInt(Math.abs(note.n)) },
      ...(options.sourceVersion === undefined ? {} : { sourceVersion: options.sourceVersion }),
      ...(options.labels ? { labels: options.labels } : {}),
    },
  });
}

/** Waits until hubs that share a ledger and have push sources only can do nothing more by themselves; any of them may be asked. */
export async function drained(hub: Hub, seconds = 120): Promise<void> {
  const end = performance.now() + seconds * 1000;
  for (let quiet = 0; quiet < 3; ) {
    const { routable, deliverable, leased } = await hub.progress();
    quiet = routable + deliverable + leased === 0 ? quiet + 1 : 0;
    if (performance.now() > end)
      throw new Error(`the hubs were not idle after ${seconds} s: ${JSON.stringify(await hub.progress())}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Waits until a hub can do nothing more by itself; fails after `seconds`. */
export async function idle(hub: Hub, seconds = 120): Promise<void> {
  const patience = AbortSignal.timeout(seconds * 1000);
  await hub.untilIdle(() => undefined, patience);
  if (patience.aborted)
    throw new Error(`the hub was not idle after ${seconds} s: ${JSON.stringify(await hub.progress())}`);
}
