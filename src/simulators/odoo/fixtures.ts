import { groups } from './access.ts';
import { currencies, MANAGER_GROUPS } from './basics.ts';
import { accountsOf, journalsOf } from './chart.ts';
import { countries } from './countries.ts';
import type { Database } from './database.ts';
import { Env, transaction } from './env.ts';
import type { Json, Row, Vals } from './types.ts';
import { nameRecord } from './write.ts';

/** How the database is filled. */
interface Furnishing {
  /** Two companies, a second warehouse and the users the recorded exchanges speak of. */
  readonly prepared: boolean;
  /** The company's currency, such as `GBP`. */
  readonly currency: string;
  readonly random: () => number;
  readonly keys: Readonly<Record<string, string>>;
}

const SUPERUSER = 1;

/** Fills an empty database. */
class Furnisher {
  readonly db: Database;
  readonly env: Env;
  readonly how: Furnishing;

  constructor(db: Database, how: Furnishing) {
    this.db = db;
    this.how = how;
    const raw = this.raw(
      'res.users',
      { name: 'OdooBot', login: '__system__', active: false, lang: 'en_US' },
      SUPERUSER,
    );
    this.env = new Env(db, raw.id, { active_test: false }, transaction(db.now()), false);
  }

  /** Inserts without hooks, at a fixed id when given. */
  private raw(model: string, values: Record<string, string | number | boolean | number[]>, id?: number): Row {
    const table = this.db.table(model);
    if (id) table.lastId = Math.max(table.lastId, id - 1);
    return this.db.store.insert(table, {
      ...this.db.models.get(model)!.template,
      create_date: this.db.now(),
      write_date: this.db.now(),
      ...values,
    });
  }

  private add(model: string, vals: Vals, xmlid?: string): Row {
    const [row] = this.env.create(model, [vals]);
    if (xmlid) nameRecord(this.env, model, row!.id, xmlid);
    return row!;
  }

  run(): void {
    this.basics();
    const chosen = this.currency(this.how.prepared ? 'USD' : this.how.currency);
    const country = this.countryOf(String(chosen.name));
    const first = this.company('Demo Retail', chosen, country, 10);
    const second = this.how.prepared ? this.company('Second Store BV', chosen, country, 9) : undefined;
    this.users([first, second].filter((row) => row !== undefined));
    this.units();
    this.categories();
    this.locations(second ? [first, second] : [first]);
    this.books(first, 15);
    if (second) this.books(second, this.db.version >= 19 ? 21 : 15);
    this.warehouse('My Company', 'WH', first, 'stock.warehouse0');
    if (second) {
      this.warehouse('Second WH', 'WH2', second);
      this.warehouse('Store', 'STO', first);
    }
    this.add('crm.team', { name: 'Sales' }, 'sales_team.team_sales_department');
    this.add('mail.template', { name: 'Sales: Order Cancellation', model: 'sale.order' });
    if (!this.how.prepared) this.add('product.pricelist', { name: 'Default' }, 'product.list0');
    this.env.flush();
  }

  private basics(): void {
    const { version } = this.db;
    const unit = version >= 19 ? 'Product Unit' : 'Product Unit of Measure';
    const names18 = [
      'Percentage Analytic',
      'Product Price',
      'Discount',
      'Stock Weight',
      'Volume',
      unit,
      'Payment Terms',
    ];
    const names19 = [
      unit,
      'Percentage Analytic',
      'Product Price',
      'Discount',
      'Stock Weight',
      'Volume',
      'Payment Terms',
    ];
    for (const name of version >= 19 ? names19 : names18)
      this.add('decimal.precision', { name, digits: name === 'Payment Terms' ? 6 : 2 });
    for (const [xmlid, labels] of Object.entries(groups)) {
      const label = labels[version >= 19 ? 1 : 0];
      this.add('res.groups', { name: label.split('/').at(-1)!, full_name: label, xmlid }, xmlid);
    }
    for (const [name, full, symbol, position, rounding] of currencies)
      this.add(
        'res.currency',
        { name, full_name: full, symbol, position, rounding, decimal_places: rounding === 1 ? 0 : 2, active: false },
        `base.${name}`,
      );
    for (const { code, name, xmlid } of countries()) this.add('res.country', { code, name }, xmlid);
    this.add('res.lang', { name: 'English (US)', code: 'en_US' }, 'base.lang_en');
    this.modules();
    for (const model of this.db.models.values()) this.describe(model.name, model.label);
  }

