import type { Context, Hint, Incoming, RawRequest } from '../core/connector.ts';
import { HubError } from '../core/errors.ts';
import { FaultError } from '../core/fault.ts';
import { parseTraceparent, traceparentOf } from '../core/trace.ts';
import { noteHint } from '../ledger/connections.ts';
import { isAway } from '../ledger/database.ts';
import { contextFor } from './context.ts';
import { type Intake, type Receipt, withStorableNames } from './intake.ts';
import type { Parts } from './parts.ts';
import type { TopicPort } from './wiring.ts';

/**
 * What became of a request: at least one new event was committed (`stored`), all of it was known (`known`), a reader was told to look
 * (`noted`), or nothing in it is for the hub (`nothing`).
 */
export type Reception = 'stored' | 'known' | 'noted' | 'nothing';

/** The doors of the hub's webhook sources (Channel Adapter): verifies, names, stores. Knows nothing of HTTP but a request's raw parts. */
export class Webhooks {
  readonly #parts: Parts;
  readonly #intake: Intake;
  readonly #signal: AbortSignal;
  readonly #contexts = new Map<string, Context>();
  readonly #hints = new Map<string, Shared>();

  constructor(parts: Parts, intake: Intake, signal: AbortSignal) {
    this.#parts = parts;
    this.#intake = intake;
    this.#signal = signal;
  }

  /** Where an address leads, or undefined when nothing may be sent there. */
  port(connection: string, topic: string): TopicPort | undefined {
    return this.#parts.wiring.topic(connection, topic);
  }

  /**
   * Resolves once all of the request is committed. A paused connection still receives: its events wait in the ledger.
   * Throws HubError SIGNATURE, MALFORMED, OVERLOADED, LEDGER_AWAY, or CONNECTOR_CONTRACT for a defect of the connector's.
   */
  async receive(port: TopicPort, request: RawRequest): Promise<Reception> {
    const cx = this.#context(port.connection);
    if (!(await port.source.verify(request, cx)))
      throw new HubError('SIGNATURE', 'the signature is missing, wrong or too old');
    const items = read(port, request, cx);
    if (items.length === 0) return 'nothing';
    const [events, hints] = [items.filter(isIncoming), items.filter((item) => !isIncoming(item))];
    if (hints.length > 0) await this.#hint(port);
    if (events.length === 0) return 'noted';
    const trace = parseTraceparent(request.headers.traceparent);
    const store = (incoming: Incoming): Promise<Receipt> =>
      this.#intake.receive({
        connection: port.connection,
        source: port.storeAs,
        incoming: withStorableNames(incoming),
        ...(trace ? { trace: traceparentOf(trace) } : {}),
      });
    const receipts = events.length === 1 ? [await store(events[0]!)] : await Promise.all(events.map(store));
    return receipts.includes('new') ? 'stored' : 'known';
  }

  #context(connection: string): Context {
    const known = this.#contexts.get(connection);
    if (known) return known;
    const made = contextFor(this.#parts, connection, this.#signal, () => true);
    this.#contexts.set(connection, made);
    return made;
  }

  /** Wakes the reader here at once, and in another hub by a note in the ledger. */
  async #hint(port: TopicPort): Promise<void> {
    const { poller } = port;
    if (poller === null)
      throw new HubError('CONNECTOR_CONTRACT', `webhook '${port.source.name}' gave a hint, but feeds no poll source`);
    const { db, terms, bell } = this.#parts;
    const known = this.#hints.get(poller);
    const note =
      known ??
      new Shared(() => db.transaction((sql) => noteHint(sql, poller), { patience: terms.intakeSeconds * 1000 }));
    if (!known) this.#hints.set(poller, note);
    await note.call();
    bell.ring(`read ${poller}`);
  }
}

/** Work that many ask for at once: whoever comes while it is under way shares the next round, which begins after they came. */
class Shared {
  readonly #work: () => Promise<void>;
  #running: Promise<void> | null = null;
  #next: Promise<void> | null = null;

  constructor(work: () => Promise<void>) {
    this.#work = work;
  }

  call(): Promise<void> {
    if (!this.#running) return this.#start();
    this.#next ??= this.#running.catch(() => undefined).then(() => this.#start());
    return this.#next;
  }

  #start(): Promise<void> {
    this.#next = null;
    this.#running = this.#work().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }
}

const isIncoming = (item: Incoming | Hint): item is Incoming => 'bytes' in item;

const read = (port: TopicPort, request: RawRequest, cx: Context): readonly (Incoming | Hint)[] =>
  named(() => port.source.read(request, cx), `webhook '${port.source.name}'`);

/** What a connector reads of a request; what it throws is told apart: the sender's fault, or ours. */
export function named<T>(work: () => T, who: string): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof FaultError && error.fault.kind === 'rejected')
      throw new HubError('MALFORMED', error.message, { cause: error });
    if (error instanceof SyntaxError || error instanceof RangeError)
      throw new HubError('MALFORMED', 'the body cannot be read', { cause: error });
    if (isAway(error) || error instanceof HubError) throw error;
    throw new HubError('CONNECTOR_CONTRACT', `${who} failed to read a request`, { cause: error });
  }
}
