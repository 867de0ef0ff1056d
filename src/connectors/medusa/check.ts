import type { Context, Finding } from '../../core/connector.ts';
import { FaultError } from '../../core/fault.ts';
import type { Shop } from './shop.ts';

/** What each port cannot do without: asked for one record, or none. */
const needed: readonly (readonly [path: string, list: string, fields: string, ports: string])[] = [
  ['/admin/orders', 'orders', 'id,items.detail.*,returns.*', 'orders, shipments'],
  ['/admin/payments', 'payments', 'id,payment_collection.order.id', 'orders'],
  ['/admin/returns', 'returns', 'id,items.*', 'returns'],
  ['/admin/products', 'products', 'id', 'products, prices, catalogue'],
  ['/admin/product-variants', 'variants', 'id,inventory_items.*', 'products, prices, stockLevels, catalogue'],
  ['/admin/inventory-items', 'inventory_items', 'id', 'stockLevels, catalogue'],
  ['/admin/shipping-profiles', 'shipping_profiles', 'id', 'catalogue'],
  ['/admin/price-preferences', 'price_preferences', 'id', 'prices'],
];

const ok = (subject: string, message: string): Finding => ({ level: 'ok', subject, message });
const wrong = (level: 'warning' | 'error', subject: string, message: string, hint: string): Finding => ({
  level,
  subject,
  message,
  hint,
});

/**
 * What `crossdock check` says of a shop: reachable, key, what the key may read for which ports, currencies, locations, notices. Reads only. Medusa does not tell its
 * version, so what each port needs of it is asked for instead.
 */
export async function* check(shop: Shop, cx: Context): AsyncGenerator<Finding> {
  let stores: { name: string; supported_currencies: { currency_code: string }[] }[];
  try {
    const fields = 'id,name,supported_currencies.currency_code';
    ({ stores } = await shop.read<{ stores: typeof stores }>('/admin/stores', { fields }, cx));
  } catch (thrown) {
    if (!(thrown instanceof FaultError)) throw thrown;
    return yield wrong('error', 'reachable', thrown.message, 'look at the address and the secret API key (sk_…)');
  }
  yield ok('reachable', `${stores[0]?.name ?? 'the shop'} answers; Medusa does not say which version it is`);
  const currencies = stores.flatMap((store) => store.supported_currencies.map((one) => one.currency_code));
  yield ok('money', `sells in ${currencies.map((code) => code.toUpperCase()).join(', ')}`);
  let fits = 0;
  for (const [path, list, fields, ports] of needed)
    try {
      const told = await shop.read<Record<string, unknown>>(path, { fields, limit: '1' }, cx);
      if (Array.isArray(told[list])) fits += 1;
      else yield wrong('error', path, `the answer has no ${list}: another version of Medusa?`, `concerns ${ports}`);
    } catch (thrown) {
      if (!(thrown instanceof FaultError)) throw thrown;
      yield wrong('error', path, thrown.message, `give the key's user the right to it; concerns ${ports}`);
    }
  if (fits === needed.length) yield ok('rights', 'the key may read all that the ports need; rights to write are seen');
  const { stock_locations } = await shop
    .read<{ stock_locations: { id: string; name: string }[] }>('/admin/stock-locations', { fields: 'id,name' }, cx)
    .catch(() => ({ stock_locations: [] }));
  const table = `${shop.settings.tables}-locations`;
  for (const { id, name } of stock_locations)
    yield cx.mapping(table).find(id) === null
      ? wrong('warning', `location ${name}`, `Mapping table '${table}' has no row for ${id}`, 'add it, both ways')
      : ok(`location ${name}`, `is ${cx.mapping(table).find(id)}`);
  if (shop.settings.signedWith.length === 0)
    yield wrong('warning', 'notices', 'Medusa sends no notices: changes are found by polling', 'docs: Notices');
}
