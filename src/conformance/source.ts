import assert from 'node:assert/strict';
import { milliseconds } from '../core/clock.ts';
import type { DroppedFile, FileSource, Incoming, PollSource } from '../core/connector.ts';
import { FaultError } from '../core/fault.ts';
import { folderPlace } from '../core/folder.ts';
import { onlyLooking } from '../core/look.ts';
import { sha256 } from '../core/seal.ts';
import { decodes, keysOf, lost, sameFacts, wellFormed } from './facts.ts';
import { type Check, type Lab, makeLab, readable, type Surroundings } from './lab.ts';
import type { SeenRequest } from './network.ts';

/** A polled source, and how facts come to be in its system. */
export interface PollSourceUnderTest extends Surroundings {
  readonly source: PollSource<unknown>;
  /** Makes new facts, oldest first; gives their subjects. */
  make(count: number): Promise<string[]>;
  /** How many facts fit in one page. */
  readonly pageSize: number;
  /** Makes a record that cannot be understood, where the system can hold one. */
  makeBad?(): Promise<void>;
  /** How the system refuses a key; HTTP 401 when absent. */
  refuses?(request: SeenRequest): Response;
}

/** A source of files, with files of its kind. */
export interface FileSourceUnderTest extends Surroundings {
  readonly source: FileSource<unknown>;
  /** At least two files with several facts each, and no fact in two of them; the same ones each time. */
  files(): { name: string; bytes: Uint8Array }[];
  /** Subjects of all facts in them. */
  readonly subjects: readonly string[];
  /** One that is wrong as a whole. */
  bad(): { name: string; bytes: Uint8Array };
  /** Lays a file where the source looks, as its sender does, in place of one of that name. Absent: what the source reads from is not tried. */
  lay?(file: { readonly name: string; readonly bytes: Uint8Array }): Promise<void>;
}

interface Page {
  readonly items: readonly Incoming[];
  readonly cursor: string;
}

async function readPages(subject: PollSourceUnderTest, lab: Lab, cursor: string | null): Promise<Page[]> {
  const pages: Page[] = [];
  for await (const page of subject.source.pull(cursor, lab.cx)) {
    assert.ok(typeof page.cursor === 'string' && page.cursor !== '', 'a page without the cursor that comes after it');
    pages.push(page);
    assert.ok(pages.length < 10_000, 'the paging does not end');
  }
  return pages;
}

const itemsOf = (pages: readonly Page[]): Incoming[] => pages.flatMap(({ items }) => items);

