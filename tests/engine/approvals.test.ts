import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defineEstate, type Estate } from '../../src/core/estate.ts';
import { Hub } from '../../src/engine/hub.ts';
import { noteHub, testLedger } from '../support/hub.ts';
import { Target } from '../support/target.ts';

const estateOf = (hub: Hub): Estate => hub.parts.estate;

test('a flow whose sink cannot promise one effect is refused without an approval, in words that say what to add', async (t) => {
  const ledger = await testLedger(t);
  for (const [idempotency, what] of [
    ['find-first', /it is asked whether it has the record/],
    ['unsafe', /only a person can tell/],
  ] as const) {
    const { approvals, ...estate } = estateOf(noteHub(ledger, new Target().sink({ idempotency })));
    assert.ok(approvals, 'the test hub brings one');
    const wanted = (given: Estate['approvals']) => () =>
      defineEstate({ ...estate, ...(given ? { approvals: given } : {}) });
    assert.throws(wanted(undefined), (error: Error & { hint?: string; code?: string }) => {
      assert.equal(error.code, 'CONFIG_INVALID');
      assert.match(error.message, /flow 'notes' sends 'note' to sink 'notes', which cannot promise/);
      assert.match(error.message, what);
      assert.match(error.hint!, /approvals: \{ 'notes': \{ reason: '…', by: '…' \} \}/);
      return true;
    });
    assert.throws(wanted({ other: { reason: 'r', by: 'b' } }), /no flow is called 'other'/);
    assert.throws(wanted({ notes: { reason: ' ', by: 'b' } }), /the approval of flow 'notes' has no reason/);
    assert.throws(wanted({ notes: { reason: 'r' } as never }), /the approval of flow 'notes' has no by/);
    assert.doesNotThrow(wanted({ notes: { reason: 'r', by: 'b' } }));
  }
  for (const idempotency of ['native', 'external-id', 'overwrite'] as const) {
    const { approvals, ...estate } = estateOf(noteHub(ledger, new Target().sink({ idempotency })));
    assert.equal(approvals, undefined);
    assert.doesNotThrow(() => defineEstate(estate));
  }
});

test('approvals are audited once, again when they change, and when they end', async (t) => {
  const ledger = await testLedger(t);
  const hubOf = (approval: { reason: string; by: string } | null): Hub => {
    const { parts } = noteHub(ledger, new Target().sink({ idempotency: approval ? 'find-first' : 'native' }));
    const { approvals: _, ...estate } = parts.estate;
    return new Hub({ ...parts, estate: { ...estate, ...(approval ? { approvals: { notes: approval } } : {}) } });
  };
  const audited = () =>
    ledger.db.query<{ action: string; detail: Record<string, unknown> }>(
      'audited',
      "select action, detail from audit where object = 'flow:notes' order by at, id",
    );
  const first = { reason: 'found by memo', by: 'finance' };
  const [one, other] = [hubOf(first), hubOf(first)];
  await Promise.all([one.start(), other.start()]);
  const sinks = [{ kind: 'note', sink: 'notes', idempotency: 'find-first' }];
  assert.deepEqual(await audited(), [{ action: 'flow.approved', detail: { ...first, sinks } }], 'two hubs, one record');
  await Promise.all([one.stop(), other.stop()]);
  const changed = hubOf({ ...first, by: 'the board' });
  await changed.start();
  await changed.stop();
  const ended = hubOf(null);
  await ended.start();
  await ended.stop();
  assert.deepEqual(
    (await audited()).map(({ action, detail }) => [action, detail.by]),
    [
      ['flow.approved', 'finance'],
      ['flow.approved', 'the board'],
      ['flow.approval-ended', undefined],
    ],
  );
});
