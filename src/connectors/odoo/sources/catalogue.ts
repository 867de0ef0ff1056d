import type { Context, PollSource } from '../../../core/connector.ts';
import type { Odoo } from '../database.ts';
import { type Row, relation } from '../rows.ts';
import { later } from './cursor.ts';
import { type Capture, feed, type Native } from './feed.ts';

export interface VariantRecord {
  readonly id: number;
  readonly code: string | null;
  readonly barcode: string | null;
  /** Kilograms or pounds, as `unit` of the item says; 0 where nothing was entered. */
  readonly weight: number;
  readonly active: boolean;
  /** One value for each option of the item. */
  readonly values: readonly string[];
}

/** A product template with its variants. */
export interface CatalogueRecord extends Native {
  readonly name: string;
  readonly description: string;
  readonly category: string | null;
  /** Neither archived nor taken from sale. */
  readonly sold: boolean;
  /** Unit of weights, `kg` or `lb`. */
  readonly unit: string;
  /** Attributes that its variants differ in. */
  readonly options: readonly string[];
  readonly variants: readonly VariantRecord[];
}

/**
 * Products with their variants. A change of a variant (barcode, weight, code) or of its attributes brings the whole item. Names of attributes and values are
 * compared with everything else at the full comparison; a deletion leaves no trace in Odoo: archive instead.
 */
export const catalogue = (
  capture: Capture,
  every: PollSource<CatalogueRecord>['every'],
): PollSource<CatalogueRecord> => {
  const { odoo } = capture;
  const both = ['active', 'in', [true, false]];
  return feed<CatalogueRecord>(capture, {
    name: 'catalogue',
    every,
    noun: 'item',
    watched: async () => [
      { model: 'product.template', domain: [both], root: 'id' },
      { model: 'product.product', domain: [both], root: 'product_tmpl_id' },
      { model: 'product.template.attribute.line', domain: [both], root: 'product_tmpl_id' },
    ],
    all: async () => ({ model: 'product.template', domain: [both] }),
    read: (ids, _now, cx) => read(odoo, ids, cx),
    labels: ({ variants }) => (variants[0]?.code ? { sku: variants[0].code } : {}),
    decode: (bytes) => JSON.parse(Buffer.from(bytes).toString()) as CatalogueRecord,
  });
};

const timesOf = (rows: readonly Row[]): string[] => rows.map((row) => String(row.write_date).slice(0, 19));
const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);

async function read(odoo: Odoo, ids: readonly number[], cx: Context): Promise<CatalogueRecord[]> {
  const both = ['active', 'in', [true, false]];
  const fields = ['name', 'description_sale', 'categ_id', 'active', 'sale_ok', 'weight_uom_name', 'write_date'];
  const templates = await odoo.read('product.template', [both, ['id', 'in', ids]], fields, cx);
  const variantFields = [
    'product_tmpl_id',
    'default_code',
    'barcode',
    'weight',
    'active',
    'product_template_attribute_value_ids',
    'write_date',
  ];
  const variants = await odoo.read('product.product', [both, ['product_tmpl_id', 'in', ids]], variantFields, cx);
  const options = await optionsOf(odoo, ids, cx);
  const own = Map.groupBy(variants, (row) => relation(row.product_tmpl_id).id);
  return templates.flatMap((row): CatalogueRecord[] => {
    const id = row.id as number;
    const rows = own.get(id) ?? [];
    const differing = options.filter((option) => option.template === id);
    if (rows.length === 0) return [];
    return [
      {
        id,
        version: timesOf([row, ...rows, ...differing.map(({ row: line }) => line)]).reduce(later),
        name: String(row.name),
        description: text(row.description_sale) ?? '',
        category: text(relation(row.categ_id).name),
        sold: row.active === true && row.sale_ok === true,
        unit: String(row.weight_uom_name),
        options: differing.map(({ name }) => name),
        variants: rows.map((variant) => variantOf(variant, differing)),
      },
    ];
  });
}

function variantOf(row: Row, options: readonly Option[]): VariantRecord {
  const chosen = row.product_template_attribute_value_ids as number[];
  return {
    id: row.id as number,
    code: text(row.default_code),
    barcode: text(row.barcode),
    weight: Number(row.weight),
    active: row.active === true,
    values: options.map(({ values }) => chosen.map((id) => values.get(id)).find((name) => name !== undefined) ?? ''),
  };
}

interface Option {
  readonly template: number;
  readonly row: Row;
  readonly name: string;
  /** Names of the values by the id that variants carry. */
  readonly values: ReadonlyMap<number, string>;
}

/** Attributes of templates with more than one value that make variants, in their order. */
async function optionsOf(odoo: Odoo, templates: readonly number[], cx: Context): Promise<Option[]> {
  const domain = [
    ['product_tmpl_id', 'in', templates],
    ['attribute_id.create_variant', '!=', 'no_variant'],
  ];
  const lines = await odoo.read(
    'product.template.attribute.line',
    domain,
    ['product_tmpl_id', 'attribute_id', 'value_ids', 'write_date'],
    cx,
    'sequence, attribute_id, id',
  );
  const differing = lines.filter((row) => (row.value_ids as number[]).length > 1);
  if (differing.length === 0) return [];
  const values = await odoo.read(
    'product.template.attribute.value',
    [['attribute_line_id', 'in', differing.map(({ id }) => id)]],
    ['name', 'attribute_line_id'],
    cx,
  );
  const own = Map.groupBy(values, (row) => relation(row.attribute_line_id).id);
  return differing.map((row) => ({
    template: relation(row.product_tmpl_id).id,
    row,
    name: relation(row.attribute_id).name,
    values: new Map((own.get(row.id as number) ?? []).map((value) => [value.id as number, String(value.name)])),
  }));
}
