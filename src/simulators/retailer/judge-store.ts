import { valuesThatWentBack } from '../verify.ts';
import { addUnits, type BooksLedger, type Held, isOfStore, type StoreLedger, type Units } from './ledgers.ts';
import { compareShipments, handedOver } from './parcels.ts';
import { type Place, places } from './places.ts';
import { type Hop, minorOf, moneyOf, Tally, text } from './tally.ts';

type Sale = StoreLedger['sales'][number];
type SaleOrder = BooksLedger['sale_orders'][number];

/** Every sale of the store is one order in Odoo, in its last version, line by line and to the cent. */
export function storeSales({ sales }: StoreLedger, books: BooksLedger): Hop {
  const tally = new Tally();
  const own = books.sale_orders.filter(isOfStore);
  const held = Map.groupBy(own, ({ client_order_ref }) => client_order_ref!);
  let [there, here] = [0, 0];
  for (const sale of sales) {
    tally.compared += 1;
    there += sale.total;
    const [order, ...more] = held.get(sale.number) ?? [];
    if (more.length > 0) tally.extra(`${sale.number}: ${more.length + 1} sale orders`, more.length);
    if (!order) {
      tally.miss(`${sale.number}: no sale order`);
      continue;
    }
    here += minorOf(order.amount_total);
    if (order.state !== 'sale' && order.state !== 'done') tally.miss(`${sale.number}: ${order.state} in Odoo`);
    if (minorOf(order.amount_total) !== sale.total)
      tally.differ(`${sale.number}: ${text(sale.total)} in the store, ${text(minorOf(order.amount_total))} in Odoo`);
    compareLines(tally, sale, order);
  }
  const numbers = new Set(sales.map(({ number }) => number));
  for (const [number, found] of held)
    if (!numbers.has(number)) tally.extra(`${number}: the store never sold it`, found.length);
  const ids = new Set(own.flatMap(({ xmlid, lines }) => [xmlid, ...lines.map((line) => line.xmlid)]));
  const back = valuesThatWentBack(books.writes.filter(({ xmlid }) => ids.has(xmlid)));
  tally.outOfOrder = back.length;
  tally.wrong.push(...back);
  return { ...tally.hop, ...moneyOf(there, here) };
}

/** Odoo's external ids end in the store's own ids of lines; a discount is a line of its own. */
function compareLines(tally: Tally, { number, lines }: Sale, order: SaleOrder): void {
  for (const { id, sku, quantity, total } of lines) {
    const own = order.lines.filter(({ xmlid }) => xmlid?.endsWith(`-${id}`));
    const off = order.lines.filter(({ xmlid }) => xmlid?.endsWith(`-${id}_2f_discount`));
    const worth = minorOf([...own, ...off].reduce((sum, line) => sum + line.quantity * line.price_unit, 0));
    if (own.length === 0) tally.miss(`${number}: ${quantity} × ${sku} is not in Odoo`);
    else if (own.length + off.length > 2)
      tally.extra(`${number}: ${sku} or its discount is several times in Odoo`, own.length + off.length - 2);
    else if (own[0]!.default_code !== sku || own[0]!.quantity !== quantity || worth !== total)
      tally.miss(
        `${number}: ${quantity} × ${sku} for ${text(total)}, in Odoo ${own[0]!.quantity} × ${own[0]!.default_code} for ${text(worth)}`,
      );
  }
}

const isShelf = (location?: string | null): boolean => location?.startsWith(`${places.store.code}/`) === true;

/** Units that left the store's shelf; below 0: that came back to it. What moved elsewhere did not. */
function movedOf(pickings: BooksLedger['pickings']): Record<string, number> {
  const units: Record<string, number> = {};
  for (const { state, default_code: sku, quantity, from, to } of pickings.flatMap(({ moves }) => moves))
    if (state === 'done') addUnits(units, sku ?? '?', quantity * (Number(isShelf(from)) - Number(isShelf(to))));
  return units;
}

/** What was handed over, at the counter at once or later, has left Odoo's shelf, and what came back is on it; each once. */
export function storeGoods({ sales, handovers }: StoreLedger, books: BooksLedger): Hop {
  const tally = new Tally();
  const pickings = new Map(books.pickings.map((picking) => [picking.id, picking]));
  const own = Map.groupBy(books.sale_orders.filter(isOfStore), ({ client_order_ref }) => client_order_ref!);
  for (const { number, lines, later } of sales) {
    const wanted: Record<string, number> = {};
    for (const { sku, quantity } of later ? [] : lines) addUnits(wanted, sku, quantity);
    for (const { units } of handovers.filter(({ order }) => order === number))
      for (const [sku, count] of Object.entries(units)) addUnits(wanted, sku, count);
    const orders = own.get(number) ?? [];
    const gone = movedOf(orders.flatMap((order) => order.pickings.flatMap((id) => pickings.get(id) ?? [])));
    for (const sku of new Set([...Object.keys(wanted), ...Object.keys(gone)])) {
      tally.compared += 1;
      const [sold, moved] = [wanted[sku] ?? 0, gone[sku] ?? 0];
      const more = sold < 0 ? sold - moved : moved - sold;
      const words = `${number}: ${moved} of ${sold} × ${sku} moved in Odoo`;
      if (more > 0) tally.extra(words);
      if (more < 0) tally.miss(words);
    }
  }
  return tally.hop;
}

/** Of what the store sold, what somebody is to hand over later at a place: by numbers of sales. */
export function laterAt(place: Place, { sales }: StoreLedger) {
  return sales.flatMap(({ number, later, lines }) => {
    if (later?.place !== place) return [];
    const units: Record<string, number> = {};
    for (const { sku, quantity } of lines) addUnits(units, sku, quantity);
    return [{ name: number, method: later.method, units: units as Units }];
  });
}

/** The store heard what left of its sales, from the warehouse or from itself, each once. `sent`: all that left the warehouse. */
export function storeShipments(store: StoreLedger, sent: readonly Held[]): Hop {
  const own = new Set(store.sales.map(({ number }) => number));
  const left = [...sent, ...store.handovers].filter(({ order }) => own.has(order));
  return compareShipments(left.map(handedOver), store.told.map(handedOver), 'told to the store', new Set());
}

/** The store heard of each sale that it was recorded, and nothing older last. */
export function storeReceipts({ sales, recorded }: StoreLedger): Hop {
  const tally = new Tally();
  for (const { id, number, total } of sales) {
    tally.compared += 1;
    const last = recorded[id];
    const status = total < 0 ? 'cancelled' : 'recorded';
    if (last === undefined) tally.miss(`${number}: the store was not told that it is recorded`);
    else if (last !== status) tally.miss(`${number}: the store was told '${last}', not '${status}'`);
  }
  return tally.hop;
}
