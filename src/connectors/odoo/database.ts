import { type Duration, milliseconds } from '../../core/clock.ts';
import type { Context } from '../../core/connector.ts';
import { type Fault, rejected } from '../../core/fault.ts';
import { OdooFault } from './errors.ts';
import { moduleOf } from './external-id.ts';
import type { Settings } from './settings.ts';
import { type Call, type Introduction, OdooTransport } from './transport.ts';
import type { Dialect } from './versions.ts';

export interface Company {
  readonly id: number;
  readonly name: string;
  readonly currency: { readonly id: number; readonly name: string };
}

interface Tax {
  readonly id: number;
  readonly name: string;
}

export interface Warehouse {
  readonly id: number;
  readonly code: string;
  readonly stockLocation: number;
  readonly internalType: number;
}

/** Decimals that Odoo rounds to when it stores; null where it does not round, or does not say. */
export interface Precision {
  readonly price: number | null;
  readonly quantity: number | null;
}

export type Row = Readonly<Record<string, unknown>>;
type Many = readonly [id: number, name: string] | false;

const keepFor: Duration = '10m';

/**
 * One company of one Odoo database, as its sinks see it: every call carries exactly this company, and what changes rarely is read once and kept for
 * ten minutes (all of it is forgotten when Odoo refuses us, or a lookup misses).
 */
export class Odoo {
  readonly settings: Settings;
  readonly #transport: OdooTransport;
  readonly #kept = new Map<string, { until: number; value: unknown }>();

  constructor(settings: Settings) {
    this.settings = settings;
    this.#transport = new OdooTransport(settings);
  }

  /** Module of our external ids. */
  module(cx: Context): string {
    return this.settings.prefix ?? moduleOf(cx.connection);
  }

  version(cx: Context): Promise<{ version: string; dialect: Dialect | null }> {
    return this.#transport.version(cx);
  }

  introduction(cx: Context): Promise<Introduction> {
    return this.#keep('introduction', cx, () => this.#transport.introduce(cx));
  }

  async dialect(cx: Context): Promise<Dialect> {
    return (await this.introduction(cx)).dialect;
  }

  /** Calls in our company. */
  async call(model: string, method: string, call: Call, cx: Context): Promise<unknown> {
    const { id } = await this.company(cx);
    return this.#raw(model, method, { ...call, context: { allowed_company_ids: [id], ...call.context } }, cx);
  }

  /** At most `limit` rows of a domain, all when absent. */
  async read(
    model: string,
    domain: readonly unknown[],
    fields: readonly string[],
    cx: Context,
    order = 'id',
    limit?: number,
  ): Promise<Row[]> {
    const args: [string, unknown][] = [
      ['domain', domain],
      ['fields', fields],
      ['order', order],
    ];
    if (limit !== undefined) args.push(['limit', limit]);
    return rowsOf(await this.call(model, 'search_read', { args }, cx));
  }

  async count(model: string, domain: readonly unknown[], cx: Context): Promise<number> {
    return Number(await this.call(model, 'search_count', { args: [['domain', domain]] }, cx));
  }

  /** The server's clock, to the second, as `write_date` is written: a default that Odoo fills in with the present moment. */
  async now(cx: Context): Promise<string> {
    const answer = await this.call('sale.order', 'default_get', { args: [['fields', ['date_order']]] }, cx);
    const { date_order: now } = answer as { date_order?: unknown };
    if (typeof now === 'string' && /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(now)) return now;
    throw new OdooFault({ kind: 'transient', message: 'Odoo did not tell the time' });
  }

  /** The newest `write_date` among rows of a domain, by the id in `field`. */
  async newest(model: string, domain: readonly unknown[], field: string, cx: Context): Promise<Map<number, string>> {
    const { group } = await this.dialect(cx);
    const asked = 'write_date:max';
    const args: [string, unknown][] = [
      ['domain', domain],
      ['groupby', [field]],
      [group === 'read_group' ? 'fields' : 'aggregates', [asked]],
    ];
    const rows = rowsOf(await this.call(model, group, { args }, cx));
    const column = group === 'read_group' ? 'write_date' : asked;
    return new Map(
      rows.flatMap((row) =>
        typeof row[column] === 'string' ? [[pair(row[field] as Many).id, row[column].slice(0, 19)] as const] : [],
      ),
    );
  }

  /** Codes of warehouses of the company by id. */
  async warehouseCodes(cx: Context): Promise<ReadonlyMap<number, string>> {
    return new Map((await this.warehouses(cx)).map(({ id, code }) => [id, code]));
  }

