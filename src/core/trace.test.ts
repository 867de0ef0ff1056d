import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newId } from './ids.ts';
import { parseTraceparent, spanFor, traceparentOf } from './trace.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';

test('reads what is a traceparent and nothing else', () => {
  assert.deepEqual(parseTraceparent(`00-${TRACE}-${SPAN}-01`), { traceId: TRACE, spanId: SPAN, sampled: true });
  assert.equal(parseTraceparent(`00-${TRACE}-${SPAN}-00`)?.sampled, false);
  assert.equal(parseTraceparent(`cc-${TRACE}-${SPAN}-09-what-comes`)?.traceId, TRACE, 'a later version');
  for (const wrong of [
    undefined,
    '',
    'x',
    [`00-${TRACE}-${SPAN}-01`],
    `ff-${TRACE}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-01-more`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${'0'.repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE}-${SPAN}-01, 00-${TRACE}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-1`,
  ])
    assert.equal(parseTraceparent(wrong), null, String(wrong));
});

test('every attempt is a new span, in the trace that came or in one that the event names', () => {
  const id = newId();
  const given = spanFor({ traceparent: `00-${TRACE}-${SPAN}-01` }, id);
  assert.deepEqual([given.traceId, given.sampled, given.spanId === SPAN], [TRACE, true, false]);
  const [one, two] = [spanFor({}, id), spanFor({ traceparent: 'nonsense' }, id)];
  assert.equal(one.traceId, two.traceId);
  assert.notEqual(one.spanId, two.spanId);
  assert.ok(parseTraceparent(traceparentOf(one)));
});
