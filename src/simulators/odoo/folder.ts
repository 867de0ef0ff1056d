import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

const SQLITE_BUSY = 5;
/** A simulator whose hub was killed needs a moment to notice and end. Milliseconds. */
const PATIENCE = 3_000;

/**
 * Takes a data folder for this process until `release()` or its death: two simulators that write the same files would spoil them. An exclusive SQLite
 * transaction on an empty file is an operating system lock. Throws when another simulator has the folder.
 */
export function takeFolder(dir: string): { release(): void } {
  mkdirSync(dir, { recursive: true });
  const lock = new DatabaseSync(join(dir, 'simulator.lock'), { timeout: PATIENCE });
  try {
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (cause) {
    lock.close();
    if ((cause as { errcode?: number }).errcode !== SQLITE_BUSY) throw cause;
    throw new Error(`the data folder ${dir} is in use by another simulator`, { cause });
  }
  return { release: () => void (lock.isOpen && lock.close()) };
}
