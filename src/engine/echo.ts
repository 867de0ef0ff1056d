import { milliseconds } from '../core/clock.ts';
import { nothing } from '../core/document.ts';
import type { AnyFlow } from '../core/estate.ts';
import { canonicalJson } from '../core/seal.ts';
import type { Sql } from '../ledger/database.ts';
import { documentBodies } from '../ledger/documents.ts';
import {
  type FlowKey,
  type KnownState,
  type KnownStates,
  knownStates,
  lockDocuments,
  noteSeen,
  type OpenDelivery,
  openCreations,
  unfinishedDeliveries,
} from '../ledger/echoes.ts';
import { type LaneKey, laneId, takePlaces } from '../ledger/lanes.ts';
import { documentPlace } from './look.ts';
import { agesOf, isVersioned } from './older.ts';
import type { Parts } from './parts.ts';
import type { Plan, PlannedDocument } from './translate.ts';
import type { SinkPort } from './wiring.ts';

/** For how long after a write of ours a change without a comparable version may be older than it. */
const DOUBT_MS = 60_000;

/** Names of the fields of a kind that are a flow's own; undefined where all are. */
export const ownFieldsOf = (flow: AnyFlow | undefined, kind: string): readonly string[] | undefined =>
  (flow?.fields as Readonly<Record<string, readonly string[]>> | undefined)?.[kind];

/** Digest of a flow's own fields of a document: what its echoes are known by. */
export function ownDigest(parts: Pick<Parts, 'vault'>, flow: AnyFlow, kind: string, body: unknown): Buffer {
  const fields = ownFieldsOf(flow, kind);
  const record = body as Readonly<Record<string, unknown>>;
  const own = fields === undefined ? record : Object.fromEntries(fields.map((field) => [field, record[field]]));
  return parts.vault.digest(canonicalJson(own));
}

/** A change that comes from a connection to which records of its kind are written as well. */
interface Candidate {
  plan: Plan;
  planned: PlannedDocument;
  writers: { flow: AnyFlow; port: SinkPort }[];
  where: FlowKey;
  digest: Buffer;
  /** The record's own at its connection, also where it came inside another one. */
  version: bigint | null;
}

type Meaning =
  /** Ours, or nothing of the flow's own fields changed. `state` is what the target is now known to hold. */
  | { is: 'echo'; state: KnownState }
  /** Older than what we wrote there since, or than what was heard from there by another source. */
  | { is: 'late' }
  /** Only the end of a write that is under way can tell. */
  | { is: 'open' }
  /** Somebody changed it there. `doubt`: a write of ours may have overwritten it, so the target must be given it as well. */
  | { is: 'change'; doubt: boolean };

/** What is to be written once echoes are taken out. */
export interface Heard {
  plans: Plan[];
  /** Writes of a changed document that are owed to the connection it comes from. */
  also: { planned: PlannedDocument; flow: AnyFlow }[];
  /** Call when the documents are written, with the version that each has now. */
  remember(versionOf: (document: { entity: string; kind: string; key: string }) => number | undefined): Promise<void>;
}

const idOf = ({ entity, kind, key }: { entity: string; kind: string; key: string }): string =>
  JSON.stringify([entity, kind, key]);

/**
 * Takes our own echoes out of plans (Idempotent Receiver of one's own writes). A change equal, on the flow's own fields, to what its connection is
 * last known to hold, written or seen, or to an open Intent there, is recorded and not sent on; so is one older than our last write, or than what another source told of the
 * record. All is decided with the documents and the lanes of their targets locked, so that no write begins or ends meanwhile.
 */
