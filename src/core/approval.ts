import type { Sink } from './connector.ts';
import { HubError } from './errors.ts';
import type { AnyFlow, Estate } from './estate.ts';

/** A person's word that a flow may use sinks which cannot promise by themselves that a record is made once only. */
export interface Approval {
  /** Why that is acceptable, for those who ask later. */
  readonly reason: string;
  /** Who answers for it. */
  readonly by: string;
}

/** A sink of a flow that needs an approval: nothing at the target sees that a record comes again. */
export interface WeakSink {
  readonly kind: string;
  readonly sink: string;
  readonly idempotency: 'find-first' | 'unsafe';
}

export function weakSinks(flow: AnyFlow): WeakSink[] {
  return Object.entries(flow.to as Readonly<Record<string, Sink>>).flatMap(([kind, { name, idempotency }]) =>
    idempotency === 'find-first' || idempotency === 'unsafe' ? [{ kind, sink: name, idempotency }] : [],
  );
}

const meaning = {
  'find-first': 'find-first: it is asked whether it has the record, and a lost answer is only safe if that question is',
  unsafe: 'unsafe: after a lost answer only a person can tell whether it has the record',
} as const;

/** Throws HubError CONFIG_INVALID naming the flow that lacks an approval and what to add, or the approval that is for nothing. */
export function checkApprovals({ flows, approvals = {} }: Estate): void {
  for (const [id, { reason, by }] of Object.entries(approvals)) {
    if (!flows.some((flow) => flow.id === id))
      throw new HubError('CONFIG_INVALID', `approvals: no flow is called '${id}'`);
    for (const [name, words] of Object.entries({ reason, by }))
      if (typeof words !== 'string' || words.trim() === '')
        throw new HubError('CONFIG_INVALID', `the approval of flow '${id}' has no ${name}`);
  }
  for (const flow of flows) {
    const [weak] = weakSinks(flow);
    if (!weak || Object.hasOwn(approvals, flow.id)) continue;
    throw new HubError(
      'CONFIG_INVALID',
      `flow '${flow.id}' sends '${weak.kind}' to sink '${weak.sink}', which cannot promise by itself that a record is made once only (${meaning[weak.idempotency]})`,
      {
        hint: `if that is acceptable, say so in the estate file: approvals: { '${flow.id}': { reason: '…', by: '…' } }`,
      },
    );
  }
}
