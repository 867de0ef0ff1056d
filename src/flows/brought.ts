import { type AnyDocumentType, addMeasures, type Measure, nothing } from '../core/document.ts';
import type { Draft, Look } from '../core/flow.ts';

const taken = ({ lines, currency, minor, absolute }: Measure): Measure => ({
  lines: -lines,
  currency,
  minor: -minor,
  absolute: -absolute,
});

/**
 * What an Event brought beyond what was known: the weight of its documents, less that of their versions before. For systems that tell each record whole at
 * every change.
 */
export async function broughtBy(
  drafts: readonly Draft[],
  types: readonly AnyDocumentType[],
  look: Pick<Look, 'current'>,
): Promise<Measure> {
  let all: Measure = nothing;
  for (const { kind, body, onlyIfNew } of drafts) {
    const type = types.find(({ name }) => name === kind);
    if (!type || onlyIfNew) continue;
    const before = await look.current(type, type.key(body));
    all = addMeasures(all, type.measure(body));
    if (before !== null) all = addMeasures(all, taken(type.measure(before)));
  }
  return all;
}
