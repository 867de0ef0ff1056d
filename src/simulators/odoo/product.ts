import { checkAccess } from './access.ts';
import type { Env } from './env.ts';
import { validationError } from './errors.ts';
import {
  binary,
  boolean,
  char,
  type Field,
  float,
  integer,
  many2many,
  many2one,
  one2many,
  selection,
  text,
} from './fields.ts';
import { inventoryLoss, type Quantities, quantities } from './levels.ts';
import { defineModel, type Model } from './model.ts';
import type { Json, Row, Vals, Version } from './types.ts';
import { activeVariants, attributes, makeVariants, variants } from './variants.ts';

const VARIANT_ONLY = ['default_code', 'barcode', 'standard_price', 'weight', 'volume'] as const;

/** A field of the only variant, shown on the template; empty when there are several. */
const onVariant = (field: Field, name: string): Field => ({
  ...field,
  store: name !== 'barcode',
  compute: (env, row) => {
    const found = activeVariants(env, row);
    return found.length === 1 ? found[0]![name]! : field.type === 'float' ? 0 : false;
  },
  assign: (env, row, value) => {
    const found = activeVariants(env, row);
    if (found.length === 1) env.write('product.product', found, { [name]: value });
  },
});

const valueName = (env: Env, row: Row): string =>
  String(env.find('product.attribute.value', row.product_attribute_value_id ?? row.id)?.name ?? '');

/** `[CODE] Name (S, Red)` */
function productName(env: Env, row: Row): string {
  const template = env.find('product.template', row.product_tmpl_id!);
  const values = (row.product_template_attribute_value_ids as number[]).map((id) =>
    valueName(env, env.get('product.template.attribute.value', id)),
  );
  const name = `${template?.name ?? ''}${values.length ? ` (${values.join(', ')})` : ''}`;
  return row.default_code ? `[${row.default_code}] ${name}` : name;
}

function templateName(env: Env, row: Row): string {
  const code = env.value(env.model('product.template'), row, 'default_code');
  return code ? `[${code}] ${row.name}` : String(row.name);
}

function checkBarcodes(env: Env, rows: readonly Row[]): void {
  for (const row of rows) {
    if (typeof row.barcode !== 'string' || row.barcode === '') continue;
    const same = env.having('product.product', 'barcode', row.barcode).sort((a, b) => a.id - b.id);
    if (same.length < 2) continue;
    throw validationError(
      `Barcode(s) already assigned:\n\n- Barcode "${row.barcode}" already assigned to product(s): ` +
        `${same.map((other) => productName(env, other)).join(' and ')}\n\n` +
        "Note: products that you don't have access to will not be shown above.",
    );
  }
}

/** Default taxes of all companies. */
const companyTaxes = (field: string) => (env: Env) =>
  [...env.db.table('res.company').rows.values()]
    .map((row) => row[field])
    .filter((id): id is number => typeof id === 'number');

const priceExtra = (env: Env, row: Row): number =>
  (row.product_template_attribute_value_ids as number[]).reduce(
    (sum, id) => sum + Number(env.get('product.template.attribute.value', id).price_extra),
    0,
  );

const productTypes = [
  ['consu', 'Goods'],
  ['service', 'Service'],
  ['combo', 'Combo'],
] as const;

const category = (): Model =>
  defineModel({
    name: 'product.category',
    label: 'Product Category',
    order: 'complete_name',
    recName: 'complete_name',
    fields: {
      name: char('Name', { required: true, index: true }),
      complete_name: char('Complete Name'),
      parent_id: many2one('product.category', 'Parent Category', { index: true }),
    },
    created: (env, rows) => {
      for (const row of rows) {
        const parent = env.find('product.category', row.parent_id!);
        env.set('product.category', row, {
          complete_name: parent ? `${parent.complete_name} / ${row.name}` : String(row.name),
        });
      }
    },
  });

/** 18 files products under the first category when none is given; 19 leaves it empty. */
const defaultCategory = (env: Env): number | false =>
  env.db.version >= 19 ? false : (env.db.table('product.category').rows.values().next().value?.id ?? false);

const defaultUom = (env: Env): number | false =>
  env.search('uom.uom', [['name', '=', 'Units']], { limit: 1, order: 'id' })[0]?.id ?? false;

function quantityOf(name: keyof Quantities) {
  return (env: Env, row: Row): number => {
    if (env.guarded) checkAccess(env, env.model('stock.move'), 'read');
    return quantities(env, row)[name];
  };
}

