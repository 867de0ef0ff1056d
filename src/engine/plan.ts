import { milliseconds } from '../core/clock.ts';
import type { Context, FileSource, Incoming, MappingTable, PollSource } from '../core/connector.ts';
import type { AnyFlow } from '../core/estate.ts';
import { FaultError, faultOf } from '../core/fault.ts';
import { onlyLooking } from '../core/look.ts';
import { readCursor } from '../ledger/connections.ts';
import { isAway } from '../ledger/database.ts';
import { type NewEvent, readSubjects } from '../ledger/events.ts';
import { lastReadings } from '../ledger/readings.ts';
import { missingBindings, seenAmong } from '../ledger/replay.ts';
import { contextFor } from './context.ts';
import { eventRow, withStorableNames } from './intake.ts';
import { documentPlace, memoryOf, translate } from './look.ts';
import { mappingTable, seedsOf } from './mappings.ts';
import type { Parts } from './parts.ts';
import { type Change, rehearse, troubleOf } from './rehearse.ts';
import { mayShareVersions, needsOf, olderThanKnown } from './translate.ts';
import { unreadFiles } from './unread-files.ts';
import { typeOf, validateDrafts } from './validate.ts';
import { isWhole, type SourcePort } from './wiring.ts';

/** What would become of one record for one flow. */
export interface Step {
  flow: string;
  source: string;
  subject: string;
  outcome: 'planned' | 'known' | 'older';
  changes: Change[];
  /** What a person would be asked, or must put right. */
  problems: { cause: string; message: string }[];
}

/** What a source, or the rest of it, was not read for. */
export interface Unread {
  source: string;
  message: string;
  /** True when some of it was read. */
  partly: boolean;
}

interface Told {
  memory: unknown;
  version: bigint | null;
}

/**
 * Reads live sources from where the hub stands (or from their beginning), and works out what would be written and what would go wrong. Nothing is
 * written: neither to the ledger nor to any system, nor is a file moved. Each record sees what those before it would have left.
 */
export class Planner {
  readonly #parts: Parts;
  readonly #fromStart: boolean;
  readonly #bodies = new Map<string, unknown>();
  readonly #told = new Map<string, Told>();
  readonly #keys = new Set<string>();
  /** Records that targets would be given: `connection kind key`. */
  readonly #owed = new Map<string, { connection: string; entity: string; kind: string; key: string }>();
  readonly #needs = new Map<
    string,
    { need: { connection: string; entity: string; kind: string; key: string }; by: string }
  >();

  constructor(parts: Parts, { fromStart }: { fromStart: boolean }) {
    this.#parts = { ...parts, mappings: withSeeds(parts) as Parts['mappings'] };
    this.#fromStart = fromStart;
  }

