import { type Duration, milliseconds } from '../core/clock.ts';
import type { FileSource, PollSource } from '../core/connector.ts';
import { errorFacts } from '../core/errors.ts';
import { newId } from '../core/ids.ts';
import { sealAudit } from '../ledger/audit.ts';
import { connectionStates, readHints, registerConnections } from '../ledger/connections.ts';
import { isAway } from '../ledger/database.ts';
import { reapLanes } from '../ledger/deliveries.ts';
import { SHARDS, shardsWithWork } from '../ledger/events.ts';
import { type Progress, readProgress } from '../ledger/figures.ts';
import { refreshLanes, removeEmptyLanes } from '../ledger/lanes.ts';
import { freeLeases, heartbeat, noteReadToEnd, removeNode } from '../ledger/leases.ts';
import { ensureHistory } from '../ledger/maintenance.ts';
import { seedMapping } from '../ledger/mappings.ts';
import { recordApprovals } from './approvals.ts';
import { raiseForlorn } from './awaited.ts';
import { Breaker } from './breaker.ts';
import { Deliverer } from './deliver.ts';
import { Doorbell } from './doorbell.ts';
import { EraWatch } from './era.ts';
import { raiseOverdue } from './expectations.ts';
import { Inbox } from './files.ts';
import { tellAgain } from './in-flight.ts';
import { Inquiries } from './inquiries.ts';
import { Intake } from './intake.ts';
import { LeaseKeeper } from './leases.ts';
import { MappingBook, seedsOf } from './mappings.ts';
import { prepareNames } from './masking.ts';
import { Names } from './names.ts';
import { repeatable } from './outcome.ts';
import { defaultTerms, type Parts, type Terms } from './parts.ts';
import { pollOnce } from './poll.ts';
import { Refusals } from './refusals.ts';
import { routeShard } from './route.ts';
import { Turns } from './turns.ts';
import { Webhooks } from './webhooks.ts';
import { pollerLease, type SourcePort, type WriterGroup, wire } from './wiring.ts';

/** Work that one hub does now and then for all of them, under a lease of its name. */
export interface Chore {
  readonly name: string;
  readonly every: Duration;
  work(): Promise<void>;
}

export type HubOptions = Pick<Parts, 'estate' | 'db' | 'vault' | 'clock' | 'random' | 'log' | 'secret'> & {
  terms?: Partial<Terms>;
  chores?: readonly Chore[];
};

const ROUTERS = 4;
const SEALER = 'audit-sealer';
const shardLease = (shard: number): string => `router:${shard}`;

/** One hub process at work: several may share a ledger; each takes what others do not hold. */
export class Hub {
  readonly parts: Parts;
  readonly intake: Intake;
  readonly webhooks: Webhooks;
  readonly inquiries: Inquiries;
  readonly #leases: LeaseKeeper;
  readonly #chores: readonly Chore[];
  readonly #stopping = new AbortController();
  readonly #looks = new Map<string, boolean>();
  /** Pollers whose last look failed. */
  readonly #readToEnd = new Set<string>();
  readonly #breakers = new Map<string, Breaker>();
  #paused = new Set<string>();
  #hints = new Map<string, string>();
  #loops: Promise<void>[] = [];
  #liveNodes = 1;
  /** Set while the ledger cannot be reached: why. */
  away: string | null = null;

