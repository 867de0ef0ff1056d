import type { Context, Finding } from '../../../core/connector.ts';
import { compare, decimal } from '../../../core/decimal.ts';
import { FaultError, rejected } from '../../../core/fault.ts';
import type { Price } from '../../../model/price.ts';
import { priceListCalls } from '../documents/price-lists.ts';
import { allOf, type Page } from '../pages.ts';
import type { Shop } from '../shop.ts';
import { held, type Sent, textOf, type Wanted } from './price-sending.ts';

type TaxStrategy = 'ADD_TAXES_AT_CHECKOUT' | 'INCLUDES_TAXES_IN_PRICE' | 'INCLUDES_TAXES_IN_PRICE_BASED_ON_COUNTRY';

interface Market {
  readonly name: string;
  readonly priceInclusions: { readonly inclusiveTaxPricingStrategy: TaxStrategy } | null;
}

interface Node {
  readonly __typename: string;
  readonly id: string;
  readonly name: string;
  readonly currency: string;
  /** Catalogs of company locations and of apps name no markets. */
  readonly catalog: { readonly id: string; readonly markets?: Page<Market> } | null;
}

interface Told {
  readonly shop: { readonly taxesIncluded: boolean };
  readonly nodes: readonly (Node | null)[];
}

/** A price list of the shop's: its currency, and which of its markets sell with or without tax within the price. */
interface PriceList {
  readonly name: string;
  readonly currency: string;
  readonly markets: readonly { readonly name: string; readonly taxesIncluded: boolean }[];
}

/** Lists that one call asks for: each costs some 45 points, and Shopify takes no call of more than 1000. */
const LISTS = 20;

/**
 * The price lists of these ids that are there, with all markets of each. Whether prices include tax is decided market by market; where a market goes by its customer's country, or
 * a list belongs to none, by the shop. Needs the scope `read_markets`.
 *
 * @see https://shopify.dev/docs/api/admin-graphql/2026-07/enums/InclusiveTaxPricingStrategy
 */
export async function readPriceLists(shop: Shop, ids: readonly string[], cx: Context): Promise<Map<string, PriceList>> {
  const found = new Map<string, PriceList>();
  for (let at = 0; at < ids.length; at += LISTS) {
    const told = await shop.call<Told>(priceListCalls.priceLists, { ids: ids.slice(at, at + LISTS) }, cx);
    for (const node of told.nodes)
      if (node?.__typename === 'PriceList')
        found.set(node.id, listOf(node, await marketsOf(shop, node, cx), told.shop.taxesIncluded));
  }
  return found;
}

const marketsOf = async (shop: Shop, { id, catalog }: Node, cx: Context): Promise<Market[]> =>
  catalog?.markets
    ? allOf(catalog.markets, async (after) => {
        const { nodes } = await shop.call<Told>(priceListCalls.priceLists, { ids: [id], after }, cx);
        return nodes[0]?.catalog?.markets;
      })
    : [];

function listOf({ name, currency }: Node, all: readonly Market[], taxesIncluded: boolean): PriceList {
  const includes = ({ priceInclusions }: Market): boolean => {
    const strategy = priceInclusions?.inclusiveTaxPricingStrategy;
    if (strategy === 'ADD_TAXES_AT_CHECKOUT') return false;
    return strategy === 'INCLUDES_TAXES_IN_PRICE' || taxesIncluded;
  };
  const markets = all.map((one) => ({ name: one.name, taxesIncluded: includes(one) }));
  return { name, currency, markets: markets.length > 0 ? markets : [{ name, taxesIncluded }] };
}

/** What is wrong with a price for the list that it should go to, or null. */
export function wrongWithList({ id, list, currency, includesTax }: Price, found: PriceList | undefined) {
  if (!found)
    return rejected(
      `Price ${id}: the price list that '${list}' stands for is not in the shop (any more). Correct the connection's priceLists.`,
      'price-list-gone',
      'list',
    );
  if (currency !== found.currency)
    return rejected(
      `Price ${id} is in ${currency}, price list '${found.name}' of the shop in ${found.currency}.`,
      'other-currency',
      'currency',
    );
  const other = found.markets.find(({ taxesIncluded }) => taxesIncluded !== includesTax);
  if (!other) return null;
  const [has, wants] = includesTax ? ['includes', 'without'] : ['does not include', 'with'];
  return rejected(
    `Price ${id} ${has} tax, market '${other.name}' of price list '${found.name}' sells at prices ${wants} it.`,
    'other-tax',
    'includesTax',
  );
}

