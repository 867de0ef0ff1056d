import type { Context } from '../../core/connector.ts';
import { rejected } from '../../core/fault.ts';
import type { CatalogueItem } from '../../model/catalogue-item.ts';
import { sameSku, variantLike } from '../../model/catalogue-match.ts';
import type { Held, Variant } from './catalogue-candidates.ts';
import { listed, type Shop } from './shop.ts';
import { isRefusal } from './sink.ts';

type Wanted = CatalogueItem['variants'][number];

/** SKUs asked for in one address. */
const MOST_SKUS = 100;

/** Medusa sells nothing without an option: what its own admin names one that is no choice. */
const NO_OPTION = { title: 'Default option', value: 'Default option value', variant: 'Default variant' };

const titlesOf = ({ options }: CatalogueItem): readonly string[] =>
  options.length === 0 ? [NO_OPTION.title] : options;
const valuesOf = ({ options }: CatalogueItem, { values }: Wanted): readonly string[] =>
  options.length === 0 ? [NO_OPTION.value] : values;
const titleOf = ({ options }: CatalogueItem, { values }: Wanted): string =>
  options.length === 0 ? NO_OPTION.variant : values.join(' / ');

/** Throws `rejected` for an item that is none of Medusa's, which itself takes two variants of the same values. */
export function assertFits(item: CatalogueItem): void {
  const known = new Map<string, string>();
  for (const variant of item.variants) {
    const { sku, values } = variant;
    if (valuesOf(item, variant).length !== titlesOf(item).length)
      throw rejected(
        `Item ${item.id}: variant ${sku} has ${values.length} values for ${item.options.length} options.`,
        'options-differ',
        'variants',
      );
    const choice = JSON.stringify(valuesOf(item, variant));
    const other = known.get(choice);
    if (other !== undefined)
      throw rejected(`Item ${item.id}: variants ${other} and ${sku} have the same values.`, 'same-values', 'variants');
    known.set(choice, sku);
  }
}

/** What is not for sale any more is a draft: Medusa has no archive. */
export const fieldsOf = ({ title, description, status }: CatalogueItem) => ({
  title,
  description,
  status: status === 'active' ? 'published' : 'draft',
});

/** Each option with all values that variants have. */
export const optionsOf = (item: CatalogueItem): { title: string; values: string[] }[] =>
  titlesOf(item).map((title, n) => ({
    title,
    values: [...new Set(item.variants.map((variant) => valuesOf(item, variant)[n]!))],
  }));

const choiceOf = (item: CatalogueItem, variant: Wanted): Record<string, string> =>
  Object.fromEntries(titlesOf(item).map((title, n) => [title, valuesOf(item, variant)[n]!]));

/** Variants as they are made: counted, not sold beyond what is there, and without a price, so that nobody can buy them before theirs comes. */
export async function newVariants(shop: Shop, item: CatalogueItem, variants: readonly Wanted[], cx: Context) {
  const items = await inventoryOf(shop, variants, cx);
  return variants.map((variant) => {
    const { sku, barcode, weight } = variant;
    const known = items.get(sku);
    return {
      ...{ title: titleOf(item, variant), sku, barcode, options: choiceOf(item, variant), prices: [] },
      ...{ manage_inventory: true, allow_backorder: false },
      ...(weight === null ? {} : { weight }),
      ...(known ? { inventory_items: [{ inventory_item_id: known, required_quantity: 1 }] } : {}),
    };
  });
}

/** Inventory items that Medusa has by SKUs, such as of a variant that somebody took away: it makes no second one. */
async function inventoryOf(
  shop: Shop,
  variants: readonly Pick<Wanted, 'sku'>[],
  cx: Context,
): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (let from = 0; from < variants.length; from += MOST_SKUS) {
    const skus = variants.slice(from, from + MOST_SKUS).map(({ sku }) => sku);
    const query = { 'sku[]': skus, limit: String(MOST_SKUS), fields: 'id,sku' };
    type Told = { inventory_items: { id: string; sku: string }[] };
    const told = await shop.read<Told>('/admin/inventory-items', query, cx);
    for (const { id, sku } of told.inventory_items) found.set(sku, id);
  }
  return found;
}

/** One thing to be changed. */
export type Step = () => Promise<unknown>;

interface Aim {
  readonly shop: Shop;
  readonly item: CatalogueItem;
  /** Stock locations that every variant is counted at. */
  readonly locations: readonly string[];
  /** Variants that Medusa did not let go. */
  readonly stuck: Set<string>;
  readonly cx: Context;
}

/**
 * What is to be done until a product is what the item says, in this order; nothing where it is. What is not sold any more goes first, so that its values are free
 * for what comes.
 */
export function stepsTo(aim: Aim, held: Held): Step[] {
  const { shop, item, cx } = aim;
  const path = `/admin/products/${held.id}`;
  const steps: Step[] = [];
  const wanted = fieldsOf(item);
  const now = { title: held.title, description: held.description ?? '', status: held.status };
  if (JSON.stringify(now) !== JSON.stringify(wanted))
    steps.push(() => shop.write('a product', `${path}?fields=id`, wanted, cx));
  const kept = new Set(item.variants.map((variant) => variantLike(held.variants, variant)));
  for (const variant of held.variants)
    if (!kept.has(variant) && !aim.stuck.has(variant.id)) steps.push(() => takeOff(aim, path, variant));
  steps.push(...optionSteps(aim, held));
  const update = item.variants.flatMap((variant) => {
    const one = variantLike(held.variants, variant);
    const changes = one ? changesOf(item, variant, one) : {};
    return Object.keys(changes).length === 0 ? [] : { id: one!.id, ...changes };
  });
  const batch = `${path}/variants/batch`;
  if (update.length > 0) steps.push(() => shop.write('variants', batch, { update }, cx));
  const fresh = item.variants.filter((variant) => !variantLike(held.variants, variant));
  if (fresh.length > 0)
    steps.push(async () => shop.write('variants', batch, { create: await newVariants(shop, item, fresh, cx) }, cx));
  return [...steps, ...stockSteps(aim, held)];
}

