import type { Context } from '../../../core/connector.ts';
import type { Order } from '../../../model/order.ts';
import type { Odoo, Warehouse } from '../database.ts';

/** Warehouses that an order's goods leave from. */
export interface Places {
  /** Id of the order's own warehouse; null leaves it to Odoo. */
  readonly warehouse: number | null;
  /** What a line says that leaves from another one: the cell of its route. Nothing where all leave from the order's own. */
  cellsOf(line: Order['lines'][number]): Readonly<Record<string, string>>;
}

/**
 * A sale order has one warehouse: the configured one, else that of its first line with a place. A line from elsewhere gets the delivery route of its warehouse: Odoo takes the goods from where
 * the route does, in a transfer of their own, and order, invoice and payment stay one.
 *
 * Mapping table `warehouses` (location of the hub → code of the warehouse); a location without a row is the order's own warehouse.
 *
 * @see sale_stock `_compute_warehouse_id`, Odoo 18 and 19
 */
export async function placesOf(odoo: Odoo, order: Order, cx: Context): Promise<Places> {
  const found = new Map<string, Warehouse>();
  for (const location of new Set(order.lines.flatMap((line) => line.location ?? []))) {
    const warehouse = await odoo.warehouseAt(location, cx);
    if (warehouse) found.set(location, warehouse);
  }
  const own = odoo.settings.warehouse === undefined ? found.values().next().value : await odoo.warehouse(cx);
  if ([...found.values()].every(({ id }) => id === own?.id)) return { warehouse: own?.id ?? null, cellsOf: () => ({}) };
  const { lineRoute } = await odoo.dialect(cx);
  return {
    warehouse: own!.id,
    cellsOf: ({ location }) => {
      const warehouse = location === undefined ? undefined : found.get(location);
      return { [`${lineRoute}/.id`]: warehouse && warehouse.id !== own!.id ? String(warehouse.route) : '' };
    },
  };
}