const quantityFields = (): Record<string, Field> => ({
  qty_available: float('Quantity On Hand', { compute: quantityOf('onHand') }),
  free_qty: float('Free To Use Quantity', { compute: quantityOf('free') }),
  virtual_available: float('Forecasted Quantity', { compute: quantityOf('forecast') }),
  incoming_qty: float('Incoming', { compute: quantityOf('incoming') }),
  outgoing_qty: float('Outgoing', { compute: quantityOf('outgoing') }),
});

const sumOfVariants = (field: Field, name: string): Field => ({
  ...field,
  compute: (env, row) =>
    activeVariants(env, row).reduce(
      (sum, variant) => sum + Number(env.value(env.model('product.product'), variant, name)),
      0,
    ),
});

const template = (version: Version): Model =>
  defineModel({
    name: 'product.template',
    label: 'Product',
    order: 'is_favorite desc, name',
    companyRule: true,
    fields: {
      name: char('Name', { required: true, index: true }),
      is_favorite: boolean('Favorite'),
      sequence: integer('Sequence', { default: 1 }),
      description: text('Description'),
      description_sale: text('Sales Description'),
      type: selection('Product Type', productTypes, { required: true, default: 'consu' }),
      is_storable: boolean('Track Inventory'),
      categ_id: many2one('product.category', 'Product Category', { default: defaultCategory }),
      list_price: float('Sales Price', { default: 1, digits: 'Product Price' }),
      currency_id: many2one('res.currency', 'Currency', {
        compute: (env) => env.get('res.company', env.company).currency_id,
      }),
      uom_id: many2one('uom.uom', version >= 19 ? 'Unit' : 'Unit of Measure', { required: true, default: defaultUom }),
      ...(version < 19 ? { uom_po_id: many2one('uom.uom', 'Purchase Unit', { default: defaultUom }) } : {}),
      taxes_id: many2many('account.tax', 'Sales Taxes', { default: companyTaxes('account_sale_tax_id') }),
      supplier_taxes_id: many2many('account.tax', 'Purchase Taxes', {
        default: companyTaxes('account_purchase_tax_id'),
      }),
      sale_ok: boolean('Sales', { default: true }),
      purchase_ok: boolean('Purchase', { default: true }),
      available_in_pos: boolean('Point of Sale'),
      invoice_policy: selection(
        'Invoicing Policy',
        [
          ['order', 'Ordered quantities'],
          ['delivery', 'Delivered quantities'],
        ],
        { default: 'order' },
      ),
      tracking: selection(
        'Tracking',
        [
          ['serial', 'By Unique Serial Number'],
          ['lot', 'By Lots'],
          ['none', 'By Quantity'],
        ],
        { default: 'none' },
      ),
      company_id: many2one('res.company', 'Company'),
      active: boolean('Active', { default: true }),
      property_account_income_id: many2one('account.account', 'Income Account'),
      property_stock_inventory: many2one('stock.location', 'Inventory Location', {
        compute: (env) => inventoryLoss(env, env.company),
      }),
      image_1920: binary('Image'),
      image_128: binary('Image 128', { compute: (_env, row) => row.image_1920! }),
      attribute_line_ids: one2many('product.template.attribute.line', 'product_tmpl_id', 'Product Attributes'),
      product_variant_ids: one2many('product.product', 'product_tmpl_id', 'Products'),
      product_variant_id: many2one('product.product', 'Product', {
        compute: (env, row) =>
          env.ordered(
            'product.product',
            variants(env, row).map((one) => one.id),
          )[0] ?? false,
      }),
      product_variant_count: integer('# Product Variants', { compute: (env, row) => activeVariants(env, row).length }),
      default_code: onVariant(char('Internal Reference'), 'default_code'),
      barcode: onVariant(char('Barcode'), 'barcode'),
      standard_price: onVariant(float('Cost'), 'standard_price'),
      weight: onVariant(float('Weight'), 'weight'),
      weight_uom_name: char('Weight unit of measure label', { compute: () => 'kg' }),
      volume: onVariant(float('Volume'), 'volume'),
      ...Object.fromEntries(
        Object.entries(quantityFields()).map(([name, field]) => [name, sumOfVariants(field, name)]),
      ),
    },
    display: templateName,
    complete: (_env, vals) => (vals.type && vals.type !== 'consu' ? { ...vals, is_storable: false } : vals),
    writing: (_env, rows, vals) => {
      const service = (vals.type ?? rows[0]?.type) !== 'consu';
      return service && ('is_storable' in vals || 'type' in vals) ? { ...vals, is_storable: false } : vals;
    },
    created: (env, rows, list) => {
      for (const [i, row] of rows.entries()) {
        if (!env.context.create_product_product) makeVariants(env, row);
        const own = Object.fromEntries(
          VARIANT_ONLY.filter((name) => name in list[i]!).map((name) => [name, list[i]![name]]),
        );
        const made = variants(env, row);
        if (Object.keys(own).length && made.length === 1) env.write('product.product', made, own);
      }
    },
    written: (env, rows, vals) => {
      for (const row of rows) {
        if ('active' in vals) env.write('product.product', variants(env, row), { active: vals.active });
        else
          for (const variant of variants(env, row)) env.set('product.product', variant, { touched: !variant.touched });
      }
    },
    unlinking: (env, rows) => {
      for (const row of rows) env.with({ keep_template: true }).unlink('product.product', variants(env, row));
    },
  });

