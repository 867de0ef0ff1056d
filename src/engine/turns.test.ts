import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Turns } from './turns.ts';

const of = (name: string, priority = 0) => ({ name, priority });

/** Who gets to work in so many turns, where all always have something to do. */
function work(all: readonly ReturnType<typeof of>[], turns: number): string {
  const order = new Turns(all);
  return Array.from({ length: turns }, () => {
    const [first] = order.next();
    order.asked(first!, true);
    return first!.name;
  }).join('');
}

test('equals take turns, however much the first one has to do', () => {
  assert.equal(work([of('a'), of('b'), of('c')], 7), 'abcabca');
});

test('a higher priority goes first, and every fourth turn is for who has waited longest', () => {
  assert.equal(work([of('A', 10), of('b'), of('c')], 12), 'AAAbAAAcAAAb');
});

test('who had nothing to do is asked again after the others', () => {
  const [a, b] = [of('a'), of('b')];
  const order = new Turns([a, b]);
  for (const one of order.next()) order.asked(one, false);
  assert.deepEqual(order.next(), [a, b]);
  order.asked(a, false);
  assert.deepEqual(order.next(), [b, a]);
});

test('turns in which nobody may send are no turns: the lowest priority is served all the same', () => {
  const all = [of('A', 10), of('b', 5), of('c')];
  const order = new Turns(all);
  let served = '';
  for (let look = 0; look < 48; look++) {
    const asked = order.next();
    // The target asks to wait after each call, for as long as four looks take.
    if (look % 4 !== 0) continue;
    order.asked(asked[0]!, true);
    served += asked[0]!.name;
  }
  assert.equal(served, 'AAAbAAAcAAAb');
});
