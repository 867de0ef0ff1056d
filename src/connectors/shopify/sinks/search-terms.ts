/**
 * A search for records that have one of these values in the field named with it: `sku:"MUG-1" OR barcode:"5400000000017"`. Shopify compares in whatever letter
 * case, and words within a value too: what is found must be looked at again.
 *
 * @see https://shopify.dev/docs/api/usage/search-syntax
 */
export const anyOf = (terms: readonly (readonly [field: string, value: string])[]): string =>
  terms.map(([field, value]) => `${field}:"${value.replace(/["\\]/g, '\\$&')}"`).join(' OR ');
