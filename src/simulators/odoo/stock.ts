import type { Env } from './env.ts';
import { userError, validationError } from './errors.ts';
import { boolean, char, date, datetime, float, integer, many2one, one2many, selection } from './fields.ts';
import { below, inventoryLoss } from './levels.ts';
import { defineModel, type Model, onRows } from './model.ts';
import { productValue } from './product.ts';
import { addExactly } from './rational.ts';
import { doneAtOnce } from './reservation.ts';
import type { Json, Row, Vals, Version } from './types.ts';

const usages = [
  ['supplier', 'Vendor'],
  ['view', 'Virtual'],
  ['internal', 'Internal'],
  ['customer', 'Customer'],
  ['inventory', 'Inventory Loss'],
  ['production', 'Production'],
  ['transit', 'Transit'],
] as const;

/** 18 and 19 both show the path below the topmost view. */
function completeName(env: Env, row: Row): string {
  const parent = env.find('stock.location', row.location_id!);
  return parent && row.usage !== 'view' ? `${completeName(env, parent)}/${row.name}` : String(row.name);
}

const locations = (): Model =>
  defineModel({
    name: 'stock.location',
    label: 'Inventory Locations',
    order: 'complete_name, id',
    recName: 'complete_name',
    companyRule: true,
    nameSearch: ['complete_name', 'barcode'],
    fields: {
      name: char('Location Name', { required: true }),
      complete_name: char('Full Location Name', { index: true }),
      active: boolean('Active', { default: true }),
      usage: selection('Location Type', usages, { required: true, default: 'internal' }),
      location_id: many2one('stock.location', 'Parent Location', { index: true }),
      child_ids: one2many('stock.location', 'location_id', 'Contains'),
      company_id: many2one('res.company', 'Company', { default: (env) => env.company }),
      scrap_location: boolean('Is a Scrap Location?'),
      barcode: char('Barcode'),
      warehouse_id: many2one('stock.warehouse', 'Warehouse', { compute: warehouseOf }),
    },
    created: (env, rows) => {
      for (const row of rows) env.set('stock.location', row, { complete_name: completeName(env, row) });
    },
  });

function warehouseOf(env: Env, row: Row): number | false {
  for (let at: Row | undefined = row; at; at = env.find('stock.location', at.location_id!)) {
    const found = env.having('stock.warehouse', 'view_location_id', at.id)[0];
    if (found) return found.id;
  }
  return false;
}

/** Odoo archives no warehouse in which there still is something. */
function assertEmpty(env: Env, warehouse: Row): void {
  const full = [...below(env, Number(warehouse.view_location_id))].filter((location) =>
    env
      .having('stock.quant', 'location_id', location)
      .some((quant) => Number(quant.quantity) !== 0 || Number(quant.reserved_quantity) !== 0),
  );
  if (full.length === 0) return;
  const names = full.map((location) => env.displayOf('stock.location', env.get('stock.location', location)));
  throw userError(`You can't disable locations ${names.join(', ')} because they still contain products.`);
}

/** Makes the locations and picking types of a new warehouse. */
function furnish(env: Env, row: Row): void {
  const company = Number(row.company_id);
  const location = (vals: Vals) => env.create('stock.location', [{ company_id: company, ...vals }])[0]!.id;
  const view = location({ name: row.code, usage: 'view' });
  const lot = location({ name: 'Stock', usage: 'internal', location_id: view });
  const [customers, suppliers] = ['customer', 'supplier'].map(
    (usage) => env.search('stock.location', [['usage', '=', usage]], { limit: 1 })[0]?.id ?? false,
  );
  const type = (name: string, code: string, prefix: string, source: Json, target: Json) =>
    env.create('stock.picking.type', [
      {
        name,
        code,
        sequence_code: prefix,
        warehouse_id: row.id,
        company_id: company,
        default_location_src_id: source,
        default_location_dest_id: target,
      },
    ])[0]!.id;
  const [route] = env.create('stock.route', [
    { name: `${row.name}: Deliver in 1 step (ship)`, company_id: company, warehouse_selectable: true },
  ]);
  env.set('stock.warehouse', row, { view_location_id: view, lot_stock_id: lot, delivery_route_id: route!.id });
  env.set('stock.warehouse', row, {
    in_type_id: type('Receipts', 'incoming', 'IN', suppliers!, lot),
    out_type_id: type('Delivery Orders', 'outgoing', 'OUT', lot, customers!),
    int_type_id: type('Internal Transfers', 'internal', 'INT', lot, lot),
  });
}

