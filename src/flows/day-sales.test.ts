import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type CsvConfig, csv } from '../connectors/csv/index.ts';
import type { Context, DroppedFile, Incoming, MappingTable, Sink } from '../core/connector.ts';
import { addMeasures, type Measure, nothing } from '../core/document.ts';
import { FaultError, rejected } from '../core/fault.ts';
import type { Look, MappingSeed, Objection, Translation } from '../core/flow.ts';
import { sha256 } from '../core/seal.ts';
import { CustomerDocument } from '../model/customer.ts';
import { type Order, OrderDocument } from '../model/order.ts';
import { type Product, ProductDocument } from '../model/product.ts';
import { type StockAdjustment, StockAdjustmentDocument } from '../model/stock-adjustment.ts';
import { uci } from './day-sales/columns.ts';
import type { DaySalesDocument } from './day-sales/documents.ts';
import { tillCodes, tillCountries } from './day-sales/mappings.ts';
import type { Memory } from './day-sales/memory.ts';
import type { DaySalesOptions } from './day-sales/settings.ts';
import { daySales } from './day-sales.ts';

const sink = (accepts: Sink['accepts']): never =>
  ({
    name: accepts.name,
    accepts,
    idempotency: 'overwrite',
    settle: 0,
    deadline: 1,
    batch: { max: 1, onFailure: 'stops' },
    deliver: async () => [],
  }) as never;

const till = (more: Partial<CsvConfig> = {}) =>
  csv({ entity: 'shop', folder: '/nowhere', name: 'days', ...uci, ...more });

/** A Mapping table as the ledger keeps it. */
function table({ table: name, rows }: MappingSeed): MappingTable {
  const patterns = Object.entries(rows).map(([code, target]) => {
    const escaped = code.replaceAll(/[\\^$.+()[\]{}|]/g, '\\$&');
    return {
      expression: new RegExp(`^${escaped.replaceAll('#', '\\d').replaceAll('?', '.').replaceAll('*', '.*')}$`),
      target,
    };
  });
  const find = (code: string): string | null =>
    rows[code] ?? patterns.find(({ expression }) => expression.test(code))?.target ?? null;
  return {
    find,
    get: (code) => {
      const target = find(code);
      if (target === null) throw rejected(`Mapping table '${name}' has no row for '${code}'`, 'mapping-missing');
      return target;
    },
  };
}

type Step = Translation<DaySalesDocument, Memory> & { incoming: Incoming };