  constructor({ terms, chores = [], ...options }: HubOptions) {
    this.#chores = chores;
    const wiring = wire(options.estate);
    this.parts = {
      ...options,
      wiring,
      names: new Names(options.vault, wiring),
      mappings: new MappingBook(options.db),
      bell: new Doorbell(),
      era: new EraWatch(options.db, options.clock),
      terms: { ...defaultTerms, ...terms },
      node: newId(),
    };
    const { db, clock, log, node } = this.parts;
    this.intake = new Intake(this.parts);
    this.webhooks = new Webhooks(this.parts, this.intake, this.#stopping.signal);
    this.inquiries = new Inquiries(this.parts, this.#stopping.signal);
    this.#leases = new LeaseKeeper({ db, clock, log, holder: node, seconds: this.parts.terms.leaseSeconds });
  }

  /** Prepares the ledger for this estate and starts all loops. */
  async start(): Promise<void> {
    const { estate, db, wiring } = this.parts;
    await ensureHistory(db);
    await prepareNames(this.parts);
    await registerConnections(
      db,
      Object.entries(estate.connections).map(([name, { entity, connector }]) => ({ name, entity, connector })),
    );
    await recordApprovals(this.parts);
    await this.#readPauses();
    await this.#beginEra();
    for (const seed of seedsOf(this.parts)) await seedMapping(this.parts.db, seed);
    await this.parts.mappings.refresh();
    this.#liveNodes = await this.#beat();
    for (const port of wiring.readers) this.#leases.want(pollerLease(port));
    for (const group of wiring.writers) if (group.lease) this.#leases.want(group.lease);
    this.#leases.want(SEALER);
    for (const { name } of this.#chores) this.#leases.want(name);
    await this.#leases.refresh();
    const { signal } = this.#stopping;
    this.#loops = [
      this.#leases.run(signal),
      this.#loop('housekeeping', 'housekeeping', 2, () => this.#housekeep()),
      this.#loop('awaiting', 'awaiting', this.parts.terms.awaitedSeconds, async () => {
        await raiseForlorn(this.parts, this.#paused);
        return 0;
      }),
      this.#loop('audit', 'audit', 2, () => this.#sealAudit()),
      this.#loop('history', 'history', 3600, async () => {
        await ensureHistory(this.parts.db);
        return 0;
      }),
      this.#loop('routing', 'route', this.parts.terms.pollSeconds, () => this.#route()),
      ...wiring.readers.map((port) => this.#readLoop(port)),
      ...wiring.writers.map((group) => this.#writeLoop(group)),
      ...this.#chores.map((chore) => this.#choreLoop(chore)),
    ];
  }

  /** Ends what is under way, gives leases back and forgets this node. The ledger stays open: it is the caller's. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const topic of ['route', 'deliver', 'housekeeping', 'awaiting', 'audit', 'history', 'chores'])
      this.parts.bell.ring(topic);
    await Promise.all(this.#loops);
    await this.#sealAudit().catch(() => undefined);
    await this.#leases.release().catch(() => undefined);
    await removeNode(this.parts.db, this.parts.node).catch(() => undefined);
  }

  /** What the hub can still do by itself; sources count while something lies in them unread. */
  async progress(): Promise<Progress & { unread: number; paused: string[] }> {
    const unread = this.parts.wiring.readers.filter((port) => this.#looks.get(pollerLease(port)) !== true).length;
    return { ...(await readProgress(this.parts.db)), unread, paused: [...this.#paused] };
  }

  /** Resolves when sources are quiet and nothing is left that the hub could do by itself; `report` is called about once a second. */
  async untilIdle(report: (progress: Progress & { unread: number }) => void, signal: AbortSignal): Promise<void> {
    for (let quiet = 0; quiet < 3 && !signal.aborted; ) {
      const progress = await this.progress().catch((error: unknown) => {
        if (!isAway(error)) throw error;
        return null;
      });
      if (progress) report(progress);
      quiet =
        progress && progress.unread + progress.routable + progress.deliverable + progress.leased === 0 ? quiet + 1 : 0;
      await this.parts.clock.sleep(quiet > 0 ? 200 : 500, signal);
    }
  }

  /** Runs `work` again and again until the hub stops: at once while it did something, else after a ring of `topic` or `seconds`. */
  async #loop(
    name: string,
    topic: string,
    seconds: number | (() => number),
    work: () => Promise<number>,
  ): Promise<void> {
    const { clock, log, bell } = this.parts;
    const { signal } = this.#stopping;
    for (let failures = 0; !signal.aborted; ) {
      try {
        const done = await work();
        failures = 0;
        if (done === 0) await bell.wait(topic, typeof seconds === 'number' ? seconds : seconds(), signal);
      } catch (error) {
        failures += 1;
        log[isAway(error) ? 'warn' : 'error'](`${name} failed`, {
          ...(isAway(error) ? { error: (error as Error).message } : errorFacts(error)),
          failures,
        });
        await clock.sleep(Math.min(5000, 100 * 2 ** failures), signal);
      }
    }
  }

  async #housekeep(): Promise<number> {
    const { db, wiring, log } = this.parts;
    try {
      this.#liveNodes = await this.#beat();
      this.away = null;
    } catch (error) {
      this.away = (error as Error).message;
      throw error;
    }
    await this.#readPauses();
    await this.#passOnHints();
    await this.parts.mappings.refresh();
    await this.parts.vault.refresh(db);
    await this.parts.era.look(wiring, this.#paused);
    await raiseOverdue(this.parts);
    const read = [...this.#readToEnd];
    this.#readToEnd.clear();
    await noteReadToEnd(db, read);
    const mayRepeat = wiring.sinks
      .filter(({ sink }) => repeatable(sink.idempotency))
      .map(({ connection, sink }) => ({ connection, sink: sink.name }));
    const reaped = await db.transaction(async (sql) => {
      const lanes = await reapLanes(sql, mayRepeat);
      await refreshLanes(sql, lanes);
      return lanes.length;
    });
    if (reaped > 0) {
      log.warn('leases ran out: outcomes unknown', { lanes: reaped });
      this.parts.bell.ring('deliver');
    }
    await db.transaction(removeEmptyLanes);
    return 0;
  }

  /** A sign of life that says which data keys this hub has, and that it keeps no personal names. */
  #beat(): Promise<number> {
    const { db, node, vault } = this.parts;
    return heartbeat(db, node, { pid: process.pid, keys: vault.keys, masks: true });
  }

  async #beginEra(): Promise<void> {
    const { era, wiring, log } = this.parts;
    const adopted = await era.begin(wiring);
    if (adopted !== null)
      log.warn('the ledger was restored: sources are read again and targets asked before anything is sent', {
        deliveries: adopted,
      });
  }

  async #readPauses(): Promise<void> {
    const states = await connectionStates(this.parts.db);
    this.#paused = new Set(states.filter(({ state }) => state === 'paused').map(({ name }) => name));
  }

  /** Hints may come in through any hub; the one that reads the source hears of them here at the latest. */
  async #passOnHints(): Promise<void> {
    const hints = await readHints(this.parts.db);
    for (const [poller, at] of hints) if (this.#hints.get(poller) !== at) this.parts.bell.ring(`read ${poller}`);
    this.#hints = hints;
  }

  async #sealAudit(): Promise<number> {
    return this.#leases.held(SEALER) ? sealAudit(this.parts.db) : 0;
  }

