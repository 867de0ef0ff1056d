import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

export interface ServedApart {
  readonly port: number;
  ask(question: 'stored' | 'cpu' | 'rss' | 'held'): Promise<number>;
  stop(): Promise<void>;
}

/** The numbers are connections to PostgreSQL. */
export type Served = 'hub' | 'leaking' | 'floor' | 'bare10' | 'bare50' | 'leanest';

/** Starts the hub's server, or one of the bare ones it is compared with, in a process of its own on a ledger of its own. */
export async function serveApart(kind: Served): Promise<ServedApart> {
  const child = fork(join(import.meta.dirname, 'intake-server.ts'), [kind], {
    execArgv: [...process.execArgv, '--expose-gc'],
  });
  const heard = async (): Promise<number> => ((await once(child, 'message')) as [number])[0];
  const port = await heard();
  return {
    port,
    ask: (question) => {
      child.send(question);
      return heard();
    },
    stop: async () => {
      child.send('stop');
      await once(child, 'exit');
    },
  };
}
