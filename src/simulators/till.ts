import { appendFile, mkdir, open, readFile, rename, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Clock, type Duration, milliseconds, type Random, seeded, systemClock } from '../core/clock.ts';

/** One line as the till sold it. */
export interface SoldLine {
  readonly code: string;
  readonly quantity: number;
  /** Minor units. */
  readonly price: number;
}

/** One invoice as the till made it. */
export interface SoldInvoice {
  readonly invoice: string;
  readonly customer: string;
  readonly lines: readonly SoldLine[];
}

export interface TillOptions {
  /** The inbox the files are dropped into. */
  readonly folder: string;
  /** The till's own record of what it sold: one JSON line per drop. A till that finds one goes on where it ended. Default: a dot file in the folder. */
  readonly journal?: string;
  /** The same seed sells the same things. */
  readonly seed: number;
  /** Invoices per second. Default 10. */
  readonly rate?: number;
  /** Time between drops. Default 2.5s. */
  readonly every?: Duration;
  /** Share of invoices, 0 to 1, with a line that a bookkeeper would ask about. Default 0. */
  readonly odd?: number;
  readonly clock?: Clock;
  /** First invoice number of a new journal. Default 600001. */
  readonly continueFrom?: number;
  /** Called when a drop failed; the till ends. */
  readonly onError?: (error: unknown) => void;
}

export interface Till {
  /** Ends after the drop under way. */
  stop(): Promise<void>;
  /** What was sold so far, earlier runs included. */
  sold(): TillTotals;
}

interface TillTotals {
  readonly invoices: number;
  readonly lines: number;
  /** Minor units; `absolute` adds line values without their sign. */
  readonly minor: bigint;
  readonly absolute: bigint;
}

interface Drop {
  readonly drop: number;
  readonly next: number;
  readonly invoices: SoldInvoice[];
  /** Written together: name → content. */
  readonly files: Record<string, string>;
}

const HEADER = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n';
const COUNTRIES = ['United Kingdom', 'United Kingdom', 'United Kingdom', 'Germany', 'France', 'EIRE', 'Spain'];
const ADJECTIVES = ['RED', 'BLUE', 'CREAM', 'VINTAGE', 'SMALL', 'LARGE', 'RETROSPOT', 'GINGHAM', 'WOODEN', 'GLASS'];
const THINGS = [
  'LANTERN',
  'MUG',
  'LUNCH BOX',
  'CANDLE HOLDER',
  'TEA TOWEL',
  'CAKE STAND',
  'DOORMAT',
  'JAM JAR',
  'BELL',
];
const KINDS = ['HEART', 'STAR', 'ROSE', 'BIRD'];
const POSTAGE = 1800;

interface Article {
  readonly code: string;
  readonly name: string;
  readonly price: number;
}

/** About 300 articles; some codes end with a letter, as tills have them. */
function catalogue(random: Random): Article[] {
  return Array.from({ length: 300 }, (_, i) => ({
    code: `${20_000 + i * 7}${i % 5 === 0 ? 'ABC'[i % 3]! : ''}`,
    name: `${ADJECTIVES[i % 10]!} ${KINDS[(i >> 3) % 4]!} ${THINGS[i % 9]!}`,
    price: 20 + Math.floor(random() ** 3 * 2000),
  }));
}

const pick = <T>(random: Random, all: readonly T[]): T => all[Math.floor(random() * all.length)]!;

/** 255 → '2.55', 210 → '2.1', 200 → '2.0': as spreadsheets write them. */
const amount = (minor: number): string => {
  const text = (minor / 100).toFixed(2);
  return text.endsWith('0') ? text.slice(0, -1) : text;
};

const quoted = (text: string): string => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** What the till knows while it sells. */
interface Shop {
  readonly articles: Article[];
  readonly names: Map<string, string>;
  /** Recent sales that may be cancelled, oldest first. */
  readonly recent: SoldInvoice[];
  readonly odd: number;
}

function sale(random: Random, shop: Shop, invoice: string): SoldInvoice {
  const customer = random() < 0.25 ? '' : `${12_000 + Math.floor(random() * 400)}.0`;
  const lines: SoldLine[] = [];
  const count = 1 + Math.floor(random() ** 2 * 12);
  for (let i = 0; i < count; i++) {
    const { code, price } = pick(random, shop.articles);
    const line = { code, quantity: 1 + Math.floor(random() ** 2 * 24), price };
    lines.push(line);
    if (random() < 0.03) lines.push(line);
  }
  if (customer && random() < 0.15) lines.push({ code: 'POST', quantity: 1, price: POSTAGE });
  if (random() < 0.02) lines.push({ code: 'M', quantity: 1, price: 50 + Math.floor(random() * 4000) });
  if (random() < shop.odd) lines.push({ code: 'M', quantity: 1, price: 15_000 + Math.floor(random() * 50_000) });
  return { invoice, customer, lines };
}

