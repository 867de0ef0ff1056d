import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import type { StoreBooks } from './rest-store.ts';

type Entry = readonly [book: keyof StoreBooks, key: string, value: never];

interface StoreJournal {
  /** Written before anybody hears of it. */
  note(book: keyof StoreBooks, key: string, value: unknown): void;
  close(): void;
}

const entriesOf = (books: StoreBooks): unknown[] =>
  Object.entries(books).flatMap(([book, all]) =>
    Array.isArray(all) ? all.map((one) => [book, one.id, one]) : [...all].map(([key, value]) => [book, key, value]),
  );

const lineOf = (entry: unknown): string => `${JSON.stringify(entry)}\n`;

/** Keeps a store's books in a file, one line for each change, and fills them with what is there. A torn last line is something that nobody was told of, and is left out. */
export function keepStore(books: StoreBooks, path: string): StoreJournal {
  if (existsSync(path)) {
    const text = readFileSync(path, 'utf8');
    for (const line of text
      .slice(0, text.lastIndexOf('\n') + 1)
      .split('\n')
      .filter(Boolean)) {
      const [book, key, value] = JSON.parse(line) as Entry;
      const kept = books[book];
      if (Array.isArray(kept)) kept.push(value);
      else kept.set(key, value);
    }
    // Begun anew with what is there, so that it does not grow with every start.
    writeFileSync(`${path}.new`, entriesOf(books).map(lineOf).join(''));
    renameSync(`${path}.new`, path);
  }
  const file = openSync(path, 'a');
  let open = true;
  return {
    note: (...entry) => {
      if (open) writeSync(file, lineOf(entry));
    },
    close: () => {
      open = false;
      fsyncSync(file);
      closeSync(file);
    },
  };
}
