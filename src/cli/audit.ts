import { resolve } from 'node:path';
import { systemClock } from '../core/clock.ts';
import { HubError } from '../core/errors.ts';
import {
  type AnchoredVerdict,
  appendCheckpoint,
  makeCheckpoint,
  readCheckpoints,
  verifyAgainst,
} from '../guard/checkpoints.ts';
import { withLedger } from './open.ts';
import { printJson, sayTo } from './print.ts';

/**
 * Walks the whole audit chain, and compares it with checkpoints where a file of them is given; exit code 1 when a link is broken. Checkpoints that a restore
 * would explain count as broken unless `restored` says that there was one.
 */
export async function auditVerify({
  json = false,
  against,
  restored = false,
}: {
  json?: boolean;
  against?: string;
  restored?: boolean;
}): Promise<void> {
  const checkpoints = against === undefined ? [] : readCheckpoints(resolve(against));
  await withLedger(async ({ db, vault }) => {
    const verdict = explained(await verifyAgainst(db, vault, checkpoints), restored);
    const { sealed, unsealed, broken, agreed, before, lost } = verdict;
    if (json)
      printJson({
        sealed: Number(sealed),
        unsealed,
        broken: broken && { seq: Number(broken.seq), why: broken.why },
        checkpoints: { agreed, before, lost },
      });
    else if (broken) sayTo(false)(`The audit chain is broken at link ${broken.seq}: ${broken.why}.`);
    else
      sayTo(false)(
        `The audit chain holds: ${sealed} records sealed, ${unsealed} not sealed yet.${checkpoints.length > 0 ? ` It agrees with ${agreed} checkpoints; ${before} are of records past their retention, ${lost} from before a restore.` : ''}`,
      );
    if (broken) process.exitCode = 1;
  });
}

const explained = (verdict: AnchoredVerdict, restored: boolean): AnchoredVerdict =>
  verdict.broken || verdict.lost === 0 || restored
    ? verdict
    : {
        ...verdict,
        broken: {
          seq: verdict.sealed,
          why: `${verdict.lost} checkpoints are of records that the ledger lost when it was restored from a backup; if there was such a restore say so with --restored, else its end was cut off`,
        },
      };

/** Writes down, outside, how far the chain has come. */
export async function auditCheckpoint({ out, json = false }: { out: string; json?: boolean }): Promise<void> {
  await withLedger(async ({ db, vault }) => {
    const checkpoint = await makeCheckpoint(db, vault, systemClock.now());
    if (!checkpoint)
      throw new HubError('CONFLICT', 'nothing is sealed yet', { hint: 'a running hub seals every few seconds' });
    const path = appendCheckpoint(resolve(out), checkpoint);
    if (json) printJson({ file: path, ...checkpoint });
    else sayTo(false)(`${path}: link ${checkpoint.link}, signed by ${checkpoint.signer}`);
  });
}
