import { milliseconds } from '../../core/clock.ts';
import type { Context, Finding } from '../../core/connector.ts';
import { FaultError } from '../../core/fault.ts';
import { versions } from './documents/document.ts';
import { drift } from './documents/drift.ts';
import { shopCalls } from './documents/shop.ts';
import type { Shop } from './shop.ts';
import { checkPriceLists } from './sinks/price-lists.ts';
import type { Subscriptions } from './sources/subscriptions.ts';

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
  ['orders', 'refunds, returns, cancellations, promises'],
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

/** What `crossdock check` says of a shop: reachable, token, version and its end, access scopes, currency, webhooks, price lists, and whether all that is sent still fits. Reads only. */
export async function* check(
  shop: Shop,
  subscriptions: readonly Subscriptions[],
  cx: Context,
): AsyncGenerator<Finding> {
  const { domain, version } = shop.settings;
  let told: About;
  try {
    const answer = await shop.answer<About>(shopCalls.shop, {}, cx);
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
  yield* watched(shop);
  for (const one of subscriptions) yield* one.check(cx);
  yield* checkPriceLists(shop, has, cx);
  yield* drift(shop, { next: nextOf(version, told.publicApiVersions), until: endOf(version) }, cx);
}

/** Longest that a subscription which Shopify deleted should be missed. */
const LONGEST_GAP = milliseconds('10m');

/** Subscriptions are looked after by the polls: rarer polls find a lost one later. */
function* watched({ settings: { hub, every } }: Shop): Generator<Finding> {
  if (hub === undefined || milliseconds(every) <= LONGEST_GAP) return;
  yield warning(
    'webhooks',
    `\`every\` is ${milliseconds(every) / 60_000} minutes: a subscription that has gone is made again, and what it would have told is read, so much later`,
    'set `every` of the connection to 10m or less',
  );
}

function hasSecret(name: string, cx: Context): boolean {
  try {
    return cx.secret(name) !== '';
  } catch {
    return false;
  }
}

/** The month until which a version is served at least. */
function endOf(version: string): string {
  const [year, month] = version.split('-').map(Number) as [number, number];
  return `${year + 1}-${String(month).padStart(2, '0')}`;
}

/** The version after this one, a candidate too: Shopify lists it as not supported yet. */
function nextOf(version: string, all: About['publicApiVersions']): string | null {
  const later = all.map(({ handle }) => handle).filter((handle) => /^\d{4}-\d{2}$/.test(handle) && handle > version);
  return later.sort()[0] ?? null;
}

/** A version is served for a year; what stands first in Shopify's list of versions that are left is the next to go. */
function* sunset(version: string, all: About['publicApiVersions']): Generator<Finding> {
  const left = all
    .filter(({ handle, supported }) => supported && /^\d{4}-\d{2}$/.test(handle))
    .map(({ handle }) => handle);
  const at = left.sort().indexOf(version);
  if (at === -1) return;
  const until = endOf(version);
  if (at === 0 && left.length > 1)
    yield warning(
      'version',
      `${version} is the oldest version that is served, at least until ${until}`,
      `proved to work: ${versions.join(', ')}`,
    );
  else yield ok('version', `${version}, served at least until ${until}`);
}
