import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Context, DroppedFile, FileSource } from '../core/connector.ts';
import { FaultError, rejected } from '../core/fault.ts';
import { unreadFiles } from './unread-files.ts';

/** One fact a file; what says `bad` is refused, what says `away` cannot be asked about. */
const sourceOf = (folder: string) =>
  ({
    folder,
    pattern: '*.txt',
    parse: async ({ name, bytes }: DroppedFile) => {
      const text = Buffer.from(bytes).toString();
      if (text === 'bad') throw rejected(`${name}: is bad`);
      if (text === 'away') throw new FaultError({ kind: 'transient', message: 'nobody answers' });
      return text;
    },
    events: (files: readonly { parsed: unknown }[]) => files.map(({ parsed }) => ({ subject: parsed })),
  }) as unknown as FileSource<unknown>;

async function told(folder: string): Promise<{ subjects: string[]; error: string | null }> {
  const subjects: string[] = [];
  try {
    for await (const items of unreadFiles(sourceOf(folder), null, {} as Context))
      subjects.push(...items.map(({ subject }) => subject));
    return { subjects, error: null };
  } catch (error) {
    return { subjects, error: (error as Error).message };
  }
}

test('files that would be refused are told behind what the others bring; none is moved', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'crossdock-unread-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const files = {
    'a.txt': 'bad',
    'b.txt': 'one',
    'c.txt': 'bad',
    'd.txt': 'two',
    'e.txt': 'one',
    'f.part': 'x',
    'g.csv': 'y',
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  assert.deepEqual(await told(folder), { subjects: ['one', 'two'], error: 'a.txt: is bad\nc.txt: is bad' });
  assert.deepEqual(readdirSync(folder).sort(), Object.keys(files));
  writeFileSync(join(folder, 'h.txt'), 'away');
  assert.deepEqual(await told(folder), { subjects: [], error: 'nobody answers' });
});
