import { Type } from 'typebox';
import { HubError } from '../../../core/errors.ts';
import { lookupConnection } from '../../../core/estate.ts';
import type { LookupRule } from '../../../core/lookup.ts';
import { masked, scrubbed } from '../../../core/mask.ts';
import { type Answer, lookUp } from '../../../engine/lookups.ts';
import { isPersonal } from '../../../engine/names.ts';
import { covers } from '../../../guard/tokens.ts';
import { appendAudit } from '../../../ledger/audit.ts';
import { connectionStates } from '../../../ledger/connections.ts';
import { pseudonym } from '../../../ledger/vault.ts';
import { type Call, route } from '../route.ts';
import { exact, LookupAnswer, LookupView, Name } from '../schemas.ts';

const MOST_KEYS = 100;

const entityOf = ({ parts: { estate } }: Call, rule: LookupRule): string =>
  estate.connections[lookupConnection(estate, rule)]!.entity;

/** Puts into the audit who asked for which keys, and what came of it, before anybody is answered; null: nothing was. Keys that are personal stand there as digests. */
async function note(call: Call, rule: LookupRule, keys: readonly string[], answers: Answer[] | null): Promise<void> {
  const kept = isPersonal(rule.from.gives) ? keys.map((key) => pseudonym(call.parts.vault, key)) : [...keys];
  const of = (test: (answer: Answer) => boolean) => answers?.filter(test).length ?? 0;
  const detail = {
    keys: kept,
    ...(answers ? { asked: of(({ from }) => from === 'system'), problems: of(({ problem }) => problem !== null) } : {}),
  };
  await call.ledger.transaction((sql) =>
    appendAudit(sql, [
      {
        entity: entityOf(call, rule),
        actor: call.actor,
        action: answers ? 'lookup.answered' : 'lookup.unanswered',
        object: `lookup:${rule.id}`,
        detail,
      },
    ]),
  );
}

/** Look-ups belong to the entity of the system they ask. */
const visible = (call: Call): LookupRule[] =>
  (call.parts.estate.lookups ?? []).filter((rule) => covers(call.bearer, entityOf(call, rule)));

export const lookupRoutes = [
  route({
    method: 'GET',
    path: '/lookups',
    access: { scopes: ['lookups:read'] },
    tag: 'Look-ups',
    summary: 'What can be asked for at once',
    answer: exact({ items: Type.Array(LookupView) }),
    run: async (call) => ({
      items: visible(call).map((rule) => ({
        id: rule.id,
        about: rule.about,
        entity: entityOf(call, rule),
        kind: rule.from.gives.name,
        fresh: String(rule.fresh),
        stale: String(rule.stale),
        within: String(rule.within),
      })),
    }),
  }),
  route({
    method: 'GET',
    path: '/lookups/:id',
    access: { scopes: ['lookups:read'] },
    tag: 'Look-ups',
    summary: 'Ask a system for records by their keys, now',
    about: `Answers from what the system said a moment ago, or asks it; when it does not answer in time, from what it said last, as long as that may
count. At most ${MOST_KEYS} keys, separated by commas. A key of which nothing can be said has a \`problem\`; the others are
answered. Personal and payment data is masked. Each request is in the audit.`,
    params: exact({ id: Name }),
    query: exact({
      keys: Type.String({
        minLength: 1,
        maxLength: 8000,
        pattern: '^[^\\u0000]+$',
        description: 'Canonical keys, such as `store-3/MUG-01` (location/sku) for stock.',
      }),
    }),
    slow: true,
    answer: LookupAnswer,
    run: async (call) => {
      const rule = visible(call).find(({ id }) => id === call.params.id);
      if (!rule) throw new HubError('NOT_FOUND', `there is no look-up '${call.params.id}'`);
      const keys = [...new Set(call.query.keys.split(',').map((key) => key.trim()))].filter((key) => key !== '');
      if (keys.length === 0 || keys.length > MOST_KEYS)
        throw new HubError('BAD_USE', `${keys.length} keys were asked for`, { hint: `ask for 1 to ${MOST_KEYS}` });
      const connection = lookupConnection(call.parts.estate, rule);
      const states = await call.ledger.transaction(connectionStates);
      const paused = states.some(({ name, state }) => name === connection && state === 'paused');
      let answers: Answer[];
      try {
        answers = await lookUp(call.parts, rule, keys, paused);
      } catch (error) {
        await note(call, rule, keys, null);
        throw error;
      }
      await note(call, rule, keys, answers);
      return {
        items: answers.map(({ key, body, problem, from, age }) => ({
          key,
          found: body !== null,
          document: body === null ? null : masked(rule.from.gives.schema, body).body,
          problem: problem === null ? null : scrubbed(problem, []),
          from,
          age,
        })),
      };
    },
  }),
];