/** What every polled source must do. */
export const pollSourceChecks: Readonly<Record<string, Check<PollSourceUnderTest>>> = {
  'brings every fact of several pages, well formed, in the order of each subject': async (subject) => {
    const lab = makeLab(subject);
    const made = await subject.make(subject.pageSize * 2 + 1);
    const pages = await readPages(subject, lab, null);
    const items = itemsOf(pages);
    wellFormed(items);
    assert.deepEqual(lost(made, new Set(items.map((item) => item.subject))), [], 'facts that never came');
    assert.ok(
      pages.length >= 2,
      `${items.length} facts came in ${pages.length} page: the suite was told a wrong page size`,
    );
    for (const [name, same] of Map.groupBy(items, (item) => item.subject))
      for (const [index, item] of same.entries())
        if (index > 0 && item.sourceVersion !== undefined)
          assert.ok(
            item.sourceVersion >= same[index - 1]!.sourceVersion!,
            `${name}: an older version after a newer one`,
          );
  },

  'the same fact read again is the same fact': async (subject) => {
    const lab = makeLab(subject);
    await subject.make(3);
    const first = itemsOf(await readPages(subject, lab, null));
    const second = itemsOf(await readPages(subject, lab, null));
    assert.deepEqual(
      [...keysOf(second)].sort(),
      [...keysOf(first)].sort(),
      'read again, the facts have other dedupe keys',
    );
    sameFacts(first, second, (bytes) => subject.source.decode(bytes));
  },

  'a mere look shows the same and changes nothing': async (subject) => {
    const lab = makeLab(subject);
    await subject.make(subject.pageSize * 2 + 1);
    const seen = keysOf(itemsOf(await readPages(subject, { ...lab, cx: onlyLooking(lab.cx) }, null)));
    const read = keysOf(itemsOf(await readPages(subject, lab, null)));
    assert.deepEqual(lost(read, seen), [], 'facts that a look does not show');
  },

  'from the cursor of any page everything after it comes, and a cursor never goes back': async (subject) => {
    const lab = makeLab(subject);
    await subject.make(subject.pageSize * 2 + 1);
    const pages = await readPages(subject, lab, null);
    const all = keysOf(itemsOf(pages));
    for (const [index, { cursor }] of pages.entries()) {
      const rest = keysOf(itemsOf(await readPages(subject, lab, cursor)));
      const before = keysOf(itemsOf(pages.slice(0, index + 1)));
      assert.deepEqual(
        lost(all, new Set([...before, ...rest])),
        [],
        `facts lost after the cursor of page ${index + 1}`,
      );
    }
    const last = pages.at(-1)!.cursor;
    const quiet = await readPages(subject, lab, last);
    assert.deepEqual(lost(keysOf(itemsOf(quiet)), all), [], 'facts that nobody made');
    const made = await subject.make(1);
    const after = itemsOf(await readPages(subject, lab, quiet.at(-1)?.cursor ?? last));
    assert.deepEqual(lost(made, new Set(after.map((item) => item.subject))), [], 'a new fact that never came');
    const whole = itemsOf(pages).length;
    assert.ok(
      itemsOf(quiet).length < whole || whole <= subject.pageSize,
      'with the last cursor everything is read again',
    );
  },

  'broken off between pages, it goes on where the last page ended': async (subject) => {
    const lab = makeLab(subject);
    const made = await subject.make(subject.pageSize * 2 + 1);
    await readPages(subject, lab, null);
    for (const number of lab.network.seen.map((request) => request.number).slice(0, 6)) {
      lab.network.reset((request) => (request.number === number ? { do: 'cut-before' } : undefined));
      const had: Page[] = [];
      try {
        for await (const page of subject.source.pull(null, lab.cx)) had.push(page);
      } catch (error) {
        if (error instanceof FaultError)
          assert.equal(error.fault.kind, 'transient', `a read that broke off is ${error.fault.kind}`);
      }
      lab.network.reset();
      const rest = itemsOf(await readPages(subject, lab, had.at(-1)?.cursor ?? null));
      const subjects = new Set([...itemsOf(had), ...rest].map((item) => item.subject));
      assert.deepEqual(lost(made, subjects), [], `facts lost when request ${number} broke off`);
    }
  },

  'a record that cannot be understood holds up nothing': async (subject) => {
    if (!subject.makeBad) return;
    const lab = makeLab(subject);
    const [before] = await subject.make(1);
    await subject.makeBad();
    const [after] = await subject.make(1);
    const items = itemsOf(await readPages(subject, lab, null));
    wellFormed(items);
    const subjects = new Set(items.map((item) => item.subject));
    assert.deepEqual(lost([before!, after!], subjects), [], 'good facts that a bad neighbour held up');
    let refused = 0;
    for (const { bytes } of items)
      try {
        subject.source.decode(bytes);
      } catch (error) {
        refused += 1;
        assert.ok(
          error instanceof FaultError && error.fault.kind === 'rejected',
          `decode threw ${String(error)}: not a rejected Fault`,
        );
        readable(error.message);
      }
    assert.ok(refused > 0 || items.length > 2, 'the bad record was passed over in silence');
  },

  'what it brings can be decoded, always to the same': async (subject) => {
    const lab = makeLab(subject);
    const made = new Set(await subject.make(3));
    const items = itemsOf(await readPages(subject, lab, null)).filter((item) => made.has(item.subject));
    decodes(items, (bytes) => subject.source.decode(bytes));
  },

  'asked to wait it is throttled; a key that is not accepted is refused': async (subject) => {
    const lab = makeLab(subject);
    await readPages(subject, lab, null);
    if (lab.network.seen.length === 0) return;
    const faultWith = async (response: (request: SeenRequest) => Response) => {
      lab.network.reset((request) => ({ do: 'answer', response: () => response(request) }));
      try {
        await readPages(subject, lab, null);
      } catch (error) {
        assert.ok(error instanceof FaultError, `it threw ${String(error)}: not a Fault`);
        readable(error.message);
        lab.keepsSilence(error.message);
        return error.fault;
      }
      throw new Error('it read on as if nothing had been said');
    };
    const wait = await faultWith(() => new Response('slow down', { status: 429, headers: { 'retry-after': '7' } }));
    assert.equal(wait.kind, 'throttled');
    assert.equal(milliseconds((wait as Extract<typeof wait, { kind: 'throttled' }>).retryAfter), 7000);
    const no = await faultWith((request) => subject.refuses?.(request) ?? new Response('{}', { status: 401 }));
    assert.equal(no.kind, 'refused');
  },
};

const dropped = ({ name, bytes }: { name: string; bytes: Uint8Array }): DroppedFile => ({
  name,
  bytes,
  digest: sha256(bytes).toString('hex'),
});

async function factsOf(subject: FileSourceUnderTest, lab: Lab, files: readonly DroppedFile[]): Promise<Incoming[]> {
  const parsed = [];
  for (const file of files) parsed.push({ file, parsed: await subject.source.parse(file, lab.cx) });
  return subject.source.events(parsed, []);
}

