import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, beforeEach, describe } from 'node:test';
import type { Odoo } from '../../src/connectors/odoo/database.ts';
import { type OdooConnection, odoo } from '../../src/connectors/odoo/index.ts';
import type { Context, Item, Result } from '../../src/core/connector.ts';
import { type Fault, FaultError } from '../../src/core/fault.ts';
import type { Customer } from '../../src/model/customer.ts';
import type { JournalEntry } from '../../src/model/journal-entry.ts';
import type { Order } from '../../src/model/order.ts';
import type { Product } from '../../src/model/product.ts';
import type { StockAdjustment } from '../../src/model/stock-adjustment.ts';
import { makeContext } from './context.ts';
import { soldOn } from './estate.ts';
import { type Road, startProxy } from './proxy.ts';
import { accessTo, directly, isReal, type OdooServer, rpc, servers } from './servers.ts';

/** A real Odoo on a busy machine needs longer for everything. */
export const slowness = isReal ? 6 : 1;

export const mappings = {
  taxes: { standard: '15%', exempt: 'none', odd: 'no such tax' },
  journals: { general: 'MISC', odd: 'NOPE' },
  accounts: { cash: '101000', sales: '400000', odd: '987654' },
};

/** What a contract is tested with; there once its tests run. */
interface Subject {
  target: OdooServer;
  proxy: Road;
  hub: OdooConnection;
  direct: Odoo;
  cx: Context & { lines: Record<string, unknown>[] };
  currency: string;
  partner: string;
}

/** Records as the tests send them, and what Odoo holds of them. */
function openDesk() {
  const at = {} as Subject;
  const run = randomUUID().slice(0, 8);
  const product = new Map<string, string>();

  const connect = (more: Partial<Parameters<typeof odoo>[0]> = {}) =>
    odoo({ ...accessTo(at.target), url: at.proxy.url, ...more });
  const count = async (model: string, domain: unknown[]) => (await at.direct.read(model, domain, ['id'], at.cx)).length;

  const customer = (key: string, more: Partial<Customer> = {}): Item<Customer> =>
    item(key, { id: key, number: `N-${key}`, name: `Customer ${key}`, country: 'DE', ...more });
  const productItem = (key: string, more: Partial<Product> = {}): Item<Product> =>
    item(key, { sku: key, code: key, name: `Product ${key}`, kind: 'goods', ...more });
  const order = (key: string, lines: Partial<Order['lines'][number]>[], more: Partial<Order> = {}): Item<Order> => {
    const full = lines.map((line, place) => ({
      id: String(place + 1),
      sku: 'A',
      description: 'A thing',
      quantity: '1',
      unitPrice: '10.00',
      taxes: [],
      total: 1000,
      ...line,
    }));
    const document: Order = {
      ...soldOn(key, at.currency),
      lines: full,
      ...more,
    };
    return { ...item(key, document), links: new Map([['customer:C', at.partner], ...links()]) };
  };
  const adjustment = (key: string, quantities: [sku: string, quantity: string][]): Item<StockAdjustment> => ({
    ...item(key, {
      id: key,
      origin: `ADJ-${key}`,
      occurredAt: '2026-11-20T10:11:12Z',
      lines: quantities.map(([sku, quantity], place) => ({
        id: String(place + 1),
        sku,
        quantity,
        reason: 'dämaged <b>',
      })),
    }),
    links: new Map(links()),
  });
  const entry = (key: string, amounts: [account: string, amount: number][], more: Partial<JournalEntry> = {}) =>
    item<JournalEntry>(key, {
      id: key,
      date: '2026-11-22',
      reference: `Z-${key}`,
      journal: 'general',
      currency: at.currency,
      lines: amounts.map(([account, amount], place) => ({
        id: String(place + 1),
        account,
        label: `line ${place}`,
        amount,
      })),
      ...more,
    });
  const links = () => [...product].map(([sku, id]) => [`product:${sku}`, id] as const);
  const stock = async (sku: string) => {
    const [row] = await at.direct.read(
      'product.product',
      [['id', '=', Number(product.get(sku))]],
      ['qty_available'],
      at.cx,
    );
    return row!.qty_available;
  };
  const lineOf = async (order: string) =>
    (
      await at.direct.read(
        'sale.order.line',
        [['order_id', '=', Number(order)]],
        ['price_unit', 'product_uom_qty'],
        at.cx,
      )
    )[0]!;
  /** As a person would in Odoo: the connector itself never does. */
  const cancel = async (id: number) => {
    const { uid } = await at.direct.introduction(at.cx);
    await rpc(at.target, uid, 'sale.order', 'action_cancel', [[id]], { context: { disable_cancel_warning: true } });
  };
  /** A goods product of its own, for tests that count its stock. */
  const freshProduct = async (sku: string) => {
    const [result] = await at.hub.sinks.products.deliver([productItem(`${sku}-${run}`)], at.cx);
    product.set(sku, done(result));
  };
  return {
    at,
    run,
    product,
    connect,
    count,
    customer,
    productItem,
    order,
    adjustment,
    entry,
    stock,
    lineOf,
    cancel,
    freshProduct,
  };
}

