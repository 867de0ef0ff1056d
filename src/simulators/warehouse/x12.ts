/** X12 as this warehouse speaks it: its own reading and writing, which shares no line with any connector. */

export interface Order {
  /** Control number of the group, and of the set in it. */
  readonly group: string;
  readonly set: string;
  readonly status: 'N' | 'R' | 'F';
  readonly number: string;
  /** YYYYMMDD: what the customer was promised. */
  readonly promised: string | null;
  readonly lines: readonly { readonly line: string; readonly sku: string; readonly ordered: number }[];
}

/** The orders of an interchange, or what is wrong with it. */
export function readOrders(text: string): Order[] {
  const element = text.charAt(3);
  const rows = text.split(text.charAt(105)).map((row) => row.trim().split(element));
  const find = (id: string): string[] => rows.find((row) => row[0] === id) ?? [];
  if (find('IEA')[2] !== find('ISA')[13] || find('GE')[2] !== find('GS')[6]) throw new Error('the envelope is broken');
  if (find('GS')[1] !== 'OW') return [];
  const orders: Order[] = [];
  let set: string[][] = [];
  for (const row of rows) {
    if (row[0] === 'ST') set = [];
    set.push(row);
    if (row[0] !== 'SE') continue;
    if (Number(row[1]) !== set.length || set[0]?.[1] !== '940') throw new Error(`the set counts ${row[1]} segments`);
    orders.push(orderOf(set, find('GS')[6] ?? ''));
  }
  return orders;
}

function orderOf(set: readonly string[][], group: string): Order {
  const w05 = set.find((row) => row[0] === 'W05') ?? [];
  const lines: { line: string; sku: string; ordered: number }[] = [];
  for (const row of set) {
    if (row[0] === 'W01') lines.push({ line: '', sku: row[5] ?? '', ordered: Number(row[1]) });
    const last = lines.at(-1);
    if (row[0] === 'N9' && row[1] === 'LI' && last) last.line = row[2] ?? '';
  }
  const promised = set.find((row) => row[0] === 'G62' && row[1] === '02')?.[2] ?? null;
  return { group, set: set[0]?.[2] ?? '', status: w05[1] as Order['status'], number: w05[2] ?? '', promised, lines };
}

/** What the hub says of our own messages: groups it took, and those of which it did not take everything. */
export function readAnswers(text: string): { group: string; verdict: string }[] {
  const rows = text.split(text.charAt(105)).map((row) => row.trim().split(text.charAt(3)));
  const verdicts = rows.filter((row) => row[0] === 'AK9').map((row) => row[1] ?? '');
  return rows
    .filter((row) => row[0] === 'AK1')
    .map((row, index) => ({ group: row[2] ?? '', verdict: verdicts[index] ?? '' }));
}

type Row = readonly (string | number)[];

export interface Sent {
  readonly number: number;
  readonly at: Date;
  readonly functional: string;
  readonly set: string;
  readonly rows: readonly Row[];
  /** A wrong SE01. */
  readonly miscounted?: boolean;
}

export function interchange(us: string, them: string, { number, at, functional, set, rows, miscounted }: Sent): string {
  const stamp = at.toISOString().replaceAll(/[-:]/g, '');
  const [day, time] = [stamp.slice(0, 8), stamp.slice(9, 13)];
  const control = String(number).padStart(9, '0');
  const blank = ''.padEnd(10);
  const all: Row[] = [
    [
      'ISA',
      '00',
      blank,
      '00',
      blank,
      'ZZ',
      us.padEnd(15),
      'ZZ',
      them.padEnd(15),
      day.slice(2),
      time,
      'U',
      '00401',
      control,
      0,
      'P',
      '>',
    ],
    ['GS', functional, us, them, day, time, number, 'X', '004010'],
    ['ST', set, '0001'],
    ...rows,
    ['SE', rows.length + (miscounted ? 9 : 2), '0001'],
    ['GE', 1, number],
    ['IEA', 1, control],
  ];
  return all.map((row) => `${row.join('*')}~`).join('\r\n');
}
