import type { Random } from '../../core/clock.ts';
import { cancelOrder, closeReturn, openReturn, placeOrder } from '../shopify/orders.ts';
import type { Order, Variant } from '../shopify/records.ts';
import type { Shop } from '../shopify/shop.ts';
import { place } from '../shopify/traffic.ts';
import { ringsUp } from './after-sales.ts';
import { isBought, vat } from './assortment.ts';
import { editOrder } from './edits.ts';
import { sharedOut } from './places.ts';
import type { Shoppers } from './shoppers.ts';

const pick = <T>(random: Random, all: readonly T[]): T => all[Math.floor(random() * all.length)]!;

/** What may be bought at the moment: the shop does not sell what it has not. */
function onSale(shop: Shop): { variant: Variant; available: number }[] {
  const [location] = shop.locations.keys();
  return [...shop.variants.values()].flatMap((variant) => {
    const available = shop.level(variant.inventoryItemId, location!)?.available ?? 0;
    return isBought({ sku: variant.sku! }) && available >= 5 ? [{ variant, available }] : [];
  });
}

/** Customers of the web shop. Most pay at once, some order on account, some are promised a day; some of either think better of it before anything is picked, by the shop's page or by ringing up, some change what they ordered, some send goods back. */
export class Customers {
  readonly #shop: Shop;
  readonly #random: Random;
  readonly #shoppers: Shoppers;
  readonly #ringUp: ((order: Order) => void) | null;
  #undecided: Order[] = [];
  #hesitant: Order[] = [];

  /** `ringUp`: somebody is going to ring up who wants nothing of an order any more. Default: nobody can. */
  constructor(shop: Shop, shoppers: Shoppers, random: Random, ringUp: ((order: Order) => void) | null = null) {
    this.#ringUp = ringUp;
    this.#shop = shop;
    this.#shoppers = shoppers;
    this.#random = random;
  }

  /** One customer orders; null while there is nothing to buy. */
  order(): Order | null {
    const [shop, random] = [this.#shop, this.#random];
    const goods = onSale(shop);
    if (goods.length === 0) return null;
    const chosen = new Set(Array.from({ length: 1 + Math.floor(random() * 3) }, () => pick(random, goods).variant));
    const lines = [...chosen].map((variant) => {
      const quantity = 1 + Math.floor(random() ** 2 * 4);
      const off = (variant.price * BigInt(quantity)) / BigInt(4 + Math.floor(random() * 7));
      return { variantId: variant.id, quantity, taxes: [vat], ...(random() < 0.2 ? { discounts: [off] } : {}) };
    });
    const customer = this.#shoppers.buyer();
    const onAccount = random() < 0.15;
    const order = placeOrder(shop, {
      lines: sharedOut(shop, random, lines),
      customer,
      shippingAddress: {
        ...place(shop, customer.displayName, 'GB'),
        address1: '12 High Street',
        city: 'Leeds',
        zip: 'LS1 4DY',
      },
      shipping: { title: 'Standard', price: BigInt(295 + Math.floor(random() * 500)), taxes: [vat] },
      ...(onAccount ? { paid: false } : {}),
      ...(random() < 0.4 ? { promisedAt: new Date(Date.now() + (2 + Math.floor(random() * 5)) * 86_400_000) } : {}),
    });
    if (this.#ringUp && ringsUp(order) && random() < 0.2) this.#ringUp(order);
    else if (random() < (onAccount ? 0.4 : 0.08)) this.#undecided.push(order);
    else if (random() < 0.2) this.#hesitant.push(order);
    return order;
  }

  /** Somebody sends back one piece of what was shipped and paid; it is put on the shelf and the money goes back. Returns whether anybody did. */
  sendBack(): boolean {
    const shipped = [...this.#shop.orders.values()].filter(
      (one) =>
        !ringsUp(one) &&
        one.returns.length === 0 &&
        one.fulfillments.length > 0 &&
        one.transactions.some(({ kind }) => kind === 'SALE'),
    );
    if (shipped.length === 0) return false;
    const order = pick(this.#random, shipped);
    const { lineId } = pick(this.#random, order.fulfillments[0]!.lines);
    closeReturn(this.#shop, order, openReturn(this.#shop, order, lineId, 1));
    return true;
  }

  /** Changes what its buyers want otherwise. Returns how many orders. */
  edit(): number {
    const orders = this.#hesitant;
    this.#hesitant = [];
    for (const order of orders)
      editOrder(
        this.#shop,
        order,
        onSale(this.#shop).map(({ variant }) => variant),
        this.#random,
      );
    return orders.length;
  }

  /** Cancels what its buyers have thought better of, unless something of it is on its way, which a shop does not let them. Returns how many orders. */
  cancel(): number {
    const orders = this.#undecided.filter(({ fulfillments }) => fulfillments.length === 0);
    this.#undecided = [];
    for (const order of orders) cancelOrder(this.#shop, order);
    return orders.length;
  }
}
