import { createHash } from 'node:crypto';
import type { Context, DroppedFile, FileSource, Incoming } from '../core/connector.ts';
import { faultOf, isOwn, rejected } from '../core/fault.ts';
import { folderPlace } from '../core/folder.ts';
import { namePattern, parseCursor } from './files.ts';
import { filesToRead } from './settled-files.ts';

/** What the files that a source has not read yet would bring, were they read now; none is moved. Throws, after all others, for those that would be refused. */
export async function* unreadFiles(
  source: FileSource<unknown>,
  cursor: string | null,
  cx: Context,
): AsyncIterable<Incoming[]> {
  const known = parseCursor(cursor).files.filter(({ refused }) => !refused);
  const wanted = namePattern(source.pattern);
  const store = await (source.place ?? folderPlace(source.folder)).open(cx, { look: true });
  const read: { file: DroppedFile; parsed: unknown }[] = [];
  const refused: string[] = [];
  try {
    for (const { path, name } of await filesToRead(store)) {
      if (!wanted.test(name)) continue;
      const bytes = await store.read(path);
      if (bytes === null) continue;
      const file = { name, bytes, digest: createHash('sha256').update(bytes).digest('hex') };
      const isKnown = ({ digest }: { digest: string }): boolean => digest === file.digest;
      if (known.some(isKnown) || read.some((one) => isKnown(one.file))) continue;
      try {
        read.push({ file, parsed: await source.parse(file, cx) });
      } catch (error) {
        const fault = faultOf(error, 'rejected');
        if (!isOwn(fault)) throw error;
        refused.push(fault.message);
      }
    }
  } finally {
    await store.close();
  }
  if (read.length > 0) yield source.events(read, known);
  if (refused.length > 0) throw rejected(refused.join('\n'), 'file-unreadable');
}
