import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type OdooConnection, odoo } from '../../src/connectors/odoo/index.ts';
import type { AnyDocumentType, BodyOf } from '../../src/core/document.ts';
import { secret } from '../../src/core/estate.ts';
import { FaultError } from '../../src/core/fault.ts';
import type { LedgerView, Lookup } from '../../src/core/lookup.ts';
import { priceFeed, stockFeed } from '../../src/flows/odoo-feeds.ts';
import type { StockLevel } from '../../src/model/stock-level.ts';
import { makeContext } from './context.ts';
import { lookWith, type People, people, readAll } from './estate.ts';
import { type OdooServer, servers } from './servers.ts';

type Rows = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** What the ledger knows: tables, what is in flight by SKU, and what products are bound to. */
const viewOf = (
  mappings: Rows,
  taken: Record<string, string> = {},
  bound: Record<string, number> = {},
): LedgerView => ({
  ...lookWith({
    mappings,
    keys: Object.fromEntries(Object.entries(bound).map(([sku, id]) => [`product ${id}`, sku])),
  }),
  inFlight: async (sku) => (taken[sku] ? [{ place: null, quantity: taken[sku] }] : []),
  idsOf: async (_, keys) => new Map(keys.flatMap((key) => (bound[key] ? [[key, String(bound[key])] as const] : []))),
});

/** Bodies, and the words of what cannot be told. */
async function asked<D extends AnyDocumentType>(
  lookup: Lookup<D>,
  keys: string[],
  mappings: Rows,
  view: LedgerView,
  key: string,
): Promise<(BodyOf<D> | string | null)[]> {
  const said = await lookup.look(keys, makeContext({ secrets: { ODOO_KEY: key }, mappings }), view);
  return said.map((one) => (one instanceof FaultError ? one.message : one));
}

