import { HubError } from '../core/errors.ts';
import { erasePerson, type Holding, holdingOf } from '../engine/erase.ts';
import { wire } from '../engine/wiring.ts';
import { loadEstate } from './estate-file.ts';
import { actor } from './mapping.ts';
import { withLedger } from './open.ts';
import { printJson, sayTo, table } from './print.ts';

/** Takes a person out of the ledger; without `yes` only says what that would be. */
export async function erase(options: {
  reference: string[];
  reason: string;
  entity?: string;
  yes?: boolean;
  config: string;
  json?: boolean;
}): Promise<void> {
  const { reason, entity = null, yes = false, json = false } = options;
  const references = options.reference.map((text) => {
    const at = text.indexOf('=');
    if (at < 1 || at === text.length - 1)
      throw new HubError('BAD_USE', 'a reference is not kind=value', { hint: 'write it as email=jane@example.org' });
    return [text.slice(0, at), text.slice(at + 1)] as const;
  });
  const estate = await loadEstate(options.config);
  await withLedger(async ({ db, vault }) => {
    const parts = { db, vault, wiring: wire(estate) };
    const person = { references, entity };
    const holding = yes ? await erasePerson(parts, person, { by: actor(), reason }) : await holdingOf(parts, person);
    if (json) return printJson({ erased: yes, ...holding });
    tell(holding, yes);
  });
}

function tell({ documents, events, attempts, exceptions, memories, live }: Holding, done: boolean): void {
  const say = sayTo(false);
  if (documents.length === 0) {
    say('The ledger knows nothing under these references.');
    return;
  }
  say(
    table(
      ['kind', 'key', 'entity'],
      documents.map(({ kind, key, entity }) => [kind, key, entity]),
    ),
  );
  say(
    `\n${events} raw records, ${attempts} answers of targets, ${exceptions} Exceptions, ${memories} memories of flows around them.`,
  );
  const open = Object.entries(live).filter(([, count]) => count > 0);
  if (open.length > 0)
    say(`Not finished, and to be finished or decided on first: ${open.map(([what, n]) => `${n} ${what}`).join(', ')}.`);
  say(
    done
      ? 'Erased. Amounts, keys (as digests), dedupe keys and the audit stay.'
      : 'Nothing was changed. Repeat the command with --yes to erase what is personal in them.',
  );
  say(
    'Not reached from here: backups that were made before (remove them, or erase again after a restore), files in the inbox and its done/ folder, and the systems that records came from and went to.',
  );
}
