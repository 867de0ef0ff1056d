import { createHash } from 'node:crypto';
import type { Context, DroppedFile, FileSource, Incoming } from '../core/connector.ts';
import { folderPlace } from '../core/folder.ts';
import { namePattern, parseCursor } from './files.ts';

/** What the files that a source has not read yet would bring, were they read now; none is moved. Throws for one that cannot be read. */
export async function* unreadFiles(
  source: FileSource<unknown>,
  cursor: string | null,
  cx: Context,
): AsyncIterable<Incoming[]> {
  const known = parseCursor(cursor).files.filter(({ refused }) => !refused);
  const wanted = namePattern(source.pattern);
  const store = await (source.place ?? folderPlace(source.folder)).open(cx);
  const read: { file: DroppedFile; parsed: unknown }[] = [];
  try {
    const names = (await store.list())
      .map(({ name }) => name)
      .filter((name) => !name.startsWith('.') && !name.endsWith('.part') && wanted.test(name))
      .sort();
    for (const name of names) {
      const bytes = await store.read(name);
      if (bytes === null) continue;
      const file = { name, bytes, digest: createHash('sha256').update(bytes).digest('hex') };
      const isKnown = ({ digest }: { digest: string }): boolean => digest === file.digest;
      if (known.some(isKnown) || read.some((one) => isKnown(one.file))) continue;
      read.push({ file, parsed: await source.parse(file, cx) });
    }
  } finally {
    await store.close();
  }
  if (read.length > 0) yield source.events(read, known);
}