/** A ledger in memory: documents by key, what each subject remembers, and every Objection. */
function hub(options: Partial<DaySalesOptions> = {}, config: Partial<CsvConfig> = {}) {
  const connection = till(config);
  const flow = daySales({
    from: connection.sources.days!,
    to: {
      product: sink(ProductDocument),
      customer: sink(CustomerDocument),
      order: sink(OrderDocument),
      'stock-adjustment': sink(StockAdjustmentDocument),
    },
    options: { zone: 'Europe/London', ...options },
  });
  const orders = new Map<string, Order>();
  const products = new Map<string, Product>();
  const customers = new Map<string, { number: string | null; name: string; country: string | null }>();
  const adjustments = new Map<string, StockAdjustment>();
  const memories = new Map<string, string>();
  const byReference = new Map<string, Set<string>>();
  const tables: Record<string, MappingTable> = {
    'till-codes': table(tillCodes),
    'till-countries': table(tillCountries),
  };
  const known: { size: number; digest: string }[] = [];
  const objections: Objection[] = [];
  const subjects = new Map<Objection, string>();
  let received = nothing;

  /** What is decided counts with the Event that comes after the decision. */
  const forget = (list: readonly Objection[]): void => {
    for (const objection of list) {
      objections.splice(objections.indexOf(objection), 1);
      received = {
        ...received,
        lines: received.lines - objection.measure.lines,
        minor: received.minor - objection.measure.minor,
        absolute: received.absolute - objection.measure.absolute,
      };
    }
  };

  const route = async (incoming: Incoming, decision: string | null = null): Promise<Step> => {
    const memory = memories.get(incoming.subject);
    const look: Look<Memory> = {
      connection: 'till',
      entity: 'shop',
      memory: memory === undefined ? null : (JSON.parse(memory) as Memory),
      receivedAt: new Date(0),
      decision,
      mapping: (name) => tables[name]!,
      keyOf: async () => null,
      current: async () => null,
      since: async () => [],
      inFlight: async () => [],
      find: async (_type, [kind, value]) =>
        [...(byReference.get(`${kind} ${value}`) ?? [])].map((id) => orders.get(id)!) as never,
    };
    const step = await flow.translate(connection.sources.days!.decode(incoming.bytes), look);
    for (const draft of step.documents) {
      if (draft.kind === 'order') {
        const order = draft.body as Order;
        orders.set(order.id, order);
        for (const [kind, value] of OrderDocument.references(order)) {
          const key = `${kind} ${value}`;
          byReference.set(key, (byReference.get(key) ?? new Set()).add(order.id));
        }
      } else if (draft.kind === 'product') {
        const product = draft.body as Product;
        if (!products.has(product.sku)) products.set(product.sku, product);
      } else if (draft.kind === 'customer') {
        const customer = draft.body as never as {
          id: string;
          number: string | null;
          name: string;
          country: string | null;
        };
        if (!customers.has(customer.id)) customers.set(customer.id, customer);
      } else adjustments.set((draft.body as StockAdjustment).id, draft.body as StockAdjustment);
    }
    if (step.memory) memories.set(incoming.subject, JSON.stringify(step.memory));
    received = addMeasures(received, step.brought ?? incoming.measure ?? nothing);
    forget(objections.filter((one) => subjects.get(one) === incoming.subject && step.answers?.includes(one.cause)));
    for (const objection of step.objections ?? []) subjects.set(objection, incoming.subject);
    objections.push(...(step.objections ?? []));
    return { ...step, incoming };
  };

  const drop = async (files: Record<string, string | Uint8Array>): Promise<Step[]> => {
    const batch = Object.entries(files)
      .map(([name, content]): DroppedFile => {
        const bytes = typeof content === 'string' ? Buffer.from(content) : content;
        return { name, bytes, digest: sha256(bytes).toString('hex') };
      })
      .filter((file) => !known.some(({ digest }) => digest === file.digest));
    const parsed = [];
    for (const file of batch) parsed.push({ file, parsed: await connection.sources.days!.parse(file, {} as Context) });
    const events = connection.sources.days!.events(parsed, known);
    known.push(...batch.map(({ bytes, digest }) => ({ size: bytes.length, digest })));
    const steps: Step[] = [];
    for (const incoming of events) steps.push(await route(incoming));
    return steps;
  };

  const figures = () => {
    const posted = [...orders.values()].map((order) => OrderDocument.measure(order)).reduce(addMeasures, nothing);
    const adjusted = [...adjustments.values()].reduce((sum, { lines }) => sum + lines.length, 0);
    const excepted = objections.map(({ measure }) => measure).reduce<Measure>(addMeasures, nothing);
    return { received, posted, adjusted, excepted };
  };
  const conserved = (): void => {
    const { received, posted, adjusted, excepted } = figures();
    assert.equal(received.lines, posted.lines + adjusted + excepted.lines);
    assert.equal(received.minor, posted.minor + excepted.minor);
    assert.equal(received.absolute, posted.absolute + excepted.absolute);
  };
  return {
    drop,
    route,
    orders,
    products,
    customers,
    adjustments,
    objections,
    figures,
    conserved,
    memories,
    forget,
  };
}

const HEADER = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n';
const line = (
  invoice: string,
  code: string,
  quantity: number | string,
  price: string,
  more: { customer?: string; country?: string; description?: string; date?: string } = {},
): string =>
  `${invoice},${code},${more.description ?? `THING ${code}`},${quantity},${more.date ?? '2010-12-01 08:26:00'},${price},${more.customer ?? '17850.0'},${more.country ?? 'United Kingdom'}\n`;

