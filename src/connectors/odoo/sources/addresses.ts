import type { Context } from '../../../core/connector.ts';
import type { Address } from '../../../model/address.ts';
import type { Odoo } from '../database.ts';
import { type Row, relation } from '../rows.ts';

const text = (value: unknown): string | null => (typeof value === 'string' && value.trim() !== '' ? value : null);

/** Addresses of partners, by id. A partner without a country is said to be in the company's own. */
export async function addressesOf(odoo: Odoo, ids: readonly number[], cx: Context): Promise<Map<number, Address>> {
  const wanted = [...new Set(ids.filter((id) => id !== 0))];
  if (wanted.length === 0) return new Map();
  const fields = [
    'name',
    'parent_id',
    'is_company',
    'street',
    'street2',
    'city',
    'zip',
    'state_id',
    'country_id',
    'phone',
    'email',
  ];
  const domain = [
    ['id', 'in', wanted],
    ['active', 'in', [true, false]],
  ];
  const rows = await odoo.read('res.partner', domain, fields, cx);
  const countries = await odoo.countryCodes(cx);
  const states = await codesOf(odoo, rows, cx);
  const home = await odoo.homeCountry(cx);
  return new Map(
    rows.map((row) => [
      row.id as number,
      {
        name: text(row.name) ?? relation(row.parent_id).name,
        company: row.is_company === true ? text(row.name) : text(relation(row.parent_id).name),
        street: text(row.street) ?? '',
        street2: text(row.street2),
        city: text(row.city) ?? '',
        postalCode: text(row.zip),
        region: states.get(relation(row.state_id).id) ?? null,
        country: countries.get(relation(row.country_id).id) ?? home,
        phone: text(row.phone),
        email: text(row.email),
      },
    ]),
  );
}

async function codesOf(odoo: Odoo, rows: readonly Row[], cx: Context): Promise<Map<number, string>> {
  const ids = [...new Set(rows.map((row) => relation(row.state_id).id).filter((id) => id !== 0))];
  if (ids.length === 0) return new Map();
  const states = await odoo.read('res.country.state', [['id', 'in', ids]], ['code'], cx);
  return new Map(states.map((row) => [row.id as number, String(row.code)]));
}
