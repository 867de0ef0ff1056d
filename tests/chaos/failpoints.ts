// Preloaded into a hub (node --import): ends the process (SIGKILL) at a named moment. CHAOS_FAILPOINT is `NAME:COUNT`, the COUNTth time that the
// moment named NAME comes; CHAOS_SKEW is a number of milliseconds by which this process's wall clock is wrong.
// A moment is a place in a transaction that is known by one of its statements, or in a call to a target.
import http from 'node:http';
import { syncBuiltinESMExports } from 'node:module';
import pg from 'pg';

const [wanted, count = '1'] = (process.env.CHAOS_FAILPOINT ?? '').split(':');
let left = Number(count);

function at(moment: string): void {
  if (moment !== wanted || --left > 0) return;
  process.kill(process.pid, 'SIGKILL');
  // SIGKILL needs a moment of its own: nothing more may happen meanwhile.
  for (;;);
}

/** What a transaction does, by a statement that only it makes. */
const transactions: Readonly<Record<string, string>> = {
  events_append: 'intake',
  events_finish: 'route',
  deliveries_claim: 'claim',
  lanes_lock_own: 'settle',
  lanes_reap: 'reap',
};

interface Asked {
  readonly name?: string;
}
type Query = (this: pg.Client, ...given: unknown[]) => unknown;
const doing = new WeakMap<pg.Client, string>();
const open = new WeakSet<pg.Client>();
const query = pg.Client.prototype.query as unknown as Query;
pg.Client.prototype.query = function (this: pg.Client, ...given: unknown[]) {
  const [asked] = given as [string | Asked];
  if (typeof asked === 'object') {
    const what = transactions[asked.name ?? ''];
    // A statement by itself is a transaction of its own.
    if (what !== undefined && !open.has(this)) return committing(this, given, what);
    if (what !== undefined) doing.set(this, what);
    return query.apply(this, given);
  }
  const what = doing.get(this);
  if (/^(begin|rollback)/.test(asked)) doing.delete(this);
  if (asked.startsWith('begin')) open.add(this);
  else if (/^(commit|rollback)/.test(asked)) open.delete(this);
  if (asked !== 'commit' || what === undefined) return query.apply(this, given);
  doing.delete(this);
  return committing(this, given, what);
} as typeof pg.Client.prototype.query;

function committing(client: pg.Client, given: unknown[], what: string): unknown {
  at(`before commit of ${what}`);
  const answer = query.apply(client, given) as Promise<unknown>;
  return answer.then((result) => {
    at(`after commit of ${what}`);
    return result;
  });
}

const request = http.request as (...given: unknown[]) => http.ClientRequest;
http.request = ((...given: Parameters<typeof http.request>) => {
  const made = request(...given);
  at('before a call');
  made.once('finish', () => at('when a call was sent'));
  made.once('response', () => at('when a call is answered'));
  return made;
}) as typeof http.request;
syncBuiltinESMExports();

const skew = Number(process.env.CHAOS_SKEW ?? 0);
if (skew !== 0) {
  const True = globalThis.Date;
  globalThis.Date = class extends True {
    constructor(...given: [] | [string | number | Date]) {
      if (given.length === 0) super(True.now() + skew);
      else super(...(given as [string]));
    }
    static override now(): number {
      return True.now() + skew;
    }
  } as DateConstructor;
}
