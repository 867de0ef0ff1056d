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
    if (wanted.type === 'date_time' && Number.isNaN(Date.parse(wanted.value)))
      return refused(index, 'INVALID_VALUE', 'value', 'Value must be in “YYYY-MM-DDTHH:MM:SS” format.');
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
    value: type === 'date_time' ? `${new Date(value).toISOString().slice(0, 19)}+00:00` : value,
  };
  order.metafields = [...(order.metafields ?? []).filter((one) => one !== before), made];
  shop.touchOrder(order);
  return made;
}

interface Named {
  readonly ownerId: string;
  readonly namespace: string;
  readonly key: string;
}

/** `metafieldsDelete` on orders: null for one that is not there. */
export function deleteMetafields(shop: Shop, { metafields }: { metafields: readonly Named[] }) {
  const deletedMetafields = metafields.map((named) => {
    const order = shop.orders.get(named.ownerId);
    if (!order || metafieldOf(order, named) === null) return null;
    order.metafields = order.metafields!.filter(
      ({ namespace, key }) => namespace !== named.namespace || key !== named.key,
    );
    shop.touchOrder(order);
    return named;
  });
  return { deletedMetafields, userErrors: [] };
}

/** `metafieldDefinitionCreate`: once for each owner, namespace and key. */
export function defineMetafield(
  shop: Shop,
  {
    definition: { namespace, key, name, ownerType },
  }: {
    definition: {
      readonly namespace?: string | null;
      readonly key: string;
      readonly name: string;
      readonly ownerType: string;
    };
  },
) {
  const made = { id: shop.id('MetafieldDefinition'), namespace: namespace ?? APP, key, name };
  const id = `${ownerType} ${made.namespace} ${key}`;
  if (shop.metafieldDefinitions.has(id)) {
    const message = `Key is in use for ${ownerType} metafields on the '${made.namespace}' namespace.`;
    return { createdDefinition: null, userErrors: [{ code: 'TAKEN', field: ['definition', 'key'], message }] };
  }
  shop.metafieldDefinitions.add(id);
  return { createdDefinition: made, userErrors: [] };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
