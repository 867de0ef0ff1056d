import type { Duration } from '../../core/clock.ts';
import type { Address } from './transport.ts';

/** An Odoo connection as the sinks see it, every default filled in. */
export interface Settings extends Address {
  readonly company: string | number | undefined;
  readonly warehouse: string | undefined;
  readonly prefix: string | undefined;
  readonly settle: Duration;
}