test('an invoice becomes one order, its customer and its products', async () => {
  const h = hub();
  const steps = await h.drop({
    'a.csv':
      HEADER +
      line('536365', '85123a', 6, '2.55') +
      line('536365', 'POST', 1, '18.0') +
      line('536365', '85123A', 6, '2.55'),
  });
  assert.equal(steps.length, 1);
  assert.deepEqual(h.orders.get('till:536365'), {
    id: 'till:536365',
    number: '536365',
    kind: 'sale',
    refersTo: null,
    placedAt: '2010-12-01T08:26:00.000Z',
    businessDay: '2010-12-01',
    customer: 'till:17850',
    currency: 'GBP',
    pricesIncludeTax: false,
    lines: [
      { id: '1', sku: '85123A', description: 'THING 85123a', quantity: '6', unitPrice: '2.55', taxes: [], total: 1530 },
      { id: '2', sku: 'POST', description: 'THING POST', quantity: '1', unitPrice: '18.0', taxes: [], total: 1800 },
      { id: '3', sku: '85123A', description: 'THING 85123A', quantity: '6', unitPrice: '2.55', taxes: [], total: 1530 },
    ],
  });
  assert.deepEqual(h.customers.get('till:17850'), {
    id: 'till:17850',
    number: '17850',
    name: 'Customer 17850',
    country: 'GB',
  });
  assert.deepEqual(
    [...h.products.values()].map(({ sku, code, kind }) => [sku, code, kind]),
    [
      ['85123A', '85123a', 'goods'],
      ['POST', 'POST', 'service'],
    ],
  );
  h.conserved();
});

test('sales without a customer belong to the till’s own partner', async () => {
  const h = hub();
  await h.drop({ 'a.csv': HEADER + line('1', '10000', 1, '1.0', { customer: '', country: 'Nowhere' }) });
  assert.deepEqual(h.customers.get('till:walk-in'), {
    id: 'till:walk-in',
    number: null,
    name: 'Till sales',
    country: null,
  });
});

test('zero-price lines are stock adjustments of their own', async () => {
  const h = hub();
  await h.drop({
    'a.csv':
      HEADER +
      line('1', '10000', -7, '0.0', { customer: '', description: 'damages' }) +
      line('2', '10001', 3, '0.0', { customer: '', description: '' }),
  });
  assert.deepEqual(h.adjustments.get('till:1:stock:1')?.lines, [
    { id: '1', sku: '10000', quantity: '-7', reason: 'damages' },
  ]);
  assert.equal(h.adjustments.get('till:2:stock:1')?.lines[0]?.reason, 'found');
  assert.equal(h.products.get('10000')?.name, '10000');
  assert.equal(h.orders.size, 0);
  h.conserved();
});

test('stock lines that come later are an adjustment of their own: what has moved cannot take more', async () => {
  const h = hub();
  const first = HEADER + line('1', '10000', -7, '0.0', { customer: '' });
  await h.drop({ 'a.csv': first + line('2', '10002', 1, '1.0') });
  await h.drop({ 'b.csv': first + line('1', '10001', -2, '0.0', { customer: '' }) + line('3', '10002', 1, '1.0') });
  assert.deepEqual(
    [...h.adjustments].map(([id, { lines }]) => [id, lines.map(({ sku, quantity }) => `${sku} ${quantity}`)]),
    [
      ['till:1:stock:1', ['10000 -7']],
      ['till:1:stock:2', ['10001 -2']],
    ],
  );
  h.conserved();
});

