import { type Article, articles } from './assortment.ts';
import { type BooksAccess, Desk } from './desk.ts';
import { addUnits } from './ledgers.ts';
import { type Place, places } from './places.ts';

/** A variant in Odoo, and its row on the price list. */
interface Known {
  readonly id: number;
  readonly price: number;
  readonly article: Article;
}

/** What is in stock of a product when it is new, in each place. */
const FIRST_COUNT = 400;
const TAX = '20% in price';
export const LIST = 'Web shop';

/**
 * People at work in Odoo, by its own API, beside the hub: they set up what the retailer sells (tax, price list, first count), take goods in, change prices and put
 * away what comes back over the counter.
 */
export class BackOffice {
  readonly desk: Desk;
  readonly #known = new Map<string, Known>();
  /** Where each place's goods lie: ids of locations. */
  readonly #shelves = new Map<Place, number>();
  #list = 0;
  #tax = 0;

  constructor(access: BooksAccess) {
    this.desk = new Desk(access);
  }

  /** Id of the tax that all goods bear. */
  get tax(): number {
    return this.#tax;
  }

  /** The warehouses, the tax, the price list and the service for roundings that the estate's Mapping tables name. */
  async prepare(): Promise<void> {
    for (const [place, { name, code }] of Object.entries(places)) {
      const id = await this.desk.find('stock.warehouse', [['code', '=', code]], async () => ({ name, code }));
      const fields = ['lot_stock_id'];
      const [row] = await this.desk.read<{ lot_stock_id: [number] }>('stock.warehouse', [['id', '=', id]], fields);
      this.#shelves.set(place as Place, row!.lot_stock_id[0]);
    }
    this.#tax = await this.desk.find('account.tax', [['name', '=', TAX]], async () => {
      const [like] = await this.desk.call<{ tax_group_id: [number] }[]>('account.tax', 'search_read', {
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
    this.#list = await this.desk.find('product.pricelist', [['name', '=', LIST]], async () => ({ name: LIST }));
    await this.desk.find('product.product', [['default_code', '=', 'ROUNDING']], async () => ({
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
    const codes = wanted.map(({ sku }) => sku);
    const rows = await this.desk.read<{ id: number; default_code: string }>(
      'product.product',
      [['default_code', 'in', codes]],
      ['default_code'],
    );
    for (const { id, default_code: sku } of rows) {
      await this.desk.write('product.product', id, { taxes_id: [[6, 0, [this.#tax]]] });
      await this.offer(id, articles.find((article) => article.sku === sku)!, FIRST_COUNT);
    }
    return wanted.length - rows.length;
  }

  /** Gives a variant its price and, in each place where none is there, its first pieces. */
  async offer(id: number, article: Article, pieces: number): Promise<void> {
    const rule = [
      ['pricelist_id', '=', this.#list],
      ['product_id', '=', id],
    ];
    const price = await this.desk.find('product.pricelist.item', rule, async () => ({
      pricelist_id: this.#list,
      applied_on: '0_product_variant',
      product_id: id,
      compute_price: 'fixed',
      fixed_price: article.price / 100,
    }));
    this.#known.set(article.sku, { id, price, article });
    for (const place of this.#shelves.keys())
      if ((await this.onHand(article.sku, place)) === 0) await this.count(article.sku, pieces, place);
  }

  /** Id of a variant that is set up. */
  idOf(sku: string): number {
    return this.#known.get(sku)!.id;
  }

  /** All that is set up. */
  get offered(): readonly Article[] {
    return [...this.#known.values()].map(({ article }) => article);
  }

  /** Pieces on the shelf. */
  async onHand(sku: string, place: Place = 'central'): Promise<number> {
    const domain = [
      ['product_id', '=', this.#known.get(sku)!.id],
      ['location_id', '=', this.#shelves.get(place)!],
    ];
    const rows = await this.desk.read<{ quantity: number }>('stock.quant', domain, ['quantity']);
    return rows.reduce((sum, { quantity }) => sum + quantity, 0);
  }

  /** Pieces on the shelves of a place, by SKU. */
  async shelves(place: Place): Promise<Record<string, number>> {
    const codes = new Map([...this.#known].map(([sku, { id }]) => [id, sku]));
    const units = Object.fromEntries([...this.#known.keys()].map((sku) => [sku, 0]));
    const domain = [
      ['product_id', 'in', [...codes.keys()]],
      ['location_id', '=', this.#shelves.get(place)!],
    ];
    const fields = ['product_id', 'quantity'];
    const rows = await this.desk.read<{ product_id: [number]; quantity: number }>('stock.quant', domain, fields);
    for (const { product_id, quantity } of rows) addUnits(units, codes.get(product_id[0])!, quantity);
    return units;
  }

  /** The shelf is counted: so many pieces are there. One call: `action_apply_inventory` tried again after a lost answer counts 0 in Odoo 19. */
  async count(sku: string, quantity: number, place: Place = 'central'): Promise<void> {
    const vals = {
      product_id: this.#known.get(sku)!.id,
      location_id: this.#shelves.get(place)!,
      inventory_quantity_auto_apply: quantity,
    };
    await this.desk.call('stock.quant', 'create', { vals_list: [vals], context: { inventory_mode: true } });
  }

  /** Minor units, on the price list of the web shop. */
  async reprice(sku: string, price: number): Promise<void> {
    await this.desk.write('product.pricelist.item', this.#known.get(sku)!.price, { fixed_price: price / 100 });
  }

  /** What came back over the counter is put on the shelf: its receipts are validated. Returns how many. */
  async putAway(): Promise<number> {
    const domain = [
      ['sale_id.client_order_ref', '=like', 'R-%'],
      ['picking_type_id.code', '=', 'incoming'],
      ['state', '=', 'assigned'],
    ];
    const open = await this.desk.read<{ id: number }>('stock.picking', domain, ['name']);
    for (const { id } of open) await this.desk.call('stock.picking', 'button_validate', { ids: [id] });
    return open.length;
  }
}
