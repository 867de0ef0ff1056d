import { HubError } from '../../../core/errors.ts';
import { traceSteps, wordsOf } from '../../../ledger/trace.ts';
import { scrubber } from '../personal.ts';
import { route } from '../route.ts';
import { exact, Name, TraceView } from '../schemas.ts';
import { iso } from '../shapes.ts';

/** An answer is read by a person: longer lives are looked at through the lists. */
const MOST_STEPS = 1_000;

export const traceRoutes = [
  route({
    method: 'GET',
    path: '/trace',
    access: { scopes: ['read'] },
    tag: 'Trace',
    summary: 'Where is it? Every step in the life of a record, oldest first',
    about:
      'By what a channel calls it (an invoice number), a reference (an order number, a SKU), a subject, a document key, or the id of an event, document or Exception. Messages are without personal data; at most 1,000 steps, the newest.',
    query: exact({ key: Name }),
    answer: TraceView,
    run: (call) =>
      call.ledger.transaction(async (sql) => {
        const { key } = call.query;
        const steps = (await traceSteps(sql, call.parts.vault, key)).slice(-MOST_STEPS);
        if (steps.length === 0)
          throw new HubError('NOT_FOUND', 'nothing is known under that key', {
            hint: 'give an invoice or order number as the channel writes it, or an id',
          });
        const documents = steps.filter(({ what }) => what === 'document').map(({ id }) => id);
        const scrub = await scrubber(call.parts, sql, documents);
        return {
          key,
          steps: steps.map(({ sealed, at, ...step }) => {
            const unread = step.what === 'exception' && step.about === 'flow-failed';
            const message = unread ? null : wordsOf({ ...step, sealed }, call.parts.vault);
            return { ...step, at: iso(at), message: message === null ? null : scrub(message).message };
          }),
        };
      }),
  }),
];
