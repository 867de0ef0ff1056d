import {
  type DocumentNode,
  type FieldNode,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isListType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  parse,
  type SelectionSetNode,
  TypeInfo,
  validate,
  visit,
  visitWithTypeInfo,
} from 'graphql';
import { EVERYTHING } from './pages.ts';

const isConnection = (type: GraphQLOutputType | null | undefined): boolean =>
  !!type && getNamedType(type).name.endsWith('Connection');

const fieldsOf = ({ selections }: SelectionSetNode): FieldNode[] =>
  selections.filter((one): one is FieldNode => one.kind === Kind.FIELD);

const child = (field: FieldNode | undefined, name: string): FieldNode | undefined =>
  field?.selectionSet && fieldsOf(field.selectionSet).find((one) => one.name.value === name);

/**
 * What Shopify says of a query that cannot be run in bulk; null where it can: one connection at the top, at most five in all and two deep below it, none within a list, by
 * edges and nodes, each node that has parts with its id, no variables. Fragments are not simulated.
 *
 * @see https://shopify.dev/docs/api/usage/bulk-operations/queries#operation-restrictions
 */
export function wrongWithBulk(schema: GraphQLSchema, text: string): string | null {
  let document: DocumentNode;
  try {
    document = parse(text);
  } catch (error) {
    return `Invalid bulk query: ${(error as Error).message}`;
  }
  const [invalid] = validate(schema, document);
  if (invalid) return `Invalid bulk query: ${invalid.message}`;
  const [operation, ...others] = document.definitions as OperationDefinitionNode[];
  if (others.length > 0) return 'the simulated shop knows no fragments in bulk queries';
  if (operation!.operation !== 'query' || operation!.variableDefinitions?.length)
    return 'Invalid bulk query: a query without variables is wanted.';
  const top = fieldsOf(operation!.selectionSet);
  if (top.length !== 1) return 'Bulk queries cannot contain more than one top-level field.';
  const type = schema.getQueryType()!.getFields()[top[0]!.name.value]!.type;
  if (!isConnection(type)) return 'Bulk queries must contain at least one connection.';
  const found = { connections: 0 };
  const wrong = wrongWithConnection(top[0]!, type, 0, found);
  if (wrong) return wrong;
  return found.connections > 5 ? 'Bulk queries cannot contain more than 5 connections.' : null;
}

function wrongWithConnection(
  field: FieldNode,
  type: GraphQLOutputType,
  depth: number,
  found: { connections: number },
): string | null {
  found.connections += 1;
  if (depth > 2) return 'Bulk queries cannot contain connections with a nesting depth greater than 2.';
  const node = child(child(field, 'edges'), 'node');
  if (!node?.selectionSet) return `The connection '${field.name.value}' must select 'edges' and 'node'.`;
  const edge = getNamedType(type);
  const edges = isObjectType(edge) ? getNamedType(edge.getFields().edges!.type) : null;
  const nodeType = isObjectType(edges) ? edges.getFields().node!.type : type;
  const before = found.connections;
  const wrong = wrongWithin(node.selectionSet, nodeType, depth, false, found);
  if (wrong) return wrong;
  if (found.connections > before && !child(node, 'id'))
    return `The parent 'node' field for a nested connection must select the 'id' field without an alias and must be of 'ID' return type. Connection fields without 'id': ${field.name.value}.`;
  return null;
}

function wrongWithin(
  selections: SelectionSetNode,
  type: GraphQLOutputType,
  depth: number,
  inList: boolean,
  found: { connections: number },
): string | null {
  const named = getNamedType(type);
  if (!isObjectType(named)) return null;
  for (const field of fieldsOf(selections)) {
    const inner = named.getFields()[field.name.value]?.type;
    if (!inner || !field.selectionSet) continue;
    const list = inList || isListType(getNullableType(inner));
    if (isConnection(inner) && list)
      return 'Queries that contain a connection field within a list field are not currently supported.';
    const wrong = isConnection(inner)
      ? wrongWithConnection(field, inner, depth + 1, found)
      : wrongWithin(field.selectionSet, inner, depth, list, found);
    if (wrong) return wrong;
  }
  return null;
}

/** The query as it is worked off: a page of the top connection, and all of each one below. */
export function pageOfBulk(schema: GraphQLSchema, text: string, after: string | null): DocumentNode {
  const types = new TypeInfo(schema);
  const argument = (name: string, value: object) => ({
    kind: Kind.ARGUMENT,
    name: { kind: Kind.NAME, value: name },
    value,
  });
  let depth = 0;
  return visit(
    parse(text),
    visitWithTypeInfo(types, {
      Field: {
        enter(field) {
          if (!isConnection(types.getType())) return undefined;
          depth += 1;
          const first = depth === 1 ? 100 : EVERYTHING;
          const more = [
            argument('first', { kind: Kind.INT, value: String(first) }),
            ...(depth === 1 && after !== null ? [argument('after', { kind: Kind.STRING, value: after })] : []),
          ];
          const kept = (field.arguments ?? []).filter(({ name }) => name.value !== 'first');
          const info = parse('{ pageInfo { hasNextPage endCursor } }').definitions[0] as OperationDefinitionNode;
          const selections = [...field.selectionSet!.selections, ...(depth === 1 ? info.selectionSet.selections : [])];
          return {
            ...field,
            arguments: [...kept, ...more],
            selectionSet: { ...field.selectionSet, selections },
          } as FieldNode;
        },
        leave() {
          if (isConnection(types.getType())) depth -= 1;
        },
      },
    }),
  );
}

type Json = Readonly<Record<string, unknown>>;
type Edges = { readonly edges: readonly { readonly node: Json }[] };
const hasEdges = (value: unknown): value is Edges =>
  typeof value === 'object' && value !== null && 'edges' in value && Array.isArray(value.edges);

/** Lines of one object: its own, and those of its parts, which name it. */
export function* linesOf(node: Json, parent: string | null): Generator<{ line: Json; depth: number }> {
  const own = Object.entries(node).filter(([, value]) => !hasEdges(value));
  yield {
    line: { ...Object.fromEntries(own), ...(parent === null ? {} : { __parentId: parent }) },
    depth: parent === null ? 0 : 1,
  };
  for (const value of Object.values(node))
    if (hasEdges(value)) for (const edge of value.edges) yield* linesOf(edge.node, String(node.id));
}
