import { articles } from './assortment.ts';

/** An Odoo, and a login there. */
export interface BooksAccess {
  readonly url: string;
  readonly db: string;
  readonly key: string;
}

interface Known {
  readonly id: number;
  readonly price: number;
}

/** What is in stock of a product when it is new. */
const FIRST_COUNT = 400;
const TAX = '20% in price';
const LIST = 'Web shop';

/**
 * People at work in Odoo, by its own API, beside the hub: they set up what the retailer sells (tax, price list, first count), take goods in and change
 * prices. They try again what was not answered, for all they do may be done twice.
 *
 * @see https://www.odoo.com/documentation/19.0/developer/reference/external_api.html
 */
export class BackOffice {
  readonly #access: BooksAccess;
  readonly #known = new Map<string, Known>();
  #list = 0;
  #tax = 0;

  constructor(access: BooksAccess) {
    this.#access = access;
  }

  async #call<T>(model: string, method: string, args: Readonly<Record<string, unknown>>): Promise<T> {
    const { url, db, key } = this.#access;
    for (let attempt = 1; ; attempt++) {
      try {
        const response = await fetch(`${url}/json/2/${model}/${method}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', authorization: `bearer ${key}`, 'x-odoo-database': db },
          body: JSON.stringify(args),
        });
        const answer = (await response.json()) as T & { message?: string };
        if (response.ok) return answer;
        if (response.status < 500 && response.status !== 429)
          throw new RangeError(`${model}.${method}: ${answer.message}`);
      } catch (error) {
        if (error instanceof RangeError || attempt > 100) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }

  async #find(model: string, domain: readonly unknown[], vals: () => Promise<Record<string, unknown>>) {
    const [found] = await this.#call<number[]>(model, 'search', { domain });
    if (found !== undefined) return found;
    const [made] = await this.#call<number[]>(model, 'create', { vals_list: [await vals()] });
    return made!;
  }

  /** The tax, the price list and the service for roundings that the estate's Mapping tables name. */
  async prepare(): Promise<void> {
    this.#tax = await this.#find('account.tax', [['name', '=', TAX]], async () => {
      const [like] = await this.#call<{ tax_group_id: [number] }[]>('account.tax', 'search_read', {
        domain: [['type_tax_use', '=', 'sale']],
        fields: ['tax_group_id'],
        limit: 1,
      });
      return {
        name: TAX,
        amount: 20,
        type_tax_use: 'sale',
        price_include_override: 'tax_included',
        tax_group_id: like!.tax_group_id[0],
      };
    });
    this.#list = await this.#find('product.pricelist', [['name', '=', LIST]], async () => ({ name: LIST }));
    await this.#find('product.product', [['default_code', '=', 'ROUNDING']], async () => ({
      name: 'Rounding',
      default_code: 'ROUNDING',
      type: 'service',
      invoice_policy: 'order',
      taxes_id: [],
    }));
  }

  /** Sets up the shop's products that have come to Odoo since: tax, price and first count. Returns how many are still missing. */
  async enrol(): Promise<number> {
    const wanted = articles.filter(({ sku }) => !this.#known.has(sku));
    if (wanted.length === 0) return 0;
    const rows = await this.#call<{ id: number; default_code: string; product_tmpl_id: [number] }[]>(
      'product.product',
      'search_read',
      { domain: [['default_code', 'in', wanted.map(({ sku }) => sku)]], fields: ['default_code', 'product_tmpl_id'] },
    );
    for (const { id, default_code: sku } of rows) {
      const { price } = articles.find((article) => article.sku === sku)!;
      await this.#call('product.product', 'write', { ids: [id], vals: { taxes_id: [[6, 0, [this.#tax]]] } });
      const rule = [
        ['pricelist_id', '=', this.#list],
        ['product_id', '=', id],
      ];
      const item = await this.#find('product.pricelist.item', rule, async () => ({
        pricelist_id: this.#list,
        applied_on: '0_product_variant',
        product_id: id,
        compute_price: 'fixed',
        fixed_price: price / 100,
      }));
      this.#known.set(sku, { id, price: item });
      if ((await this.onHand(sku)) === 0) await this.count(sku, FIRST_COUNT);
    }
    return wanted.length - rows.length;
  }

  /** Whether the product is set up. */
  knows(sku: string): boolean {
    return this.#known.has(sku);
  }

  /** Pieces on the shelf of WH. */
  async onHand(sku: string): Promise<number> {
    const domain = [
      ['product_id', '=', this.#known.get(sku)!.id],
      ['location_id.usage', '=', 'internal'],
    ];
    const rows = await this.#call<{ quantity: number }[]>('stock.quant', 'search_read', {
      domain,
      fields: ['quantity'],
    });
    return rows.reduce((sum, { quantity }) => sum + quantity, 0);
  }

  /** The shelf is counted: so many pieces are there. One call: `action_apply_inventory` tried again after a lost answer counts 0 in Odoo 19. */
  async count(sku: string, quantity: number): Promise<void> {
    const domain = [['usage', '=', 'internal']];
    const [location] = await this.#call<number[]>('stock.location', 'search', { domain, limit: 1 });
    const vals = {
      product_id: this.#known.get(sku)!.id,
      location_id: location,
      inventory_quantity_auto_apply: quantity,
    };
    await this.#call('stock.quant', 'create', { vals_list: [vals], context: { inventory_mode: true } });
  }

  /** Minor units, on the price list of the web shop. */
  async reprice(sku: string, price: number): Promise<void> {
    const { price: item } = this.#known.get(sku)!;
    await this.#call('product.pricelist.item', 'write', { ids: [item], vals: { fixed_price: price / 100 } });
  }
}
