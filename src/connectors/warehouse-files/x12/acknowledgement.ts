import { rejected } from '../../../core/fault.ts';
import type { Acknowledgement, ReceivedGroup } from '../messages.ts';
import { type Group, isExact, type Segment, type TransactionSet } from './envelope.ts';
import { SetError, sentAt } from './read.ts';

/** Verdicts of AK501 and AK901 that are no rejection: A accepted, E accepted with errors noted. */
const TAKEN = new Set(['A', 'E']);

/** In our words: AK502, what is wrong with a set; AK304, with a segment; AK403, with an element. */
const SET_WORDS: Readonly<Record<string, string>> = {
  1: 'this kind of message is not supported',
  2: 'its trailer is missing',
  3: 'the control numbers of its header and trailer differ',
  4: 'its segments are not as many as it says',
  5: 'one or more of its segments are wrong',
  6: 'its kind is missing or not valid',
  7: 'its control number is missing or not valid',
  23: 'its control number came before in the same group',
};
const SEGMENT_WORDS: Readonly<Record<string, string>> = {
  1: 'is not known',
  2: 'is not expected there',
  3: 'is missing and must be there',
  4: 'begins a loop that comes too often',
  5: 'comes too often',
  6: 'does not belong to this kind of message',
  7: 'stands at the wrong place',
  8: 'has elements that are wrong',
};
const ELEMENT_WORDS: Readonly<Record<string, string>> = {
  1: 'is missing and must be there',
  2: 'is missing, and must be there together with another',
  3: 'is one too many',
  4: 'is too short',
  5: 'is too long',
  6: 'has a character that is not allowed',
  7: 'is a code that is not valid there',
  8: 'is no valid date',
  9: 'is no valid time',
  10: 'must not be there together with another',
};
const worded = (words: Readonly<Record<string, string>>, code: string): string =>
  words[code] ?? `is wrong (code ${code})`;

/** 997, functional acknowledgement: one group of ours, which holds one set. @see https://www.stedi.com/edi/x12-004010/997 */
export function readAcknowledgement(set: TransactionSet, group: Group): Acknowledgement | null {
  const ak1 = set.segments.find(({ id }) => id === 'AK1');
  const ak9 = set.segments.find(({ id }) => id === 'AK9');
  if (!ak1 || !/^\d{1,9}$/.test(ak1.elements[2] ?? ''))
    throw new SetError(ak1 ?? 'AK1', '8', 'its AK102 names no group of ours');
  if (!ak9) throw new SetError('AK9', '3', 'it has no AK9 segment');
  // Of what we sent only orders are counted on; acknowledgements are never acknowledged.
  if (ak1.elements[1] !== 'OW') return null;
  const verdicts = [ak9, ...set.segments.filter(({ id }) => id === 'AK5')].map(({ elements }) => elements[1] ?? '');
  return {
    kind: 'acknowledgement',
    to: Number(ak1.elements[2]),
    accepted: verdicts.every((verdict) => TAKEN.has(verdict)),
    sentAt: sentAt(group),
    problems: problemsOf(set.segments, ak9),
  };
}

function problemsOf(segments: readonly Segment[], ak9: Segment): Acknowledgement['problems'] {
  const problems: { where: string | null; why: string }[] = [];
  let at = '';
  for (const { id, elements } of segments) {
    if (id === 'AK3') {
      at = `${elements[1]}, segment ${elements[2]}`;
      problems.push({ where: at, why: `it ${worded(SEGMENT_WORDS, elements[4] ?? '')}` });
    }
    if (id === 'AK4') {
      const value = elements[4] ? ` ('${elements[4]}')` : '';
      problems.push({
        where: `${at}, element ${elements[1]}`,
        why: `it ${worded(ELEMENT_WORDS, elements[3] ?? '')}${value}`,
      });
    }
    if (id === 'AK5')
      for (const code of elements.slice(2).filter(Boolean))
        problems.push({ where: null, why: worded(SET_WORDS, code) });
  }
  const codes = ak9.elements.slice(5).filter(Boolean);
  if (problems.length === 0 && codes.length > 0)
    problems.push({ where: null, why: `the group is wrong (AK9 ${codes.join(', ')})` });
  return problems;
}

/** What the warehouse wrote between delimiters of its own may not stand between ours. Throws `rejected` naming the field. */
function checkExact({ functional, control, sets }: ReceivedGroup): void {
  const all: [field: string, value: string, most: number][] = [
    ['functional', functional, 2],
    ['control', control, 9],
    ...sets.flatMap((set): typeof all => [
      ['sets.type', set.type, 3],
      ['sets.control', set.control, 9],
      ...set.problems.flatMap(({ segment }): typeof all =>
        segment ? [['sets.problems.segment.id', segment.id, 3]] : [],
      ),
    ]),
  ];
  for (const [field, value, most] of all)
    if (!isExact(value, most))
      throw rejected(`the 997 for group ${control}: '${value}' cannot be written as its ${field}`, 'unwritable', field);
}

/** Body of the 997 that answers a group. Throws `rejected` for what it cannot say. */
export function acknowledgementRows(group: ReceivedGroup): (string | number)[][] {
  checkExact(group);
  const { functional, control, sets } = group;
  const accepted = sets.filter(({ problems }) => problems.length === 0).length;
  const verdict = accepted === sets.length ? 'A' : accepted === 0 ? 'R' : 'P';
  return [
    ['AK1', functional, control],
    ...sets.flatMap(({ type, control: own, problems }) => {
      const ofSet = problems.filter(({ segment }) => segment === null).map(({ code }) => code);
      const ofSegments = problems.flatMap(({ segment, code }) =>
        segment === null ? [] : [['AK3', segment.id, segment.place, '', code]],
      );
      const codes = [...ofSet, ...(ofSegments.length > 0 ? ['5'] : [])];
      return [
        ['AK2', type, own],
        ...ofSegments,
        problems.length === 0 ? ['AK5', 'A'] : ['AK5', 'R', ...codes.slice(0, 5)],
      ];
    }),
    ['AK9', verdict, sets.length, sets.length, accepted],
  ];
}