  /** Routes every shard that has work and is ours or free; each hub takes at most its fair share of shards. */
  async #route(): Promise<number> {
    if (this.parts.wiring.heeds) await tellAgain(this.parts.db);
    const work = await shardsWithWork(this.parts.db);
    const share = Math.ceil(SHARDS / this.#liveNodes);
    const mine = work.filter((shard) => this.#leases.held(shardLease(shard)));
    const held = Array.from({ length: SHARDS }, (_, shard) => shard).filter((shard) =>
      this.#leases.held(shardLease(shard)),
    );
    const others = work.filter((shard) => !mine.includes(shard)).map(shardLease);
    const room = Math.max(0, share - held.length);
    const wanted = room > 0 && others.length > 0 ? (await freeLeases(this.parts.db, others)).slice(0, room) : [];
    const surplus = held.slice(share).map(shardLease);
    if (surplus.length > 0) await this.#leases.release(surplus);
    if (wanted.length > 0) {
      for (const lease of wanted) this.#leases.want(lease);
      await this.#leases.refresh();
      for (const lease of wanted) if (!this.#leases.held(lease)) this.#leases.unwant(lease);
    }
    const queue = work.filter((shard) => this.#leases.held(shardLease(shard)));
    let routed = 0;
    await Promise.all(
      Array.from({ length: ROUTERS }, async () => {
        for (let shard = queue.shift(); shard !== undefined && !this.#stopping.signal.aborted; shard = queue.shift()) {
          const lease = this.#leases.held(shardLease(shard));
          if (lease) routed += await routeShard(this.parts, shard, lease);
        }
      }),
    );
    return routed;
  }

  #choreLoop({ name, every, work }: Chore): Promise<void> {
    const seconds = milliseconds(every) / 1000;
    const patience = () => (this.#leases.held(name) ? seconds : Math.min(30, seconds));
    return this.#loop(name, 'chores', patience, async () => {
      if (this.#leases.held(name)) await work();
      return 0;
    });
  }

  #readLoop(port: SourcePort): Promise<void> {
    const lease = pollerLease(port);
    const { signal } = this.#stopping;
    const topic = `read ${lease}`;
    if (port.source.kind === 'file') {
      const filePort = port as SourcePort & { source: FileSource<unknown> };
      const inbox = new Inbox(this.parts, filePort);
      const refusals = new Refusals(this.parts, port);
      const soon = Math.min(0.5, milliseconds(filePort.source.quiet) / 2000);
      const every = filePort.source.every === undefined ? soon : milliseconds(filePort.source.every) / 1000;
      // What lies there and may still change is looked at again after its quiet time.
      const again = Math.min(every, Math.max(soon, milliseconds(filePort.source.quiet) / 1000));
      const patience = () => (this.#looks.get(lease) === false ? again : every);
      return this.#loop(`reading ${port.connection}`, topic, patience, async () => {
        const held = this.#leases.held(lease);
        if (!held || this.#paused.has(port.connection)) return 0;
        const look = await refusals.watch(() => inbox.look(held, signal));
        this.#looks.set(lease, look.state === 'empty');
        if (look.state === 'empty') {
          this.#readToEnd.add(lease);
          await this.parts.era.sourceRead(port);
        }
        return look.state === 'read' ? 1 : 0;
      });
    }
    const pollPort = port as SourcePort & { source: PollSource<unknown> };
    const refusals = new Refusals(this.parts, port);
    const every = milliseconds(pollPort.source.every) / 1000;
    const mayRead = () => (this.#paused.has(port.connection) ? null : this.#leases.held(lease));
    // While another hub reads it we look often whether it is our turn, or a takeover would wait for a whole interval.
    const patience = () => (mayRead() ? every : Math.min(1, every));
    const rest = milliseconds(pollPort.source.rest ?? 0);
    let rested = Number.NEGATIVE_INFINITY;
    return this.#loop(`polling ${port.connection}`, topic, patience, async () => {
      await this.parts.clock.sleep(Math.max(0, rested - this.parts.clock.monotonic()), signal);
      const held = mayRead();
      if (!held) return 0;
      rested = this.parts.clock.monotonic() + rest;
      const stored = await refusals.watch(() => pollOnce(this.parts, pollPort, held, signal));
      this.#looks.set(lease, stored === 0);
      if (this.#leases.held(lease)?.epoch === held.epoch) {
        this.#readToEnd.add(lease);
        await this.parts.era.sourceRead(port);
      }
      return stored;
    });
  }

  #writeLoop(group: WriterGroup): Promise<void> {
    const ports = group.ports.map((port) => {
      const breaker = this.#breakers.get(port.connection) ?? new Breaker(this.parts.clock);
      this.#breakers.set(port.connection, breaker);
      return { port, priority: port.priority, deliverer: new Deliverer(this.parts, port, breaker) };
    });
    const turns = new Turns(ports);
    const allowed = () => group.lease === null || this.#leases.held(group.lease) !== null;
    return this.#loop(`delivering ${group.name}`, 'deliver', this.parts.terms.pollSeconds, async () => {
      if (!allowed()) return 0;
      for (const one of turns.next()) {
        const { port, deliverer } = one;
        if (this.#paused.has(port.connection) || this.parts.era.holdsBack(port)) continue;
        const tried = await deliverer.once(allowed);
        if (tried === null) continue;
        turns.asked(one, tried > 0);
        if (tried > 0) return tried;
      }
      return 0;
    });
  }
}