  /** The company that the estate names; without a name the user's only one. */
  company(cx: Context): Promise<Company> {
    return this.#keep('company', cx, async () => {
      const { uid } = await this.introduction(cx);
      const [user] = rowsOf(
        await this.#raw('res.users', 'read', { ids: [uid], args: [['fields', ['company_ids']]] }, cx),
      );
      const allowed = rowsOf(
        await this.#raw(
          'res.company',
          'search_read',
          {
            args: [
              ['domain', [['id', 'in', user?.company_ids ?? []]]],
              ['fields', ['name', 'currency_id']],
              ['order', 'id'],
            ],
            context: { allowed_company_ids: user?.company_ids ?? [] },
          },
          cx,
        ),
      ).map((row) => ({ id: row.id as number, name: String(row.name), currency: pair(row.currency_id as Many) }));
      return chooseCompany(allowed, this.settings.company);
    });
  }

  /** May the user do this to records of the model at all? */
  may(model: string, operation: 'read' | 'write' | 'create', cx: Context): Promise<boolean> {
    return this.#keep(`may ${operation} ${model}`, cx, async () => {
      const { access } = await this.dialect(cx);
      const args: [string, unknown][] = [['operation', operation]];
      if (access === 'check_access_rights') args.push(['raise_exception', false]);
      return (await this.call(model, access, { ids: [], args }, cx)) === true;
    }).then((allowed) => {
      // A right that is missing is asked for again: somebody is just granting it.
      if (!allowed) this.#kept.delete(`may ${operation} ${model}`);
      return allowed;
    });
  }

  /** Records of ours by external id, among those of a domain: `ir.model.data` itself may be read by administrators only. */
  async own(
    model: string,
    domain: unknown[],
    externalIds: readonly string[],
    fields: string[],
    cx: Context,
  ): Promise<Map<string, Row>> {
    const rows = await this.read(model, domain, fields, cx);
    if (rows.length === 0) return new Map();
    const names = await this.externalIds(
      model,
      rows.map((row) => row.id as number),
      cx,
    );
    const wanted = new Set(externalIds);
    return new Map(
      rows.flatMap((row) => {
        const name = names.get(row.id as number);
        return name !== undefined && wanted.has(name) ? [[name, row] as const] : [];
      }),
    );
  }

  /** Sales taxes that a code of Mapping table `taxes` stands for: a tax name or id of our company; '' and 'none' are explicitly no tax. */
  async taxes(code: string, cx: Context): Promise<number[]> {
    const value = cx.mapping('taxes').get(code).trim();
    if (value === '' || value.toLowerCase() === 'none') return [];
    const company = await this.company(cx);
    const all = await this.#keep('taxes', cx, async () =>
      (
        await this.read(
          'account.tax',
          [
            ['type_tax_use', '=', 'sale'],
            ['company_id', '=', company.id],
          ],
          ['name'],
          cx,
        )
      ).map((row): Tax => ({ id: row.id as number, name: String(row.name) })),
    );
    const named = all.filter((tax) => tax.name === value);
    const found = named.length > 0 ? named : all.filter((tax) => String(tax.id) === value);
    if (found.length === 1) return [found[0]!.id];
    this.#kept.delete('taxes');
    throw rejected(
      found.length === 0
        ? `Mapping table 'taxes' has '${value}' for '${code}', but ${company.name} in Odoo has no sales tax of that name or id`
        : `Mapping table 'taxes' has '${value}' for '${code}', but ${company.name} in Odoo has ${found.length} sales taxes of that name: put the id of the right one into the table`,
      'tax-unknown',
      'taxes',
    );
  }

  /** ISO 3166-1 alpha-2 codes by id. */
  countryCodes(cx: Context): Promise<ReadonlyMap<number, string>> {
    return this.#keep('countries', cx, async () => {
      const rows = await this.read('res.country', [], ['code'], cx);
      return new Map(rows.map((row) => [row.id as number, String(row.code)]));
    });
  }

  /** Country of an ISO 3166-1 alpha-2 code. */
  async country(code: string, cx: Context): Promise<number> {
    // ISO 3166-1 says GB; so does Odoo, but people and older systems write UK.
    const wanted = code.toUpperCase() === 'UK' ? 'GB' : code.toUpperCase();
    const id = [...(await this.countryCodes(cx))].find(([, one]) => one === wanted)?.[0];
    if (id === undefined) throw rejected(`Odoo has no country with the code '${code}'`, 'country-unknown', 'country');
    return id;
  }

  /** Country of the company; '' where it has none. */
  homeCountry(cx: Context): Promise<string> {
    return this.#keep('home', cx, async () => {
      const { id } = await this.company(cx);
      const [row] = await this.read('res.company', [['id', '=', id]], ['country_id'], cx);
      return (await this.countryCodes(cx)).get(relation(row?.country_id).id) ?? '';
    });
  }

  /** Those of the fields that the model has: some belong to modules that may not be installed. */
  has(model: string, fields: readonly string[], cx: Context): Promise<string[]> {
    return this.#keep(`fields ${model} ${fields.join(' ')}`, cx, async () => {
      const args: [string, unknown][] = [
        ['allfields', fields],
        ['attributes', ['type']],
      ];
      const told = (await this.call(model, 'fields_get', { args }, cx)) as Record<string, unknown>;
      return fields.filter((field) => field in told);
    });
  }

  /** External ids by record; records without one are left out. */
  async externalIds(model: string, ids: readonly number[], cx: Context): Promise<Map<number, string>> {
    if (ids.length === 0) return new Map();
    const names = (await this.call(model, 'get_external_id', { ids }, cx)) as Record<string, string>;
    return new Map(ids.flatMap((id) => (names[String(id)] ? [[id, names[String(id)]!] as const] : [])));
  }

  /** Pricelist to sell with in a currency: null for the company's own, which needs none. */
  async pricelist(currency: string, cx: Context): Promise<number | null> {
    const company = await this.company(cx);
    if (company.currency.name === currency) return null;
    const found = await this.#keep(`pricelist ${currency}`, cx, async () => {
      const domain = [
        ['currency_id.name', '=', currency],
        ['company_id', 'in', [company.id, false]],
      ];
      const rows = await this.read('product.pricelist', domain, ['company_id'], cx);
      return (rows.find((row) => row.company_id !== false) ?? rows[0])?.id as number | undefined;
    });
    if (found !== undefined) return found;
    this.#kept.delete(`pricelist ${currency}`);
    throw rejected(
      `${company.name} in Odoo keeps ${company.currency.name} and has no active pricelist in ${currency}: create one, or map the currency to a company that keeps it`,
      'currency-unknown',
      'currency',
    );
  }

  /** Active pricelists that the company may use. */
  pricelists(cx: Context): Promise<{ id: number; name: string; currency: string }[]> {
    return this.#keep('pricelists', cx, async () => {
      const { id } = await this.company(cx);
      const domain = [['company_id', 'in', [id, false]]];
      const rows = await this.read('product.pricelist', domain, ['name', 'currency_id'], cx);
      return rows.map((row) => ({
        id: row.id as number,
        name: String(row.name),
        currency: relation(row.currency_id).name,
      }));
    });
  }

  /** What price and quantity of an order line are rounded to. */
  precision(cx: Context): Promise<Precision> {
    return this.#keep('precision', cx, async () => {
      const fields = ['price_unit', 'product_uom_qty'];
      const told = (await this.call(
        'sale.order.line',
        'fields_get',
        {
          args: [
            ['allfields', fields],
            ['attributes', ['digits']],
          ],
        },
        cx,
      )) as Record<string, { digits?: unknown } | undefined>;
      const digits = (field: string): number | null => {
        const value = told[field]?.digits;
        return Array.isArray(value) && typeof value[1] === 'number' ? value[1] : null;
      };
      return { price: digits('price_unit'), quantity: digits('product_uom_qty') };
    });
  }

  /** Warehouses of the company; the configured one, else the first. */
  async warehouse(cx: Context): Promise<Warehouse> {
    const all = await this.warehouses(cx);
    const code = this.settings.warehouse;
    const found = code === undefined ? all[0] : all.find((warehouse) => warehouse.code === code);
    if (found) return found;
    this.#kept.delete('warehouses');
    const { name } = await this.company(cx);
    throw new OdooFault({
      kind: 'refused',
      message:
        code === undefined
          ? `${name} in Odoo has no warehouse`
          : `${name} in Odoo has no warehouse '${code}' (it has ${all.map((one) => one.code).join(', ') || 'none'})`,
    });
  }

  warehouses(cx: Context): Promise<Warehouse[]> {
    return this.#keep('warehouses', cx, async () => {
      const { id } = await this.company(cx);
      const fields = ['code', 'lot_stock_id', 'int_type_id'];
      const rows = await this.read('stock.warehouse', [['company_id', '=', id]], fields, cx, 'sequence, id');
      return rows.map((row) => ({
        id: row.id as number,
        code: String(row.code),
        stockLocation: pair(row.lot_stock_id as Many).id,
        internalType: pair(row.int_type_id as Many).id,
      }));
    });
  }

  /** Id of the delivery method of this name. */
  async carrier(name: string, cx: Context): Promise<number> {
    const rows = await this.read('delivery.carrier', [['name', '=', name]], ['name'], cx);
    if (rows.length === 1) return rows[0]!.id as number;
    throw rejected(
      `Odoo has ${rows.length === 0 ? 'no delivery method' : `${rows.length} delivery methods`} called '${name}' (Mapping table 'carriers')`,
      'carrier-unknown',
      'carrier',
    );
  }

  /** Code of the warehouse by operation type. */
  pickingTypes(cx: Context): Promise<ReadonlyMap<number, string>> {
    return this.#keep('picking types', cx, async () => {
      const codes = await this.warehouseCodes(cx);
      const { id } = await this.company(cx);
      const domain = [
        ['company_id', '=', id],
        ['active', 'in', [true, false]],
      ];
      const rows = await this.read('stock.picking.type', domain, ['warehouse_id'], cx);
      return new Map(
        rows.flatMap((row) => {
          const code = codes.get(relation(row.warehouse_id).id);
          return code === undefined ? [] : [[row.id as number, code] as const];
        }),
      );
    });
  }

  /** Id of the account with this code in our company. */
  account(code: string, cx: Context): Promise<number> {
    return this.#coded('account.account', 'account', 'accounts', code, [], cx);
  }

  /** Id of the journal with this code in our company; `table` is the Mapping table that named it. */
  async journal(code: string, cx: Context, table = 'journals'): Promise<number> {
    const { id } = await this.company(cx);
    return this.#coded('account.journal', 'journal', table, code, [['company_id', '=', id]], cx);
  }

  async #coded(
    model: string,
    noun: string,
    table: string,
    code: string,
    domain: unknown[],
    cx: Context,
  ): Promise<number> {
    const key = `${noun} ${code}`;
    const found = await this.#keep(key, cx, async () => {
      const rows = await this.read(model, [['code', '=', code], ...domain], ['code'], cx);
      return rows.find((row) => row.code === code)?.id as number | undefined;
    });
    if (found !== undefined) return found;
    this.#kept.delete(key);
    const { name } = await this.company(cx);
    throw rejected(`${name} in Odoo has no ${noun} '${code}' (Mapping table '${table}')`, `${noun}-unknown`, noun);
  }

  /**
   * The Fault of a failed call. An AccessError is about the user's rights (`refused`: everything would fail) or about one record, such as another
   * company's (`rejected`): Odoo uses one name for both, so it is asked.
   */
  async faultOf(error: unknown, model: string, cx: Context): Promise<Fault> {
    if (!(error instanceof OdooFault)) throw error;
    if (error.exception !== 'odoo.exceptions.AccessError') return error.fault;
    if (!(await this.may(model, 'create', cx)) || !(await this.may(model, 'write', cx))) return error.fault;
    return { kind: 'rejected', message: error.fault.message, cause: 'odoo-refused' };
  }

  async #raw(model: string, method: string, call: Call, cx: Context): Promise<unknown> {
    const who = await this.introduction(cx);
    try {
      return await this.#transport.call(who, model, method, call, cx);
    } catch (error) {
      if (error instanceof OdooFault && error.fault.kind === 'refused') this.#kept.clear();
      throw error;
    }
  }

  async #keep<T>(key: string, cx: Context, read: () => Promise<T>): Promise<T> {
    const now = cx.clock.monotonic();
    const kept = this.#kept.get(key);
    if (kept && kept.until > now) return kept.value as T;
    const value = await read();
    this.#kept.set(key, { until: now + milliseconds(keepFor), value });
    return value;
  }
}

