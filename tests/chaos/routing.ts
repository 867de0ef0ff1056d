import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Look } from '../../src/core/flow.ts';
import { sha256 } from '../../src/core/seal.ts';
import { openTestCluster } from '../support/cluster.ts';
import { idle, type NativeNote, noteHub, send, testLedger } from '../support/hub.ts';
import { Target } from '../support/target.ts';
import { quitPostgresUnder, type Report } from './world.ts';

interface Memory {
  readonly last: number;
  readonly chain: string;
}

const next = (chain: string, n: number): string => sha256(`${chain} ${n}`).toString('hex');

/**
 * Events of many subjects come in to two hubs on one database, which both route and deliver them at once. Each event finds exactly its predecessors
 * routed, and what reached the target in the end is made of all of them in their order.
 */
export async function routing({ subjects, each }: { subjects: number; each: number }): Promise<Report> {
  const home = mkdtempSync(join(tmpdir(), 'crossdock-chaos-'));
  const quit = () => quitPostgresUnder(home);
  process.on('exit', quit);
  const cluster = await openTestCluster(home);
  process.env.CROSSDOCK_TEST_URL = cluster.url;
  const open: (() => Promise<void>)[] = [() => cluster.stop()];
  try {
    const ledger = await testLedger();
    open.push(() => ledger.db.close());
    let misrouted = 0;
    // The flow remembers what it routed of a subject, in the transaction that routes: each event must find exactly its predecessors there.
    const translate = (native: NativeNote, look: Look<Memory>) => {
      const before = look.memory ?? { last: 0, chain: '' };
      if (native.n !== before.last + 1) misrouted += 1;
      const memory = { last: native.n, chain: next(before.chain, native.n) };
      const body = { id: native.id, n: native.n, text: memory.chain, needs: [] };
      return { outcome: 'routed' as const, documents: [{ kind: 'note' as const, body }], memory };
    };
    const target = new Target();
    const texts = new Map<string, string>();
    const sink = target.sink({
      answer: (items) => {
        for (const { key, document } of items) texts.set(key, document.text);
        return target.commit(items);
      },
    });
    const hubs = [1, 2].map((seed) => noteHub(ledger, sink, { seed, flow: { translate } }));
    for (const hub of hubs) {
      await hub.start();
      open.push(() => hub.stop());
    }
    const started = performance.now();
    await Promise.all(
      Array.from({ length: subjects }, async (_, subject) => {
        for (let n = 1; n <= each; n++) await send(hubs[(subject + n) % 2]!, { id: `s${subject}`, n });
      }),
    );
    const received = performance.now();
    await idle(hubs[0]!, 300);
    const finished = performance.now();
    const shared = await ledger.db.query<{ holders: number }>(
      'holders',
      'select count(distinct node)::int as holders from attempt',
    );

    const whole = Array.from({ length: each }, (_, place) => place + 1).reduce(next, '');
    const keys = Array.from({ length: subjects }, (_, subject) => `s${subject}`);
    const broken = keys.filter((key) => texts.get(key) !== whole);
    const verdict = target.verdict(new Map(keys.map((key) => [key, each])));
    const problems = [
      ...(misrouted > 0 ? [`${misrouted} events were routed out of order`] : []),
      ...(broken.length > 0 ? [`${broken.length} subjects arrived with another chain of events`] : []),
      ...Object.entries(verdict).flatMap(([what, wrong]) =>
        wrong.length > 0 ? [`${wrong.length} ${what}: ${wrong.slice(0, 5)}`] : [],
      ),
      ...(shared[0]!.holders < 2 ? ['only one hub was at work'] : []),
    ];
    return {
      figures: {
        events: subjects * each,
        subjects,
        'hubs that delivered': shared[0]!.holders,
        'seconds to take them in': Math.round((received - started) / 100) / 10,
        'seconds until all were delivered': Math.round((finished - started) / 100) / 10,
        'versions that reached the target': target.effects.length,
        'routed out of order': misrouted,
        'subjects whose chain is not whole': broken.length,
        'arrived out of order': verdict.outOfOrder.length,
        lost: verdict.lost.length,
        doubled: verdict.doubled.length,
      },
      problems,
    };
  } finally {
    for (const close of open.reverse()) await close();
    process.off('exit', quit);
    rmSync(home, { recursive: true, force: true });
  }
}