test('a cancellation refers to its sale only when exactly one can be meant', async () => {
  const h = hub();
  await h.drop({
    'a.csv':
      HEADER +
      line('1', '10000', 5, '2.5') +
      line('2', '10001', 5, '2.5') +
      line('3', '10001', 9, '2.5') +
      line('C4', '10000', -2, '2.50') +
      line('C5', '10001', -2, '2.5') +
      line('C6', '10001', -7, '2.5') +
      line('C7', '10000', -2, '2.4') +
      line('C8', '10000', -6, '2.5') +
      line('C9', '10000', -1, '2.5', { customer: '' }),
  });
  const refers = ['C4', 'C5', 'C6', 'C7', 'C8', 'C9'].map((number) => h.orders.get(`till:${number}`)?.refersTo);
  assert.deepEqual(refers, ['1', null, '3', null, null, null]);
  assert.equal(h.orders.get('till:C4')?.kind, 'cancellation');
  h.conserved();
});

test('single lines a bookkeeper would stop at are held, the others go on', async () => {
  const h = hub();
  await h.drop({
    'a.csv':
      HEADER +
      line('1', '10000', 1, '2.5') +
      line('1', 'M', 1, '100.01') +
      line('1', '10001', 4, '0.0') +
      line('1', 'POST', 1, '0.0') +
      line('1', '10002', -1, '3.0') +
      line('1', 'D', 1, '3.0') +
      line('1', '10003', 5001, '0.1') +
      line('1', '10004', 1, '1000.01') +
      line('1', '10005', 1, '-1.0') +
      line('1', '10006', 0, '1.0') +
      line('1', '10007', 1, '1.005') +
      line('C2', 'D', -1, '100.01') +
      line('C2', 'S', -1, '100.01'),
  });
  assert.deepEqual(
    h.objections.map(({ cause, measure }) => [cause, measure.lines, measure.minor]),
    [
      ['manual-entry', 1, 10001n],
      ['free-goods', 1, 0n],
      ['zero-price-service', 1, 0n],
      ['contradictory-sign', 1, -300n],
      ['adding-discount', 1, 300n],
      ['quantity-out-of-range', 1, 50010n],
      ['price-out-of-range', 1, 100001n],
      ['negative-price', 1, -100n],
      ['zero-quantity', 1, 0n],
      ['fraction-of-a-cent', 1, 101n],
      ['large-discount', 1, -10001n],
      ['large-sample', 1, -10001n],
    ],
  );
  assert.equal(h.orders.get('till:1')?.lines.length, 1);
  assert.equal(h.orders.has('till:C2'), false);
  h.conserved();
});

test('what a person lets pass is posted, and only that', async () => {
  const h = hub();
  const [step] = await h.drop({
    'a.csv': HEADER + line('1', '10000', 1, '2.5') + line('1', 'M', 1, '500.0') + line('1', '10001', 4, '0.0'),
  });
  h.forget(h.objections.filter(({ cause }) => cause === 'free-goods'));
  const first = await h.route(step!.incoming, 'post:free-goods');
  assert.deepEqual([first.outcome, first.brought?.lines, first.objections?.length], ['routed', 1, 0]);
  assert.deepEqual(
    h.orders.get('till:1')?.lines.map(({ id, total }) => [id, total]),
    [
      ['1', 250],
      ['3', 0],
    ],
  );
  h.conserved();
  h.forget([...h.objections]);
  await h.route(step!.incoming, 'post');
  assert.deepEqual(
    h.orders.get('till:1')?.lines.map(({ id }) => id),
    ['1', '2', '3'],
  );
  assert.equal(h.objections.length, 0);
  h.conserved();
});

test('a decision makes lines in doubt new or not', async () => {
  for (const [decision, lines] of [
    ['append', 3],
    ['duplicate', 2],
  ] as const) {
    const h = hub();
    await h.drop({ 'a.csv': HEADER + line('1', '10000', 1, '2.5') + line('1', '10001', 1, '2.5') });
    const [step] = await h.drop({ 'b.csv': line('1', '10001', 1, '2.5') + line('2', '10001', 1, '2.5') });
    assert.deepEqual(
      h.objections.map(({ cause }) => cause),
      ['repeat-or-continuation'],
    );
    h.conserved();
    h.forget([...h.objections]);
    const again = await h.route(step!.incoming, 'retry:repeat-or-continuation');
    assert.equal(again.objections?.length, 1);
    h.conserved();
    h.forget([...h.objections]);
    await h.route(step!.incoming, decision);
    assert.equal(h.orders.get('till:1')?.lines.length, lines);
    h.conserved();
    const later = await h.route(step!.incoming, null);
    assert.equal(h.orders.get('till:1')?.lines.length, lines);
    assert.ok(later.objections?.length === 0 || later.objections?.length === 1);
  }
});

