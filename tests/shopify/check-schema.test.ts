import assert from 'node:assert/strict';
import { test } from 'node:test';
import { execute, parse } from 'graphql';
import { versions } from '../../src/connectors/shopify/documents/document.ts';
import { sent } from '../../src/connectors/shopify/documents/sent.ts';
import { shopify } from '../../src/connectors/shopify/index.ts';
import { startShopify } from '../../src/simulators/shopify/index.ts';
import { makeContext } from '../odoo/context.ts';
import { hasRealSchema, realSchema } from './real-schema.ts';

const skip = hasRealSchema() ? false : 'the schema was not fetched: npm run conform:shopify';

test('check reads the schema that Shopify publishes in few calls, and every document with all that it is given is valid by it', {
  skip,
}, async (t) => {
  const simulator = await startShopify({ bucket: [1e6, 1e6] });
  t.after(() => simulator.stop());
  const schemas = new Map(versions.map((version) => [version as string, realSchema(version)]));
  const asked = { calls: 0, most: 0 };
  const cx = makeContext({
    secrets: { TOKEN: simulator.token },
    fetch: async (url, { timeout, ...init } = {}) => {
      const { query, operationName } = JSON.parse(String(init.body)) as { query: string; operationName: string };
      if (!operationName.startsWith('Schema')) return fetch(url, init);
      const version = url.split('/')[5]!;
      const told = JSON.stringify(await execute({ schema: schemas.get(version)!, document: parse(query) }));
      asked.calls += 1;
      asked.most = Math.max(asked.most, told.length);
      return new Response(told, { headers: { 'x-shopify-api-version': version } });
    },
  });
  const { check } = shopify({
    shop: simulator.shop.domain,
    url: simulator.url,
    token: { secret: 'TOKEN' },
    clientSecrets: [{ secret: 'TOKEN' }],
  });
  const told: string[] = [];
  for await (const { level, subject, message } of check(cx))
    if (subject.startsWith('document')) told.push(`${level} ${subject}: ${message}`);
  const writes = sent.filter((document) => document.writes).length;
  assert.deepEqual(
    told,
    versions.map(
      (version) =>
        `ok documents: all ${sent.length} that are sent, ${writes} of them to write, are valid on ${version}; none was run`,
    ),
  );
  t.diagnostic(`${asked.calls} calls for ${versions.length} versions, the largest answer ${asked.most} bytes`);
  assert.ok(asked.calls <= 20 * versions.length, String(asked.calls));
});
