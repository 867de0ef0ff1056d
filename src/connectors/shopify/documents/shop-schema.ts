import {
  buildClientSchema,
  type DocumentNode,
  type GraphQLInputType,
  type GraphQLSchema,
  getNamedType,
  type IntrospectionQuery,
  isInputObjectType,
  isScalarType,
  TypeInfo,
  typeFromAST,
  visit,
  visitWithTypeInfo,
} from 'graphql';
import type { Context } from '../../../core/connector.ts';
import type { Shop } from '../shop.ts';
import { query } from './document.ts';

/** A type as it is named where it is used: wrapped, or by name. */
interface Ref {
  readonly kind: string;
  readonly name: string | null;
  readonly ofType?: Ref | null;
}

interface Input {
  readonly name: string;
  readonly type: Ref;
  readonly defaultValue: string | null;
}

interface Directive {
  readonly args: readonly Input[];
}

interface Type {
  readonly kind: string;
  readonly name: string;
  readonly fields: readonly { readonly type: Ref; readonly args: readonly Input[] }[] | null;
  readonly inputFields: readonly Input[] | null;
  readonly interfaces: readonly Ref[] | null;
  readonly possibleTypes: readonly Ref[] | null;
}

interface Heads {
  readonly queryType: Ref;
  readonly mutationType: Ref;
  readonly directives: readonly Directive[];
}

const REF = `{ kind name ${'ofType { kind name '.repeat(5)}${'}'.repeat(5)} }`;
const INPUT = `name defaultValue isDeprecated deprecationReason type ${REF}`;
const TYPE = `{
  kind name isOneOf
  fields(includeDeprecated: true) {
    name isDeprecated deprecationReason type ${REF} args(includeDeprecated: true) { ${INPUT} }
  }
  inputFields(includeDeprecated: true) { ${INPUT} }
  interfaces { kind name } possibleTypes { kind name }
  enumValues(includeDeprecated: true) { name isDeprecated deprecationReason }
}`;
const HEADS = `__schema {
  queryType { kind name } mutationType { kind name }
  directives { name isRepeatable locations args(includeDeprecated: true) { ${INPUT} } }
}`;

/** Types that are asked for in one call. */
const MOST_TYPES = 40;

/** A document as it is asked for, with variables that it is sent with. */
export interface Asked {
  readonly document: DocumentNode;
  readonly given: readonly Readonly<Record<string, unknown>>[];
}

/**
 * The part of the shop's schema that documents touch, as the shop itself tells it: `version` is the one that answered. All of it would be some hundred thousand
 * lines; so only types are asked for that a document looks into, level by level. The others are there by name.
 */
export async function readSchema(
  shop: Shop,
  documents: readonly Asked[],
  cx: Context,
): Promise<{ schema: GraphQLSchema; version: string }> {
  const told = await shop.answer<{ __schema: Heads }>(
    query('SchemaHeads', ['check'], `query SchemaHeads { ${HEADS} }`),
    {},
    cx,
  );
  const heads = told.data.__schema;
  const types = new Map<string, Type | null>();
  let missing: string[] = [heads.queryType.name!, heads.mutationType.name!, ...documents.flatMap(namesIn)];
  while (missing.length > 0) {
    const names = [...new Set(missing)];
    for (let from = 0; from < names.length; from += MOST_TYPES)
      for (const [name, type] of await typesOf(shop, names.slice(from, from + MOST_TYPES), cx)) types.set(name, type);
    const schema = schemaOf(heads, types);
    missing = documents.flatMap((one) => touched(schema, one)).filter((name) => !types.has(name));
  }
  return { schema: schemaOf(heads, types), version: told.version ?? shop.settings.version };
}

async function typesOf(shop: Shop, names: readonly string[], cx: Context): Promise<[string, Type | null][]> {
  const fields = names.map((name, at) => `t${at}: __type(name: ${JSON.stringify(name)}) ${TYPE}`);
  const document = query('SchemaTypes', ['check'], `query SchemaTypes { ${fields.join('\n')} }`);
  const told = await shop.call<Record<string, Type | null>>(document, {}, cx);
  return names.map((name, at) => [name, told[`t${at}`] ?? null]);
}

/** Types that a document names itself. */
function namesIn({ document }: Asked): string[] {
  const names: string[] = [];
  visit(document, { NamedType: ({ name }) => void names.push(name.value) });
  return names;
}

/** Types that a document looks into, as far as the schema knows them already. */
function touched(schema: GraphQLSchema, { document, given }: Asked): string[] {
  const names: string[] = [];
  const info = new TypeInfo(schema);
  const look = (): void => {
    const type = info.getInputType();
    if (type) names.push(getNamedType(type).name);
  };
  visit(
    document,
    visitWithTypeInfo(info, {
      SelectionSet: () => {
        const type = info.getParentType();
        if (type) names.push(type.name);
      },
      Argument: look,
      ObjectField: look,
      VariableDefinition: ({ variable, type }) => {
        const of = typeFromAST(schema, type);
        if (of) for (const one of given) names.push(...within(of as GraphQLInputType, one[variable.name.value]));
      },
    }),
  );
  return names;
}

/** Types that a value goes through. */
function within(type: GraphQLInputType, value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap((one) => within(type, one));
  const named = getNamedType(type);
  if (isScalarType(named)) return [];
  if (!isInputObjectType(named) || typeof value !== 'object' || value === null) return [named.name];
  const fields = named.getFields();
  return [
    named.name,
    ...Object.entries(value).flatMap(([name, one]) => (fields[name] ? within(fields[name].type, one) : [])),
  ];
}

function schemaOf(
  { queryType, mutationType, directives }: Heads,
  asked: ReadonlyMap<string, Type | null>,
): GraphQLSchema {
  const types = [...asked.values()].flatMap((type) => (type === null ? [] : [withoutDefaults(type)]));
  const named = new Map<string, string>();
  const name = (ref: Ref): void => {
    if (ref.ofType) name(ref.ofType);
    else if (ref.name !== null && !asked.get(ref.name)) named.set(ref.name, ref.kind);
  };
  for (const { args } of directives) for (const { type } of args) name(type);
  for (const { fields, inputFields, interfaces, possibleTypes } of types) {
    for (const { type, args } of fields ?? []) for (const ref of [type, ...args.map((one) => one.type)]) name(ref);
    for (const ref of [...(inputFields ?? []).map(({ type }) => type), ...(interfaces ?? []), ...(possibleTypes ?? [])])
      name(ref);
  }
  const bare = [...named].map(([one, kind]) => ({
    ...{ kind, name: one, fields: [], inputFields: [], interfaces: [], possibleTypes: [], enumValues: [] },
  }));
  const __schema = {
    ...{ queryType, mutationType, subscriptionType: null },
    directives: directives.map((one) => ({ ...one, args: one.args.map(optional) })),
    types: [...types, ...bare],
  };
  return buildClientSchema({ __schema } as unknown as IntrospectionQuery, { assumeValid: true });
}

const withoutDefaults = (type: Type): Type => ({
  ...type,
  fields: type.fields?.map((field) => ({ ...field, args: field.args.map(optional) })) ?? null,
  inputFields: type.inputFields?.map(optional) ?? null,
});

/** What has a default need not be given; the default itself may be of a type that is known by name only. */
const optional = (input: Input): Input =>
  input.defaultValue === null
    ? input
    : { ...input, defaultValue: null, type: input.type.kind === 'NON_NULL' ? input.type.ofType! : input.type };
