/** A survivor that is no hole: in a line that holds `code` of a file, a mutant of text that holds `change`. */
interface Reason {
  /** Its path begins so. */
  readonly file: string;
  readonly code: string;
  readonly change?: string;
  readonly why: string;
}

/** Named survivors: whoever reads them decides anew when the line changes. */
export const reasons: readonly Reason[] = [
  {
    file: 'src/ledger/',
    code: 'length === 0) return',
    change: 'length === 0',
    why: 'spares a statement that would do nothing',
  },
  {
    file: 'src/ledger/leases.ts',
    code: 'for no key update',
    change: 'for no key update',
    why: 'the order in which rows are locked: deadlocks are repeated',
  },
  {
    file: 'src/ledger/leases.ts',
    code: 'const others',
    change: 'names.filter',
    why: 'those that were renewed are not free: asking for them again gives nothing',
  },
  {
    file: 'src/ledger/deliveries.ts',
    code: 'holder is not null and lease_until',
    change: 'holder is not null',
    why: 'a lane without a holder has no lease_until; it is what the partial index is found by',
  },
  {
    file: 'src/ledger/deliveries.ts',
    code: 'limit 1000 for update',
    change: 'order by',
    why: 'the order in which rows are locked: deadlocks are repeated',
  },
  {
    file: 'src/ledger/lanes.ts',
    code: 'order by connection, sink, key for update',
    change: 'for update',
    why: 'the order in which rows are locked; who changed a delivery holds its row until the commit anyway',
  },
  {
    file: 'src/ledger/lanes.ts',
    code: 'and not exists (select from delivery d where',
    why: 'it is asked twice, before and after the lock: one of both stands in for the other but when a delivery is added in between',
  },
  {
    file: 'src/engine/settle.ts',
    code: "state: 'parked', afterSeconds: 0",
    why: 'what is parked waits for a person, however soon it might go',
  },
  {
    file: 'src/core/decimal.ts',
    code: 'const negative =',
    why: 'differs at zero only, and minus zero is zero',
  },
  { file: 'src/core/decimal.ts', code: 'const n =', why: 'differs at zero only, and minus zero is zero' },
  { file: 'src/core/decimal.ts', code: 'const d =', why: 'differs at zero only, which cannot be divided by' },
  {
    file: 'src/core/decimal.ts',
    code: 'a.scale <= digits',
    change: '<=',
    why: 'at equality both ways divide or multiply by one',
  },
  { file: 'src/core/decimal.ts', code: 'const digits =', why: 'differs at zero only, and minus zero is zero' },
  {
    file: 'src/core/standard-webhooks.ts',
    code: 'ready',
    why: 'how many keys are kept ready costs time and memory, not right or wrong',
  },
  { file: 'src/core/standard-webhooks.ts', code: 'known', why: 'a key is made anew: slower, and the same' },
  {
    file: 'src/core/standard-webhooks.ts',
    code: 'MOST_READY',
    why: 'how many keys are kept ready costs time and memory only',
  },
  {
    file: 'src/server/intake.ts',
    code: "at < 0 ? ''",
    why: 'a URL begins with its path: the question mark is never first',
  },
  {
    file: 'src/guard/tokens.ts',
    code: 'this.#known.delete(key);',
    change: 'delete(key)',
    why: 'what has ended is never believed: only memory is freed',
  },
  {
    file: 'src/guard/tokens.ts',
    code: 'Number.NEGATIVE_INFINITY',
    change: '??',
    why: 'without it the difference is NaN, which is not less either',
  },
  { file: 'src/ledger/tokens.ts', code: 'row ?? null', why: 'undefined is as falsy as null to the only caller' },
  {
    file: 'src/ledger/scope.ts',
    code: 'PATIENCE =',
    why: 'how long a statement may run before it is broken off: a promise about load, not about rights',
  },
  {
    file: 'src/ledger/events.ts',
    code: 'SHARDS = 32',
    why: 'how many shards there are is a matter of sharing the work',
  },
  { file: 'src/engine/intake.ts', code: 'sourceVersion ?? null', why: 'PostgreSQL is given null for undefined' },
  {
    file: 'src/engine/intake.ts',
    code: 'BETWEEN_LOOKS_MS =',
    why: 'how often it is looked for those who wait too long: a matter of a tenth of a second',
  },
  {
    file: 'src/server/api/index.ts',
    code: 'void api.prepare()',
    why: 'says at the start what every request would find out and say',
  },
  {
    file: 'src/engine/leases.ts',
    code: 'if (leases.length > 0)',
    change: '>',
    why: 'spares a statement that would do nothing',
  },
  { file: 'src/engine/poll.ts', code: 'from + 500', why: 'how many go in one statement' },
  { file: 'src/engine/poll.ts', code: 'from += 500', why: 'how many go in one statement' },
  {
    file: 'src/ledger/events.ts',
    code: 'from fresh) order by place',
    change: 'order by',
    why: 'PostgreSQL happens to read an array in order; asked for all the same',
  },
  {
    file: 'src/ledger/events.ts',
    code: 'order by shard',
    change: 'order by',
    why: 'who asks goes through all of them',
  },
  { file: 'src/engine/intake.ts', code: '#bytes = 0', why: 'one byte of what may wait' },
  {
    file: 'src/engine/poll.ts',
    code: 'let from = 0',
    change: '<',
    why: 'an empty batch more, or none: nothing is stored by it',
  },
  {
    file: 'src/engine/intake.ts',
    code: 'clearInterval(this.#watch)',
    change: 'clearInterval',
    why: 'a timer stays that finds nobody: a leak that no test looks for',
  },
  {
    file: 'src/engine/intake.ts',
    code: 'this.#queue.some(late)',
    why: 'spares going through a queue in which nobody is late',
  },
];
