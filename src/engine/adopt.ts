import type { Item } from '../core/connector.ts';
import type { AnyDocumentType, Need } from '../core/document.ts';
import type { AnyFlow } from '../core/estate.ts';
import { onlyLooking } from '../core/look.ts';
import { appendAudit } from '../ledger/audit.ts';
import { externalIds } from '../ledger/bindings.ts';
import { adopt, keyOfExternal } from '../ledger/echoes.ts';
import { refreshLanes } from '../ledger/lanes.ts';
import { contextFor } from './context.ts';
import { eventRow, withStorableNames } from './intake.ts';
import { translate } from './look.ts';
import { prepareNames } from './masking.ts';
import { isPersonal } from './names.ts';
import type { Parts } from './parts.ts';
import { itemsOf, withSeeds } from './plan.ts';
import { typeOf } from './validate.ts';
import type { SinkPort, SourcePort } from './wiring.ts';

/** A record that a flow would bring. */
interface Brought {
  readonly kind: string;
  readonly entity: string;
  /** As the ledger keeps it. */
  readonly kept: string;
  /** The id by which its source knows it. */
  readonly sourceId: string | undefined;
  readonly item: Item<unknown>;
  /** What it needs and follows, as a delivery of it would be linked. */
  readonly needs: readonly Need[];
}

interface Pair {
  readonly key: string;
  readonly id: string;
  readonly by: string;
}

/** What two sides have of one kind. */
export interface Sides {
  readonly kind: string;
  readonly entity: string;
  /** Connection that has them already. */
  readonly connection: string;
  /** To be bound. */
  readonly matched: readonly Pair[];
  /** Bound before. */
  readonly known: number;
  /** Keys that the target has nothing of. */
  readonly onlyHere: readonly string[];
  /** How many of the target's nothing here is like; null where it does not say. */
  readonly onlyThere: number | null;
  readonly ambiguous: readonly { readonly key: string; readonly message: string }[];
  /** Ids by which the source knows what it brought, by key. */
  readonly sources: readonly { readonly key: string; readonly id: string }[];
}

/** What a flow brings cannot be asked about: its source or its translation fails. */
export interface Unasked {
  readonly subject: string;
  readonly message: string;
}

const BATCH = 200;

/**
 * Reads all that a flow's source has and asks the flow's targets what they have of it already, by what people know records by: barcode, SKU, e-mail address, order
 * number; what is about a record that was matched (a payment of an order), by that. Writes nothing, neither to the ledger nor to any system.
 */
export async function compareSides(
  parts: Parts,
  port: SourcePort,
  flow: AnyFlow,
  signal: AbortSignal,
): Promise<{ sides: Sides[]; unasked: Unasked[] }> {
  const { brought, unasked } = await read(
    { ...parts, mappings: withSeeds(parts) as Parts['mappings'] },
    port,
    flow,
    signal,
  );
  const sides: Sides[] = [];
  const byKind = Map.groupBy(brought, (one) => one.kind);
  // In the order of the flow: what a record needs is matched before it.
  for (const { name: kind } of flow.documents as readonly AnyDocumentType[]) {
    const target = parts.wiring.sink(flow, kind);
    const records = byKind.get(kind);
    if (records && target.sink.match)
      sides.push(await compare(parts, target, { kind, records, before: sides }, signal));
  }
  return { sides, unasked };
}

/** Each record once, as it was told last. */
async function read(parts: Parts, port: SourcePort, flow: AnyFlow, signal: AbortSignal) {
  const brought = new Map<string, Brought>();
  const unasked: Unasked[] = [];
  for await (const items of itemsOf(parts, port, null, signal))
    for (const incoming of items) {
      const { connection } = port;
      const row = eventRow(parts, { connection, source: port.source.name, incoming: withStorableNames(incoming) });
      const { entity, subject } = row;
      const event = { entity, connection, subject, received_at: parts.clock.now(), decision: null };
      try {
        const native = flow.from.decode(incoming.bytes);
        const { documents } = await translate(parts, flow, event, { native }, { memory: null, looked: [] });
        for (const draft of documents) {
          const type = typeOf(flow, draft);
          const key = type.key(draft.body);
          const kept = parts.names.key(type.name, key);
          const item = {
            key: isPersonal(type) ? key : kept,
            id: null,
            document: draft.body,
            version: 1,
            links: new Map(),
          };
          const needs = [...type.needs(draft.body), ...type.follows(draft.body)];
          brought.set(`${type.name} ${kept}`, {
            kind: type.name,
            entity,
            kept,
            sourceId: draft.externalId,
            item,
            needs,
          });
        }
      } catch (error) {
        unasked.push({ subject, message: (error as Error).message });
      }
    }
  return { brought: [...brought.values()], unasked };
}