/** Takes back some lines of an earlier sale, whole or in part. */
function cancellation(random: Random, shop: Shop, invoice: string): SoldInvoice | null {
  const [earlier] = shop.recent.splice(Math.floor(random() * shop.recent.length), 1);
  const goods = earlier?.lines.filter(({ code }) => /^\d/.test(code)) ?? [];
  if (!earlier || goods.length === 0) return null;
  const taken = goods.filter((_, i) => i === 0 || random() < 0.3);
  return {
    invoice: `C${invoice}`,
    customer: earlier.customer,
    lines: taken.map(({ code, quantity, price }) => ({ code, quantity: -Math.ceil(quantity * random()) || -1, price })),
  };
}

const writeOff = (random: Random, shop: Shop, invoice: string): SoldInvoice => ({
  invoice,
  customer: '',
  lines: [{ code: pick(random, shop.articles).code, quantity: -1 - Math.floor(random() * 30), price: 0 }],
});

function nextInvoice(random: Random, shop: Shop, number: number): SoldInvoice {
  const chance = random();
  if (chance < 0.05) return writeOff(random, shop, String(number));
  const back = chance < 0.15 ? cancellation(random, shop, String(number)) : null;
  if (back) return back;
  const sold = sale(random, shop, String(number));
  shop.recent.push(sold);
  if (shop.recent.length > 200) shop.recent.shift();
  return sold;
}

/** The records of a file. The trading hour moves on with every drop. */
function records(shop: Shop, invoices: readonly SoldInvoice[], drop: number): string[] {
  const date = new Date(Date.UTC(2025, 0, 2) + Math.floor(drop / 10) * 86_400_000).toISOString().slice(0, 10);
  const hour = String(8 + (drop % 10)).padStart(2, '0');
  return invoices.flatMap(({ invoice, customer, lines }, i) => {
    const minute = String(Math.floor((i * 60) / invoices.length)).padStart(2, '0');
    const country = customer ? COUNTRIES[Number.parseInt(customer, 10) % COUNTRIES.length]! : 'United Kingdom';
    return lines.map(({ code, quantity, price }) => {
      const name = price === 0 ? 'damages' : (shop.names.get(code) ?? code);
      return `${invoice},${code},${quoted(name)},${quantity},${date} ${hour}:${minute}:00,${amount(price)},${customer},${country}\n`;
    });
  });
}

/**
 * Where a file may be cut in mid-invoice so that the halves can be told apart even when they are read one by one: the invoice is neither the
 * first nor the last, and no line of its second part is among those of its first. 0 when there is no such place.
 */
function cutIn(rows: readonly string[]): number {
  const invoiceOf = (row: string): string => row.slice(0, row.indexOf(','));
  for (let at = Math.floor(rows.length / 2); at < rows.length; at++) {
    const invoice = invoiceOf(rows[at]!);
    if (invoice !== invoiceOf(rows[at - 1]!)) continue;
    if (invoice === invoiceOf(rows[0]!) || invoice === invoiceOf(rows.at(-1)!)) continue;
    const first = new Set(rows.slice(0, at).filter((row) => invoiceOf(row) === invoice));
    if (!rows.slice(at).some((row) => first.has(row))) return at;
  }
  return 0;
}

const halves = (name: string, rows: readonly string[]): Record<string, string> | null => {
  const at = cutIn(rows);
  if (at === 0) return null;
  return { [`${name}-1.csv`]: HEADER + rows.slice(0, at).join(''), [`${name}-2.csv`]: rows.slice(at).join('') };
};

/** The drops of a journal; what a crash left of a line at its end is cut off. */
async function readDrops(journal: string): Promise<{ drops: Drop[]; done: Set<number> }> {
  const text = await readFile(journal, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  if (whole.length < text.length) await truncate(journal, Buffer.byteLength(whole));
  const entries = whole
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Drop | { dropped: number });
  return {
    drops: entries.filter((entry): entry is Drop => 'drop' in entry),
    done: new Set(entries.flatMap((entry) => ('dropped' in entry ? [entry.dropped] : []))),
  };
}

