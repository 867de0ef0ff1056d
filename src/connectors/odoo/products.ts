import type { Context, Item, Sink } from '../../core/connector.ts';
import { type Product, ProductDocument } from '../../model/product.ts';
import type { Odoo } from './database.ts';
import { externalId } from './external-id.ts';
import { type Loadable, load } from './load.ts';
import { deliverPrepared } from './prepared.ts';
import { findBy, resultOf, sinkOf } from './sink.ts';

/** Row of Mapping table `accounts` with the account that vouchers are sold to; without it a voucher is a service like any other. */
const voucherLiability = 'voucher-liability';

/**
 * Products become `product.product` with its code. Taxes, price and invoicing policy are set when the product is new and are the bookkeeper's from
 * then on (every order line brings its own price and taxes). Services and vouchers are invoiced as ordered, for nothing of them is ever delivered.
 */
export const products = (odoo: Odoo, max: number): Sink<typeof ProductDocument> =>
  sinkOf(odoo, {
    name: 'products',
    accepts: ProductDocument,
    batch: { max, onFailure: 'none-lands' },
    find: findBy(odoo, { model: 'product.product', kind: 'product', field: 'default_code' }),
    deliver: (items, cx) =>
      deliverPrepared(
        items,
        (item) => variant(odoo, item, cx),
        async (ready) =>
          (
            await load(
              odoo,
              'product.product',
              ready.map(({ prepared }) => prepared),
              cx,
            )
          ).map((loaded) => resultOf(loaded)),
      ),
  });

async function variant(odoo: Odoo, { key, id, document }: Item<Product>, cx: Context): Promise<Loadable> {
  const { goods, service } = await odoo.dialect(cx);
  const stored = document.kind === 'goods';
  const cells = {
    id: externalId(odoo.module(cx), 'product', key),
    name: document.name,
    default_code: document.code,
    sale_ok: 'True',
    ...(stored ? goods : service),
  };
  if (id !== null) return { cells };
  const fresh = { ...cells, 'taxes_id/.id': '', list_price: '0', ...(stored ? {} : { invoice_policy: 'order' }) };
  const account = document.kind === 'voucher' ? cx.mapping('accounts').find(voucherLiability) : null;
  if (account === null) return { cells: fresh };
  return { cells: { ...fresh, 'property_account_income_id/.id': String(await odoo.account(account, cx)) } };
}
