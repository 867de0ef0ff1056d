import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type GraphQLEnumType, NoDeprecatedCustomRule, parse, specifiedRules, validate } from 'graphql';
import { inCurrency, versions } from '../../src/connectors/shopify/documents/document.ts';
import { sent } from '../../src/connectors/shopify/documents/sent.ts';
import { stockCalls } from '../../src/connectors/shopify/documents/stock-levels.ts';
import { topics } from '../../src/connectors/shopify/sources/subscriptions.ts';
import { hasRealSchema, realSchema } from './real-schema.ts';

const skip = hasRealSchema() ? false : 'the schema was not fetched: npm run conform:shopify';

for (const version of versions)
  test(`every document that is sent is valid on Shopify ${version}, in either currency, and asks for nothing that will go`, {
    skip,
  }, () => {
    const schema = realSchema(version);
    const wrong = sent.flatMap((document) =>
      (['shop', 'presentment'] as const).flatMap((money) =>
        validate(schema, parse(inCurrency(document, money).text), [...specifiedRules, NoDeprecatedCustomRule]).map(
          ({ message }) => `${document.name} (${document.serves}): ${message}`,
        ),
      ),
    );
    assert.deepEqual(wrong, []);
  });

for (const version of versions)
  test(`every topic that is subscribed to is one of Shopify ${version}'s`, { skip }, () => {
    const known = realSchema(version).getType('WebhookSubscriptionTopic') as GraphQLEnumType;
    for (const topic of Object.values(topics).flat()) {
      const value = known.getValue(topic);
      assert.ok(value, `${topic} is no topic`);
      assert.equal(value.deprecationReason ?? null, null, topic);
    }
  });

test('what Shopify took away is noticed', { skip }, () => {
  const text = stockCalls.setStock.text.replace('@idempotent(key: $key)', '').replace('$key: String!', '');
  const old = text.replace('input: $input', 'input: { name: "available", ignoreCompareQuantity: true }');
  assert.notEqual(old, text);
  const found = validate(realSchema('2026-07'), parse(old)).map(({ message }) => message);
  assert.ok(
    found.some((message) => message.includes('ignoreCompareQuantity')),
    found.join('\n'),
  );
});
