import type { Env } from './env.ts';
import { addExactly } from './rational.ts';
import type { Json, Row } from './types.ts';

/** Stock of a product inside a scope of locations. */
export interface Quantities {
  readonly onHand: number;
  readonly free: number;
  readonly incoming: number;
  readonly outgoing: number;
  readonly forecast: number;
}

/** A location and everything below it. */
export function below(env: Env, location: number): Set<number> {
  const found = new Set([location]);
  for (const id of found) for (const child of env.having('stock.location', 'location_id', id)) found.add(child.id);
  return found;
}

/** Locations that count: those of the warehouses or locations in the context, else all warehouses of the company. */
function scope(env: Env): Set<number> {
  const { location, warehouse_id: warehouse } = env.context;
  const locations = [location ?? []].flat().filter((id) => typeof id === 'number') as number[];
  if (locations.length) return new Set(locations.flatMap((id) => [...below(env, id)]));
  const wanted = [warehouse ?? []].flat() as number[];
  const all = [...env.db.table('stock.warehouse').rows.values()];
  const chosen = wanted.length
    ? all.filter((row) => wanted.includes(row.id))
    : all.filter((row) => env.companies.includes(Number(row.company_id)));
  return new Set(chosen.flatMap((row) => [...below(env, Number(row.view_location_id))]));
}

const open = new Set(['waiting', 'confirmed', 'partially_available', 'assigned']);

/** Stock on hand, free, expected in and out, as the call's context limits it. */
export function quantities(env: Env, product: Row): Quantities {
  const inside = scope(env);
  let [onHand, reserved, incoming, outgoing] = [0, 0, 0, 0];
  for (const quant of env.having('stock.quant', 'product_id', product.id)) {
    if (!inside.has(Number(quant.location_id))) continue;
    onHand = addExactly(onHand, Number(quant.quantity));
    reserved = addExactly(reserved, Number(quant.reserved_quantity));
  }
  for (const move of env.having('stock.move', 'product_id', product.id)) {
    if (!open.has(String(move.state))) continue;
    const [from, to] = [inside.has(Number(move.location_id)), inside.has(Number(move.location_dest_id))];
    if (to && !from) incoming = addExactly(incoming, Number(move.product_qty));
    if (from && !to) outgoing = addExactly(outgoing, Number(move.product_qty));
  }
  return {
    onHand,
    free: addExactly(onHand, -reserved),
    incoming,
    outgoing,
    forecast: addExactly(addExactly(onHand, incoming), -outgoing),
  };
}

/** Where counted differences of a company come from and go to. */
export function inventoryLoss(env: Env, company: Json): number {
  const domain = [
    ['usage', '=', 'inventory'],
    ['scrap_location', '=', false],
    ['company_id', '=', company!],
  ];
  return env.search('stock.location', domain, { limit: 1, order: 'id' })[0]!.id;
}
