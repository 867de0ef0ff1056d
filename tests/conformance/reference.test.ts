import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { conform, examine, sinkChecks } from '../../src/conformance/index.ts';
import type { Idempotency, Sink } from '../../src/core/connector.ts';
import { type Mistake, referenceSubject } from './reference.ts';

conform({
  sinks: {
    'native, independent': () => referenceSubject('native', 'independent'),
    'external-id, none-lands': () => referenceSubject('external-id', 'none-lands'),
    'overwrite, stops': () => referenceSubject('overwrite', 'stops'),
    'find-first, independent': () => referenceSubject('find-first', 'independent'),
    'find-first, none-lands': () => referenceSubject('find-first', 'none-lands'),
    'unsafe, independent': () => referenceSubject('unsafe', 'independent'),
  },
});

/** Each mistake in a sink of that grade, and the check that must catch it. */
const mistakes: [Mistake, Idempotency, Sink['batch']['onFailure'], keyof typeof sinkChecks][] = [
  ['sends no key', 'native', 'independent', 'replay has one effect'],
  ['sends no key', 'external-id', 'independent', 'an answer lost after the commit is never taken for nothing'],
  ['sends no key', 'overwrite', 'independent', 'a commit that comes after the client has gone has one effect'],
  ['sends a new key each time', 'native', 'independent', 'replay has one effect'],
  ['has no find', 'find-first', 'independent', 'declares what the engine needs'],
  ['asks at once', 'find-first', 'independent', 'a commit that comes after the client has gone has one effect'],
  ['finds nothing', 'find-first', 'independent', 'find tells what landed and what did not'],
  ['finds nothing', 'find-first', 'independent', 'an answer lost after the commit is never taken for nothing'],
  ['finds in the order of the target', 'find-first', 'independent', 'find tells what landed and what did not'],
  [
    'find says partial of what is whole',
    'find-first',
    'independent',
    'an answer lost after the commit is never taken for nothing',
  ],
  [
    'takes a lost answer for nothing',
    'find-first',
    'independent',
    'an answer lost after the commit is never taken for nothing',
  ],
  [
    'takes a lost answer for nothing',
    'unsafe',
    'independent',
    'an answer lost after the commit is never taken for nothing',
  ],
  [
    'takes a lost answer for a bad document',
    'external-id',
    'independent',
    'a connection that breaks before anything arrived is no verdict on the document',
  ],
  ['takes a page of a proxy for success', 'native', 'independent', 'an answer that cannot be read is a lost answer'],
  ['takes 429 for a failure', 'native', 'independent', 'asked to wait it is throttled, for as long as the target says'],
  ['ignores Retry-After', 'native', 'independent', 'asked to wait it is throttled, for as long as the target says'],
  ['takes 401 for a bad document', 'native', 'independent', 'a key that is not accepted is refused, and says so'],
  ['gives no words', 'native', 'independent', 'a bad document is rejected with a field and words'],
  ['gives the traceback', 'native', 'independent', 'a bad document is rejected with a field and words'],
  ['names no field', 'native', 'independent', 'a bad document is rejected with a field and words'],
  [
    'takes a bad document for a passing failure',
    'native',
    'independent',
    'a bad document is rejected with a field and words',
  ],
  [
    'mixes up the order',
    'native',
    'independent',
    'delivers a batch: one result each, in order, as the target holds it',
  ],
  ['mixes up the order', 'unsafe', 'independent', 'a failing item does to its batch what is declared'],
  ['forgets an item', 'native', 'independent', 'delivers a batch: one result each, in order, as the target holds it'],
  ['trusts the status', 'external-id', 'independent', 'success that did nothing is not done'],
  ['sends past cx.fetch', 'external-id', 'independent', 'nothing is sent once the lease is lost'],
  [
    'sends past cx.fetch',
    'external-id',
    'independent',
    'in a mere look nothing changes, and what the target had can be asked',
  ],
  ['goes on without a lease', 'external-id', 'independent', 'nothing is sent once the lease is lost'],
  [
    'says none-lands of what is independent',
    'native',
    'independent',
    'a failing item does to its batch what is declared',
  ],
  ['says stops of what is independent', 'native', 'independent', 'a failing item does to its batch what is declared'],
  ['says independent of none-lands', 'native', 'none-lands', 'a failing item does to its batch what is declared'],
  ['calls untouched what landed', 'native', 'independent', 'a failing item does to its batch what is declared'],
  ['tells the key', 'native', 'independent', 'no secret stands in a message or a log line'],
  ['gives no id', 'native', 'independent', 'delivers a batch: one result each, in order, as the target holds it'],
];

describe('the suite catches', () => {
  for (const [mistake, grade, mode, check] of mistakes)
    it(`a ${grade} sink that ${mistake}: by '${check}'`, async () => {
      const verdicts = await examine({ [check]: sinkChecks[check]! }, referenceSubject(grade, mode, mistake));
      assert.equal(verdicts.length, 1);
      assert.notEqual(verdicts[0]!.failure, null, 'the mistake went through');
    });

  it('each check by one mistake at least', () => {
    const used = new Set(mistakes.map(([, , , check]) => check));
    assert.deepEqual(
      Object.keys(sinkChecks).filter((check) => !used.has(check)),
      [],
    );
  });
});
