import { decimal } from '../../../core/decimal.ts';
import { rejected } from '../../../core/fault.ts';
import type { Look } from '../../../core/flow.ts';
import { exactMoney } from '../../../core/money.ts';
import { requireCurrency } from '../../../model/rules/order.ts';
import type { ShopifyMoney, ShopifyOrder, ShopifyTax } from '../native.ts';

/** Products of the hub that stand for what Shopify sells without one. */
export interface ServiceSkus {
  readonly shipping: string;
  readonly discount: string;
  readonly duties: string;
  readonly fees: string;
  /** Cents that come of converting each amount by itself. */
  readonly rounding: string;
  /** Lines that are no product's: tips, and what was typed in at the counter. */
  readonly custom: string;
}

export interface MappingOptions {
  /** Time zone of the entity's business days. */
  readonly zone: string;
  /** First part of the Mapping tables' names; the connection's own. Default 'shopify'. */
  readonly tables?: string;
  readonly skus?: Partial<ServiceSkus>;
  /**
   * An order makes its customer where the hub has none, and changes none that it has. Set it where `webCustomers` tells of customers: an order
   * carries all fields, and would take back what Odoo owns. Guests, whom only their order knows, are told by it all the same.
   */
  readonly newCustomersOnly?: boolean;
}

const defaultSkus: ServiceSkus = {
  shipping: 'SHIPPING',
  discount: 'DISCOUNT',
  duties: 'DUTIES',
  fees: 'FEES',
  rounding: 'ROUNDING',
  custom: 'CUSTOM',
};

type Lookup = Pick<Look, 'connection' | 'mapping'>;

/** What all parts of one order's translation need. */
export class Terms {
  readonly order: ShopifyOrder;
  readonly skus: ServiceSkus;
  readonly currency: string;
  readonly zone: string;
  readonly newCustomersOnly: boolean;
  readonly #look: Lookup;
  readonly #tables: string;

  /** Throws `rejected` for an order of which not all could be read. */
  constructor(order: ShopifyOrder, look: Lookup, options: MappingOptions) {
    if (order.unread)
      throw rejected(
        `Order ${order.name} has more ${order.unread.join(', ')} than the hub reads of one order: see to it in Odoo by hand, then dismiss this.`,
        'not-read-whole',
        'refunds',
      );
    const { zone, tables = 'shopify', skus, newCustomersOnly = false } = options;
    this.order = order;
    this.skus = { ...defaultSkus, ...skus };
    this.currency = order.totalPriceSet.money.currencyCode;
    requireCurrency(order.name, this.currency);
    this.zone = zone;
    this.newCustomersOnly = newCustomersOnly;
    this.#look = look;
    this.#tables = tables;
  }

  /** Key of a document of ours for a record of Shopify's: `shopify-eu:1001`, `shopify-eu:refund-7`. */
  key(gid: string, kind = ''): string {
    return keyOf(this.#look.connection, gid, kind);
  }

  get walkIn(): string {
    return `${this.#look.connection}:walk-in`;
  }

  /** Minor units. Throws `rejected` naming the field for another currency or more decimals than it has. */
  minor({ money }: ShopifyMoney, field: string): bigint {
    if (money.currencyCode !== this.currency)
      throw rejected(
        `Order ${this.order.name}: ${field} is in ${money.currencyCode}, the order in ${this.currency}.`,
        'mixed-currencies',
        field,
      );
    try {
      return exactMoney(decimal(money.amount), this.currency).minor;
    } catch (cause) {
      throw rejected(`Order ${this.order.name}: ${field}: ${(cause as Error).message}.`, 'not-an-amount', field);
    }
  }

  sum(bags: Iterable<ShopifyMoney>, field: string): bigint {
    let sum = 0n;
    for (const bag of bags) sum += this.minor(bag, field);
    return sum;
  }

  /** The hub's tax codes, by Mapping table `{tables}-taxes` from codes such as `BE VAT 21%`. */
  taxCodes(taxes: readonly ShopifyTax[]): string[] {
    const table = this.#look.mapping(`${this.#tables}-taxes`);
    const { shippingAddress, billingAddress } = this.order;
    const country = shippingAddress?.countryCodeV2 ?? billingAddress?.countryCodeV2 ?? '--';
    const codes = taxes.map(({ title, ratePercentage }) => table.get(`${country} ${title} ${ratePercentage ?? 0}%`));
    return [...new Set(codes)];
  }

  /** The hub's code of a location of Shopify's, or null where Mapping table `{tables}-locations` has none. */
  location(gid: string): string | null {
    return this.#look.mapping(`${this.#tables}-locations`).find(gid);
  }

  locationMust(gid: string): string {
    return this.#look.mapping(`${this.#tables}-locations`).get(gid);
  }

  paymentMethod(gateway: string | null): string {
    return this.#look.mapping(`${this.#tables}-payment-methods`).get(gateway ?? 'unknown');
  }

  shippingService(code: string): string | null {
    return this.#look.mapping(`${this.#tables}-shipping-services`).find(code);
  }

  returnReason(handle: string): string {
    return this.#look.mapping(`${this.#tables}-return-reasons`).find(handle) ?? handle;
  }

  /** YYYY-MM-DD in the entity's zone. */
  day(time: string, field: string): string {
    return new Intl.DateTimeFormat('en-CA', { timeZone: this.zone }).format(new Date(this.instant(time, field)));
  }

  instant(time: string, field: string): string {
    const at = new Date(time);
    if (Number.isNaN(at.getTime()))
      throw rejected(`Order ${this.order.name}: '${time.slice(0, 40)}' is no time.`, 'not-a-time', field);
    return at.toISOString();
  }
}

/** Key of a document of ours for a record of a connection to Shopify. */
export const keyOf = (connection: string, gid: string, kind = ''): string => `${connection}:${kind}${tailOf(gid)}`;

/** The number at the end of Shopify's id. */
export const tailOf = (gid: string): string => gid.slice(gid.lastIndexOf('/') + 1).replace(/\?.*$/, '');