test('files that leave no doubt answer what was asked before', async () => {
  const [a, b, c] = ['10000', '10001', '10002'].map((code) => line('1', code, 1, '2.5'));
  // [what comes later, lines of the order then, lines still in doubt]
  for (const [later, lines, left] of [
    [HEADER + line('0', '10009', 1, '1') + a + b + b + c + line('2', '10009', 1, '1'), 4, 0],
    [HEADER + line('0', '10009', 1, '1') + a + b + b + line('2', '10009', 1, '1'), 3, 0],
  ] as const) {
    const h = hub();
    await h.drop({ 'a.csv': HEADER + line('0', '10009', 1, '1') + a + b });
    const [doubtful] = await h.drop({ 'b.csv': b + line('2', '10009', 1, '1') });
    assert.equal(h.objections.length, 1);
    h.conserved();
    await h.drop({ 'whole.csv': later });
    assert.equal(h.orders.get('till:1')?.lines.length, lines);
    assert.equal(
      h.objections.reduce((sum, { measure }) => sum + measure.lines, 0),
      left,
    );
    h.conserved();
    // A person who had the old question before them answers it after all: nothing is doubled.
    await h.route(doubtful!.incoming, 'append:repeat-or-continuation');
    assert.equal(h.orders.get('till:1')?.lines.length, lines);
  }
});

test('a value that a person corrected no longer holds the invoice', async () => {
  const h = hub();
  const days = till().sources.days!;
  const bytes = Buffer.from(HEADER + line('1', '10000', 'abc', '2.5'));
  const file = { name: 'a.csv', bytes, digest: 'x' };
  const [incoming] = days.events([{ file, parsed: await days.parse(file, {} as Context) }], []);
  await assert.rejects(h.route(incoming!));
  const corrected = Buffer.from(Buffer.from(incoming!.bytes).toString().replace('"Quantity":"abc"', '"Quantity":"3"'));
  await h.route({ ...incoming!, bytes: corrected });
  assert.equal(h.orders.get('till:1')?.lines[0]?.total, 750);
});

test('wrong values, unknown codes and mixed customers make the whole invoice wait', async () => {
  const refused = async (content: string, words: RegExp): Promise<void> => {
    await assert.rejects(hub().drop({ 'a.csv': HEADER + content }), (error: unknown) => {
      assert.ok(error instanceof FaultError);
      assert.equal(error.fault.kind, 'rejected');
      assert.match(error.fault.message, words);
      return true;
    });
  };
  await refused(
    line('1', '10000', 1, '1.0') + line('1', '10000', 'abc', '1.0'),
    /line 3 of a\.csv, column 'Quantity': 'abc'/,
  );
  await refused(line('1', '10000', 1, '1.0', { date: 'today' }), /line 2 of a\.csv, column 'InvoiceDate': 'today'/);
  await refused(line('1', 'XYZ', 1, '1.0'), /till-codes.*XYZ/);
  await refused(line('1', '10000', 1, '1.0', { country: 'Atlantis' }), /till-countries.*Atlantis/);
  await refused(
    line('1', '10000', 1, '1.0') + line('1', '10000', 1, '1.0', { customer: '9.0' }),
    /2 customers: 17850, 9/,
  );
  await refused(line('1', '10000', '9999999999999999', '9999999'), /no value that can be booked/);
});

// ---- real trading days ----

const realDays = join(import.meta.dirname, '../../../shared/data/uci-online-retail');
const skip = existsSync(realDays) ? false : 'the real trading days are not on this machine';
const realFiles = (): [string, Buffer][] =>
  readdirSync(realDays)
    .filter((name) => name.endsWith('.csv'))
    .sort()
    .map((name) => [name, readFileSync(join(realDays, name))]);

