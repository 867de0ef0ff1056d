import type { FileStore } from '../core/file-store.ts';
import { newId } from '../core/ids.ts';

/** A file to be read: where it lies, and under which name it came. */
export interface Candidate {
  readonly path: string;
  readonly name: string;
  readonly size: number;
  readonly mtime: number;
}

const REPORT = '.report.json';
/** Files are read here, where nobody writes another one over them. */
const READING = 'reading';

/** What lies there to be read, by name; what a hub had taken to be read and did not end comes before what has its name now. */
export async function filesToRead(store: FileStore): Promise<Candidate[]> {
  const taken = (await store.list(READING)).map(({ name, ...file }) => ({
    ...file,
    path: `${READING}/${name}`,
    name: name.slice(name.indexOf('~') + 1),
  }));
  const lying = (await store.list()).map((file) => ({ ...file, path: file.name }));
  return [...taken, ...lying]
    .filter(({ name }) => !name.startsWith('.') && !name.endsWith('.part'))
    .sort((a, b) => (a.name === b.name ? 0 : a.name < b.name ? -1 : 1));
}

/** Takes files to be read, each under a name of its own. One that is not what was listed (another one has its name now) lies there for the next look, and is left out. */
export async function takeToRead(store: FileStore, files: readonly Candidate[]): Promise<Candidate[]> {
  const moved: Candidate[] = [];
  for (const file of files) {
    const path = `${READING}/${newId()}~${file.name}`;
    if (file.path !== file.name) moved.push(file);
    else if (await store.take(file.path, path)) moved.push({ ...file, path });
  }
  const now = new Map((await store.list(READING)).map((file) => [`${READING}/${file.name}`, file]));
  return moved.filter(({ path, size, mtime }) => now.get(path)?.size === size && now.get(path)?.mtime === mtime);
}

/** Moves a file aside with its report beside it, under a name of its own. */
export async function putAside(
  store: FileStore,
  where: 'done' | 'failed',
  { path, name }: Pick<Candidate, 'path' | 'name'>,
  report: object,
): Promise<void> {
  const taken = new Set((await store.list(where)).map((file) => file.name));
  for (let n = 1; ; n++) {
    const target = n === 1 ? name : name.replace(/(\.[^.]*)?$/, `.${n}$1`);
    if (taken.has(target)) continue;
    await store.put(`${where}/${target}${REPORT}`, Buffer.from(`${JSON.stringify(report, null, 2)}\n`));
    if (await store.move(path, `${where}/${target}`)) return;
  }
}

/** Files in done/ whose reports say that they were read at or after a moment, grouped as they were read, oldest first. */
export async function doneSince(store: FileStore, from: Date): Promise<Candidate[][]> {
  const listed = await store.list('done');
  const groups = new Map<string, { at: string; files: Candidate[] }>();
  for (const entry of listed.filter(({ name }) => name.endsWith(REPORT))) {
    const own = entry.name.slice(0, -REPORT.length);
    const file = listed.find(({ name }) => name === own);
    const report = file ? await readReport(store, `done/${entry.name}`) : null;
    if (!file || !report || new Date(report.at) < from) continue;
    const id = report.together ?? entry.name;
    const group = groups.get(id) ?? { at: report.at, files: [] };
    if (report.at < group.at) group.at = report.at;
    group.files.push({ ...file, path: `done/${own}`, name: report.file });
    groups.set(id, group);
  }
  return [...groups.values()]
    .sort((a, b) => (a.at < b.at ? -1 : 1))
    .map(({ files }) => files.sort((a, b) => (a.name < b.name ? -1 : 1)));
}

async function readReport(
  store: FileStore,
  path: string,
): Promise<{ file: string; at: string; together?: string } | null> {
  try {
    const report = JSON.parse(Buffer.from((await store.read(path)) ?? []).toString());
    return typeof report?.file === 'string' && typeof report.at === 'string' ? report : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
