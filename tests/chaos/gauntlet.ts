import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Random, seeded } from '../../src/core/clock.ts';
import { signedHeaders } from '../../src/core/standard-webhooks.ts';
import { TcpProxy, type Weather } from '../support/tcp-proxy.ts';
import type { Told } from './gauntlet-estate.ts';
import { calm, type Mishaps, Receiver } from './receiver.ts';
import { Ground, type HubProcess, pause, type Report, until } from './world.ts';

const SECRET = `whsec_${Buffer.alloc(32, 5).toString('base64')}`;
const SENDERS = 80;
/** Half of what the engine lets a sender's clock be wrong. */
const MOST_SKEW_MS = 150_000;

/** Moments at which a hub is made to die, and how often a moment comes before that. */
const moments: readonly [string, number][] = [
  ['before commit of intake', 60],
  ['after commit of intake', 60],
  ['before commit of route', 20],
  ['after commit of route', 20],
  ['before commit of claim', 8],
  ['after commit of claim', 8],
  ['before a call', 8],
  ['when a call was sent', 8],
  ['when a call is answered', 8],
  ['before commit of settle', 8],
  ['after commit of settle', 8],
];

export interface GauntletOptions {
  readonly seed: number;
  readonly minutes: number;
  /** Subjects of notes, each with as many versions as there is time for. */
  readonly subjects: number;
  /** Goes on beyond its minutes until so many hubs have died at a named moment; 0 when absent. */
  readonly atMoments?: number;
}

/**
 * Everything at once: signed events over a bad line to a hub that is killed at named moments and at random, as is its PostgreSQL, whose clock is
 * wrong, and whose target answers late, never, twice or not at all. In the end what the sender recorded as acknowledged is in the target's own
 * record once and in order, or is an Exception.
 */
export async function gauntlet(options: GauntletOptions): Promise<Report> {
  const random = seeded(options.seed);
  const receiver = await Receiver.open(seeded(options.seed + 1));
  const outward = await TcpProxy.open(receiver.port);
  const port = await freePort();
  const inward = await TcpProxy.open(port);
  const ground = new Ground('gauntlet-estate.ts', {
    GAUNTLET_TARGET: `http://127.0.0.1:${outward.port}`,
    GAUNTLET_SECRET: SECRET,
    CROSSDOCK_PORT: String(port),
    CROSSDOCK_LEASE_SECONDS: '3',
  });
  const sender = new Sender(inward.port, seeded(options.seed + 2), options.subjects);
  try {
    return await runTheGauntlet({ ground, receiver, outward, inward, sender, random, options });
  } finally {
    sender.stop();
    await ground.close();
    await inward.close();
    await outward.close();
    await receiver.close();
  }
}

