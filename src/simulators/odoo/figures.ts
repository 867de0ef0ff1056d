import type { Database } from './database.ts';
import type { Commit } from './journal.ts';
import type { Json, Row, Value } from './types.ts';

const text = (value: Value | undefined): string | null => (typeof value === 'string' ? value : null);

/** What stock and prices were at each moment, kept so that a judge can tell whether somebody was told the truth: what a record said, until the same record says something else. */
export class Figures {
  readonly #db: Database;
  /** What is free in one location (on hand − reserved), and what a rule for one variant makes it cost; null: no fixed price any more. */
  readonly kept: { readonly free: Json[]; readonly prices: Json[] } = { free: [], prices: [] };
  /** What a record was about, by table and id: of one that is deleted nothing else is known. */
  readonly #about = new Map<string, Record<string, Json>>();

  constructor(db: Database) {
    this.#db = db;
  }

  note({ number: commit, at, changes }: Commit): void {
    for (const { table, id, row } of changes) {
      if (table !== 'stock.quant' && table !== 'product.pricelist.item') continue;
      const key = `${table},${id}`;
      const about = row ? this.#aboutOf(table, row) : this.#about.get(key);
      if (!about) continue;
      this.#about.set(key, about);
      const entry = { commit, at, id, ...about };
      if (table === 'stock.quant') this.kept.free.push({ ...entry, free: row ? freeOf(row) : 0 });
      else this.kept.prices.push({ ...entry, amount: row ? priceOf(row) : null });
    }
  }

  #aboutOf(table: string, row: Row): Record<string, Json> {
    const of = (model: string, id: Value | undefined, field: string) =>
      text(this.#db.table(model).rows.get(Number(id))?.[field]);
    const sku = { default_code: of('product.product', row.product_id, 'default_code') };
    return table === 'stock.quant'
      ? { ...sku, location: of('stock.location', row.location_id, 'complete_name') }
      : { ...sku, list: of('product.pricelist', row.pricelist_id, 'name') };
  }
}

const freeOf = ({ quantity, reserved_quantity: reserved }: Row): number => Number(quantity) - Number(reserved);

const priceOf = ({ compute_price: how, fixed_price: price }: Row): number | null =>
  how === 'fixed' ? Number(price) : null;
