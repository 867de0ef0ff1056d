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
}

/** What left in the end, by the warehouse's own books: shipment number → fulfilment order, and units by code. */
export interface Left {
  readonly order: string;
  readonly units: Readonly<Record<string, number>>;
  readonly tracking: string;
}

/**
 * A third-party warehouse that speaks X12 by files, as those do: it reads orders (940) from `in` and takes them away, acknowledges them (997), picks,
 * sometimes short or in parts, and leaves shipping advices (945) and counts (846) in `out`. It knows a message that comes twice by its control number. It
 * keeps its own books, and goes wrong as often as it is told to, always in the same way for one seed.
 */
export class Warehouse {
  readonly orders = new Map<string, Order & { readonly cancelled: boolean }>();
  readonly left = new Map<string, Left>();
  /** Group control numbers of orders, and of those that came again. */
  readonly heard = new Set<string>();
  readonly repeats: string[] = [];
  readonly rejected: string[] = [];
  readonly silent: string[] = [];
  /** Files that are no orders, or broken. */
  readonly unreadable: string[] = [];
  /** What the hub said of our groups. */
  readonly answers = new Map<string, string>();
  readonly #options: WarehouseOptions;
  readonly #random: Random;
  #number = 0;
  #tick = 0;
  /** Files of which only a part lies there yet. */
  #later: (() => void)[] = [];
  #open: Order[] = [];

  constructor(options: WarehouseOptions) {
    this.#options = options;
    this.#random = seeded(options.seed ?? 1);
    for (const folder of ['in', 'out']) mkdirSync(join(options.folder, folder), { recursive: true });
  }

  #happens(fault: keyof Faults): boolean {
    return this.#random() < (this.#options.faults?.[fault] ?? 0);
  }

  /** One round: finishes what lies there half, reads what was sent, acknowledges, picks and ships. */
  work(at: Date): void {
    const later = this.#later;
    this.#later = [];
    for (const finish of later) finish();
    const folder = join(this.#options.folder, 'in');
    for (const name of readdirSync(folder).sort()) if (!name.endsWith('.part')) this.#take(join(folder, name), at);
    for (const order of this.#open) this.#ship(order, at);
    this.#open = [];
  }

  #take(path: string, at: Date): void {
    const text = readFileSync(path, 'utf8');
    rmSync(path);
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
    this.orders.set(order.number, { ...order, cancelled: order.status === 'F' });
    const idle = this.#options.faults?.idle !== undefined && this.#happens('idle');
    if (order.status !== 'F' && !idle) this.#open.push(order);
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
  }

  #ship(order: Order, at: Date): void {
    if (this.orders.get(order.number)?.cancelled) return;
    const short = this.#happens('shortage');
    const picked = order.lines.map((line, index) => ({
      ...line,
      picked: short && index === 0 ? Math.floor(line.ordered / 2) : line.ordered,
    }));
    const inParts = picked.length > 1 && this.#happens('partial');
    const parts = inParts ? [picked.slice(0, 1), picked.slice(1)] : [picked];
    for (const part of parts) this.#advise(order, part, at);
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
      this.#later.push(() => this.#send('945', first));
      return;
    }
    const message = this.#message(at, 'SW', '945', rowsWith(tracking));
    if (this.#happens('miscount')) {
      this.#send('945', { ...message, miscounted: true });
      this.#later.push(() => this.#send('945', this.#message(at, 'SW', '945', rowsWith(tracking))));
    } else this.#send('945', message);
  }

  /** Tells what is on the shelves. */
  count(shelves: Readonly<Record<string, number>>, at: Date): void {
    const items = Object.entries(shelves).flatMap(([sku, units], index) => [
      ['LIN', index + 1, 'VN', sku],
      ['QTY', '33', units],
    ]);
    const stamp = at.toISOString().replaceAll(/[-:]/g, '');
    const head = ['BIA', '00', 'MB', `C${++this.#tick}`, stamp.slice(0, 8), stamp.slice(9, 13)];
    this.#send('846', this.#message(at, 'IB', '846', [head, ...items, ['CTT', Object.keys(shelves).length]]));
  }

  #message(at: Date, functional: string, set: string, rows: Sent['rows']): Sent {
    return { number: ++this.#number, at, functional, set, rows };
  }

  #send(kind: string, message: Sent): void {
    const { us, them } = this.#options;
    const text = interchange(us, them, message);
    const name = `${kind}_${String(message.number).padStart(6, '0')}`;
    if (this.#happens('cut')) {
      this.#write(`${name}.edi`, text.slice(0, Math.floor(text.length * (0.2 + 0.7 * this.#random()))));
      this.#later.push(() => this.#write(`${name}_again.edi`, text));
    } else if (this.#happens('slow')) {
      const path = join(this.#options.folder, 'out', `${name}.edi`);
      writeFileSync(path, text.slice(0, text.length / 2));
      this.#later.push(() => writeFileSync(path, text));
    } else this.#write(`${name}.edi`, text);
    if (this.#happens('twice')) this.#later.push(() => this.#write(`${name}_copy.edi`, text));
  }

  #write(name: string, text: string): void {
    const path = join(this.#options.folder, 'out', name);
    if (existsSync(path)) throw new Error(`${name} was written before`);
    writeFileSync(`${path}.part`, text);
    renameSync(`${path}.part`, path);
  }
}
