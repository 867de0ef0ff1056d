import { systemClock } from '../core/clock.ts';
import { HubError } from '../core/errors.ts';
import { dismissException } from '../engine/resolve.ts';
import { findException } from '../ledger/exceptions.ts';
import { shipmentIn } from '../simulators/retailer/judge-warehouse.ts';
import type { Warehouse } from '../simulators/warehouse/index.ts';
import { openExceptions } from './exceptions.ts';
import type { Running } from './start.ts';

/** What the warehouse sends again of itself. */
const SENT_AGAIN = ['message-wrong', 'file-refused'];

/** Milliseconds between two looks at what is open. */
const PAUSE = 1500;

/** The person who looks after the warehouse's files: asks there about what cannot be, and dismisses what was sent by mistake or comes again. */
export class Logistics {
  readonly #running: Running;
  readonly #warehouse: Pick<Warehouse, 'strays'>;
  readonly #gone = new AbortController();
  readonly #work: Promise<void>;
  /** Words of what was dismissed. */
  readonly settled: string[] = [];

  constructor(running: Running, warehouse: Pick<Warehouse, 'strays'>) {
    this.#running = running;
    this.#warehouse = warehouse;
    this.#work = this.#look();
  }

  async #look(): Promise<void> {
    const { hub, ledger } = this.#running;
    for (; !this.#gone.signal.aborted; await systemClock.sleep(PAUSE, this.#gone.signal))
      for (const { id, cause, connection, message } of await openExceptions(ledger)) {
        const isMistake = this.#warehouse.strays.includes(shipmentIn(message) ?? '');
        if (connection !== 'warehouse' || !(isMistake || SENT_AGAIN.includes(cause))) continue;
        const exception = await findException(ledger.db, id);
        if (!exception) continue;
        const decision = { by: 'logistics', reason: 'the warehouse sent it by mistake, or sends it again' };
        try {
          await dismissException(hub.parts, exception, decision);
          this.settled.push(message);
        } catch (error) {
          // It was answered meanwhile.
          if (!(error instanceof HubError && error.code === 'CONFLICT')) throw error;
        }
      }
  }

  async stop(): Promise<void> {
    this.#gone.abort();
    await this.#work;
  }
}
