import type { Database } from './database.ts';
import { Env, type Transaction, transaction } from './env.ts';
import { accessError, attributeError, notFound, typeError, unprocessable, userError } from './errors.ts';
import { methodOf } from './methods.ts';
import type { Method, Model } from './model.ts';
import type { Context, Json } from './types.ts';

/** A call as it arrived: version 19's JSON-2 names its arguments, JSON-RPC gives them in order. */
export interface Call {
  readonly uid: number;
  readonly model: string;
  readonly method: string;
  readonly args:
    | { readonly named: Record<string, Json> }
    | { readonly positional: readonly Json[]; readonly keywords: Record<string, Json> };
}

const closed = new Set([
  'init',
  'browse',
  'sudo',
  'with_context',
  'with_user',
  'with_company',
  'with_env',
  'filtered',
  'mapped',
  'ensure_one',
]);

const ids = (value: Json): number[] =>
  typeof value === 'number' ? [value] : Array.isArray(value) ? (value as number[]) : [];
const bare = (param: string) => param.replace('?', '');
const isOptional = (param: string) => param.endsWith('?');

/** `res.partner` → `ResPartner`, the class a Python error names. */
const className = (model: string): string =>
  model
    .split(/[._]/)
    .map((part) => part[0]!.toUpperCase() + part.slice(1))
    .join('');

const overridden = new Set(['create', 'write', 'unlink', 'copy']);

interface Bound {
  readonly ids: number[];
  readonly args: Record<string, Json>;
  readonly context: Context;
}

function bindNamed(call: Call, method: Method, named: Record<string, Json>): Bound {
  const { ids: given, context, ...args } = named;
  if (method.kind === 'model' && given !== undefined && ids(given).length > 0)
    throw unprocessable(`cannot call ${call.model}.${call.method} with ids`);
  const known = new Set(method.params.map(bare));
  const missing = method.params.find((param) => !isOptional(param) && args[param] === undefined);
  if (missing) throw unprocessable(`missing a required argument: '${missing}'`);
  const surplus = Object.keys(args).find((name) => !known.has(name));
  if (surplus) throw unprocessable(`got an unexpected keyword argument '${surplus}'`);
  return { ids: ids(given), args, context: (context ?? {}) as Context };
}

function bindPositional(
  call: Call,
  method: Method,
  positional: readonly Json[],
  keywords: Record<string, Json>,
): Bound {
  const { context, ...rest } = keywords;
  const owner = overridden.has(call.method) ? className(call.model) : 'BaseModel';
  const values = method.kind === 'record' ? positional.slice(1) : positional;
  const args: Record<string, Json> = {};
  for (const [i, value] of values.entries()) {
    const param = method.params[i];
    if (!param)
      throw typeError(
        `${owner}.${call.method}() takes ${method.params.length + 1} positional arguments but ${values.length + 1} were given`,
      );
    args[bare(param)] = value;
  }
  const known = new Set(method.params.map(bare));
  for (const [name, value] of Object.entries(rest)) {
    if (!known.has(name)) throw typeError(`${owner}.${call.method}() got an unexpected keyword argument '${name}'`);
    args[name] = value;
  }
  const missing = method.params.find((param) => !isOptional(param) && args[param] === undefined);
  if (missing) throw typeError(`${owner}.${call.method}() missing 1 required positional argument: '${missing}'`);
  return { ids: method.kind === 'record' ? ids(positional[0]) : [], args, context: (context ?? {}) as Context };
}

function methodFor(env: Env, call: Call, model: Model): Method {
  if (call.method.startsWith('_') || closed.has(call.method))
    throw accessError(`Private methods (such as '${call.model}.${call.method}') cannot be called remotely.`);
  const method = methodOf(env, model, call.method);
  if (method) return method;
  const message = `The method '${call.model}.${call.method}' does not exist`;
  throw 'named' in call.args ? notFound(message) : attributeError(message);
}

/** Runs a call inside the open transaction. Throws OdooError. */
export function run(db: Database, call: Call, tx: Transaction = transaction(db.now())): Json {
  const model = db.models.get(call.model);
  if (!model)
    throw 'named' in call.args
      ? notFound(`the model '${call.model}' does not exist`)
      : userError(`Object ${call.model} doesn't exist`);
  const plain = new Env(db, call.uid, {}, tx);
  const method = methodFor(plain, call, model);
  const bound =
    'named' in call.args
      ? bindNamed(call, method, call.args.named)
      : bindPositional(call, method, call.args.positional, call.args.keywords);
  const env = new Env(db, call.uid, bound.context, tx);
  if (bound.context.allowed_company_ids) env.companies;
  const args =
    bound.args.values !== undefined && call.method === 'write'
      ? { ...bound.args, vals: bound.args.values }
      : bound.args;
  const answer = method.run(env, bound.ids, args);
  env.flush();
  return answer;
}