export async function withoutEchoes(parts: Parts, sql: Sql, plans: readonly Plan[]): Promise<Heard> {
  const found = plans.flatMap((plan) => candidatesOf(parts, plan));
  const looked = plans.flatMap((plan) => plan.looked);
  const named = [
    ...found.map(({ planned }) => planned),
    ...plans.flatMap((plan) => plan.documents.filter(isVersioned)),
  ];
  if (named.length + looked.length === 0) return { plans: [...plans], also: [], remember: async () => undefined };
  const documents = await lockDocuments(sql, unique([...named.map(({ write }) => write), ...looked]));
  const current = new Map(documents.map((document) => [idOf(document), document]));
  const lanes = await lockLanes(sql, found);
  const states = await knownStates(
    sql,
    found.map(({ where }) => where),
  );
  const unfinished = await unfinishedDeliveries(sql, lanes);
  const intents = await digestsOf(parts, sql, found, unfinished);
  const meanings = new Map<PlannedDocument, Meaning>();
  for (const one of found)
    meanings.set(
      one.planned,
      meaningOf(
        one,
        states.find((row) => sameFlow(row, one.where)),
        intents.get(one.planned)!,
      ),
    );

  const isDelayed = (plan: Plan): boolean =>
    plan.looked.some((look) => (current.get(idOf(look))?.version ?? 0) !== look.version) ||
    plan.documents.some((planned) => meanings.get(planned)?.is === 'open');
  const isInTime = (planned: PlannedDocument): boolean => meanings.get(planned)?.is !== 'late';
  const ages = await agesOf(
    sql,
    plans.flatMap((plan) => (isDelayed(plan) ? [] : { ...plan, documents: plan.documents.filter(isInTime) })),
    (document) => current.has(idOf(document)),
  );
  for (const planned of ages.older) meanings.set(planned, { is: 'late' });

  const seen: { one: Candidate; state: KnownState | null }[] = [];
  const also: Heard['also'] = [];
  const heard = plans.map((plan): Plan => {
    if (isDelayed(plan)) return { ...plan, outcome: 'delayed', documents: [], subjects: [], exceptions: [] };
    const meaning = plan.documents.flatMap((planned) => meanings.get(planned) ?? []);
    if (meaning.length === 0) return plan;
    for (const one of found.filter((candidate) => candidate.plan === plan)) {
      const what = meanings.get(one.planned)!;
      if (what.is === 'echo') seen.push({ one, state: what.state });
      if (what.is !== 'change') continue;
      seen.push({ one, state: null });
      const doc = current.get(idOf(one.planned.write));
      for (const { flow, port } of one.writers) {
        const lane = laneOf(one, port);
        const busy = unfinished.some((delivery) => laneId(delivery) === laneId(lane));
        if (doc && (busy || what.doubt) && mayOverwrite(flow, one.planned)) also.push({ planned: one.planned, flow });
      }
    }
    const kept = plan.documents.filter((planned) => (meanings.get(planned)?.is ?? 'change') === 'change');
    const nothingLeft = plan.outcome === 'routed' && kept.length === 0 && plan.exceptions.length === 0;
    if (!nothingLeft) return { ...plan, documents: kept };
    const outcome = meaning.some(({ is }) => is === 'echo') ? 'echo' : 'late';
    return { ...plan, documents: [], outcome, brought: nothing };
  });
  return {
    plans: heard,
    also,
    remember: async (versionOf) => {
      await ages.remember();
      await noteSeen(
        sql,
        seen.map(({ one, state }) => ({
          ...one.where,
          event: one.plan.event.id,
          ...(state ?? {
            digest: one.digest,
            version: one.version,
            document: versionOf(one.planned.write) ?? current.get(idOf(one.planned.write))?.version ?? 1,
          }),
        })),
      );
    },
  };
}

function candidatesOf(parts: Parts, plan: Plan): Candidate[] {
  const { connection } = plan.event;
  return plan.documents.flatMap((planned): Candidate[] => {
    const { type, flow, draft, write } = planned;
    const writers = draft.onlyIfNew ? [] : parts.wiring.writersTo(connection, type.name);
    if (writers.length === 0) return [];
    const where = { connection, entity: write.entity, kind: write.kind, key: write.key, flow: flow.id };
    const digest = ownDigest(parts, flow, type.name, draft.body);
    return [{ plan, planned, writers, where, digest, version: draft.sourceVersion ?? plan.event.source_version }];
  });
}

/** Whether a write of a flow there can overwrite a change: not where it makes records only, or where what it writes is other fields. */
function mayOverwrite(writer: AnyFlow, { flow, type: { name } }: PlannedDocument): boolean {
  if ((writer.makes as readonly string[] | undefined)?.includes(name)) return false;
  const [own, changed] = [ownFieldsOf(writer, name), ownFieldsOf(flow, name)];
  return own === undefined || changed === undefined || own.some((field) => changed.includes(field));
}

const laneOf = ({ where }: Candidate, port: SinkPort): LaneKey => ({
  connection: port.connection,
  sink: port.sink.name,
  laneKey: `${where.kind}:${where.key}`,
});

/** Locks the lanes of the records at the connection they come from: no Intent is committed and no outcome written meanwhile. */
async function lockLanes(sql: Sql, found: readonly Candidate[]): Promise<LaneKey[]> {
  const lanes = new Map(
    found.flatMap((one) =>
      one.writers.map(({ port }) => {
        const lane = { ...laneOf(one, port), entity: one.where.entity, priority: port.priority, count: 0 };
        return [laneId(lane), lane] as const;
      }),
    ),
  );
  await takePlaces(sql, [...lanes.values()]);
  return [...lanes.values()];
}

interface OpenIntent {
  digest: Buffer;
  document: number;
  /** While its call is under way, since when it may have landed; null where nobody waits for an answer any more. */
  since: Date | null;
}

