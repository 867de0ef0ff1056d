import type { Context } from '../../core/connector.ts';
import { FaultError, rejected } from '../../core/fault.ts';
import { OdooFault } from './errors.ts';
import { type Many, pair, relation } from './rows.ts';
import { Session } from './session.ts';

interface Tax {
  readonly id: number;
  readonly name: string;
  readonly included: boolean;
}

export interface Warehouse {
  readonly id: number;
  readonly code: string;
  readonly stockLocation: number;
  readonly internalType: number;
  readonly incomingType: number;
  /** Route by which it delivers. */
  readonly route: number;
}

/** Decimals that Odoo rounds to when it stores; null where it does not round, or does not say. */
export interface Precision {
  readonly price: number | null;
  readonly quantity: number | null;
}

/** A row of a Mapping table that an estate need not have. */
function rowOf(table: string, code: string, cx: Context): string | null {
  try {
    return cx.mapping(table).find(code);
  } catch (error) {
    if (error instanceof FaultError && error.fault.kind === 'rejected' && error.fault.cause === 'mapping-gap')
      return null;
    throw error;
  }
}

/** What the connector looks up in its company: codes of the hub's Mapping tables become ids of Odoo. */
export class Odoo extends Session {
  /** Codes of warehouses of the company by id; read anew where one of `met` is not among those that were kept. */
  async warehouseCodes(cx: Context, met: readonly number[] = []): Promise<ReadonlyMap<number, string>> {
    const kept = await this.#allWarehouses(cx);
    if (!met.every((id) => id === 0 || kept.some((one) => one.id === id))) this.forget('warehouses');
    return new Map((await this.warehouses(cx)).map(({ id, code }) => [id, code]));
  }

  /** Sales taxes that a code of Mapping table `taxes` stands for: a tax name or id of our company; '' and 'none' are explicitly no tax. */
  async taxes(code: string, cx: Context): Promise<number[]> {
    const value = cx.mapping('taxes').get(code).trim();
    if (value === '' || value.toLowerCase() === 'none') return [];
    const company = await this.company(cx);
    const all = await this.#salesTaxes(cx);
    const named = all.filter((tax) => tax.name === value);
    const found = named.length > 0 ? named : all.filter((tax) => String(tax.id) === value);
    if (found.length === 1) return [found[0]!.id];
    this.forget('taxes');
    throw rejected(
      found.length === 0
        ? `Mapping table 'taxes' has '${value}' for '${code}', but ${company.name} in Odoo has no sales tax of that name or id`
        : `Mapping table 'taxes' has '${value}' for '${code}', but ${company.name} in Odoo has ${found.length} sales taxes of that name: put the id of the right one into the table`,
      'tax-unknown',
      'taxes',
    );
  }

