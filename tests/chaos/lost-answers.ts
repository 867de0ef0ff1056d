import { seeded } from '../../src/core/clock.ts';
import { verifyDaySales } from '../../src/simulators/verify.ts';
import { drop, HEADER, line, makeSales, records, type Sale } from './sales.ts';
import { OrderLoads, ordersIn, pause, type Report, until, World } from './world.ts';

const LATE_MS = 20_000;
const TIMEOUT_MS = 3000;
const SALES_PER_FILE = 2;
const FILES_PER_WAVE = 50;

interface Wave {
  readonly sales: readonly Sale[];
  readonly files: readonly { name: string; text: string }[];
  /** What comes later: files that add lines to the last invoice of each file. */
  readonly additions: readonly { name: string; text: string; sale: Sale }[];
}

/**
 * Orders whose answers are lost after the commit, or that are committed long after the client gave up, while newer versions of some of them
 * arrive: in the end every order is there once, whole, in its newest version, and no older version ever came after a newer one.
 */
export async function lostAnswers({ orders, seed }: { orders: number; seed: number }): Promise<Report> {
  const world = await World.open({ CHAOS_TIMEOUT: `${TIMEOUT_MS / 1000}s`, CHAOS_SETTLE: '30s', CHAOS_ORDERS: '5' });
  try {
    const waves = makeWaves(orders, seed);
    await world.faults([
      // The connection stays silent until the client gives up, or breaks at once: the commit is 20 s after that.
      {
        kind: 'commit-late',
        model: 'sale.order',
        method: 'load',
        probability: 0.05,
        ms: LATE_MS + TIMEOUT_MS,
        socket: 'silent',
        seed,
      },
      { kind: 'commit-late', model: 'sale.order', method: 'load', probability: 0.05, ms: LATE_MS, seed: seed + 1 },
      { kind: 'cut-after-commit', model: 'sale.order', method: 'load', probability: 0.35, seed: seed + 2 },
    ]);
    const loads = new OrderLoads(world);
    const dropped = new Map<string, number>();
    const hub = world.hub();
    for (const wave of waves) {
      for (const { name, text } of wave.files) drop(world.inbox, name, text);
      const wanted = wave.sales.filter(({ lines }) => lines[0]!.price > 0);
      await until('half of a wave has landed', 300, async () => {
        if (hub.over) throw new Error(`the hub ended: ${(await hub.ended).stderr}`);
        await loads.refresh();
        const landed = loads.landed();
        return wanted.filter(({ invoice }) => landed.has(invoice)).length >= wanted.length / 2;
      });
      for (const { name, text, sale } of wave.additions) {
        drop(world.inbox, name, text);
        dropped.set(sale.invoice, Date.now());
      }
    }
    await pause(3000);
    hub.signal('SIGTERM');
    const first = await hub.ended;
    const last = await world.hub({ untilIdle: true }).ended;
    const problems: string[] = [];
    if (first.code !== 0) problems.push(`the first hub ended with ${first.code}: ${first.stderr}`);
    if (last.code !== 0) problems.push(`the last hub ended with ${last.code}: ${last.stderr}`);
    await until('every late commit is over', 60, async () =>
      (await loads.refresh()).every(({ outcome }) => outcome !== 'not run'),
    );
    return await judge(world, waves, loads, dropped, problems);
  } finally {
    await world.close();
  }
}