/** The company that is named (by name or id), or the only one. Throws `refused` with the list to choose from. */
export function chooseCompany(allowed: readonly Company[], wanted: string | number | undefined): Company {
  const found =
    wanted === undefined
      ? allowed.length === 1
        ? allowed
        : []
      : allowed.filter((company) => company.name === wanted || String(company.id) === String(wanted));
  if (found.length === 1) return found[0]!;
  const list = allowed.map((company) => `'${company.name}' (${company.id})`).join(', ') || 'none';
  throw new OdooFault({
    kind: 'refused',
    message:
      wanted === undefined
        ? `the Odoo user may use several companies: name one in the estate file; it may use ${list}`
        : found.length > 1
          ? `several companies in Odoo are called '${wanted}': use the id; the user may use ${list}`
          : `the Odoo user may not use a company '${wanted}'; it may use ${list}`,
  });
}

export const rowsOf = (answer: unknown): Row[] => (Array.isArray(answer) ? (answer as Row[]) : []);

/** A many2one in a row; id 0 where there is none. */
export const relation = (value: unknown): { id: number; name: string } => pair((value || false) as Many);

/** A many2one as Odoo reads it: [id, name] or false. */
export const pair = (value: Many): { id: number; name: string } =>
  value === false ? { id: 0, name: '' } : { id: value[0], name: value[1] };
