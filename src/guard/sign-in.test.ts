import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { SignIn } from './sign-in.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

function started() {
  const time = { now: 1_000 };
  return { time, signIn: new SignIn({ monotonic: () => time.now }) };
}

test('a link is 256 bits, works once, and looking at it does not use it up', () => {
  const { signIn } = started();
  const token = signIn.issue();
  assert.equal(Buffer.from(token, 'base64url').length, 32);
  assert.ok(signIn.accepts(token) && signIn.accepts(token));
  const value = signIn.redeem(token);
  assert.ok(value && signIn.use(value));
  assert.equal(signIn.accepts(token), false);
  assert.equal(signIn.redeem(token), null);
  assert.equal(signIn.use(token), false, 'the link is not the session');
});

test('what was never given is refused', () => {
  const { signIn } = started();
  signIn.issue();
  for (const token of ['', 'x', 'A'.repeat(43), '\u0000']) {
    assert.equal(signIn.redeem(token), null);
    assert.equal(signIn.use(token), false);
  }
});

test('a link lives 15 minutes', () => {
  const { signIn, time } = started();
  const [early, late] = [signIn.issue(), signIn.issue()];
  time.now += 15 * MINUTE - 1;
  assert.ok(signIn.redeem(early));
  time.now += 1;
  assert.equal(signIn.redeem(late), null);
});

test('a session idles out after 8 hours, and ends after 7 days however busy', () => {
  const { signIn, time } = started();
  const idle = signIn.redeem(signIn.issue())!;
  const busy = signIn.redeem(signIn.issue())!;
  for (let hours = 0; hours < 7 * 24 - 7; hours += 7) {
    time.now += 7 * HOUR;
    assert.equal(signIn.use(busy), true);
  }
  assert.equal(signIn.use(idle), false);
  time.now += 7 * HOUR;
  assert.equal(signIn.use(busy), false);
});

test('8 hours and 7 days, to the moment', () => {
  const { signIn, time } = started();
  const [used, unused, long] = [1, 2, 3].map(() => signIn.redeem(signIn.issue())!) as [string, string, string];
  time.now += 8 * HOUR - 1;
  assert.ok(signIn.use(used) && signIn.use(long));
  time.now += 1;
  assert.deepEqual([signIn.use(unused), signIn.use(used)], [false, true]);
  for (let hours = 8; hours < 7 * 24 - 8; hours += 7) {
    time.now += 7 * HOUR;
    assert.ok(signIn.use(long));
  }
  time.now = 1_000 + 7 * 24 * HOUR - 1;
  assert.ok(signIn.use(long));
  time.now += 1;
  assert.equal(signIn.use(long), false);
});

test('signing out ends that session only', () => {
  const { signIn } = started();
  const [one, two] = [signIn.redeem(signIn.issue())!, signIn.redeem(signIn.issue())!];
  signIn.end(one);
  signIn.end('never given');
  assert.deepEqual([signIn.use(one), signIn.use(two)], [false, true]);
});

test('links and sessions are bounded, the oldest go first', () => {
  const { signIn } = started();
  const links = Array.from({ length: 21 }, () => signIn.issue());
  assert.deepEqual([signIn.accepts(links[0]!), signIn.accepts(links[1]!)], [false, true]);
  const sessions = Array.from({ length: 201 }, () => signIn.redeem(signIn.issue())!);
  assert.deepEqual([signIn.use(sessions[0]!), signIn.use(sessions[1]!)], [false, true]);
});

test('neither tokens nor cookie values stand in its memory', () => {
  const { signIn } = started();
  const [open, used] = [signIn.issue(), signIn.issue()];
  const value = signIn.redeem(used)!;
  const memory = inspect(signIn, { depth: 9, showHidden: true });
  for (const text of [open, used, value]) assert.ok(!memory.includes(text));
});