/** Where the journal lies unless told otherwise; no inbox takes dot files. */
const tillJournal = (folder: string): string => join(folder, '.till-journal.jsonl');

/** What the till sold, by its own record: the truth that a hub is verified against. */
export async function readTillJournal(journal: string): Promise<SoldInvoice[]> {
  return (await readDrops(journal)).drops.flatMap(({ invoices }) => invoices);
}

async function record(journal: string, entry: Drop | { dropped: number }): Promise<void> {
  await appendFile(journal, `${JSON.stringify(entry)}\n`);
  const file = await open(journal, 'r');
  await file.sync();
  await file.close();
}

/** Writes under a name that no inbox takes, then renames. */
async function put(folder: string, files: Record<string, string>): Promise<void> {
  const names = Object.keys(files);
  for (const name of names) await writeFile(join(folder, `${name}.part`), files[name]!);
  for (const name of names) await rename(join(folder, `${name}.part`), join(folder, name));
}

/**
 * A till that drops files of what it sells, with the habits of real ones: lines that repeat exactly, cancellations, write-offs, postage,
 * sales without a customer; now and then a file comes again under another name, or cut in two, new or known. What it sells is in its
 * journal before it is in the inbox, and a drop that a crash interrupted is made again, byte for byte.
 */
export async function startTill(options: TillOptions): Promise<Till> {
  const {
    folder,
    journal = tillJournal(folder),
    seed,
    rate = 10,
    every = '2.5s',
    odd = 0,
    clock = systemClock,
  } = options;
  await mkdir(folder, { recursive: true });
  await mkdir(dirname(journal), { recursive: true });
  const { drops, done } = await readDrops(journal);
  const articles = catalogue(seeded(seed));
  const shop: Shop = {
    articles,
    names: new Map([...articles.map(({ code, name }) => [code, name] as const), ['POST', 'POSTAGE'], ['M', 'Manual']]),
    recent: [],
    odd,
  };
  let totals: TillTotals = { invoices: 0, lines: 0, minor: 0n, absolute: 0n };
  const count = (invoices: readonly SoldInvoice[]): void => {
    for (const { lines } of invoices)
      for (const { quantity, price } of lines) {
        const value = BigInt(quantity * price);
        totals = {
          ...totals,
          lines: totals.lines + 1,
          minor: totals.minor + value,
          absolute: totals.absolute + (value < 0n ? -value : value),
        };
      }
    totals = { ...totals, invoices: totals.invoices + invoices.length };
  };
  for (const { invoices } of drops) {
    count(invoices);
    shop.recent.push(...invoices.filter(({ invoice, lines }) => !invoice.startsWith('C') && lines[0]!.price > 0));
  }
  shop.recent.splice(0, shop.recent.length - 200);
  for (const { drop, files } of drops.filter(({ drop }) => !done.has(drop))) {
    await put(folder, files);
    await record(journal, { dropped: drop });
  }

  let drop = drops.at(-1)?.drop ?? 0;
  let next = drops.at(-1)?.next ?? options.continueFrom ?? 600_001;
  let known: string[] = [];
  let due = 0;

  const sell = async (): Promise<void> => {
    drop += 1;
    const random = seeded(seed + drop * 7919);
    due += (rate * milliseconds(every)) / 1000;
    const invoices: SoldInvoice[] = [];
    for (; due >= 1; due--) invoices.push(nextInvoice(random, shop, next++));
    if (invoices.length === 0) return;
    const rows = records(shop, invoices, drop);
    const name = `till-${String(drop).padStart(6, '0')}`;
    const habit = random();
    const files = (habit < 0.15 ? halves(name, rows) : null) ?? { [`${name}.csv`]: HEADER + rows.join('') };
    if (habit > 0.9 && known.length > 0) files[`${name}-again.csv`] = HEADER + known.join('');
    else if (habit > 0.8) Object.assign(files, halves(`${name}-again`, known));
    const entry: Drop = { drop, next, invoices, files };
    await record(journal, entry);
    await put(folder, files);
    await record(journal, { dropped: drop });
    count(invoices);
    known = habit < 0.15 ? [] : rows;
  };

  const stopping = new AbortController();
  const running = (async () => {
    while (!stopping.signal.aborted) {
      await sell();
      await clock.sleep(milliseconds(every), stopping.signal);
    }
  })().catch((error: unknown) => {
    if (options.onError) options.onError(error);
    else throw error;
  });
  return {
    stop: async () => {
      stopping.abort();
      await running;
    },
    sold: () => totals,
  };
}
