import type { Context, PollSource } from '../../../core/connector.ts';
import type { Odoo } from '../database.ts';
import { relation } from '../rows.ts';
import { rfc3339 } from './cursor.ts';
import { type Capture, feed, type Native } from './feed.ts';
import { ordersOf, type SoldOrder } from './sold-orders.ts';

/** A sale order that the hub brought, as people have it now. */
export interface OrderRecord extends Native {
  readonly order: SoldOrder;
  readonly state: 'sale' | 'cancel';
  /** Delivery Date: RFC 3339, UTC, or null. */
  readonly promisedAt: string | null;
  /** Whether anything of it has left and is not back. */
  readonly shipped: boolean;
  /** Whether an invoice or credit note of it is posted: what is to be paid back is said by credit notes then. */
  readonly invoiced: boolean;
}

/** `from`: RFC 3339; orders that changed last before it are not read. */
export interface OrderSettings {
  readonly every: PollSource<OrderRecord>['every'];
  readonly from: string | null;
}

/**
 * Sale orders that the hub brought, at each change of theirs: that people cancel one, and for when they promise it. Those that people made themselves are left out. Since the
 * go-live, or since the hub began to read.
 */
export const orders = (capture: Capture, { every, from }: OrderSettings): PollSource<OrderRecord> => {
  const { odoo } = capture;
  const confirmed = async (cx: Context) => [
    ['company_id', '=', (await odoo.company(cx)).id],
    ['state', 'in', ['sale', 'done', 'cancel']],
  ];
  const domainOf = async (cx: Context, begun: string) => [
    ...(await confirmed(cx)),
    ['write_date', '>=', from === null ? begun : from.slice(0, 19).replace('T', ' ')],
  ];
  return feed<OrderRecord>(capture, {
    name: 'orders',
    every,
    noun: 'sale order',
    watched: async (cx) => [{ model: 'sale.order', domain: await confirmed(cx), root: 'id' }],
    all: async (cx, begun) => ({ model: 'sale.order', domain: await domainOf(cx, begun) }),
    read: async (ids, _now, cx, begun) => read(odoo, [['id', 'in', ids], ...(await domainOf(cx, begun))], cx),
    labels: ({ order }) => ({ order: order.reference ?? order.name }),
    decode: (bytes) => JSON.parse(Buffer.from(bytes).toString()) as OrderRecord,
  });
};

async function read(odoo: Odoo, domain: readonly unknown[], cx: Context): Promise<OrderRecord[]> {
  const fields = ['state', 'commitment_date', 'invoice_ids', 'write_date'];
  const rows = await odoo.read('sale.order', domain, fields, cx);
  if (rows.length === 0) return [];
  const ids = rows.map(({ id }) => id as number);
  const sold = await ordersOf(odoo, ids, cx);
  const gone = [
    ['order_id', 'in', ids],
    ['qty_delivered', '>', 0],
  ];
  const lines = await odoo.read('sale.order.line', gone, ['order_id'], cx);
  const shipped = new Set(lines.map((line) => relation(line.order_id).id));
  const papers = [
    ['id', 'in', rows.flatMap((row) => row.invoice_ids as number[])],
    ['state', '=', 'posted'],
  ];
  const posted = new Set((await odoo.read('account.move', papers, ['state'], cx)).map(({ id }) => id as number));
  return rows.flatMap((row): OrderRecord[] => {
    const order = sold.get(row.id as number);
    if (!order || order.line === null) return [];
    return [
      {
        id: order.id,
        version: String(row.write_date).slice(0, 19),
        order,
        state: row.state === 'cancel' ? 'cancel' : 'sale',
        promisedAt: typeof row.commitment_date === 'string' ? rfc3339(row.commitment_date) : null,
        shipped: shipped.has(order.id),
        invoiced: (row.invoice_ids as number[]).some((id) => posted.has(id)),
      },
    ];
  });
}
