import type { Json, Version } from './types.ts';

/** An exception as Odoo would raise it: `name` is the Python class, `status` what JSON-2 answers. */
export class OdooError extends Error {
  override readonly name: string;
  readonly status: number;
  readonly context: { [key: string]: Json };
  readonly extra: readonly Json[];

  constructor(name: string, status: number, message: string, options: { context?: { [key: string]: Json } } = {}) {
    super(message);
    this.name = name;
    this.status = status;
    this.context = options.context ?? {};
    this.extra = name.startsWith('werkzeug.') ? [status] : [];
  }

  /** How `load()` of `model` words this error in one of its messages, and the field it names beside it. */
  inLoad(_model: string): { message: string; field?: string; moreinfo?: string } {
    if (!this.name.startsWith('builtins.')) return { message: this.message };
    const kind = this.name.slice('builtins.'.length);
    return {
      message: `Unknown error during import: <class '${kind}'>: ${this.message}`,
      moreinfo: 'Resolve other errors first',
    };
  }
}

export const userError = (message: string) => new OdooError('odoo.exceptions.UserError', 422, message);
export const validationError = (message: string) => new OdooError('odoo.exceptions.ValidationError', 422, message);
export const accessError = (message: string, context: { [key: string]: Json } = {}) =>
  new OdooError('odoo.exceptions.AccessError', 403, message, { context });
export const accessDenied = () => new OdooError('odoo.exceptions.AccessDenied', 403, 'Access Denied');
export const valueError = (message: string) => new OdooError('builtins.ValueError', 500, message);
/** Text that PostgreSQL cannot hold: a NUL, half of a surrogate pair. */
export function refuseUnstorable(text: string): void {
  if (text.includes('\0')) throw valueError('A string literal cannot contain NUL (0x00) characters.');
  if (text.isWellFormed()) return;
  const place = [...text].findIndex((character) => !character.isWellFormed());
  const code = [...text][place]!.charCodeAt(0).toString(16);
  throw new OdooError(
    'builtins.UnicodeEncodeError',
    500,
    `'utf-8' codec can't encode character '\\u${code}' in position ${place}: surrogates not allowed`,
  );
}

export const keyError = (message: string) => new OdooError('builtins.KeyError', 500, message);
export const typeError = (message: string) => new OdooError('builtins.TypeError', 500, message);
export const attributeError = (message: string) => new OdooError('builtins.AttributeError', 500, message);
export const notFound = (message: string) => new OdooError('werkzeug.exceptions.NotFound', 404, message);
export const unprocessable = (message: string) =>
  new OdooError('werkzeug.exceptions.UnprocessableEntity', 422, message);
export const unauthorized = (message: string) => new OdooError('werkzeug.exceptions.Unauthorized', 401, message);
export const badRequest = (message: string) => new OdooError('werkzeug.exceptions.BadRequest', 400, message);

/** What a call answers whose five tries all met a concurrent update. */
export const serializationFailure = () =>
  new OdooError('psycopg2.errors.SerializationFailure', 500, 'could not serialize access due to concurrent update\n');

export const missingError = (model: string, id: number, uid: number) =>
  new OdooError(
    'odoo.exceptions.MissingError',
    404,
    `Record does not exist or has been deleted.\n(Record: ${model}(${id},), User: ${uid})`,
  );

/** A rule the database itself enforces. RPC and `load()` word it differently, and each version in its own way. */
class ConstraintError extends OdooError {
  private readonly short: string;

  constructor(message: string, short: string) {
    super('odoo.exceptions.ValidationError', 422, message);
    this.short = short;
  }

  override inLoad(_model: string): { message: string; field?: string } {
    return { message: this.short };
  }
}

interface Place {
  model: string;
  modelLabel: string;
  field: string;
  fieldLabel: string;
}

const requiredHints =
  '- create/update: a mandatory field is not set\n' +
  '- delete: another model requires the record being deleted, you can archive it instead\n';

/** A required field was left empty. In a line below the loaded record, `load()` knows less about it. */
class RequiredError extends OdooError {
  private readonly version: Version;
  private readonly at: Place;

  constructor(version: Version, at: Place) {
    const long18 =
      'The operation cannot be completed:\n- Create/update: a mandatory field is not set.\n' +
      '- Delete: another model requires the record being deleted. If possible, archive it instead.\n\n' +
      `Model: ${at.modelLabel} (${at.model})\nField: ${at.fieldLabel} (${at.field})\n`;
    const long19 =
      `The operation cannot be completed: Missing required value for the field '${at.fieldLabel}' (${at.field}).\n` +
      `Model: '${at.modelLabel}' (${at.model})\n${requiredHints}`;
    super('odoo.exceptions.ValidationError', 422, version >= 19 ? long19 : long18);
    this.version = version;
    this.at = at;
  }

  override inLoad(model: string): { message: string; field?: string } {
    const { field, fieldLabel, modelLabel } = this.at;
    const own = model === this.at.model;
    const missing = `Missing required value for the field '${fieldLabel}' (${field})`;
    if (this.version >= 19) {
      const place = own ? `'${modelLabel}' (${model})` : 'Unknown';
      return { message: `${missing}.\nModel: ${place}\n${requiredHints}`, ...(own ? { field } : {}) };
    }
    const table = this.at.model.replaceAll('.', '_');
    return own
      ? { message: missing, field }
      : { message: `Missing required value for the field '${field}' on a linked model [${table}]` };
  }
}

export const requiredMissing = (version: Version, at: Place): OdooError => new RequiredError(version, at);

/** A reference to a record that is not there, or the removal of one that is still needed. */
export function referenceBroken(version: Version, at: Place): ConstraintError {
  const text =
    version >= 19
      ? 'Another model is using the record you are trying to delete.\n\n' +
        `The troublemaker is: '${at.modelLabel}' (${at.model})\n` +
        `Thanks to the following constraint: '${at.fieldLabel}' (${at.field})\n` +
        'How about archiving the record instead?'
      : 'another model requires the record being deleted. If possible, archive it instead.\n\n' +
        `Model: ${at.modelLabel} (${at.model})\n` +
        `Constraint: ${at.model.replaceAll('.', '_')}_${at.field}_fkey\n`;
  return new ConstraintError(`The operation cannot be completed: ${text}`, text);
}

/** A check or unique constraint with its own sentence. */
export const checkFailed = (version: Version, sentence: string): ConstraintError =>
  new ConstraintError(`The operation cannot be completed: ${sentence}`, version >= 19 ? sentence : `'${sentence}'`);
