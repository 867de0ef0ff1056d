import { type Duration, milliseconds } from '../core/clock.ts';
import type { Retention } from '../core/estate.ts';
import { appendAudit } from '../ledger/audit.ts';
import type { Database, Sql } from '../ledger/database.ts';
import {
  auditCutAt,
  countExceptions,
  countExpectations,
  countMessages,
  countNumbers,
  countPartition,
  countPayloads,
  countSeen,
  countSubjects,
  cutAudit,
  historyTables,
  markPayloads,
  oldPartitions,
  removeAll,
  removeExceptions,
  removeExpectations,
  removeMessages,
  removeNumbers,
  removePartition,
  removePayloads,
  removeSeen,
  removeSubjects,
} from '../ledger/retention.ts';

const defaultRetention: Required<Retention> = { payload: '30d', history: '400d', seen: '400d', audit: '3650d' };

/** One thing that goes: rows of a class, or a month of a table. */
export interface Removal {
  readonly what: string;
  /** What is older than this goes. */
  readonly before: Date;
  readonly rows: number;
  /** Rows of a month that something open still refers to: they stay until nothing does. */
  readonly kept?: number;
}

type Cutoffs = Readonly<Record<keyof Retention, Date>>;

function cutoffs(retention: Retention, now: Date): Cutoffs {
  const before = (duration: Duration): Date => new Date(now.getTime() - milliseconds(duration));
  const terms = { ...defaultRetention, ...retention };
  return {
    payload: before(terms.payload),
    history: before(terms.history),
    seen: before(terms.seen),
    audit: before(terms.audit),
  };
}

/** Classes that go row by row, in order: what is personal goes first. */
const classes: readonly {
  what: string;
  term: keyof Retention;
  count(sql: Sql, before: Date): Promise<number>;
  remove(sql: Sql, before: Date, limit: number): Promise<number>;
}[] = [
  { what: 'raw records', term: 'payload', count: countPayloads, remove: removePayloads },
  { what: 'answers of targets', term: 'payload', count: countMessages, remove: removeMessages },
  { what: 'closed Exceptions', term: 'history', count: countExceptions, remove: removeExceptions },
  { what: 'answered expectations', term: 'history', count: countExpectations, remove: removeExpectations },
  { what: 'numbers given to partners', term: 'seen', count: countNumbers, remove: removeNumbers },
  { what: 'memory of subjects', term: 'seen', count: countSubjects, remove: removeSubjects },
  { what: 'dedupe keys', term: 'seen', count: countSeen, remove: removeSeen },
];

/** What `applyRetention` would remove now; changes nothing. */
export async function planRetention(db: Database, retention: Retention, now: Date): Promise<Removal[]> {
  const at = cutoffs(retention, now);
  return db.snapshot(async (sql) => {
    const plan: Removal[] = [];
    for (const { what, term, count } of classes)
      plan.push({ what, before: at[term], rows: await count(sql, at[term]) });
    for (const parent of historyTables)
      for (const partition of await oldPartitions(sql, parent, at.history)) {
        const { rows, needed } = await countPartition(sql, partition);
        plan.push({ what: partition.name, before: at.history, rows: rows - needed, kept: needed });
      }
    const months = await oldPartitions(sql, 'audit', at.audit);
    const until = months.at(-1)?.until;
    if (until)
      for (const month of months)
        plan.push({ what: month.name, before: until, rows: (await countPartition(sql, month)).rows });
    return plan;
  });
}

/**
 * Removes what is past its time, by `now`: rows of a class in small transactions, months by DROP. Never what still waits, is parked, or stands at an open
 * Exception, nor what such a row refers to. The figures keep what the rows said; each removal is audited in its transaction. Returns what went.
 */
export async function applyRetention(db: Database, retention: Retention, now: Date, actor = 'hub'): Promise<Removal[]> {
  const at = cutoffs(retention, now);
  const done: Removal[] = [];
  for (const { what, term, remove } of classes) {
    const rows = await removeAll(db, (sql, limit) => remove(sql, at[term], limit));
    if (what === 'raw records') await markPayloads(db, at[term]);
    if (rows === 0) continue;
    await audit(db, actor, { what, before: at[term], rows });
    done.push({ what, before: at[term], rows });
  }
  for (const parent of historyTables)
    for (const partition of await oldPartitions(db, parent, at.history)) {
      const removal = await db.transaction(async (sql) => {
        const { removed, kept } = await removePartition(sql, partition);
        const one = { what: partition.name, before: at.history, rows: removed, kept };
        if (removed > 0 || kept === 0) await audit(sql, actor, one);
        return one;
      });
      done.push(removal);
    }
  return [...done, ...(await removeAudit(db, at.audit, actor))];
}

const audit = (sql: Sql, actor: string, { what, before, rows, kept }: Removal): Promise<void> =>
  appendAudit(sql, [
    {
      entity: '*',
      actor,
      action: 'retention.removed',
      object: what,
      detail: { before: before.toISOString(), rows, ...(kept ? { kept } : {}) },
    },
  ]);

/** The audit's oldest months, with a record in the chain that says where it begins from now on. */
function removeAudit(db: Database, before: Date, actor: string): Promise<Removal[]> {
  return db.transaction(async (sql) => {
    const months = await oldPartitions(sql, 'audit', before);
    const until = months.at(-1)?.until;
    if (!until) return [];
    const cut = await auditCutAt(sql, until);
    if (!cut) return [];
    const hash = await cutAudit(sql, months, until, cut);
    await appendAudit(sql, [
      {
        entity: '*',
        actor,
        action: 'audit.cut',
        object: `audit:${cut.seq}`,
        detail: { seq: String(cut.seq), hash: hash.toString('hex'), before: until.toISOString(), rows: cut.records },
      },
    ]);
    return [{ what: `audit (${months.map(({ name }) => name).join(', ')})`, before: until, rows: cut.records }];
  });
}
