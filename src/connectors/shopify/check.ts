import type { Context, Finding } from '../../core/connector.ts';
import { FaultError } from '../../core/fault.ts';
import { bulkCalls } from './bulk-documents.ts';
import { customerCalls } from './customer-documents.ts';
import { type Document, documents, versions } from './documents.ts';
import { pickupCalls } from './pickup-documents.ts';
import { checkPriceLists } from './price-lists.ts';
import { refundCalls } from './refund-documents.ts';
import { returnCalls } from './return-documents.ts';
import type { Shop } from './shop.ts';
import type { Subscriptions } from './subscriptions.ts';

interface About {
  readonly shop: {
    readonly name: string;
    readonly myshopifyDomain: string;
    readonly currencyCode: string;
    readonly taxesIncluded: boolean;
    readonly ianaTimezone: string;
  };
  readonly publicApiVersions: readonly {
    readonly handle: string;
    readonly supported: boolean;
    readonly displayName: string;
  }[];
  readonly currentAppInstallation: { readonly accessScopes: readonly { readonly handle: string }[] };
}

/** What each port cannot do without; a scope to write includes reading. */
const scopes: readonly (readonly [scope: string, ports: string])[] = [
  ['orders', 'orders'],
  ['customers', 'orders, customers'],
  ['returns', 'orders'],
  ['merchant_managed_fulfillment_orders', 'orders, shipments'],
  ['products', 'products, catalogue, prices'],
  ['inventory', 'stockLevels'],
  ['locations', 'orders, stockLevels'],
];

/** What each port that writes cannot do without. */
const writing: readonly (readonly [scope: string, ports: string])[] = [
  ['orders', 'refunds, returns, cancellations'],
  ['customers', 'customers'],
  ['returns', 'returns'],
  ['merchant_managed_fulfillment_orders', 'shipments'],
  ['products', 'catalogue, prices'],
  ['inventory', 'stockLevels'],
];

const ok = (subject: string, message: string): Finding => ({ level: 'ok', subject, message });
const warning = (subject: string, message: string, hint: string): Finding => ({
  level: 'warning',
  subject,
  message,
  hint,
});
const error = (subject: string, message: string, hint: string): Finding => ({ level: 'error', subject, message, hint });

/** What `crossdock check` says of a shop: reachable, token, version and its end, access scopes, currency, webhooks, locations. Reads only. */
export async function* check(
  shop: Shop,
  subscriptions: readonly Subscriptions[],
  cx: Context,
): AsyncGenerator<Finding> {
  const { domain, version } = shop.settings;
  let told: About;
  try {
    const answer = await shop.answer<About>(documents.shop, {}, cx);
    told = answer.data;
    yield ok('reachable', `${told.shop.name} (${told.shop.myshopifyDomain}) answers`);
    if (answer.version !== null && answer.version !== version)
      yield error(
        'version',
        `version ${version} is no longer served; Shopify answers by ${answer.version}`,
        `set the connection's version to one of ${versions.join(', ')}`,
      );
  } catch (thrown) {
    if (!(thrown instanceof FaultError)) throw thrown;
    return yield error(
      'reachable',
      thrown.message,
      'look at the address of the shop, the access token and the version',
    );
  }
  if (told.shop.myshopifyDomain.toLowerCase() !== domain)
    yield error(
      'shop',
      `this is ${told.shop.myshopifyDomain}, not ${domain}: its webhooks would be passed over`,
      "correct the connection's shop",
    );
  yield* sunset(version, told.publicApiVersions);
  const has = new Set(told.currentAppInstallation.accessScopes.map(({ handle }) => handle));
  const missing = scopes.filter(([name]) => !has.has(`read_${name}`) && !has.has(`write_${name}`));
  yield missing.length === 0
    ? ok('scopes', 'all access scopes to read are there')
    : error(
        'scopes',
        `missing: ${missing.map(([name, ports]) => `read_${name} (${ports})`).join(', ')}`,
        'grant them to the app and install it anew',
      );
  const readsOnly = writing.filter(([name]) => !has.has(`write_${name}`));
  if (readsOnly.length > 0)
    yield warning(
      'scopes',
      `missing to write: ${readsOnly.map(([name, ports]) => `write_${name} (${ports})`).join(', ')}`,
      'grant them to the app where the estate uses these ports',
    );
  if (!has.has('read_all_orders'))
    yield warning('scopes', 'orders older than 60 days are not shown', 'grant read_all_orders where they matter');
  yield ok(
    'money',
    `the shop keeps ${told.shop.currencyCode}, prices ${told.shop.taxesIncluded ? 'with' : 'without'} tax`,
  );
  for (const { secret } of shop.settings.clientSecrets.slice(0, 1))
    yield hasSecret(secret, cx)
      ? ok('client secret', 'the secret that webhooks are signed with is there')
      : error('client secret', `the secret ${secret} is missing`, 'no webhook is taken without it');
  for (const one of subscriptions) yield* one.check(cx);
  yield* checkPriceLists(shop, has, cx);
  yield* drift(shop, cx);
}