for (const { name, start } of servers)
  describe(`look-ups: ${name}`, () => {
    let server: OdooServer;
    let at: People;
    let erp: OdooConnection;
    let code: string;
    before(async () => {
      server = await start();
      at = await people(server);
      code = (await at.direct.warehouse(at.cx)).code;
      const { url, db, login, company } = server;
      erp = odoo({
        url,
        database: db,
        login,
        key: secret('ODOO_KEY'),
        ...(company ? { company } : {}),
        capture: { safety: '2' },
      });
    });
    after(() => server?.stop());
    const skuOf = (thing: string): string => `${thing}-${at.run}`.toUpperCase();
    const levels = async (keys: string[], mappings: Rows, view = viewOf(mappings)) =>
      (await asked(erp.lookups.stockLevels, keys, mappings, view, server.key)).map((level) =>
        typeof level === 'object' && level
          ? [level.id, level.free, level.inFlight, level.safety, level.available]
          : level,
      );

    it('stock is what the feed says: reserved, in flight and kept back are taken off, by the same tables', async () => {
      const product = await at.product('Same', 10);
      const sku = skuOf('Same');
      for (const [channel, id, kept, available] of [
        [undefined, `central/${sku}`, '4', '3'],
        ['web', `central/${sku}@web`, '5', '2'],
        ['till', `central/${sku}@till`, '2', '5'],
      ] as const) {
        const mappings = {
          'odoo-warehouses': { [code]: 'central' },
          'safety-stock': { [`-/central/${sku}`]: '4', [`web/central/${sku}`]: '5' },
        };
        const view = viewOf(mappings, { [sku]: '3' });
        const cx = makeContext({ secrets: { ODOO_KEY: server.key }, mappings });
        const record = (await readAll(erp.sources.stockLevels, null, cx)).natives.find((one) => one.id === product)!;
        const to = { 'stock-level': {} as never };
        const feed = stockFeed({ id: 'f', from: erp.sources.stockLevels, to, ...(channel ? { channel } : {}) });
        const { documents } = await feed.translate(record, view as never);
        const fed = documents.map(({ body: { asOf: _, ...figures } }) => figures);
        const [told] = await asked(erp.lookups.stockLevels, [id], mappings, view, server.key);
        const { asOf, ...figures } = told as StockLevel;
        assert.deepEqual([figures], fed);
        assert.deepEqual([figures.safety, figures.available], [kept, available]);
        assert.match(asOf, /^\d{4}-/);
      }
    });

    it('a product is found by what it is bound to, else by its code in any case of letters; what is reserved is off', async () => {
      const mappings = { 'odoo-warehouses': { [code]: 'central' }, 'safety-stock': {} };
      const product = await at.product('Look', 10);
      await at.order(product, 3);
      const other = await at.product('Renamed', 6);
      await at.product('None');
      const view = viewOf(mappings, {}, { MUG: other });
      const key = (thing: string, location = 'central') => `${location}/${skuOf(thing)}`;
      const keys = [
        key('None'),
        key('Look'),
        key('Nobody'),
        key('Look', 'elsewhere'),
        'central/100%_',
        'central/MUG',
        key('Renamed'),
      ];
      assert.deepEqual(await levels(keys, mappings, view), [
        [key('None'), '0', '0', '2', '0'],
        [key('Look'), '7', '0', '2', '5'],
        null,
        null,
        null,
        ['central/MUG', '6', '0', '2', '4'],
        null,
      ]);
    });

    it("a warehouse without a row is nobody's problem; a row that is no number is one of the keys it is about", async () => {
      await at.product('Good', 5);
      const bad = await at.product('Bad', 5);
      const second = await at.create('stock.warehouse', { name: `Second ${at.run}`, code: at.run.slice(0, 4) });
      const [place] = await at.direct.read('stock.warehouse', [['id', '=', second]], ['lot_stock_id'], at.cx);
      await at.count(bad, 4, (place!.lot_stock_id as [number, string])[0]);
      const mappings = {
        'odoo-warehouses': { [code]: 'central' },
        'safety-stock': { [`-/central/${skuOf('Bad')}`]: 'many' },
      };
      const keys = [
        `central/${skuOf('Good')}`,
        `central/${skuOf('Bad')}`,
        'central/NOBODY',
        `central/${skuOf('Bad')}@web`,
      ];
      const [good, kept, nobody, web] = await levels(keys, mappings);
      assert.deepEqual([good?.[4], nobody, web?.[4]], ['3', null, '3']);
      assert.match(String(kept), /Mapping table 'safety-stock', '-\/central\/BAD-.*': 'many' is not a number/);
    });

    it('prices are what the feed says: named lists, nothing for what costs nothing; one that is no amount is one of its key', async () => {
      const named = `Look-up ${at.run}`;
      const { currency } = await at.direct.company(at.cx);
      const list = await at.create('product.pricelist', { name: named, currency_id: currency.id });
      const product = await at.product('Priced', 0, { list_price: 20 });
      await at.product('Free', 0, { list_price: 0 });
      const odd = await at.product('Odd', 0, { list_price: 7 });
      for (const [of, price] of [
        [product, 15.5],
        [odd, 1.005],
      ] as const)
        await at.create('product.pricelist.item', {
          pricelist_id: list,
          applied_on: '0_product_variant',
          product_id: of,
          product_tmpl_id: Number(
            (await at.direct.read('product.product', [['id', '=', of]], ['product_tmpl_id'], at.cx)).map(
              (row) => (row.product_tmpl_id as [number, string])[0],
            ),
          ),
          compute_price: 'fixed',
          fixed_price: price,
        });
      const mappings = { 'odoo-pricelists': { 'sales price': 'base', [named]: 'web' } };
      const view = viewOf(mappings);
      const [priced, free, oddly] = ['Priced', 'Free', 'Odd'].map(skuOf);
      const keys = [
        `web/${priced}`,
        `base/${priced}`,
        `none/${priced}`,
        `base/${free}`,
        `base/${oddly}`,
        `web/${oddly}`,
        'web/NOBODY',
      ];
      const told = await asked(erp.lookups.prices, keys, mappings, view, server.key);
      assert.deepEqual(
        told.map((price) => (typeof price === 'object' && price ? [price.id, price.amount] : price)).toSpliced(5, 1),
        [[`web/${priced}`, 1550], [`base/${priced}`, 2000], null, null, [`base/${oddly}`, 700], null],
      );
      // An Odoo whose prices have two decimals has rounded it.
      const { price: digits } = await at.direct.precision(at.cx);
      if ((digits ?? 6) > 2 && /^(EUR|USD)$/.test(currency.name)) assert.match(String(told[5]), /1\.005.*no amount/);
      const cx = makeContext({ secrets: { ODOO_KEY: server.key }, mappings });
      const records = (await readAll(erp.sources.prices, null, cx)).natives;
      const record = records.find(({ variants }) => variants.some(({ id }) => id === product))!;
      const feed = priceFeed({ id: 'f', from: erp.sources.prices, to: { price: {} as never }, lists: ['base', 'web'] });
      const fed = (await feed.translate(record, view as never)).documents.map(({ body }) => body);
      const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1);
      assert.deepEqual(([told[0], told[1]] as (typeof fed)[number][]).sort(byId), fed.sort(byId));
    });
  });
