import type { BooksLedger, ShopLedger } from './ledgers.ts';
import { type Hop, moneyOf, Tally, text } from './tally.ts';

/**
 * What people cancelled in Odoo is cancelled in the shop, which keeps nothing of what was paid for it, and no delivery of it is open; the shop was told to cancel nothing else. What customers cancelled in the shop is
 * compared with the orders.
 */
export function cancellationsInShop(
  { orders }: ShopLedger,
  { sale_orders: sales, pickings }: BooksLedger,
  asked: ReadonlySet<string>,
): Hop {
  const tally = new Tally();
  const byReference = new Map(sales.map((sale) => [sale.client_order_ref, sale]));
  const deliveries = new Map(pickings.map((one) => [one.id, one]));
  let [there, here] = [0, 0];
  for (const { name, cancelled, toldToCancel, kept, payments } of orders) {
    const sale = byReference.get(name);
    const isCancelled = sale?.state === 'cancel';
    if (!toldToCancel && (cancelled || !isCancelled)) continue;
    tally.compared += 1;
    if (toldToCancel && !isCancelled)
      tally.extra(`${name}: the shop was told that it is cancelled, and it is ${sale?.state ?? 'not there'} in Odoo`);
    if (!cancelled && !asked.has(name)) tally.miss(`${name}: cancelled in Odoo, and not in the shop`);
    const paid = payments.reduce((sum, { amount }) => sum + amount, 0);
    there += paid;
    here += asked.has(name) ? paid : paid - kept;
    if (kept !== 0 && !asked.has(name))
      tally.differ(`${name}: cancelled in Odoo, and the shop keeps ${text(kept)} of what was paid`);
    for (const one of (isCancelled ? sale.pickings : []).flatMap((id) => deliveries.get(id) ?? []))
      if (one.state !== 'done' && one.state !== 'cancel')
        tally.miss(`${name}: cancelled in Odoo, where ${one.name} is ${one.state}`);
  }
  return { ...tally.hop, ...moneyOf(there, here) };
}
