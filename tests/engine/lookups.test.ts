import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Type } from 'typebox';
import { systemClock } from '../../src/core/clock.ts';
import type { Sink } from '../../src/core/connector.ts';
import { defineDocument } from '../../src/core/document.ts';
import type { HubError } from '../../src/core/errors.ts';
import { defineEstate } from '../../src/core/estate.ts';
import type { Lookup, LookupRule } from '../../src/core/lookup.ts';
import { askFor } from '../../src/engine/asked.ts';
import { Hub } from '../../src/engine/hub.ts';
import { lookUp } from '../../src/engine/lookups.ts';
import { currentMappings } from '../../src/ledger/mappings.ts';
import { connectionOf, drained, NoteDocument, noteFlow, pushSource, send, silent, testLedger } from '../support/hub.ts';

const Takes = {
  ...NoteDocument,
  takes: (note: { id: string; n: number }) => [{ name: note.id, place: null, quantity: String(note.n) }],
};
const Level = defineDocument({
  name: 'level',
  version: '1.0',
  schema: Type.Object({ id: Type.String(), inFlight: Type.Array(Type.String()), bound: Type.String() }),
  key: ({ id }) => id,
});

test('a look-up counts what is on its way to the system, also where no flow reads there; what has arrived is forgotten', async (t) => {
  const ledger = await testLedger(t);
  let open = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const sink: Sink<typeof NoteDocument> = {
    name: 'notes',
    accepts: Takes,
    idempotency: 'overwrite',
    settle: 0,
    deadline: '30s',
    batch: { max: 10, onFailure: 'independent' },
    deliver: async (items) => {
      await gate;
      return items.map(({ key }) => ({ outcome: 'done', id: `erp-${key}` }));
    },
  };
  const lookup: Lookup<typeof Level> = {
    name: 'levels',
    gives: Level,
    batch: 10,
    heeds: ['note'],
    mappings: [{ table: 'places', owner: 'tests', about: 'x', rows: { a: 'b' } }],
    look: async (keys, cx, view) => {
      assert.equal(cx.mapping('places').find('a'), 'b');
      const bound = await view.idsOf(Takes, keys);
      return Promise.all(
        keys.map(async (id) => {
          const taken = await view.inFlight(id);
          return { id, inFlight: taken.map(({ quantity }) => quantity), bound: bound.get(id) ?? 'not' };
        }),
      );
    },
  };
  const stock: LookupRule = { id: 'stock', about: '', from: lookup, fresh: 0, stale: '1m', within: '10s' };
  const pairs: Lookup<typeof Level> = { ...lookup, name: 'pairs', keyForm: 'location/SKU' };
  const inParts: LookupRule = { ...stock, id: 'parts', from: pairs };
  const source = pushSource();
  const hub = new Hub({
    estate: defineEstate({
      name: 'look-ups',
      connections: {
        from: connectionOf({ sources: { notes: source } }),
        erp: connectionOf({ sinks: { notes: sink as Sink }, lookups: { lookup, pairs } }),
      },
      flows: [noteFlow(sink, source, { documents: [Takes] })],
      lookups: [stock, inParts],
    }),
    db: ledger.db,
    vault: ledger.vault,
    clock: systemClock,
    random: Math.random,
    log: silent,
    secret: () => 'secret',
    terms: { pollSeconds: 0.05 },
  });
  await hub.start();
  t.after(() => {
    open();
    return hub.stop();
  });
  const ask = async () => (await lookUp(hub.parts, stock, ['MUG'], false))[0]!.body;
  assert.deepEqual(await ask(), { id: 'MUG', inFlight: [], bound: 'not' });
  await send(hub, { id: 'MUG', n: 3 });
  for (let tries = 0; tries < 200; tries++) {
    if (((await ask()) as { inFlight: string[] }).inFlight.length > 0) break;
    await systemClock.sleep(50, new AbortController().signal);
  }
  assert.deepEqual(await ask(), { id: 'MUG', inFlight: ['3'], bound: 'not' });
  open();
  await drained(hub);
  assert.deepEqual(await ask(), { id: 'MUG', inFlight: [], bound: 'erp-MUG' });
  const left = await ledger.db.query('test_left', 'select 1 from in_flight');
  assert.equal(left.length, 0, 'nothing that nobody counts stays in flight');
  assert.deepEqual(
    (await currentMappings(ledger.db)).map(({ name }) => name),
    ['places'],
  );

  const asker = { actor: 'test', ledger: hub.parts.db };
  const askInParts = (keys: string[]) => askFor(hub.parts, inParts, keys, asker);
  for (const key of ['MUG', '/MUG', 'store/'])
    await assert.rejects(askInParts(['store/MUG', key]), (error: HubError) => {
      assert.equal(error.code, 'BAD_USE');
      assert.match(error.message, new RegExp(`no key '${key}'$`));
      assert.match(error.hint!, /written as location\/SKU;/);
      return true;
    });
  assert.deepEqual(
    (await askInParts(['store/MUG', 'store/A/B'])).map(({ key }) => key),
    ['store/MUG', 'store/A/B'],
  );
});
