import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Context, DroppedFile, Incoming, KnownFile } from '../../core/connector.ts';
import { HubError } from '../../core/errors.ts';
import { FaultError } from '../../core/fault.ts';
import { sha256 } from '../../core/seal.ts';
import { type CsvConfig, csv, type RecordGroup } from './index.ts';
import { dateFormat, dayIn, instantOf } from './instant.ts';

const config: CsvConfig = {
  entity: 'shop',
  folder: '/nowhere',
  zone: 'Europe/London',
  groupBy: 'no',
  measure: { quantity: 'qty', price: 'price', currency: 'EUR' },
  columns: { no: 'text', name: 'text', qty: 'integer', price: 'decimal', at: 'datetime' },
};
const HEADER = 'no,name,qty,price,at\n';
const row = (no: string, name = 'x', qty = '1', price = '2.50'): string =>
  `${no},${name},${qty},${price},2024-05-06 07:08:09\n`;

const source = (more: Partial<CsvConfig> = {}) => csv({ ...config, ...more, name: 'files' as const }).sources.files;
const file = (content: string | Uint8Array, name = 'day.csv'): DroppedFile => {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  return { name, bytes, digest: sha256(bytes).toString('hex') };
};
const parse = async (content: string | Uint8Array, more: Partial<CsvConfig> = {}) =>
  source(more).parse(file(content), {} as Context);
const names = async (content: string | Uint8Array, more: Partial<CsvConfig> = {}): Promise<(string | undefined)[]> =>
  (await parse(content, more)).lines.map(({ values }) => values.name);

async function refused(content: string | Uint8Array, words: RegExp, more: Partial<CsvConfig> = {}): Promise<void> {
  await assert.rejects(
    async () => parse(content, more),
    (error: unknown) => {
      assert.ok(error instanceof FaultError, String(error));
      assert.equal(error.fault.kind, 'rejected');
      assert.match(error.fault.message, words);
      assert.match(error.fault.message, /^day\.csv.*Nothing of this file was taken\. /s);
      return true;
    },
  );
}

test('encodings: strict UTF-8, marks, western code pages, UTF-16', async () => {
  const text = HEADER + row('1', 'Café €');
  assert.deepEqual(await names(text), ['Café €']);
  assert.deepEqual(await names(`\ufeff${text}`), ['Café €']);
  assert.deepEqual(await names(`\ufeff${text}`, { encoding: 'windows-1252' }), ['Café €']);
  const utf16 = Buffer.concat([Buffer.of(0xff, 0xfe), Buffer.from(text, 'utf16le')]);
  assert.deepEqual(await names(utf16), ['Café €']);
  assert.deepEqual(await names(utf16.subarray(2), { encoding: 'utf-16le' }), ['Café €']);
  const western = (euro: number) =>
    Buffer.concat([
      Buffer.from(`${HEADER}1,Caf`),
      Buffer.of(0xe9, 0x20, euro),
      Buffer.from(',1,2.5,2024-05-06 07:08:09\n'),
    ]);
  assert.deepEqual(await names(western(0x80), { encoding: 'windows-1252' }), ['Café €']);
  assert.deepEqual(await names(western(0xa4), { encoding: 'iso-8859-15' }), ['Café €']);
  assert.deepEqual(await names(western(0xa4), { encoding: 'iso-8859-1' }), ['Café ¤']);
  await refused(western(0x80), /line 2: holds bytes that are not UTF-8/);
  await refused(western(0x81), /line 2: holds byte 0x81/, { encoding: 'windows-1252' });
  await refused(Buffer.of(0xfe, 0xff, 0, 65), /UTF-16 with the most significant byte first/);
  await refused(Buffer.of(0xff, 0xfe, 0, 0xd8, 65, 0), /not UTF-16/);
});

test('quotes, line ends, empty lines, delimiters', async () => {
  assert.deepEqual(await names(HEADER + row('1', '"a,b"') + row('1', '"say ""hi"""') + row('1', '"two\nlines"')), [
    'a,b',
    'say "hi"',
    'two\nlines',
  ]);
  assert.deepEqual(await names((HEADER + row('1') + row('2')).replaceAll('\n', '\r\n')), ['x', 'x']);
  assert.deepEqual(await names(`${HEADER}\n${row('1')}\n\n${row('2').trimEnd()}`), ['x', 'x']);
  assert.deepEqual(await names((HEADER + row('1', 'a|b')).replaceAll(',', ';'), { delimiter: ';' }), ['a|b']);
  const lines = (await parse(HEADER + row('1', '"two\nlines"') + row('2'))).lines;
  assert.deepEqual(
    lines.map(({ n }) => n),
    [3, 4],
  );
});

test('a header names the columns in any order; without one they are in the declared order', async () => {
  assert.deepEqual(await names('name,no,at,price,qty\nx,1,2024-05-06 07:08:09,2.5,1\n'), ['x']);
  assert.deepEqual(await names(row('1')), ['x']);
  assert.deepEqual(await names(''), []);
  assert.deepEqual(await names(HEADER), []);
});

