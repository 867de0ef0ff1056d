import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Judgement, judge, type Ledgers, verdictOf } from './judge.ts';
import type { BooksLedger } from './ledgers.ts';
import { MARKET } from './market.ts';

type Changed<T> = T extends readonly (infer One)[]
  ? Changed<One>[]
  : T extends object
    ? { -readonly [K in keyof T]: Changed<T[K]> }
    : T;

const line = (id: string, sku: string, quantity: number, price: number) => ({
  xmlid: `hub_odoo.order_line_shop_3a_1-${id}`,
  default_code: sku,
  quantity,
  price_unit: price,
  discount: 0,
});

const counterLine = (sale: string, id: string, sku: string, quantity: number, price: number) => ({
  ...line('', sku, quantity, price),
  xmlid: `hub_odoo.order_line_store_3a_${sale}-${id}`,
});

const counterMove = (id: number, name: string, quantity: number, from: string, to: string) => ({
  id,
  name,
  xmlid: null,
  origin: null,
  state: 'done',
  tracking: null as string | null,
  return_of: null as string | null,
  moves: [{ state: 'done', default_code: 'OWN-1-RED', quantity, from, to }],
});

/** Goods of a vendor that came in. */
const load = (id: number, origin: string, units: Record<string, number>) => ({
  ...counterMove(id, `WH/IN/${id}`, 0, '', ''),
  origin,
  moves: Object.entries(units).map(([default_code, quantity]) => ({
    state: 'done',
    default_code,
    quantity,
    from: 'Vendors',
    to: 'WH/Stock',
  })),
});

/** What of an order is the store's. */
const atStore = (units: { collect?: Record<string, number>; ship?: Record<string, number> } = {}, told = 0) => ({
  collect: {},
  ship: {},
  ...units,
  told,
});

/** Orders of the shop of which the store has all. */
const storeParts = [
  { name: '#3', units: 2, picking: 13, number: 'STO/OUT/2', method: 'collect' as const, said: ['ready', 'collected'] },
  { name: '#4', units: 1, picking: 14, number: 'STO/OUT/3', method: 'ship' as const, said: ['shipped'] },
  {
    name: '#5',
    units: 3,
    picking: 15,
    number: 'STO/OUT/4',
    method: 'collect' as const,
    said: ['ready', 'not-collected'],
  },
];

const robes = [
  { default_code: 'OWN-1-RED', values: ['Red', 'S'] },
  { default_code: 'OWN-1-BLUE', values: ['Blue', 'S'] },
];
const accounts = [
  { number: '31', name: 'Ada Bell', email: 'ada@example.com', phone: '+447700900001', country: 'GB' },
  { number: '32', name: 'Ben Dunn', email: 'ben@example.com', phone: null, country: 'GB' },
];
const levels = { 'WEB-1': 7, 'WEB-2': 4, 'OWN-1-RED': 5, 'OWN-1-BLUE': 3 };
const levelsAtStore = { 'WEB-1': 2, 'WEB-2': 6, 'OWN-1-RED': 8, 'OWN-1-BLUE': 1 };
const prices = { 'WEB-1': 1000, 'WEB-2': 1000, 'OWN-1-RED': 1000, 'OWN-1-BLUE': 1000 };

/** The moment so many seconds after the till opened. */
const after = (seconds: number): number => Date.UTC(2026, 4, 1, 9) + seconds * 1000;

const since = (seconds: number, id: number, default_code: string) => ({
  commit: seconds,
  at: new Date(after(seconds)).toISOString(),
  id,
  default_code,
});

/** Of goods that nobody buys one more comes in, and then one goes from one location to another; the price of others goes up. */
const figures = {
  free: [
    { ...since(1, 1, 'WEB-901'), location: 'WH/Stock', free: 5 },
    { ...since(60, 1, 'WEB-901'), location: 'WH/Stock', free: 6 },
    { ...since(90, 1, 'WEB-901'), location: 'WH/Stock', free: 5 },
    { ...since(90, 2, 'WEB-901'), location: 'WH/Input', free: 1 },
    { ...since(90, 3, 'WEB-901'), location: 'STO/Stock', free: 40 },
    { ...since(1, 4, 'WEB-1'), location: 'WH/Stock', free: 9 },
  ],
  prices: [
    { ...since(1, 1, 'WEB-1'), list: 'Web shop', amount: 10 },
    { ...since(1, 2, 'WEB-1'), list: MARKET.list, amount: 11.95 },
    { ...since(60, 1, 'WEB-1'), list: 'Web shop', amount: 12.5 },
  ],
};

