import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type OdooConnection, odoo } from '../../src/connectors/odoo/index.ts';
import { toCatalogueItems } from '../../src/connectors/odoo/mapping/catalogue.ts';
import { toDeliveryDocuments } from '../../src/connectors/odoo/mapping/deliveries.ts';
import { toPrices } from '../../src/connectors/odoo/mapping/prices.ts';
import { toStockLevels } from '../../src/connectors/odoo/mapping/stock-levels.ts';
import type { FulfilmentOrder } from '../../src/model/fulfilment-order.ts';
import type { Shipment } from '../../src/model/shipment.ts';
import { lookWith, type People, people, readAll } from './estate.ts';
import { accessTo, type OdooServer, servers } from './servers.ts';

/** What the connector's sources tell of what people do in Odoo: simulators of 18 and 19, or the real server that the environment names. */
for (const { name, start, real } of servers)
  describe(`sources: ${name}`, () => {
    let server: OdooServer;
    let at: People;
    let hub: OdooConnection;
    let warehouse: string;
    let look: ReturnType<typeof lookWith>;

    const connect = () => odoo(accessTo(server));
    /** A cursor from which only what comes now is new, but for the overlap. */
    const begin = async (source: 'stockLevels' | 'catalogue' | 'prices' | 'pickings') =>
      (await readAll<unknown>(hub.sources[source] as never, null, at.cx)).cursor;

    before(async () => {
      server = await start();
      at = await people(server);
      hub = connect();
      warehouse = (await at.direct.warehouse(at.cx)).code;
      look = lookWith({
        mappings: { 'odoo-warehouses': { [warehouse]: 'main' }, 'odoo-pricelists': { 'sales price': 'base' } },
      });
    });
    after(() => server?.stop());

    describe('stock levels', () => {
      const last = async (cursor: string | null, product: number) => {
        const read = await readAll(hub.sources.stockLevels, cursor, at.cx);
        const records = read.natives.filter(({ id }) => id === product);
        return { ...read, records, level: records.at(-1)?.levels[warehouse] };
      };

      it('tell of counts, reservations, shipments and the last piece', async () => {
        const product = await at.product('S1', 10);
        let read = await last(await begin('stockLevels'), product);
        const { order, picking } = await at.order(product, 4);
        read = await last(read.cursor, product);
        assert.deepEqual(read.level, { onHand: 10, reserved: 4 });
        const [draft] = await toStockLevels(read.records.at(-1)!, look);
        assert.deepEqual(
          [draft?.body.id, draft?.body.available],
          [`main/S1-${at.run}`.replace(/S1.*/, (code) => code.toUpperCase()), '6'],
        );
        await at.ship(picking, 3);
        read = await last(read.cursor, product);
        assert.deepEqual(read.level, { onHand: 7, reserved: 1 });
        await at.call('sale.order', 'action_cancel', [[order]], { disable_cancel_warning: true });
        read = await last(read.cursor, product);
        assert.deepEqual(read.level, { onHand: 7, reserved: 0 });
        await at.count(product, 0);
        read = await last(read.cursor, product);
        assert.deepEqual(read.level ?? { onHand: 0, reserved: 0 }, { onHand: 0, reserved: 0 });
      });

      it('come once for many changes, and not again', async () => {
        const product = await at.product('S2', 50);
        const cursor = await begin('stockLevels');
        for (let quantity = 1; quantity <= 10; quantity++) await at.count(product, quantity);
        await pause(1100);
        const read = await last(cursor, product);
        assert.equal(read.records.length, 1, 'ten changes, one event');
        assert.deepEqual(read.level, { onHand: 10, reserved: 0 });
        assert.equal((await last(read.cursor, product)).records.length, 0, 'the same change again');
      });

      it('are the same facts to a process that starts anew', async () => {
        const product = await at.product('S3', 5);
        await pause(1100);
        const before = await readAll(hub.sources.stockLevels, null, at.cx);
        const again = await readAll(connect().sources.stockLevels, before.cursor, at.cx);
        const keys = new Set(before.items.map(({ dedupeKey }) => dedupeKey));
        const mine = again.items.filter(({ subject }) => subject === `stock:${product}`);
        assert.equal(mine.length, 1, 'what lies in the overlap is read again');
        assert.ok(keys.has(mine[0]!.dedupeKey));
      });

      it('say what a flow adds: safety, and what is in flight', async () => {
        const record = { id: 1, version: '2026-11-20 10:00:00', code: 'x1', warehouses: ['WH', 'ST'], safety: '2' };
        const levels = { WH: { onHand: 10, reserved: 0.5 } };
        const tables = lookWith({
          mappings: { 'odoo-warehouses': { WH: 'central', ST: 'store' } },
          documents: { 'stock-level store/X1': {} },
        });
        const drafts = await toStockLevels({ ...record, levels }, tables, { inFlight: () => '3' });
        assert.deepEqual(
          drafts.map(({ body }) => [body.id, body.free, body.available, body.asOf]),
          [
            ['central/X1', '9.5', '4.5', '2026-11-20T10:00:00Z'],
            ['store/X1', '0', '0', '2026-11-20T10:00:00Z'],
          ],
        );
        await assert.rejects(toStockLevels({ ...record, levels }, lookWith({})), /odoo-warehouses/);
      });
    });

    it('a call that takes long loses nothing, however often it is polled meanwhile', async () => {
      const product = await at.product('L1', 1000);
      let cursor = await begin('pickings');
      const orders = real ? 30 : 300;
      const partner = await at.create('res.partner', { name: `Slow ${at.run}` });
      const line = { product_id: product, product_uom_qty: 1, price_unit: 1 };
      const vals = Array.from({ length: orders }, () => ({
        partner_id: partner,
        state: 'sale',
        order_line: [[0, 0, line]],
      }));
      let busy = true;
      const made = at.call('sale.order', 'create', [vals]).finally(() => {
        busy = false;
      });
      const seen = new Set<number>();
      const poll = async () => {
        const read = await readAll(hub.sources.pickings, cursor, at.cx);
        cursor = read.cursor;
        for (const { order } of read.natives) seen.add(order.id);
      };
      let polls = 0;
      for (; busy; polls++) await poll();
      const ids = (await made) as number[];
      await poll();
      assert.equal(ids.length, orders);
      assert.deepEqual(
        ids.filter((id) => !seen.has(id)),
        [],
        `lost, of ${orders}, in ${polls} polls`,
      );
    });

    describe('catalogue', () => {
      it('tells of an item with its variants, and of a change of one of them', async () => {
        const attribute = await at.create('product.attribute', { name: `Size ${at.run}` });
        const values = [];
        for (const size of ['S', 'M'])
          values.push(await at.create('product.attribute.value', { name: size, attribute_id: attribute }));
        const template = await at.create('product.template', {
          name: `Shirt ${at.run}`,
          type: 'consu',
          description_sale: 'Soft',
          attribute_line_ids: [[0, 0, { attribute_id: attribute, value_ids: [[6, 0, values]] }]],
        });
        const variants = await at.direct.read(
          'product.product',
          [['product_tmpl_id', '=', template]],
          ['display_name'],
          at.cx,
        );
        for (const [place, { id }] of variants.entries())
          await at.write('product.product', id as number, { default_code: `sh${place}-${at.run}`, weight: 0.25 });
        const cursor = await begin('catalogue');
        await at.write('product.product', variants[1]!.id as number, { barcode: barcodeOf(template) });
        const read = await readAll(hub.sources.catalogue, cursor, at.cx);
        const record = read.natives.find(({ id }) => id === template)!;
        const [draft] = await toCatalogueItems(record, look);
        assert.deepEqual(draft?.body, {
          id: `odoo-main:${template}`,
          title: `Shirt ${at.run}`,
          description: 'Soft',
          brand: null,
          categories: draft?.body.categories,
          status: 'active',
          options: [`Size ${at.run}`],
          variants: [
            { sku: `SH0-${at.run}`.toUpperCase(), barcode: null, values: ['S'], weight: 250 },
            { sku: `SH1-${at.run}`.toUpperCase(), barcode: barcodeOf(template), values: ['M'], weight: 250 },
          ],
        });
        await at.write('product.template', template, { active: false });
        const archived = (await readAll(hub.sources.catalogue, read.cursor, at.cx)).natives.find(
          ({ id }) => id === template,
        )!;
        assert.deepEqual(await toCatalogueItems(archived, look), [], 'never known, nothing to say');
        const known = lookWith({ documents: { [`catalogue-item odoo-main:${template}`]: {} } });
        assert.equal((await toCatalogueItems(archived, known))[0]?.body.status, 'archived');
      });

      it('refuses, in words, what no channel could sell', async () => {
        const template = await at.create('product.template', { name: `Nameless ${at.run}`, type: 'consu' });
        const record = (await readAll(hub.sources.catalogue, null, at.cx)).natives.find(({ id }) => id === template)!;
        await assert.rejects(toCatalogueItems(record, look), new RegExp(`Nameless ${at.run}.*internal reference`));
      });
    });

    describe('prices', () => {
      it('tell the sales price, a fixed price on a list, and one that begins later', async () => {
        const product = await at.product('P1', 0, { lst_price: 19.99 });
        const company = await at.direct.company(at.cx);
        const listed = `Web ${at.run}`;
        const list = await at.create('product.pricelist', { name: listed, currency_id: company.currency.id });
        const tables = lookWith({ mappings: { 'odoo-pricelists': { 'sales price': 'base', [listed]: 'web' } } });
        const told = async (cursor: string | null) => {
          const read = await readAll(connect().sources.prices, cursor, at.cx);
          const records = read.natives.filter(({ variants }) => variants.some(({ id }) => id === product));
          const drafts = records.length === 0 ? [] : await toPrices(records.at(-1)!, tables);
          return { cursor: read.cursor, amounts: drafts.map(({ body }) => [body.list, body.amount, body.includesTax]) };
        };
        let read = await told(await begin('prices'));
        assert.deepEqual(read.amounts, [
          ['base', 1999, true],
          ['web', 1999, true],
        ]);
        const rule = {
          pricelist_id: list,
          applied_on: '0_product_variant',
          product_id: product,
          compute_price: 'fixed',
        };
        await at.create('product.pricelist.item', { ...rule, fixed_price: 15.5 });
        read = await told(read.cursor);
        assert.deepEqual(read.amounts[1], ['web', 1550, true]);
        const soon = new Date(Date.parse(`${(await at.direct.now(at.cx)).replace(' ', 'T')}Z`) + 4000);
        const begins = soon.toISOString().slice(0, 19).replace('T', ' ');
        await at.create('product.pricelist.item', { ...rule, fixed_price: 12, date_start: begins });
        read = await told(read.cursor);
        assert.deepEqual(read.amounts[1], ['web', 1550, true], 'not yet');
        while ((await at.direct.now(at.cx)) <= begins) await pause(300);
        read = await told(read.cursor);
        assert.deepEqual(read.amounts[1], ['web', 1200, true], 'the clock passed its start');
        await at.create('product.pricelist.item', { ...rule, compute_price: 'percentage', percent_price: 10 });
        read = await told(read.cursor);
        assert.equal(read.amounts.length, 1, 'what only Odoo can work out is left out');
      });

      it('refuses what is no amount', async () => {
        const record = {
          id: 1,
          version: '2026-11-20 10:00:00',
          name: 'Thing',
          includesTax: true,
          variants: [{ id: 1, code: 'A', prices: [{ list: null, currency: 'EUR', amount: 1.005 }] }],
        };
        await assert.rejects(toPrices(record, look), /1\.005.*EUR/);
        await assert.rejects(toPrices({ ...record, includesTax: null }, look), /some are within/);
      });
    });

    it('what came into being after the hub began to read is there at once: a price list, a warehouse with its stock and deliveries', async () => {
      const company = await at.direct.company(at.cx);
      const [listed, code] = [`Late ${at.run}`, `L${at.run.slice(0, 4)}`];
      const product = await at.product('LATE', 0, { lst_price: 20 });
      const cursors = {
        prices: await begin('prices'),
        stockLevels: await begin('stockLevels'),
        pickings: await begin('pickings'),
      };
      const list = await at.create('product.pricelist', { name: listed, currency_id: company.currency.id });
      const rule = { pricelist_id: list, applied_on: '0_product_variant', product_id: product, compute_price: 'fixed' };
      await at.create('product.pricelist.item', { ...rule, fixed_price: 15.5 });
      const own = (natives: readonly { variants: readonly { id: number }[] }[]) =>
        natives.filter(({ variants }) => variants.some(({ id }) => id === product)) as never[];
      const prices = own((await readAll(hub.sources.prices, cursors.prices, at.cx)).natives);
      const tables = lookWith({ mappings: { 'odoo-pricelists': { [listed]: 'web' } } });
      assert.deepEqual(
        (await toPrices(prices.at(-1)!, tables)).map(({ body }) => [body.list, body.amount]),
        [['web', 1550]],
      );

      const second = await at.create('stock.warehouse', { name: `Late ${at.run}`, code, company_id: company.id });
      const [place] = await at.direct.read('stock.warehouse', [['id', '=', second]], ['lot_stock_id'], at.cx);
      await at.count(product, 7, (place!.lot_stock_id as [number, string])[0]);
      const levels = (await readAll(hub.sources.stockLevels, cursors.stockLevels, at.cx)).natives;
      assert.deepEqual(levels.findLast(({ id }) => id === product)?.levels[code], { onHand: 7, reserved: 0 });

      const { order } = await at.order(product, 2, { warehouse_id: second });
      const jobs = (await readAll(hub.sources.pickings, cursors.pickings, at.cx)).natives;
      assert.equal(jobs.findLast((job) => job.order.id === order)?.warehouse, code);
    });

    describe('pickings', () => {
      const delivery = async (cursor: string | null, order: number) => {
        const read = await readAll(hub.sources.pickings, cursor, at.cx);
        const records = read.natives.filter((record) => record.order.id === order);
        const drafts = records.length === 0 ? [] : await toDeliveryDocuments(records.at(-1)!, look);
        const of = <B>(kind: string) =>
          drafts.filter((draft) => draft.kind === kind).map(({ body }) => body as unknown as B);
        return {
          cursor: read.cursor,
          jobs: of<FulfilmentOrder>('fulfilment-order'),
          shipments: of<Shipment>('shipment'),
        };
      };

      it('become one job and a shipment for each part that leaves', async () => {
        const product = await at.product('D1', 10);
        const cursor = await begin('pickings');
        const { order, picking } = await at.order(product, 5);
        let read = await delivery(cursor, order);
        const [job] = read.jobs;
        assert.deepEqual(
          [
            job?.location,
            job?.state,
            job?.method,
            job?.shipTo.city,
            job?.lines.map(({ sku, quantity }) => [sku, quantity]),
          ],
          ['main', 'open', 'ship', 'Leeds', [[`D1-${at.run}`.toUpperCase(), '5']]],
        );
        await at.ship(picking, 3, 'TR-1, TR-2');
        read = await delivery(read.cursor, order);
        assert.deepEqual(
          [read.jobs[0]?.id, read.jobs[0]?.lines[0]?.quantity],
          [job?.id, '2'],
          'the rest of the same job',
        );
        assert.equal(read.jobs[0]?.lines[0]?.id, job?.lines[0]?.id, 'its line keeps its id');
        const [part] = read.shipments;
        assert.deepEqual(
          [part?.fulfilmentOrder, part?.closes, part?.tracking.map(({ number }) => number), part?.lines[0]?.quantity],
          [job?.id, false, ['TR-1', 'TR-2'], '3'],
        );
        assert.equal(part?.lines[0]?.id, job?.lines[0]?.id);
        const [rest] = await at.direct.read('stock.picking', [['backorder_id', '=', picking]], ['name'], at.cx);
        await at.ship(rest!.id as number, 2, 'TR-3');
        read = await delivery(read.cursor, order);
        assert.deepEqual(read.jobs, [], 'nothing is left to ship');
        assert.deepEqual(
          read.shipments.map(({ closes, lines }) => [closes, lines[0]?.quantity]),
          [
            [false, '3'],
            [true, '2'],
          ],
        );
      });

      it('that are cancelled say so', async () => {
        const product = await at.product('D2', 10);
        const { order } = await at.order(product, 5);
        const cursor = await begin('pickings');
        await at.call('sale.order', 'action_cancel', [[order]], { disable_cancel_warning: true });
        const read = await delivery(cursor, order);
        assert.deepEqual([read.jobs[0]?.state, read.shipments.length], ['cancelled', 0]);
      });
    });
  });

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Eight digits that no other product of the database has. */
const barcodeOf = (id: number): string => `29${String(id).padStart(6, '0')}`;
