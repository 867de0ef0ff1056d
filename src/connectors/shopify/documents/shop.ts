import { type Document, mutation, query } from './document.ts';

/** Calls about the shop itself, and what it tells by webhook. */
export const shopCalls = {
  subscriptions: query(
    'Subscriptions',
    ['orders', 'products', 'customers'],
    `query Subscriptions($after: String) {
  webhookSubscriptions(first: 100, after: $after) {
    pageInfo { hasNextPage endCursor }
    nodes { id topic uri format }
  }
}`,
  ),
  subscribe: mutation(
    'Subscribe',
    ['orders', 'products', 'customers'],
    `mutation Subscribe($topic: WebhookSubscriptionTopic!, $subscription: WebhookSubscriptionInput!) {
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: $subscription) {
    webhookSubscription { id topic uri }
    userErrors { field message }
  }
}`,
  ),
  shop: query(
    'Shop',
    ['check'],
    `query Shop {
  shop { name myshopifyDomain currencyCode taxesIncluded ianaTimezone }
  publicApiVersions { handle supported displayName }
  currentAppInstallation { accessScopes { handle } }
}`,
  ),
  locations: query('Locations', ['check'], `query Locations { locations(first: 100) { nodes { id name isActive } } }`),
} as const satisfies Record<string, Document>;
