import type { Env } from './env.ts';
import { validationError } from './errors.ts';
import { boolean, char, float, integer, many2many, many2one, one2many, selection } from './fields.ts';
import { defineModel, type Model } from './model.ts';
import { rational } from './rational.ts';
import type { Rounding, Tax } from './taxes.ts';
import type { Row, Version } from './types.ts';

const isIncluded = (env: Env, row: Row): boolean => {
  if (row.price_include_override) return row.price_include_override === 'tax_included';
  return env.find('res.company', row.company_id!)?.account_price_include === 'tax_included';
};

/** Tax records as the computation wants them. */
export const taxesOf = (env: Env, ids: readonly number[]): Tax[] =>
  ids.map((id) => {
    const row = env.get('account.tax', id);
    return {
      id,
      type: row.amount_type as Tax['type'],
      amount: rational(Number(row.amount)),
      included: isIncluded(env, row),
      includeBase: row.include_base_amount === true,
      baseAffected: row.is_base_affected === true,
      sequence: Number(row.sequence),
      children: taxesOf(env, row.children_tax_ids as number[]),
    };
  });

/** How amounts in a currency are rounded for a company. */
export function roundingOf(env: Env, company: number, currency: number): Rounding {
  const row = env.get('res.company', company);
  return {
    version: env.db.version,
    step: rational(Number(env.get('res.currency', currency).rounding)),
    perLine: row.tax_calculation_rounding_method === 'round_per_line',
  };
}

/** The fiscal position of a customer: chosen, or the first automatic one for the country delivered to. */
export function fiscalPositionFor(env: Env, partner: Row, shipping: Row, company: number): number | false {
  if (partner.property_account_position_id) return partner.property_account_position_id as number;
  const country = shipping.country_id || partner.country_id;
  if (!country) return false;
  const automatic = env
    .having('account.fiscal.position', 'company_id', company)
    .filter((row) => row.auto_apply && row.active)
    .sort((a, b) => a.id - b.id);
  const exact = automatic.find((row) => row.country_id === country);
  return (exact ?? automatic.find((row) => row.country_id === false))?.id ?? false;
}

/** A product's taxes for an order: those of its company, replaced as its fiscal position says. */
export function mapTaxes(env: Env, order: Row, taxes: readonly number[]): number[] {
  const own = taxes.filter((id) => env.find('account.tax', id)?.company_id === order.company_id);
  if (!order.fiscal_position_id) return own;
  const rules = env.having('account.fiscal.position.tax', 'position_id', Number(order.fiscal_position_id));
  return own.flatMap((id) => {
    const found = rules.filter((rule) => rule.tax_src_id === id);
    return found.length
      ? found.map((rule) => rule.tax_dest_id).filter((to): to is number => typeof to === 'number')
      : [id];
  });
}

function checkNames(env: Env, rows: readonly Row[]): void {
  for (const row of rows) {
    const same = env
      .having('account.tax', 'name', String(row.name))
      .filter(
        (other) =>
          other.company_id === row.company_id && other.type_tax_use === row.type_tax_use && other.id !== row.id,
      );
    if (same.length)
      throw validationError(
        `Tax names must be unique!\n- ${row.name} in ${env.display('res.company', Number(row.company_id))}`,
      );
  }
}

const defaultGroup = (env: Env): number | false => {
  const tax = env.find('account.tax', env.get('res.company', env.company).account_sale_tax_id!);
  return tax ? Number(tax.tax_group_id) : (env.search('account.tax.group', [], { limit: 1 })[0]?.id ?? false);
};

/** Taxes, their groups, and fiscal positions. */
export const taxModels = (_version: Version): Model[] => [
  defineModel({
    name: 'account.tax',
    label: 'Tax',
    order: 'sequence,id',
    companyRule: true,
    fields: {
      name: char('Tax Name', { required: true, index: true }),
      type_tax_use: selection(
        'Tax Type',
        [
          ['sale', 'Sales'],
          ['purchase', 'Purchases'],
          ['none', 'None'],
        ],
        { required: true, default: 'sale' },
      ),
      amount_type: selection(
        'Tax Computation',
        [
          ['group', 'Group of Taxes'],
          ['fixed', 'Fixed'],
          ['percent', 'Percentage'],
          ['division', 'Percentage Tax Included'],
        ],
        { required: true, default: 'percent' },
      ),
      amount: float('Amount', { required: true }),
      active: boolean('Active', { default: true }),
      company_id: many2one('res.company', 'Company', { required: true, default: (env) => env.company }),
      sequence: integer('Sequence', { required: true, default: 1 }),
      description: char('Description'),
      invoice_label: char('Label on Invoices'),
      price_include_override: selection('Included in Price', [
        ['tax_included', 'Tax Included'],
        ['tax_excluded', 'Tax Excluded'],
      ]),
      price_include: boolean('Price Include', { compute: isIncluded }),
      include_base_amount: boolean('Affect Base of Subsequent Taxes'),
      is_base_affected: boolean('Base Affected by Previous Taxes', { default: true }),
      tax_group_id: many2one('account.tax.group', 'Tax Group', { required: true, default: defaultGroup }),
      children_tax_ids: many2many('account.tax', 'Children Taxes'),
      country_id: many2one('res.country', 'Country', {
        required: true,
        default: (env) => Number(env.get('res.company', env.company).country_id),
      }),
    },
    created: checkNames,
    written: (env, rows, vals) => {
      if ('name' in vals) checkNames(env, rows);
    },
  }),
  defineModel({
    name: 'account.tax.group',
    label: 'Tax Group',
    order: 'sequence asc, id',
    fields: {
      name: char('Name', { required: true }),
      sequence: integer('Sequence', { default: 10 }),
      company_id: many2one('res.company', 'Company'),
    },
  }),
  defineModel({
    name: 'account.fiscal.position',
    label: 'Fiscal Position',
    order: 'sequence, id',
    companyRule: true,
    fields: {
      name: char('Fiscal Position', { required: true }),
      sequence: integer('Sequence'),
      active: boolean('Active', { default: true }),
      company_id: many2one('res.company', 'Company', { required: true, index: true, default: (env) => env.company }),
      auto_apply: boolean('Detect Automatically'),
      vat_required: boolean('VAT required'),
      country_id: many2one('res.country', 'Country'),
      tax_ids: one2many('account.fiscal.position.tax', 'position_id', 'Tax Mapping'),
    },
  }),
  defineModel({
    name: 'account.fiscal.position.tax',
    label: 'Tax Mapping of Fiscal Position',
    fields: {
      position_id: many2one('account.fiscal.position', 'Fiscal Position', { required: true, onDelete: 'cascade' }),
      tax_src_id: many2one('account.tax', 'Tax on Product', { required: true }),
      tax_dest_id: many2one('account.tax', 'Tax to Apply'),
    },
  }),
];
