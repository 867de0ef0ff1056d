import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Random, seeded } from '../../core/clock.ts';
import { interchange, type Order, readAnswers, readOrders, type Sent } from './x12.ts';

/** How often something goes otherwise than agreed, from 0 to 1. */
export interface Faults {
  /** An order is not acknowledged. */
  readonly silence?: number;
  /** An order is rejected in its acknowledgement. */
  readonly rejection?: number;
  /** An order is acknowledged and never picked. */
  readonly idle?: number;
  /** A line is picked short, and the rest will not come. */
  readonly shortage?: number;
  /** A shipping advice of goods or of an order that nobody sent comes before the right one. */
  readonly stray?: number;
  /** A piece is missing from a shelf when it is counted. */
  readonly mislaid?: number;
  /** An order leaves in two shipments. */
  readonly partial?: number;
  /** A file comes a second time, under another name. */
  readonly twice?: number;
  /** A file comes cut first, and whole afterwards. */
  readonly cut?: number;
  /** A file lies there half for a while before its rest is written. */
  readonly slow?: number;
  /** A message counts its segments wrong first, and comes right in a new file. */
  readonly miscount?: number;
  /** A correction comes before what it corrects. */
  readonly disorder?: number;
}

export interface WarehouseOptions {
  /** Has the folders `in`, which others write to, and `out`. */
  readonly folder: string;
  readonly us: string;
  readonly them: string;
  readonly seed?: number;
  readonly faults?: Faults;
  /** Milliseconds from hearing of an order to its leaving. Default 0: it leaves in the same round. */
  readonly handling?: number;
  /** A file that keeps its books from start to start; without it everything is gone at the end. */
  readonly journal?: string;
}

/** What left in the end, by the warehouse's own books: shipment number → fulfilment order, and units by code. */
export interface Left {
  readonly order: string;
  readonly units: Readonly<Record<string, number>>;
  readonly tracking: string;
}

/** Goods that came in, by the warehouse's own books: what announced them, and units by code. */
export interface Received {
  readonly reference: string;
  readonly units: Readonly<Record<string, number>>;
}

/** Units by code. */
type Units = Readonly<Record<string, number>>;

/** What one round did, and what is still to come of it. */
type Later = { readonly name: string; readonly text: string } | { readonly kind: string; readonly message: Sent };

/** What is kept of it. */
interface Books {
  readonly rounds: number;
  readonly number: number;
  readonly tick: number;
  readonly orders: readonly [string, Order & { readonly cancelled: boolean }][];
  readonly left: readonly [string, Left][];
  readonly received?: readonly [string, Received][];
  readonly short?: readonly [string, Units][];
  readonly counted?: Units;
  readonly heard: readonly string[];
  readonly repeats: readonly string[];
  readonly unreadable: readonly string[];
  readonly answers: readonly [string, string][];
  readonly later: readonly Later[];
  readonly open: readonly { readonly order: Order; readonly since: number }[];
  /** Files of the last round, for one that did not end. */
  readonly put: readonly (readonly [path: string, text: string])[];
  readonly taken: readonly string[];
}

/**
 * A third-party warehouse that speaks X12 by files, as those do: it reads orders (940) from `in` and takes them away, acknowledges them (997), picks,
 * sometimes short or in parts, and leaves shipping advices (945), receipts (944) and counts (846) in `out`. It knows a message that comes twice by its control number. It
 * keeps its own books, and goes wrong as often as it is told to, always in the same way for one seed.
 */
export class Warehouse {
  readonly orders = new Map<string, Order & { readonly cancelled: boolean }>();
  readonly left = new Map<string, Left>();
  /** By the receipt's number. */
  readonly cameIn = new Map<string, Received>();
  /** Of orders, by their numbers, what was not there and will not come. */
  readonly short = new Map<string, Units>();
  /** What was on the shelves at the last count. */
  lastCount: Units = {};
  /** Group control numbers of orders, and of those that came again. */
  readonly heard = new Set<string>();
  readonly repeats: string[] = [];
  readonly rejected: string[] = [];
  readonly silent: string[] = [];
  /** Shipment numbers of advices that it sent by mistake. */
  readonly strays: string[] = [];
  /** Files that are no orders, or broken. */
  readonly unreadable: string[] = [];
  /** What the hub said of our groups. */
  readonly answers = new Map<string, string>();
  readonly #options: WarehouseOptions;
  #random: Random;
  #rounds = 0;
  #number = 0;
  #tick = 0;
  /** What comes in the next round: files of which only a part lies there yet, and messages that others overtake. */
  #later: Later[] = [];
  #open: { order: Order; since: number }[] = [];
  /** Files of this round, written and taken away once the books are kept. */
  #put: [path: string, text: string][] = [];
  #taken: string[] = [];
  /** May be changed at any time. */
  faults: Faults;