/** Asked so many seconds after the till opened; the answer is there a tenth of a second later. */
const told = (kind: 'levels' | 'prices', sku: string, asked: number, value: number, age: number) => ({
  ...{ kind, sku, askedAt: after(asked), toldAt: after(asked) + 100 },
  ...{ value: value as number | null, age: age * 1000, stale: age > 60 },
});

/** What the till asked at the counter: now, of a moment ago, and while Odoo did not answer. */
const lookups = {
  told: [
    told('levels', 'WEB-901', 30, 5, 0),
    told('levels', 'WEB-901', 64, 5, 4.5),
    told('levels', 'WEB-901', 100, 6, 0),
    told('levels', 'WEB-901', 160, 5, 110),
    told('levels', 'WEB-1', 100, 7, 0),
    told('prices', 'WEB-1', 30, 1000, 0),
    told('prices', 'WEB-1', 90, 1000, 40),
    told('prices', 'WEB-1', 90, 1250, 0),
  ],
  unanswered: 1,
  wrong: [] as string[],
  limits: {
    levels: { fresh: 5000, stale: 600_000, within: 2000 },
    prices: { fresh: 60_000, stale: 86_400_000, within: 2000 },
  },
};

/**
 * Two orders of the shop, one of them cancelled, and three of the store's: collected, sent, not collected; a sale at the counter and what came back of it, a product that was brought out in Odoo, two
 * customers, a piece that people in Odoo took back and money that they credited, what the till asked at the counter, and everything as it should be.
 */