/** Fields a variant shares with its template. */
const shared = (version: Version): Record<string, Field> => {
  const { fields } = template(version);
  const names = [
    'name',
    'is_favorite',
    'type',
    'is_storable',
    'categ_id',
    'list_price',
    'uom_id',
    'uom_po_id',
    'taxes_id',
    'supplier_taxes_id',
    'sale_ok',
    'purchase_ok',
    'available_in_pos',
    'invoice_policy',
    'tracking',
    'company_id',
    'description',
    'description_sale',
    'image_1920',
    'property_account_income_id',
    'property_stock_inventory',
    'currency_id',
  ];
  const linked = ([name, { compute, default: _default, required: _required, ...field }]: [string, Field]) => [
    name,
    { ...field, related: `product_tmpl_id.${name}` },
  ];
  return Object.fromEntries(names.filter((name) => fields[name]).map((name) => linked([name, fields[name]!])));
};

/** A variant created alone brings its template along. */
function withTemplate(env: Env, model: Model, vals: Vals): Vals {
  if (vals.product_tmpl_id) return vals;
  const own = new Set([...model.stored, 'lst_price']);
  const given = Object.entries(vals).filter(([name]) => !own.has(name) || name === 'active');
  const bare = env.with({ create_product_product: true });
  const list = 'lst_price' in vals && !('list_price' in vals) ? [['list_price', vals.lst_price] as const] : [];
  const [made] = bare.create('product.template', [Object.fromEntries([...given, ...list])]);
  return {
    ...Object.fromEntries(Object.entries(vals).filter(([name]) => own.has(name) && name !== 'lst_price')),
    product_tmpl_id: made!.id,
  };
}

const variant = (version: Version): Model =>
  defineModel({
    name: 'product.product',
    label: 'Product Variant',
    order: 'is_favorite desc, default_code, name, id',
    nameSearch: ['default_code', 'barcode', 'name'],
    fields: {
      ...shared(version),
      product_tmpl_id: many2one('product.template', 'Product Template', {
        required: true,
        index: true,
        onDelete: 'cascade',
      }),
      default_code: char('Internal Reference', { index: true }),
      barcode: char('Barcode', { index: true }),
      standard_price: float('Cost'),
      weight: float('Weight'),
      volume: float('Volume'),
      active: boolean('Active', { default: true }),
      touched: boolean('Changed with its template'),
      product_template_attribute_value_ids: many2many('product.template.attribute.value', 'Attribute Values'),
      combination_indices: char('Combination Indices', {
        compute: (_env, row) => (row.product_template_attribute_value_ids as number[]).join(','),
      }),
      price_extra: float('Variant Price Extra', { compute: priceExtra }),
      lst_price: float('Sales Price', {
        compute: (env, row) =>
          Number(env.get('product.template', row.product_tmpl_id!).list_price) + priceExtra(env, row),
        assign: (env, row, value) =>
          env.write('product.template', [env.get('product.template', row.product_tmpl_id!)], {
            list_price: Number(value) - priceExtra(env, row),
          }),
      }),
      ...quantityFields(),
    },
    display: productName,
    complete: (env, vals) => withTemplate(env, env.model('product.product'), vals),
    created: (env, rows) => checkBarcodes(env, rows),
    written: (env, rows, vals) => {
      if ('barcode' in vals) checkBarcodes(env, rows);
    },
    unlinked: (env, rows) => {
      if (env.context.keep_template) return;
      const alone = [...new Set(rows.map((row) => Number(row.product_tmpl_id)))]
        .map((id) => env.find('product.template', id))
        .filter(
          (row): row is Row =>
            row !== undefined &&
            variants(env, row).length === 0 &&
            env.having('product.template.attribute.line', 'product_tmpl_id', row.id).length === 0,
        );
      if (alone.length) env.unlink('product.template', alone);
    },
  });

/** Products, their variants and attributes. */
export const productModels = (version: Version): Model[] => [
  category(),
  template(version),
  variant(version),
  ...attributes(),
];

/** A field of a product, its own or its template's. */
export const productValue = (env: Env, product: Row, name: string): Json =>
  env.value(env.model('product.product'), product, name);
