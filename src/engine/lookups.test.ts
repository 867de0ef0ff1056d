import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Type } from 'typebox';
import type { Connection } from '../core/connector.ts';
import { defineDocument } from '../core/document.ts';
import { defineEstate } from '../core/estate.ts';
import { rejected } from '../core/fault.ts';
import type { LookupRule } from '../core/lookup.ts';
import { lookUp } from './lookups.ts';
import type { Parts } from './parts.ts';

const Level = defineDocument({
  name: 'level',
  version: '1.0',
  schema: Type.Object({ id: Type.String(), n: Type.Integer() }),
  key: ({ id }) => id,
});

/** A system that has what `stock` says, and a clock that stands still. */
function world(rule: Partial<LookupRule> = {}) {
  const state = {
    stock: new Map([['a', 1]]) as Map<string, unknown>,
    calls: [] as string[][],
    now: 0,
    fails: null as Error | null,
    gate: null as Promise<void> | null,
  };
  const lookup = {
    name: 'levels',
    gives: Level,
    batch: 2,
    look: async (keys: readonly string[]) => {
      state.calls.push([...keys]);
      await state.gate;
      if (state.fails) throw state.fails;
      return keys.map((id) => {
        const n = state.stock.get(id) ?? null;
        return n instanceof Error || n === null ? (n as never) : { id, n: n as number };
      });
    },
  };
  const connection = {
    connector: 'test',
    entity: 'main',
    sources: {},
    sinks: {},
    lookups: { lookup },
    async *check() {},
  };
  const stock: LookupRule = { id: 'stock', about: '', from: lookup, fresh: '5s', stale: '1m', within: '10s', ...rule };
  const estate = defineEstate({
    name: 'test',
    connections: { erp: connection as Connection },
    flows: [],
    lookups: [stock],
  });
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  const parts = { estate, log, clock: { monotonic: () => state.now, now: () => new Date(0) } } as unknown as Parts;
  const ask = async (keys: string[], paused = false) =>
    (await lookUp(parts, stock, keys, paused)).map(({ key, body, problem, from, age }) => [
      key,
      problem ?? (body as { n: number } | null)?.n ?? null,
      from,
      age,
    ]);
  return { state, ask, rule: stock, connection: connection as Connection };
}

