import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { append, type Known, type Merge, merge, type Piece } from './lines.ts';

const same = (line: string): string => line;
const text = (known: Known<string> | null): string => (known?.lines ?? []).map(({ line }) => line).join('');
const counted = (lines: Iterable<string>): string => [...lines].sort().join('');

const piece = (lines: string, facts: Partial<Piece<string>> = {}): Piece<string> => ({
  lines: [...lines],
  atStart: false,
  atEnd: false,
  headed: facts.atStart !== true,
  grown: false,
  repeats: null,
  touchesPrevious: false,
  ...facts,
});
const head = (lines: string, facts: Partial<Piece<string>> = {}) =>
  piece(lines, { atEnd: true, headed: true, ...facts });
const tail = (lines: string, facts: Partial<Piece<string>> = {}) => piece(lines, { atStart: true, ...facts });

/** Batch after batch; what is appended, repeated and untold in each. */
function run(...batches: Piece<string>[][]): { known: Known<string>; steps: Merge<string>[] } {
  let known: Known<string> | null = null;
  const steps = batches.map((pieces) => {
    const step = merge(known, pieces, same);
    known = step.known;
    return step;
  });
  return { known: known!, steps };
}
const untold = (steps: readonly Merge<string>[]): string[] =>
  steps.flatMap((step) => step.untold.map(({ why, lines }) => `${why} ${lines.join('')}`));

test('a new invoice is taken as it stands, identical lines included', () => {
  const { known, steps } = run([piece('ABBA')]);
  assert.equal(text(known), 'ABBA');
  assert.deepEqual(
    steps[0]!.appended.map(({ id }) => id),
    ['1', '2', '3', '4'],
  );
});

test('the same invoice again, whole or in part, is a duplicate', () => {
  const { known, steps } = run([piece('AAB')], [piece('AAB')], [head('AA')], [piece('AAB')]);
  assert.equal(text(known), 'AAB');
  assert.deepEqual(
    steps.map((step) => step.duplicates),
    [0, 3, 2, 3],
  );
  assert.deepEqual(untold(steps), []);
});

test('more lines after those that are known are appended and get new ids', () => {
  const { steps, known } = run([piece('AB')], [piece('ABC')]);
  assert.equal(text(known), 'ABC');
  assert.deepEqual(steps[1]!.appended, [{ id: '3', line: 'C' }]);
});

test('a cut file gives the whole invoice: one batch or two, in order or not', () => {
  for (const batches of [
    [[head('AB'), tail('CD', { touchesPrevious: true })]],
    [[head('AB')], [tail('CD')]],
    [[tail('CD')], [head('AB')]],
    [[tail('CD'), head('AB')]],
  ]) {
    const { known, steps } = run(...batches);
    assert.equal(counted(text(known)), 'ABCD');
    assert.equal(text(known), 'ABCD');
    assert.deepEqual(untold(steps), []);
  }
});

test('a file cut in three gives the whole invoice in any order', () => {
  const parts = [head('AB'), tail('CD', { atEnd: true }), tail('EF')];
  for (const order of [
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
  ]) {
    const { known, steps } = run(...order.map((index) => [parts[index]!]));
    assert.equal(counted(text(known)), 'ABCDEF', String(order));
    assert.deepEqual(untold(steps), [], String(order));
  }
});

test('a cut between identical lines that arrives in two batches is never guessed', () => {
  const { known, steps } = run([head('BA')], [tail('A')]);
  assert.equal(text(known), 'BA');
  assert.deepEqual(untold(steps), ['repeat-or-continuation A']);
  assert.equal(text(append(known, ['A']).known), 'BAA');
});

test('a part without header right after one with a header is one cut file', () => {
  assert.equal(text(run([head('BA'), tail('A', { touchesPrevious: true })]).known), 'BAA');
  const doubtful = run([head('BA'), tail('A', { touchesPrevious: true, headed: true })]);
  assert.deepEqual(untold(doubtful.steps), ['repeat-or-continuation A']);
});

test('a known file cut again, head first, is a repeat also inside its last invoice', () => {
  for (const whole of ['AAA', 'ABC', 'ABAB'])
    for (let cut = 1; cut < whole.length; cut++) {
      const { known, steps } = run(
        [head(whole)],
        [head(whole.slice(0, cut))],
        [tail(whole.slice(cut), { atEnd: true })],
      );
      assert.equal(text(known), whole);
      assert.deepEqual(untold(steps), []);
    }
});

test('the end of the last invoice of a known file, alone, may be more of it', () => {
  const { known, steps } = run([head('ABC')], [tail('BC', { atEnd: true })]);
  assert.equal(text(known), 'ABC');
  assert.deepEqual(untold(steps), ['repeat-or-continuation BC']);
});

