import { randomUUID } from 'node:crypto';
import { after } from 'node:test';
import {
  conform,
  type PollSourceUnderTest,
  type SeenRequest,
  type SinkUnderTest,
} from '../../src/conformance/index.ts';
import { Odoo } from '../../src/connectors/odoo/database.ts';
import { odoo } from '../../src/connectors/odoo/index.ts';
import { relation } from '../../src/connectors/odoo/rows.ts';
import { type Clock, systemClock } from '../../src/core/clock.ts';
import type { Item, PollSource, Sink } from '../../src/core/connector.ts';
import { makeContext } from '../odoo/context.ts';
import { people, soldOn } from '../odoo/estate.ts';
import { accessTo, isReal, type servers } from '../odoo/servers.ts';

const mappings = {
  taxes: { none: 'none' },
  journals: { general: 'MISC' },
  accounts: { cash: '101000', sales: '400000' },
  'payment-methods': { card: 'BNK1' },
};

/** The model and method that a request calls, in either protocol. */
function called({ url, body }: SeenRequest): { model: string; method: string; rpc: boolean } {
  const json2 = /\/json\/2\/([^/]+)\/([^/?]+)/.exec(url);
  if (json2) return { model: json2[1]!, method: json2[2]!, rpc: false };
  const { params } = (body === '' ? {} : JSON.parse(body)) as {
    params?: { service: string; method: string; args: unknown[] };
  };
  if (params?.service !== 'object') return { model: '', method: params?.method ?? '', rpc: true };
  return { model: String(params.args[3]), method: String(params.args[4]), rpc: true };
}

const answer = (request: SeenRequest, result: unknown): Response =>
  Response.json(called(request).rpc ? { jsonrpc: '2.0', id: 1, result } : result);

/** What Odoo says of a key it does not accept: by HTTP on 19, by a result of `false` or a named exception on 18. */
const refuses = (request: SeenRequest): Response => {
  const { method, model, rpc } = called(request);
  if (!rpc)
    return Response.json({ name: 'werkzeug.exceptions.Unauthorized', message: 'Invalid apikey' }, { status: 401 });
  if (method === 'version')
    return answer(request, { server_version: '18.0', server_version_info: [18, 0, 0, 'final', 0, ''] });
  if (model === '') return answer(request, false);
  const data = { name: 'odoo.exceptions.AccessDenied', message: 'Access Denied' };
  return Response.json({ jsonrpc: '2.0', id: 1, error: { code: 200, message: 'Odoo Server Error', data } });
};

/** A call that changes what the documents stand for; a wizard that is prepared changes nothing. */
const writing = new Set(['load', 'button_validate', 'action_post', 'create_invoices', 'action_create_payments']);

/** The simulated Odoo is as quick after a hundredth of a wait. */
const brisk: Clock = { ...systemClock, sleep: (delay, signal) => systemClock.sleep(delay / 100, signal) };

