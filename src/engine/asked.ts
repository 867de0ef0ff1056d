import { HubError } from '../core/errors.ts';
import { lookupConnection } from '../core/estate.ts';
import type { Answer, LookupRule } from '../core/lookup.ts';
import { appendAudit } from '../ledger/audit.ts';
import { connectionStates } from '../ledger/connections.ts';
import type { Ledger } from '../ledger/database.ts';
import { pseudonym } from '../ledger/vault.ts';
import { lookUp } from './lookups.ts';
import { isPersonal } from './names.ts';
import type { Parts } from './parts.ts';

/** Who asks, and the ledger as they may see it. */
export interface Asker {
  readonly actor: string;
  readonly ledger: Ledger;
}

/** Entity of the system that a look-up asks: the look-up belongs to it. */
export const entityOf = ({ estate }: Pick<Parts, 'estate'>, rule: LookupRule): string =>
  estate.connections[lookupConnection(estate, rule)]!.entity;

/** Asks a look-up for whoever asks the hub: a paused connection is not asked, and each request is in the audit before it is answered. Throws as `lookUp` does, and HubError BAD_USE for a key that is not written as its kind of keys are. */
export async function askFor(parts: Parts, rule: LookupRule, keys: readonly string[], asker: Asker): Promise<Answer[]> {
  const { keyForm } = rule.from;
  const wrong = keyForm && keys.find((key) => !isWritten(key, keyForm));
  if (wrong)
    throw new HubError('BAD_USE', `look-up '${rule.id}' has no key '${wrong}'`, {
      hint: `a key is written as ${keyForm}; several are separated by commas`,
    });
  const connection = lookupConnection(parts.estate, rule);
  const states = await asker.ledger.transaction(connectionStates);
  const paused = states.some(({ name, state }) => name === connection && state === 'paused');
  let answers: Answer[];
  try {
    answers = await lookUp(parts, rule, keys, paused);
  } catch (error) {
    await note(parts, rule, keys, null, asker);
    throw error;
  }
  await note(parts, rule, keys, answers, asker);
  return answers;
}

function isWritten(key: string, form: string): boolean {
  const parts = key.split('/');
  const firsts = form.split('/').length - 1;
  return [...parts.slice(0, firsts), parts.slice(firsts).join('/')].every((part) => part !== '');
}

/** Puts into the audit who asked for which keys, and what came of it; null: nothing was. Keys that are personal stand there as digests. */
async function note(
  parts: Parts,
  rule: LookupRule,
  keys: readonly string[],
  answers: Answer[] | null,
  { actor, ledger }: Asker,
): Promise<void> {
  const kept = isPersonal(rule.from.gives) ? keys.map((key) => pseudonym(parts.vault, key)) : [...keys];
  const of = (test: (answer: Answer) => boolean) => answers?.filter(test).length ?? 0;
  const detail = {
    keys: kept,
    ...(answers ? { asked: of(({ from }) => from === 'system'), problems: of(({ problem }) => problem !== null) } : {}),
  };
  await ledger.transaction((sql) =>
    appendAudit(sql, [
      {
        entity: entityOf(parts, rule),
        actor,
        action: answers ? 'lookup.answered' : 'lookup.unanswered',
        object: `lookup:${rule.id}`,
        detail,
      },
    ]),
  );
}
