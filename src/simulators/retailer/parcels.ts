import { addUnits, type BooksLedger, type Held, type Units } from './ledgers.ts';
import { type Hop, Tally } from './tally.ts';

const show = (units: Units): string =>
  Object.entries(units)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([sku, count]) => `${count} × ${sku}`)
    .join(', ');

/** Units that a transfer has moved. */
export function unitsOf({ moves }: BooksLedger['pickings'][number]): Units {
  const units: Record<string, number> = {};
  for (const { state, default_code, quantity } of moves)
    if (state === 'done' && quantity > 0) addUnits(units, default_code ?? '?', quantity);
  return units;
}

/** What was handed over has no number; a place hands over what it has of an order once. */
export const handedOver = ({ order, tracking, units }: Held): Held => ({
  order,
  tracking: tracking === '' ? `at the counter for ${order}` : tracking,
  units,
});

export function compareShipments(
  said: readonly Held[],
  held: readonly Held[],
  where: string,
  asked: ReadonlySet<string>,
  noun = 'parcel',
): Hop {
  const tally = new Tally();
  const known = Map.groupBy(held, ({ tracking }) => tracking);
  for (const { tracking, order, units } of said) {
    tally.compared += 1;
    const [one, ...more] = known.get(tracking) ?? [];
    if (!one && asked.has(order)) continue;
    if (!one) tally.miss(`${order}: ${noun} ${tracking} is not ${where}`);
    else if (one.order !== order || show(one.units) !== show(units))
      tally.miss(`${order}: ${noun} ${tracking} has ${show(units)}; ${where} it is ${show(one.units)} of ${one.order}`);
    if (more.length > 0) tally.extra(`${order}: ${noun} ${tracking} is ${more.length + 1} times ${where}`, more.length);
  }
  const parcels = new Set(said.map(({ tracking }) => tracking));
  for (const [tracking, found] of known)
    if (!parcels.has(tracking)) tally.extra(`${found[0]!.order}: ${noun} '${tracking}' is ${where}, and never left`);
  return tally.hop;
}
