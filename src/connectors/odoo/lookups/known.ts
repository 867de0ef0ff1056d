import type { Context } from '../../../core/connector.ts';
import { FaultError, isOwn } from '../../../core/fault.ts';
import type { LedgerView } from '../../../core/lookup.ts';
import { ProductDocument } from '../../../model/product.ts';
import type { Odoo } from '../database.ts';

/** Ids of the variants that the hub knows by these SKUs: what they are bound to, else those with such a code, in any case of letters. */
export async function variantsOf(
  odoo: Odoo,
  skus: readonly string[],
  view: Pick<LedgerView, 'idsOf'>,
  cx: Context,
): Promise<number[]> {
  const bound = await view.idsOf(ProductDocument, skus);
  const alike = skus
    .filter((sku) => !bound.has(sku))
    .map((sku) => ['default_code', '=ilike', sku.replaceAll(/[%_\\]/g, String.raw`\$&`)]);
  const domain = [...alike.slice(1).map(() => '|'), ...alike];
  const rows = alike.length === 0 ? [] : await odoo.read('product.product', domain, ['default_code'], cx);
  return [...new Set([...[...bound.values()].map(Number), ...rows.map(({ id }) => id as number)])];
}

/** What is worked out, or the Fault of this one record; every other error is thrown. */
export async function saidOf<T>(work: () => Promise<T>): Promise<T | FaultError> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof FaultError && isOwn(error.fault)) return error;
    throw error;
  }
}
