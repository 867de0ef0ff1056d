import { type Decimal, decimal } from '../../core/decimal.ts';
import { rejected } from '../../core/fault.ts';
import type { Look } from '../../core/flow.ts';
import { moneyText, roundedMoney } from '../../core/money.ts';
import { requireCurrency } from '../../model/rules/order.ts';
import type { MedusaLine, MedusaOrder, MedusaTax } from './native.ts';

/** Products of the hub that stand for what Medusa sells without one. */
export interface ServiceSkus {
  readonly shipping: string;
  readonly discount: string;
  /** Cents by which the rounded parts of an order differ from its rounded total. */
  readonly rounding: string;
  /** Lines that are no product's. */
  readonly custom: string;
}

export interface MappingOptions {
  /** Time zone of the entity's business days. */
  readonly zone: string;
  /** First part of the Mapping tables' names; the connection's own. Default 'medusa'. */
  readonly tables?: string;
  readonly skus?: Partial<ServiceSkus>;
  /**
   * An order makes its customer where the hub has none, and changes none that it has. Set it where people correct customers in Odoo: an order carries all fields, and would take back what they wrote. Guests are
   * told by their order all the same.
   */
  readonly newCustomersOnly?: boolean;
}

const defaultSkus: ServiceSkus = { shipping: 'SHIPPING', discount: 'DISCOUNT', rounding: 'ROUNDING', custom: 'CUSTOM' };

/** A JSON number in plain notation: 7e-7 is 0.0000007. */
export function plainText(value: number): string {
  const text = String(value);
  if (!text.includes('e')) return text;
  const [digits, exponent] = text.split('e') as [string, string];
  const places = -Number(exponent) + (digits.split('.')[1]?.length ?? 0);
  return value.toFixed(Math.min(20, Math.max(0, places)));
}

/** What all parts of one order's translation need. */
export class Terms {
  readonly order: MedusaOrder;
  readonly number: string;
  /** All lines the order ever had; of those that edits took off, quantity 0. */
  readonly items: readonly MedusaLine[];
  readonly skus: ServiceSkus;
  readonly currency: string;
  readonly zone: string;
  readonly newCustomersOnly: boolean;
  readonly #look: Pick<Look, 'connection' | 'mapping'>;
  readonly #tables: string;

  constructor(
    order: MedusaOrder,
    look: Pick<Look, 'connection' | 'mapping'>,
    { zone, tables = 'medusa', skus, newCustomersOnly = false }: MappingOptions,
  ) {
    this.order = order;
    this.number = order.custom_display_id ?? String(order.display_id);
    this.items = [...order.items, ...(order.removed ?? [])];
    this.skus = { ...defaultSkus, ...skus };
    this.currency = order.currency_code.toUpperCase();
    requireCurrency(this.number, this.currency);
    this.zone = zone;
    this.newCustomersOnly = newCustomersOnly;
    this.#look = look;
    this.#tables = tables;
  }

  /** Key of a document of ours for a record of Medusa's: `web:order_01J…`. */
  key(id: string): string {
    return `${this.#look.connection}:${id}`;
  }

  /** The number as it stands, in major units. Throws `rejected` naming the field for one that is none. */
  amount(value: number, field: string): Decimal {
    try {
      return decimal(plainText(value));
    } catch (cause) {
      throw rejected(`Order ${this.number}: ${field}: ${(cause as Error).message}.`, 'not-an-amount', field);
    }
  }

  /** Minor units, halves away from zero, as payment providers charge what Medusa does not round. */
  minor(value: Decimal): bigint {
    return roundedMoney(value, this.currency).minor;
  }

  /** The same money in major units. */
  major(minor: bigint): Decimal {
    return decimal(moneyText({ minor, currency: this.currency }));
  }

  /** The hub's tax codes, by Mapping table `{tables}-taxes` from codes such as `BE BE21 21%`: country, Medusa's code, rate. */
  taxCodes(taxes: readonly MedusaTax[]): string[] {
    const table = this.#look.mapping(`${this.#tables}-taxes`);
    const { shipping_address, billing_address } = this.order;
    const country = (shipping_address?.country_code ?? billing_address?.country_code ?? '--').toUpperCase();
    return [
      ...new Set(
        taxes.map(({ code, description, rate }) =>
          table.get(`${country} ${code ?? description ?? '-'} ${plainText(rate)}%`),
        ),
      ),
    ];
  }

  /** The hub's code of a stock location, or null where Mapping table `{tables}-locations` has none. */
  location(id: string): string | null {
    return this.#look.mapping(`${this.#tables}-locations`).find(id);
  }

  paymentMethod(provider: string): string {
    return this.#look.mapping(`${this.#tables}-payment-methods`).get(provider);
  }

  shippingService(option: string): string | null {
    return this.#look.mapping(`${this.#tables}-shipping-services`).find(option);
  }

  returnReason(value: string): string {
    return this.#look.mapping(`${this.#tables}-return-reasons`).find(value) ?? value;
  }

  /** YYYY-MM-DD in the entity's zone. */
  day(time: string, field: string): string {
    return new Intl.DateTimeFormat('en-CA', { timeZone: this.zone }).format(new Date(this.instant(time, field)));
  }

  instant(time: string, field: string): string {
    const at = new Date(time);
    if (Number.isNaN(at.getTime()))
      throw rejected(`Order ${this.number}: '${time.slice(0, 40)}' is no time.`, 'not-a-time', field);
    return at.toISOString();
  }
}
