import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readTillFiles, verifyDaySales } from '../../src/simulators/verify.ts';
import type { Summary } from '../../src/watch/summary.ts';
import { askJudge, realDays, realDaysPresent } from './judge.ts';
import { drop, HEADER, makeSales, records } from './sales.ts';
import { type Report, World } from './world.ts';

/** A file of records, cut in two: what a till that breaks off in mid-invoice leaves. */
interface Cut {
  readonly name: string;
  readonly head: readonly string[];
  readonly tail: readonly string[];
  /** The lines at both sides of the cut are identical. */
  readonly identical: boolean;
}

/** Records of one invoice each, as they stand in a file. */
type Invoices = Map<string, string[]>;

/**
 * Files cut at every record boundary of 20 invoices, at least 10 of the cuts between identical lines, whose halves come at different times, each
 * cut under invoice numbers of its own; then every half again, then the whole files, also under other names. All that is posted is right, and what
 * cannot be told is an Exception.
 */
export async function cuts({ invoices, seed }: { invoices: number; seed: number }): Promise<Report> {
  const world = await World.open({ CHAOS_ORDERS: '25' });
  try {
    const all = cutAll(realDaysPresent() ? await realInvoices(invoices) : madeInvoices(invoices, seed));
    const kept = join(world.folder, 'whole');
    mkdirSync(kept);
    for (const { name, head, tail } of all)
      writeFileSync(join(kept, `${name}.csv`), HEADER + [...head, ...tail].join(''));
    const problems: string[] = [];
    const round = async (files: (cut: Cut, n: number) => Record<string, string>): Promise<Summary> => {
      for (const [n, cut] of all.entries())
        for (const [name, text] of Object.entries(files(cut, n))) drop(world.inbox, name, text);
      const { code, stdout, stderr } = await world.hub({ untilIdle: true }).ended;
      if (code !== 0) throw new Error(`the hub ended with ${code}: ${stderr}`);
      return JSON.parse(stdout) as Summary;
    };
    const heads = ({ name, head }: Cut) => ({ [`${name}-1.csv`]: HEADER + head.join('') });
    // Tills differ: every second one writes its header into the second file too.
    const tails = ({ name, tail }: Cut, n: number) => ({ [`${name}-2.csv`]: (n % 2 ? HEADER : '') + tail.join('') });
    await round(heads);
    const cut = await round(tails);
    const sold = await readTillFiles(all.map(({ name }) => join(kept, `${name}.csv`)));
    const check = async (when: string): Promise<void> => {
      const verdict = verifyDaySales(sold, await world.ledger(), await world.exceptions());
      problems.push(...verdict.wrong.map((wrong) => `${when}: ${wrong}`));
    };
    await check('after both halves');
    const again = await round((each, n) => ({
      ...Object.fromEntries(
        Object.entries({ ...heads(each), ...tails(each, n) }).map(([name, text]) => [`again-${name}`, text]),
      ),
    }));
    await check('after both halves came again');
    const whole = await round(({ name, head, tail }) => {
      const text = HEADER + [...head, ...tail].join('');
      return { [`${name}.csv`]: text, [`renamed-${name}.csv`]: text };
    });
    await check('after the whole files came too');
    if (again.lines.posted !== cut.lines.posted)
      problems.push(`halves that came again posted ${again.lines.posted - cut.lines.posted} lines more`);
    // Whole files tell what their halves could not.
    if (whole.lines.posted !== whole.lines.received)
      problems.push(`${whole.lines.received - whole.lines.posted} lines of whole files are not posted`);
    for (const [when, { money }] of Object.entries({ cut, again, whole }))
      for (const [currency, { difference }] of Object.entries(money))
        if (difference !== '0.00') problems.push(`${when}: ${currency} ${difference} too much or too little`);
    const exceptions = await world.exceptions();
    const judge = await askJudge(world, kept, exceptions);
    if (judge.code !== null && judge.code !== 0) problems.push(`the judge ended with ${judge.code}: ${judge.said}`);
    return {
      figures: {
        cuts: all.length,
        'between identical lines': all.filter(({ identical }) => identical).length,
        lines: sold.reduce((sum, { lines }) => sum + lines.length, 0),
        'posted after the halves': cut.lines.posted,
        'Exceptions after the halves':
          cut.exceptions.map(({ cause, count }) => `${count} ${cause}`).join(', ') || 'none',
        'their lines': cut.lines.excepted,
        'posted in the end': whole.lines.posted,
        'Exceptions in the end': exceptions.length,
        judge: judge.said,
      },
      problems,
    };
  } finally {
    await world.close();
  }
}

/** Every boundary of every invoice, each with the invoice before and after it, under numbers of its own. */
function cutAll(invoices: Invoices): Cut[] {
  const all = [...invoices.values()];
  let number = 800_000;
  return all.flatMap((own, index) => {
    const before = all[(index + 1) % all.length]!;
    const after = all[(index + 2) % all.length]!;
    return Array.from({ length: own.length - 1 }, (_, i) => {
      number += 3;
      const renamed = (lines: readonly string[], add: number) =>
        lines.map((line) => line.replace(/^[^,]*/, String(number + add)));
      const lines = renamed(own, 1);
      return {
        name: `cut-${number}`,
        head: [...renamed(before.slice(0, 2), 0), ...lines.slice(0, i + 1)],
        tail: [...lines.slice(i + 1), ...renamed(after.slice(0, 2), 2)],
        identical: lines[i] === lines[i + 1],
      };
    });
  });
}

/** Invoices of real days: first those with identical neighbours, half of what is wanted, then others of middling length. */
async function realInvoices(count: number): Promise<Invoices> {
  const all: Invoices = new Map();
  for (const file of realDays())
    for (const line of readFileSync(file, 'utf8').trimEnd().split('\n').slice(1)) {
      const invoice = line.split(',')[0]!;
      all.set(invoice, [...(all.get(invoice) ?? []), `${line}\n`]);
    }
  const sales = [...all].filter(([invoice, lines]) => /^\d+$/.test(invoice) && lines.length >= 4 && lines.length <= 40);
  const twins = sales.filter(([, lines]) => lines.some((line, i) => line === lines[i + 1]));
  const chosen = twins.slice(0, Math.max(10, count / 2));
  const others = sales.filter((sale) => !chosen.includes(sale));
  return new Map([...chosen, ...others.slice(0, Math.max(0, count - chosen.length))]);
}

function madeInvoices(count: number, seed: number): Invoices {
  const sales = makeSales({ seed, count: count * 2, most: 9 }).filter(
    ({ lines }) => lines.length >= 3 && lines[0]!.price > 0,
  );
  return new Map(
    sales.slice(0, count).map((sale, n) => {
      const lines = records([sale])
        .trimEnd()
        .split('\n')
        .map((line) => `${line}\n`);
      const at = n % lines.length;
      return [sale.invoice, n % 2 ? lines : [...lines.slice(0, at), lines[at]!, ...lines.slice(at)]];
    }),
  );
}