/** What every source of files must do. */
export const fileSourceChecks: Readonly<Record<string, Check<FileSourceUnderTest>>> = {
  'brings every fact of its files, well formed': async (subject) => {
    const lab = makeLab(subject);
    const items = await factsOf(subject, lab, subject.files().map(dropped));
    wellFormed(items);
    assert.deepEqual([...new Set(items.map((item) => item.subject))].sort(), [...subject.subjects].sort());
  },

  'the same files again, or renamed, are the same facts': async (subject) => {
    const lab = makeLab(subject);
    const files = subject.files().map(dropped);
    const first = await factsOf(subject, lab, files);
    const again = await factsOf(subject, lab, files);
    const keys = first.map(({ dedupeKey }) => dedupeKey);
    assert.deepEqual(
      again.map(({ dedupeKey }) => dedupeKey),
      keys,
    );
    sameFacts(first, again, (bytes) => subject.source.decode(bytes));
    const renamed = await factsOf(
      subject,
      lab,
      files.map((file) => ({ ...file, name: `copy-of-${file.name}` })),
    );
    assert.deepEqual(
      renamed.map(({ dedupeKey }) => dedupeKey),
      keys,
      'under another name the facts have other dedupe keys',
    );
  },

  'files of other names, and so in another order, say the same': async (subject) => {
    const lab = makeLab(subject);
    const files = subject.files().map(dropped);
    const first = await factsOf(subject, lab, files);
    const names = files.map(({ name }) => name).sort();
    const backwards = [...files].reverse().map((file, index) => ({ ...file, name: names[index]! }));
    const other = await factsOf(subject, lab, backwards);
    assert.deepEqual(
      [...new Set(other.map((item) => item.subject))].sort(),
      [...new Set(first.map((item) => item.subject))].sort(),
    );
  },

  'one file at a time says the same as all at once': async (subject) => {
    const lab = makeLab(subject);
    const files = subject.files().map(dropped);
    const all = await factsOf(subject, lab, files);
    const single: Incoming[] = [];
    for (const file of files) single.push(...(await factsOf(subject, lab, [file])));
    assert.deepEqual(
      [...new Set(single.map((item) => item.subject))].sort(),
      [...new Set(all.map((item) => item.subject))].sort(),
    );
  },

  'a file that is wrong as a whole is rejected in words that name it': async (subject) => {
    const lab = makeLab(subject);
    const file = dropped(subject.bad());
    await assert.rejects(
      async () => subject.source.parse(file, lab.cx),
      (error: unknown) => {
        assert.ok(
          error instanceof FaultError && error.fault.kind === 'rejected',
          `it threw ${String(error)}: not a rejected Fault`,
        );
        readable(error.message);
        assert.ok(error.message.includes(file.name), `the words do not name the file: ${error.message}`);
        return true;
      },
    );
    const good = subject.files().map(dropped);
    assert.ok((await factsOf(subject, lab, good)).length > 0, 'after a bad file the good ones are not read');
  },

  'what it brings can be decoded, always to the same': async (subject) => {
    const lab = makeLab(subject);
    decodes(await factsOf(subject, lab, subject.files().map(dropped)), (bytes) => subject.source.decode(bytes));
  },

  'what is laid into its place is listed and read as it was laid, moved aside without taking the place of another, and taken':
    async (subject) => {
      const { lay, source } = subject;
      if (!lay) return;
      const { cx, keepsSilence } = makeLab(subject);
      const files = subject.files();
      const [first] = files;
      const aside = `done/${first!.name}`;
      const taken = `reading/${first!.name}`;
      const textOf = async (path: string): Promise<string | null> => {
        const bytes = await store.read(path);
        return bytes === null ? null : Buffer.from(bytes).toString();
      };
      for (const file of files) await lay(file);
      const store = await (source.place ?? folderPlace(source.folder)).open(cx);
      try {
        const listed = await store.list();
        for (const { name, bytes } of files) {
          assert.equal(
            listed.find((one) => one.name === name)?.size,
            bytes.length,
            `${name}: listed with another size`,
          );
          assert.equal(
            await textOf(name),
            Buffer.from(bytes).toString(),
            `${name}: it reads otherwise than it was laid`,
          );
        }
        assert.equal(await store.move(first!.name, aside), true, 'it cannot be moved aside');
        assert.ok(
          !(await store.list()).some(({ name }) => name === first!.name),
          'what was moved aside is still there',
        );
        await lay({ name: first!.name, bytes: Buffer.from('another file of that name') });
        assert.equal(await store.move(first!.name, aside), false, 'a name that is taken was given away');
        assert.equal(await textOf(aside), Buffer.from(first!.bytes).toString(), 'what lay aside was replaced');
        assert.equal(await store.take(first!.name, taken), true, 'it cannot be taken to be read');
        assert.equal(await textOf(taken), 'another file of that name', 'what was taken is not what lay there');
        assert.equal(await store.take(first!.name, taken), false, 'what is not there any more was taken');
        keepsSilence();
      } finally {
        for (const path of [...files.map(({ name }) => name), aside, taken]) await store.remove(path);
        await store.close();
      }
    },

  'its report counts facts, no more': async (subject) => {
    const lab = makeLab(subject);
    const [file] = subject.files().map(dropped);
    const report = subject.source.report(await subject.source.parse(file!, lab.cx));
    for (const [name, value] of Object.entries(report))
      assert.ok(Number.isFinite(value), `report.${name} is no number`);
  },
};
