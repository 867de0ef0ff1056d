import { type Document, mutation } from './document.ts';

/** Where a promise stands with its order: a namespace that templates of mails and the shop's pages can name (`order.metafields.crossdock.promised_at`). */
const PROMISE = { namespace: 'crossdock', key: 'promised_at' } as const;

/** Calls that tell when an order is promised for. */
export const promiseCalls = {
  definePromise: mutation(
    'DefinePromise',
    ['promises'],
    `mutation DefinePromise {
  metafieldDefinitionCreate(definition: {
    name: "Promised for", namespace: "${PROMISE.namespace}", key: "${PROMISE.key}", type: "date_time", ownerType: ORDER
    description: "By when the customer was told to have what is still to come, where it is another time than at checkout."
    access: { customerAccount: READ }
  }) {
    createdDefinition { id }
    userErrors { code field message }
  }
}`,
  ),
  setPromise: mutation(
    'SetPromise',
    ['promises'],
    `mutation SetPromise($id: ID!, $at: String!) {
  metafieldsSet(metafields: [
    { ownerId: $id, namespace: "${PROMISE.namespace}", key: "${PROMISE.key}", type: "date_time", value: $at }
  ]) {
    metafields { id value }
    userErrors { code field message }
  }
}`,
  ),
  withdrawPromise: mutation(
    'WithdrawPromise',
    ['promises'],
    `mutation WithdrawPromise($id: ID!) {
  metafieldsDelete(metafields: [{ ownerId: $id, namespace: "${PROMISE.namespace}", key: "${PROMISE.key}" }]) {
    deletedMetafields { ownerId }
    userErrors { field message }
  }
}`,
  ),
} as const satisfies Record<string, Document>;
