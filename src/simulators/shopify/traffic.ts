import type { Random } from '../../core/clock.ts';
import {
  addLine,
  cancelOrder,
  closeReturn,
  fulfil,
  type NewLine,
  type NewOrder,
  openReturn,
  payRest,
  placeOrder,
  refundOrder,
  removeUnits,
} from './orders.ts';
import type { Order, Person, Place, Tax, Variant } from './records.ts';
import type { Shop } from './shop.ts';
import { balanceOf } from './sums.ts';

const standard: Tax = { title: 'VAT', rate: 2100 };
const reduced: Tax = { title: 'VAT', rate: 600 };

/** A shop with two places, goods of several sizes, a gift card and something that is not shipped. */
export function furnish(shop: Shop, products = 12): void {
  if (shop.locations.size === 0) {
    shop.addLocation('Warehouse');
    shop.addLocation('Store Ghent');
  }
  const names = ['Lantern', 'Mug', 'Towel', 'Stand', 'Bell', 'Jar', 'Lamp', 'Vase', 'Tray', 'Bowl', 'Clock', 'Frame'];
  for (let n = 0; n < products; n++) {
    const price = BigInt(499 + n * 317);
    const title = `${names[n % names.length]}${n < names.length ? '' : ` ${n}`}`;
    const variants = ['S', 'M', 'L'].slice(0, 1 + (n % 3)).map((size, index) => ({
      sku: `ART-${n}-${size}`,
      title: size,
      price: price + BigInt(index * 100),
      options: [size],
    }));
    const product = shop.addProduct(title, variants);
    for (const { inventoryItemId } of product.variants)
      for (const { id } of shop.locations.values()) shop.level(inventoryItemId, id)!.available = 1_000_000;
  }
  shop.addProduct('Gift card', [{ sku: 'GIFT', price: 2500n, requiresShipping: false, tracked: false }], {
    isGiftCard: true,
  });
}

export function person(shop: Shop, n: number): Person {
  return { id: shop.id('Customer'), displayName: `Customer ${n}`, email: `customer${n}@example.com`, phone: null };
}

export function place(shop: Shop, name: string, country = 'BE'): Place {
  return {
    id: shop.id('MailingAddress'),
    name,
    company: null,
    address1: 'Korenmarkt 1',
    address2: null,
    city: 'Gent',
    zip: '9000',
    provinceCode: null,
    countryCodeV2: country,
    phone: null,
  };
}

const pick = <T>(random: Random, all: readonly T[]): T => all[Math.floor(random() * all.length)]!;

function randomLine(random: Random, variants: readonly Variant[]): NewLine {
  const variant = pick(random, variants);
  const quantity = 1 + Math.floor(random() * 4);
  const taxes = random() < 0.2 ? [reduced] : [standard];
  const discounts = random() < 0.3 ? [(variant.price * BigInt(quantity)) / BigInt(3 + Math.floor(random() * 7))] : [];
  return { variantId: variant.id, quantity, taxes, discounts };
}

/** An order as customers make them: discounts, taxes, shipping, bundles, the counter, another currency. */
export function randomOrder(shop: Shop, random: Random): NewOrder {
  const variants = [...shop.variants.values()];
  const lines = Array.from({ length: 1 + Math.floor(random() * 4) }, () => randomLine(random, variants));
  if (random() < 0.1) {
    const group = { id: shop.id('LineItemGroup'), title: 'Gift set', quantity: 1 };
    lines.push(...[1, 2].map(() => ({ ...randomLine(random, variants), group })));
  }
  const customer = person(shop, shop.orders.size);
  if (random() < 0.15) {
    const store = [...shop.locations.values()].at(-1)!;
    return { lines, customer: random() < 0.5 ? customer : null, retailLocationId: store.id, gateway: 'cash' };
  }
  const shippingAddress = place(shop, customer.displayName, pick(random, ['BE', 'BE', 'FR', 'NL']));
  const price = BigInt(395 + Math.floor(random() * 600));
  return {
    lines,
    customer,
    shippingAddress,
    shipping: { title: 'Standard', price, discount: random() < 0.2 ? price : 0n, taxes: [standard] },
    ...(random() < 0.1 ? { presentment: { currency: 'USD', rate: 1_083_217n } } : {}),
    ...(random() < 0.1 ? { collect: true } : {}),
  };
}

/** Gives back what is owed for units that edits took off, as money without goods, which is how shops do it. */
export function payOwed(shop: Shop, order: Order): void {
  const owed = balanceOf(order).shop;
  if (owed > 0n) refundOrder(shop, order, [], { money: owed });
}

/** What happens to an order afterwards: edits, refunds, shipments, returns, cancellations. Does nothing where it cannot. */
export function randomChange(shop: Shop, order: Order, random: Random): void {
  if (order.cancelledAt !== null) return;
  const line = order.lines.find(({ gone, quantity }) => gone < quantity);
  if (!line) return;
  const open = order.fulfillmentOrders.some(({ status }) => status === 'OPEN');
  const chance = random();
  const returned = order.returns.find(({ status }) => status === 'OPEN');
  if (returned) closeReturn(shop, order, returned, random() < 0.7);
  else if (open && chance < 0.35)
    fulfil(shop, order, [{ company: 'bpost', number: `T${Math.floor(random() * 1e9)}`, url: null }]);
  else if (open && chance < 0.5) {
    // What was taken off before pays for it, as far as it goes.
    addLine(shop, order, randomLine(random, [...shop.variants.values()]), { paid: false });
    payRest(shop, order);
  } else if (open && chance < 0.6) {
    removeUnits(shop, order, line.id, 1);
    if (random() < 0.5) payOwed(shop, order);
  } else if (open && chance < 0.75) cancelOrder(shop, order);
  else if (
    !open &&
    order.fulfillments.some(({ lines }) => lines.some(({ lineId }) => lineId === line.id)) &&
    chance < 0.6
  )
    openReturn(shop, order, line.id, 1);
  else
    refundOrder(shop, order, [{ lineId: line.id, quantity: 1, restockType: 'NO_RESTOCK' }], {
      ...(chance > 0.9 ? { money: 100n } : {}),
    });
}

/** `count` steps of trade: most are new orders, the rest change earlier ones. `between` is called after each. */
export async function trade(
  shop: Shop,
  random: Random,
  count: number,
  between: () => Promise<void> | void = () => undefined,
): Promise<void> {
  for (let step = 0; step < count; step++) {
    const orders = [...shop.orders.values()];
    if (orders.length === 0 || random() < 0.7) placeOrder(shop, randomOrder(shop, random));
    else randomChange(shop, pick(random, orders), random);
    await between();
  }
}
