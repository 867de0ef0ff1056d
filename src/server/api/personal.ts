import type { TSchema } from 'typebox';
import { masked, scrubbed } from '../../core/mask.ts';
import { documentPlace } from '../../engine/look.ts';
import type { Bearer } from '../../guard/tokens.ts';
import { appendAudit } from '../../ledger/audit.ts';
import type { Sql } from '../../ledger/database.ts';
import { documentsOfDeliveries } from '../../ledger/pages/deliveries.ts';
import { type BodyRow, bodiesByKey, recentBodies } from '../../ledger/pages/documents.ts';
import type { DecidedException } from '../../ledger/pages/exceptions.ts';
import type { ApiParts, Call } from './route.ts';

export const mayReadPersonal = ({ scopes }: Pick<Bearer, 'scopes'>): boolean => scopes.includes('personal:read');

/** A kind that no flow of the estate knows is described by nothing: all of it is hidden. */
const nothingDescribed: TSchema = { type: 'object', properties: {} };

/** A document's body as the schema of its kind allows it to be shown, and what was hidden of it. */
export const maskedBody = (parts: ApiParts, kind: string, body: unknown) =>
  masked(parts.wiring.type(kind)?.schema ?? nothingDescribed, body);

/** Personal and payment values around documents: in their recent versions and in what they need (an order's customer). */
async function hiddenAround(
  parts: ApiParts,
  sql: Sql,
  documentIds: readonly string[],
): Promise<Map<string, Set<string>>> {
  const found = new Map<string, Set<string>>(documentIds.map((id) => [id, new Set()]));
  const needs: { id: string; entity: string; kind: string; key: string }[] = [];
  for (const row of await recentBodies(sql, documentIds)) {
    const body = bodyOf(parts, row);
    for (const value of maskedBody(parts, row.kind, body).hidden) found.get(row.id)!.add(value);
    const type = parts.wiring.type(row.kind);
    for (const [kind, key] of type ? type.needs(body as never) : [])
      needs.push({ id: row.id, entity: row.entity, kind, key: parts.names.key(kind, key) });
  }
  const needed = new Map<string, string[]>();
  for (const row of await bodiesByKey(sql, distinct(needs)))
    needed.set(`${row.entity} ${row.kind} ${row.key}`, maskedBody(parts, row.kind, bodyOf(parts, row)).hidden);
  for (const { id, entity, kind, key } of needs)
    for (const value of needed.get(`${entity} ${kind} ${key}`) ?? []) found.get(id)!.add(value);
  return found;
}

const bodyOf = ({ vault }: ApiParts, { entity, kind, key, body_sealed }: BodyRow): unknown =>
  JSON.parse(vault.unseal(body_sealed, documentPlace(entity, kind, key)).toString());

const distinct = <Row extends { entity: string; kind: string; key: string }>(rows: readonly Row[]): Row[] => [
  ...new Map(rows.map((row) => [`${row.entity} ${row.kind} ${row.key}`, row])).values(),
];

/** Words that a target or a failing flow chose, as they may be shown. */
export interface Words {
  message: string;
  masked: boolean;
}

const UNREAD = 'The flow failed at this record; its own words may quote the record and need the scope personal:read.';

const scrub = (message: string, hidden: Iterable<string>): Words => {
  const shown = scrubbed(message, hidden);
  return { message: shown, masked: shown !== message };
};

/** The message of each Exception without personal data: what its document and its neighbours hold is taken out of the words. */
export async function maskedMessages(parts: ApiParts, sql: Sql, rows: readonly DecidedException[]): Promise<Words[]> {
  const deliveries = rows.flatMap(({ delivery_id }) => delivery_id ?? []);
  const documents = new Map((await documentsOfDeliveries(sql, deliveries)).map((row) => [row.id, row.document_id]));
  const hidden = await hiddenAround(parts, sql, [...new Set(documents.values())]);
  return rows.map((row) => {
    if (row.cause === 'flow-failed') return { message: UNREAD, masked: true };
    return scrub(messageOf(parts, row), hidden.get(documents.get(row.delivery_id ?? '') ?? '') ?? []);
  });
}

export const messageOf = ({ vault }: ApiParts, row: DecidedException): string =>
  vault.unseal(row.message_sealed, `exception:${row.id}`).toString();

/** Words about documents without the personal data of any of them. */
export async function scrubber(
  parts: ApiParts,
  sql: Sql,
  documentIds: readonly string[],
): Promise<(message: string) => Words> {
  const all = new Set<string>();
  for (const values of (await hiddenAround(parts, sql, documentIds)).values())
    for (const value of values) all.add(value);
  return (message) => scrub(message, all);
}

/** Audits that somebody saw personal data, in the transaction that reads it. */
export async function auditReading(
  call: Call,
  sql: Sql,
  entity: string,
  object: string,
  detail: object = {},
): Promise<void> {
  await appendAudit(sql, [{ entity, actor: call.actor, action: 'personal.read', object, detail }]);
}