  private describe(model: string, label: string): void {
    const row = this.raw('ir.model', { name: label, model });
    if (model !== 'res.partner') return;
    for (const [name, field] of Object.entries(this.db.models.get(model)!.fields))
      this.raw('ir.model.fields', { name, model, model_id: row.id, ttype: field.type, field_description: field.label });
  }

  private modules(): void {
    const minor: Record<string, string> = {
      account: this.db.version >= 19 ? '1.4' : '1.3',
      point_of_sale: '1.0.2',
      pos_sale: '1.1',
      purchase: '1.2',
      purchase_stock: '1.2',
      stock: '1.1',
    };
    const names = [
      'account',
      'base_automation',
      'delivery',
      'point_of_sale',
      'pos_sale',
      'purchase',
      'purchase_stock',
      ...(this.db.version >= 19 ? ['rpc'] : []),
      'sale_management',
      'sale_stock',
      'stock',
      'stock_delivery',
    ];
    for (const name of names)
      this.add('ir.module.module', {
        name,
        state: 'installed',
        latest_version: `${this.db.version}.0.${minor[name] ?? '1.0'}`,
      });
    this.add('ir.config_parameter', { key: 'database.uuid', value: '00000000-0000-4000-8000-000000000000' });
  }

  private currency(name: string): Row {
    const [row] = this.env.search('res.currency', [['name', '=', name]]);
    if (!row) throw new RangeError(`currency ${name} is not among ${currencies.map(([code]) => code).join(', ')}`);
    this.env.write('res.currency', [row], { active: true });
    return row;
  }

  private countryOf(currency: string): number {
    const code = { USD: 'US', EUR: 'DE', CHF: 'CH', JPY: 'JP', SEK: 'SE', CAD: 'CA', INR: 'IN' }[currency] ?? 'GB';
    return this.env.search('res.country', [['code', '=', code]])[0]!.id;
  }

  private company(name: string, currency: Row, country: number, sequence: number): Row {
    const partner = this.add('res.partner', { name, is_company: true, country_id: country });
    const method = this.db.version >= 19 ? 'round_globally' : 'round_per_line';
    return this.add('res.company', {
      name,
      partner_id: partner.id,
      currency_id: currency.id,
      country_id: country,
      tax_calculation_rounding_method: method,
      sequence,
    });
  }

  private users(companies: readonly Row[]): void {
    const home = companies[0]!.id;
    const all = companies.map((row) => row.id);
    const ids = (names: readonly string[]) => names.map((name) => this.env.having('res.groups', 'xmlid', name)[0]!.id);
    this.env.set('res.users', this.env.user, {
      company_id: home,
      company_ids: all,
      group_ids: ids(Object.keys(groups)),
    });
    const hub = this.db.version >= 19 ? 6 : 7;
    this.user('admin', 'Administrator', 2, home, all, ids(Object.keys(groups)));
    this.user('hub', 'Hub', hub, home, all, ids(MANAGER_GROUPS));
    if (this.how.prepared) this.user('low', 'Low', hub + 1, home, [home], ids(['base.group_user']));
    const key = (name: string, user: number, scope: string | false, expiration: string | false) =>
      this.how.keys[name] &&
      this.add('res.users.apikeys', {
        name,
        user_id: user,
        key: this.how.keys[name],
        scope,
        expiration_date: expiration,
      });
    key('hub', hub, 'rpc', false);
    key('low', hub + 1, 'rpc', false);
    key('admin', 2, 'rpc', false);
    key('admin_global', 2, false, false);
    key('admin_otherscope', 2, 'other', false);
    key('admin_expiring', 2, 'rpc', '2020-01-01 00:00:00');
  }