/** Since when the call of an open Intent may have landed. */
function underWaySince({ deadline, repeated }: OpenDelivery, { sink }: SinkPort): Date | null {
  if (deadline === null) return null;
  return new Date(repeated ? 0 : deadline.getTime() - milliseconds(sink.deadline));
}

/** The open Intents that write each candidate's record at its connection, as digests of the candidate's flow. */
async function digestsOf(
  parts: Parts,
  sql: Sql,
  found: readonly Candidate[],
  unfinished: readonly OpenDelivery[],
): Promise<Map<PlannedDocument, OpenIntent[]>> {
  const open = unfinished.filter((delivery) => delivery.open);
  const bodies =
    open.length === 0
      ? []
      : await documentBodies(
          sql,
          open.map(({ document_id, version }) => ({ documentId: document_id, version })),
        );
  return new Map(
    found.map((one) => {
      const ports = new Map(one.writers.map(({ port }) => [laneId(laneOf(one, port)), port]));
      const intents = open
        .filter((delivery) => ports.has(laneId(delivery)))
        .flatMap((delivery): OpenIntent[] => {
          const { document_id, version } = delivery;
          const since = underWaySince(delivery, ports.get(laneId(delivery))!);
          const stored = bodies.find((body) => body.id === document_id && body.version === version);
          if (!stored) return [];
          const place = documentPlace(one.where.entity, stored.kind, stored.key);
          const body: unknown = JSON.parse(parts.vault.unseal(stored.body_sealed, place).toString());
          return [{ digest: ownDigest(parts, one.planned.flow, stored.kind, body), document: version, since }];
        });
      return [one.planned, intents] as const;
    }),
  );
}

/** What a change means, from what is known of its record at its connection. Exported for the tests of its table. */
export function meaningOf(
  {
    digest,
    version,
    plan,
  }: Pick<Candidate, 'digest' | 'version'> & { plan: { event: Pick<Plan['event'], 'received_at'> } },
  known: Pick<KnownStates, 'written' | 'seen'> | undefined,
  intents: readonly OpenIntent[],
): Meaning {
  const { received_at } = plan.event;
  const { written = null, seen = null } = known ?? {};
  const comparable = version !== null && written?.version != null;
  if (comparable && version < written.version!) return { is: 'late' };
  // Exactly our write, whatever was seen before it.
  if (comparable && version === written.version && written.digest.equals(digest))
    return { is: 'echo', state: { digest, version, document: written.document } };
  // Written and seen, the later one of the canonical order is what the target holds: only that, or A→B→A would be swallowed.
  const last = seen && (!written || seen.document >= written.document) ? seen : written;
  if (last?.digest.equals(digest)) return { is: 'echo', state: { digest, version, document: last.document } };
  const intent = intents.find((one) => one.digest.equals(digest));
  if (intent) {
    const newest = intent.document > (seen?.document ?? 0);
    if (newest || version === null) return { is: 'echo', state: { digest, version, document: intent.document } };
    return { is: 'open' };
  }
  // What a target makes of a write that it has not answered yet looks like somebody's change.
  if (intents.some(({ since }) => since !== null && since <= received_at)) return { is: 'open' };
  const writtenSince = written !== null && written.document > (seen?.document ?? 0);
  const doubt = comparable
    ? version === written.version
    : writtenSince && received_at.getTime() < written.at.getTime() + DOUBT_MS;
  return { is: 'change', doubt };
}

const sameFlow = (a: FlowKey, b: FlowKey): boolean =>
  a.connection === b.connection && a.entity === b.entity && a.kind === b.kind && a.key === b.key && a.flow === b.flow;

const unique = <T extends { entity: string; kind: string; key: string }>(rows: readonly T[]): T[] => [
  ...new Map(rows.map((row) => [idOf(row), row])).values(),
];

/** Digests of records that are being made at a connection by Intents that are open, for a flow that reads from there. */
export async function beingMade(
  parts: Parts,
  flow: AnyFlow,
  connection: string,
): Promise<{ kind: string; key: string; digest: Buffer }[]> {
  const made: { kind: string; key: string; digest: Buffer }[] = [];
  for (const kind of Object.keys(flow.fields ?? {})) {
    if (parts.wiring.writersTo(connection, kind).length === 0) continue;
    const open = await openCreations(parts.db, connection, kind);
    const bodies =
      open.length === 0
        ? []
        : await documentBodies(
            parts.db,
            open.map(({ document_id, version }) => ({ documentId: document_id, version })),
          );
    for (const { kind: stored, key, entity, body_sealed } of bodies) {
      const body: unknown = JSON.parse(parts.vault.unseal(body_sealed, documentPlace(entity, stored, key)).toString());
      made.push({ kind, key, digest: ownDigest(parts, flow, kind, body) });
    }
  }
  return made;
}
