import assert from 'node:assert/strict';
import { given } from '../../src/connectors/shopify/documents/given.ts';
import { calls } from '../../src/connectors/shopify/documents/sent.ts';

/** Names of what stands in a value: `input.quantities.quantity`. */
function namesIn(value: unknown, at = ''): string[] {
  if (Array.isArray(value)) return value.flatMap((one) => namesIn(one, at));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, one]) => [`${at}${name}`, ...namesIn(one, `${at}${name}.`)]);
}

/** A request that writes gives Shopify nothing that `given` does not have: else `check` would not see it go. */
export function assertGiven(body: unknown): void {
  const { operationName, variables } = JSON.parse(String(body)) as { operationName: string; variables: object };
  const document = calls.find(({ name }) => name === operationName);
  if (!document?.writes || !given[operationName]) return;
  const known = new Set(namesIn(given[operationName]));
  const unknown = namesIn(variables).filter((name) => !known.has(name));
  assert.deepEqual(unknown, [], `${operationName} is given what src/connectors/shopify/given.ts does not have`);
}
