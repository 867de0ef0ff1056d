import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type OdooConnection, odoo } from '../../src/connectors/odoo/index.ts';
import type { Item, Result, Sink } from '../../src/core/connector.ts';
import type { Order } from '../../src/model/order.ts';
import type { Payment } from '../../src/model/payment.ts';
import type { Refund } from '../../src/model/refund.ts';
import { booksOf, done, faultOf, item, type People, people, soldOn } from './estate.ts';
import { accessTo, isReal, type OdooServer, servers } from './servers.ts';

/** Lines as [id, quantity, price]: pieces of 10.00 where there is no price, and 15 % of tax: 11.50 each. */
type Lines = readonly (readonly [id: string, quantity: number, price?: number])[];

/** What a shop tells of one order; keys are the story's own. */
interface Story {
  readonly orders: readonly { readonly lines: Lines; readonly cancelled?: true }[];
  readonly payments: readonly Pick<Payment, 'amount' | 'beyond'>[];
  /** `left` beside a line's quantity: it is no longer ordered. `amount` when the money is less than they are worth. */
  readonly refunds: readonly {
    readonly lines: readonly { readonly id: string; readonly quantity: number; readonly left?: number }[];
    readonly amount?: number;
    readonly after?: readonly number[];
  }[];
  /** How it is told, where not everything is told at once. */
  readonly told?: readonly string[];
}

const stories: Readonly<Record<string, Story>> = {
  'a piece is given as a present, then another one of the line is taken off and paid back': {
    orders: [{ lines: [['L1', 3]] }, { lines: [['L1', 2]] }],
    payments: [{ amount: 3450, beyond: 1150 }],
    refunds: [{ lines: [{ id: 'L1', quantity: 1 }] }, { lines: [{ id: 'L1', quantity: 1, left: 1 }], after: [0] }],
  },
  'a piece is taken off and paid back, then another one of the line is given as a present': {
    orders: [{ lines: [['L1', 3]] }, { lines: [['L1', 2]] }],
    payments: [{ amount: 3450, beyond: 1150 }],
    refunds: [{ lines: [{ id: 'L1', quantity: 1, left: 2 }] }, { lines: [{ id: 'L1', quantity: 1 }], after: [0] }],
  },
  'what is taken off pays for some of what is added': {
    orders: [
      { lines: [['L1', 3]] },
      {
        lines: [
          ['L1', 2],
          ['L2', 3],
        ],
      },
    ],
    payments: [{ amount: 3450 }, { amount: 2300 }],
    refunds: [],
  },
  'what is added costs less than what is taken off, and the rest goes back': {
    orders: [
      { lines: [['L1', 3]] },
      {
        lines: [
          ['L1', 1],
          ['L2', 1],
        ],
      },
    ],
    payments: [{ amount: 3450, beyond: 1150 }],
    refunds: [{ lines: [{ id: 'L1', quantity: 2, left: 1 }], amount: 1150 }],
  },
  'of two pieces that are taken off one is paid back, and the other pays for some of what is added': {
    orders: [
      { lines: [['L1', 3]] },
      {
        lines: [
          ['L1', 1],
          ['L2', 2],
        ],
      },
    ],
    payments: [
      { amount: 3450, beyond: 1150 },
      { amount: 1150, beyond: 1150 },
    ],
    refunds: [{ lines: [{ id: 'L1', quantity: 1, left: 2 }] }],
  },
  'a piece is taken off and paid back, then ordered again and paid': {
    orders: [{ lines: [['L1', 3]] }, { lines: [['L1', 2]] }, { lines: [['L1', 3]] }],
    payments: [
      { amount: 3450, beyond: 1150 },
      { amount: 1150, beyond: 1150 },
    ],
    refunds: [{ lines: [{ id: 'L1', quantity: 1, left: 2 }] }],
    told: ['order 0', 'payment 0', 'order 1', 'refund 0', 'payment 1', 'order 2'],
  },
  'what was added, and paid by what was taken off, is taken off again': {
    orders: [
      { lines: [['L1', 3]] },
      {
        lines: [
          ['L1', 1],
          ['L2', 1],
        ],
      },
      {
        lines: [
          ['L1', 1],
          ['L2', 0],
        ],
      },
    ],
    payments: [{ amount: 3450, beyond: 2300 }],
    refunds: [
      { lines: [{ id: 'L1', quantity: 2, left: 1 }], amount: 1150 },
      { lines: [{ id: 'L2', quantity: 1, left: 0 }] },
    ],
    told: ['order 0', 'payment 0', 'order 1', 'refund 0', 'order 2', 'refund 1'],
  },
  'a line is taken off and not paid back yet when another one of the same price is cancelled with the order': {
    orders: [
      {
        lines: [
          ['L1', 1],
          ['L2', 1],
        ],
      },
      {
        lines: [
          ['L1', 1],
          ['L2', 0],
        ],
      },
      {
        lines: [
          ['L1', 1],
          ['L2', 0],
        ],
        cancelled: true,
      },
    ],
    payments: [{ amount: 2300, beyond: 1150 }],
    refunds: [{ lines: [{ id: 'L1', quantity: 1, left: 0 }] }, { lines: [{ id: 'L2', quantity: 1, left: 0 }] }],
  },
  'pieces with a discount are taken off twice, and the second time for something else': {
    orders: [
      {
        lines: [
          ['L1', 3],
          ['L1-discount', 1, -3],
        ],
      },
      {
        lines: [
          ['L1', 2],
          ['L1-discount', 1, -2],
        ],
      },
      {
        lines: [
          ['L1', 1],
          ['L1-discount', 1, -1],
          ['L3', 2],
        ],
      },
    ],
    payments: [{ amount: 3105 }, { amount: 1265 }],
    refunds: [{ lines: [{ id: 'L1', quantity: 1, left: 2 }], amount: 1035 }],
    told: ['order 0', 'payment 0', 'order 1', 'refund 0', 'order 2', 'payment 1'],
  },
  'something is added, paid and cancelled with the rest': {
    orders: [
      { lines: [['L1', 2]] },
      {
        lines: [
          ['L1', 2],
          ['L2', 1],
        ],
        cancelled: true,
      },
    ],
    payments: [{ amount: 2300 }, { amount: 1150 }],
    refunds: [
      {
        lines: [
          { id: 'L1', quantity: 2, left: 0 },
          { id: 'L2', quantity: 1, left: 0 },
        ],
      },
    ],
  },
  'a piece is taken off, and the shop keeps its money when the rest is cancelled': {
    orders: [{ lines: [['L1', 3]] }, { lines: [['L1', 2]], cancelled: true }],
    payments: [{ amount: 3450, beyond: 1150 }],
    refunds: [{ lines: [{ id: 'L1', quantity: 2, left: 0 }] }],
  },
};

