import type { Context, Item, Sink } from '../../core/connector.ts';
import { type Customer, CustomerDocument } from '../../model/customer.ts';
import type { Odoo } from './database.ts';
import { externalId } from './external-id.ts';
import { type Loadable, load } from './load.ts';
import { deliverPrepared } from './prepared.ts';
import { findBy, resultOf, sinkOf } from './sink.ts';

/** Customers become partners (`res.partner`): name, reference and, where the channel says it, country. What people add in Odoo stays. */
export const customers = (odoo: Odoo, max: number): Sink<typeof CustomerDocument> =>
  sinkOf(odoo, {
    name: 'customers',
    accepts: CustomerDocument,
    batch: { max, onFailure: 'none-lands' },
    find: findBy(odoo, { model: 'res.partner', kind: 'customer', field: 'ref' }),
    deliver: (items, cx) =>
      deliverPrepared(
        items,
        (item) => partner(odoo, item, cx),
        async (ready) =>
          (
            await load(
              odoo,
              'res.partner',
              ready.map(({ prepared }) => prepared),
              cx,
            )
          ).map((loaded) => resultOf(loaded)),
      ),
  });

async function partner(odoo: Odoo, { key, document }: Item<Customer>, cx: Context): Promise<Loadable> {
  const id = externalId(odoo.module(cx), 'customer', key);
  const cells = { id, name: document.name, ref: document.number ?? '' };
  if (document.country === null) return { cells };
  return { cells: { ...cells, 'country_id/.id': String(await odoo.country(document.country, cx)) } };
}
