import { addUnits, type BooksLedger, type Units, type WarehouseLedger } from './ledgers.ts';
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
    compareUnits(tally, reference, sumOf(loads.map(({ units }) => units)), sumOf(transfers.map(unitsOf)));
  }
  return tally.hop;
}

function sumOf(all: readonly Units[]): Units {
  const sum: Record<string, number> = {};
  for (const units of all) for (const [sku, count] of Object.entries(units)) addUnits(sum, sku, count);
  return sum;
}

function compareUnits(tally: Tally, reference: string, wanted: Units, held: Units): void {
  for (const sku of new Set([...Object.keys(wanted), ...Object.keys(held)])) {
    const [there, here] = [wanted[sku] ?? 0, held[sku] ?? 0];
    const words = `${reference}: ${there} × ${sku} came in at the warehouse, ${here} in Odoo`;
    if (here > there) tally.extra(words);
    if (here < there) tally.miss(words);
  }
}