async function compare(
  parts: Parts,
  { connection, sink }: SinkPort,
  { kind, records, before }: { kind: string; records: readonly Brought[]; before: readonly Sides[] },
  signal: AbortSignal,
): Promise<Sides> {
  const cx = onlyLooking(contextFor(parts, connection, signal, () => true));
  const entity = records[0]!.entity;
  const where = { connection, entity, kind };
  const matched: Pair[] = [];
  const onlyHere: string[] = [];
  const ambiguous: { key: string; message: string }[] = [];
  let known = 0;
  for (let from = 0; from < records.length; from += BATCH) {
    const batch = records.slice(from, from + BATCH);
    const bound = await externalIds(
      parts.db,
      batch.map(({ kept }) => ({ ...where, key: kept })),
    );
    const open = batch.filter(({ kept }) => !bound.some(({ key }) => key === kept));
    known += batch.length - open.length;
    const items = await linked(parts, { connection, entity }, open, before);
    const answers = open.length === 0 ? [] : await sink.match!(items as never, cx);
    for (const [place, { kept }] of open.entries()) {
      const answer = answers[place]!;
      if (answer.match === 'none') onlyHere.push(kept);
      else if (answer.match === 'several') ambiguous.push({ key: kept, message: answer.message });
      else {
        const other = await keyOfExternal(parts.db, where, answer.id);
        if (other === null) matched.push({ key: kept, id: answer.id, by: answer.by });
        else ambiguous.push({ key: kept, message: `${answer.id} in ${connection} is bound to '${other}' already` });
      }
    }
  }
  const single = unlessTwice(matched, ambiguous, connection);
  const all = (await sink.count?.(cx)) ?? null;
  return {
    ...where,
    matched: single,
    known,
    onlyHere,
    onlyThere: all === null ? null : Math.max(0, all - single.length - known),
    ambiguous,
    sources: records.flatMap(({ kept, sourceId }) => (sourceId === undefined ? [] : [{ key: kept, id: sourceId }])),
  };
}

/** Items with the target's ids of what they need: what is bound, and what was just matched. */
async function linked(
  parts: Parts,
  where: { connection: string; entity: string },
  records: readonly Brought[],
  before: readonly Sides[],
): Promise<Item<unknown>[]> {
  const keyOf = ([kind, key]: Need): string => parts.names.key(kind, key);
  const needed = records.flatMap(({ needs }) => needs.map((need) => ({ ...where, kind: need[0], key: keyOf(need) })));
  const ids = new Map(
    before
      .filter(({ connection, entity }) => connection === where.connection && entity === where.entity)
      .flatMap(({ kind, matched }) => matched.map(({ key, id }) => [`${kind}:${key}`, id] as const)),
  );
  for (const { kind, key, external_id: id } of await externalIds(parts.db, needed)) ids.set(`${kind}:${key}`, id);
  return records.map(({ item, needs }) => ({
    ...item,
    links: new Map(needs.map((need) => [`${need[0]}:${need[1]}`, ids.get(`${need[0]}:${keyOf(need)}`) ?? ''])),
  }));
}

/** One record there cannot be two here. */
function unlessTwice(
  matched: readonly Pair[],
  ambiguous: { key: string; message: string }[],
  connection: string,
): Pair[] {
  const byId = Map.groupBy(matched, ({ id }) => id);
  return matched.filter(({ key, id }) => {
    const others = byId.get(id)!.filter((one) => one.key !== key);
    if (others.length === 0) return true;
    const names = others.map((one) => `'${one.key}'`).join(', ');
    ambiguous.push({ key, message: `${id} in ${connection} is like ${names} as well` });
    return false;
  });
}

/**
 * Binds what was matched, on both sides, so that flows find it and nothing is made twice. What is bound already stays. Every pair stands in the audit, with the reason,
 * in the transaction that binds it.
 */
export async function adoptMatches(
  parts: Parts,
  { flow, source, sides }: { flow: AnyFlow; source: string; sides: readonly Sides[] },
  { by, reason }: { by: string; reason: string },
): Promise<void> {
  // A ledger that no hub has begun with yet would take what is written here for names that are still to be masked.
  await prepareNames(parts);
  for (const { kind, entity, connection, matched, sources } of sides)
    for (let from = 0; from < matched.length; from += BATCH) {
      const pairs = matched.slice(from, from + BATCH);
      const keys = new Set(pairs.map(({ key }) => key));
      const told = source === connection ? [] : sources.filter(({ key }) => keys.has(key));
      await parts.db.transaction(async (sql) => {
        const lanes = await adopt(sql, [
          ...pairs.map(({ key, id }) => ({ connection, entity, kind, key, externalId: id })),
          ...told.map(({ key, id }) => ({ connection: source, entity, kind, key, externalId: id })),
        ]);
        await refreshLanes(sql, lanes);
        const detail = {
          flow: flow.id,
          kind,
          connection,
          reason,
          pairs: pairs.map(({ key, id, by: way }) => ({ key, id, by: way })),
        };
        await appendAudit(sql, [
          { entity, actor: by, action: 'records.adopted', object: `connection:${connection}`, detail },
        ]);
      });
    }
}