  private user(
    login: string,
    name: string,
    id: number,
    company: number,
    companies: number[],
    groupIds: number[],
  ): void {
    const email = `${login}@example.com`;
    const partner = this.add('res.partner', { name, email });
    this.raw(
      'res.users',
      {
        name,
        login,
        email,
        active: true,
        lang: 'en_US',
        // A user who was made in Odoo's own pages has the time zone of who made it.
        tz: this.how.prepared ? false : 'Europe/Brussels',
        partner_id: partner.id,
        company_id: company,
        company_ids: companies,
        group_ids: groupIds,
      },
      id,
    );
  }

  private units(): void {
    const v19: [string, number, string][] = [
      ['Units', 1, 'product_uom_unit'],
      ['Pack of 6', 6, 'product_uom_pack_6'],
      ['Hours', 1, 'product_uom_hour'],
      ['g', 1, 'product_uom_gram'],
      ['kg', 1000, 'product_uom_kgm'],
      ['L', 1, 'product_uom_litre'],
      ['m', 1, 'product_uom_meter'],
    ];
    const v18: [string, number, string][] = [
      ['Units', 1, 'product_uom_unit'],
      ['Dozens', 0.08333333333333333, 'product_uom_dozen'],
      ['Hours', 8, 'product_uom_hour'],
      ['kg', 1, 'product_uom_kgm'],
      ['g', 1000, 'product_uom_gram'],
      ['L', 1, 'product_uom_litre'],
      ['m', 1, 'product_uom_meter'],
    ];
    for (const [name, factor, xmlid] of this.db.version >= 19 ? v19 : v18) {
      const more =
        this.db.version >= 19
          ? { relative_factor: factor }
          : { uom_type: factor === 1 ? 'reference' : factor < 1 ? 'bigger' : 'smaller' };
      this.add('uom.uom', { name, factor, ...more }, `uom.${xmlid}`);
    }
  }

  private categories(): void {
    if (this.db.version >= 19) {
      for (const name of ['Goods', 'Expenses', 'Services', 'Food', 'Deliveries'])
        this.add('product.category', { name }, `product.product_category_${name.toLowerCase()}`);
      return;
    }
    const top = this.add('product.category', { name: 'All' }, 'product.product_category_all');
    const saleable = this.add(
      'product.category',
      { name: 'Saleable', parent_id: top.id },
      'product.product_category_1',
    );
    this.add('product.category', { name: 'Expenses', parent_id: top.id }, 'product.cat_expense');
    this.add('product.category', { name: 'PoS', parent_id: saleable.id }, 'point_of_sale.product_category_pos');
    this.add('product.category', { name: 'Deliveries', parent_id: top.id }, 'delivery.product_category_deliveries');
  }

  /** 18 keeps the outside world below two views; 19 has no such parents. */
  private locations(companies: readonly Row[]): void {
    const [partners, virtual] = [this.outside('Partners'), this.outside('Virtual Locations')];
    this.place('Vendors', 'supplier', partners, {}, 'stock.stock_location_suppliers');
    this.place('Customers', 'customer', partners, {}, 'stock.stock_location_customers');
    for (const [i, company] of companies.entries()) {
      const own = { company_id: company.id };
      const named = (xmlid: string) => (i === 0 ? xmlid : undefined);
      this.place('Inventory adjustment', 'inventory', virtual, own, named('stock.location_inventory'));
      this.place(
        'Scrap',
        'inventory',
        virtual,
        { ...own, scrap_location: true },
        named('stock.stock_location_scrapped'),
      );
      this.place('Production', 'production', virtual, own, named('stock.location_production'));
    }
  }

