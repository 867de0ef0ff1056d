import { type Duration, milliseconds } from '../../core/clock.ts';
import type { Context } from '../../core/connector.ts';
import type { Fault } from '../../core/fault.ts';
import { OdooFault } from './errors.ts';
import { moduleOf } from './external-id.ts';
import { type Many, pair, type Row, rowsOf } from './rows.ts';
import type { Settings } from './settings.ts';
import { type Call, type Introduction, OdooTransport } from './transport.ts';
import type { Dialect } from './versions.ts';

export interface Company {
  readonly id: number;
  readonly name: string;
  readonly currency: { readonly id: number; readonly name: string };
}

const keepFor: Duration = '10m';

/**
 * One company of one Odoo database, spoken to: every call carries exactly this company. What changes rarely is read once and kept for ten minutes
 * (all of it is forgotten when Odoo refuses us).
 */
export class Session {
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
    return this.keep('introduction', cx, () => this.#transport.introduce(cx));
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

  /** The company that the estate names; without a name the user's only one. */
  company(cx: Context): Promise<Company> {
    return this.keep('company', cx, async () => {
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
    return this.keep(`may ${operation} ${model}`, cx, async () => {
      const { access } = await this.dialect(cx);
      const args: [string, unknown][] = [['operation', operation]];
      if (access === 'check_access_rights') args.push(['raise_exception', false]);
      return (await this.call(model, access, { ids: [], args }, cx)) === true;
    }).then((allowed) => {
      // A right that is missing is asked for again: somebody is just granting it.
      if (!allowed) this.forget(`may ${operation} ${model}`);
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

  /** Those of the fields that the model has: some belong to modules that may not be installed. */
  has(model: string, fields: readonly string[], cx: Context): Promise<string[]> {
    return this.keep(`fields ${model} ${fields.join(' ')}`, cx, async () => {
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

  /** What is read once and kept for ten minutes. */
  protected async keep<T>(key: string, cx: Context, read: () => Promise<T>): Promise<T> {
    const now = cx.clock.monotonic();
    const kept = this.#kept.get(key);
    if (kept && kept.until > now) return kept.value as T;
    const value = await read();
    this.#kept.set(key, { until: now + milliseconds(keepFor), value });
    return value;
  }

  /** A lookup missed: next time it is read again. */
  protected forget(key: string): void {
    this.#kept.delete(key);
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
