import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { HubError } from '../core/errors.ts';
import { FaultError } from '../core/fault.ts';
import { deriveKey, keyedDigest, keyNumber, seal, unseal } from '../core/seal.ts';
import type { Database, Sql } from './database.ts';

/** Seals and digests with the ledger's data keys; `place` (such as `event:<id>`) binds a sealed value to its row. */
export interface Vault {
  seal(plain: string | Uint8Array, place: string): Buffer;
  /** Throws a transient Fault for a value whose key was made a moment ago and is not known here yet. */
  unseal(sealed: Uint8Array, place: string): Buffer;
  /** Keyed digest of a value to search or compare by, 32 bytes. */
  digest(text: string): Buffer;
  /** A key for one purpose that stays the same for the ledger's whole life, 32 bytes. Nothing that `digest` gives can be one. */
  derive(purpose: string): Buffer;
  /** Takes in what `crossdock key rotate` has changed. */
  refresh(sql: Sql): Promise<void>;
  /** Numbers of the sealing keys that can be read with, and of the one in use. */
  readonly keys: { readonly known: readonly number[]; readonly sealing: number };
}

export interface DataKeyRow {
  id: number;
  purpose: 'seal' | 'digest';
  wrapped: Buffer;
  state: 'announced' | 'active' | 'kept';
  handover: Buffer | null;
}

export const wrappingKey = (master: Uint8Array): Buffer => deriveKey(master, 'wrap data keys');
/** A data key is bound to its purpose; a sealing key after the first to its number too. */
const wrapPlace = ({ id, purpose }: Pick<DataKeyRow, 'id' | 'purpose'>): string =>
  id <= 2 ? `data key ${purpose}` : `data key ${purpose} ${id}`;
const handoverPlace = (id: number): string => `data key handover ${id}`;

export const wrapDataKey = (wrapping: Uint8Array, key: Uint8Array, row: Pick<DataKeyRow, 'id' | 'purpose'>): Buffer =>
  seal(wrapping, key, wrapPlace(row));
/** Throws HubError MASTER_KEY when it was wrapped with another master key. */
export function unwrapDataKey(wrapping: Uint8Array, row: DataKeyRow): Buffer {
  try {
    return unseal(wrapping, row.wrapped, wrapPlace(row));
  } catch (cause) {
    throw new HubError('MASTER_KEY', 'this ledger was written with another master key', {
      cause,
      hint: 'give the master key that was in use (CROSSDOCK_KEY, CROSSDOCK_KEY_FILE or the file master.key in the home folder); nothing was changed',
    });
  }
}
/** The new key `id`, sealed with the one in use. */
export const handOver = (current: { id: number; key: Uint8Array }, key: Uint8Array, id: number): Buffer =>
  seal(current.key, key, handoverPlace(id), current.id);

/**
 * What stands in plain columns in place of a name that tells who a person is: 128 bits of a keyed digest. Equal names have equal pseudonyms,
 * for the ledger's whole life.
 */
export const pseudonym = (vault: Pick<Vault, 'digest'>, name: string): string =>
  `~${vault.digest(`name\n${name}`).toString('hex').slice(0, 32)}`;

export const readDataKeys = (sql: Sql): Promise<DataKeyRow[]> =>
  sql.query<DataKeyRow>('data_keys', 'select id, purpose, wrapped, state, handover from data_key order by id');

export async function lockDataKeys(sql: Sql): Promise<void> {
  await sql.query('lock_data_key', 'select pg_advisory_xact_lock(7070, 2)');
}

/**
 * Opens the ledger's data keys with the master key (32 bytes), making them in a new ledger.
 * Throws HubError MASTER_KEY when the ledger was written with another master key; nothing is changed then.
 */
export async function openVault(db: Database, master: Uint8Array): Promise<Vault> {
  const wrapping = wrappingKey(master);
  const rows = await db.transaction(async (sql) => {
    await lockDataKeys(sql);
    const known = await readDataKeys(sql);
    return known.length > 0 ? known : makeDataKeys(sql, wrapping);
  });
  const digestKey = unwrapDataKey(wrapping, rows.find(({ purpose }) => purpose === 'digest')!);
  const digesting = createSecretKey(digestKey);
  const sealing = new Map<number, KeyObject>();
  let current = 1;

  const takeIn = (read: readonly DataKeyRow[]): void => {
    for (const row of read) {
      if (row.purpose !== 'seal') continue;
      if (!sealing.has(row.id))
        sealing.set(row.id, createSecretKey(handedOver(row, sealing) ?? unwrapDataKey(wrapping, row)));
      if (row.state === 'active') current = row.id;
    }
  };
  takeIn(rows);
  return {
    seal: (plain, place) =>
      seal(sealing.get(current)!, typeof plain === 'string' ? Buffer.from(plain) : plain, place, current),
    unseal: (sealed, place) => {
      const key = sealing.get(keyNumber(sealed));
      if (!key) throw new FaultError({ kind: 'transient', message: 'the key of this record is not known here yet' });
      return unseal(key, sealed, place);
    },
    digest: (text) => keyedDigest(digesting, text),
    derive: (purpose) => deriveKey(digestKey, purpose),
    refresh: async (sql) => takeIn(await readDataKeys(sql)),
    get keys() {
      return { known: [...sealing.keys()], sealing: current };
    },
  };
}

/** The key as a hub that runs since before the master key changed can still read it. */
function handedOver(row: DataKeyRow, known: ReadonlyMap<number, KeyObject>): Buffer | null {
  if (!row.handover) return null;
  const before = known.get(keyNumber(row.handover));
  return before ? unseal(before, row.handover, handoverPlace(row.id)) : null;
}

async function makeDataKeys(sql: Sql, wrapping: Buffer): Promise<DataKeyRow[]> {
  const made = (['seal', 'digest'] as const).map((purpose, index): DataKeyRow => {
    const row = { id: index + 1, purpose };
    return { ...row, wrapped: wrapDataKey(wrapping, randomBytes(32), row), state: 'active', handover: null };
  });
  for (const key of made)
    await sql.query('add_data_key', 'insert into data_key (id, purpose, wrapped) values ($1, $2, $3)', [
      key.id,
      key.purpose,
      key.wrapped,
    ]);
  return made;
}
