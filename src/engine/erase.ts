import type { TSchema } from 'typebox';
import { erased, isErased } from '../core/erase.ts';
import { HubError } from '../core/errors.ts';
import { masked } from '../core/mask.ts';
import { canonicalJson } from '../core/seal.ts';
import { appendAudit } from '../ledger/audit.ts';
import type { Database, Sql } from '../ledger/database.ts';
import {
  earlierVersions,
  emptyTraces,
  lockDocumentsAbout,
  lockPersonalDocuments,
  overwriteBodies,
  type PersonalDocument,
  removeReferences,
  type Traces,
  tracesOf,
  writeExceptionWords,
} from '../ledger/erasure.ts';
import { pseudonym } from '../ledger/vault.ts';
import { documentPlace } from './look.ts';
import { isPersonal } from './names.ts';
import type { Parts } from './parts.ts';
import type { Decision } from './resolve.ts';

type Needed = Pick<Parts, 'vault' | 'wiring'> & { db: Pick<Database, 'transaction'> };

/** Who is meant: one or more references that the person is known by, such as ['email', 'a@b.example'], in one entity or (null) all. */
export interface Person {
  readonly references: readonly (readonly [kind: string, value: string])[];
  readonly entity: string | null;
}

/** What the ledger holds of a person. Keys are as the ledger keeps them. */
export interface Holding extends Traces {
  documents: { entity: string; kind: string; key: string }[];
}

/** A document with what is personal in it, in the clear, for as long as this takes. */
interface Opened extends PersonalDocument {
  body: unknown;
  hidden: string[];
}

/** What would be erased. Changes nothing. */
export const holdingOf = (parts: Needed, person: Person): Promise<Holding> =>
  parts.db.transaction(async (sql) => (await find(parts, sql, person)).holding);

/**
 * Takes a person out of the ledger in one transaction: bodies of their records and earlier versions are overwritten without what is personal, raw
 * records, answers of targets and what flows remember are emptied, words of Exceptions replaced, references removed. Keys (digests), amounts, counts,
 * lanes, dedupe keys and the audit chain stay.
 * Throws HubError CONFLICT while something of the person is not finished, NOT_FOUND when nothing is known of them.
 */
export async function erasePerson(parts: Needed, person: Person, { by, reason }: Decision): Promise<Holding> {
  const { vault } = parts;
  for (const [kind, value] of person.references)
    if (reason.toLowerCase().includes(value.toLowerCase()))
      throw new HubError('BAD_USE', `the reason names the ${kind}: it would stay in the audit`, {
        hint: 'name the request, such as its number, not the person',
      });
  return parts.db.transaction(async (sql) => {
    const { holding, opened } = await find(parts, sql, person);
    if (opened.length === 0) throw new HubError('NOT_FOUND', 'the ledger knows nothing under these references');
    refuseLive(holding);
    const ids = opened.map(({ id }) => id);
    const words = [
      ...new Set([...opened.flatMap(({ hidden }) => hidden), ...person.references.map(([, value]) => value)]),
    ];
    await removeReferences(
      sql,
      opened.flatMap((one) => referencesOf(parts, one, words)),
    );
    await overwrite(parts, sql, opened, words);
    const exceptions = await emptyTraces(sql, ids);
    await writeExceptionWords(
      sql,
      exceptions.map((id) => ({ id, message: vault.seal('[erased at the request of a person]', `exception:${id}`) })),
    );
    const { documents, live: _, ...counts } = holding;
    await appendAudit(
      sql,
      [...new Set(documents.map(({ entity }) => entity))].map((entity) => ({
        entity,
        actor: by,
        action: 'person.erased',
        object: `person:${pseudonym(vault, person.references[0]![1])}`,
        detail: { reason, by: person.references.map(([kind]) => kind), documents: documents.length, ...counts },
      })),
    );
    return holding;
  });
}

/** The person's own records, found by reference or key, and those that refer to them by key. */
async function find(parts: Needed, sql: Sql, person: Person): Promise<{ holding: Holding; opened: Opened[] }> {
  const { vault, wiring } = parts;
  const own = await lockPersonalDocuments(sql, {
    references: person.references.map(([kind, value]) => ({ kind, value: vault.digest(value) })),
    keys: person.references.map(([, value]) => pseudonym(vault, value)),
    entity: person.entity,
  });
  const opened = new Map(openAll(parts, own).map((one) => [one.id, one]));
  const keys = [...opened.values()].flatMap(({ entity, kind, body }) => {
    const type = wiring.type(kind);
    return type && isPersonal(type) ? [{ entity, value: vault.digest(type.key(body as never)) }] : [];
  });
  for (const one of openAll(parts, await lockDocumentsAbout(sql, keys))) opened.set(one.id, one);
  const all = [...opened.values()];
  const traces = await tracesOf(sql, [...opened.keys()]);
  const documents = all.map(({ entity, kind, key }) => ({ entity, kind, key }));
  return { holding: { documents, ...traces }, opened: all };
}

const nothingDescribed = { type: 'object', properties: {} } as unknown as TSchema;
const schemaOf = ({ wiring }: Pick<Needed, 'wiring'>, kind: string): TSchema =>
  (wiring.type(kind)?.schema as TSchema | undefined) ?? nothingDescribed;

/** Those that were erased before hold nothing any more. */
const openAll = (parts: Needed, rows: readonly PersonalDocument[]): Opened[] =>
  rows.map((row) => open(parts, row)).filter(({ body }) => !isErased(body));

function open(parts: Needed, row: PersonalDocument): Opened {
  const body: unknown = JSON.parse(
    parts.vault.unseal(row.body_sealed, documentPlace(row.entity, row.kind, row.key)).toString(),
  );
  return { ...row, body, hidden: masked(schemaOf(parts, row.kind), body).hidden };
}

function refuseLive({ live }: Holding): void {
  const open = Object.entries(live).filter(([, count]) => count > 0);
  if (open.length === 0) return;
  throw new HubError('CONFLICT', `not finished: ${open.map(([what, count]) => `${count} ${what}`).join(', ')}`, {
    hint: 'let the hub deliver them, or decide on the Exceptions (retry or dismiss); then erase',
  });
}

/** References that hold one of the words. */
function referencesOf({ vault, wiring }: Needed, { id, kind, body }: Opened, words: readonly string[]) {
  const references = wiring.type(kind)?.references(body as never) ?? [];
  return references
    .filter(([, value]) => words.some((word) => value.includes(word)))
    .map(([name, value]) => ({ documentId: id, kind: name, value: vault.digest(value) }));
}

async function overwrite(parts: Needed, sql: Sql, opened: readonly Opened[], words: readonly string[]): Promise<void> {
  const { vault } = parts;
  const byId = new Map(opened.map((one) => [one.id, one]));
  const sealed = ({ entity, kind, key }: Opened, body: unknown) => {
    const json = canonicalJson(erased(schemaOf(parts, kind), body, words));
    return { body: vault.seal(json, documentPlace(entity, kind, key)), digest: vault.digest(json) };
  };
  const earlier = (await earlierVersions(sql, [...byId.keys()])).map(({ id, version, body_sealed }) => {
    const one = byId.get(id)!;
    const body: unknown = JSON.parse(
      vault.unseal(body_sealed, documentPlace(one.entity, one.kind, one.key)).toString(),
    );
    return { id, version, ...sealed(one, body) };
  });
  await overwriteBodies(
    sql,
    opened.map((one) => ({ id: one.id, ...sealed(one, one.body) })),
    earlier,
  );
}
