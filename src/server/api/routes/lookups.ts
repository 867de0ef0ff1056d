import { Type } from 'typebox';
import { HubError } from '../../../core/errors.ts';
import type { LookupRule } from '../../../core/lookup.ts';
import { masked, scrubbed } from '../../../core/mask.ts';
import { askFor, entityOf } from '../../../engine/asked.ts';
import { covers } from '../../../guard/tokens.ts';
import { type Call, route } from '../route.ts';
import { exact, LookupAnswer, LookupView, Name } from '../schemas.ts';

const MOST_KEYS = 100;

/** Look-ups belong to the entity of the system they ask. */
const visible = (call: Call): LookupRule[] =>
  (call.parts.estate.lookups ?? []).filter((rule) => covers(call.bearer, entityOf(call.parts, rule)));

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
        entity: entityOf(call.parts, rule),
        kind: rule.from.gives.name,
        keyForm: rule.from.keyForm ?? null,
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
      const answers = await askFor(call.parts, rule, keys, call);
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
