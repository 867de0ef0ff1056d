import type { Context, Item, Match } from '../../../core/connector.ts';
import type { Fault } from '../../../core/fault.ts';
import type { Product } from '../../../model/product.ts';
import type { Odoo } from '../database.ts';
import { externalId } from '../external-id.ts';
import type { Row } from '../rows.ts';

/** What Odoo has already that a product could be: nothing, the hub's own (which `load` knows), one, or something that a person must look at. */
export type Candidate =
  | { readonly absent: true; readonly own: string | null }
  | { readonly id: string; readonly by: string }
  | { readonly fault: Fault };

/** The same, for what is asked before anything is written. */
export const matchOf = (candidate: Candidate): Match => {
  if ('fault' in candidate) return { match: 'several', message: candidate.fault.message };
  if ('id' in candidate) return { match: 'one', id: candidate.id, by: candidate.by };
  return candidate.own === null ? { match: 'none' } : { match: 'one', id: candidate.own, by: 'external id' };
};

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** One answer per item, same order. Archived products count: a second one of the same code would not be better. */
export async function candidatesOf(odoo: Odoo, items: readonly Item<Product>[], cx: Context): Promise<Candidate[]> {
  if (items.length === 0) return [];
  const skus = new Set(items.map(({ document }) => document.sku));
  const codes = [...skus].map((sku) => ['default_code', '=ilike', sku.replaceAll(/[%_\\]/g, String.raw`\$&`)]);
  const barcodes = items.flatMap(({ document: { barcode } }) => (barcode ? [barcode] : []));
  const domain = [
    '&',
    ['active', 'in', [true, false]],
    ...codes.map(() => '|'),
    ...codes,
    ['barcode', 'in', [...new Set(barcodes)]],
  ];
  const rows = await odoo.read('product.product', domain, ['default_code', 'barcode', 'name', 'active'], cx);
  const names = await odoo.externalIds(
    'product.product',
    rows.map(({ id }) => id as number),
    cx,
  );
  return items.map((item) => candidateOf(odoo, item, rows, names, cx));
}

function candidateOf(
  odoo: Odoo,
  { key, document: product }: Item<Product>,
  rows: readonly Row[],
  names: ReadonlyMap<number, string>,
  cx: Context,
): Candidate {
  const own = externalId(odoo.module(cx), 'product', key);
  const alike = rows.filter(
    (row) =>
      text(row.default_code).toUpperCase() === product.sku.toUpperCase() ||
      (product.barcode && text(row.barcode) === product.barcode),
  );
  const ours = alike.find(({ id }) => names.get(id as number) === own);
  if (alike.length === 0 || ours) return { absent: true, own: ours ? String(ours.id) : null };
  const [one] = alike;
  const shown = alike.map((row) => shownOf(row)).join(' and ');
  if (alike.length > 1)
    return fault(
      `Odoo has ${alike.length} products that ${product.code} could be: ${shown}. Archive or correct all but one there, then retry`,
      'product-ambiguous',
    );
  const others = externalId(odoo.module(cx), 'product', '');
  const code = text(one!.default_code).toUpperCase();
  if (names.get(one!.id as number)?.startsWith(others) || (code !== '' && code !== product.sku.toUpperCase()))
    return fault(
      `Odoo has ${shown}, and ${product.code} has the same barcode or code: correct one of them, then retry`,
      'product-ambiguous',
    );
  if (one!.active !== true)
    return fault(
      `Odoo has ${shown} for ${product.code}, but archived: bring it back there, or change its code, then retry`,
      'product-archived',
    );
  return { id: String(one!.id), by: code === '' ? 'barcode' : 'SKU' };
}

const fault = (message: string, cause: string): Candidate => ({
  fault: { kind: 'rejected', message, cause, field: 'sku' },
});

const shownOf = ({ id, name, default_code, barcode }: Row): string =>
  `'${text(name)}' (${[text(default_code) || 'no code', text(barcode), `id ${String(id)}`].filter(Boolean).join(', ')})`;
