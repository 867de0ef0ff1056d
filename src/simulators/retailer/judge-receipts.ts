import { addUnits, type BooksLedger, type WarehouseLedger } from './ledgers.ts';
import { unitsOf } from './parcels.ts';
import { type Hop, Tally } from './tally.ts';

/** Number of the purchase order that a transfer brings in; the hub's mark stands behind it. */
export const purchaseOf = ({ origin }: { readonly origin: string | null }): string | undefined =>
  /^(P\d+)( |$)/.exec(origin ?? '')?.[1];

/** What the warehouse received of a purchase order has come in in Odoo: each receipt as one done transfer, and all its units. */
export function receiptsInBooks({ received }: WarehouseLedger, { pickings }: BooksLedger): Hop {
  const tally = new Tally();
  const said = Map.groupBy(received, ({ reference }) => reference);
  const done = Map.groupBy(
    pickings.filter((one) => one.state === 'done' && purchaseOf(one) !== undefined),
    (one) => purchaseOf(one)!,
  );
  for (const reference of new Set([...said.keys(), ...done.keys()])) {
    const [loads, transfers] = [said.get(reference) ?? [], done.get(reference) ?? []];
    tally.compared += loads.length;
    const more = transfers.length - loads.length;
    const words = `${reference}: ${loads.length} loads came in at the warehouse, ${transfers.length} in Odoo`;
    if (more > 0) tally.extra(words, more);
    if (more < 0) tally.miss(words, -more);
    const wanted: Record<string, number> = {};
    const held: Record<string, number> = {};
    for (const { units } of loads) for (const [sku, count] of Object.entries(units)) addUnits(wanted, sku, count);
    for (const one of transfers) for (const [sku, count] of Object.entries(unitsOf(one))) addUnits(held, sku, count);
    for (const sku of new Set([...Object.keys(wanted), ...Object.keys(held)])) {
      const beyond = (held[sku] ?? 0) - (wanted[sku] ?? 0);
      const what = `${reference}: ${wanted[sku] ?? 0} × ${sku} came in at the warehouse, ${held[sku] ?? 0} in Odoo`;
      if (beyond > 0) tally.extra(what);
      if (beyond < 0) tally.miss(what);
    }
  }
  return tally.hop;
}
