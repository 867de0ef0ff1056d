import { type Served, type ServedApart, serveApart } from '../support/apart.ts';
import { signed } from '../support/webhook.ts';
import { attack, type Verdict } from './attack.ts';

export interface Siege {
  verdict: Verdict;
  seconds: number;
  /** Megabytes, the server's process: before, at its most, and the difference. */
  rss: { before: number; most: number; growth: number };
  /** Megabytes more in use after than before, garbage not counted. */
  held: number;
  healthy: { sent: number; p50: number; p99: number };
  /** What went wrong, in words; empty when all went well. */
  faults: string[];
}

const MOST_GROWTH_MB = 50;
const MOST_HELD_MB = 15;
/** Node takes memory from the system as it goes and gives none back: only after so many requests it has what it needs, and growth says something. */
const WARM = 12_000;
const mb = (bytes: number): number => Math.round(bytes / 1024 / 1024);

/** One healthy sender and one health check after the other, until told to stop. */
function healthyTraffic(port: number, name: string) {
  const times: number[] = [];
  const failed: string[] = [];
  const state = { stopped: false, sent: 0 };
  const run = async (): Promise<void> => {
    while (!state.stopped) {
      const body = JSON.stringify({ id: `${name}-${state.sent++}`, n: 1 });
      const started = performance.now();
      try {
        const answer = await fetch(`http://127.0.0.1:${port}/in/from/notes`, {
          method: 'POST',
          body,
          headers: signed(body),
          signal: AbortSignal.timeout(10_000),
        });
        if (answer.status !== 202) failed.push(`a healthy request was answered ${answer.status}`);
        await answer.arrayBuffer();
        times.push(performance.now() - started);
        const health = await fetch(`http://127.0.0.1:${port}/healthz`, { signal: AbortSignal.timeout(10_000) });
        if (health.status !== 200) failed.push(`health was answered ${health.status}`);
        await health.arrayBuffer();
      } catch (error) {
        failed.push(`a healthy request failed: ${(error as Error).cause ?? error}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  const running = run();
  return {
    stop: async () => {
      state.stopped = true;
      await running;
      times.sort((a, b) => a - b);
      const at = (share: number): number => Math.round(times[Math.floor(times.length * share)] ?? 0);
      return { sent: state.sent, p50: at(0.5), p99: at(0.99), failed };
    },
  };
}

async function mostMemory(server: ServedApart, until: Promise<unknown>): Promise<number> {
  let most = 0;
  let over = false;
  const end = until.then(
    () => {
      over = true;
    },
    () => {
      over = true;
    },
  );
  while (!over) {
    most = Math.max(most, await server.ask('rss'));
    await Promise.race([end, new Promise((resolve) => setTimeout(resolve, 200))]);
  }
  return most;
}

/** A server, hostile requests and healthy ones at the same time. A smaller attack goes first, so that growth is growth and not the first use of memory. */
export async function siege({
  requests,
  seed,
  served = 'hub',
}: {
  requests: number;
  seed: number;
  served?: Served;
}): Promise<Siege> {
  const server = await serveApart(served);
  try {
    const warm = healthyTraffic(server.port, 'early');
    await attack({ port: server.port, count: Math.min(WARM, requests), seed: seed + 1, concurrency: 50 });
    await warm.stop();
    const heldBefore = await server.ask('held');
    const before = await server.ask('rss');
    const storedBefore = await server.ask('stored');
    const started = performance.now();
    const healthy = healthyTraffic(server.port, 'healthy');
    const attacking = attack({ port: server.port, count: requests, seed, concurrency: 50 });
    const most = await mostMemory(server, attacking);
    const verdict = await attacking;
    const seconds = (performance.now() - started) / 1000;
    const { failed, ...traffic } = await healthy.stop();
    const stored = (await server.ask('stored')) - storedBefore;
    const growth = mb(most) - mb(before);
    const held = mb((await server.ask('held')) - heldBefore);
    const faults = [...new Set([...verdict.wrong, ...failed])];
    if (held >= MOST_HELD_MB) faults.push(`${held} MB more are in use`);
    if (requests >= WARM && growth >= MOST_GROWTH_MB) faults.push(`memory grew by ${growth} MB`);
    if (stored > traffic.sent) faults.push(`${stored} stored of ${traffic.sent} healthy requests`);
    if (traffic.sent < 10) faults.push(`only ${traffic.sent} healthy requests were served`);
    return { verdict, seconds, held, rss: { before: mb(before), most: mb(most), growth }, healthy: traffic, faults };
  } finally {
    await server.stop();
  }
}

export function describeSiege({ verdict, seconds, rss, held, healthy, faults }: Siege): string {
  const lines = Object.entries(verdict.ends).map(
    ([kind, ends]) =>
      `  ${kind.padEnd(22)} ${Object.entries(ends)
        .map(([end, count]) => `${end}: ${count}`)
        .join('   ')}`,
  );
  return [
    ...lines,
    `${seconds.toFixed(0)} s; memory ${rss.before} MB before, ${rss.most} MB at most: + ${rss.growth} MB; in use: + ${held} MB`,
    `${healthy.sent} healthy requests meanwhile, p50 ${healthy.p50} ms, p99 ${healthy.p99} ms`,
    ...(faults.length > 0 ? ['wrong:', ...faults.map((fault) => `  ${fault}`)] : ['nothing wrong']),
  ].join('\n');
}