test('a file of the wrong shape is refused whole, in words', async () => {
  await refused('no,name,qty,price\n', /line 1, field 'at': the header has no column 'at'/);
  await refused('no,name,qty,price,at,vat\n', /line 1, field 'vat': .*not declared/);
  await refused('no,name,qty,price,at,at\n', /line 1, field 'at': .*twice/);
  await refused('Nr;Naam;Aantal;Prijs;Datum\n', /line 1: the first record has 1 fields.*delimiter ','/);
  await refused(
    'Nr,Naam,Aantal,Prijs,Datum\n',
    /line 1, field 'qty': the first record is neither a header that is known nor data: 'Aantal'/,
  );
  await refused(`${HEADER + row('1')}2,x,1\n`, /line 3, field 'price': the record has 3 fields, not 5/);
  await refused(HEADER + row('1', 'a,b'), /line 2, field 'at': the record has 6 fields, not 5/);
  await refused(HEADER + row('1', '"never'), /a quoted value that never ends/);
  await refused(HEADER + row('1', '7" disc'), /line 2: holds a quote inside a value that is not quoted/);
  await refused(HEADER + row('1', 'a\0b'), /line 2: holds a NUL character/);
  await refused(HEADER + row(''), /line 2, field 'no': is empty/);
  await refused(HEADER + row('1'), /more than the 0 MB allowed/, { maxBytes: 10 });
});

test('numbers and dates are read as declared; a wrong value stays and is named', async () => {
  const shape = { decimalMark: ',' as const, delimiter: ';', dateFormat: 'D/M/YYYY H:mm', zone: 'Europe/Paris' };
  const { lines } = await parse('1;x;+3;-1,50;6/5/2024 7:08\n1;x;3.0;1.50;31/4/2024 7:08\n', shape);
  assert.deepEqual(lines[0]?.values, { no: '1', name: 'x', qty: '3', price: '-1.50', at: '2024-05-06T05:08:00.000Z' });
  assert.equal(lines[0]?.bad, undefined);
  assert.deepEqual(lines[1]?.values, { no: '1', name: 'x', qty: '3.0', price: '1.50', at: '31/4/2024 7:08' });
  assert.deepEqual(Object.keys(lines[1]?.bad ?? {}), ['qty', 'price', 'at']);
});

test('clocks that go forward: a skipped time is as much later; back: the first of two', () => {
  const at = (text: string, zone: string): string =>
    new Date(instantOf(dateFormat('YYYY-MM-DD HH:mm')(text)!, zone)).toISOString();
  assert.equal(at('2024-03-31 00:59', 'Europe/London'), '2024-03-31T00:59:00.000Z');
  assert.equal(at('2024-03-31 01:30', 'Europe/London'), '2024-03-31T01:30:00.000Z');
  assert.equal(at('2024-03-31 02:30', 'Europe/London'), '2024-03-31T01:30:00.000Z');
  assert.equal(at('2024-10-27 01:30', 'Europe/London'), '2024-10-27T00:30:00.000Z');
  assert.equal(at('2024-10-27 02:00', 'Europe/London'), '2024-10-27T02:00:00.000Z');
  assert.equal(at('2024-03-10 02:30', 'America/New_York'), '2024-03-10T07:30:00.000Z');
  assert.equal(at('2024-11-03 01:30', 'America/New_York'), '2024-11-03T05:30:00.000Z');
  assert.equal(at('2024-10-06 02:15', 'Australia/Lord_Howe'), '2024-10-05T15:45:00.000Z');
  assert.equal(at('2011-12-30 10:00', 'Pacific/Apia'), '2011-12-30T20:00:00.000Z');
  assert.equal(dayIn(Date.parse('2024-07-01T23:30:00Z'), 'Europe/London'), '2024-07-02');
});