const warehouses = (): Model[] => [
  defineModel({
    name: 'stock.warehouse',
    label: 'Warehouse',
    order: 'sequence, id',
    companyRule: true,
    fields: {
      name: char('Warehouse', { required: true }),
      code: char('Short Name', { required: true, index: true }),
      sequence: integer('Sequence', { default: 10 }),
      active: boolean('Active', { default: true }),
      company_id: many2one('res.company', 'Company', { required: true, index: true, default: (env) => env.company }),
      partner_id: many2one('res.partner', 'Address'),
      view_location_id: many2one('stock.location', 'View Location', { index: true }),
      lot_stock_id: many2one('stock.location', 'Location Stock'),
      in_type_id: many2one('stock.picking.type', 'In Type'),
      out_type_id: many2one('stock.picking.type', 'Out Type'),
      int_type_id: many2one('stock.picking.type', 'Internal Type'),
      delivery_route_id: many2one('stock.route', 'Delivery Route', { index: true }),
    },
    created: (env, rows) => {
      for (const row of rows) furnish(env, row);
    },
    writing: (env, rows, vals) => {
      if (vals.active === false) for (const row of rows) assertEmpty(env, row);
      return vals;
    },
  }),
  defineModel({
    name: 'stock.route',
    label: 'Inventory Routes',
    fields: {
      name: char('Route', { required: true }),
      active: boolean('Active', { default: true }),
      sale_selectable: boolean('Selectable on Sales Order Line'),
      warehouse_selectable: boolean('Applicable on Warehouse'),
      company_id: many2one('res.company', 'Company'),
    },
  }),
  defineModel({
    name: 'stock.picking.type',
    label: 'Picking Type',
    order: 'sequence, id',
    companyRule: true,
    fields: {
      name: char('Operation Type', { required: true }),
      code: selection(
        'Type of Operation',
        [
          ['incoming', 'Receipt'],
          ['outgoing', 'Delivery'],
          ['internal', 'Internal Transfer'],
        ],
        { required: true, index: true },
      ),
      sequence: integer('Sequence', { default: 10 }),
      sequence_code: char('Sequence Prefix', { required: true }),
      active: boolean('Active', { default: true }),
      warehouse_id: many2one('stock.warehouse', 'Warehouse'),
      company_id: many2one('res.company', 'Company', { default: (env) => env.company }),
      default_location_src_id: many2one('stock.location', 'Source Location'),
      default_location_dest_id: many2one('stock.location', 'Destination Location'),
    },
    display: (env, row) =>
      row.warehouse_id ? `${env.display('stock.warehouse', Number(row.warehouse_id))}: ${row.name}` : String(row.name),
  }),
];

const AUTO = 'inventory_quantity_auto_apply';
const inInventory = (env: Env, vals: Vals) =>
  Boolean(env.context.inventory_mode) && ('inventory_quantity' in vals || AUTO in vals);

function checkQuant(env: Env, product: Row, location: Row): void {
  if (!productValue(env, product, 'is_storable'))
    throw validationError('Quants cannot be created for consumables or services.');
  if (location.usage === 'view')
    throw validationError(
      `You cannot take products from or deliver products to a location of type "view" (${location.complete_name}).`,
    );
}

/** The counted quantity and how far it is from the books at this moment. */
const counted = (row: Row, quantity: number) => ({
  inventory_quantity: quantity,
  inventory_quantity_set: true,
  inventory_diff_quantity: addExactly(quantity, -Number(row.quantity)),
});

const isOutdated = (_env: Env, row: Row): boolean =>
  row.inventory_quantity_set === true &&
  addExactly(Number(row.inventory_quantity), -Number(row.inventory_diff_quantity)) !== row.quantity;

/** Creating a counted quantity where stock is already kept updates that quant; with `inventory_quantity_auto_apply` it is applied at once. */
function createQuants(env: Env, list: readonly Vals[]): number[] {
  return list.map((vals) => {
    const product = env.get('product.product', vals.product_id);
    const location = env.get('stock.location', vals.location_id);
    checkQuant(env, product, location);
    const existing = inInventory(env, vals)
      ? env.having('stock.quant', 'product_id', product.id).find((quant) => quant.location_id === location.id)
      : undefined;
    const { inventory_quantity: later, [AUTO]: atOnce, ...others } = vals;
    const row = existing ?? env.create('stock.quant', [others])[0]!;
    const quantity = atOnce ?? later;
    if (quantity !== undefined) env.set('stock.quant', row, counted(row, Number(quantity)));
    if (atOnce !== undefined) applyInventory(env, [row]);
    else if (inInventory(env, vals)) env.set('stock.quant', row, { user_id: env.uid });
    return row.id;
  });
}

function conflict(ids: readonly number[], outdated: readonly number[]): Json {
  return {
    name: 'Conflict in Inventory Adjustment',
    type: 'ir.actions.act_window',
    view_mode: 'form',
    views: [[false, 'form']],
    res_model: 'stock.inventory.conflict',
    target: 'new',
    context: { default_quant_ids: [...ids], default_quant_to_fix_ids: [...outdated] },
  };
}

/** 19 always names the user; 18 only when the count was entered as a new quant. */
function adjustmentName(env: Env, quant: Row): string {
  const user = env.db.version >= 19 ? env.uid : quant.user_id;
  return user ? `Product Quantity Updated (${env.display('res.users', Number(user))})` : 'Product Quantity Updated';
}

/** 19 takes what is applied without having been counted for a count of 0: a second apply takes everything away. */
const differenceOf = (env: Env, quant: Row): number =>
  env.db.version >= 19
    ? addExactly(Number(quant.inventory_quantity), -Number(quant.quantity))
    : Number(quant.inventory_diff_quantity);

