import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import type { AnyDocumentType } from '../core/document.ts';
import { rejected } from '../core/fault.ts';

const compiled = new WeakMap<TSchema, ReturnType<typeof Compile>>();

/** Throws a `rejected` Fault naming the first field of a document that does not fit its schema. */
export function validateBody(type: AnyDocumentType, body: unknown): void {
  let validator = compiled.get(type.schema);
  if (!validator) {
    validator = Compile(type.schema as TSchema);
    compiled.set(type.schema, validator);
  }
  if (validator.Check(body)) return;
  const [first] = validator.Errors(body);
  const field = first?.instancePath || '(the whole record)';
  throw rejected(
    `The ${type.name} made from this record is not valid: ${field} ${first?.message ?? 'does not fit'}.`,
    'invalid-document',
    field,
  );
}
