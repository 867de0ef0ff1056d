import type { RecordGroup } from '../../connectors/csv/index.ts';
import { append, type Known, type Merge } from '../../connectors/csv/lines.ts';
import { rejected } from '../../core/fault.ts';
import type { Look } from '../../core/flow.ts';
import { book, type DaySalesTranslation } from './book.ts';
import { asRow } from './doubts.ts';
import { knownOf, type Memory, type Pending, type Row } from './memory.ts';
import type { Cause } from './rules.ts';
import type { Settings } from './settings.ts';

const verbs = ['append', 'duplicate', 'post', 'retry'];

/**
 * The Event comes again because a person decided: `append` or `duplicate` about lines in doubt, `post` about lines that were held, `retry`
 * (or nothing) to be judged once more. Each is about everything open of this Event, or about one cause when it is named:
 * `post:manual-entry`.
 */
export async function settle(
  native: RecordGroup,
  look: Look<Memory>,
  before: Memory,
  pending: Pending,
  settings: Settings,
): Promise<DaySalesTranslation> {
  const [verb = '', only] = (look.decision ?? 'retry').split(':');
  if (!verbs.includes(verb))
    throw rejected(
      `'${verb}' is no decision of this flow: use append or duplicate for lines in doubt, post for lines that are held, or retry.`,
      'decision-unknown',
    );
  const concerns = (cause: string): boolean => only === undefined || only === cause;
  const doubts = verb === 'post' ? [] : pending.untold.filter(({ why }) => concerns(why));
  const held = ['append', 'duplicate'].includes(verb)
    ? []
    : Object.entries(pending.held).filter(([cause]) => concerns(cause));
  const left: Pending = {
    untold: pending.untold.filter((doubt) => !doubts.includes(doubt)),
    held: Object.fromEntries(
      Object.entries(pending.held).filter(([cause]) => !held.some(([taken]) => taken === cause)),
    ),
  };
  const again = verb === 'retry';
  const more = again ? [] : doubts.flatMap(({ lines, least }) => (verb === 'append' ? lines : least).map(asRow));
  const known = knownOf(before);
  const merged: Merge<Row> =
    more.length > 0 ? append(known, more) : { known: known as Known<Row>, appended: [], duplicates: 0, untold: [] };
  return book({
    native,
    look,
    settings,
    columns: before.columns,
    merged: {
      ...merged,
      untold: (again ? doubts : []).map(({ why, lines, least }) => ({
        why,
        lines: lines.map(asRow),
        least: least.map(asRow),
      })),
    },
    before,
    release: new Map(again ? [] : held.flatMap(([cause, ids]) => ids.map((id) => [id, cause as Cause] as const))),
    unasked: left,
    askAgain: again ? Object.fromEntries(held) : {},
  });
}
