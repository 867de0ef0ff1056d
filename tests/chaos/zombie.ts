import { randomBytes } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { seeded } from '../../src/core/clock.ts';
import { Database } from '../../src/ledger/database.ts';
import { openEmbeddedPostgres } from '../../src/ledger/embedded/index.ts';
import { verifyDaySales } from '../../src/simulators/verify.ts';
import { drop, HEADER, makeSales, records, type Sale } from './sales.ts';
import { type HubProcess, type OdooCall, OrderLoads, pause, type Report, until, World } from './world.ts';

const LEASE_SECONDS = 3;
const SALES_PER_FILE = 60;
const writing = new Set(['load', 'create', 'write', 'button_validate', 'action_confirm']);

interface Node {
  readonly hub: HubProcess;
  /** As it signs its calls. */
  readonly name: string;
  readonly flag: string;
}

/** From the first write of the other until that one was stopped in its turn, nothing of the zombie may arrive. */
interface Reign {
  readonly zombie: string;
  readonly from: number;
  until: number;
}

/**
 * Two hubs on one database, one stopped (SIGSTOP) while it delivers, taken over, and continued: by turns at a random moment and in the last
 * moment before a request is sent. Nothing that the zombie writes reaches the target after the other's first write.
 */
export async function zombie({ rounds, seed }: { rounds: number; seed: number }): Promise<Report> {
  const world = await World.open({
    CHAOS_ORDERS: '2',
    CHAOS_SETTLE: '5s',
    CHAOS_TIMEOUT: '10s',
    CROSSDOCK_LEASE_SECONDS: String(LEASE_SECONDS),
    CROSSDOCK_KEY: randomBytes(32).toString('base64'),
  });
  const postgres = await openEmbeddedPostgres({ home: join(world.folder, 'database') }).catch(async (error) => {
    await world.close();
    throw error;
  });
  const db = Database.open(postgres.url, { size: 2 });
  try {
    return await haunt(world, postgres.url, db, rounds, seed);
  } finally {
    await world.stopAll();
    await db.close();
    await postgres.stop();
    await world.close();
  }
}

async function haunt(world: World, url: string, db: Database, rounds: number, seed: number): Promise<Report> {
  const random = seeded(seed);
  const problems: string[] = [];
  const loads = new OrderLoads(world);
  const sales: Sale[] = [];
  const feed = async (): Promise<void> => {
    await loads.refresh();
    if (sales.length - loads.landed().size > SALES_PER_FILE * 1.5) return;
    const more = makeSales({
      seed: seed + sales.length,
      count: SALES_PER_FILE,
      most: 3,
      first: 700_001 + sales.length,
    });
    drop(world.inbox, `till-${String(sales.length).padStart(6, '0')}.csv`, HEADER + records(more));
    sales.push(...more);
  };
  const env = { DATABASE_URL: url };
  const start = (n: number) => {
    const flag = join(world.folder, `stop-${n}`);
    const preload = pathToFileURL(join(import.meta.dirname, 'stop-before-send.ts')).href;
    return { flag, hub: world.hub({ env: { ...env, CHAOS_STOP_FILE: flag }, flags: ['--import', preload] }) };
  };
  const started = [start(1), start(2)];
  await world.faults([{ kind: 'latency', model: 'sale.order', method: 'load', ms: 120 }]);
  await feed();
  const nodes: Node[] = [];
  await until('both hubs are known to the ledger', 60, async () => {
    for (const { hub } of started) if (hub.over) throw new Error(`a hub ended: ${(await hub.ended).stderr}`);
    const rows = await db
      .query<{ id: string; pid: number }>('nodes', `select id, (about->>'pid')::int as pid from node`)
      .catch(() => []);
    nodes.length = 0;
    for (const one of started) {
      const row = rows.find(({ pid }) => pid === one.hub.pid);
      if (row) nodes.push({ ...one, name: row.id });
    }
    return nodes.length === 2;
  });

  const writes = async (): Promise<OdooCall[]> => (await world.calls()).filter(({ method }) => writing.has(method));
  const reigns: Reign[] = [];
  const counts = { random: 0, 'before a send': 0 };
  for (let round = 0; round < rounds; round++) {
    await feed();
    const asked = Date.now();
    let last: OdooCall | undefined;
    await until('somebody writes', 60, async () => {
      await feed();
      last = (await writes()).at(-1);
      return last !== undefined && Date.parse(last.received) > asked;
    });
    const victim = nodes.find(({ name }) => name === last!.node)!;
    const other = nodes.find((node) => node !== victim)!;
    const atSend = round % 2 === 1;
    const current = reigns.at(-1);
    await pause(random() * 800);
    if (current) current.until = Date.now();
    if (atSend) {
      writeFileSync(victim.flag, '');
      await until('the hub has stopped before a send', 30, () => !existsSync(victim.flag));
      counts['before a send'] += 1;
    } else {
      victim.hub.signal('SIGSTOP');
      counts.random += 1;
    }
    const stopped = Date.now();
    const reign: Reign = { zombie: victim.name, from: 0, until: Number.POSITIVE_INFINITY };
    await until('the other hub writes', 60, async () => {
      await feed();
      const first = (await writes()).find(
        ({ node, received }) => node === other.name && Date.parse(received) > stopped,
      );
      if (first) Object.assign(reign, { from: Date.parse(first.received) });
      return first !== undefined;
    });
    reigns.push(reign);
    await pause(random() * 1500);
    victim.hub.signal('SIGCONT');
    await pause(1500 + random() * 1500);
  }

  await world.faults([]);
  await until('everything has landed', 180, async () => {
    await loads.refresh();
    const landed = loads.landed();
    return sales.every(({ invoice, lines }) => lines[0]!.price === 0 || landed.has(invoice));
  });
  const log = await writes();
  const late = reigns.flatMap(({ zombie, from, until }) =>
    log.filter(({ node, received }) => node === zombie && Date.parse(received) >= from && Date.parse(received) < until),
  );
  for (const { sequence, received, node, method, model } of late)
    problems.push(`call ${sequence}, ${received}: ${model}.${method} of the zombie ${node}`);
  for (const { hub } of nodes) hub.signal('SIGTERM');
  for (const { hub } of nodes) {
    const { code, stderr } = await hub.ended;
    if (code !== 0) problems.push(`a hub ended with ${code}: ${stderr}`);
  }
  const end = await world.hub({ untilIdle: true, env }).ended;
  if (end.code !== 0) problems.push(`the last hub ended with ${end.code}: ${end.stderr}`);
  const ledger = await world.ledger();
  const { lost, duplicated, outOfOrder, wrong } = verifyDaySales(sales, ledger);
  problems.push(...wrong);
  return {
    figures: {
      'take-overs': reigns.length,
      'stopped at a random moment': counts.random,
      'stopped in the moment before a send': counts['before a send'],
      'writes of zombies after the take-over': late.length,
      'writes in all': log.length,
      orders: ledger.sale_orders.length,
      lost,
      duplicated,
      'out of order': outOfOrder,
    },
    problems,
  };
}
