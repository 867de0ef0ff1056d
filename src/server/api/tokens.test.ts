import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apiWorld, one } from '../../../tests/support/api.ts';
import { type Clock, systemClock } from '../../core/clock.ts';
import { endToken } from '../../guard/tokens.ts';

test('a token that was revoked or has ended is refused within 5 seconds', async (t) => {
  const time = { offset: 0 };
  const clock: Clock = { ...systemClock, monotonic: () => performance.now() + time.offset };
  const world = await apiWorld(t, { ...one, clock });
  const [first, second] = [await world.token({ name: 'first' }), await world.token({ name: 'second' })];
  for (const token of [first, second]) assert.equal((await world.get('/token', token)).status, 200);
  await endToken(world.ledger.db, 'first', { by: 'test', reason: 'lost' });
  await world.ledger.db.query('end', "update api_token set expires_at = now() where name = 'second'");
  time.offset += 4_900;
  for (const token of [first, second]) {
    const { status, body } = await world.get('/token', token);
    assert.deepEqual([status, body.code], [401, 'UNAUTHENTICATED']);
  }
  const { rows } = {
    rows: await world.ledger.db.query('audited', "select action from audit where object like 'token:%' order by id"),
  };
  assert.deepEqual(
    rows.map(({ action }) => action),
    ['token.created', 'token.created', 'token.revoked'],
  );
});

test('a token has so many requests; then it is told when to go on', async (t) => {
  const time = { now: 1_000 };
  const clock: Clock = { ...systemClock, monotonic: () => time.now };
  const world = await apiWorld(t, { ...one, clock, env: { CROSSDOCK_API_RATE: '60' } });
  const [busyOne, other] = [await world.token(), await world.token()];
  const statuses = async (token: string, count: number) => {
    const found: number[] = [];
    for (let n = 0; n < count; n++) found.push((await world.get('/token', token)).status);
    return found;
  };
  assert.deepEqual(await statuses(busyOne, 6), [200, 200, 200, 200, 200, 200]);
  const refused = await world.get('/token', busyOne);
  assert.deepEqual([refused.status, refused.body.code, refused.headers['retry-after']], [429, 'RATE_LIMITED', '1']);
  assert.deepEqual(await statuses(other, 1), [200], 'another token has its own');
  time.now += 1_000;
  assert.deepEqual(await statuses(busyOne, 2), [200, 429]);
  assert.equal((await world.post('/connections/x/pause', busyOne, {})).status, 429, 'before anything else');
});
