import type { Env } from './env.ts';
import { boolean, char, float, integer, json, many2many, many2one, one2many, selection, text } from './fields.ts';
import { defineModel, type Method, type Model } from './model.ts';
import type { Row, Version } from './types.ts';

const contextGet: Method = {
  kind: 'model',
  params: [],
  run: (env) => ({ lang: String(env.user.lang), tz: env.user.tz!, uid: env.uid }),
};

const hasGroup: Method = {
  kind: 'record',
  params: ['group_ext_id'],
  run: (env, ids, args) => {
    const rows = env.db.table('res.groups').rows;
    const user = env.get('res.users', ids[0] ?? env.uid);
    return (user.group_ids as number[]).some((id) => rows.get(id)?.xmlid === args.group_ext_id);
  },
};

const users = (): Model =>
  defineModel({
    name: 'res.users',
    label: 'User',
    order: 'name, login',
    fields: {
      name: char('Name', { required: true }),
      login: char('Login', { required: true, index: true }),
      email: char('Email'),
      active: boolean('Active', { default: true }),
      partner_id: many2one('res.partner', 'Related Partner', { onDelete: 'restrict' }),
      company_id: many2one('res.company', 'Company', { required: true }),
      company_ids: many2many('res.company', 'Companies'),
      group_ids: many2many('res.groups', 'Groups'),
      lang: char('Language', { default: 'en_US' }),
      tz: char('Timezone'),
    },
    methods: { context_get: contextGet, has_group: hasGroup },
  });

/** API keys; the secret itself is kept because everything here is made up. */
const keys = (): Model =>
  defineModel({
    name: 'res.users.apikeys',
    label: 'API Keys',
    fields: {
      name: char('Description'),
      user_id: many2one('res.users', 'User', { required: true, onDelete: 'cascade' }),
      key: char('Key', { required: true, index: true }),
      scope: char('Scope'),
      expiration_date: char('Expiration Date'),
    },
  });

const company = (): Model =>
  defineModel({
    name: 'res.company',
    label: 'Companies',
    order: 'sequence, name',
    fields: {
      name: char('Company Name', { required: true }),
      sequence: integer('Sequence', { default: 10 }),
      active: boolean('Active', { default: true }),
      partner_id: many2one('res.partner', 'Partner'),
      currency_id: many2one('res.currency', 'Currency', { required: true }),
      country_id: many2one('res.country', 'Country'),
      tax_calculation_rounding_method: selection('Tax Calculation Rounding Method', [
        ['round_per_line', 'Round per Line'],
        ['round_globally', 'Round Globally'],
      ]),
      account_price_include: selection(
        'Default Sales Price Include',
        [
          ['tax_included', 'Tax Included'],
          ['tax_excluded', 'Tax Excluded'],
        ],
        { default: 'tax_excluded' },
      ),
      account_sale_tax_id: many2one('account.tax', 'Default Sale Tax'),
      account_purchase_tax_id: many2one('account.tax', 'Default Purchase Tax'),
    },
  });

const uom = (version: Version): Model =>
  defineModel({
    name: 'uom.uom',
    label: 'Unit of Measure',
    order: version >= 19 ? 'sequence, relative_uom_id, id' : 'factor DESC, id',
    fields: {
      name: char('Unit Name', { required: true }),
      active: boolean('Active', { default: true }),
      factor: float(version >= 19 ? 'Absolute Quantity' : 'Ratio', { default: 1 }),
      ...(version >= 19
        ? {
            relative_factor: float('Contains', { default: 1 }),
            relative_uom_id: many2one('uom.uom', 'Reference Unit'),
            sequence: integer('Sequence'),
          }
        : {
            rounding: float('Rounding Precision', { default: 0.01 }),
            uom_type: selection('Type', [
              ['bigger', 'Bigger than the reference Unit of Measure'],
              ['reference', 'Reference Unit of Measure for this category'],
              ['smaller', 'Smaller than the reference Unit of Measure'],
            ]),
            category_id: many2one('uom.category', 'Category'),
          }),
    },
  });

/** `$ 90.00`, with the hard space Odoo puts between. */
export function moneyText(currency: Row | undefined, value: number): string {
  const amount = value.toFixed(Number(currency?.decimal_places ?? 2));
  const symbol = currency?.symbol || '';
  return currency?.position === 'before' ? `${symbol}\u00a0${amount}` : `${amount}\u00a0${symbol}`;
}

/** How many reference units one of this unit holds. */
export const unitSize = (env: Env, uom: Row): number =>
  env.db.version >= 19 ? Number(uom.factor) : 1 / Number(uom.factor);