type Desk = ReturnType<typeof openDesk>;

/**
 * What the Odoo connector promises, against the simulator of 18 and of 19, and against a real server when ODOO_URL, ODOO_DB, ODOO_LOGIN and ODOO_KEY
 * are set (ODOO_COMPANY: which of its companies; generic chart of accounts). Records are new for every run, so a server may be used again.
 */
export function contract(about: string, tests: (desk: Desk) => void): void {
  for (const { name, start } of servers)
    describe(`contract of ${about}: ${name}`, () => {
      const desk = openDesk();
      const { at, run, product, connect, customer, productItem } = desk;
      before(async () => {
        at.target = await start();
        at.proxy = await startProxy(at.target.url);
        at.cx = makeContext({ connection: `t-${run}`, secrets: { ODOO_KEY: at.target.key }, mappings, patience: 0.5 });
        at.hub = connect();
        at.direct = directly(at.target);
        at.currency = (await at.direct.company(at.cx)).currency.name;
        at.partner = done((await at.hub.sinks.customers.deliver([customer(`C-${run}`)], at.cx))[0]);
        const made = await at.hub.sinks.products.deliver(
          ['A', 'B', 'S', 'V'].map((sku) =>
            productItem(`${sku}-${run}`, { kind: sku === 'S' ? 'service' : sku === 'V' ? 'voucher' : 'goods' }),
          ),
          at.cx,
        );
        ['A', 'B', 'S', 'V'].forEach((sku, place) => {
          product.set(sku, done(made[place]));
        });
      });
      beforeEach(() => at.proxy.clear());
      after(async () => {
        await at.proxy?.close();
        await at.target?.stop();
      });

      tests(desk);
    });
}

const item = <T>(key: string, document: T): Item<T> => ({
  key,
  id: null,
  document,
  version: 1,
  links: new Map(),
});

export function done(result: Result | undefined): string {
  if (result?.outcome !== 'done') assert.fail(JSON.stringify(result));
  return result.id;
}

export function faultOf(result: Result | undefined): Fault {
  if (result?.outcome !== 'failed') assert.fail(JSON.stringify(result));
  return result.fault;
}

export function rejection(result: Result | undefined): Extract<Fault, { kind: 'rejected' }> {
  const fault = faultOf(result);
  if (fault.kind !== 'rejected') assert.fail(JSON.stringify(fault));
  return fault;
}

export async function thrown(call: Promise<unknown>): Promise<Fault> {
  try {
    assert.fail(JSON.stringify(await call));
  } catch (error) {
    if (error instanceof FaultError) return error.fault;
    throw error;
  }
}

export const pick = (fault: Fault): [string, number | undefined] => [
  fault.kind,
  fault.kind === 'throttled' ? Number(fault.retryAfter) : undefined,
];
