import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import {
  conform,
  examine,
  type FileSourceUnderTest,
  fileSourceChecks,
  pollSourceChecks,
  signatureChecks,
  type WebhookSourceUnderTest,
  webhookSourceChecks,
} from '../../src/conformance/index.ts';
import { warehouseFiles } from '../../src/connectors/warehouse-files/index.ts';
import type { FilePlace } from '../../src/core/file-store.ts';
import { folderPlace } from '../../src/core/folder.ts';
import { referencePoll, referenceSignature, type SignatureMistake, type SourceMistake } from './reference-sources.ts';
import { referenceWebhook, type WebhookMistake } from './reference-webhook.ts';

const folders: string[] = [];
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** The same webhook, of a sender that says only that something changed. */
function noticesOnly(mistake: WebhookMistake | null = null): WebhookSourceUnderTest {
  const { facts: _, versions: __, ...rest } = referenceWebhook(mistake);
  return rest;
}

conform({
  polls: { 'a feed by number': () => referencePoll() },
  webhooks: {
    'signed pushes beside a list': () => referenceWebhook(),
    'signed notices beside a list': () => noticesOnly(),
  },
  signatures: { 'a signature over time and raw body': () => referenceSignature() },
});

const mistakes: [SourceMistake, keyof typeof pollSourceChecks][] = [
  ['reads the first page only', 'brings every fact of several pages, well formed, in the order of each subject'],
  ['takes the subject for the key', 'brings every fact of several pages, well formed, in the order of each subject'],
  ['pages by time alone', 'brings every fact of several pages, well formed, in the order of each subject'],
  ['takes the time of reading for the key', 'the same fact read again is the same fact'],
  ['subscribes whenever it reads', 'a mere look shows the same and changes nothing'],
  [
    'gives the cursor of the next page',
    'from the cursor of any page everything after it comes, and a cursor never goes back',
  ],
  ['starts again each time', 'from the cursor of any page everything after it comes, and a cursor never goes back'],
  ['takes a lost page for the end', 'broken off between pages, it goes on where the last page ended'],
  ['dies of a bad record', 'a record that cannot be understood holds up nothing'],
  ['passes over a bad record', 'a record that cannot be understood holds up nothing'],
  ['throws what it likes', 'a record that cannot be understood holds up nothing'],
  ['changes what it decodes', 'what it brings can be decoded, always to the same'],
  ['reads on when told to wait', 'asked to wait it is throttled; a key that is not accepted is refused'],
  ['takes 401 for the end', 'asked to wait it is throttled; a key that is not accepted is refused'],
];

const signatureMistakes: [SignatureMistake, keyof typeof signatureChecks][] = [
  ['signs the parsed body', 'refuses a body of which any byte differs'],
  ['accepts everything', 'refuses a body of which any byte differs'],
  ['accepts what is not signed', 'refuses what is not signed, or signed by a stranger'],
  ['looks at no time', 'refuses what is too old or from the future'],
  ['forgets the key before', 'accepts both keys while they are being changed'],
];

const webhookMistakes: [WebhookMistake, keyof typeof webhookSourceChecks][] = [
  ['signs the parsed body', 'refuses a body of which any byte differs'],
  ['accepts what is not signed', 'refuses what is not signed, or signed by a stranger'],
  ['looks at no time', 'refuses what is too old or from the future'],
  ['forgets the key before', 'accepts both keys while they are being changed'],
  ['does not sign the id', 'refuses a request of which a signed header was altered, taken away or sent twice'],
  [
    'throws at a header that is missing',
    'refuses a request of which a signed header was altered, taken away or sent twice',
  ],
  ['names all facts alike', 'names what is pushed: every fact, well formed, and it can be decoded'],
  ['names the subject by the key', 'names what is pushed: every fact, well formed, and it can be decoded'],
  ['changes what it decodes', 'names what is pushed: every fact, well formed, and it can be decoded'],
  ['takes the time of arrival for the key', 'the same push again, signed anew later, is the same fact'],
  ['takes the id of the push for the key', 'the same push again, signed anew later, is the same fact'],
  [
    'takes the record for the key',
    'two states of a record are two facts of one subject, and in any order the newer can be told',
  ],
  [
    'takes the time of arrival for the version',
    'two states of a record are two facts of one subject, and in any order the newer can be told',
  ],
  ['stores a notice', 'a thin notice is a hint about what it feeds, never a fact'],
  ['passes over a notice', 'a thin notice is a hint about what it feeds, never a fact'],
  ['hints with nothing to read', 'a thin notice is a hint about what it feeds, never a fact'],
  ['stores a ping', 'a ping is nothing'],
  ['refuses a ping', 'a ping is nothing'],
  ['trips over what it cannot read', "what cannot be read is the sender's fault, and never a fact"],
  ['believes whatever it is sent', "what cannot be read is the sender's fault, and never a fact"],
  ['passes over what it does not understand', "what cannot be read is the sender's fault, and never a fact"],
  ['quotes its secret', "what cannot be read is the sender's fault, and never a fact"],
  ['pushes under other keys than it lists', 'what it pushes and what it feeds are the same facts'],
  ['pushes less than it lists', 'what it pushes and what it feeds are the same facts'],
];

/** Of these those that a sender of notices can make as well. */
const noticeMistakes = new Set<WebhookMistake>([
  'signs the parsed body',
  'accepts what is not signed',
  'looks at no time',
  'forgets the key before',
  'does not sign the id',
  'throws at a header that is missing',
  'stores a notice',
  'passes over a notice',
  'hints with nothing to read',
  'stores a ping',
  'refuses a ping',
  'trips over what it cannot read',
  'believes whatever it is sent',
  'passes over what it does not understand',
  'quotes its secret',
]);