test('parts of a known file are repeats whatever the order', () => {
  const facts = { repeats: 'digest' };
  const { known, steps } = run(
    [head('ABC', { atStart: true })],
    [tail('BC', { atEnd: true, ...facts }), head('A', { atStart: true, ...facts })],
  );
  assert.equal(text(known), 'ABC');
  assert.deepEqual(untold(steps), []);
});

test('a grown file extends and never continues', () => {
  const { known, steps } = run([head('AA', { atStart: true })], [tail('AAAB', { grown: true })]);
  assert.equal(text(known), 'AAAB');
  assert.deepEqual(untold(steps), []);
});

test('an invoice that was changed is told to a person', () => {
  const { known, steps } = run([piece('ABC')], [piece('ABD')], [piece('XY')]);
  assert.equal(text(known), 'ABC');
  assert.deepEqual(untold(steps), ['changed-invoice ABD', 'changed-invoice XY']);
});

test('where explanations go on with different lines, those of each are in doubt, and none is certain', () => {
  const part = { atStart: true, headed: false };
  const { known, steps } = run(
    [piece('C', part)],
    [piece('CAAAAA', { ...part, atEnd: true }), piece('A', { ...part, touchesPrevious: true })],
  );
  assert.equal(text(known), 'CAAAAA');
  const [doubt, ...others] = steps[1]!.untold;
  assert.deepEqual([counted(doubt!.lines), doubt!.least, others.length], ['AC', [], 0]);
  assert.equal(steps[1]!.duplicates, 0);
});

// ---- properties ----

const invoiceLines = (most: number) =>
  fc.array(fc.constantFrom('A', 'A', 'A', 'B', 'C'), { minLength: 1, maxLength: most }).map((lines) => lines.join(''));

/** Files hold lines of invoices `x` (the one looked at), and others (`-`); the connector's facts follow from them. */
interface File {
  headed: boolean;
  records: string[];
  grown?: boolean;
}
function piecesOf(batch: readonly File[]): Piece<string>[] {
  const pieces: Piece<string>[] = [];
  let touching = false;
  for (const { headed, records, grown } of batch) {
    const lines = records.filter((record) => record !== '-');
    const atStart = records.length > 0 && records[0] !== '-';
    const atEnd = records.length > 0 && records.at(-1) !== '-';
    if (lines.length > 0)
      pieces.push({
        lines,
        atStart,
        atEnd,
        headed,
        grown: grown ?? false,
        repeats: null,
        touchesPrevious: touching && atStart,
      });
    if (records.length > 0) touching = atEnd;
  }
  return pieces;
}
const runFiles = (batches: readonly File[][]) => run(...batches.map(piecesOf).filter((pieces) => pieces.length > 0));

/** Nothing twice, and nothing missing but what is in doubt (a doubt may concern more lines than are missing). */
function bounded(known: Known<string>, doubtful: readonly string[], truth: string): void {
  for (const line of 'ABC') {
    const count = (all: Iterable<string>): number => [...all].filter((other) => other === line).length;
    assert.ok(count(text(known)) <= count(truth), `doubled: ${text(known)} of ${truth}`);
    assert.ok(count(text(known)) + count(doubtful) >= count(truth), `lost: ${text(known)} of ${truth}`);
  }
}

const context = fc.record({ before: fc.nat(2), after: fc.nat(2) });
const fileOf = (lines: string, around: { before: number; after: number }): File => ({
  headed: true,
  records: [...Array<string>(around.before).fill('-'), ...lines, ...Array<string>(around.after).fill('-')],
});
const cutAt = (file: File, at: readonly number[], repeatHeader: boolean): File[] => {
  const places = [...new Set(at)].filter((place) => place > 0 && place < file.records.length).sort((a, b) => a - b);
  return [0, ...places].map((start, i) => ({
    headed: i === 0 ? file.headed : repeatHeader,
    records: file.records.slice(start, places[i] ?? file.records.length),
  }));
};
const grouped = <T>(items: readonly T[], together: boolean): T[][] =>
  together ? [[...items]] : items.map((item) => [item]);

test('property: a file cut on first arrival is whole, or what is missing is in doubt', () => {
  fc.assert(
    fc.property(
      invoiceLines(7),
      context,
      fc.array(fc.nat(10), { minLength: 1, maxLength: 3 }),
      fc.boolean(),
      fc.boolean(),
      (lines, around, cuts, repeatHeader, together) => {
        const { known, steps } = runFiles(grouped(cutAt(fileOf(lines, around), cuts, repeatHeader), together));
        const doubtful = steps.flatMap((step) => step.untold.flatMap((doubt) => doubt.lines));
        bounded(known, doubtful, lines);
      },
    ),
    { numRuns: 3000 },
  );
});

