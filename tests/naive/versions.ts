import { keeping } from './keeping.ts';

/** A textual change that makes one part of the engine naive; `from` stands exactly once in the file. */
interface Change {
  file: string;
  from: string;
  to: string;
}

/** What people write first, and the test that must catch it. */
export interface NaiveVersion {
  name: string;
  changes: Change[];
  file: string;
  /** The test's whole name. */
  test: string;
}

export const versions: NaiveVersion[] = [
  {
    name: 'id cursor: the router reads events above the last id it saw',
    changes: [
      {
        file: 'src/ledger/events.ts',
        from: 'export async function nextEvents(sql: Sql, shard: number, limit: number): Promise<UnroutedEvent[]> {\n  return sql.query<UnroutedEvent>(',
        to: 'const naiveCursor = new Map<number, bigint>();\nexport async function nextEvents(sql: Sql, shard: number, limit: number): Promise<UnroutedEvent[]> {\n  const naiveRows = await sql.query<UnroutedEvent & { seq: bigint }>(',
      },
      {
        file: 'src/ledger/events.ts',
        from: '    `select id, entity, connection, source, subject, source_version, received_at, payload_sealed, labels, lines, currency, minor, absolute, decision, attempts, looked_at, afresh\n     from event e\n     where shard = $1',
        to: '    `select seq, id, entity, connection, source, subject, source_version, received_at, payload_sealed, labels, lines, currency, minor, absolute, decision, attempts, looked_at, afresh\n     from event e\n     where seq > $3 and shard = $1',
      },
      {
        file: 'src/ledger/events.ts',
        from: '       and not exists (select from event older where older.connection = e.connection and older.subject = e.subject and older.seq < e.seq)\n     order by seq limit $2`,\n    [shard, limit],\n  );',
        to: '       and not exists (select from event older where older.connection = e.connection and older.subject = e.subject and older.seq < e.seq)\n     order by seq limit $2`,\n    [shard, limit, naiveCursor.get(shard) ?? 0n],\n  );\n  const naiveLast = naiveRows.at(-1);\n  if (naiveLast) naiveCursor.set(shard, naiveLast.seq);\n  return naiveRows;',
      },
    ],
    file: 'tests/engine/routing.test.ts',
    test: 'an event whose transaction commits after a later one of its shard is routed',
  },
  {
    name: 'global sequence: a place is drawn before the lane is locked',
    changes: [
      {
        file: 'src/ledger/lanes.ts',
        from: '): Promise<Map<string, bigint>> {\n  const rows =',
        to: `): Promise<Map<string, bigint>> {
  const naive = new Map<string, bigint>();
  for (const lane of lanes) {
    const [drawn] = await sql.query<{ place: bigint }>('naive_place', "select nextval('lease_epoch') as place");
    naive.set(laneId(lane), drawn!.place);
  }
  const rows =`,
      },
      {
        file: 'src/ledger/lanes.ts',
        from: '  return new Map(rows.map((row) => [laneId({ ...row, laneKey: row.key }), row.first]));',
        to: '  return rows.length > 0 ? naive : new Map();',
      },
    ],
    file: 'tests/engine/routing.test.ts',
    test: 'a place in a lane is given under the lane lock: in the order of commits',
  },
  {
    name: 'no Intent: a lease that ran out leaves its delivery waiting',
    changes: [
      {
        file: 'src/ledger/deliveries.ts',
        from: "update delivery d set state = 'unknown', settled_at = greatest(d.settled_at, d.intent_settles),\n         not_before = case",
        to: "update delivery d set state = 'waiting',\n         not_before = case when true then clock_timestamp()",
      },
    ],
    file: 'tests/engine/leases.test.ts',
    test: 'a lease lost after its Intent leaves an unknown outcome, asked for when settled (the target had committed)',
  },
  {
    name: 'no Intent: an unknown outcome is repeated without asking',
    changes: [
      {
        file: 'src/engine/deliver.ts',
        from: "sink.idempotency === 'find-first'",
        to: "sink.idempotency === ('asks-nobody' as string)",
      },
    ],
    file: 'tests/engine/lost-answers.test.ts',
    test: 'unknown, to be asked first: asks only when settled, and never doubles',
  },
  {
    name: 'no settle: asks at once whether it landed',
    changes: [
      {
        file: 'src/engine/outcome.ts',
        from: 'afterSeconds: repeatable(at.idempotency) ? wait : settle,',
        to: 'afterSeconds: wait,',
      },
    ],
    file: 'tests/engine/lost-answers.test.ts',
    test: 'unknown, to be asked first: asks only when settled, and never doubles',
  },
  {
    name: 'no fence: an outcome is written whoever holds the lane now',
    changes: [
      {
        file: 'src/ledger/deliveries.ts',
        from: 'and key = any($5) and holder = $3 and epoch = $4 order by key for update',
        to: 'and key = any($5) and ($3::uuid is not null or $4::bigint > 0) order by key for update',
      },
    ],
    file: 'tests/engine/leases.test.ts',
    test: 'what a hub says about a lane that was taken over and is leased anew is not written',
  },
  {
    name: 'no fence: a cursor is saved whoever reads the source now',
    changes: [
      {
        file: 'src/engine/poll.ts',
        from: '    if (!(await holdsLease(sql, lease))) return null;\n',
        to: '    await holdsLease(sql, lease);\n',
      },
    ],
    file: 'tests/engine/leases.test.ts',
    test: 'a zombie poller cannot move the cursor back, nor store what it read',
  },
  {
    name: 'lane not held for a late commit',
    changes: [
      {
        file: 'src/ledger/lanes.ts',
        from: "when h.state = 'waiting' then greatest(h.created_at, h.not_before, l.quiet_until)",
        to: "when h.state = 'waiting' then greatest(h.created_at, h.not_before)",
      },
    ],
    file: 'tests/engine/lost-answers.test.ts',
    test: 'a late commit of old content never overwrites newer content',
  },
  {
    name: 'poisoned neighbour: a shared commit fails for all',
    changes: [
      {
        file: 'src/engine/intake.ts',
        from: 'if (isAway(error) || batch.length === 1)',
        to: 'if (isAway(error) || batch.length > 0)',
      },
    ],
    file: 'tests/engine/intake.test.ts',
    test: 'a poisoned arrival in a shared commit is refused alone',
  },
  {
    name: 'late event applied: whatever came last wins',
    changes: [
      {
        file: 'src/engine/translate.ts',
        from: 'const age = olderThanKnown(event, subject, mayShareVersions(flow.from));',
        to: 'const age = event.attempts < 0 ? olderThanKnown(event, subject, mayShareVersions(flow.from)) : null;',
      },
    ],
    file: 'tests/engine/routing.test.ts',
    test: 'a late event changes nothing and says so; an equal version is a duplicate',
  },
  {
    name: 'awaits wake-up lost: looks for the binding, then waits, with nothing held between',
    changes: [
      {
        file: 'src/ledger/bindings.ts',
        from: '  if (missing.length === 0) return [];',
        to: '  if (missing.length >= 0) return missing;',
      },
    ],
    file: 'tests/engine/needs.test.ts',
    test: 'a binding made while its waiter is being written wakes it (the first to wait)',
  },
  {
    name: 'awaits wake-up lost: no share lock on a binding that others wait for',
    changes: [
      {
        file: 'src/ledger/bindings.ts',
        from: 'order by connection, entity, kind, key for share',
        to: 'order by connection, entity, kind, key',
      },
    ],
    file: 'tests/engine/needs.test.ts',
    test: 'a binding made while its waiter is being written wakes it (others wait for it already)',
  },
  {
    name: 'echo: whatever was written or seen last is one, not the later of the two',
    changes: [
      {
        file: 'src/engine/echo.ts',
        from: 'const last = seen && (!written || seen.document >= written.document) ? seen : written;',
        to: 'const last = written?.digest.equals(digest) ? written : (seen ?? written);',
      },
    ],
    file: 'tests/engine/echo.test.ts',
    test: 'A→B→A: a change back to what we had written is a change',
  },
  {
    name: 'echo: known by what was sent, not by what was read back',
    changes: [
      {
        file: 'src/engine/settle.ts',
        from: '{ ...(sent as object), ...result.held }',
        to: '{ ...(sent as object) }',
      },
    ],
    file: 'tests/engine/echo.test.ts',
    test: 'a target that stores otherwise than it was sent is known by what was read back',
  },
  {
    name: 'echo: the digest is of the whole document, not of the flow’s own fields',
    changes: [
      {
        file: 'src/engine/echo.ts',
        from: 'const own = fields === undefined ? record',
        to: 'const own = fields === undefined || fields.length > 0 ? record',
      },
    ],
    file: 'tests/engine/echo.test.ts',
    test: 'a change of fields that are not the flow’s own is an echo, per flow',
  },
  {
    name: 'echo: a version of the source alone says whether something changed',
    changes: [
      {
        file: 'src/engine/translate.ts',
        from: 'if (coarse && event.source_version === subject?.source_version) return null;',
        to: 'if (coarse && event.source_version === null) return null;',
      },
    ],
    file: 'tests/engine/echo.test.ts',
    test: 'a second change within the same second is seen',
  },
  {
    name: 'echo: open Intents are not looked at',
    changes: [
      {
        file: 'src/engine/echo.ts',
        from: 'const intent = intents.find((one) => one.digest.equals(digest));',
        to: 'const intent = intents.find((one) => one.digest.length === 0);',
      },
    ],
    file: 'tests/engine/echo.test.ts',
    test: 'an echo that comes before the answer is known by the open Intent',
  },
  {
    name: 'echo: a change that meets a write of ours is not given to its own side',
    changes: [
      {
        file: 'src/engine/echo.ts',
        from: 'if (doc && (busy || what.doubt) && mayOverwrite(flow, one.planned)) also',
        to: 'if (doc && !busy && what.doubt && mayOverwrite(flow, one.planned)) also',
      },
    ],
    file: 'tests/engine/echo.test.ts',
    test: 'a change at a target that we are writing to at the moment wins on both sides, and is not lost',
  },
  {
    name: 'echo: a record that we are making comes back as a new one',
    changes: [
      {
        file: 'src/engine/translate.ts',
        from: 'if (externalId === undefined || alike.length === 0) continue;',
        to: 'if (externalId === undefined || alike.length >= 0) continue;',
      },
    ],
    file: 'tests/engine/echo.test.ts',
    test: 'a record that we are making at a target comes back under an id nobody has told us yet',
  },
  ...keeping,
];