function applyInventory(env: Env, quants: readonly Row[]): Json {
  const outdated = quants.filter((quant) => isOutdated(env, quant));
  if (outdated.length)
    return conflict(
      quants.map((quant) => quant.id),
      outdated.map((quant) => quant.id),
    );
  for (const quant of quants) {
    const difference = differenceOf(env, quant);
    const here = Number(quant.location_id);
    const loss = inventoryLoss(env, env.get('stock.location', here).company_id!);
    if (difference !== 0) {
      doneAtOnce(env, {
        product: Number(quant.product_id),
        quantity: Math.abs(difference),
        from: difference > 0 ? loss : here,
        to: difference > 0 ? here : loss,
        reference: adjustmentName(env, quant),
        inventory: true,
      });
    }
    env.set('stock.quant', quant, {
      inventory_quantity: 0,
      inventory_quantity_set: false,
      inventory_diff_quantity: 0,
      user_id: false,
      inventory_date: env.db.today(),
    });
  }
  return null;
}

const quants = (): Model =>
  defineModel({
    name: 'stock.quant',
    label: 'Quants',
    companyRule: true,
    fields: {
      product_id: many2one('product.product', 'Product', { required: true, index: true, onDelete: 'restrict' }),
      product_tmpl_id: many2one('product.template', 'Product Template', { related: 'product_id.product_tmpl_id' }),
      location_id: many2one('stock.location', 'Location', { required: true, index: true, onDelete: 'restrict' }),
      company_id: many2one('res.company', 'Company', {
        compute: (env, row) => env.get('stock.location', row.location_id!).company_id,
      }),
      warehouse_id: many2one('stock.warehouse', 'Warehouse', {
        compute: (env, row) => warehouseOf(env, env.get('stock.location', row.location_id!)),
      }),
      lot_id: many2one('stock.lot', 'Lot/Serial Number'),
      user_id: many2one('res.users', 'Assigned To'),
      quantity: float('Quantity'),
      reserved_quantity: float('Reserved Quantity'),
      available_quantity: float('Available Quantity', {
        compute: (_env, row) => addExactly(Number(row.quantity), -Number(row.reserved_quantity)),
      }),
      inventory_quantity: float('Counted Quantity'),
      inventory_quantity_set: boolean('Inventory Quantity Set'),
      inventory_diff_quantity: float('Difference'),
      inventory_date: date('Scheduled Date'),
      in_date: datetime('Incoming Date'),
      is_outdated: boolean('Quantity has been moved since last count', { compute: isOutdated }),
    },
    display: (env, row) => env.display('product.product', Number(row.product_id)),
    written: (env, rows, vals) => {
      if (!env.context.inventory_mode || !('inventory_quantity' in vals)) return;
      for (const row of rows) env.set('stock.quant', row, counted(row, Number(vals.inventory_quantity)));
    },
    methods: {
      create: {
        kind: 'model',
        params: ['vals_list'],
        access: 'create',
        run: (env, _ids, args) => createQuants(env, [args.vals_list].flat() as Vals[]),
      },
      action_apply_inventory: onRows('stock.quant', applyInventory),
      action_set_inventory_quantity_to_zero: onRows('stock.quant', (env, rows) => {
        for (const row of rows) env.set('stock.quant', row, counted(row, 0));
        return null;
      }),
    },
  });

function scrap(env: Env, rows: readonly Row[]): Json {
  for (const row of rows) {
    if (Number(row.scrap_qty) <= 0) throw userError('You can only enter positive quantities.');
    const target =
      row.scrap_location_id || env.search('stock.location', [['scrap_location', '=', true]], { limit: 1 })[0]!.id;
    doneAtOnce(env, {
      product: Number(row.product_id),
      quantity: Number(row.scrap_qty),
      from: Number(row.location_id),
      to: Number(target),
      reference: String(row.name),
      inventory: false,
    });
    env.set('stock.scrap', row, { state: 'done', date_done: env.tx.now });
  }
  return true;
}

const scraps = (): Model =>
  defineModel({
    name: 'stock.scrap',
    label: 'Scrap',
    order: 'id desc',
    fields: {
      name: char('Reference', { default: 'New' }),
      product_id: many2one('product.product', 'Product', { required: true }),
      scrap_qty: float('Quantity', { default: 1 }),
      location_id: many2one('stock.location', 'Source Location', { required: true }),
      scrap_location_id: many2one('stock.location', 'Scrap Location'),
      state: selection(
        'Status',
        [
          ['draft', 'Draft'],
          ['done', 'Done'],
        ],
        { default: 'draft' },
      ),
      date_done: datetime('Date'),
      company_id: many2one('res.company', 'Company', { default: (env) => env.company }),
    },
    methods: { action_validate: onRows('stock.scrap', scrap) },
  });

/** Where stock is, and how it is counted. */
export const stockModels = (_version: Version): Model[] => [
  locations(),
  ...warehouses(),
  quants(),
  scraps(),
  defineModel({
    name: 'stock.lot',
    label: 'Lot/Serial',
    fields: { name: char('Lot/Serial Number'), product_id: many2one('product.product', 'Product') },
  }),
];