  constructor(options: WarehouseOptions) {
    this.#options = options;
    this.faults = options.faults ?? {};
    this.#random = seeded(options.seed ?? 1);
    for (const folder of ['in', 'out']) mkdirSync(join(options.folder, folder), { recursive: true });
    if (options.journal !== undefined && existsSync(options.journal)) this.#goOn(options.journal);
  }

  /** Takes the books up again, and ends the round that was under way. */
  #goOn(journal: string): void {
    const revived = (key: string, value: unknown): unknown => (key === 'at' ? new Date(String(value)) : value);
    const books = JSON.parse(readFileSync(journal, 'utf8'), revived) as Books;
    this.#rounds = books.rounds;
    this.#random = seeded((this.#options.seed ?? 1) + books.rounds * 7919);
    this.#number = books.number;
    this.#tick = books.tick;
    this.#later = [...books.later];
    this.#open = [...books.open];
    this.#put = books.put.map(([path, text]) => [path, text]);
    this.#taken = [...books.taken];
    for (const [number, order] of books.orders) this.orders.set(number, order);
    for (const [number, left] of books.left) this.left.set(number, left);
    for (const [number, goods] of books.received ?? []) this.cameIn.set(number, goods);
    for (const [number, units] of books.short ?? []) this.short.set(number, units);
    this.lastCount = books.counted ?? {};
    for (const group of books.heard) this.heard.add(group);
    for (const [group, verdict] of books.answers) this.answers.set(group, verdict);
    this.repeats.push(...books.repeats);
    this.unreadable.push(...books.unreadable);
    this.#moveFiles();
  }

  /** First the books, then the files: a round that is cut off in between is ended at the next start, and files may come twice. */
  #end(): void {
    const { journal } = this.#options;
    this.#rounds += 1;
    if (journal !== undefined && this.#put.length + this.#taken.length > 0) {
      const books: Books = {
        rounds: this.#rounds,
        number: this.#number,
        tick: this.#tick,
        orders: [...this.orders],
        left: [...this.left],
        received: [...this.cameIn],
        short: [...this.short],
        counted: this.lastCount,
        heard: [...this.heard],
        repeats: this.repeats,
        unreadable: this.unreadable,
        answers: [...this.answers],
        later: this.#later,
        open: this.#open,
        put: this.#put,
        taken: this.#taken,
      };
      writeFileSync(`${journal}.new`, JSON.stringify(books));
      renameSync(`${journal}.new`, journal);
    }
    this.#moveFiles();
  }

  #moveFiles(): void {
    for (const [path, text] of this.#put) {
      writeFileSync(`${path}.part`, text);
      renameSync(`${path}.part`, path);
    }
    for (const path of this.#taken) rmSync(path, { force: true });
    this.#put = [];
    this.#taken = [];
  }

  #happens(fault: keyof Faults): boolean {
    return this.#random() < (this.faults[fault] ?? 0);
  }

  /** Whether something was sent to it that it has not read. */
  get unread(): boolean {
    return readdirSync(join(this.#options.folder, 'in')).some(
      (name) => name.startsWith('940') && !name.endsWith('.part'),
    );
  }

  /** Orders that have not left yet, and messages that have not been written. */
  get waiting(): number {
    return this.#open.length + this.#later.length;
  }

  /** One round: finishes what lies there half, reads what was sent, acknowledges, picks and ships. */
  work(at: Date): void {
    const later = this.#later;
    this.#later = [];
    for (const one of later)
      if ('name' in one) this.#put.push([join(this.#options.folder, 'out', one.name), one.text]);
      else this.#send(one.kind, { ...one.message, number: one.message.number || ++this.#number });
    const folder = join(this.#options.folder, 'in');
    for (const name of readdirSync(folder).sort()) if (!name.endsWith('.part')) this.#take(join(folder, name), at);
    const ready = ({ since }: { since: number }): boolean => at.getTime() - since >= (this.#options.handling ?? 0);
    for (const { order } of this.#open.filter(ready)) this.#ship(order, at);
    this.#open = this.#open.filter((one) => !ready(one));
    this.#end();
  }

  #take(path: string, at: Date): void {
    const text = readFileSync(path, 'utf8');
    this.#taken.push(path);
    let orders: Order[];
    try {
      orders = readOrders(text);
    } catch {
      this.unreadable.push(path);
      return;
    }
    for (const { group, verdict } of orders.length === 0 ? readAnswers(text) : []) this.answers.set(group, verdict);
    for (const order of orders) this.#hear(order, at);
  }

  #hear(order: Order, at: Date): void {
    if (this.heard.has(order.group)) {
      this.repeats.push(order.group);
      return;
    }
    this.heard.add(order.group);
    if (this.#happens('silence')) {
      this.silent.push(order.number);
      return;
    }
    const rejects = this.#happens('rejection');
    const verdict = rejects ? ['AK5', 'R', '5'] : ['AK5', 'A'];
    const why = rejects ? [['AK3', 'W05', 2, '', '8']] : [];
    const rows = [
      ['AK1', 'OW', order.group],
      ['AK2', '940', order.set],
      ...why,
      verdict,
      ['AK9', verdict[1]!, 1, 1, rejects ? 0 : 1],
    ];
    this.#send('997', this.#message(at, 'FA', '997', rows));
    if (rejects) {
      this.rejected.push(order.number);
      return;
    }
    const before = new Set(this.orders.get(order.number)?.lines.map(({ line }) => line));
    this.orders.set(order.number, { ...order, cancelled: order.status === 'F' });
    const gone = [...this.left.values()].some((one) => one.order === order.number);
    const still = this.#open.flatMap((one) => (one.order.number === order.number ? one.order.lines : []));
    this.#open = this.#open.filter((one) => one.order.number !== order.number);
    const idle = this.#options.faults?.idle !== undefined && this.#happens('idle');
    // What has left is not picked again, whatever is changed about it; lines that were added since are, also by an earlier change.
    const isLeft = ({ line }: (typeof order.lines)[number]): boolean =>
      !before.has(line) || still.some((one) => one.line === line);
    const lines = gone ? order.lines.filter(isLeft) : order.lines;
    if (order.status !== 'F' && lines.length > 0 && !idle)
      this.#open.push({ order: { ...order, lines }, since: at.getTime() });
  }

  /** A parcel that people send off: it is in the books, the order is not picked any more, and nobody is told. */
  sendByHand(number: string, parcel: Left): void {
    this.left.set(number, parcel);
    this.#open = this.#open.filter((one) => one.order.number !== parcel.order);
  }

  /** Acknowledges, late, what it had kept silent about. */
  acknowledge(group: string, at: Date): void {
    const rows = [
      ['AK1', 'OW', group],
      ['AK2', '940', '0001'],
      ['AK5', 'A'],
      ['AK9', 'A', 1, 1, 1],
    ];
    this.#send('997', this.#message(at, 'FA', '997', rows));
    this.#end();
  }

  #ship(order: Order, at: Date): void {
    if (this.orders.get(order.number)?.cancelled) return;
    if (this.#happens('stray')) this.#stray(order, at);
    const short = this.#happens('shortage');
    const picked = order.lines.map((line, index) => ({
      ...line,
      picked: short && index === 0 ? Math.floor(line.ordered / 2) : line.ordered,
    }));
    for (const { sku, ordered, picked: found } of picked)
      if (found < ordered) this.short.set(order.number, added(this.short.get(order.number), sku, ordered - found));
    const inParts = picked.length > 1 && this.#happens('partial');
    const parts = inParts ? [picked.slice(0, 1), picked.slice(1)] : [picked];
    for (const part of parts) this.#advise(order, part, at);
  }

  /** Of two that are sent by mistake one is of an order that is not known, the other of goods that the order has not. */
  #stray({ number: order }: Order, at: Date): void {
    const number = `STRAY${at.getTime()}-${this.strays.length + 1}`;
    this.strays.push(number);
    const [named, sku] = this.strays.length % 2 === 1 ? [`${order}0000`, 'WEB-101'] : [order, 'STRAY-1'];
    const rows = [
      ['W06', 'F', named, at.toISOString().slice(0, 10).replaceAll('-', ''), number],
      ['W27', 'M', 'UPSN'],
      ['LX', 1],
      ['MAN', 'CP', number],
      ['W12', 'CC', 1, 1, 0, 'EA', '', 'VN', sku],
      ['W03', 1],
    ];
    this.#send('945', this.#message(at, 'SW', '945', rows));
  }

  #advise(
    order: Order,
    lines: readonly { line: string; sku: string; ordered: number; picked: number }[],
    at: Date,
  ): void {
    const number = `SH${this.left.size + 1}`;
    const tracking = `1Z${String(this.left.size + 1).padStart(8, '0')}`;
    const units: Record<string, number> = {};
    for (const { sku, picked } of lines) if (picked > 0) units[sku] = (units[sku] ?? 0) + picked;
    this.left.set(number, { order: order.number, units, tracking });
    const rowsWith = (parcel: string) => [
      ['W06', 'F', order.number, at.toISOString().slice(0, 10).replaceAll('-', ''), number],
      ['W27', 'M', 'UPSN'],
      ...lines.flatMap(({ line, sku, ordered, picked }, index) => [
        ['LX', index + 1],
        ['MAN', 'CP', parcel],
        ['W12', picked === ordered ? 'CC' : 'CP', ordered, picked, ordered - picked, 'EA', '', 'VN', sku],
        ['N9', 'LI', line],
      ]),
      ['W03', lines.reduce((sum, { picked }) => sum + picked, 0)],
    ];
    if (this.#happens('disorder')) {
      const first = this.#message(at, 'SW', '945', rowsWith('wrong parcel'));
      this.#send('945', this.#message(at, 'SW', '945', rowsWith(tracking)));
      this.#later.push({ kind: '945', message: first });
      return;
    }
    const message = this.#message(at, 'SW', '945', rowsWith(tracking));
    if (this.#happens('miscount')) {
      this.#send('945', { ...message, miscounted: true });
      this.#later.push({ kind: '945', message: { ...message, number: 0 } });
    } else this.#send('945', message);
  }

  /** Goods come in, and are told of; those of a receipt that is known have come already. */
  receive(receipt: string, reference: string, units: Readonly<Record<string, number>>, at: Date): void {
    if (this.cameIn.has(receipt)) return;
    this.cameIn.set(receipt, { reference, units });
    const goods = Object.entries(units);
    const rows = [
      ['W17', 'F', at.toISOString().slice(0, 10).replaceAll('-', ''), receipt, reference],
      ...goods.map(([sku, count]) => ['W07', count, 'EA', '', 'VN', sku]),
      ['W14', goods.reduce((sum, [, count]) => sum + count, 0)],
    ];
    this.#send('944', this.#message(at, 'RE', '944', rows));
    this.#end();
  }

  /** Tells what is on the shelves, what orders have claimed included. */
  count(shelves: Units, at: Date): void {
    this.lastCount = shelves;
    const items = Object.entries(shelves).flatMap(([sku, units], index) => [
      ['LIN', index + 1, 'VN', sku],
      ['QTY', '17', units],
    ]);
    const stamp = at.toISOString().replaceAll(/[-:]/g, '');
    const head = ['BIA', '00', 'MB', `C${++this.#tick}`, stamp.slice(0, 8), stamp.slice(9, 15)];
    this.#send('846', this.#message(at, 'IB', '846', [head, ...items, ['CTT', Object.keys(shelves).length]]));
    this.#end();
  }

  #message(at: Date, functional: string, set: string, rows: Sent['rows']): Sent {
    return { number: ++this.#number, at, functional, set, rows };
  }

  #send(kind: string, message: Sent): void {
    const { us, them } = this.#options;
    const text = interchange(us, them, message);
    const name = `${kind}_${String(message.number).padStart(6, '0')}`;
    const now = (file: string, part: string): void => {
      this.#put.push([join(this.#options.folder, 'out', file), part]);
    };
    if (this.#happens('cut')) {
      now(`${name}.edi`, text.slice(0, Math.floor(text.length * (0.2 + 0.7 * this.#random()))));
      this.#later.push({ name: `${name}_again.edi`, text });
    } else if (this.#happens('slow')) {
      now(`${name}.edi`, text.slice(0, text.length / 2));
      this.#later.push({ name: `${name}.edi`, text });
    } else now(`${name}.edi`, text);
    if (this.#happens('twice')) this.#later.push({ name: `${name}_copy.edi`, text });
  }
}

const added = (units: Units | undefined, sku: string, more: number): Units => ({
  ...units,
  [sku]: (units?.[sku] ?? 0) + more,
});
