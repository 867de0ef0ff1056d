import { FaultError } from '../core/fault.ts';
import { newId } from '../core/ids.ts';
import { closeRefusal, openRefusal } from '../ledger/exceptions.ts';
import type { Parts } from './parts.ts';
import type { SourcePort } from './wiring.ts';

/** Tells a person when a source may not be read (credentials, rights, another host key): one Exception, closed by the first read that works. */
export class Refusals {
  readonly #parts: Parts;
  readonly #port: SourcePort;
  /** False once this hub knows that none is open. */
  #open = true;

  constructor(parts: Parts, port: SourcePort) {
    this.#parts = parts;
    this.#port = port;
  }

  /** Does the reading and passes on what it gives or throws. */
  async watch<T>(read: () => Promise<T>): Promise<T> {
    const { connection, source } = this.#port;
    const about = { connection, cause: 'reading-refused', subject: source.name } as const;
    try {
      const result = await read();
      if (this.#open) await closeRefusal(this.#parts.db, about);
      this.#open = false;
      return result;
    } catch (error) {
      if (error instanceof FaultError && error.fault.kind === 'refused') await this.#tell(about, error.message);
      throw error;
    }
  }

  async #tell(about: { connection: string; cause: 'reading-refused'; subject: string }, why: string): Promise<void> {
    this.#open = true;
    const { entity, flows } = this.#port;
    const id = newId();
    const message = `${about.connection} does not let us read: ${why} Nothing of it is read, and nothing lost; it goes on by itself once that is put right.`;
    await this.#parts.db.transaction((sql) =>
      openRefusal(sql, {
        id,
        entity,
        flow: flows[0]?.id ?? '',
        owner: flows[0]?.onException.owner ?? 'operations',
        message: this.#parts.vault.seal(message, `exception:${id}`),
        ...about,
      }),
    );
  }
}
