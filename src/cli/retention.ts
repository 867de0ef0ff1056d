import { systemClock } from '../core/clock.ts';
import { applyRetention, planRetention } from '../guard/retention.ts';
import { loadEstate } from './estate-file.ts';
import { actor } from './mapping.ts';
import { withLedger } from './open.ts';
import { printJson, sayTo, table } from './print.ts';

/** Removes what is past its time by the estate's retention, as a hub does every day; with `dryRun` only says what would go. */
export async function retention({
  config,
  dryRun = false,
  json = false,
}: {
  config: string;
  dryRun?: boolean;
  json?: boolean;
}): Promise<void> {
  const terms = (await loadEstate(config)).retention ?? {};
  const say = sayTo(json);
  await withLedger(async ({ db }) => {
    const now = systemClock.now();
    const removals = dryRun ? await planRetention(db, terms, now) : await applyRetention(db, terms, now, actor());
    if (json) printJson(removals);
    else if (removals.length === 0) say('Nothing is past its time.');
    else
      say(
        table(
          [dryRun ? 'would go' : 'went', 'older than', '>rows', '>stay'],
          removals.map(({ what, before, rows, kept }) => [
            what,
            before.toISOString().slice(0, 10),
            String(rows),
            kept ? String(kept) : '',
          ]),
        ),
      );
  }, say);
}
