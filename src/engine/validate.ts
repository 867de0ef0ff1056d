import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import type { AnyDocumentType } from '../core/document.ts';
import { isErased } from '../core/erase.ts';
import type { AnyFlow } from '../core/estate.ts';
import { rejected } from '../core/fault.ts';
import type { Breach, Draft, Rule, Surroundings } from '../core/flow.ts';
import { misfit } from '../core/misfit.ts';
import { currentDocuments } from '../ledger/echoes.ts';
import { bodyOf, type Circumstances, documentPlace, type Told } from './look.ts';
import type { Parts } from './parts.ts';

const compiled = new WeakMap<TSchema, ReturnType<typeof Compile>>();

/** Throws a `rejected` Fault naming the first field of a document that does not fit its schema. */
export function validateBody(type: AnyDocumentType, body: unknown): void {
  let validator = compiled.get(type.schema);
  if (!validator) {
    validator = Compile(type.schema as TSchema);
    compiled.set(type.schema, validator);
  }
  if (validator.Check(body)) return;
  const { at, words } = misfit(validator.Errors(body));
  const field = at || '(the whole record)';
  throw rejected(`The ${type.name} made from this record is not valid: ${field} ${words}.`, 'invalid-document', field);
}

/** The kind of a draft among its flow's documents. Throws for one that is not among them. */
export function typeOf(flow: AnyFlow, draft: Draft): AnyDocumentType {
  const type = (flow.documents as AnyDocumentType[]).find(({ name }) => name === draft.kind);
  if (!type) throw new Error(`flow '${flow.id}' made a '${draft.kind}', which is not among its documents`);
  return type;
}

/** The answer to an Exception about a rule: go on with it as it is. */
const PASS = 'pass';

/**
 * All that an Event means is looked at before any of it is written: throws a `rejected` Fault for a document that does not fit its schema, or that breaks rules
 * of its flow which nobody has let pass.
 */
export async function validateDrafts(
  parts: Pick<Parts, 'db' | 'vault' | 'names'>,
  flow: AnyFlow,
  told: Pick<Told, 'entity' | 'received_at' | 'decision'>,
  drafts: readonly Draft[],
  circumstances: Pick<Circumstances, 'looked' | 'made'>,
): Promise<void> {
  for (const draft of drafts) validateBody(typeOf(flow, draft), draft.body);
  const around = { receivedAt: told.received_at, documents: drafts };
  for (const draft of drafts) {
    const found = breaches(flow, draft.kind, draft.body, around).filter((breach) => !isLetPass(told.decision, breach));
    if (found.length === 0) continue;
    const before = await bodyBefore(parts, told.entity, draft, typeOf(flow, draft), circumstances);
    const known = before === null ? [] : breaches(flow, draft.kind, before, around);
    refuse(found.filter((breach) => !(breach.passable && known.some(({ message }) => message === breach.message))));
  }
}

/** Throws a `rejected` Fault for a record that a person has changed, unless it fits its schema and what is wrong with it is theirs to let pass. */
export function validateEdited(flow: AnyFlow, type: AnyDocumentType, body: unknown, receivedAt: Date): void {
  validateBody(type, body);
  const around = { receivedAt, documents: [{ kind: type.name, body }] };
  refuse(breaches(flow, type.name, body, around).filter(({ passable }) => !passable));
}

const breaches = ({ rules }: AnyFlow, kind: string, body: unknown, around: Surroundings): Breach[] =>
  ((rules?.[kind] ?? []) as readonly Rule[]).flatMap((rule) => rule(body, around) ?? []);

/** `pass` of an Event that was held whole is for all that its Exception told, `pass:cause` for one of them. */
function isLetPass(decision: string | null, { cause, passable }: Breach): boolean {
  const [word, only = cause] = (decision ?? '').split(':');
  return passable === true && word === PASS && only === cause;
}

/** What must be put right comes first: only where there is none of it can the rest be let pass. */
function refuse(found: readonly Breach[]): void {
  const inOrder = [...found.filter(({ passable }) => !passable), ...found.filter(({ passable }) => passable)];
  const [first] = inOrder;
  if (!first) return;
  const words = inOrder.map(({ message }) => message).join(' ');
  const ways = !first.passable ? '' : ` Correct it at its source, or let it pass: retry it with the answer '${PASS}'.`;
  throw rejected(`${words}${ways}`, first.cause, first.field);
}

/** The document as it is now, or null; what stands in it was let pass before. */
async function bodyBefore(
  { db, vault, names }: Pick<Parts, 'db' | 'vault' | 'names'>,
  entity: string,
  draft: Draft,
  type: AnyDocumentType,
  { looked, made }: Pick<Circumstances, 'looked' | 'made'>,
): Promise<unknown> {
  const key = names.key(type.name, type.key(draft.body));
  const before = made?.get(documentPlace(entity, type.name, key));
  if (before !== undefined) return before;
  const [row] = await currentDocuments(db, [{ entity, kind: type.name, key }]);
  looked.push({ entity, kind: type.name, key, version: row?.version ?? 0 });
  if (!row) return null;
  const body = bodyOf({ vault }, row);
  return isErased(body) ? null : body;
}