  /** All that a source has to tell, record by record and flow by flow, at most `most` records. */
  async *read(port: SourcePort, most: number, signal: AbortSignal): AsyncIterable<Step | Unread> {
    const source = `${port.connection} ${port.source.name}`;
    let count = 0;
    try {
      for await (const items of this.#items(port, signal))
        for (const incoming of items) {
          if (count >= most)
            return yield { source, message: `has more: only the first ${most} records were looked at`, partly: true };
          count += 1;
          yield* this.#tell(port, incoming);
        }
    } catch (error) {
      if (isAway(error)) throw error;
      yield { source, message: faultOf(error, 'unknown').message, partly: count > 0 };
    }
  }

  /** What would wait for a record that neither is at the target nor would come there. */
  async waiting(): Promise<{ need: string; connection: string; by: string }[]> {
    const open = [...this.#needs].flatMap(([id, one]) => (this.#owed.has(id) ? [] : [one]));
    const missing = await missingBindings(
      this.#parts.db,
      open.map(({ need }) => need),
    );
    return open
      .filter(({ need }) => missing.has(idOf(need)))
      .map(({ need, by }) => ({ need: `${need.kind} ${need.key}`, connection: need.connection, by }));
  }

  async *#items(port: SourcePort, signal: AbortSignal): AsyncIterable<readonly Incoming[]> {
    const { connection, source } = port;
    const cursor = this.#fromStart ? null : await readCursor(this.#parts.db, connection, source.name);
    yield* itemsOf(this.#parts, port, cursor, signal);
  }

  async *#tell(port: SourcePort, given: Incoming): AsyncIterable<Step> {
    const incoming = withStorableNames(given);
    const row = eventRow(this.#parts, { connection: port.connection, source: port.source.name, incoming });
    const key = row.seenKey.toString('hex');
    const known = this.#keys.has(key) || (await this.#wasHeard(port, row));
    this.#keys.add(key);
    for (const flow of port.flows) {
      const step = { flow: flow.id, source: `${port.connection} ${port.source.name}`, subject: row.subject };
      if (known && !this.#fromStart) yield { ...step, outcome: 'known', changes: [], problems: [] };
      else yield { ...step, ...(await this.#plan(port, flow, row, incoming.bytes)) };
    }
  }

  /** Of what tells its subject whole the last reading counts, of all else whatever was heard. */
  async #wasHeard(port: SourcePort, { connection, subject, seenKey }: NewEvent): Promise<boolean> {
    if (isWhole(port)) {
      const last = await lastReadings(this.#parts.db, { connection, source: port.source.name }, [subject]);
      const before = last.get(subject);
      if (before) return before.key.equals(seenKey);
    }
    return (await seenAmong(this.#parts.db, connection, [seenKey])).length > 0;
  }

  async #plan(
    port: SourcePort,
    flow: AnyFlow,
    row: NewEvent,
    bytes: Uint8Array,
  ): Promise<Pick<Step, 'outcome' | 'changes' | 'problems'>> {
    const { connection, subject, entity, sourceVersion } = row;
    const id = `${connection}\n${flow.id}\n${subject}`;
    const before = this.#told.get(id) ?? (await this.#before(flow, connection, subject));
    const [now, known] = [{ source_version: sourceVersion }, { source_version: before.version }];
    if (!isWhole(port) && olderThanKnown(now, known, mayShareVersions(flow.from)))
      return { outcome: 'older', changes: [], problems: [] };
    const event = { entity, connection, subject, received_at: this.#parts.clock.now(), decision: null };
    const problems: Step['problems'] = [];
    try {
      const {
        memory,
        documents,
        objections = [],
      } = await translate(
        this.#parts,
        flow,
        event,
        { native: flow.from.decode(bytes) },
        {
          memory: before.memory,
          looked: [],
          made: this.#bodies,
        },
      );
      problems.push(...objections.map(({ cause, message }) => ({ cause, message })));
      await validateDrafts(this.#parts, flow, event, documents, { looked: [], made: this.#bodies });
      const { changes, trouble } = await rehearse(this.#parts, flow, { connection, entity }, documents, this.#bodies);
      if (trouble) problems.push(trouble);
      if (trouble) return { outcome: 'planned', changes: [], problems };
      this.#told.set(id, {
        memory: memory === undefined ? before.memory : memory,
        version: sourceVersion ?? before.version,
      });
      for (const draft of documents) {
        const type = typeOf(flow, draft);
        const key = this.#parts.names.key(type.name, type.key(draft.body));
        const place = documentPlace(entity, type.name, key);
        if (!draft.onlyIfNew || !this.#bodies.has(place)) this.#bodies.set(place, draft.body);
        this.#owe(flow, type.name, entity, key, needsOf(flow, type, draft), `${port.connection} ${subject}`);
      }
      return { outcome: 'planned', changes, problems };
    } catch (error) {
      if (isAway(error)) throw error;
      return { outcome: 'planned', changes: [], problems: [...problems, troubleOf(error)] };
    }
  }

  async #before(flow: AnyFlow, connection: string, subject: string): Promise<Told> {
    if (this.#fromStart) return { memory: null, version: null };
    const [state] = await readSubjects(this.#parts.db, [{ connection, flow: flow.id, subject }]);
    return {
      memory: memoryOf(this.#parts, flow, { connection, subject }, state),
      version: state?.source_version ?? null,
    };
  }

  #owe(
    flow: AnyFlow,
    kind: string,
    entity: string,
    key: string,
    needs: readonly (readonly [string, string])[],
    by: string,
  ): void {
    const { connection, sink } = this.#parts.wiring.sink(flow, kind);
    const own = { connection, entity, kind, key };
    this.#owed.set(idOf(own), own);
    if (sink.needsBound === false) return;
    for (const [needed, of] of needs) {
      const need = { connection, entity, kind: needed, key: this.#parts.names.key(needed, of) };
      if (!this.#needs.has(idOf(need))) this.#needs.set(idOf(need), { need, by });
    }
  }
}

/** All that a source has to tell from a cursor on, by a mere look. Throws `rejected` for one that is pushed. */
export async function* itemsOf(
  parts: Parts,
  { connection, source }: SourcePort,
  cursor: string | null,
  signal: AbortSignal,
): AsyncIterable<readonly Incoming[]> {
  const cx = onlyLooking(contextFor(parts, connection, signal, () => true));
  if (source.kind === 'poll') yield* pulled(source as PollSource<unknown>, cursor, cx);
  else if (source.kind === 'file') yield* unreadFiles(source as FileSource<unknown>, cursor, cx);
  else throw new FaultError({ kind: 'rejected', message: 'it is pushed: there is nothing to be read until it sends' });
}

/** Pages as they come, each record once; where the system asks to wait, the reading goes on afterwards from the last page. */
async function* pulled(
  source: PollSource<unknown>,
  cursor: string | null,
  cx: Context,
): AsyncIterable<readonly Incoming[]> {
  const told = new Set<string>();
  for (let from = cursor; ; )
    try {
      for await (const page of source.pull(from, cx)) {
        yield page.items.filter(({ dedupeKey }) => !told.has(dedupeKey));
        for (const { dedupeKey } of page.items) told.add(dedupeKey);
        from = page.cursor;
      }
      return;
    } catch (error) {
      if (!(error instanceof FaultError) || error.fault.kind !== 'throttled' || cx.signal.aborted) throw error;
      await cx.clock.sleep(milliseconds(error.fault.retryAfter), cx.signal);
    }
}

const idOf = ({ connection, entity, kind, key }: { connection: string; entity: string; kind: string; key: string }) =>
  JSON.stringify([connection, entity, kind, key]);

/** The ledger's Mapping tables; those that the first start would make, as it would make them. */
export function withSeeds(parts: Parts): { table(entity: string, name: string): MappingTable } {
  const seeds = new Map(
    seedsOf(parts).map(({ entity, name, rows }) => [`${entity}\n${name}`, mappingTable(name, rows)] as const),
  );
  return {
    table: (entity, name) => {
      try {
        return parts.mappings.table(entity, name);
      } catch (error) {
        const seed = seeds.get(`${entity}\n${name}`);
        if (seed) return seed;
        throw error;
      }
    },
  };
}