type PlaceMistake =
  | 'lists nothing'
  | 'lists what is half there'
  | 'reads half'
  | 'copies aside'
  | 'replaces what lies aside'
  | 'takes a copy';

/** Files of the warehouse in a folder, and what a place may do wrong. */
function referenceFiles(mistake: PlaceMistake | null = null): FileSourceUnderTest {
  const folder = mkdtempSync(join(tmpdir(), 'crossdock place '));
  folders.push(folder);
  const place = folderPlace(folder);
  const { inventory } = warehouseFiles({ at: { kind: 'folder', path: folder }, format: { kind: 'csv' } }).sources;
  const open: FilePlace['open'] = async (cx) => {
    const store = await place.open(cx);
    return {
      list: async (where) =>
        mistake === 'lists nothing'
          ? []
          : (await store.list(where)).map((one) => ({
              ...one,
              size: mistake === 'lists what is half there' ? one.size >> 1 : one.size,
            })),
      read: async (path) => {
        const bytes = await store.read(path);
        return mistake === 'reads half' && bytes ? bytes.subarray(0, bytes.length >> 1) : bytes;
      },
      put: (path, bytes) => store.put(path, bytes),
      move: async (from, to) => {
        if (mistake === 'replaces what lies aside') await store.remove(to);
        if (mistake !== 'copies aside') return store.move(from, to);
        await store.put(to, (await store.read(from))!);
        return true;
      },
      take: async (from, to) => {
        if (mistake !== 'takes a copy') return store.take(from, to);
        await store.put(to, (await store.read(from))!);
        return true;
      },
      remove: (path) => store.remove(path),
      close: () => store.close(),
    };
  };
  const files = ['1', '2'].map((n) => ({ name: `stock-${n}.csv`, bytes: Buffer.from(`report\nC${n}\n`) }));
  return {
    source: { ...(inventory as FileSourceUnderTest['source']), place: { where: folder, open } },
    files: () => files,
    subjects: [],
    bad: () => files[0]!,
    lay: async ({ name, bytes }) => writeFileSync(join(folder, name), bytes),
  };
}

const laid =
  'what is laid into its place is listed and read as it was laid, moved aside without taking the place of another, and taken';
const placeMistakes: PlaceMistake[] = [
  'lists nothing',
  'lists what is half there',
  'reads half',
  'copies aside',
  'replaces what lies aside',
  'takes a copy',
];

describe('the suite catches', () => {
  it('nothing in a place that does all right', async () => {
    assert.deepEqual(await examine({ [laid]: fileSourceChecks[laid]! }, referenceFiles()), [
      { check: laid, failure: null },
    ]);
  });

  for (const mistake of placeMistakes)
    it(`a place of files that ${mistake}`, async () => {
      const [verdict] = await examine({ [laid]: fileSourceChecks[laid]! }, referenceFiles(mistake));
      assert.notEqual(verdict!.failure, null, 'the mistake went through');
    });

  for (const [mistake, check] of mistakes)
    it(`a polled source that ${mistake}: by '${check}'`, async () => {
      const [verdict] = await examine({ [check]: pollSourceChecks[check]! }, referencePoll(mistake));
      assert.notEqual(verdict!.failure, null, 'the mistake went through');
    });

  for (const [mistake, check] of signatureMistakes)
    it(`a signature that ${mistake}: by '${check}'`, async () => {
      const [verdict] = await examine({ [check]: signatureChecks[check]! }, referenceSignature(mistake));
      assert.notEqual(verdict!.failure, null, 'the mistake went through');
    });

  for (const [mistake, check] of webhookMistakes)
    it(`a webhook that ${mistake}: by '${check}'`, async () => {
      const [verdict] = await examine({ [check]: webhookSourceChecks[check]! }, referenceWebhook(mistake));
      assert.notEqual(verdict!.failure, null, 'the mistake went through');
    });

  for (const [mistake, check] of webhookMistakes.filter(([one]) => noticeMistakes.has(one)))
    it(`a webhook of notices only that ${mistake}: by '${check}'`, async () => {
      const [verdict] = await examine({ [check]: webhookSourceChecks[check]! }, noticesOnly(mistake));
      assert.notEqual(verdict!.failure, null, 'the mistake went through');
    });

  it('a webhook of which it was given neither facts nor notices, or facts without versions', async () => {
    const { versions: _, ...unversioned } = referenceWebhook();
    const failures = async (subject: WebhookSourceUnderTest): Promise<string[]> =>
      (await examine(webhookSourceChecks, subject)).flatMap(({ failure }) =>
        failure === null ? [] : [String(failure)],
      );
    assert.match((await failures({ ...noticesOnly(), hints: [] })).join(), /neither facts nor notices/);
    assert.match((await failures(unversioned)).join(), /facts without versions/);
  });

  it('each check by one mistake at least', () => {
    const used = new Set<string>([...mistakes, ...signatureMistakes, ...webhookMistakes].map(([, check]) => check));
    const unused = [pollSourceChecks, signatureChecks, webhookSourceChecks]
      .flatMap((checks) => Object.keys(checks))
      .filter((check) => !used.has(check));
    // This one is there so that a verify that refuses everything does not pass the others.
    assert.deepEqual(new Set(unused), new Set(['accepts what is signed, over the bytes as they came']));
  });
});
