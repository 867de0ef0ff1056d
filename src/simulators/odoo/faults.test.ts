import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { Faults } from './faults.ts';
import { type Answered, type Bench, bench } from './testing.ts';

const partner = (odoo: Bench, name: string, city: string) =>
  odoo.load('res.partner', ['id', 'name', 'city'], [[`t.${name}`, name, city]]);

const cityOf = async (odoo: Bench, name: string) =>
  (await odoo.read('res.partner', [['name', '=', name]], ['city']))[0]?.city;

/** Waits until the call log says that `count` calls have committed. */
async function committed(odoo: Bench, model: string, count: number): Promise<void> {
  for (;;) {
    const { calls } = await odoo.adminCall('GET', 'calls');
    const done = (calls as { model: string; method: string; committed: string | null }[]).filter(
      (call) => call.model === model && call.method === 'load' && call.committed,
    );
    if (done.length >= count) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

for (const version of [18, 19] as const) {
  describe(`faults on Odoo ${version}`, () => {
    let odoo: Bench;
    const loads = async () =>
      ((await odoo.adminCall('GET', 'calls')).calls as { method: string; committed: string | null }[]).filter(
        (call) => call.method === 'load' && call.committed,
      ).length;
    const arm = (rule: Record<string, string | number>) =>
      odoo.adminCall('POST', 'faults', { method: 'load', limit: 1, ...rule });

    before(async () => {
      odoo = await bench(version);
    });
    beforeEach(() => odoo.adminCall('DELETE', 'faults'));
    after(() => odoo.stop());

    for (const kind of ['cut-before-commit', 'worker-killed']) {
      test(`${kind}: no answer, nothing done`, async () => {
        await arm({ kind });
        await assert.rejects(partner(odoo, kind, 'Rome'), TypeError);
        assert.equal(await cityOf(odoo, kind), undefined);
      });
    }

    test('cut-after-commit: no answer, but done', async () => {
      await arm({ kind: 'cut-after-commit' });
      await assert.rejects(partner(odoo, 'cut', 'Rome'), TypeError);
      assert.equal(await cityOf(odoo, 'cut'), 'Rome');
    });

    test('commit-late: the old content overwrites what came after it', async () => {
      await partner(odoo, 'late', 'Oslo');
      await arm({ kind: 'commit-late', ms: 60 });
      const before = await loads();
      await assert.rejects(partner(odoo, 'late', 'Rome'), TypeError);
      await partner(odoo, 'late', 'Bonn');
      await committed(odoo, 'res.partner', before + 2);
      assert.equal(await cityOf(odoo, 'late'), 'Rome');
      const { writes } = await odoo.adminCall('GET', 'ledger');
      const cities = (writes as { xmlid: string; values: { city?: string } }[])
        .filter((write) => write.xmlid === 't.late')
        .map((write) => write.values.city);
      assert.deepEqual(cities, ['Oslo', 'Bonn', 'Rome']);
    });

    test('latency: slower, but answered', async () => {
      await arm({ kind: 'latency', ms: 5 });
      assert.ok((await partner(odoo, 'slow', 'Rome')).ids);
    });

    test('status: 429 with Retry-After, and nothing done', async () => {
      await arm({ kind: 'status', status: 429, retryAfter: 3 });
      const response = await fetch(`${odoo.url}/jsonrpc`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          jsonrpc: '2.0',
          params: {
            service: 'object',
            method: 'execute_kw',
            args: [odoo.db, odoo.uid, odoo.key, 'res.partner', 'load', [['id', 'name'], [['t.busy', 'busy']]], {}],
          },
        }),
      });
      assert.equal(response.status, 429);
      assert.equal(response.headers.get('retry-after'), '3');
      assert.equal(await cityOf(odoo, 'busy'), undefined);
    });

    test('expired-key: refused as a bad key is', async () => {
      await arm({ kind: 'expired-key' });
      await assert.rejects(
        partner(odoo, 'key', 'Rome'),
        (error: Answered) =>
          error.kind === (version >= 19 ? 'werkzeug.exceptions.Unauthorized' : 'odoo.exceptions.AccessDenied'),
      );
    });

    test('serialization: a message without a name from load, an error elsewhere', async () => {
      await arm({ kind: 'serialization' });
      const answer = await partner(odoo, 'race', 'Rome');
      assert.equal(answer.ids, false);
      assert.match(answer.messages[0]!.message, /could not serialize access due to concurrent update/);
      await odoo.adminCall('POST', 'faults', { kind: 'serialization', method: 'search_read', limit: 1 });
      await assert.rejects(
        cityOf(odoo, 'race'),
        (error: Answered) => error.kind === 'psycopg2.errors.SerializationFailure',
      );
    });
  });
}

test('the same seed strikes the same calls', () => {
  const pattern = (seed: number) => {
    const faults = new Faults(seed);
    faults.add({ kind: 'latency', probability: 0.5 });
    return Array.from({ length: 64 }, () => (faults.strike('sale.order', 'load') ? 1 : 0)).join('');
  };
  assert.equal(pattern(3), pattern(3));
  assert.notEqual(pattern(3), pattern(4));
});

test('exact calls, globs and limits', () => {
  const faults = new Faults(1);
  faults.add({ kind: 'latency', model: 'sale.*', calls: [2, 3], limit: 1 });
  const strikes = ['sale.order', 'res.partner', 'sale.order', 'sale.order.line'].map(
    (model) => faults.strike(model, 'load')?.kind,
  );
  assert.deepEqual(strikes, [undefined, undefined, 'latency', undefined]);
});