async function runTheGauntlet(all: {
  ground: Ground;
  receiver: Receiver;
  outward: TcpProxy;
  inward: TcpProxy;
  sender: Sender;
  random: Random;
  options: GauntletOptions;
}): Promise<Report> {
  const { ground, receiver, outward, inward, sender, random, options } = all;
  const problems: string[] = [];
  const kills = { 'at a moment': 0, 'of the hub at random': 0, 'of PostgreSQL': 0 };
  const hit = new Map<string, number>();
  const end = Date.now() + options.minutes * 60_000;
  const preload = pathToFileURL(join(import.meta.dirname, 'failpoints.ts')).href;
  let hub: HubProcess;
  const start = (moment: string | null): void => {
    hub = ground.hub({
      flags: ['--import', preload],
      env: {
        CHAOS_SKEW: String(Math.round((random() * 2 - 1) * MOST_SKEW_MS)),
        ...(moment === null ? {} : { CHAOS_FAILPOINT: moment }),
      },
    });
  };
  const weather = changeWeather(inward, outward, receiver, random);
  const sending = sender.run();
  // Hubs that cannot even start die at no moment.
  const atLast = end + 300_000;
  const isOver = (): boolean => Date.now() >= end && kills['at a moment'] >= (options.atMoments ?? 0);
  for (let n = 0; !isOver() && Date.now() < atLast; n++) {
    const [moment, most] = moments[n % moments.length]!;
    const dice = random();
    const armed = dice < 0.55;
    start(armed ? `${moment}:${1 + Math.floor(random() * most)}` : null);
    const before = sender.acknowledged.size;
    // A hub that does nothing dies of nothing: each has some time to work before it is killed anyhow.
    const started = Date.now();
    while (!hub!.over && Date.now() - started < 20_000 && sender.acknowledged.size === before) await pause(50);
    const patience = Date.now() + (armed ? 5000 : 500 + random() * 3000);
    const strike = dice > 0.7 ? Date.now() + random() * 1500 : Number.POSITIVE_INFINITY;
    for (let struck = false; !hub!.over && Date.now() < patience; ) {
      await pause(50);
      const pid = !struck && Date.now() >= strike ? ground.postgresPid() : null;
      if (pid === null) continue;
      process.kill(pid, 'SIGKILL');
      kills['of PostgreSQL'] += 1;
      struck = true;
    }
    if (hub!.over) {
      const { code, signal, stderr } = await hub!.ended;
      if (signal === 'SIGKILL' && armed) {
        kills['at a moment'] += 1;
        hit.set(moment, (hit.get(moment) ?? 0) + 1);
      } else if (!/LEDGER_AWAY|EMBEDDED_POSTGRES/.test(stderr))
        problems.push(`hub ${n} ended by itself with ${code ?? signal}: ${stderr.slice(-1500)}`);
    } else {
      hub!.signal('SIGKILL');
      await hub!.ended;
      kills['of the hub at random'] += 1;
    }
  }
  weather.stop();
  inward.weather = { kind: 'clear' };
  outward.weather = { kind: 'clear' };
  receiver.mishaps = calm;
  hub = ground.hub();
  sender.finish();
  await sending;
  await until('late effects are over', 30, () => receiver.pending === 0);
  hub.signal('SIGTERM');
  const stopped = await hub.ended;
  if (stopped.code !== 0)
    problems.push(`the hub ended with ${stopped.code ?? stopped.signal}: ${stopped.stderr.slice(-1500)}`);
  const decided = await decideAll(ground, problems);
  const verdict = judge(sender, receiver);
  if (receiver.early > 0) problems.push(`${receiver.early} calls by a hub that had been told to wait`);
  problems.push(...verdict.problems);
  const figures = verdict.figures;
  return {
    figures: {
      'minutes of it': options.minutes,
      'events acknowledged': sender.acknowledged.size,
      requests: sender.requests,
      'answers, and none': [...sender.answers].map(([status, count]) => `${status}: ${count}`).join(', '),
      ...Object.fromEntries(Object.entries(kills).map(([what, count]) => [`kills ${what}`, count])),
      'kills in all': Object.values(kills).reduce((a, b) => a + b, 0),
      'moments hit': [...hit].map(([moment, count]) => `${moment} ${count}`).join(', '),
      'calls at the target': receiver.calls,
      'calls before Retry-After was over': receiver.early,
      exceptions: [...decided].map(([cause, count]) => `${cause} ${count}`).join(', ') || 'none',
      ...figures,
    },
    problems,
  };
}

/** Notes that the target does not take, and those that no ledger can hold, are dismissed, everything else is retried, until nothing is left. Counts by cause. */
async function decideAll(ground: Ground, problems: string[]): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (let round = 0; round < 8; round++) {
    const idle = await ground.hub({ untilIdle: true }).ended;
    if (idle.code !== 0) {
      problems.push(`the last hub ended with ${idle.code ?? idle.signal}: ${idle.stderr.slice(-1500)}`);
      return counts;
    }
    const open = await ground.exceptions();
    if (open.length === 0) return counts;
    const ids = Map.groupBy(open as unknown as { id: string; cause: string }[], ({ cause }) => cause);
    for (const [cause, list] of ids) {
      counts.set(cause, (counts.get(cause) ?? 0) + list.length);
      const act = ['bad-note', 'flow-failed'].includes(cause) ? 'dismiss' : 'retry';
      for (let at = 0; at < list.length; at += 100) {
        const part = list.slice(at, at + 100).map(({ id }) => id);
        const estate = ['--config', join(import.meta.dirname, 'gauntlet-estate.ts')];
        const { code, stderr } = await ground.run(['exceptions', act, ...part, '--reason', 'it is over', ...estate])
          .ended;
        if (code !== 0) problems.push(`exceptions ${act} ended with ${code}: ${stderr.slice(-500)}`);
      }
    }
  }
  problems.push('Exceptions came again and again');
  return counts;
}

