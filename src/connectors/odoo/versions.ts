/**
 * What differs between Odoo's major versions: the one table of it.
 *
 * @see docs of the External JSON-2 API (19.0) and External RPC API (18.0); observed on 18.0 (2025-05) and 19.0 (2026-03), odoo.md §2 and §3
 */
export interface Dialect {
  readonly major: 17 | 18 | 19;
  /** JSON-2 sends arguments by name, JSON-RPC by position (parameter names differ between versions and overrides). */
  readonly protocol: 'json-2' | 'json-rpc';
  /** Never run against a real server by us. */
  readonly experimental: boolean;
  /** Taxes of a sale order line. */
  readonly lineTaxes: 'tax_id' | 'tax_ids';
  /** Route of a sale order line. */
  readonly lineRoute: 'route_id' | 'route_ids';
  /** How goods that are counted are declared on a product. */
  readonly goods: Readonly<Record<string, string>>;
  readonly service: Readonly<Record<string, string>>;
  /** stock.move.name is required up to 18 and gone in 19. */
  readonly moveName: boolean;
  /** Domain of products that are counted. */
  readonly stored: readonly unknown[];
  /** Method that groups: 19 has a new one, with aggregates that are named as they were asked for. */
  readonly group: 'read_group' | 'formatted_read_group';
  /** Method that answers "may this user …", and its further arguments. */
  readonly access: 'has_access' | 'check_access_rights';
}

const goods = { type: 'consu', is_storable: 'True' };
const stored = [['is_storable', '=', true]];
const service = { type: 'service', is_storable: 'False' };

const dialects: readonly Dialect[] = [
  {
    major: 17,
    protocol: 'json-rpc',
    experimental: true,
    lineTaxes: 'tax_id',
    lineRoute: 'route_id',
    goods: { detailed_type: 'product' },
    service: { detailed_type: 'service' },
    moveName: true,
    stored: [['detailed_type', '=', 'product']],
    group: 'read_group',
    access: 'check_access_rights',
  },
  {
    major: 18,
    protocol: 'json-rpc',
    experimental: false,
    lineTaxes: 'tax_id',
    lineRoute: 'route_id',
    goods,
    service,
    moveName: true,
    stored,
    group: 'read_group',
    access: 'has_access',
  },
  {
    major: 19,
    protocol: 'json-2',
    experimental: false,
    lineTaxes: 'tax_ids',
    lineRoute: 'route_ids',
    goods,
    service,
    moveName: false,
    stored,
    group: 'formatted_read_group',
    access: 'has_access',
  },
];

export const supported = 'Odoo 18 and 19 (17 experimental)';

/** The dialect of a `server_version_info` such as [19, 0, 0, "final", 0, ""], or null where we speak none. Intermediate releases ("saas~18", 2) are none. */
export function dialectOf(versionInfo: readonly unknown[]): Dialect | null {
  const [major, minor] = versionInfo;
  return minor === 0 ? (dialects.find((dialect) => dialect.major === major) ?? null) : null;
}

interface Method {
  /** Works on records: the ids are sent. The others are `@api.model` and answer 422 to ids. */
  readonly records: boolean;
  /** May change something in Odoo: an answer that was lost is then `unknown`. */
  readonly writes: boolean;
  /** Parameters in the order of the signature (the same on 17, 18 and 19), with what stands for one that is left out. */
  readonly parameters: readonly (readonly [name: string, absent?: unknown])[];
}

const methods: Readonly<Record<string, Method>> = {
  context_get: { records: false, writes: false, parameters: [] },
  fields_get: { records: false, writes: false, parameters: [['allfields', null], ['attributes']] },
  search_read: {
    records: false,
    writes: false,
    parameters: [['domain', []], ['fields', null], ['offset', 0], ['limit', null], ['order']],
  },
  default_get: { records: false, writes: false, parameters: [['fields']] },
  read_group: {
    records: false,
    writes: false,
    parameters: [
      ['domain'],
      ['fields'],
      ['groupby'],
      ['offset', 0],
      ['limit', null],
      ['orderby', false],
      ['lazy', true],
    ],
  },
  formatted_read_group: { records: false, writes: false, parameters: [['domain'], ['groupby'], ['aggregates']] },
  search_count: { records: false, writes: false, parameters: [['domain', []], ['limit']] },
  read: { records: true, writes: false, parameters: [['fields', null]] },
  has_access: { records: true, writes: false, parameters: [['operation']] },
  check_access_rights: { records: false, writes: false, parameters: [['operation'], ['raise_exception']] },
  get_external_id: { records: true, writes: false, parameters: [] },
  load: { records: false, writes: true, parameters: [['fields'], ['data']] },
  create: { records: false, writes: true, parameters: [['vals_list']] },
  write: { records: true, writes: true, parameters: [['vals']] },
  action_assign: { records: true, writes: true, parameters: [] },
  action_cancel: { records: true, writes: true, parameters: [] },
  create_invoices: { records: true, writes: true, parameters: [] },
  action_create_payments: { records: true, writes: true, parameters: [] },
  button_validate: { records: true, writes: true, parameters: [] },
  action_post: { records: true, writes: true, parameters: [] },
  button_draft: { records: true, writes: true, parameters: [] },
  reconcile: { records: true, writes: true, parameters: [] },
};

/** Throws RangeError for a method the table does not know: the connector calls nothing else. */
export function methodOf(name: string): Method {
  const method = methods[name];
  if (!method) throw new RangeError(`Odoo method '${name}' is not in versions.ts`);
  return method;
}

/** Named arguments as the positions of the method's signature. Throws RangeError for a name that is not in it. */
export function positions(name: string, args: readonly (readonly [string, unknown])[]): unknown[] {
  const { parameters } = methodOf(name);
  const given = new Map(args);
  for (const key of given.keys())
    if (!parameters.some(([parameter]) => parameter === key))
      throw new RangeError(`Odoo method '${name}' has no parameter '${key}'`);
  const last = parameters.findLastIndex(([parameter]) => given.has(parameter));
  return parameters
    .slice(0, last + 1)
    .map(([parameter, absent]) => (given.has(parameter) ? given.get(parameter) : absent));
}
