import type { TestContext } from 'node:test';
import { seeded, systemClock } from '../../src/core/clock.ts';
import { Hub } from '../../src/engine/hub.ts';
import type { Parts } from '../../src/engine/parts.ts';
import { idle, silent } from './hub.ts';

/** A hub of an estate goes live on what was adopted, and works until nothing is left to do. */
export async function goLive(
  t: TestContext,
  { estate, db, vault, secret }: Pick<Parts, 'estate' | 'db' | 'vault' | 'secret'>,
): Promise<void> {
  const hub = new Hub({
    ...{ estate, db, vault, secret, clock: systemClock, random: seeded(1), log: silent },
    terms: { pollSeconds: 0.1, retrySeconds: [0.05, 1], attempts: 10 },
  });
  await hub.start();
  t.after(() => hub.stop());
  await idle(hub);
}
