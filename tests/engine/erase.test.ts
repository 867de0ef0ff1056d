import assert from 'node:assert/strict';
import { test } from 'node:test';
import { erasePerson, holdingOf, type Person } from '../../src/engine/erase.ts';
import { dismissException, retryException } from '../../src/engine/resolve.ts';
import { verifyAudit } from '../../src/ledger/audit.ts';
import { listExceptions } from '../../src/ledger/exceptions.ts';
import { readFigures } from '../../src/ledger/figures.ts';
import { sealedColumns } from '../../src/ledger/sealed-columns.ts';
import { person, sightings, sightingsInTables } from '../support/canary.ts';
import { hotel } from '../support/hotel.ts';
import { drained, idle, type TestLedger, testLedger } from '../support/hub.ts';
import { until } from '../support/target.ts';
import { CardDocument, Side, twoWayHub } from '../support/two-way.ts';

const email = person['an e-mail address']!;
const name = `Jane ${person['the name of a person']}`;
const whom: Person = { references: [['email', email]], entity: null };
const decision = { by: 'cli:anna', reason: 'request 2026-118' };

/** Everything that is sealed in a ledger, in the clear. */
async function unsealed({ db, vault }: TestLedger): Promise<string> {
  const texts: string[] = [];
  for (const { table, column, place } of sealedColumns)
    for (const row of await db.query<{ sealed: Buffer; place: string }>(
      `unsealed_${table}_${column}`,
      `select ${column} as sealed, ${place} as place from ${table} t where ${column} is not null`,
    ))
      texts.push(`${table}: ${vault.unseal(row.sealed, row.place)}`);
  return texts.join('\n');
}

test('one person is taken out of everything that is sealed; money, keys, dedupe, other people and the audit stay', async (t) => {
  const ledger = await testLedger(t);
  const { hubOf, book, given, world } = hotel();
  const hub = hubOf(ledger);
  const other = { guest: 'bob@other.example', name: 'Robert Stone' };
  await hub.start();
  await book(hub, { id: 'b1', guest: email, name, price: 100 });
  await until('the guest is refused', async () => (await listExceptions(ledger.db, null, 10)).length === 2);
  const parts = hub.parts;
  assert.deepEqual((await holdingOf(parts, whom)).live, { events: 0, deliveries: 2, exceptions: 2 });
  await assert.rejects(erasePerson(parts, whom, decision), /not finished: 2 deliveries, 2 exceptions/);
  world.refuses = false;
  for (const exception of await listExceptions(ledger.db, null, 10))
    await (exception.cause === 'no-room' ? retryException : dismissException)(parts, exception, decision);
  await idle(hub);
  await book(hub, { id: 'b1', guest: email, name, price: 120 });
  await book(hub, { id: 'b2', guest: email, name, price: 80 });
  await book(hub, { id: 'b3', ...other, price: 50 });
  await idle(hub);
  for (const exception of await listExceptions(ledger.db, null, 10)) await dismissException(parts, exception, decision);

  const before = [await readFigures(ledger.db), await unsealed(ledger)] as const;
  assert.equal(sightings('it', before[1], { name, email }).length, 2, 'the person is there');
  const holding = await holdingOf(parts, whom);
  assert.deepEqual(
    holding.documents.map(({ kind }) => kind),
    ['guest', 'stay', 'stay'],
  );
  assert.deepEqual([holding.events, holding.memories, holding.attempts], [3, 1, 1]);
  assert.equal(await unsealed(ledger), before[1], 'looking changes nothing');
  await assert.rejects(erasePerson(parts, whom, { ...decision, reason: `asked by ${email}` }), { code: 'BAD_USE' });
  await assert.rejects(erasePerson(parts, { references: [['email', 'nobody@x.example']], entity: null }, decision), {
    code: 'NOT_FOUND',
  });
  assert.deepEqual(await erasePerson(parts, whom, decision), holding);

  const after = await unsealed(ledger);
  assert.deepEqual(sightings('what is sealed', after, person), []);
  assert.deepEqual((await sightingsInTables(ledger.url, person)).found, []);
  assert.match(after, /Robert Stone[\s\S]*bob@other\.example|bob@other\.example[\s\S]*Robert Stone/);
  assert.match(after, /"price":120/, 'amounts stay');
  assert.deepEqual(await readFigures(ledger.db), before[0]);
  assert.deepEqual((await holdingOf(parts, whom)).documents, [], 'and the person is found no more');
  const [told] = await ledger.db.query<{ object: string; detail: object }>(
    'told',
    "select object, detail from audit where action = 'person.erased'",
  );
  assert.match(told!.object, /^person:~[0-9a-f]{32}$/);
  assert.deepEqual(told!.detail, {
    reason: decision.reason,
    by: ['email'],
    documents: 3,
    events: 3,
    attempts: 1,
    exceptions: holding.exceptions,
    memories: 1,
  });

  // What comes again is known; what is new about the person is new, and goes to the record that is bound.
  assert.equal(await book(hub, { id: 'b2', guest: email, name, price: 80 }), 'duplicate');
  given.length = 0;
  await book(hub, { id: 'b4', guest: email, name, price: 10 });
  await idle(hub);
  assert.deepEqual(given.map(({ key }) => key).sort(), ['b4', email]);
  const bound = await ledger.db.query('bound', "select from binding where kind = 'guest'");
  assert.equal(bound.length, 2, 'no second record of the person');
  await hub.stop();
  assert.equal((await verifyAudit(ledger.db)).broken, null);
});

test('a change at a target of a record without its person is a question for a person, not a record with holes', async (t) => {
  const ledger = await testLedger(t);
  const [left, right] = [new Side('left'), new Side('right', { ownIds: true })];
  const card = {
    ...CardDocument,
    keyClassification: 'personal' as const,
    references: ({ id }: { id: string }) => [['card', id] as const],
  };
  const hub = twoWayHub(ledger, left, right, {}, card);
  await hub.start();
  left.set(email, { text: 'a' });
  await drained(hub);
  const [own] = [...right.records.keys()];
  const kept = async () =>
    (
      await ledger.db.query(
        'kept',
        `select from event_history where connection = 'right' and outcome = 'echo' and payload_sealed is not null`,
      )
    ).length;
  assert.equal(await kept(), 1, 'what came back as an echo');
  await erasePerson(hub.parts, { references: [['card', email]], entity: 'main' }, decision);
  assert.equal(await kept(), 0, 'no document came of it, and it is the person’s');
  right.set(own!, { text: 'b' });
  await until('it is a question', async () => (await listExceptions(ledger.db, null, 10)).length === 1);
  const [exception] = await listExceptions(ledger.db, null, 10);
  assert.equal(exception!.cause, 'person-erased');
  await drained(hub);
  assert.equal(left.text(email), 'a');
  await hub.stop();
});