/** What an Odoo's sinks and sources must hold. */
export async function conformOdoo({ name, start }: (typeof servers)[number]): Promise<void> {
  const run = randomUUID().slice(0, 8);
  const target = await start();
  after(() => target.stop());
  const surroundings = {
    connection: `c-${run}`,
    secrets: { ODOO_KEY: target.key },
    mappings,
    clock: isReal ? systemClock : brisk,
  };
  const settings = {
    ...accessTo(target),
    settle: isReal ? ('8s' as const) : ('700ms' as const),
  };
  const { sinks, sources } = odoo({ ...settings, capture: { page: 50, goLive: '2020-01-01T00:00:00Z' } });
  const direct = new Odoo({
    timeout: '150s',
    company: undefined,
    warehouse: undefined,
    prefix: undefined,
    ...settings,
  });
  const cx = makeContext(surroundings);
  const { currency } = await direct.company(cx);
  const dialect = await direct.dialect(cx);

  const item = (key: string, document: unknown, links: Record<string, string> = {}): Item<unknown> => ({
    key,
    id: null,
    document,
    version: 1,
    links: new Map(Object.entries(links)),
  });
  const done = async (sink: Sink, one: Item<unknown>): Promise<string> => {
    const [result] = await sink.deliver([one as never], cx);
    if (result?.outcome !== 'done') throw new Error(`${name}: ${one.key}: ${JSON.stringify(result)}`);
    return result.id;
  };
  const count = async (model: string, domain: unknown[]): Promise<number> =>
    (await direct.read(model, domain, ['id'], cx)).length;

  const customer = (key: string, country: string | null = 'DE') =>
    item(key, { id: key, number: `N-${key}`, name: `Customer ${key}`, country });
  const product = (key: string, kind: string) => item(key, { sku: key, code: key, name: `Product ${key}`, kind });
  const buyer = await done(sinks.customers as Sink, customer(`buyer-${run}`));
  const goods = await done(sinks.products as Sink, product(`goods-${run}`, 'goods'));
  const service = await done(sinks.products as Sink, product(`service-${run}`, 'service'));
  const links = { 'customer:C': buyer, 'product:G': goods, 'product:S': service };
  const order = (key: string, quantity = '2', total = 2500) =>
    item(
      key,
      {
        ...soldOn(key, currency.name),
        lines: [{ id: '1', sku: 'S', description: 'A service', quantity, unitPrice: '12.50', taxes: [], total }],
      },
      links,
    );
  const paidOrder = await done(sinks.saleOrders as Sink, order(`paid-${run}`, '4000', 5_000_000));

  const subject = (
    sink: Sink,
    parts: Pick<SinkUnderTest, 'item' | 'bad' | 'badIsFoundBy' | 'badField' | 'held' | 'hollow'>,
  ): SinkUnderTest => ({
    sink,
    ...surroundings,
    ...parts,
    refuses,
    writes: (request) => {
      const { model, method } = called(request);
      return writing.has(method) || (model === 'stock.quant' && method === 'create');
    },
    late: isReal ? '3s' : '250ms',
  });
  /** `load` that wrote nothing, and says so in its own way. */
  const nothingLoaded = (request: SeenRequest): Response | null =>
    called(request).method === 'load' ? answer(request, { ids: false, messages: [] }) : null;

  const worker = await people(target);
  const thing = await worker.product('C', 100_000);
  /** The second of what was made is over: until then a source names what it read otherwise. */
  const aged = async <T>(made: T): Promise<T> => {
    await new Promise((resolve) => setTimeout(resolve, 1100));
    return made;
  };
  const poll = (source: PollSource<never>, make: PollSourceUnderTest['make']): PollSourceUnderTest => ({
    source,
    ...surroundings,
    pageSize: 50,
    refuses,
    make: async (count) => aged(await make(count)),
  });
  const many = (count: number, vals: (n: number) => object) =>
    Array.from({ length: count }, (_, n) => vals(n)) as unknown[];
  /** Items that the suite asks for at most. */
  const most = 200;
  let codes = 0;
  const newProducts = (count: number) =>
    worker.call('product.product', 'create', [
      many(count, () => ({
        name: 'Conforming',
        type: 'consu',
        is_storable: true,
        default_code: `CF${++codes}-${run}`,
      })),
    ]) as Promise<number[]>;

  const templates = async (products: readonly number[], noun: string): Promise<string[]> => {
    const rows = await direct.read('product.product', [['id', 'in', products]], ['product_tmpl_id'], cx);
    return rows.map((row) => `${noun}:${relation(row.product_tmpl_id).id}`);
  };

  conform({
    polls: {
      [`${name}: stock levels`]: () =>
        poll(sources.stockLevels as never, async (count) => {
          const products = await newProducts(count);
          const { stockLocation } = await direct.warehouse(cx);
          const vals = products.map((id) => ({ product_id: id, location_id: stockLocation, inventory_quantity: 5 }));
          const quants = await worker.call('stock.quant', 'create', [vals], { inventory_mode: true });
          await worker.call('stock.quant', 'action_apply_inventory', [quants]);
          return products.map((id) => `stock:${id}`);
        }),
      [`${name}: catalogue`]: () =>
        poll(sources.catalogue as never, async (count) => templates(await newProducts(count), 'item')),
      [`${name}: prices`]: () =>
        poll(sources.prices as never, async (count) => templates(await newProducts(count), 'price')),
      [`${name}: contacts`]: () =>
        poll(sources.contacts as never, async (count) => {
          const vals = many(count, () => ({ name: 'Conforming', ref: `CF${++codes}-${run}` }));
          return ((await worker.call('res.partner', 'create', [vals])) as number[]).map((id) => `contact:${id}`);
        }),
      [`${name}: pickings`]: () =>
        poll(sources.pickings as never, async (count) => {
          const line = [0, 0, { product_id: thing, product_uom_qty: 1, price_unit: 1 }];
          const orders = many(count, () => ({ partner_id: Number(buyer), state: 'sale', order_line: [line] }));
          const made = await worker.call('sale.order', 'create', [orders]);
          const rows = await direct.read('stock.picking', [['sale_id', 'in', made]], ['name'], cx);
          return rows.map(({ id }) => `delivery:${id}`);
        }),
      [`${name}: sale orders`]: () =>
        poll(sources.orders as never, async (count) => {
          const sold = many(count, (n) => order(`sold-${run}-${n}-${++codes}`));
          const results = await sinks.saleOrders.deliver(sold as never, cx);
          return results.map((result) => `sale order:${result.outcome === 'done' ? result.id : ''}`);
        }),
      [`${name}: credit notes`]: () =>
        poll(sources.creditNotes as never, async (count) => {
          const { order } = await worker.order(thing, 1);
          const [line] = await direct.read('sale.order.line', [['order_id', '=', order]], ['order_id'], cx);
          const credited = {
            name: 'Sorry',
            quantity: 1,
            price_unit: 1,
            tax_ids: [],
            sale_line_ids: [[6, 0, [line!.id]]],
          };
          const vals = many(count, () => ({
            move_type: 'out_refund',
            partner_id: Number(buyer),
            invoice_line_ids: [[0, 0, credited]],
          }));
          const made = (await worker.call('account.move', 'create', [vals])) as number[];
          await worker.call('account.move', 'action_post', [made]);
          return made.map((id) => `credit note:${id}`);
        }),
      [`${name}: returns`]: () =>
        poll(sources.returns as never, async (count) => {
          const { picking } = await worker.order(thing, count);
          await worker.ship(picking, count);
          const fields = ['sale_line_id', 'location_id', 'location_dest_id'];
          const [move] = await direct.read('stock.move', [['picking_id', '=', picking]], fields, cx);
          const { incomingType } = await direct.warehouse(cx);
          const ends = {
            location_id: relation(move!.location_dest_id).id,
            location_dest_id: relation(move!.location_id).id,
          };
          const came = {
            ...ends,
            ...(dialect.moveName ? { name: 'Back' } : {}),
            product_id: thing,
            product_uom_qty: 1,
            quantity: 1,
            picked: true,
            sale_line_id: relation(move!.sale_line_id).id,
            origin_returned_move_id: move!.id,
          };
          const vals = many(count, () => ({
            ...ends,
            picking_type_id: incomingType,
            return_id: picking,
            move_ids: [[0, 0, came]],
          }));
          const made = (await worker.call('stock.picking', 'create', [vals])) as number[];
          await worker.call('stock.picking', 'button_validate', [made], { skip_backorder: true });
          return made.map((id) => `return:${id}`);
        }),
    },
    sinks: {
      [`${name}: customers`]: () =>
        subject(sinks.customers as Sink, {
          item: (n) => customer(`c${n}-${run}`),
          bad: (n) => customer(`c${n}-${run}`, 'XX'),
          badIsFoundBy: 'sink',
          badField: 'country',
          held: ({ key }) => count('res.partner', [['ref', '=', `N-${key}`]]),
          hollow: nothingLoaded,
        }),
      [`${name}: products`]: () =>
        subject(sinks.products as Sink, {
          item: (n) => product(`p${n}-${run}`, 'goods'),
          // No name: Odoo itself finds out.
          bad: (n) => item(`p${n}-${run}`, { sku: `p${n}-${run}`, code: `p${n}-${run}`, name: '', kind: 'goods' }),
          badIsFoundBy: 'target',
          badField: null,
          held: ({ key }) => count('product.product', [['default_code', '=', key]]),
          hollow: nothingLoaded,
        }),
      [`${name}: sale orders`]: () =>
        subject(sinks.saleOrders as Sink, {
          item: (n) => order(`o${n}-${run}`),
          bad: (n) => order(`o${n}-${run}`, '2.123456789'),
          badIsFoundBy: 'sink',
          badField: 'quantity',
          held: ({ key }) => count('sale.order', [['client_order_ref', '=', `W-${key}`]]),
          hollow: nothingLoaded,
        }),
      [`${name}: stock adjustments`]: () => {
        const adjustment = (key: string, quantity = '-1') =>
          item(
            key,
            {
              id: key,
              origin: `ADJ-${key}`,
              occurredAt: '2026-11-20T10:11:12Z',
              lines: [{ id: '1', sku: 'G', quantity, reason: 'damaged' }],
            },
            links,
          );
        return subject(sinks.stockAdjustments as Sink, {
          item: (n) => adjustment(`a${n}-${run}`),
          bad: (n) => adjustment(`a${n}-${run}`, 'many'),
          badIsFoundBy: 'sink',
          badField: 'quantity',
          // Counted once when done, and half a time while it waits: one that is loaded and not validated has not moved anything.
          held: async ({ key }) => {
            const rows = await direct.read(
              'stock.picking',
              [['origin', 'like', `ADJ-${key}`]],
              ['state', 'origin'],
              cx,
            );
            return rows.filter(({ state }) => state === 'done').length;
          },
          // A wizard asks, and nothing was done.
          hollow: (request) =>
            called(request).method === 'button_validate'
              ? answer(request, { type: 'ir.actions.act_window', res_model: 'confirm.stock.sms' })
              : nothingLoaded(request),
        });
      },
      [`${name}: journal entries`]: () => {
        const entry = (key: string, cash = 1000) =>
          item(key, {
            id: key,
            date: '2026-11-22',
            reference: `Z-${key}`,
            journal: 'general',
            currency: currency.name,
            lines: [
              { id: '1', account: 'cash', label: 'cash', amount: cash },
              { id: '2', account: 'sales', label: 'sales', amount: -1000 },
            ],
          });
        return subject(sinks.journalEntries as Sink, {
          item: (n) => entry(`e${n}-${run}`),
          bad: (n) => entry(`e${n}-${run}`, 999),
          badIsFoundBy: 'sink',
          badField: 'lines',
          held: ({ key }) =>
            count('account.move', [
              ['ref', '=', `Z-${key}`],
              ['state', '=', 'posted'],
            ]),
          hollow: (request) =>
            called(request).method === 'action_post' ? answer(request, false) : nothingLoaded(request),
        });
      },
      [`${name}: stock levels`]: async () => {
        const shelf = await newProducts(most);
        const level = (n: number, available = '7') => {
          const sku = `L${n}`;
          const document = { id: sku, sku, location: 'WH', available, asOf: '2026-11-20T10:00:00Z' };
          return item(sku, document, { [`product:${sku}`]: String(shelf[n]) });
        };
        return subject(sinks.stockLevels as Sink, {
          item: (n) => level(n),
          bad: (n) => level(n, 'many'),
          badIsFoundBy: 'sink',
          badField: 'available',
          held: async ({ links }) => {
            const product = Number([...links.values()][0]);
            return count('stock.quant', [
              ['product_id', '=', product],
              ['quantity', '=', 7],
            ]);
          },
          // Counted, and not applied.
          hollow: (request) => (called(request).method === 'create' ? answer(request, [1]) : null),
        });
      },
      [`${name}: shipments`]: async () => {
        const line = [0, 0, { product_id: thing, product_uom_qty: 2, price_unit: 1 }];
        const vals = many(most, () => ({ partner_id: Number(buyer), state: 'sale', order_line: [line] }));
        const orders = (await worker.call('sale.order', 'create', [vals])) as number[];
        const shipment = (n: number, quantity = '2') => {
          const key = `s${n}-${run}`;
          const document = {
            id: key,
            number: key,
            fulfilmentOrder: 'F',
            order: 'O',
            orderNumber: String(orders[n]),
            location: 'WH',
            milestone: 'shipped',
            occurredAt: '2026-11-20T10:00:00Z',
            carrier: null,
            tracking: [{ number: `TR-${key}`, url: null }],
            closes: false,
            lines: [{ id: '1', orderLine: null, sku: `C-${worker.run}`.toUpperCase(), quantity }],
          };
          return item(key, document, { 'order:O': String(orders[n]) });
        };
        return subject(sinks.shipments as Sink, {
          item: (n) => shipment(n),
          bad: (n) => shipment(n, '3'),
          badIsFoundBy: 'sink',
          badField: 'lines',
          held: ({ links }) =>
            count('stock.picking', [
              ['sale_id', '=', Number(links.get('order:O'))],
              ['state', '=', 'done'],
            ]),
          hollow: (request) =>
            called(request).method === 'button_validate'
              ? answer(request, { type: 'ir.actions.act_window', res_model: 'stock.backorder.confirmation' })
              : null,
        });
      },
      [`${name}: receipts`]: async () => {
        const line = [0, 0, { product_id: thing, product_qty: 2, price_unit: 1 }];
        const vals = many(most, () => ({ partner_id: Number(buyer), order_line: [line] }));
        const orders = (await worker.call('purchase.order', 'create', [vals])) as number[];
        for (const id of orders) await worker.call('purchase.order', 'button_confirm', [[id]]);
        const rows = await direct.read('purchase.order', [['id', 'in', orders]], ['name'], cx);
        const numbers = new Map(rows.map((row) => [row.id as number, String(row.name)]));
        const receipt = (n: number, quantity = '1') => {
          const key = `wms:rc${n}-${run}`;
          const lines = [{ id: '1', sku: 'G', quantity, condition: null }];
          const reference = numbers.get(orders[n]!)!;
          const document = { id: key, number: `rc${n}`, reference, receivedAt: '2026-11-20T10:00:00Z', lines };
          return item(key, document, { 'product:G': String(thing) });
        };
        return subject(sinks.receipts as Sink, {
          item: (n) => receipt(n),
          bad: (n) => receipt(n, '0'),
          badIsFoundBy: 'sink',
          badField: 'quantity',
          held: ({ document }) =>
            count('stock.picking', [
              ['origin', '=like', `${(document as { reference: string }).reference} (%`],
              ['state', '=', 'done'],
            ]),
          hollow: (request) =>
            called(request).method === 'button_validate'
              ? answer(request, { type: 'ir.actions.act_window', res_model: 'stock.backorder.confirmation' })
              : null,
        });
      },
      [`${name}: returns`]: async () => {
        const line = [0, 0, { product_id: thing, product_uom_qty: 2, price_unit: 1 }];
        const vals = many(most, () => ({ partner_id: Number(buyer), state: 'sale', order_line: [line] }));
        const orders = (await worker.call('sale.order', 'create', [vals])) as number[];
        const shipped = await direct.read('stock.picking', [['sale_id', 'in', orders]], ['name'], cx);
        for (const { id } of shipped) await worker.call('stock.picking', 'button_validate', [[id]], { skip_sms: true });
        const back = (n: number, quantity = '1') => {
          const key = `r${n}-${run}`;
          const restocked = {
            orderLine: '1',
            sku: `C-${worker.run}`.toUpperCase(),
            reason: 'too small',
            restock: true,
          };
          const document = {
            id: key,
            number: `RMA-${key}`,
            order: 'O',
            orderNumber: String(orders[n]),
            state: 'received',
            location: null,
            occurredAt: '2026-11-20T10:00:00Z',
            lines: [{ ...restocked, id: '1', quantity }],
          };
          return item(key, document, { 'order:O': String(orders[n]) });
        };
        return subject(sinks.returns as Sink, {
          item: (n) => back(n),
          bad: (n) => back(n, '3'),
          badIsFoundBy: 'sink',
          badField: 'lines',
          held: ({ key }) =>
            count('stock.picking', [
              ['origin', '=', `RMA-${key} (${key})`],
              ['state', '=', 'done'],
            ]),
          hollow: (request) =>
            called(request).method === 'button_validate'
              ? answer(request, { type: 'ir.actions.act_window', res_model: 'stock.backorder.confirmation' })
              : nothingLoaded(request),
        });
      },
      [`${name}: refunds`]: () => {
        const refund = (key: string, amount = 1000) => {
          const what = { orderLine: null, description: 'A kindness', quantity: '0', tax: 0, taxes: [] };
          const document = {
            id: key,
            number: `F-${key}`,
            order: 'O',
            orderNumber: 'W',
            return: null,
            refundedOn: '2026-11-22',
            method: 'card',
            currency: currency.name,
            amount: 1000,
            lines: [{ ...what, id: '1', amount }],
          };
          return item(key, document, { 'order:O': paidOrder });
        };
        return subject(sinks.refunds as Sink, {
          item: (n) => refund(`re_${n}_${run}`),
          bad: (n) => refund(`re_${n}_${run}`, 999),
          badIsFoundBy: 'sink',
          badField: 'amount',
          held: ({ key }) => count('account.payment', [['memo', '=', key]]),
          hollow: (request) =>
            called(request).method === 'action_create_payments'
              ? answer(request, { type: 'ir.actions.act_window', res_model: 'account.payment', res_id: 1 })
              : nothingLoaded(request),
        });
      },
      [`${name}: payments`]: () => {
        const payment = (key: string, amount = 1000) =>
          item(
            key,
            { id: key, order: 'O', method: 'card', paidOn: '2026-11-21', currency: currency.name, amount },
            { 'order:O': paidOrder },
          );
        return subject(sinks.payments as Sink, {
          item: (n) => payment(`ch_${n}_${run}`),
          // More than is left to pay.
          bad: (n) => payment(`ch_${n}_${run}`, 900_000_000),
          badIsFoundBy: 'target',
          badField: 'amount',
          held: ({ key }) => count('account.payment', [['memo', '=', key]]),
          hollow: (request) =>
            called(request).method === 'action_create_payments'
              ? answer(request, { type: 'ir.actions.act_window', res_model: 'account.payment', res_id: 1 })
              : null,
        });
      },
    },
  });
}