  /** Sales taxes that prices include. */
  async includedTaxes(cx: Context): Promise<ReadonlySet<number>> {
    return new Set((await this.#salesTaxes(cx)).filter(({ included }) => included).map(({ id }) => id));
  }

  #salesTaxes(cx: Context): Promise<Tax[]> {
    return this.keep('taxes', cx, async () => {
      const domain = [
        ['type_tax_use', '=', 'sale'],
        ['company_id', '=', (await this.company(cx)).id],
      ];
      const rows = await this.read('account.tax', domain, ['name', 'price_include'], cx);
      return rows.map(({ id, name, price_include }) => ({
        id: id as number,
        name: String(name),
        included: price_include === true,
      }));
    });
  }

  /** ISO 3166-1 alpha-2 codes by id. */
  countryCodes(cx: Context): Promise<ReadonlyMap<number, string>> {
    return this.keep('countries', cx, async () => {
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

  /** Subdivision of a country by its code (`CA`), or null where Odoo has none of that code. */
  region(country: number, code: string, cx: Context): Promise<number | null> {
    return this.keep(`region ${country} ${code}`, cx, async () => {
      const domain = [
        ['country_id', '=', country],
        ['code', '=', code],
      ];
      const [row] = await this.read('res.country.state', domain, ['code'], cx);
      return (row?.id as number | undefined) ?? null;
    });
  }

  /** Country of the company; '' where it has none. */
  homeCountry(cx: Context): Promise<string> {
    return this.keep('home', cx, async () => {
      const { id } = await this.company(cx);
      const [row] = await this.read('res.company', [['id', '=', id]], ['country_id'], cx);
      return (await this.countryCodes(cx)).get(relation(row?.country_id).id) ?? '';
    });
  }

  /** Pricelist to sell with in a currency: null for the company's own, which needs none. */
  async pricelist(currency: string, cx: Context): Promise<number | null> {
    const company = await this.company(cx);
    if (company.currency.name === currency) return null;
    const found = await this.keep(`pricelist ${currency}`, cx, async () => {
      const domain = [
        ['currency_id.name', '=', currency],
        ['company_id', 'in', [company.id, false]],
      ];
      const rows = await this.read('product.pricelist', domain, ['company_id'], cx);
      return (rows.find((row) => row.company_id !== false) ?? rows[0])?.id as number | undefined;
    });
    if (found !== undefined) return found;
    this.forget(`pricelist ${currency}`);
    throw rejected(
      `${company.name} in Odoo keeps ${company.currency.name} and has no active pricelist in ${currency}: create one, or map the currency to a company that keeps it`,
      'currency-unknown',
      'currency',
    );
  }

  /** Active pricelists that the company may use, as they are now: a price that is read without its list is not read again until something changes. */
  async pricelists(cx: Context): Promise<{ id: number; name: string; currency: string }[]> {
    const { id } = await this.company(cx);
    const domain = [['company_id', 'in', [id, false]]];
    const rows = await this.read('product.pricelist', domain, ['name', 'currency_id'], cx);
    return rows.map((row) => ({
      id: row.id as number,
      name: String(row.name),
      currency: relation(row.currency_id).name,
    }));
  }

  /** What price and quantity of an order line are rounded to. */
  precision(cx: Context): Promise<Precision> {
    return this.keep('precision', cx, async () => {
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
    this.forget('warehouses');
    const { name } = await this.company(cx);
    throw new OdooFault({
      kind: 'refused',
      message:
        code === undefined
          ? `${name} in Odoo has no warehouse`
          : `${name} in Odoo has no warehouse '${code}' (it has ${all.map((one) => one.code).join(', ') || 'none'})`,
    });
  }

  /** Those that were archived are left out. */
  async warehouses(cx: Context): Promise<Warehouse[]> {
    return (await this.#allWarehouses(cx)).filter(({ archived }) => !archived);
  }

  #allWarehouses(cx: Context): Promise<(Warehouse & { readonly archived: boolean })[]> {
    return this.keep('warehouses', cx, async () => {
      const { id } = await this.company(cx);
      const domain = [
        ['company_id', '=', id],
        ['active', 'in', [true, false]],
      ];
      const fields = ['code', 'active', 'lot_stock_id', 'int_type_id', 'in_type_id', 'delivery_route_id'];
      const rows = await this.read('stock.warehouse', domain, fields, cx, 'sequence, id');
      return rows.map((row) => ({
        id: row.id as number,
        code: String(row.code),
        archived: row.active === false,
        stockLocation: pair(row.lot_stock_id as Many).id,
        internalType: pair(row.int_type_id as Many).id,
        incomingType: pair(row.in_type_id as Many).id,
        route: relation(row.delivery_route_id).id,
      }));
    });
  }

  /**
   * The warehouse that Mapping table `warehouses` has for a location of the hub; null where it has none, or where there is no such table: an estate of one warehouse needs none.
   * Throws `rejected` for a code that Odoo does not know.
   */
  async warehouseAt(location: string, cx: Context): Promise<Warehouse | null> {
    const code = rowOf('warehouses', location, cx);
    if (code === null) return null;
    const found = (await this.warehouses(cx)).find((warehouse) => warehouse.code === code);
    if (found) return found;
    this.forget('warehouses');
    throw rejected(
      `Mapping table 'warehouses' has '${code}' for '${location}', but Odoo has no warehouse of that code`,
      'warehouse-unknown',
      'location',
    );
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

  /** Code of the warehouse by operation type, also of one that was archived; null where it has none. Read anew where one of `met` is not among those that were kept. */
  async pickingTypes(cx: Context, met: readonly number[] = []): Promise<ReadonlyMap<number, string | null>> {
    const kept = await this.#pickingTypes(cx);
    if (met.every((id) => id === 0 || kept.has(id))) return kept;
    this.forget('picking types');
    this.forget('warehouses');
    return this.#pickingTypes(cx);
  }

  #pickingTypes(cx: Context): Promise<ReadonlyMap<number, string | null>> {
    return this.keep('picking types', cx, async () => {
      const codes = new Map((await this.#allWarehouses(cx)).map(({ id, code }) => [id, code]));
      const { id } = await this.company(cx);
      const domain = [
        ['company_id', '=', id],
        ['active', 'in', [true, false]],
      ];
      const rows = await this.read('stock.picking.type', domain, ['warehouse_id'], cx);
      return new Map(rows.map((row) => [row.id as number, codes.get(relation(row.warehouse_id).id) ?? null]));
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
    const found = await this.keep(key, cx, async () => {
      const rows = await this.read(model, [['code', '=', code], ...domain], ['code'], cx);
      return rows.find((row) => row.code === code)?.id as number | undefined;
    });
    if (found !== undefined) return found;
    this.forget(key);
    const { name } = await this.company(cx);
    throw rejected(`${name} in Odoo has no ${noun} '${code}' (Mapping table '${table}')`, `${noun}-unknown`, noun);
  }
}