test('property: cut between lines that do not come again, first arrival is exactly the whole in any order', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.constantFrom(...'ABCDEFGH'), { minLength: 1, maxLength: 8 }),
      context,
      fc.array(fc.nat(10), { minLength: 1, maxLength: 3 }),
      fc.boolean(),
      fc.infiniteStream(fc.nat()),
      (lines, around, cuts, together, random) => {
        const parts = cutAt(fileOf(lines.join(''), around), cuts, false);
        const shuffled = parts.map((part) => ({ part, by: random.next().value as number })).sort((a, b) => a.by - b.by);
        const { known, steps } = runFiles(
          grouped(
            shuffled.map(({ part }) => part),
            together,
          ),
        );
        assert.equal(counted(text(known)), counted(lines));
        assert.deepEqual(untold(steps), []);
      },
    ),
    { numRuns: 2000 },
  );
});

test('property: a known file that comes cut, in order, brings nothing and leaves no doubt', () => {
  fc.assert(
    fc.property(
      invoiceLines(7),
      fc.record({ before: fc.integer({ min: 1, max: 2 }), after: fc.nat(2) }),
      fc.tuple(fc.tuple(fc.nat(10))),
      fc.boolean(),
      fc.boolean(),
      (lines, around, cuts, repeatHeader, together) => {
        const file = fileOf(lines, around);
        const again = cuts.flatMap((cut) => grouped(cutAt(file, cut, repeatHeader), together));
        const { known, steps } = runFiles([[file], ...again]);
        assert.equal(text(known), lines);
        // An invoice that ends the file and comes in a file of its own may be more of it.
        if (around.after > 0 || !cuts.some((cut) => cut.includes(around.before))) assert.deepEqual(untold(steps), []);
      },
    ),
    { numRuns: 3000 },
  );
});

test('property: a known file that comes cut, in any order, brings nothing; cut once, doubt is only about the invoice that ends it', () => {
  fc.assert(
    fc.property(
      invoiceLines(7),
      context,
      fc.array(fc.nat(10), { minLength: 1, maxLength: 3 }),
      fc.infiniteStream(fc.nat()),
      (lines, around, cuts, random) => {
        const file = fileOf(lines, around);
        const parts = cutAt(file, cuts, false).map((part) => ({ part, by: random.next().value as number }));
        const again = parts.sort((a, b) => a.by - b.by).map(({ part }) => [part]);
        const { known, steps } = runFiles([[file], ...again]);
        assert.equal(text(known), lines);
        if (around.after > 0 && parts.length <= 2) assert.deepEqual(untold(steps), []);
      },
    ),
    { numRuns: 3000 },
  );
});

test('property: a file that grows, whole or cut in order, is extended by exactly what is new', () => {
  fc.assert(
    fc.property(
      invoiceLines(5),
      invoiceLines(4),
      fc.record({ before: fc.integer({ min: 1, max: 2 }), after: fc.nat(2) }),
      fc.array(fc.nat(12), { maxLength: 2 }),
      fc.boolean(),
      (lines, more, around, cuts, together) => {
        const grown = fileOf(lines + more, around);
        const parts = grouped(cutAt(grown, cuts, false), together);
        const { known, steps } = runFiles([[fileOf(lines, { ...around, after: 0 })], ...parts]);
        const doubtful = steps.flatMap((step) => step.untold.flatMap((doubt) => doubt.lines));
        bounded(known, doubtful, lines + more);
        // Cut right before the invoice, its part may also be more of what ended the file before.
        const told = new Set(lines + more).size === (lines + more).length && !cuts.includes(around.before);
        if (told) assert.equal(text(known), lines + more);
      },
    ),
    { numRuns: 3000 },
  );
});

test('property: any mix of whole files, cuts, growth and repeats neither loses nor doubles silently', () => {
  const step = fc.oneof(
    fc.record({ what: fc.constant('whole' as const), upTo: fc.nat(8) }),
    fc.record({
      what: fc.constant('cut' as const),
      upTo: fc.nat(8),
      cuts: fc.array(fc.nat(12), { minLength: 1, maxLength: 2 }),
      together: fc.boolean(),
    }),
  );
  fc.assert(
    fc.property(invoiceLines(8), context, fc.array(step, { minLength: 1, maxLength: 4 }), (lines, around, history) => {
      let exported = 0;
      const batches: File[][] = [];
      for (const act of history) {
        exported = Math.max(exported, 1, Math.min(act.upTo, lines.length));
        const file = fileOf(lines.slice(0, exported), around);
        if (act.what === 'whole') batches.push([file]);
        else batches.push(...grouped(cutAt(file, act.cuts, false), act.together));
      }
      const { known, steps } = runFiles(batches);
      const doubtful = steps.flatMap((s) => s.untold.flatMap((doubt) => doubt.lines));
      bounded(known, doubtful, lines.slice(0, exported));
    }),
    { numRuns: 5000 },
  );
});
