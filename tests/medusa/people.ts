import { appendFileSync } from 'node:fs';
import type { People } from '../odoo/estate.ts';
import type { CameBack } from './estate.ts';
import type { LabVariant, MedusaLab, Placed } from './shops.ts';

/** What the estate of the story wants in Odoo: a tax of 21 % and a service that rounding is booked on. */
export async function furnishOdoo(at: People): Promise<void> {
  const once = async (model: string, field: string, vals: Record<string, unknown>): Promise<void> => {
    if ((await at.direct.read(model, [[field, '=', vals[field]]], [field], at.cx)).length === 0)
      await at.create(model, vals);
  };
  await once('account.tax', 'name', { name: 'VAT 21%', amount: 21, amount_type: 'percent', type_tax_use: 'sale' });
  await once('product.product', 'default_code', {
    name: 'Rounding',
    type: 'service',
    default_code: 'ROUND-OFF',
    taxes_id: [],
  });
}

/** Ships all that is to be shipped in Odoo of some orders, by their numbers in the shop. Gives how many parcels left. */
export async function shipAll(at: People, numbers: readonly string[]): Promise<number> {
  const orders = await at.direct.read('sale.order', [['client_order_ref', 'in', numbers]], ['client_order_ref'], at.cx);
  const reference = new Map(orders.map((row) => [row.id as number, String(row.client_order_ref)]));
  const pickings = await at.direct.read(
    'stock.picking',
    [
      ['sale_id', 'in', [...reference.keys()]],
      ['state', 'in', ['confirmed', 'assigned']],
    ],
    ['sale_id'],
    at.cx,
  );
  for (const picking of pickings) {
    const id = picking.id as number;
    const moves = await at.direct.read('stock.move', [['picking_id', '=', id]], ['product_uom_qty'], at.cx);
    for (const move of moves)
      await at.write('stock.move', move.id as number, { quantity: move.product_uom_qty, picked: true });
    const [sale] = picking.sale_id as [number];
    await at.write('stock.picking', id, { carrier_tracking_ref: `TRK-${reference.get(sale)}` });
    await at.call('stock.picking', 'button_validate', [[id]], { skip_backorder: true });
  }
  return pickings.length;
}

/** Writes down that one piece of an order's first line came back. */
export function cameBack(file: string, { id, number, lines }: Placed, fit: boolean): void {
  const [[sku, line]] = [...lines] as [[string, string]];
  const told: CameBack = {
    number: `RET-${number}`,
    order: `web:${id}`,
    orderNumber: number,
    line,
    sku,
    quantity: 1,
    fit,
  };
  appendFileSync(file, `${JSON.stringify(told)}\n`);
}

/** Takes pieces of an order's first line back in Medusa, as people do there: asked for, received, fit for sale. */
export async function takeBack(lab: MedusaLab, { id, lines }: Placed, quantity: number): Promise<void> {
  const [line] = [...lines.values()];
  const asked = { order_id: id, location_id: lab.location };
  const made = await lab.admin<{ return: { id: string } }>('POST', '/admin/returns', asked);
  const path = `/admin/returns/${made.return.id}`;
  const items = { items: [{ id: line, quantity }] };
  await lab.admin('POST', `${path}/request-items`, items);
  await lab.admin('POST', `${path}/request`, {});
  await lab.admin('POST', `${path}/receive`, {});
  await lab.admin('POST', `${path}/receive-items`, items);
  await lab.admin('POST', `${path}/receive/confirm`, {});
}

/** Changes an order in Medusa, as people do there: how many of each line, and what more. */
export async function editOrder(
  lab: MedusaLab,
  { id, lines }: Placed,
  units: readonly (readonly [LabVariant, number])[],
  more: readonly (readonly [LabVariant, number])[] = [],
): Promise<void> {
  const path = `/admin/order-edits/${id}`;
  await lab.admin('POST', '/admin/order-edits', { order_id: id });
  for (const [{ sku }, quantity] of units)
    await lab.admin('POST', `${path}/items/item/${lines.get(sku)}`, { quantity });
  const items = more.map(([variant, quantity]) => ({ variant_id: variant.id, quantity }));
  if (items.length > 0) await lab.admin('POST', `${path}/items`, { items });
  await lab.admin('POST', `${path}/request`, {});
  await lab.admin('POST', `${path}/confirm`, {});
}

/** Pays what is still asked for of an order, outside of Medusa. */
export async function payRest(lab: MedusaLab, { id }: Placed): Promise<void> {
  type Asked = { order: { payment_collections: { id: string; status: string }[] } };
  const { order } = await lab.admin<Asked>('GET', `/admin/orders/${id}?fields=id,payment_collections.*`);
  const open = order.payment_collections.find(({ status }) => status === 'not_paid')!;
  await lab.admin('POST', `/admin/payment-collections/${open.id}/mark-as-paid`, { order_id: id });
}

interface Seen {
  readonly total: number;
  readonly fulfillments: {
    readonly shipped_at: string | null;
    readonly labels: { readonly tracking_number: string }[];
  }[];
  readonly returns: {
    readonly status: string;
    readonly items: { readonly received_quantity: number; readonly damaged_quantity: number }[];
  }[];
}

const FIELDS = 'id,total,fulfillments.*,fulfillments.labels.*,returns.*,returns.items.*';

/** What Medusa holds of an order's way back: tracking numbers of each shipped fulfilment, and of each return its state, pieces, and those damaged. */
export async function wayBack(lab: MedusaLab, { id }: Placed) {
  const { order } = await lab.admin<{ order: Seen }>('GET', `/admin/orders/${id}?fields=${FIELDS}`);
  return {
    shipped: order.fulfillments.map(({ shipped_at, labels }) =>
      shipped_at === null ? 'not shipped' : labels.map(({ tracking_number }) => tracking_number).join(),
    ),
    returns: order.returns.map(
      ({ status, items }) =>
        `${status} ${items.map((one) => `${one.received_quantity}/${one.damaged_quantity}`).join()}`,
    ),
  };
}
