import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type MedusaSimulator, startMedusa } from './index.ts';

describe('a simulated Medusa', () => {
  let medusa: MedusaSimulator;
  before(async () => {
    medusa = await startMedusa();
  });
  after(() => medusa.stop());

  const ask = async (path: string, body?: string) => {
    const response = await fetch(`${medusa.url}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Basic ${Buffer.from(`${medusa.key}:`).toString('base64')}` },
      signal: AbortSignal.timeout(10_000),
      ...(body === undefined ? {} : { body }),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };

  it('answers 500 and why when its own code fails, and goes on', async () => {
    const { status, body } = await ask('/admin/products', '{ this is no JSON');
    assert.equal(status, 500);
    assert.match(String(body.message), /SyntaxError: .*JSON/);
    const { orders } = medusa.shop;
    Object.defineProperty(medusa.shop, 'orders', {
      configurable: true,
      get: () => {
        throw new TypeError('the ledger is torn');
      },
    });
    assert.deepEqual(await ask('/admin/orders'), {
      status: 500,
      body: { type: 'unknown_error', message: 'TypeError: the ledger is torn' },
    });
    Object.defineProperty(medusa.shop, 'orders', { value: orders });
    assert.equal((await ask('/admin/orders')).status, 200);
    assert.deepEqual(
      medusa.requests.map((request) => request.status),
      [500, 500, 200],
    );
  });

  it('answers 500 when what it would say cannot be said', async () => {
    medusa.shop.currencies.push(1n as never);
    assert.equal((await ask('/admin/stores')).status, 500);
    medusa.shop.currencies.pop();
    assert.equal((await ask('/admin/stores')).status, 200);
  });
});
