import type { Random } from '../../core/clock.ts';
import type { Warehouse } from '../warehouse/index.ts';
import type { BackOffice } from './back-office.ts';

/** Of the pieces that are missing, how many are written off at each count. */
const WRITTEN_OFF = 0.3;

/**
 * The warehouse's clerk, who counts its shelves and tells what lies there: what Odoo has there, but for pieces that have gone missing. People in Odoo write those off some counts later. Nothing goes missing, and nothing is written off, once nothing goes
 * wrong any more.
 */
export class Stocktaking {
  readonly #office: BackOffice;
  readonly #warehouse: Warehouse;
  readonly #random: Random;
  /** Codes of goods of which a piece is missing. */
  readonly #missing = new Set<string>();

  constructor(office: BackOffice, warehouse: Warehouse, random: Random) {
    this.#office = office;
    this.#warehouse = warehouse;
    this.#random = random;
  }

  async count(): Promise<void> {
    const shelves = await this.#office.shelves('central');
    const { mislaid = 0 } = this.#warehouse.faults;
    for (const sku of mislaid > 0 ? [...this.#missing] : [])
      if (this.#random() < WRITTEN_OFF) {
        await this.#office.count(sku, shelves[sku]! - 1);
        shelves[sku]! -= 1;
        this.#missing.delete(sku);
      }
    const goods = Object.keys(shelves).filter((sku) => shelves[sku]! > 0);
    const sku = goods[Math.floor(this.#random() * goods.length)];
    if (sku !== undefined && this.#random() < mislaid) this.#missing.add(sku);
    for (const one of this.#missing) shelves[one]! -= 1;
    this.#warehouse.count(shelves, new Date());
  }
}
