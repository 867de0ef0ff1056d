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
import type { Commit, Shop } from './shop.ts';

/** Numbers beyond 2^53 and moments, which JSON has no words for. */
const written = function (this: Record<string, unknown>, key: string, value: unknown): unknown {
  const own = this[key];
  if (own instanceof Date) return { $date: own.toISOString() };
  return typeof own === 'bigint' ? { $minor: own.toString() } : value;
};

const read = (_: string, value: unknown): unknown => {
  if (typeof value !== 'object' || value === null) return value;
  if ('$date' in value) return new Date(String(value.$date));
  return '$minor' in value ? BigInt(String(value.$minor)) : value;
};

const lineOf = (commit: Commit): string => `${JSON.stringify(commit, written)}\n`;

/**
 * Keeps the shop in a file, one line per commit: written before anybody hears of the change, so what was answered survives any end of the process. A torn
 * last line is a commit that nobody was told of, and is left out. Returns how to close the file.
 */
export function keepShop(shop: Shop, path: string): () => void {
  const records = new Map<string, Commit['kept'][number]>();
  let last = 0;
  if (existsSync(path)) {
    const text = readFileSync(path, 'utf8');
    for (const line of text
      .slice(0, text.lastIndexOf('\n') + 1)
      .split('\n')
      .filter(Boolean)) {
      const commit = JSON.parse(line, read) as Commit;
      last = commit.last;
      for (const one of commit.kept) records.set(`${one.kind} ${one.id}`, one);
    }
    const kept = [...records.values()].filter(({ record }) => record !== null);
    shop.restore({ last, kept });
    // Begun anew with what is there, so that it does not grow with every start.
    writeFileSync(`${path}.new`, lineOf({ last, kept }));
    renameSync(`${path}.new`, path);
  }
  const file = openSync(path, 'a');
  shop.keep = (commit) => {
    writeSync(file, lineOf(commit));
  };
  return () => {
    fsyncSync(file);
    closeSync(file);
    shop.keep = () => undefined;
  };
}