/** Every order in which some things may come; those of one list stay in turn. */
function interleavings<T>(lists: readonly (readonly T[])[]): T[][] {
  const open = lists.filter((list) => list.length > 0);
  if (open.length === 0) return [[]];
  return open.flatMap((list) => {
    const [first, ...rest] = list;
    return interleavings(open.map((one) => (one === list ? rest : one))).map((others) => [first!, ...others]);
  });
}

/** Orders that were changed and paid, in whatever order their documents come: simulators of 18 and 19, or the real server that the environment names. */
for (const { name, start } of servers)
  describe(`changed and paid: ${name}`, () => {
    let server: OdooServer;
    let at: People;
    let hub: OdooConnection;
    let currency: string;
    let partner: string;
    let goods: string;
    let number = 0;

    before(async () => {
      server = await start();
      const mappings = { taxes: { standard: '15%' }, 'payment-methods': { card: 'BNK1' } };
      at = await people(server, { mappings });
      hub = odoo(accessTo(server));
      currency = (await at.direct.company(at.cx)).currency.name;
      partner = String(await at.create('res.partner', { name: `Changing ${at.run}` }));
      goods = String(await at.product('CP', 1000));
    });
    after(() => server?.stop());

    /** What the engine knows of a delivery: whether a version of the order is on its way too, and whether the document came a moment ago. */
    interface Moment {
      readonly underway: boolean;
      readonly isFirst: boolean;
    }

    /** A document on its way. */
    interface Sent {
      readonly what: string;
      readonly deliver: (moment: Moment) => Promise<Result | undefined>;
      readonly after: readonly string[];
    }

    /** Sends a story's documents in an order, as the engine does: what is early comes again, and what needs another one waits for it. */
    async function tell(sent: readonly Sent[]): Promise<void> {
      const landed = new Set<string>();
      let open = [...sent];
      for (let round = 0; open.length > 0; round++) {
        assert.ok(round < 8, `still early: ${open.map(({ what }) => what).join(', ')}`);
        const again: Sent[] = [];
        for (const one of open) {
          const waits = one.after.some((what) => !landed.has(what)) || again.some(({ what }) => isOf(what, one.what));
          const result = waits
            ? undefined
            : await one.deliver({
                underway: sent.some(({ what }) => what.startsWith('order') && !landed.has(what)),
                isFirst: round < 4,
              });
          if (result?.outcome === 'done') landed.add(one.what);
          else if (result === undefined || faultOf(result).kind === 'early') again.push(one);
          else assert.fail(`${one.what}: ${JSON.stringify(faultOf(result))}`);
        }
        open = again;
      }
    }
    /** Whether two documents are versions of one record. */
    const isOf = (one: string, other: string): boolean => one.startsWith('order') && other.startsWith('order');

    function documents(story: Story): { lists: Sent[][]; order: () => number } {
      const key = `cp-${at.run}-${++number}`;
      let id = '';
      const back: Record<string, string> = {};
      const links = (): Record<string, string> => ({
        'order:O': id,
        'customer:C': partner,
        'product:G': goods,
        ...back,
      });
      const orders = story.orders.map(({ lines, cancelled }, place): Sent => {
        const document: Order = {
          ...soldOn(key, currency),
          ...(cancelled ? { state: 'cancelled', refundsFollow: true } : {}),
          lines: lines.map(([line, quantity, price = 10]) => ({
            id: line,
            sku: 'G',
            description: `Goods ${line}`,
            quantity: String(quantity),
            unitPrice: price.toFixed(2),
            taxes: ['standard'],
            total: quantity * price * 100,
          })),
        };
        const deliver = async () => {
          const sink = hub.sinks.saleOrders as Sink;
          const [result] = await sink.deliver(
            [{ ...item(key, document, links()), version: place + 1 } as never],
            at.cx,
          );
          if (result?.outcome === 'done') id = result.id;
          return result;
        };
        return { what: `order ${place}`, deliver, after: place === 0 ? [] : [`order ${place - 1}`] };
      });
      const sender =
        (sink: Sink, document: { readonly id: string; readonly after?: readonly string[] }) =>
        async ({ underway, isFirst }: Moment): Promise<Result | undefined> => {
          const one: Item<unknown> = item(document.id, document, links());
          const owedAt = isFirst ? at.cx.clock.now() : new Date(0);
          const comes = (document.after ?? [])
            .filter((before) => !back[`refund:${before}`])
            .map((key) => `refund:${key}`);
          const sent = { ...one, owedAt, underway: new Set([...(underway ? ['order:O'] : []), ...comes]) };
          const [result] = await sink.deliver([sent as never], at.cx);
          if (result?.outcome === 'done') back[`refund:${document.id}`] = result.id;
          return result;
        };
      const payments = story.payments.map((payment, place): Sent => {
        const document: Payment = {
          id: `${key}:payment-${place}`,
          order: 'O',
          method: 'card',
          paidOn: '2026-11-20',
          currency,
          ...payment,
        };
        const deliver = sender(hub.sinks.payments as Sink, document);
        return { what: `payment ${place}`, deliver, after: ['order 0'] };
      });
      const refunds = story.refunds.map(({ lines, amount, after: before = [] }, place): Sent => {
        const worth = lines.reduce((sum, { quantity }) => sum + quantity * 1150, 0);
        const share = (amount ?? worth) / worth;
        const document: Refund = {
          id: `${key}:refund-${place}`,
          number: `F-${key}-${place}`,
          order: 'O',
          orderNumber: `W-${key}`,
          return: null,
          refundedOn: '2026-11-22',
          method: 'card',
          currency,
          amount: amount ?? worth,
          after: before.map((one) => `${key}:refund-${one}`),
          lines: lines.map(({ id: line, quantity, left }) => ({
            id: `${line}-${place}`,
            orderLine: line,
            description: `Goods ${line}`,
            quantity: String(quantity),
            ...(left === undefined ? {} : { left: String(left) }),
            amount: quantity * 1150 * share,
            tax: quantity * 150 * share,
            taxes: ['standard'],
          })),
        };
        const deliver = sender(hub.sinks.refunds as Sink, document);
        return { what: `refund ${place}`, deliver, after: ['order 0'] };
      });
      return { lists: [orders, ...[...payments, ...refunds].map((one) => [one])], order: () => Number(id) };
    }

    for (const [what, story] of Object.entries(stories))
      it(what, async (t) => {
        const count = story.told ? 1 : interleavings(documents(story).lists).length;
        // A real one takes a second or two for each document.
        const every = Math.ceil(count / (isReal ? 4 : 20));
        for (let place = 0; place < count; place += every) {
          const { lists, order } = documents(story);
          const all = lists.flat();
          const some = story.told?.map((what) => all.find((one) => one.what === what)!) ?? interleavings(lists)[place]!;
          await tell(some);
          // Money that comes again is known, also after everything else.
          for (const one of some)
            if (!one.what.startsWith('order')) done(await one.deliver({ underway: false, isFirst: false }));
          const { invoiced, credited, open, standing } = await booksOf(at, order());
          const kept =
            story.payments.reduce((sum, { amount }) => sum + amount, 0) -
            story.refunds.reduce(
              (sum, { amount, lines }) => sum + (amount ?? lines.reduce((all, one) => all + one.quantity * 1150, 0)),
              0,
            );
          const how = some.map((one) => one.what).join(', ');
          assert.deepEqual({ kept: invoiced - credited + standing, open }, { kept, open: 0 }, how);
          // What is kept of a cancelled order is the customer's until somebody decides on it, as far as it was on no invoice.
          const most = story.orders.some(({ cancelled }) => cancelled) ? kept : 0;
          assert.ok(standing >= 0 && standing <= most, `${standing} stands on the account: ${how}`);
        }
        t.diagnostic(`${Math.ceil(count / every)} of ${count} orders of coming`);
      });
  });