function hasSecret(name: string, cx: Context): boolean {
  try {
    return cx.secret(name) !== '';
  } catch {
    return false;
  }
}

/** A version is served for a year; what stands first in Shopify's list of versions that are left is the next to go. */
function* sunset(version: string, all: About['publicApiVersions']): Generator<Finding> {
  const left = all
    .filter(({ handle, supported }) => supported && /^\d{4}-\d{2}$/.test(handle))
    .map(({ handle }) => handle);
  const at = left.sort().indexOf(version);
  if (at === -1) return;
  const [year, month] = version.split('-').map(Number) as [number, number];
  const until = `${year + 1}-${String(month).padStart(2, '0')}`;
  if (at === 0 && left.length > 1)
    yield warning(
      'version',
      `${version} is the oldest version that is served, at least until ${until}`,
      `proved to work: ${versions.join(', ')}`,
    );
  else yield ok('version', `${version}, served at least until ${until}`);
}

/** Asks each reading document for nothing: one that Shopify no longer understands is told with the ports that need it. */
async function* drift(shop: Shop, cx: Context): AsyncGenerator<Finding> {
  const nowhere = 'gid://shopify/Order/0';
  const asked: [Document, object][] = [
    [documents.changedOrders, { query: "updated_at:>='2100-01-01T00:00:00Z'" }],
    [documents.ordersWhole, { ids: [nowhere] }],
    [documents.orderAfter, { id: nowhere }],
    [documents.orderToShip, { id: nowhere }],
    [pickupCalls.handedOver, { id: nowhere }],
    [refundCalls.orderToRefund, { id: nowhere }],
    [refundCalls.orderToCancel, { id: nowhere }],
    [returnCalls.returnsOfOrder, { id: nowhere }],
    [returnCalls.returnable, { id: nowhere }],
    [bulkCalls.ordersCount, { query: '', limit: 1 }],
    [documents.changedProducts, { query: "updated_at:>='2100-01-01T00:00:00Z'" }],
    [customerCalls.changedCustomers, { query: "updated_at:>='2100-01-01T00:00:00Z'" }],
    [documents.stockNow, { ids: ['gid://shopify/ProductVariant/0'], location: 'gid://shopify/Location/0' }],
  ];
  let fits = 0;
  for (const [document, variables] of asked)
    try {
      await shop.call(document, variables, cx);
      fits += 1;
    } catch (thrown) {
      if (!(thrown instanceof FaultError)) throw thrown;
      yield error(`document ${document.name}`, thrown.message, `concerns ${document.serves.join(', ')}`);
    }
  if (fits === asked.length) yield ok('documents', `all ${fits} that read are understood by ${shop.settings.version}`);
}