test('property: an instant shown by the zone’s clock is read back, unless that time comes twice', () => {
  const zones = fc.constantFrom('Europe/London', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kolkata', 'UTC');
  fc.assert(
    fc.property(zones, fc.integer({ min: 0, max: 2_000_000_000 }), (zone, seconds) => {
      const format = dateFormat('YYYY-MM-DD HH:mm:ss');
      const shown = new Date(seconds * 1000).toLocaleString('sv-SE', { timeZone: zone });
      const read = instantOf(format(shown)!, zone);
      assert.equal(new Date(read).toLocaleString('sv-SE', { timeZone: zone }), shown);
      assert.ok(read <= seconds * 1000);
    }),
  );
});

test('a wrong configuration is refused at once', () => {
  const wrong = (more: Partial<CsvConfig>, words: RegExp): void => {
    assert.throws(
      () => csv({ ...config, ...more }),
      (error: unknown) => error instanceof HubError && error.code === 'CONFIG_INVALID' && words.test(error.message),
    );
  };
  wrong({ groupBy: 'order' }, /column 'order' is not declared/);
  wrong({ zone: 'Europe/Atlantis' }, /zone/);
  wrong({ dateFormat: 'HH:mm' }, /dateFormat/);
  wrong({ delimiter: ';;' }, /one character/);
  wrong({ delimiter: '"' }, /differ/);
  wrong({ measure: { ...config.measure, currency: 'euro' } }, /currency/);
});

// ---- from files to facts ----

async function factsOf(
  files: Record<string, string | Uint8Array>,
  known: readonly KnownFile[] = [],
): Promise<Incoming[]> {
  const days = source();
  const batch = [];
  for (const [name, content] of Object.entries(files)) {
    const dropped = file(content, name);
    batch.push({ file: dropped, parsed: await days.parse(dropped, {} as Context) });
  }
  return days.events(batch, known);
}
const native = (fact: Incoming | undefined): RecordGroup => source().decode(fact!.bytes);
const facts = (fact: Incoming | undefined) =>
  native(fact).pieces.map(({ lines, ...rest }) => ({
    ...rest,
    lines: lines.map(({ values }) => values.name).join(''),
  }));
const knownFile = (content: string): KnownFile => {
  const { bytes, digest } = file(content);
  return { size: bytes.length, digest };
};

test('one fact per invoice over all files, in the order in which they first appear', async () => {
  const found = await factsOf({
    'a.csv': HEADER + row('1', 'A') + row('2', 'B', '-3', '1.25') + row('3', 'C'),
    'b.csv': HEADER + row('3', 'D', 'abc') + row('4', 'E'),
  });
  assert.deepEqual(
    found.map(({ subject }) => subject),
    ['invoice:1', 'invoice:2', 'invoice:3', 'invoice:4'],
  );
  assert.deepEqual(found[1]?.measure, { lines: 1, currency: 'EUR', minor: -375n, absolute: 375n });
  assert.deepEqual(found[2]?.measure, { lines: 2, currency: 'EUR', minor: 250n, absolute: 250n });
  assert.deepEqual(found[2]?.labels, { invoice: '3' });
  assert.equal(found[2]?.occurredAt.toISOString(), '2024-05-06T06:08:09.000Z');
  const common = { headed: true, grown: false, repeats: null };
  assert.deepEqual(facts(found[2]), [
    { ...common, file: 'a.csv', lines: 'C', atStart: false, atEnd: true, touchesPrevious: false },
    { ...common, file: 'b.csv', lines: 'D', atStart: true, atEnd: false, touchesPrevious: true },
  ]);
  assert.equal(native(found[2]).pieces[1]?.lines[0]?.n, 2);
});

test('the same bytes twice in a batch count once, and the key of a fact is that of its files', async () => {
  const content = HEADER + row('1', 'A');
  const [one] = await factsOf({ 'a.csv': content });
  const twice = await factsOf({ 'a.csv': content, 'b.csv': content });
  assert.deepEqual(
    twice.map(({ dedupeKey }) => dedupeKey),
    [one?.dedupeKey],
  );
  const [other] = await factsOf({ 'a.csv': content + row('2') });
  assert.notEqual(other?.dedupeKey, one?.dedupeKey);
});

test('a file that begins with a known file has grown', async () => {
  const before = HEADER + row('1', 'A') + row('2', 'B');
  const found = await factsOf({ 'a.csv': before + row('2', 'C') }, [knownFile(before)]);
  assert.deepEqual(
    found.flatMap(facts).map(({ grown }) => grown),
    [true, true],
  );
  // When all that is known is the beginning of one invoice, a part with a header may as well be more of it.
  const [only] = await factsOf({ 'a.csv': HEADER + row('1', 'A') + row('1', 'B') }, [
    knownFile(HEADER + row('1', 'A')),
  ]);
  assert.equal(facts(only)[0]?.grown, false);
});

test('parts of a known file are known, cut anywhere, with or without a second header, in any order of names', async () => {
  const rows = [row('1', 'A'), row('1', 'B'), row('2', 'C'), row('3', 'é')];
  const whole = HEADER + rows.join('');
  const digest = knownFile(whole).digest;
  const repeats = async (files: Record<string, string>): Promise<unknown[]> => [
    ...new Set((await factsOf(files, [knownFile(whole)])).flatMap(facts).map((piece) => piece.repeats)),
  ];
  for (let at = 1; at < rows.length; at++)
    for (const header of ['', HEADER]) {
      const first = HEADER + rows.slice(0, at).join('');
      const second = header + rows.slice(at).join('');
      assert.deepEqual(await repeats({ 'a.csv': first, 'b.csv': second }), [digest]);
      assert.deepEqual(await repeats({ 'a.csv': second, 'b.csv': first }), [digest]);
      assert.deepEqual(await repeats({ 'a.csv': first.trimEnd(), 'b.csv': second.trimEnd() }), [digest]);
    }
  assert.deepEqual(
    await repeats({ 'a.csv': HEADER + rows[0]!, 'b.csv': rows[1]!, 'c.csv': HEADER + rows[2]! + rows[3]! }),
    [digest],
  );
  assert.deepEqual(await repeats({ 'a.csv': HEADER + rows[0]!, 'b.csv': rows[2]! + rows[3]! }), [null]);
});
