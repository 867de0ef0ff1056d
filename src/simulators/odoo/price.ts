import { moneyText, unitSize } from './base.ts';
import type { Env } from './env.ts';
import { validationError } from './errors.ts';
import { boolean, char, datetime, float, integer, many2one, one2many, selection } from './fields.ts';
import { defineModel, type Model } from './model.ts';
import { productValue } from './product.ts';
import { roundDigits } from './rational.ts';
import type { Row, Version } from './types.ts';

/** What is being priced. */
interface Request {
  readonly product: Row;
  readonly quantity: number;
  readonly uom: number | false;
  readonly pricelist: Row | undefined;
}

function applies(env: Env, rule: Row, { product, quantity }: Request): boolean {
  const now = env.tx.now;
  if (Number(rule.min_quantity) > quantity) return false;
  if ((rule.date_start && String(rule.date_start) > now) || (rule.date_end && String(rule.date_end) < now))
    return false;
  if (rule.applied_on === '0_product_variant') return rule.product_id === product.id;
  if (rule.applied_on === '1_product') return rule.product_tmpl_id === product.product_tmpl_id;
  if (rule.applied_on === '2_product_category') return rule.categ_id === productValue(env, product, 'categ_id');
  return true;
}

const rank = (rule: Row) => [String(rule.applied_on), -Number(rule.min_quantity), -rule.id] as const;

function ruleFor(env: Env, request: Request): Row | undefined {
  if (!request.pricelist) return undefined;
  return env
    .having('product.pricelist.item', 'pricelist_id', request.pricelist.id)
    .filter((rule) => applies(env, rule, request))
    .sort((a, b) => {
      const [x, y] = [rank(a), rank(b)];
      return x[0] < y[0] ? -1 : x[0] > y[0] ? 1 : x[1] - y[1] || x[2] - y[2];
    })[0];
}

function ruled(rule: Row, list: number): number {
  if (rule.compute_price === 'fixed') return Number(rule.fixed_price);
  if (rule.compute_price === 'percentage') return list * (1 - Number(rule.percent_price) / 100);
  const discounted = list * (1 - Number(rule.price_discount) / 100);
  const step = Number(rule.price_round);
  const rounded = step ? Math.round(discounted / step) * step : discounted;
  return rounded + Number(rule.price_surcharge);
}

/** The unit price a pricelist (or the product itself) gives, in the wanted unit. */
export function priceOf(env: Env, request: Request): number {
  const list = Number(productValue(env, request.product, 'lst_price'));
  const rule = ruleFor(env, request);
  const price = rule ? ruled(rule, list) : list;
  const own = env.get('uom.uom', productValue(env, request.product, 'uom_id'));
  const wanted = env.find('uom.uom', request.uom) ?? own;
  const converted = wanted === own ? price : (price * unitSize(env, wanted)) / unitSize(env, own);
  return roundDigits(converted, Math.max(env.db.digits('Product Price'), 2));
}

/** A rule's price in words, as lists show it. */
function priceText(env: Env, rule: Row): string {
  const currency = env.find('res.currency', env.value(env.model('product.pricelist.item'), rule, 'currency_id'));
  const money = (value: number) => moneyText(currency, value);
  if (rule.compute_price === 'fixed') return money(Number(rule.fixed_price));
  if (rule.compute_price === 'percentage') return `${rule.percent_price} % discount on sales price`;
  const extra = Number(rule.price_surcharge);
  return `${rule.price_discount} % discount on sales price ${extra ? `and ${money(extra)} surcharge` : ''}`;
}

function checkRule(row: Row): void {
  if (row.applied_on === '0_product_variant' && !row.product_id)
    throw validationError('Please specify the product variant for which this rule should be applied');
  if (row.applied_on === '1_product' && !row.product_tmpl_id)
    throw validationError('Please specify the product for which this rule should be applied');
  if (row.applied_on === '2_product_category' && !row.categ_id)
    throw validationError('Please specify the category for which this rule should be applied');
}

const items = (): Model =>
  defineModel({
    name: 'product.pricelist.item',
    label: 'Pricelist Rule',
    order: 'applied_on, min_quantity desc, categ_id desc, id desc',
    recName: 'id',
    fields: {
      pricelist_id: many2one('product.pricelist', 'Pricelist', { required: true, index: true, onDelete: 'cascade' }),
      applied_on: selection(
        'Apply On',
        [
          ['3_global', 'All Products'],
          ['2_product_category', 'Product Category'],
          ['1_product', 'Product'],
          ['0_product_variant', 'Product Variant'],
        ],
        { required: true, default: '3_global' },
      ),
      product_id: many2one('product.product', 'Variant', { index: true, onDelete: 'cascade' }),
      product_tmpl_id: many2one('product.template', 'Product', { onDelete: 'cascade' }),
      categ_id: many2one('product.category', 'Category'),
      compute_price: selection(
        'Compute Price',
        [
          ['percentage', 'Discount'],
          ['formula', 'Formula'],
          ['fixed', 'Fixed Price'],
        ],
        { required: true, default: 'fixed' },
      ),
      base: selection(
        'Based on',
        [
          ['list_price', 'Sales Price'],
          ['standard_price', 'Cost'],
          ['pricelist', 'Other Pricelist'],
        ],
        { required: true, default: 'list_price' },
      ),
      fixed_price: float('Fixed Price', { digits: 'Product Price' }),
      percent_price: float('Percentage Price'),
      price_discount: float('Price Discount'),
      price_surcharge: float('Extra Fee', { digits: 'Product Price' }),
      price_round: float('Price Rounding'),
      min_quantity: float('Min. Quantity'),
      date_start: datetime('Start Date'),
      date_end: datetime('End Date'),
      active: boolean('Active', { default: true }),
      price: char('Price', { compute: priceText }),
      currency_id: many2one('res.currency', 'Currency', { related: 'pricelist_id.currency_id' }),
      company_id: many2one('res.company', 'Company', { default: (env) => env.company }),
    },
    complete: (env, vals) => {
      const product = env.find('product.product', vals.product_id);
      return product && !vals.product_tmpl_id ? { ...vals, product_tmpl_id: product.product_tmpl_id! } : vals;
    },
    created: (_env, rows) => rows.forEach(checkRule),
    written: (_env, rows) => rows.forEach(checkRule),
  });

/** Pricelists and their rules. */
export const priceModels = (_version: Version): Model[] => [
  defineModel({
    name: 'product.pricelist',
    label: 'Pricelist',
    order: 'sequence, id, name',
    companyRule: true,
    fields: {
      name: char('Pricelist Name', { required: true }),
      sequence: integer('Sequence', { default: 16 }),
      active: boolean('Active', { default: true }),
      currency_id: many2one('res.currency', 'Currency', {
        required: true,
        default: (env) => Number(env.get('res.company', env.company).currency_id),
      }),
      company_id: many2one('res.company', 'Company', { default: (env) => env.company }),
      item_ids: one2many('product.pricelist.item', 'pricelist_id', 'Pricelist Rules'),
    },
    display: (env, row) => `${row.name} (${env.display('res.currency', Number(row.currency_id))})`,
  }),
  items(),
];
