import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isInterfaceType,
  isObjectType,
  isScalarType,
  type OperationDefinitionNode,
  type SelectionNode,
} from 'graphql';

type Variables = Readonly<Record<string, unknown>>;

/**
 * The cost that is asked for before anything is done: an object 1, scalars and enums nothing, an interface its dearest possibility, a connection 2 and
 * as many of its objects as are asked for, a mutation 10. Shopify prices some fields otherwise; ours errs to the dear side.
 *
 * @see https://shopify.dev/docs/apps/build/apis/graphql-admin/rate-limits
 */
export function requestedCost(schema: GraphQLSchema, document: DocumentNode, variables: Variables): number {
  const operation = document.definitions.find(({ kind }) => kind === 'OperationDefinition') as OperationDefinitionNode;
  const fragments = new Map(
    document.definitions
      .filter((one): one is FragmentDefinitionNode => one.kind === 'FragmentDefinition')
      .map((one) => [one.name.value, one]),
  );
  const root = operation.operation === 'mutation' ? schema.getMutationType()! : schema.getQueryType()!;
  const count = (field: FieldNode, name: string): number | undefined => {
    const value = field.arguments?.find((argument) => argument.name.value === name)?.value;
    if (value?.kind === 'IntValue') return Number(value.value);
    const given = value?.kind === 'Variable' ? variables[value.name.value] : undefined;
    if (Array.isArray(given)) return given.length;
    return typeof given === 'number' ? given : undefined;
  };
  const costOf = (selections: readonly SelectionNode[], type: GraphQLNamedType): number => {
    const own = { sum: 0, most: 0 };
    for (const selection of selections) {
      if (selection.kind === 'Field') own.sum += costOfField(selection, type);
      else {
        const fragment = selection.kind === 'FragmentSpread' ? fragments.get(selection.name.value)! : selection;
        const on = fragment.typeCondition ? schema.getType(fragment.typeCondition.name.value)! : type;
        const cost = costOf(fragment.selectionSet.selections, on);
        if (isAbstractType(type)) own.most = Math.max(own.most, cost);
        else own.sum += cost;
      }
    }
    return own.sum + own.most;
  };
  const costOfField = (field: FieldNode, parent: GraphQLNamedType): number => {
    if (!isObjectType(parent) && !isInterfaceType(parent)) return 0;
    const type = parent.getFields()[field.name.value] && getNamedType(parent.getFields()[field.name.value]!.type);
    if (!type || isScalarType(type) || !field.selectionSet) return 0;
    const inner = costOf(field.selectionSet.selections, type);
    if (parent === schema.getMutationType()) return 10 + inner;
    if (type.name === 'PageInfo') return 0;
    if (type.name.endsWith('Connection')) return 2 + (count(field, 'first') ?? count(field, 'last') ?? 0) * inner;
    return (count(field, 'ids') ?? 1) * (1 + inner);
  };
  return Math.max(1, costOf(operation.selectionSet.selections, root));
}

/** What was really used: the objects of the answer, a mutation 10 besides. */
export function actualCost(data: unknown, mutation: boolean): number {
  const objects = (value: unknown): number => {
    if (Array.isArray(value)) return value.reduce((sum: number, one) => sum + objects(one), 0);
    if (typeof value !== 'object' || value === null) return 0;
    return 1 + Object.values(value).reduce((sum: number, one) => sum + objects(one), 0);
  };
  return Math.max(1, objects(data) - 1) + (mutation ? 10 : 0);
}

/** The leaky bucket of one app at one shop. */
export class Bucket {
  readonly #size: number;
  readonly #rate: number;
  readonly #now: () => number;
  #available: number;
  #at: number;

  /** `rate` in points a second; `now` in milliseconds, never going back. */
  constructor(size: number, rate: number, now: () => number = () => performance.now()) {
    this.#size = size;
    this.#rate = rate;
    this.#now = now;
    this.#available = size;
    this.#at = now();
  }

  get #current(): number {
    return Math.min(this.#size, this.#available + ((this.#now() - this.#at) / 1000) * this.#rate);
  }

  /** Takes points, negative ones back; false where they are not there. */
  take(points: number): boolean {
    const current = this.#current;
    if (points > current) return false;
    this.#available = Math.min(this.#size, current - points);
    this.#at = this.#now();
    return true;
  }

  get status() {
    return { maximumAvailable: this.#size, currentlyAvailable: Math.floor(this.#current), restoreRate: this.#rate };
  }
}
