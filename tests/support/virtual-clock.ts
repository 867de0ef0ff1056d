import { systemClock } from '../../src/core/clock.ts';
import type { TestLedger } from './hub.ts';

/** An hour that passes at once: for the hub's own clock, and for every moment that its ledger waits for. */
export class VirtualClock {
  #passed = 0;
  readonly clock = {
    ...systemClock,
    now: () => new Date(Date.now() + this.#passed),
    monotonic: () => performance.now() + this.#passed,
  };

  async pass({ db }: TestLedger, minutes: number): Promise<void> {
    this.#passed += minutes * 60_000;
    const earlier = (table: string, ...columns: string[]) =>
      `update ${table} set ${columns.map((column) => `${column} = ${column} - make_interval(mins => $1)`).join(', ')}`;
    // Lanes first, as the engine takes its locks.
    await db.transaction(async (sql) => {
      await sql.query('test_lanes', 'select from lane order by connection, sink, key for update');
      await sql.query('test_hour_lanes', earlier('lane', 'ready_at', 'quiet_until'), [minutes]);
      await sql.query('test_hour_deliveries', earlier('delivery', 'not_before', 'settled_at', 'promised_at'), [
        minutes,
      ]);
      await sql.query('test_hour_expectations', earlier('expectation', 'due_at'), [minutes]);
    });
    await db.query('test_hour_events', earlier('event', 'not_before'), [minutes]);
  }
}
