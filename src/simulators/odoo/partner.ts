import type { Env } from './env.ts';
import { checkFailed, userError, validationError } from './errors.ts';
import { boolean, char, html, integer, many2one, one2many, selection } from './fields.ts';
import { defineModel, type Method, type Model, onRows } from './model.ts';
import type { Json, Row, Vals, Version } from './types.ts';

const addressTypes = (version: Version) =>
  version >= 19
    ? ([
        ['contact', 'Contact'],
        ['invoice', 'Invoice'],
        ['delivery', 'Delivery'],
        ['other', 'Other'],
      ] as const)
    : ([
        ['contact', 'Contact'],
        ['invoice', 'Invoice Address'],
        ['delivery', 'Delivery Address'],
        ['other', 'Other Address'],
      ] as const);

/** The name with its company in front, as in `Acme, Ada`. */
function completeName(env: Env, row: Row): string {
  const parent = env.find('res.partner', row.parent_id!);
  const type = env.model('res.partner').fields.type!.selection!.find(([key]) => key === row.type)?.[1] ?? '';
  const name = row.name === false ? (row.type === 'contact' ? '' : type) : String(row.name);
  return parent && row.is_company !== true ? `${parent.name === false ? '' : parent.name}, ${name}` : name;
}

/** The company or head partner that invoices go to. */
function commercial(env: Env, row: Row): number {
  const parent = env.find('res.partner', row.parent_id!);
  return row.is_company === true || !parent ? row.id : commercial(env, parent);
}

/** The first address in lower case, or false. */
function normalized(email: Json): string | false {
  const found = typeof email === 'string' ? email.match(/[^\s<>",;]+@[^\s<>",;]+\.[^\s<>",;]+/g) : null;
  return found?.[0]?.toLowerCase() ?? false;
}

function contactAddress(env: Env, row: Row): string {
  const word = (value: Json) => (typeof value === 'string' ? value : '');
  const state = env.find('res.country.state', row.state_id!);
  const country = env.find('res.country', row.country_id!);
  const town = `${word(row.city)} ${state ? state.code : ''} ${word(row.zip)}`;
  return [word(row.street), word(row.street2), town, country ? String(country.name) : ''].join('\n');
}

function refresh(env: Env, rows: readonly Row[]): void {
  for (const row of rows) {
    env.set('res.partner', row, {
      complete_name: completeName(env, row),
      email_normalized: normalized(row.email),
      commercial_partner_id: commercial(env, row),
    });
    const children = env.having('res.partner', 'parent_id', row.id);
    if (children.length) refresh(env, children);
  }
}

function checkName(env: Env, row: Row): void {
  if (row.name === false && row.type === 'contact') throw checkFailed(env.db.version, 'Contacts require a name');
}

function checkLoop(env: Env, row: Row): void {
  for (let above = env.find('res.partner', row.parent_id!); above; above = env.find('res.partner', above.parent_id!))
    if (above.id === row.id) throw validationError('You cannot create recursive Partner hierarchies.');
}

/** The partner among the contacts of `row` that serves each wanted purpose; itself where there is none. */
export function addresses(env: Env, row: Row, wanted: readonly string[]): Record<string, number> {
  const found: Record<string, number> = {};
  const family = env.ordered(
    'res.partner',
    [...env.having('res.partner', 'parent_id', row.id)].map((child) => child.id),
  );
  const types = new Set([...wanted, 'contact']);
  for (const id of [row.id, ...family]) {
    const type = String(env.get('res.partner', id).type);
    if (types.has(type) && found[type] === undefined) found[type] = id;
  }
  const fallback = found.contact ?? row.id;
  return Object.fromEntries([...types].map((type) => [type, found[type] ?? fallback]));
}

const addressGet: Method = onRows(
  'res.partner',
  (env, rows, args) => addresses(env, rows[0]!, (args.adr_pref as string[]) ?? ['contact']),
  ['adr_pref?'],
  'read',
);

function used(env: Env, row: Row): boolean {
  return env.having('account.move', 'partner_id', row.id).some((move) => move.state !== 'cancel');
}

/** 18 gives every partner a pricelist when there is one; 19 only when it was chosen. */
function pricelist(env: Env, row: Row): Json {
  if (row.specific_property_product_pricelist) return row.specific_property_product_pricelist;
  return env.db.version >= 19 ? false : (env.search('product.pricelist', [], { limit: 1 })[0]?.id ?? false);
}

/** Customers, suppliers and their addresses. */
export const partnerModels = (version: Version): Model[] => [
  defineModel({
    name: 'res.partner',
    label: 'Contact',
    order: 'complete_name ASC, id DESC',
    companyRule: true,
    nameSearch: ['complete_name', 'email', 'ref', 'vat'],
    fields: {
      name: char('Name', { index: true }),
      complete_name: char('Complete Name', { readonly: true }),
      email: char('Email', { index: true }),
      email_normalized: char('Normalized Email', { readonly: true, index: true }),
      phone: char('Phone'),
      ...(version < 19 ? { mobile: char('Mobile') } : {}),
      street: char('Street'),
      street2: char('Street2'),
      zip: char('Zip'),
      city: char('City'),
      state_id: many2one('res.country.state', 'State'),
      country_id: many2one('res.country', 'Country', { onDelete: 'restrict' }),
      country_code: char('Country Code', {
        compute: (env, row) => env.find('res.country', row.country_id!)?.code ?? false,
        assign: () => undefined,
      }),
      contact_address: char('Complete Address', { compute: contactAddress }),
      vat: char('Tax ID'),
      ref: char('Reference', { index: true }),
      website: char('Website'),
      comment: html('Notes'),
      company_registry: char('Company ID'),
      is_company: boolean('Is a Company'),
      company_type: selection(
        'Company Type',
        [
          ['person', 'Person'],
          ['company', 'Company'],
        ],
        {
          compute: (_env, row) => (row.is_company ? 'company' : 'person'),
          assign: (env, row, value) => env.set('res.partner', row, { is_company: value === 'company' }),
        },
      ),
      type: selection('Address Type', addressTypes(version), { default: 'contact' }),
      parent_id: many2one('res.partner', 'Related Company', { index: true }),
      child_ids: one2many('res.partner', 'parent_id', 'Contact'),
      commercial_partner_id: many2one('res.partner', 'Commercial Entity', { readonly: true }),
      company_id: many2one('res.company', 'Company'),
      user_id: many2one('res.users', 'Salesperson'),
      active: boolean('Active', { default: true }),
      lang: char('Language', { default: 'en_US' }),
      tz: char('Timezone'),
      customer_rank: integer('Customer Rank'),
      supplier_rank: integer('Supplier Rank'),
      specific_property_product_pricelist: many2one('product.pricelist', 'Specific Pricelist'),
      property_product_pricelist: many2one('product.pricelist', 'Pricelist', {
        compute: pricelist,
        assign: (env, row, value) =>
          env.set('res.partner', row, { specific_property_product_pricelist: Number(value) || false }),
      }),
      property_account_position_id: many2one('account.fiscal.position', 'Fiscal Position'),
    },
    display: (_env, row) => String(row.complete_name || ''),
    created: (env, rows) => {
      for (const row of rows) checkName(env, row);
      refresh(env, rows);
    },
    written: (env, rows, vals: Vals) => {
      for (const row of rows) {
        checkName(env, row);
        if ('parent_id' in vals) checkLoop(env, row);
      }
      refresh(env, rows);
    },
    unlinking: (env, rows) => {
      if (rows.some((row) => used(env, row)))
        throw userError('The partner cannot be deleted because it is used in Accounting');
    },
    methods: { address_get: addressGet },
  }),
];
