import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeContext } from '../../../tests/odoo/context.ts';
import { FaultError } from '../../core/fault.ts';
import type { LedgerView, Lookup } from '../../core/lookup.ts';
import { startRestStore } from '../../simulators/rest-store.ts';
import { restStore } from './index.ts';

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const view = {} as LedgerView;

/** A store that counts and prices some goods, and the connection to it. */
async function world(t: { after(done: () => Promise<void>): void }) {
  const own = {
    levels: new Map([
      ['front/mug', '7'],
      ['front/a/b', '-2'],
      ['front/odd', 'many'],
    ]),
    prices: new Map([['till/mug', { currency: 'EUR', amount: 499 }]]),
  };
  const store = await startRestStore({ seed: 1, token: 't', secret: SECRET, own, now: () => new Date(0) });
  t.after(() => store.stop());
  const { lookups } = restStore({
    url: store.url,
    allowPrivate: true,
    token: { secret: 'TOKEN' },
    signedWith: [{ secret: 'S' }],
    locations: { 'shop-1': 'front' },
  });
  const ask = async (lookup: Lookup, keys: string[], token = 't', secret = SECRET) =>
    (await lookup.look(keys, makeContext({ secrets: { TOKEN: token, S: secret } }), view)).map((one) =>
      one instanceof FaultError ? one.message : one,
    );
  return { own, store, lookups, ask };
}

test('a store is asked for the stock it counts, by the codes of each side; one key that is wrong is that key alone', async (t) => {
  const { lookups, ask } = await world(t);
  const level = (sku: string, available: string) => ({
    id: `shop-1/${sku}`,
    sku,
    location: 'shop-1',
    available,
    asOf: '1970-01-01T00:00:00.000Z',
  });
  const keys = ['shop-1/MUG', 'shop-1/NONE', 'shop-1/A/B', 'nothing', `shop-1/${'X'.repeat(101)}`, 'shop-1/ODD'];
  const said = await ask(lookups.stockLevels as never, keys);
  assert.deepEqual(said.slice(0, 5), [level('MUG', '7'), null, level('A/B', '0'), null, null]);
  assert.match(String(said[5]), /not what the store contract says/);
});

test('and for the prices it keeps', async (t) => {
  const { lookups, ask } = await world(t);
  assert.deepEqual(await ask(lookups.prices as never, ['till/NONE', 'till/MUG']), [
    null,
    { id: 'till/MUG', sku: 'MUG', list: 'till', currency: 'EUR', amount: 499, compareAt: null, includesTax: true },
  ]);
});

test('a store that answers something else, or cannot be asked, says so', async (t) => {
  const { lookups, ask } = await world(t);
  const other = `whsec_${Buffer.alloc(32, 8).toString('base64')}`;
  for (const [token, secret] of [
    ['wrong', SECRET],
    ['t', other],
  ] as const)
    await assert.rejects(
      ask(lookups.prices as never, ['till/MUG'], token, secret),
      /does not accept the token or the sig/,
    );
  const answering = (response: () => Response) => {
    const cx = makeContext({ secrets: { TOKEN: 't', S: SECRET }, fetch: async () => response() });
    return lookups.stockLevels.look(['shop-1/MUG'], cx, view);
  };
  await assert.rejects(
    answering(() => new Response(null, { status: 404 })),
    { fault: { kind: 'refused', message: 'the store does not serve /figures: it cannot be asked' } },
  );
  await assert.rejects(
    answering(() => Response.json({ levels: [] })),
    /answered 0 levels for 1/,
  );
  for (const garbage of ['<html>', '{"prices":[null]}'])
    await assert.rejects(
      answering(() => new Response(garbage)),
      ({ fault }: FaultError) => fault.kind === 'transient',
    );
  const tea = { location: 'front', sku: 'TEA', available: '1', asOf: '2026-05-01T10:00:00Z' };
  const [wrong] = await answering(() => Response.json({ levels: [tea] }));
  assert.match((wrong as FaultError).message, /answered with sku 'TEA' where 'MUG' was asked for/);
  const [never] = await answering(() =>
    Response.json({ levels: [{ ...tea, sku: 'mug', asOf: '2026-02-30T10:00:00Z' }] }),
  );
  assert.match((never as FaultError).message, /'2026-02-30T10:00:00Z', which is no moment/);
  const problem = 'is being counted';
  const [untold] = await answering(() => Response.json({ levels: [{ location: 'front', sku: 'MUG', problem }] }));
  assert.match((untold as FaultError).message, /the store says: is being counted/);
});
