import type { Static } from 'typebox';
import { weakSinks } from '../../../core/approval.ts';
import { HubError } from '../../../core/errors.ts';
import { type AnyFlow, sourceOf } from '../../../core/estate.ts';
import type { MappingSeed } from '../../../core/flow.ts';
import { covers } from '../../../guard/tokens.ts';
import { paged } from '../cursor.ts';
import { type Call, route } from '../route.ts';
import { exact, FlowView, Name, pageOf, pageQuery } from '../schemas.ts';

const entityOf = ({ parts: { estate } }: Call, flow: AnyFlow): string =>
  estate.connections[sourceOf(estate, flow).connection]!.entity;

/** Flows of the estate belong to the entity they read from; where they send to another one is that one's business. */
const visible = (call: Call): AnyFlow[] =>
  call.parts.estate.flows.filter((flow) => covers(call.bearer, entityOf(call, flow)));

function approvalOf({ parts: { estate } }: Call, flow: AnyFlow): Static<typeof FlowView>['approval'] {
  const sinks = weakSinks(flow);
  const approval = estate.approvals?.[flow.id];
  return approval && sinks.length > 0 ? { reason: approval.reason, by: approval.by, sinks } : null;
}

function view(call: Call, flow: AnyFlow): Static<typeof FlowView> {
  const { estate, wiring } = call.parts;
  const { connection, source } = sourceOf(estate, flow);
  const targets = Object.keys(flow.to).map((kind) => ({ kind, ...wiring.sink(flow, kind) }));
  return {
    id: flow.id,
    about: flow.about,
    entity: entityOf(call, flow),
    from: { connection, source: source.name },
    to: targets
      .filter(({ entity }) => covers(call.bearer, entity))
      .map((target) => ({ kind: target.kind, connection: target.connection, sink: target.sink.name })),
    latency: flow.latency === 'realtime' ? 'realtime' : `${flow.latency.batch} (${flow.latency.zone})`,
    promise: { within: String(flow.promise.within), critical: flow.promise.critical },
    onException: {
      owner: flow.onException.owner,
      within: String(flow.onException.within),
      hold: flow.onException.hold,
    },
    fallback: flow.fallback,
    approval: approvalOf(call, flow),
    mappings: (flow.mappings ?? []).map(({ table }: MappingSeed) => table),
  };
}

export const flowRoutes = [
  route({
    method: 'GET',
    path: '/flows',
    access: { scopes: ['read'] },
    tag: 'Flows',
    summary: 'Flows of the estate',
    query: exact(pageQuery),
    answer: pageOf(FlowView),
    run: (call) =>
      paged(
        call,
        async (after: string | null, limit) =>
          visible(call)
            .filter(({ id }) => after === null || id > after)
            .sort((a, b) => (a.id < b.id ? -1 : 1))
            .slice(0, limit),
        ({ id }): string => id,
        (flows) => flows.map((flow) => view(call, flow)),
      ),
  }),
  route({
    method: 'GET',
    path: '/flows/:id',
    access: { scopes: ['read'] },
    tag: 'Flows',
    summary: 'One flow',
    params: exact({ id: Name }),
    answer: FlowView,
    run: async (call) => {
      const flow = visible(call).find(({ id }) => id === call.params.id);
      if (!flow) throw new HubError('FLOW_UNKNOWN', `there is no flow '${call.params.id}'`);
      return view(call, flow);
    },
  }),
];
