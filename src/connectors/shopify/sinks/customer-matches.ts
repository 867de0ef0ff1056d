import type { Context, Item, Match } from '../../../core/connector.ts';
import type { Customer } from '../../../model/customer.ts';
import { customerCalls } from '../documents/customers.ts';
import { allOf, type Page } from '../pages.ts';
import type { Shop } from '../shop.ts';
import { anyOf } from './search-terms.ts';

interface Found {
  readonly id: string;
  readonly defaultEmailAddress: { readonly emailAddress: string } | null;
}

/** Addresses that are searched for in one call. */
const MOST = 40;

const mailOf = (text: string | null | undefined): string => text?.trim().toLowerCase() ?? '';

/** Customers that the shop has with the same e-mail address, one answer per item, same order. */
export async function customersAlike(shop: Shop, items: readonly Item<Customer>[], cx: Context): Promise<Match[]> {
  const mails = [...new Set(items.map(({ document }) => mailOf(document.email)))].filter((mail) => mail !== '');
  const found: Found[] = [];
  for (let from = 0; from < mails.length; from += MOST) {
    const query = anyOf(mails.slice(from, from + MOST).map((mail) => ['email', mail] as const));
    const ask = async (after: string | null) =>
      (await shop.call<{ customers: Page<Found> }>(customerCalls.customersLike, { query, after }, cx)).customers;
    found.push(...(await allOf(await ask(null), ask)));
  }
  const byMail = Map.groupBy(found, (one) => mailOf(one.defaultEmailAddress?.emailAddress));
  return items.map(({ document }): Match => {
    const [one, ...others] = (mailOf(document.email) && byMail.get(mailOf(document.email))) || [];
    if (!one) return { match: 'none' };
    if (others.length === 0) return { match: 'one', id: one.id, by: 'e-mail' };
    const ids = [one, ...others].map(({ id }) => id).join(', ');
    return { match: 'several', message: `${others.length + 1} customers of the shop have its e-mail address: ${ids}` };
  });
}