test('real days: every line is posted, adjusted or excepted, to the penny', { skip }, async () => {
  const h = hub();
  const steps = await h.drop(Object.fromEntries(realFiles()));
  const { received, posted, excepted } = h.figures();
  assert.equal(steps.length, 2025);
  assert.equal(steps.filter(({ incoming }) => incoming.subject.startsWith('invoice:C')).length, 326);
  assert.deepEqual(received, { lines: 42_481, currency: 'GBP', minor: 74_895_702n, absolute: 89_853_526n });
  h.conserved();
  assert.ok(excepted.lines <= 424, `${excepted.lines} lines excepted`);
  assert.ok(excepted.absolute * 100n <= received.absolute, `${excepted.absolute} excepted`);
  assert.ok(posted.lines > 42_000);
  const byCause = Map.groupBy(h.objections, ({ cause }) => cause);
  assert.deepEqual(
    Object.fromEntries(
      [...byCause].map(([cause, list]) => {
        const { lines, minor, absolute } = list.map(({ measure }) => measure).reduce<Measure>(addMeasures, nothing);
        return [cause, [list.length, lines, minor, absolute]];
      }),
    ),
    {
      'free-goods': [9, 133, 0n, 0n],
      'manual-entry': [7, 7, -30_238n, 474_836n],
      'large-discount': [2, 2, -54_812n, 54_812n],
      'quantity-out-of-range': [1, 1, -28_080n, 28_080n],
    },
  );
  const cancellations = [...h.orders.values()].filter(({ kind }) => kind === 'cancellation');
  assert.equal(cancellations.filter(({ refersTo }) => refersTo !== null).length, 112);

  // The same files under other names are known; cut anywhere, they bring nothing.
  const before = h.figures();
  await h.drop(Object.fromEntries(realFiles().map(([name, bytes]) => [`again-${name}`, bytes])));
  const cuts: Record<string, string> = {};
  for (const [name, bytes] of realFiles().slice(0, 3)) {
    const records = bytes.toString().trimEnd().split('\n');
    for (let at = 2; at < records.length; at += 701) {
      cuts[`cut-${name}-${at}-1.csv`] = `${records.slice(0, at).join('\n')}\n`;
      cuts[`cut-${name}-${at}-2.csv`] = `${at % 2 ? HEADER : ''}${records.slice(at).join('\n')}\n`;
    }
  }
  await h.drop(cuts);
  assert.deepEqual(h.figures(), before);
});

test('real days: halves that come one after the other bring nothing', { skip }, async () => {
  const h = hub();
  const [[name, bytes]] = realFiles() as [[string, Buffer]];
  await h.drop({ [name]: bytes });
  const before = h.figures();
  const records = bytes.toString().trimEnd().split('\n');
  // Not right before the last invoice of a file, which alone may also be more of it.
  for (const at of [2, 9, 100, 1500, records.length - 27, records.length - 1]) {
    await h.drop({ 'first.csv': `${records.slice(0, at).join('\n')}\n` });
    await h.drop({ 'second.csv': `${HEADER}${records.slice(at).join('\n')}\n` });
  }
  assert.deepEqual(h.figures(), before);
});

test('real days: a day that comes in two halves is the whole day', { skip }, async () => {
  const [[name, bytes]] = realFiles() as [[string, Buffer]];
  const whole = hub();
  await whole.drop({ [name]: bytes });
  const records = bytes.toString().trimEnd().split('\n');
  for (const together of [true, false]) {
    const h = hub();
    const first = `${records.slice(0, 1234).join('\n')}\n`;
    const second = `${records.slice(1234).join('\n')}\n`;
    if (together) await h.drop({ '1.csv': first, '2.csv': second });
    else {
      await h.drop({ '1.csv': first });
      await h.drop({ '2.csv': second });
    }
    assert.deepEqual(h.figures(), whole.figures());
    assert.deepEqual(h.orders, whole.orders);
  }
});
