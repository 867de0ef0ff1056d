import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Context, RawRequest } from '../../../core/connector.ts';
import { secret } from '../../../core/estate.ts';
import { FaultError } from '../../../core/fault.ts';
import { odoo } from '../index.ts';

const token = 'a-token-of-more-than-24-characters';
const { sources } = odoo({
  url: 'https://erp.example.com',
  database: 'd',
  login: 'hub',
  key: secret('ODOO_KEY'),
  capture: { hints: [secret('OLD'), secret('NEW'), secret('SHORT'), secret('ABSENT')] },
});
const hint = sources['hint-stockLevels']!;
const values: Record<string, string> = { OLD: 'another-token-of-more-than-24-characters', NEW: token, SHORT: 'short' };
const cx = {
  secret: (name: string) => {
    if (values[name] === undefined) throw new Error('no such secret');
    return values[name];
  },
} as unknown as Context;
const request = (query: string, body = '{"_model":"stock.quant","_id":7,"id":7}'): RawRequest => ({
  headers: {},
  query,
  body: Buffer.from(body),
  receivedAt: new Date(),
});

describe('hints of automation rules', () => {
  it('are taken at an address of each source, from whoever knows a token', async () => {
    assert.deepEqual([hint.topic, hint.feeds], ['changed-stock-levels', 'stockLevels']);
    for (const told of [token, values.OLD]) assert.equal(await hint.verify(request(`token=${told}`), cx), true);
    for (const query of ['', 'token=', `token=${token}x`, `token=${token.slice(1)}`, `x=${token}`, 'token=short'])
      assert.equal(await hint.verify(request(query), cx), false, query);
  });

  it('say what changed if it is what it seems, and never more', () => {
    assert.deepEqual(hint.read(request(''), cx), [{ hint: 'stock.quant:7' }]);
    for (const body of ['{}', '[]', 'null', '{"_model":"a b","_id":7}', '{"_model":"stock.quant","_id":"7"}'])
      assert.deepEqual(hint.read(request('', body), cx), [{ hint: 'something' }]);
    assert.throws(() => hint.read(request('', 'x'), cx), FaultError);
  });

  it('are not there without a token', () => {
    const plain = odoo({ url: 'https://erp.example.com', database: 'd', login: 'hub', key: secret('ODOO_KEY') });
    assert.deepEqual(Object.keys(plain.sources), [
      'stockLevels',
      'catalogue',
      'prices',
      'pickings',
      'contacts',
      'creditNotes',
      'returns',
      'orders',
    ]);
  });
});