interface SetPrices {
  readonly priceListFixedPricesAdd: {
    readonly prices:
      | readonly {
          readonly variant: { readonly id: string };
          readonly price: { readonly amount: string; readonly currencyCode: string };
        }[]
      | null;
    readonly userErrors: Sent['errors'];
  } | null;
}

/** Sends fixed prices of one list, at most 250: each takes the place of the one that its variant had there. */
export async function sendListPrices(shop: Shop, list: string, open: readonly Wanted[], cx: Context): Promise<Sent> {
  const prices = open.map(({ variant, item: { document } }) => {
    const { currency: currencyCode, amount, compareAt } = document;
    return {
      variantId: variant,
      price: { amount: textOf(document, amount), currencyCode },
      compareAtPrice: compareAt === null ? null : { amount: textOf(document, compareAt), currencyCode },
    };
  });
  const told = (await shop.call<SetPrices>(priceListCalls.setListPrices, { list, prices }, cx)).priceListFixedPricesAdd;
  return {
    errors: told?.userErrors ?? [],
    resultOf: ({ variant, item: { document } }) => {
      const set = told?.prices?.find((one) => one.variant.id === variant)?.price;
      const right =
        set?.currencyCode === document.currency &&
        compare(decimal(set.amount), decimal(textOf(document, document.amount))) === 0;
      return held(right, `${list} ${variant}`, 'set');
    },
  };
}

/**
 * Which of the lists that the connection's `priceLists` names the shop has, in which currency, with or without tax; and which lists it has that no prices go to,
 * with their ids.
 */
export async function* checkPriceLists(shop: Shop, scopes: ReadonlySet<string>, cx: Context): AsyncGenerator<Finding> {
  const error = (subject: string, message: string, hint: string): Finding => ({
    level: 'error',
    subject,
    message,
    hint,
  });
  const wanted = [...shop.settings.priceLists];
  try {
    const { priceLists } = await shop.call<{ priceLists: Page<Node> }>(priceListCalls.allPriceLists, {}, cx);
    const others = priceLists.nodes.filter((node) => !wanted.some(([, id]) => id === node.id));
    const shown = others.map(({ id, name, currency }) => `'${name}' in ${currency} (${id})`).join(', ');
    const more = priceLists.pageInfo.hasNextPage ? ', and others' : '';
    if (shown !== '') yield { level: 'ok', subject: SUBJECT, message: `no prices go to ${shown}${more}` };
    if (wanted.length === 0) return;
    if (!scopes.has('read_markets') && !scopes.has('write_markets'))
      return yield error(
        'scopes',
        'missing: read_markets (prices of the lists in priceLists)',
        'grant it to the app and install it anew',
      );
    const ids = wanted.map(([, id]) => id);
    const found = await readPriceLists(shop, ids, cx);
    for (const [list, id] of wanted) yield findingOf(list, id, found.get(id));
  } catch (thrown) {
    if (!(thrown instanceof FaultError)) throw thrown;
    yield error(SUBJECT, thrown.message, 'concerns prices');
  }
}

const SUBJECT = 'price lists';

function findingOf(list: string, id: string, found: PriceList | undefined): Finding {
  const at = { level: 'error', subject: SUBJECT } as const;
  if (!found)
    return {
      ...at,
      message: `'${list}' stands for ${id}, which the shop does not have`,
      hint: "correct the connection's priceLists",
    };
  const { name, currency, markets } = found;
  const taxes = new Set(markets.map(({ taxesIncluded }) => taxesIncluded));
  if (taxes.size > 1)
    return {
      ...at,
      message: `markets of '${name}' sell partly with and partly without tax: no price fits all of them`,
      hint: 'give each kind a catalog and a price list of its own',
    };
  const how = taxes.has(true) ? 'with' : 'without';
  return { level: 'ok', subject: SUBJECT, message: `'${list}' is '${name}' in ${currency}, prices ${how} tax` };
}
