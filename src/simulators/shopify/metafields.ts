import { createHash } from 'node:crypto';
import type { Metafield, Order } from './records.ts';
import type { Shop } from './shop.ts';

/** Where a call names none: the namespace that is reserved for the app that makes it. */
const APP = 'app--1';

const metafieldView = (one: Metafield) => ({
  __typename: 'Metafield',
  ...one,
  compareDigest: createHash('sha256').update(one.value).digest('hex'),
});

export const metafieldOf = (
  { metafields = [] }: Order,
  { namespace, key }: { namespace?: string | null; key: string },
) => {
  const one = metafields.find((field) => field.namespace === (namespace ?? APP) && field.key === key);
  return one ? metafieldView(one) : null;
};

interface Wanted {
  readonly ownerId: string;
  readonly namespace?: string | null;
  readonly key: string;
  readonly type?: string | null;
  readonly value: string;
  /** Given and null: there must be none yet. */
  readonly compareDigest?: string | null;
}

/** `metafieldsSet` on orders: all or nothing; what was changed since it was read is refused where a digest is given. */
export function setMetafields(shop: Shop, { metafields }: { metafields: readonly Wanted[] }) {
  const refused = (index: number, code: string, field: string, message: string) => ({
    metafields: null,
    userErrors: [{ code, elementIndex: index, field: ['metafields', String(index), field], message }],
  });
  for (const [index, wanted] of metafields.entries()) {
    const order = shop.orders.get(wanted.ownerId);
    if (!order) return refused(index, 'INVALID', 'ownerId', 'Owner does not exist.');
    if (wanted.value === '') return refused(index, 'BLANK', 'value', "Value can't be blank.");
    if (wanted.type === 'json' && !isJson(wanted.value))
      return refused(index, 'INVALID_VALUE', 'value', 'Value is invalid JSON.');
    const there = metafieldOf(order, wanted);
    if (!there && !wanted.type) return refused(index, 'BLANK', 'type', "Type can't be blank.");
    if (wanted.compareDigest !== undefined && (there?.compareDigest ?? null) !== wanted.compareDigest)
      return refused(index, 'STALE_OBJECT', 'compareDigest', 'The resource has been updated since it was loaded.');
  }
  return { metafields: metafields.map((wanted) => metafieldView(set(shop, wanted))), userErrors: [] };
}

function set(shop: Shop, { ownerId, namespace, key, type, value }: Wanted): Metafield {
  const order = shop.orders.get(ownerId)!;
  const before = (order.metafields ?? []).find((one) => one.namespace === (namespace ?? APP) && one.key === key);
  const made: Metafield = {
    id: before?.id ?? shop.id('Metafield'),
    namespace: namespace ?? APP,
    key,
    type: type ?? before!.type,
    value,
  };
  order.metafields = [...(order.metafields ?? []).filter((one) => one !== before), made];
  shop.touchOrder(order);
  return made;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