/** Compares what the sender recorded as acknowledged with what the target recorded as done. */
function judge(sender: Sender, receiver: Receiver): { figures: Record<string, string | number>; problems: string[] } {
  const problems: string[] = [...sender.wrong];
  const paid = Map.groupBy(receiver.payments, ({ key }) => key);
  const wanted = new Map<string, number>();
  const lost: string[] = [];
  const doubled: string[] = [];
  const outOfOrder: string[] = [];
  for (const key of sender.acknowledged) {
    const [kind, id, n] = key.split('/') as [string, string, string];
    if (kind === 'payment') {
      const count = paid.get(id)?.length ?? 0;
      if (count === 0) lost.push(key);
    } else wanted.set(id, Math.max(wanted.get(id) ?? 0, Number(n)));
  }
  for (const [key, payments] of paid) {
    if (payments.length > 1) doubled.push(`payment/${key} ${payments.length} times`);
    if (!sender.made.has(`payment/${key}/1`)) problems.push(`payment/${key} was never sent`);
  }
  const changes = Map.groupBy(receiver.changes, ({ key }) => key);
  for (const [id, n] of wanted) {
    const values = (changes.get(id) ?? []).map((change) => change.n);
    // What the target refused was dismissed; the versions before it may have given way to it.
    if (values.at(-1) !== n && n % 100 !== 13) lost.push(`note/${id}/${n}, the target has ${values.at(-1)}`);
    values.forEach((value, i) => {
      if (i > 0 && value < values[i - 1]!) outOfOrder.push(`note/${id}: ${values[i - 1]} then ${value}`);
      if (i > 0 && value === values[i - 1]) doubled.push(`note/${id}/${value}`);
    });
  }
  for (const [what, list] of Object.entries({ lost, doubled, 'out of order': outOfOrder }))
    problems.push(...list.slice(0, 10).map((one) => `${what}: ${one}`));
  return {
    figures: {
      'notes at the target': changes.size,
      'their changes': receiver.changes.length,
      'payments at the target': receiver.payments.length,
      lost: lost.length,
      doubled: doubled.length,
      'out of order': outOfOrder.length,
    },
    problems,
  };
}

/** Bad weather: a fifth of the time on the way in, two fifths on the way out and at the target. */
function changeWeather(inward: TcpProxy, outward: TcpProxy, receiver: Receiver, random: Random): { stop(): void } {
  let timer: NodeJS.Timeout;
  const pick = (kinds: number): Weather => {
    const dice = Math.floor(random() * kinds);
    if (dice === 0) return { kind: 'black hole' };
    if (dice === 1) return { kind: 'half-open' };
    if (dice === 2) return { kind: 'cut after' };
    if (dice === 3) return { kind: 'cut before', bytes: Math.floor(random() * 600) };
    if (dice === 4) return { kind: 'refused' };
    if (dice === 5) return { kind: 'latency', ms: Math.floor(random() * 300) };
    return { kind: 'clear' };
  };
  const moods: readonly Mishaps[] = [
    { ...calm, lost: 0.3 },
    { ...calm, late: 0.3 },
    { ...calm, storm: 0.7 },
    { ...calm, failing: 0.5 },
    { lost: 0.1, late: 0.05, storm: 0.05, failing: 0.05 },
  ];
  const change = (): void => {
    inward.weather = pick(30);
    outward.weather = pick(15);
    receiver.mishaps = random() < 0.6 ? calm : moods[Math.floor(random() * moods.length)]!;
    timer = setTimeout(change, 500 + random() * 1500);
  };
  change();
  return { stop: () => clearTimeout(timer) };
}

const keyOf = ({ kind, id, n }: Told): string => `${kind}/${id}/${n}`;

/** Sends events until each is acknowledged; keeps its own record of what was. */
class Sender {
  readonly made = new Set<string>();
  readonly acknowledged = new Set<string>();
  readonly answers = new Map<string, number>();
  /** Answers that must not be. */
  readonly wrong: string[] = [];
  requests = 0;
  readonly #port: number;
  readonly #random: Random;
  readonly #subjects: number;
  readonly #latest = new Map<string, number>();
  readonly #done: string[] = [];
  #payments = 0;
  #making = true;
  #stopped = false;

  constructor(port: number, random: Random, subjects: number) {
    this.#port = port;
    this.#random = random;
    this.#subjects = subjects;
  }

