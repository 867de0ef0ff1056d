import type { Context, PollSource } from '../../../core/connector.ts';
import type { Odoo } from '../database.ts';
import { type Row, relation } from '../rows.ts';
import { later } from './cursor.ts';
import { type Capture, feed, type Native } from './feed.ts';

/** What one variant costs on one list. */
export interface ListPrice {
  /** Name of the pricelist; null for the sales price of the product itself. */
  readonly list: string | null;
  readonly currency: string;
  /** As Odoo keeps it, a float; null where only Odoo can work it out (a discount or formula on this very product, another currency). */
  readonly amount: number | null;
}

/** What the variants of one product template cost, at the time it was read. */
export interface PriceRecord extends Native {
  readonly name: string;
  /** Whether its sales taxes are within the prices: true, false, or null where some are and some are not. */
  readonly includesTax: boolean | null;
  readonly variants: readonly {
    readonly id: number;
    readonly code: string | null;
    readonly prices: readonly ListPrice[];
  }[];
}

const itemFields = [
  'pricelist_id',
  'product_tmpl_id',
  'product_id',
  'applied_on',
  'compute_price',
  'fixed_price',
  'min_quantity',
  'date_start',
  'date_end',
  'write_date',
];

/**
 * Sales prices, and the fixed prices of pricelists for a product or a variant, as they are valid now: the clock passing a start or an end is a change too.
 * No public method of Odoo computes a price (odoo.md §3), so discounts, formulas and rules for categories are not followed.
 */
export const prices = (capture: Capture, every: PollSource<PriceRecord>['every']): PollSource<PriceRecord> => {
  const { odoo } = capture;
  return feed<PriceRecord>(capture, {
    name: 'prices',
    every,
    noun: 'price',
    watched: async () => [
      { model: 'product.template', domain: [], root: 'id' },
      { model: 'product.product', domain: [], root: 'product_tmpl_id' },
      { model: 'product.template.attribute.value', domain: [['price_extra', '!=', 0]], root: 'product_tmpl_id' },
      { model: 'product.pricelist.item', domain: [['product_tmpl_id', '!=', false]], root: 'product_tmpl_id' },
    ],
    all: async () => ({ model: 'product.template', domain: [['sale_ok', '=', true]] }),
    read: (ids, now, cx) => readPrices(odoo, ids, now, cx),
    due: (from, to, cx) => due(odoo, from, to, cx),
    decode: (bytes) => JSON.parse(Buffer.from(bytes).toString()) as PriceRecord,
  });
};

/** Products of rules that begin or end between two moments. */
async function due(odoo: Odoo, from: string, to: string, cx: Context): Promise<number[]> {
  const within = (field: string) => ['&', [field, '>=', from], [field, '<=', to]];
  const domain = [['product_tmpl_id', '!=', false], '|', ...within('date_start'), ...within('date_end')];
  const rows = await odoo.read('product.pricelist.item', domain, ['product_tmpl_id'], cx);
  return rows.map((row) => relation(row.product_tmpl_id).id);
}

const moments = (row: Row, now: string): string[] =>
  ['write_date', 'date_start', 'date_end']
    .map((field) => row[field])
    .flatMap((at) => (typeof at === 'string' && at.slice(0, 19) <= now ? [at.slice(0, 19)] : []));

/** What the variants of products that are sold cost at `now`, by the server's clock. */
export async function readPrices(odoo: Odoo, ids: readonly number[], now: string, cx: Context): Promise<PriceRecord[]> {
  if (ids.length === 0) return [];
  const company = await odoo.company(cx);
  const templates = await odoo.read(
    'product.template',
    [
      ['id', 'in', ids],
      ['sale_ok', '=', true],
    ],
    ['name', 'taxes_id', 'write_date'],
    cx,
  );
  const sold = templates.map(({ id }) => id);
  if (sold.length === 0) return [];
  const variants = await odoo.read(
    'product.product',
    [['product_tmpl_id', 'in', sold]],
    ['product_tmpl_id', 'default_code', 'lst_price', 'write_date'],
    cx,
  );
  const items = await odoo.read('product.pricelist.item', [['product_tmpl_id', 'in', sold]], itemFields, cx);
  const lists = await odoo.pricelists(cx);
  const general = await odoo.read(
    'product.pricelist.item',
    [['applied_on', 'in', ['2_product_category', '3_global']]],
    ['pricelist_id'],
    cx,
  );
  const ruled = new Set(general.map((row) => relation(row.pricelist_id).id));
  const included = await includedTaxes(odoo, templates, company.id, cx);
  return templates.flatMap((template): PriceRecord[] => {
    const own = variants.filter((row) => relation(row.product_tmpl_id).id === template.id);
    const rules = items.filter((row) => relation(row.product_tmpl_id).id === template.id);
    if (own.length === 0) return [];
    const times = [template, ...own, ...rules].flatMap((row) => moments(row, now));
    return [
      {
        id: template.id as number,
        version: times.reduce(later),
        name: String(template.name),
        includesTax: included(template),
        variants: own.map((row) => ({
          id: row.id as number,
          code: typeof row.default_code === 'string' ? row.default_code : null,
          prices: [
            { list: null, currency: company.currency.name, amount: Number(row.lst_price) },
            ...lists.map(({ id, name, currency }): ListPrice => {
              const amount = amountOn(id, row, rules, now);
              const plain = currency === company.currency.name && !ruled.has(id) ? Number(row.lst_price) : null;
              return { list: name, currency, amount: amount === undefined ? plain : amount };
            }),
          ],
        })),
      },
    ];
  });
}

/** The price of the rule that Odoo would take (variant before product, then the newest), if it is a fixed one; undefined where no rule names the product. */
function amountOn(list: number, variant: Row, rules: readonly Row[], now: string): number | null | undefined {
  const valid = rules.filter(
    (rule) =>
      relation(rule.pricelist_id).id === list &&
      Number(rule.min_quantity) <= 1 &&
      (rule.date_start === false || String(rule.date_start) <= now) &&
      (rule.date_end === false || String(rule.date_end) >= now) &&
      (rule.applied_on === '1_product' ||
        (rule.applied_on === '0_product_variant' && relation(rule.product_id).id === variant.id)),
  );
  const rank = (rule: Row): number => (rule.applied_on === '0_product_variant' ? 0 : 1);
  const [first] = valid.sort(
    (a, b) =>
      rank(a) - rank(b) || Number(b.min_quantity) - Number(a.min_quantity) || (b.id as number) - (a.id as number),
  );
  if (!first) return undefined;
  return first.compute_price === 'fixed' ? Number(first.fixed_price) : null;
}

/** Whether the sales taxes of a template are within its prices. */
async function includedTaxes(
  odoo: Odoo,
  templates: readonly Row[],
  company: number,
  cx: Context,
): Promise<(template: Row) => boolean | null> {
  const ids = [...new Set(templates.flatMap((row) => row.taxes_id as number[]))];
  const domain = [
    ['id', 'in', ids],
    ['company_id', '=', company],
  ];
  const rows = ids.length === 0 ? [] : await odoo.read('account.tax', domain, ['price_include'], cx);
  const taxes = new Map(rows.map((row) => [row.id, row.price_include === true]));
  return ({ taxes_id }) => {
    const ways = new Set((taxes_id as number[]).flatMap((id) => taxes.get(id) ?? []));
    return ways.size > 1 ? null : !ways.has(false);
  };
}
