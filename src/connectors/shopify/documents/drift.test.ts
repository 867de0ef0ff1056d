import assert from 'node:assert/strict';
import { test } from 'node:test';
import { getNamedType, isEnumType, isInputObjectType, type OperationDefinitionNode, parse, typeFromAST } from 'graphql';
import { makeContext } from '../../../../tests/odoo/context.ts';
import type { Finding } from '../../../core/connector.ts';
import { type ShopifyOptions, startShopify } from '../../../simulators/shopify/index.ts';
import { schema } from '../../../simulators/shopify/schema.ts';
import { shopify } from '../index.ts';
import { given } from './given.ts';
import { calls, sent } from './sent.ts';

/** What is said of documents by a shop of 2026-07, and what it was asked for. */
async function told(options: ShopifyOptions): Promise<{ findings: Finding[]; asked: string[]; versions: Set<string> }> {
  const simulator = await startShopify({ bucket: [1e6, 1e6], ...options });
  const versions = new Set<string>();
  const cx = makeContext({
    secrets: { TOKEN: simulator.token },
    fetch: (url, { timeout, ...init } = {}) => {
      versions.add(url.split('/')[5]!);
      return fetch(url, init);
    },
  });
  const { check } = shopify({
    shop: simulator.shop.domain,
    url: simulator.url,
    token: { secret: 'TOKEN' },
    clientSecrets: [{ secret: 'TOKEN' }],
  });
  try {
    const findings: Finding[] = [];
    for await (const finding of check(cx)) if (finding.subject.startsWith('document')) findings.push(finding);
    return { findings, asked: simulator.requests.map(({ operation }) => operation), versions };
  } finally {
    await simulator.stop();
  }
}

test('every document that is sent is held against both versions by the schema that the shop tells, and none is run', async () => {
  const { findings, asked, versions } = await told({});
  const writes = sent.filter((document) => document.writes).length;
  assert.deepEqual(
    findings.map(({ level, message }) => `${level}: ${message}`),
    ['2026-07', '2026-10'].map(
      (version) =>
        `ok: all ${sent.length} that are sent, ${writes} of them to write, are valid on ${version}; none was run`,
    ),
  );
  assert.deepEqual([...versions], ['2026-07', '2026-10']);
  const known = new Set(calls.filter(({ serves }) => !serves.includes('check')).map(({ name }) => name));
  assert.deepEqual(
    asked.filter((name) => known.has(name)),
    [],
  );
  assert.ok(asked.filter((name) => name.startsWith('Schema')).length <= 40, asked.join(' '));
});

for (const [version, level] of [
  ['2026-07', 'error'],
  ['2026-10', 'warning'],
] as const)
  test(`what goes on ${version} is told with the documents, their ports and until when: a field, a field of an input, an enum's value, a bulk query's`, async () => {
    const taken = [
      'ProductVariant.barcode',
      'ProductVariantSetInput.barcode',
      'ProductVariantsBulkInput.compareAtPrice',
      'OrderCancelReason.FRAUD',
    ];
    const { findings } = await told({ takenAway: { [version]: taken } });
    const wrong = findings.filter((finding) => finding.level !== 'ok');
    assert.deepEqual(
      wrong.map(({ subject, ports }) => [subject, ports?.join(' ')]),
      [
        ['document ChangedProducts', 'products'],
        ['document MoreVariants', 'products catalogue'],
        ['document SetProduct', 'catalogue'],
        ['document ProductNow', 'catalogue'],
        ['document VariantsLike', 'catalogue'],
        ['document SetPrices', 'prices'],
        ['document CancelOrder', 'cancellations'],
        ['document ProductsInBulk', 'products'],
      ],
    );
    for (const { level: said, message } of wrong) {
      assert.equal(said, level);
      assert.match(
        message,
        new RegExp(
          `^not valid on ${version}: .*(barcode|compareAtPrice|FRAUD).* 2026-07 is served at least until 2027-07\\.$`,
        ),
      );
    }
    assert.equal(findings.filter((finding) => finding.level === 'ok').length, 1);
  });

test('a shop that does not tell its schema is asked what can be asked, and what is left is said', async () => {
  const { findings } = await told({ introspection: false, takenAway: { '2026-07': ['ProductVariant.barcode'] } });
  const [products, rest] = findings as [Finding, Finding];
  assert.deepEqual(
    [products.level, products.subject, products.ports],
    ['error', 'document ChangedProducts', ['products']],
  );
  assert.equal(rest.level, 'warning');
  assert.match(
    rest.message,
    /12 of 13 documents .* the other \d+, among them all that write, and the next version were not checked/,
  );
});

test('what is given with a document is written down where it is more than ids and texts', () => {
  const bare = sent.filter((document) => {
    const [{ variableDefinitions = [] }] = parse(document.text).definitions as [OperationDefinitionNode];
    const inputs = variableDefinitions.filter(({ type }) => {
      const named = getNamedType(typeFromAST(schema, type)!);
      return isInputObjectType(named) || isEnumType(named);
    });
    return inputs.some(({ variable }) => !given[document.name]?.every((one) => variable.name.value in one));
  });
  assert.deepEqual(
    bare.map(({ name }) => name),
    [],
  );
  assert.deepEqual(
    Object.keys(given).filter((name) => !sent.some((document) => document.name === name)),
    [],
  );
});
