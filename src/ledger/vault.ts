import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { HubError } from '../core/errors.ts';
import { deriveKey, keyedDigest, seal, unseal } from '../core/seal.ts';
import type { Database } from './database.ts';

/** Seals and digests with the ledger's data keys; `place` (such as `event:<id>`) binds a sealed value to its row. */
export interface Vault {
  seal(plain: string | Uint8Array, place: string): Buffer;
  unseal(sealed: Uint8Array, place: string): Buffer;
  /** Keyed digest of a value to search or compare by, 32 bytes. */
  digest(text: string): Buffer;
}

const wrapKey = (master: Uint8Array): Buffer => deriveKey(master, 'wrap data keys');

/**
 * Opens the ledger's data keys with the master key (32 bytes), making them in a new ledger.
 * Throws HubError MASTER_KEY when the ledger was written with another master key; nothing is changed then.
 */
export async function openVault(db: Database, master: Uint8Array): Promise<Vault> {
  const wrapping = wrapKey(master);
  const keys = await db.transaction(async (sql) => {
    await sql.query('lock_data_key', 'select pg_advisory_xact_lock(7070, 2)');
    const rows = await sql.query<{ purpose: 'seal' | 'digest'; wrapped: Buffer }>(
      'data_keys',
      'select purpose, wrapped from data_key order by id',
    );
    if (rows.length > 0) return rows;
    const made = (['seal', 'digest'] as const).map((purpose) => ({
      purpose,
      wrapped: seal(wrapping, randomBytes(32), `data key ${purpose}`),
    }));
    for (const [index, key] of made.entries())
      await sql.query('add_data_key', 'insert into data_key (id, purpose, wrapped) values ($1, $2, $3)', [
        index + 1,
        key.purpose,
        key.wrapped,
      ]);
    return made;
  });
  const open = (purpose: 'seal' | 'digest'): KeyObject => {
    try {
      const { wrapped } = keys.find((key) => key.purpose === purpose)!;
      return createSecretKey(unseal(wrapping, wrapped, `data key ${purpose}`));
    } catch (cause) {
      throw new HubError('MASTER_KEY', 'this ledger was written with another master key', {
        cause,
        hint: 'give the master key that was in use (CROSSDOCK_KEY, CROSSDOCK_KEY_FILE or the file master.key in the home folder); nothing was changed',
      });
    }
  };
  const sealing = open('seal');
  const digesting = open('digest');
  return {
    seal: (plain, place) => seal(sealing, typeof plain === 'string' ? Buffer.from(plain) : plain, place),
    unseal: (sealed, place) => unseal(sealing, sealed, place),
    digest: (text) => keyedDigest(digesting, text),
  };
}