const named = (name: string, label: string, fields: Parameters<typeof defineModel>[0]['fields'] = {}): Model =>
  defineModel({ name, label, fields: { name: char('Name'), ...fields } });

const modelData = (): Model =>
  defineModel({
    name: 'ir.model.data',
    label: 'Model Data',
    order: 'module, model, name',
    fields: {
      name: char('External Identifier', { required: true }),
      module: char('Module', { required: true }),
      model: char('Model Name', { required: true }),
      res_id: integer('Record ID'),
      noupdate: boolean('Non Updatable'),
    },
    display: (_env, row) => `${row.module}.${row.name}`,
  });

const currency = (): Model =>
  named('res.currency', 'Currency', {
    name: char('Currency', { required: true, index: true }),
    full_name: char('Name'),
    symbol: char('Symbol'),
    position: selection(
      'Symbol Position',
      [
        ['after', 'After Amount'],
        ['before', 'Before Amount'],
      ],
      { default: 'after' },
    ),
    rounding: float('Rounding Factor', { default: 0.01 }),
    decimal_places: integer('Decimal Places', { default: 2 }),
    rate: float('Current Rate', { default: 1 }),
    active: boolean('Active', { default: true }),
  });

const sequence = (): Model =>
  named('ir.sequence', 'Sequence', {
    code: char('Sequence Code', { index: true }),
    prefix: char('Prefix'),
    padding: integer('Sequence Size', { default: 5 }),
    number_next: integer('Next Number', { default: 1 }),
  });

/** The next number of a sequence, such as `S00001`. The sequence is made when it is first used. */
export function nextNumber(env: Env, code: string, prefix: string, padding: number): string {
  const found =
    env.having('ir.sequence', 'code', code)[0] ??
    env.create('ir.sequence', [{ name: code, code, prefix, padding }])[0]!;
  const number = Number(found.number_next);
  env.set('ir.sequence', found, { number_next: number + 1 });
  return `${found.prefix}${String(number).padStart(Number(found.padding), '0')}`;
}

/** Models of the base system. */
export const baseModels = (version: Version): Model[] => [
  users(),
  keys(),
  company(),
  currency(),
  uom(version),
  ...(version < 19 ? [named('uom.category', 'Product UoM Categories')] : []),
  modelData(),
  sequence(),
  defineModel({
    name: 'res.groups',
    label: 'Group',
    order: 'full_name',
    fields: { name: char('Name'), full_name: char('Group Name'), xmlid: char('External Id', { index: true }) },
  }),
  defineModel({
    name: 'res.country',
    label: 'Country',
    order: 'name, id',
    nameSearch: ['name', 'code'],
    fields: {
      name: char('Country Name', { required: true, index: true }),
      code: char('Country Code', { index: true }),
      currency_id: many2one('res.currency', 'Currency'),
      phone_code: integer('Country Calling Code'),
      state_ids: one2many('res.country.state', 'country_id', 'States'),
    },
  }),
  named('res.country.state', 'Country state', {
    name: char('State Name', { required: true }),
    code: char('State Code', { required: true }),
    country_id: many2one('res.country', 'Country', { required: true }),
  }),
  named('res.lang', 'Languages', { code: char('Locale Code'), active: boolean('Active', { default: true }) }),
  named('decimal.precision', 'Decimal Precision', {
    name: char('Usage', { required: true, index: true }),
    digits: integer('Digits', { default: 2 }),
  }),
  named('ir.module.module', 'Module', {
    state: char('Status'),
    latest_version: char('Installed Version'),
    shortdesc: char('Module Name'),
  }),
  defineModel({
    name: 'ir.config_parameter',
    label: 'System Parameter',
    recName: 'key',
    fields: { key: char('Key', { required: true, index: true }), value: text('Value') },
  }),
  defineModel({
    name: 'ir.model',
    label: 'Models',
    fields: { name: char('Model Description'), model: char('Model', { index: true }) },
  }),
  defineModel({
    name: 'ir.model.fields',
    label: 'Fields',
    fields: {
      name: char('Field Name', { index: true }),
      model: char('Model Name', { index: true }),
      model_id: many2one('ir.model', 'Model', { onDelete: 'cascade' }),
      ttype: char('Field Type'),
      field_description: char('Field Label'),
    },
  }),
  named('crm.team', 'Sales Team', {
    company_id: many2one('res.company', 'Company'),
    active: boolean('Active', { default: true }),
  }),
  named('mail.template', 'Email Templates', { model: char('Related Document Model'), body: json('Body') }),
];
