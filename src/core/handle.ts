import { sha256 } from './seal.ts';

/** What stands at the end of an address for a key: what is readable of it, and something of its digest, for keys that differ in other signs only. */
export const handleOf = (key: string): string => {
  const readable = key
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 80);
  return `${readable || 'item'}-${sha256(key).toString('hex').slice(0, 8)}`;
};