function makeWaves(orders: number, seed: number): Wave[] {
  const random = seeded(seed);
  // Write-offs make no order: sales are made until there are as many orders as wanted.
  const made = makeSales({ seed, count: orders * 2, most: 4 });
  const sales: Sale[] = [];
  for (let count = 0; count < orders; ) {
    const sale = made[sales.length]!;
    if (sale.lines[0]!.price > 0) count += 1;
    sales.push(sale);
  }
  const waves: Wave[] = [];
  for (let from = 0; from < sales.length; from += SALES_PER_FILE * FILES_PER_WAVE) {
    const own = sales.slice(from, from + SALES_PER_FILE * FILES_PER_WAVE);
    const files: { name: string; text: string }[] = [];
    const additions: { name: string; text: string; sale: Sale }[] = [];
    const final: Sale[] = [];
    for (let at = 0; at < own.length; at += SALES_PER_FILE) {
      const inFile = own.slice(at, at + SALES_PER_FILE);
      const number = String(from + at).padStart(6, '0');
      const text = HEADER + records(inFile);
      files.push({ name: `till-${number}.csv`, text });
      const sale = inFile.at(-1)!;
      const grows = sale.lines[0]!.price > 0;
      if (!grows) {
        final.push(...inFile);
        continue;
      }
      const more = [line(random, sale.lines)];
      more.push(line(random, [...sale.lines, ...more]));
      const grown = { ...sale, lines: [...sale.lines, ...more] };
      final.push(...inFile.slice(0, -1), grown);
      // By turns the rest of a file that was cut, and the file again with more at its end.
      const rest = records([{ ...sale, lines: more }]);
      const again = at % (2 * SALES_PER_FILE) === 0;
      additions.push({ name: `till-${number}-more.csv`, text: again ? text + rest : rest, sale: grown });
    }
    waves.push({ sales: final, files, additions });
  }
  return waves;
}

async function judge(
  world: World,
  waves: readonly Wave[],
  loads: OrderLoads,
  dropped: ReadonlyMap<string, number>,
  problems: string[],
): Promise<Report> {
  const sold = waves.flatMap(({ sales }) => sales);
  const wanted = sold.filter(({ lines }) => lines[0]!.price > 0);
  const ledger = await world.ledger();
  const exceptions = await world.exceptions();
  const { lost, duplicated, outOfOrder, wrong } = verifyDaySales(sold, ledger, []);
  problems.push(...wrong);
  if (exceptions.length > 0)
    problems.push(`${exceptions.length} Exceptions: ${exceptions[0]!.cause}: ${exceptions[0]!.message}`);
  const confirmed = ledger.sale_orders.filter(({ state }) => state === 'sale').length;
  if (ledger.sale_orders.length !== wanted.length || confirmed !== wanted.length)
    problems.push(`${ledger.sale_orders.length} orders, ${confirmed} confirmed, instead of ${wanted.length}`);

  const struck = (kind: string) => {
    const calls = loads.all().filter(({ fault }) => fault === kind);
    return { calls: calls.length, orders: new Set(calls.flatMap((call) => [...ordersIn(call).keys()])).size };
  };
  const cut = struck('cut-after-commit');
  const late = struck('commit-late');
  if (cut.orders < wanted.length * 0.2) problems.push(`only ${cut.orders} orders had their answer cut`);
  if (late.orders < wanted.length * 0.05) problems.push(`only ${late.orders} orders were committed late`);

  const order = laneOrder(loads, dropped);
  problems.push(...order.problems);
  if (order.overtaken === 0) problems.push('no late commit was outstanding while a newer version waited');
  return {
    figures: {
      orders: confirmed,
      lines: ledger.sale_orders.reduce((sum, { lines }) => sum + lines.length, 0),
      'second versions': dropped.size,
      'load calls': loads.all().length,
      'answers cut after commit': `${cut.calls} calls, ${cut.orders} orders`,
      'committed late': `${late.calls} calls, ${late.orders} orders`,
      'late commits of a first version while the second waited': order.overtaken,
      lost,
      duplicated,
      'out of order': outOfOrder + order.problems.length,
      exceptions: exceptions.length,
    },
    problems,
  };
}

/** In the order of commits, the versions of one order only ever grow. */
function laneOrder(loads: OrderLoads, dropped: ReadonlyMap<string, number>): { problems: string[]; overtaken: number } {
  const problems: string[] = [];
  const versions = new Map<string, number>();
  let overtaken = 0;
  const committed = loads.all().filter(({ commit, outcome }) => commit !== null && outcome === 'ok');
  for (const call of [...committed].sort((a, b) => a.commit! - b.commit!))
    for (const [invoice, line] of ordersIn(call)) {
      const before = versions.get(invoice) ?? 0;
      if (line < before)
        problems.push(`${invoice}: the version up to line ${line} came after line ${before} (call ${call.sequence})`);
      versions.set(invoice, Math.max(before, line));
      const came = dropped.get(invoice);
      if (
        call.fault === 'commit-late' &&
        came !== undefined &&
        came > Date.parse(call.received) &&
        came < Date.parse(call.committed!)
      )
        overtaken += 1;
    }
  return { problems, overtaken };
}
