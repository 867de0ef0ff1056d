import type { NaiveVersion } from './versions.ts';

/** Naive versions of backup, restore, keys, retention and the audit's anchors: `npm run test:naive -- keeping`. */
export const keeping: readonly NaiveVersion[] = [
  {
    name: 'keeping: a backup reads each table as it is when its turn comes',
    changes: [
      {
        file: 'src/ledger/backup/write.ts',
        from: "'begin isolation level repeatable read read only'",
        to: "'begin read only'",
      },
    ],
    file: 'tests/ledger/backup.test.ts',
    test: 'is of one moment: what writers commit together is in it together or not at all',
  },
  {
    name: 'keeping: a restore commits what it has read when the file is cut off',
    changes: [
      {
        file: 'src/ledger/backup/container.ts',
        from: "done(over ? null : invalid('the backup is cut off: its end is missing'));",
        to: 'done();',
      },
    ],
    file: 'src/ledger/backup/container.test.ts',
    test: 'a file that was cut off, altered, reordered, mixed or added to is refused',
  },
  {
    name: 'keeping: the mark of the last piece is not authenticated',
    changes: [
      {
        file: 'src/ledger/backup/container.ts',
        from: '.setAAD(Buffer.concat([header, prefix]));',
        to: '.setAAD(header);',
      },
      {
        file: 'src/ledger/backup/container.ts',
        from: '.setAAD(Buffer.concat([header!, prefix]));',
        to: '.setAAD(header!);',
      },
    ],
    file: 'src/ledger/backup/container.test.ts',
    test: 'a file that was cut off, altered, reordered, mixed or added to is refused',
  },
  {
    name: 'keeping: fencing tokens go on where the backup stood',
    changes: [
      {
        file: 'src/ledger/backup/read.ts',
        from: '(BigInt(value) > tokens ? BigInt(value) : tokens) + BigInt(TOKENS_APART)',
        to: 'BigInt(value)',
      },
    ],
    file: 'tests/ledger/backup.test.ts',
    test: 'another master key is refused, and so is a place that holds a ledger',
  },
  {
    name: 'keeping: audit records keep the transaction numbers of another cluster',
    changes: [
      {
        file: 'src/ledger/backup/write.ts',
        from: "{ audit: ['xid'] }",
        to: '{}',
      },
    ],
    file: 'tests/ledger/backup.test.ts',
    test: 'every row comes back, with partitions, sequences, row-level security and the audit chain',
  },
  {
    name: 'keeping: after a restore deliveries go before the sources were read again',
    changes: [
      {
        file: 'src/engine/era.ts',
        from: 'return !this.#caughtUp || this.#age()',
        to: 'return this.#age()',
      },
    ],
    file: 'tests/engine/restore.test.ts',
    test: 'nothing is lost, doubled or put back at a target that knows its records (external-id)',
  },
  {
    name: 'keeping: after a restore deliveries go before targets have settled',
    changes: [
      {
        file: 'src/engine/era.ts',
        from: '!this.#caughtUp || this.#age() * 1000 < milliseconds(sink.settle)',
        to: '!this.#caughtUp && milliseconds(sink.settle) >= 0',
      },
    ],
    file: 'tests/engine/restore.test.ts',
    test: 'nothing is sent before the target can no longer commit what was under way',
  },
  {
    name: 'keeping: after a restore only what was under way is asked about',
    changes: [
      {
        file: 'src/engine/era.ts',
        from: 'return createdAt.getTime() < this.#era.began_at.getTime() + doubtful;',
        to: 'return createdAt.getTime() < 0 - doubtful;',
      },
    ],
    file: 'tests/engine/restore.test.ts',
    test: 'nothing is lost, doubled or put back at a target that has to be asked',
  },
  {
    name: 'keeping: after a restore nobody is asked about a target that cannot be',
    changes: [
      {
        file: 'src/engine/deliver.ts',
        from: "delivery.settled_at ? delivery.attempts > 0 : era.mayHaveLanded(delivery.created_at, 'unsafe')",
        to: 'delivery.settled_at && delivery.attempts > 0',
      },
    ],
    file: 'tests/engine/restore.test.ts',
    test: 'a target that cannot be asked gets nothing before a person has looked',
  },
  {
    name: 'keeping: after a restore unknown deliveries of repeatable sinks stay unknown, and are not superseded',
    changes: [
      {
        file: 'src/ledger/eras.ts',
        from: "then 'waiting'\n",
        to: 'then d.state\n',
      },
    ],
    file: 'tests/engine/restore.test.ts',
    test: 'nothing is lost, doubled or put back at a target that knows its records (external-id)',
  },
  {
    name: 'keeping: files in done/ are not read again',
    changes: [
      {
        file: 'src/engine/files.ts',
        from: 'replay && cursor.era !== replay.era ?',
        to: 'replay && cursor.era === -1 ?',
      },
    ],
    file: 'tests/engine/files.test.ts',
    test: 'after a restore what was read since the backup is read again from done/, in the order it was read, before anything new',
  },
  {
    name: 'keeping: a new key is used before every hub has it',
    changes: [
      {
        file: 'src/ledger/keys.ts',
        from: 'filter(({ keys }) => !keys?.known.includes(id))',
        to: 'filter(() => false)',
      },
    ],
    file: 'tests/ledger/keys.test.ts',
    test: 'a key is not taken into use while a live hub does not have it',
  },
  {
    name: 'keeping: running hubs do not learn of a new key',
    changes: [
      {
        file: 'src/engine/hub.ts',
        from: '    await this.parts.vault.refresh(db);\n',
        to: '',
      },
    ],
    file: 'tests/ledger/keys.test.ts',
    test: 'while two hubs work under load no event fails, and in the end everything is sealed with the new key',
  },
  {
    name: 'keeping: retention looks at age alone',
    changes: [
      {
        file: 'src/ledger/retention.ts',
        from: "  event_history: `exists (select from exception x where x.event_id = t.id and x.state = 'open') or exists (select from delivery d where d.event_id = t.id)`,",
        to: "  event_history: 'false',",
      },
    ],
    file: 'tests/ledger/retention.test.ts',
    test: 'raw records go first; what stands at an open Exception or waits keeps its own',
  },
  {
    name: 'keeping: figures forget what was dropped',
    changes: [
      {
        file: 'src/ledger/figures.ts',
        from: "         union all select name, sum(count) from retired where what = 'event' group by 1) h",
        to: '         ) h',
      },
    ],
    file: 'tests/ledger/retention.test.ts',
    test: 'history goes by the month, never a row that something open refers to, and the figures stay',
  },
  {
    name: 'keeping: links are cut up to the newest record that goes',
    changes: [
      {
        file: 'src/ledger/retention.ts',
        from: 'return { seq: (firstKept <= last ? firstKept : last + 1n) - 1n,',
        to: 'return { seq: last,',
      },
    ],
    file: 'tests/ledger/retention.test.ts',
    test: 'months are dropped, what is left still verifies, and again after the next cut',
  },
  {
    name: 'keeping: a checkpoint beyond the end of the chain is passed over',
    changes: [
      {
        file: 'src/guard/checkpoints.ts',
        from: 'else if (BigInt(link) > verdict.sealed)',
        to: "else if (BigInt(link) > verdict.sealed) counts.lost += 1;\n    else if (link === '')",
      },
    ],
    file: 'tests/ledger/checkpoints.test.ts',
    test: 'a tail that was cut off whole, which the chain alone cannot tell, is found',
  },
  {
    name: 'keeping: the log quotes errors',
    changes: [
      {
        file: 'src/engine/hub.ts',
        from: '...(isAway(error) ? { error: (error as Error).message } : errorFacts(error)),',
        to: '...errorFacts(error), error: (error as Error).message,',
      },
    ],
    file: 'tests/engine/canary.test.ts',
    test: 'a person and a secret that pass through everything stand in no log line, metric, plain table or backup',
  },
];