export function agreed(): Changed<Required<Ledgers>> {
  const order = {
    cancelled: false,
    toldToCancel: false,
    edited: false,
    total: 2500,
    kept: 1300,
    lines: [
      { id: '11', sku: 'WEB-1', quantity: 2, net: 1800 },
      { id: '12', sku: 'WEB-2', quantity: 1, net: 700 },
    ],
  };
  const units = { 'WEB-1': 2, 'WEB-2': 1 };
  const books: Changed<BooksLedger> = {
    sale_orders: [
      {
        name: 'S1',
        xmlid: 'hub_odoo.order_shop_3a_1',
        client_order_ref: '#1',
        state: 'sale',
        amount_total: 25,
        promised: '2026-12-05 12:00:00',
        invoiced: 25,
        credited: 12,
        pickings: [7, 19],
        lines: [line('11', 'WEB-1', 2, 10), line('11_2d_discount', 'DISCOUNT', 1, -2), line('12', 'WEB-2', 1, 7)],
      },
      {
        name: 'S2',
        xmlid: 'hub_odoo.order_shop_3a_2',
        client_order_ref: '#2',
        state: 'cancel',
        amount_total: 25,
        promised: null,
        invoiced: 0,
        credited: 0,
        pickings: [8],
        lines: [],
      },
      {
        name: 'S3',
        xmlid: 'hub_odoo.order_store_3a_S1001',
        client_order_ref: 'R-1001',
        state: 'sale',
        amount_total: 18.5,
        promised: null,
        invoiced: 0,
        credited: 0,
        pickings: [11],
        lines: [
          counterLine('S1001', '1', 'OWN-1-RED', 2, 10),
          counterLine('S1001', '1_2f_discount', 'DISCOUNT', 1, -1.5),
        ],
      },
      {
        name: 'S4',
        xmlid: 'hub_odoo.order_store_3a_S1002',
        client_order_ref: 'R-1002',
        state: 'sale',
        amount_total: -9.25,
        promised: null,
        invoiced: 0,
        credited: 0,
        pickings: [12],
        lines: [
          counterLine('S1002', '1', 'OWN-1-RED', -1, 10),
          counterLine('S1002', '1_2f_discount', 'DISCOUNT', 1, 0.75),
        ],
      },
      ...storeParts.map(({ name, units, picking }) => ({
        name: `S${picking}`,
        xmlid: `hub_odoo.order_shop_3a_${picking}`,
        client_order_ref: name,
        state: 'sale',
        amount_total: units * 10,
        promised: null,
        invoiced: 0,
        credited: 0,
        pickings: [picking],
        lines: [line(String(picking), 'OWN-1-RED', units, 10)],
      })),
    ],
    pickings: [
      {
        id: 7,
        name: 'WH/OUT/1',
        xmlid: null,
        origin: 'S1 (warehouse:SH1)',
        state: 'done',
        tracking: '1Z1',
        return_of: null,
        moves: Object.entries(units).map(([default_code, quantity]) => ({
          state: 'done',
          default_code,
          quantity,
          to: 'Customers',
        })),
      },
      {
        id: 8,
        name: 'WH/OUT/2',
        xmlid: null,
        origin: 'S2',
        state: 'cancel',
        tracking: null,
        return_of: null,
        moves: [],
      },
      {
        id: 9,
        name: 'WH/IN/1',
        xmlid: null,
        origin: '#1-R1',
        state: 'done',
        tracking: null,
        return_of: null,
        moves: [{ state: 'done', default_code: 'WEB-1', quantity: 1, to: 'WH/Stock' }],
      },
      load(17, 'P00001 (warehouse:RC-P00001-1)', { 'WEB-1': 5, 'WEB-2': 3 }),
      load(18, 'P00001 (warehouse:RC-P00001-2)', { 'WEB-1': 1 }),
      counterMove(11, 'STO/OUT/1', 2, 'STO/Stock', 'Customers'),
      counterMove(12, 'STO/IN/1', 1, 'Customers', 'STO/Stock'),
      counterMove(13, 'STO/OUT/2', 2, 'STO/Stock', 'Customers'),
      { ...counterMove(14, 'STO/OUT/3', 1, 'STO/Stock', 'Customers'), tracking: 'BR31' },
      { ...counterMove(15, 'STO/OUT/4', 3, 'STO/Stock', 'Customers'), state: 'assigned', moves: [] },
      {
        ...counterMove(19, 'WH/IN/3', 1, 'Customers', 'WH/Stock'),
        origin: 'Return of WH/OUT/1',
        return_of: 'WH/OUT/1',
        moves: [{ state: 'done', default_code: 'WEB-2', quantity: 1, from: 'Customers', to: 'WH/Stock' }],
      },
    ],
    quants: [
      { default_code: 'WEB-1', location: 'WH/Stock', quantity: 10, reserved: 3 },
      { default_code: 'WEB-1', location: 'Customers', quantity: 2, reserved: 0 },
      { default_code: 'WEB-2', location: 'WH/Stock', quantity: 4, reserved: 0 },
      { default_code: 'OWN-1-RED', location: 'WH/Stock', quantity: 6, reserved: 1 },
      { default_code: 'OWN-1-BLUE', location: 'WH/Stock', quantity: 3, reserved: 0 },
      ...Object.entries(levelsAtStore).map(([default_code, free]) => ({
        default_code,
        location: 'STO/Stock',
        quantity: free + 1,
        reserved: 1,
      })),
    ],
    products: [
      { name: 'Oak shelf', description: null, sold: true, variants: [{ default_code: 'WEB-1', values: [] }] },
      { name: 'Linen robe', description: 'Soft', sold: true, variants: structuredClone(robes) },
    ],
    prices: [
      ...['WEB-1', 'WEB-2', 'OWN-1-RED', 'OWN-1-BLUE'].map((default_code) => ({
        list: 'Web shop',
        default_code,
        amount: 10,
      })),
      ...['WEB-1', 'OWN-1-RED'].map((default_code) => ({ list: MARKET.list, default_code, amount: 11.95 })),
    ],
    figures: structuredClone(figures),
    credit_notes: [
      { id: 51, name: 'RINV/1', xmlid: 'hub_odoo.refund_95', state: 'posted', total: 9, residual: 0, order: '#1' },
      { id: 52, name: 'RINV/2', xmlid: null, state: 'posted', total: 3, residual: 0, order: '#1' },
    ],
    partners: accounts.map(({ number: ref, phone, ...rest }) => ({
      ...rest,
      xmlid: `hub_odoo.customer_shop_3a_${ref}`,
      ref,
      phone: phone?.replace('+447', '+44 7') ?? null,
    })),
    payments: [
      { memo: 'shop:payment-91', state: 'paid', amount: 25, reconciled: true },
      { memo: 'odoo:credit-note-52', state: 'paid', amount: 3, reconciled: true },
      { memo: 'shop:refund-95', state: 'paid', amount: 9, reconciled: true },
    ],
    writes: [],
  };
  return {
    till: [],
    shop: {
      orders: [
        {
          ...order,
          name: '#1',
          promised: { checkout: '2026-12-01 12:00:00', told: '2026-12-05 12:00:00' },
          payments: [{ id: '91', amount: 2500 }],
          refunds: [{ id: '95', amount: 900 }],
          returned: { 'WEB-1': 1 },
          paidBack: [{ note: 'RINV/2 (crossdock odoo:credit-note-52, 3.00 GBP)', amount: 300 }],
          takenBack: [{ note: 'WH/IN/3 (crossdock odoo:return-19)', units: { 'WEB-2': 1 } }],
          fulfilments: [{ tracking: '1Z1', units, atStore: false }],
          atStore: atStore(),
        },
        {
          ...structuredClone(order),
          name: '#2',
          promised: { checkout: '2026-12-01 12:00:00', told: null },
          kept: 0,
          cancelled: true,
          payments: [],
          refunds: [],
          returned: {},
          paidBack: [],
          takenBack: [],
          fulfilments: [],
          atStore: atStore(),
        },
        ...storeParts.map(({ name, units: count, picking, method, said }) => ({
          name,
          cancelled: false,
          toldToCancel: false,
          edited: false,
          total: count * 1000,
          kept: 0,
          lines: [{ id: String(picking), sku: 'OWN-1-RED', quantity: count, net: count * 1000 }],
          promised: { checkout: null, told: null },
          payments: [],
          refunds: [],
          returned: {},
          paidBack: [],
          takenBack: [],
          fulfilments: said.includes('not-collected')
            ? []
            : [{ tracking: method === 'ship' ? 'BR31' : '', units: { 'OWN-1-RED': count }, atStore: true }],
          atStore: atStore({ [method]: { 'OWN-1-RED': count } }, method === 'collect' ? 1 : 0),
        })),
      ],
      customers: structuredClone(accounts),
      levels: { ...levels },
      levelsAtStore: { ...levelsAtStore },
      prices: { ...prices },
      marketPrices: { 'WEB-1': 1195, 'OWN-1-RED': 1195 },
      products: [
        { title: 'Oak shelf', description: '', variants: [{ sku: 'WEB-1', values: ['Default Title'] }] },
        {
          title: 'Linen robe',
          description: 'Soft',
          variants: robes.map(({ default_code, values }) => ({ sku: default_code, values: [...values] })),
        },
      ],
    },
    store: {
      sales: [
        {
          id: 'S1001',
          number: 'R-1001',
          total: 1850,
          later: null,
          lines: [{ id: '1', sku: 'OWN-1-RED', quantity: 2, total: 1850 }],
        },
        {
          id: 'S1002',
          number: 'R-1002',
          total: -925,
          later: null,
          lines: [{ id: '1', sku: 'OWN-1-RED', quantity: -1, total: -925 }],
        },
      ],
      recorded: { S1001: 'recorded', S1002: 'cancelled' },
      levels: { ...levelsAtStore },
      prices: { ...prices },
      products: [
        { title: 'Oak shelf', description: '', sold: true, variants: [{ sku: 'WEB-1', values: [] }] },
        {
          title: 'Linen robe',
          description: 'Soft',
          sold: true,
          variants: robes.map(({ default_code, values }) => ({ sku: default_code, values: [...values] })),
        },
      ],
      unknown: [],
      jobs: storeParts.map(({ name, units: count, number, method, said }) => ({
        number,
        order: name,
        method,
        cancelled: false,
        units: { 'OWN-1-RED': count },
        unitsThen: { 'OWN-1-RED': count },
        said: [...said],
      })),
      handovers: storeParts.slice(0, 2).map(({ name, units: count, number, method }) => ({
        job: number,
        order: name,
        tracking: method === 'ship' ? 'BR31' : '',
        units: { 'OWN-1-RED': count },
      })),
      told: [],
    },
    books,
    lookups: structuredClone(lookups),
    warehouse: {
      received: [
        { reference: 'P00001', units: { 'WEB-1': 5, 'WEB-2': 3 } },
        { reference: 'P00001', units: { 'WEB-1': 1 } },
      ],
      promised: { 'WH/OUT/1': '20261205' },
      shipments: [{ number: 'SH1', order: 'WH/OUT/1', tracking: '1Z1', units: structuredClone(units) }],
    },
    said: { inShop: { 31: { email: 'ada@example.com' } }, inBooks: { 31: { phone: '+44 7700900001' } } },
    settled: [],
    excepted: [
      {
        lines: 1,
        value: '0.00',
        message: 'Nobody came for fulfilment order STO/OUT/4 (order #5), and the goods are back',
      },
    ],
  };
}

/** What somebody does to a ledger, at which hop it shows, as what, and in which words. */
type Tampered = readonly [
  what: string,
  hop: keyof Judgement,
  as: 'lost' | 'duplicated' | 'outOfOrder' | 'differences' | 'money',
  words: RegExp,
  (ledgers: Changed<Required<Ledgers>>) => unknown,
];

/** A test for each: it is told. */
export function tampers(all: readonly Tampered[]): void {
  for (const [what, hop, as, words, tamper] of all)
    test(`${what}: it is told`, () => {
      const ledgers = agreed();
      tamper(ledgers);
      const judgement = judge(ledgers);
      const told = judgement[hop];
      if (as === 'money') assert.notEqual(told.money!.difference, '0.00');
      else assert.ok(told[as] > 0, `${hop} ${as}: ${JSON.stringify(judgement)}`);
      assert.match(told.wrong.join('\n'), words);
      assert.ok(verdictOf(judgement).wrong.length > 0);
    });
}