describe('look-ups', () => {
  test('ask the system in batches, and answer from memory while that is fresh, also that there is nothing', async () => {
    const { state, ask } = world();
    assert.deepEqual(await ask(['a', 'b', 'c']), [
      ['a', 1, 'system', 0],
      ['b', null, 'system', 0],
      ['c', null, 'system', 0],
    ]);
    assert.deepEqual(state.calls, [['a', 'b'], ['c']]);
    state.stock.set('a', 2);
    state.now = 4999;
    assert.deepEqual(await ask(['b', 'a']), [
      ['b', null, 'memory', 4.999],
      ['a', 1, 'memory', 4.999],
    ]);
    state.now = 5000;
    assert.deepEqual(await ask(['a']), [['a', 2, 'system', 0]]);
    assert.equal(state.calls.length, 3);
  });

  test('a key that is being asked for is not asked for twice', async () => {
    const { state, ask } = world();
    let open = (): void => undefined;
    state.gate = new Promise((resolve) => {
      open = resolve;
    });
    const both = Promise.all([ask(['a']), ask(['a', 'b'])]);
    open();
    assert.deepEqual(
      (await both).flat().map(([key, n]) => [key, n]),
      [
        ['a', 1],
        ['a', 1],
        ['b', null],
      ],
    );
    assert.deepEqual(state.calls, [['a'], ['b']]);
  });

  test('while the system does not answer: what was heard counts for its time, and the system has a rest', async () => {
    const { state, ask } = world();
    await ask(['a']);
    state.fails = new Error('the ERP answered 500');
    state.now = 59_999;
    assert.deepEqual(await ask(['a']), [['a', 1, 'stale', 59.999]]);
    assert.equal(state.calls.length, 2);
    await assert.rejects(ask(['b']), {
      code: 'LOOKUP_UNANSWERED',
      message: /'erp' does not answer: the ERP answered 500/,
    });
    assert.equal(state.calls.length, 2, 'not asked again at once');
    state.now = 61_999;
    await assert.rejects(ask(['a']), { code: 'LOOKUP_UNANSWERED' });
    state.fails = null;
    state.now = 64_000;
    assert.deepEqual(await ask(['a']), [['a', 1, 'system', 0]]);
  });

  test('a paused system is not asked; a slow one not waited for', async () => {
    const { state, ask } = world({ within: 30 });
    await assert.rejects(ask(['a'], true), /it is paused/);
    assert.equal(state.calls.length, 0);
    state.gate = new Promise(() => undefined);
    await assert.rejects(ask(['a']), /no answer within 30/);
  });

  test("one key's problem is that key's answer: the others are answered, nobody rests, and it is asked for again", async () => {
    const { state, ask } = world();
    state.stock.set('b', rejected('no location for WH2'));
    const answers = [
      ['a', 1, 'system', 0],
      ['b', 'no location for WH2', 'system', 0],
      ['c', null, 'system', 0],
    ];
    assert.deepEqual(await ask(['a', 'b', 'c']), answers);
    state.stock.set('b', 1.5);
    state.now = 1000;
    assert.deepEqual(await ask(['b']), [['b', 'no location for WH2', 'memory', 1]], 'but not with every request');
    state.now = 2000;
    assert.match(String((await ask(['b']))[0]![1]), /level made from this record is not valid: \/n/);
    state.stock.set('b', 2);
    state.now = 4000;
    assert.deepEqual(await ask(['b']), [['b', 2, 'system', 0]]);
    assert.equal(state.calls.length, 4);
  });

  test('what a key was answered before it had a problem no longer counts', async () => {
    const { state, ask } = world();
    await ask(['a']);
    state.stock.set('a', rejected('nobody knows'));
    state.now = 6000;
    assert.deepEqual(await ask(['a']), [['a', 'nobody knows', 'system', 0]]);
    state.now = 8000;
    state.fails = new Error('the ERP is away');
    await assert.rejects(ask(['a']), { code: 'LOOKUP_UNANSWERED' });
  });

  test('where the system has an objection of its own to the whole call, that is the answer, and it has no rest', async () => {
    const { state, ask } = world();
    state.fails = rejected('there is no Mapping table');
    assert.deepEqual(await ask(['a']), [['a', 'there is no Mapping table', 'system', 0]]);
    state.fails = null;
    state.now = 2000;
    assert.deepEqual(await ask(['a']), [['a', 1, 'system', 0]]);
  });

  test('rules that cannot be are refused with words', () => {
    assert.throws(() => world({ id: 'No Name' }), /lookup 'No Name': ids are/);
    assert.throws(() => world({ stale: '1s' }), /'stale' \(1s\) cannot be shorter than 'fresh' \(5s\)/);
    assert.throws(
      () => world({ from: { name: 'other', gives: Level, batch: 1, look: async () => [] } as never }),
      /asks a system whose connection is not in the estate/,
    );
  });

  test('a rule answers questions of its own entity, kind and estate, and no two addresses are one', () => {
    const ask = { name: 'levels', gives: Level };
    const inquiry = {
      topic: 'figures',
      verify: () => true,
      read: () => ({ question: ask, keys: [], tell: () => ({}) }),
    };
    const askerOf = (changes: Partial<Connection> = {}): Connection => ({
      ...{ connector: 'test', entity: 'main', sources: {}, sinks: {}, questions: { ask }, inquiries: [inquiry] },
      async *check() {},
      ...changes,
    });
    const estate = (asker: Connection | null, answers: LookupRule['answers'] = [{ question: ask }]) => {
      const { rule, connection } = world();
      const connections = { erp: connection, ...(asker ? { asker } : {}) };
      return defineEstate({ name: 'test', connections, flows: [], lookups: [{ ...rule, answers }] });
    };
    assert.equal(estate(askerOf()).lookups![0]!.answers!.length, 1);
    assert.throws(() => estate(null), /answers question 'levels' of a connection that is not in the estate/);
    assert.throws(() => estate(askerOf({ entity: 'uk' })), /would tell 'asker' \(uk\) what belongs to main/);
    const other = { name: 'notes', gives: defineDocument({ ...Level, name: 'note' }) };
    assert.throws(
      () => estate(askerOf({ questions: { other } }), [{ question: other as never }]),
      /it gives 'level', and 'asker' asks for 'note'/,
    );
    assert.throws(
      () => estate(askerOf({ inquiries: [inquiry, inquiry] })),
      /inquiry topic 'figures': two .* this topic/,
    );
    assert.throws(() => estate(askerOf({ inquiries: [{ ...inquiry, topic: 'A' }] })), /topics are lower-case/);
  });
});