  async run(): Promise<void> {
    await Promise.all(Array.from({ length: SENDERS }, () => this.#work()));
  }

  /** Makes no new events, and ends when all are acknowledged. */
  finish(): void {
    this.#making = false;
  }

  stop(): void {
    this.#stopped = true;
  }

  async #work(): Promise<void> {
    while (this.#making && !this.#stopped) {
      const dice = this.#random();
      if (dice < 0.05 && this.#done.length > 0) await this.#repeat();
      else if (dice < 0.07) await this.#mischief();
      else await this.#deliver(this.#next());
    }
  }

  #next(): Told {
    if (this.#random() < 0.2) {
      this.#payments += 1;
      return { kind: 'payment', id: `p${this.#payments}`, n: 1 };
    }
    const id = `s${Math.floor(this.#random() * this.#subjects)}`;
    const n = (this.#latest.get(id) ?? 0) + 1;
    this.#latest.set(id, n);
    return { kind: 'note', id, n };
  }

  /** Sends again and again until it is acknowledged, as senders do. */
  async #deliver(told: Told): Promise<void> {
    this.made.add(keyOf(told));
    for (let tries = 0; !this.#stopped; tries++) {
      const status = await this.#post(Buffer.from(JSON.stringify(told)), { id: keyOf(told) });
      if (status === '202' || status === '200') {
        if (!this.acknowledged.has(keyOf(told))) this.#done.push(keyOf(told));
        this.acknowledged.add(keyOf(told));
        return;
      }
      if (/^4(?!08|29)/.test(status)) this.wrong.push(`${keyOf(told)} was refused with ${status}`);
      await pause(Math.min(1000, 50 * 2 ** tries) * (0.5 + this.#random()));
    }
  }

  /** What was acknowledged is known for good. */
  async #repeat(): Promise<void> {
    const key = this.#done[Math.floor(this.#random() * this.#done.length)]!;
    const [kind, id, n] = key.split('/') as [Told['kind'], string, string];
    const status = await this.#post(Buffer.from(JSON.stringify({ kind, id, n: Number(n) })), { id: key });
    if (status === '202') this.wrong.push(`${key} was taken twice`);
  }

  /** Requests that must never be acknowledged. */
  async #mischief(): Promise<void> {
    // What no ledger can hold may be taken, and is an Exception then; it must not spoil what shares its commit.
    if (this.#random() < 0.2)
      return void (await this.#post(Buffer.from('{"kind":"note","id":"x\\u0000y","n":1}'), { id: 'nul' }));
    const wild = [
      () => this.#post(Buffer.from('{"kind":"note","id":"x","n":'), { id: 'broken' }),
      () =>
        this.#post(Buffer.from('{"kind":"note","id":"forged","n":1}'), {
          id: 'forged',
          secret: `whsec_${Buffer.alloc(32, 6).toString('base64')}`,
        }),
      () => this.#post(Buffer.from('{"kind":"note","id":"old","n":1}'), { id: 'old', age: 3600 }),
      () => this.#post(Buffer.alloc(1_200_000, 32), { id: 'large' }),
    ];
    const status = await wild[Math.floor(this.#random() * wild.length)]!();
    if (/^2/.test(status)) this.wrong.push(`a request that is wrong was acknowledged with ${status}`);
  }

  async #post(
    body: Buffer,
    { id, secret = SECRET, age = 0 }: { id: string; secret?: string; age?: number },
  ): Promise<string> {
    this.requests += 1;
    const headers = signedHeaders(
      { id: id.replaceAll('/', '_'), timestamp: Math.floor(Date.now() / 1000) - age, body },
      [secret],
    );
    const status = await fetch(`http://127.0.0.1:${this.#port}/in/shop/told`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: new Uint8Array(body),
      signal: AbortSignal.timeout(3000),
    }).then(
      async (response) => {
        await response.arrayBuffer();
        return String(response.status);
      },
      () => 'none',
    );
    this.answers.set(status, (this.answers.get(status) ?? 0) + 1);
    return status;
  }
}

/** A port below those that the system gives away, which nobody uses at this moment. */
async function freePort(): Promise<number> {
  for (let port = 21_000 + (process.pid % 5000); ; port++) {
    const server = createServer();
    const free = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port === port));
    });
    await new Promise((resolve) => server.close(resolve));
    if (free) return port;
  }
}