  private outside(name: string): Row | undefined {
    return this.db.version >= 19 ? undefined : this.add('stock.location', { name, usage: 'view', company_id: false });
  }

  private place(name: string, usage: string, above: Row | undefined, more: Vals, xmlid: string | undefined): void {
    const row = this.add(
      'stock.location',
      { name, usage, location_id: above?.id ?? false, company_id: false, ...more },
      xmlid,
    );
    if (above) this.env.set('stock.location', row, { complete_name: `${above.name}/${name}` });
  }

  private books(company: Row, rate: number): void {
    const env = this.env;
    const accounts = new Map(
      accountsOf(this.db.version).map(([code, name, type, reconcile]) => [
        code,
        this.add('account.account', { code, name, account_type: type, reconcile, company_ids: [[6, 0, [company.id]]] })
          .id,
      ]),
    );
    for (const { name, code, type, account, suspense } of journalsOf(this.db.version))
      this.add('account.journal', {
        name,
        code,
        type,
        company_id: company.id,
        default_account_id: accounts.get(account ?? '') ?? false,
        suspense_account_id: accounts.get(suspense ?? '') ?? false,
      });
    const groupOf = (name: string) => this.add('account.tax.group', { name, company_id: company.id }).id;
    const [main, none] = [groupOf(`Tax ${rate}%`), groupOf('Tax 0%')];
    const tax = (name: string, amount: number, use: string, group: number) =>
      this.add('account.tax', {
        name,
        amount,
        type_tax_use: use,
        company_id: company.id,
        tax_group_id: group,
        country_id: company.country_id!,
      }).id;
    const sale = tax(`${rate}%`, rate, 'sale', main);
    const purchase = tax(`${rate}%`, rate, 'purchase', main);
    env.write('res.company', [company], { account_sale_tax_id: sale, account_purchase_tax_id: purchase });
    if (this.db.version < 19) return;
    const [exports, imports] = [tax('0% Exports', 0, 'sale', none), tax('0% Imports', 0, 'purchase', none)];
    this.add('account.fiscal.position', {
      name: 'Domestic',
      company_id: company.id,
      auto_apply: true,
      country_id: company.country_id!,
    });
    const map = [
      [sale, exports],
      [purchase, imports],
    ].map(([from, to]) => [0, 0, { tax_src_id: from!, tax_dest_id: to! }] as Json);
    this.add('account.fiscal.position', {
      name: 'Foreign Trade',
      company_id: company.id,
      auto_apply: true,
      tax_ids: map,
    });
  }

  private warehouse(name: string, code: string, company: Row, xmlid?: string): void {
    const row = this.add('stock.warehouse', { name, code, company_id: company.id }, xmlid);
    // Without several locations a real database keeps its internal transfers archived.
    if (!this.how.prepared)
      this.env.set('stock.picking.type', this.env.get('stock.picking.type', row.int_type_id!), { active: false });
    if (!xmlid) return;
    nameRecord(this.env, 'stock.location', Number(row.lot_stock_id), 'stock.stock_location_stock');
    for (const way of ['in', 'out', 'int'])
      nameRecord(
        this.env,
        'stock.picking.type',
        Number(row[`${way}_type_id`]),
        `stock.picking_type_${way === 'int' ? 'internal' : way}`,
      );
  }

  /** Moves every sequence on by a random amount, so that an id taken for granted shows. */
  shiftIds(): void {
    for (const table of this.db.store.tables.values()) table.lastId += 1 + Math.floor(this.how.random() * 900);
  }
}

/** Makes the records a database has before anyone calls. */
export function furnish(db: Database, how: Furnishing): void {
  const furnisher = new Furnisher(db, how);
  furnisher.run();
  if (how.prepared) furnisher.shiftIds();
  db.store.commit();
}
