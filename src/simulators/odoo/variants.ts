import type { Env } from './env.ts';
import { boolean, char, float, integer, many2many, many2one, one2many, selection } from './fields.ts';
import { defineModel, type Model } from './model.ts';
import type { Row } from './types.ts';

export const variants = (env: Env, template: Row): Row[] =>
  env.having('product.product', 'product_tmpl_id', template.id).sort((a, b) => a.id - b.id);

export const activeVariants = (env: Env, template: Row): Row[] => {
  const found = variants(env, template);
  const active = found.filter((row) => row.active);
  return active.length || template.active ? active : found;
};

/** Makes the variants the attribute lines ask for and drops those they no longer allow. */
export function makeVariants(env: Env, template: Row): void {
  const lines = env.ordered(
    'product.template.attribute.line',
    env.having('product.template.attribute.line', 'product_tmpl_id', template.id).map((row) => row.id),
  );
  const values = lines.map((line) =>
    env
      .having('product.template.attribute.value', 'attribute_line_id', line)
      .filter((row) => row.ptav_active)
      .sort((a, b) => a.id - b.id)
      .map((row) => row.id),
  );
  const wanted = values.reduce<number[][]>(
    (sets, ids) => (ids.length ? sets.flatMap((set) => ids.map((id) => [...set, id])) : sets),
    [[]],
  );
  const keys = new Set(wanted.map((set) => set.join(',')));
  const existing = variants(env, template);
  const unwanted = existing.filter(
    (row) => !keys.has((row.product_template_attribute_value_ids as number[]).join(',')),
  );
  const have = new Set(existing.map((row) => (row.product_template_attribute_value_ids as number[]).join(',')));
  const missing = wanted.filter((set) => !have.has(set.join(',')));
  if (missing.length)
    env.create(
      'product.product',
      missing.map((set) => ({ product_tmpl_id: template.id, product_template_attribute_value_ids: set })),
    );
  if (missing.length || have.size > unwanted.length) removeVariants(env, unwanted);
}

/** Unused variants are deleted, used ones archived. */
function removeVariants(env: Env, rows: readonly Row[]): void {
  for (const row of rows) {
    const inUse = ['sale.order.line', 'stock.move'].some((model) => env.having(model, 'product_id', row.id).length > 0);
    if (inUse) env.write('product.product', [row], { active: false });
    else env.unlink('product.product', [row]);
  }
}

/** Keeps the values of a template's attribute line as records of their own. */
function syncValues(env: Env, line: Row): void {
  const held = env.having('product.template.attribute.value', 'attribute_line_id', line.id);
  const wanted = line.value_ids as number[];
  const missing = wanted.filter((id) => !held.some((row) => row.product_attribute_value_id === id));
  const gone = held.filter((row) => !wanted.includes(Number(row.product_attribute_value_id)));
  if (missing.length)
    env.create(
      'product.template.attribute.value',
      missing.map((id) => ({ attribute_line_id: line.id, product_attribute_value_id: id })),
    );
  for (const row of gone) env.set('product.template.attribute.value', row, { ptav_active: false });
  const template = env.get('product.template', line.product_tmpl_id!);
  env.defer(`variants:${template.id}`, () => makeVariants(env, template));
}

const labelOfValue = (env: Env, row: Row): string =>
  `${env.display('product.attribute', Number(row.attribute_id))}: ${row.name}`;

const labelOfChoice = (env: Env, row: Row): string =>
  env.display('product.attribute.value', Number(row.product_attribute_value_id));

export const attributes = (): Model[] => [
  defineModel({
    name: 'product.attribute',
    label: 'Product Attribute',
    order: 'sequence, id',
    fields: {
      name: char('Attribute', { required: true }),
      sequence: integer('Sequence', { default: 20 }),
      active: boolean('Active', { default: true }),
      create_variant: selection(
        'Variant Creation',
        [
          ['always', 'Instantly'],
          ['dynamic', 'Dynamically'],
          ['no_variant', 'Never'],
        ],
        { default: 'always' },
      ),
      display_type: selection(
        'Display Type',
        [
          ['radio', 'Radio'],
          ['pills', 'Pills'],
          ['select', 'Select'],
          ['color', 'Color'],
          ['multi', 'Multi-checkbox'],
        ],
        { default: 'radio' },
      ),
      value_ids: one2many('product.attribute.value', 'attribute_id', 'Values'),
    },
  }),
  defineModel({
    name: 'product.attribute.value',
    label: 'Attribute Value',
    order: 'attribute_id, sequence, id',
    fields: {
      name: char('Value', { required: true }),
      sequence: integer('Sequence'),
      active: boolean('Active', { default: true }),
      attribute_id: many2one('product.attribute', 'Attribute', { required: true, onDelete: 'cascade' }),
    },
    display: labelOfValue,
  }),
  defineModel({
    name: 'product.template.attribute.line',
    label: 'Product Template Attribute Line',
    order: 'sequence, attribute_id, id',
    recName: 'attribute_id',
    fields: {
      sequence: integer('Sequence', { default: 10 }),
      active: boolean('Active', { default: true }),
      product_tmpl_id: many2one('product.template', 'Product Template', { required: true, onDelete: 'cascade' }),
      attribute_id: many2one('product.attribute', 'Attribute', { required: true, onDelete: 'restrict' }),
      value_ids: many2many('product.attribute.value', 'Values'),
      value_count: integer('Value Count', { compute: (_env, row) => (row.value_ids as number[]).length }),
    },
    display: (env, row) => env.display('product.attribute', Number(row.attribute_id)),
    created: (env, rows) => {
      for (const row of rows) syncValues(env, row);
    },
    written: (env, rows) => {
      for (const row of rows) syncValues(env, row);
    },
  }),
  defineModel({
    name: 'product.template.attribute.value',
    label: 'Product Template Attribute Value',
    order: 'attribute_line_id, product_attribute_value_id, id',
    fields: {
      name: char('Value', { related: 'product_attribute_value_id.name' }),
      ptav_active: boolean('Active', { default: true }),
      attribute_line_id: many2one('product.template.attribute.line', 'Attribute Line', {
        required: true,
        index: true,
        onDelete: 'cascade',
      }),
      product_attribute_value_id: many2one('product.attribute.value', 'Attribute Value', { required: true }),
      price_extra: float('Extra Price'),
      product_tmpl_id: many2one('product.template', 'Product', { related: 'attribute_line_id.product_tmpl_id' }),
      attribute_id: many2one('product.attribute', 'Attribute', { related: 'attribute_line_id.attribute_id' }),
    },
    display: labelOfChoice,
  }),
];