/** A variant goes. One that open orders have reserved Medusa does not let go: it loses its prices, so that nobody can buy it, and goes with a later change. */
async function takeOff({ shop, stuck, cx }: Aim, path: string, { id, sku, prices }: Variant): Promise<void> {
  try {
    await shop.remove('a variant', `${path}/variants/${id}`, cx);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    if (listed(prices, `the prices of ${sku ?? id}`).length > 0)
      await shop.write('a variant', `${path}/variants/${id}?fields=id`, { prices: [] }, cx);
    else stuck.add(id);
  }
}

/** Options by their titles; one that the item has no more becomes one that it has anew, for Medusa takes none from a product with variants. */
function optionSteps({ shop, item, cx }: Aim, { id, title, options }: Held): Step[] {
  const wanted = optionsOf(item);
  const spare = options.filter((one) => !wanted.some((option) => option.title === one.title));
  const named = new Map(options.map((one) => [one.title, one]));
  const steps: Step[] = [];
  for (const option of wanted) {
    const one = named.has(option.title) ? undefined : spare.find(({ is_exclusive }) => is_exclusive);
    if (!one) continue;
    spare.splice(spare.indexOf(one), 1);
    named.set(option.title, one);
    steps.push(() => shop.write('an option', `/admin/product-options/${one.id}`, { title: option.title }, cx));
  }
  const update = wanted.flatMap((option) => {
    const one = named.get(option.title);
    const values = option.values.filter((value) => one && !one.values.some((held) => held.value === value));
    return values.length === 0 ? [] : { product_option_id: one!.id, add: values.map((value) => ({ value })) };
  });
  const add = wanted.filter((option) => !named.has(option.title)).map((option) => ({ ...option, is_exclusive: true }));
  const path = `/admin/products/${id}/options/batch?fields=id`;
  if (update.length + add.length > 0) steps.push(() => shop.write('options', path, { update, add }, cx));
  if (spare.length > 0)
    steps.push(async () => {
      try {
        await shop.write('options', path, { remove: spare.map((one) => one.id) }, cx);
      } catch (error) {
        if (!isRefusal(error)) throw error;
        throw rejected(
          `Medusa's product '${title}' (${id}) has the option ${spare.map((one) => one.title).join(', ')}, which item ${item.id} does not have, and Medusa takes no option from variants: delete the product's variants there, then retry.`,
          'options-differ',
          'options',
        );
      }
    });
  return steps;
}

/** What of a variant is not as the item has it. */
function changesOf(item: CatalogueItem, variant: Wanted, held: Variant): object {
  const { sku, barcode, weight } = variant;
  const title = titleOf(item, variant);
  const choice = choiceOf(item, variant);
  const has = new Map(held.options.map(({ value, option }) => [option.title, value]));
  const chosen = has.size === titlesOf(item).length && titlesOf(item).every((name) => has.get(name) === choice[name]);
  const coded = barcode === null ? held.barcode === null : [held.barcode, held.ean, held.upc].includes(barcode);
  return {
    ...(held.title === title ? {} : { title }),
    ...(sameSku(held, sku) ? {} : { sku }),
    ...(coded ? {} : { barcode }),
    ...(weight === null || held.weight === weight ? {} : { weight }),
    ...(held.manage_inventory ? {} : { manage_inventory: true }),
    ...(chosen ? {} : { options: choice }),
  };
}

/** Each variant that is counted stands at every location: with nothing, until its level comes. Of kits the parts are counted, which are none of the item's. */
function stockSteps({ shop, item, locations, cx }: Aim, held: Held): Step[] {
  const counted = held.variants.filter(
    (one) => one.manage_inventory && item.variants.some((variant) => sameSku(one, variant.sku)),
  );
  const steps: Step[] = counted
    .filter((one) => one.inventory_items.length === 0)
    .map((one) => () => count(shop, held.id, one, cx));
  const create = counted.flatMap(({ inventory_items: [one, ...parts] }) =>
    !one || parts.length > 0
      ? []
      : locations
          .filter((id) => !one.inventory?.location_levels.some(({ location_id }) => location_id === id))
          .map((location_id) => ({ inventory_item_id: one.inventory_item_id, location_id })),
  );
  if (create.length > 0)
    steps.push(() => shop.write('stock levels', '/admin/inventory-items/location-levels/batch', { create }, cx));
  return steps;
}

/** Gives a variant what it is counted by: a Medusa that stopped while it made one left it without. */
async function count(shop: Shop, product: string, { id, sku, title }: Variant, cx: Context): Promise<void> {
  const path = '/admin/inventory-items';
  const known = (await inventoryOf(shop, [{ sku: sku! }], cx)).get(sku!);
  const item =
    known ??
    (await shop.write<{ inventory_item: { id: string } }>('an inventory item', path, { sku, title }, cx)).inventory_item
      .id;
  const link = { inventory_item_id: item, required_quantity: 1 };
  await shop.write(
    'an inventory item',
    `/admin/products/${product}/variants/${id}/inventory-items?fields=id`,
    link,
    cx,
  );
}
