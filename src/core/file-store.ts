import type { Context } from './connector.ts';

/** A file as a listing shows it. */
export interface ListedFile {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Milliseconds since 1970; many servers tell whole seconds only. */
  readonly mtime: number;
}

/**
 * A folder of files somewhere, opened for one piece of work. Paths are relative to it: `orders.csv`, `done/orders.csv`; never absolute, never upwards.
 * What cannot be reached throws a `transient` Fault, what is not allowed a `refused` one.
 */
export interface FileStore {
  /** Files in the folder, or in one of its folders; none where that is not there. */
  list(folder?: string): Promise<ListedFile[]>;
  /** The whole file, or null when it is not there (any more). */
  read(path: string): Promise<Uint8Array | null>;
  /** Writes a file under this very name and waits until it is on the disk; one that was there is replaced. For names that nobody takes, such as `*.part`. */
  put(path: string, bytes: Uint8Array): Promise<void>;
  /** Renames, making the folder it goes to; false when another file has that name: nothing is ever overwritten. */
  move(from: string, to: string): Promise<boolean>;
  /** Renames what has a name now in one step, making the folder it goes to: `to` is a name that nobody else uses. False when nothing is there (any more). */
  take(from: string, to: string): Promise<boolean>;
  remove(path: string): Promise<void>;
  /** Ends the connection, where there is one. Never throws. */
  close(): Promise<void>;
}

/** Where files lie, and how to get there. */
export interface FilePlace {
  /** Words for people, such as `sftp://wms.example/out`. Never with a password. */
  readonly where: string;
  /** With `look` nothing is made and nothing may be written: where the folder is not there that is a `rejected` Fault. */
  open(cx: Context, how?: { readonly look: boolean }): Promise<FileStore>;
}
