import type { Duration } from '../../../core/clock.ts';
import type { Context, Item, Result, Sink } from '../../../core/connector.ts';
import { FaultError, rejected } from '../../../core/fault.ts';
import { type Customer, CustomerDocument } from '../../../model/customer.ts';
import { bulkCalls } from '../documents/bulk.ts';
import { customerCalls } from '../documents/customers.ts';
import { faultOfUserError, type UserError } from '../errors.ts';
import type { ShopifyCustomer } from '../native.ts';
import type { Shop } from '../shop.ts';
import { customersAlike } from './customer-matches.ts';
import { failed, hasTime, sinkOf } from './sink.ts';

interface Told {
  readonly customerUpdate: {
    readonly customer: (ShopifyCustomer & { readonly updatedAt: string }) | null;
    readonly userErrors: readonly UserError[];
  } | null;
}

/** A customer after the other, each in a moment. */
const DEADLINE: Duration = '30s';

/** What is written where the flow names no fields of its own. A name is not: Shopify keeps it in two parts, which one line does not tell apart. */
const byDefault = ['email', 'phone'] as const;
type Field = (typeof byDefault)[number] | 'name';

/**
 * E-mail addresses and telephone numbers of customers that the shop has, and names where the flow owns them. Of the flow's fields what changed since it was last
 * written is written, and nothing else: what the customer changed in the shop stays until the hub has something new to say about that very field.
 *
 * @see https://shopify.dev/docs/api/admin-graphql/2026-07/mutations/customerUpdate
 */
export const customerUpdates = (shop: Shop): Sink<typeof CustomerDocument> =>
  sinkOf(shop, {
    name: 'customers',
    accepts: CustomerDocument,
    idempotency: 'overwrite',
    compares: true,
    deadline: DEADLINE,
    batch: { max: 10, onFailure: 'independent' },
    match: (items, cx) => customersAlike(shop, items, cx),
    count: async (cx) => {
      const told = await shop.call<{ customersCount: { count: number } }>(
        bulkCalls.customersCount,
        { limit: null },
        cx,
      );
      return told.customersCount.count;
    },
    deliver: async (items, cx) => {
      const mayBegin = hasTime(DEADLINE, cx.clock);
      const results: Result[] = [];
      for (const item of items)
        results.push(mayBegin() ? await setCustomer(shop, item, cx).catch(failed) : { outcome: 'untouched' });
      return results;
    },
  });

async function setCustomer(shop: Shop, item: Item<Customer>, cx: Context): Promise<Result> {
  const { id } = item;
  if (!id?.startsWith('gid://shopify/Customer/'))
    throw rejected(`Customer ${item.document.number ?? ''} is bound to no customer of this shop.`, 'not-bound', 'id');
  const fields = changedOf(item);
  if (fields.length === 0) return { outcome: 'done', id };
  const input = Object.assign({ id }, ...fields.map((field) => inputOf(item.document, field)));
  const { customerUpdate: told } = await shop.call<Told>(customerCalls.setCustomer, { input }, cx);
  const [error] = told?.userErrors ?? [];
  if (error) return { outcome: 'failed', fault: faultOf(error) };
  if (!told?.customer)
    throw new FaultError({ kind: 'unknown', message: 'Shopify did not say that the customer was changed' });
  return { outcome: 'done', id, ...heldBy(told.customer, fields) };
}

/** Fields that may be written and say something else than was written last. */
function changedOf({ document, before, fields = byDefault }: Item<Customer>): Field[] {
  const writable: readonly Field[] = [...byDefault, 'name'];
  return writable.filter((field) => {
    if (!fields.includes(field)) return false;
    return before === undefined || before === null || (before[field] ?? null) !== (document[field] ?? null);
  });
}

function inputOf(customer: Customer, field: Field): object {
  if (field === 'email') return { email: customer.email?.trim() || null };
  if (field === 'phone') return { phone: diallable(customer.phone) };
  const [firstName = '', ...rest] = customer.name.trim().split(/\s+/);
  return { firstName, lastName: rest.join(' ') };
}

/** A number without what people write to read it by: Shopify keeps E.164. What is no number is left for it to refuse. */
function diallable(phone: string | null | undefined): string | null {
  const digits = (phone ?? '').replace(/\(0\)|[\s().\-/]/g, '').replace(/^00/, '+');
  return digits === '' ? null : digits;
}

/** What was written, as it was read back. The rest may hold changes that were not heard yet: to take them for known would lose them. */
function heldBy(customer: NonNullable<NonNullable<Told['customerUpdate']>['customer']>, fields: readonly Field[]) {
  const all = {
    name: customer.displayName,
    email: customer.defaultEmailAddress?.emailAddress ?? null,
    phone: customer.defaultPhoneNumber?.phoneNumber ?? null,
  };
  return {
    held: Object.fromEntries(fields.map((field) => [field, all[field]])),
    version: BigInt(Date.parse(customer.updatedAt)),
  };
}

const fieldNames: Readonly<Record<string, string>> = { firstName: 'name', lastName: 'name' };

function faultOf(error: UserError) {
  const fault = faultOfUserError(customerCalls.setCustomer, error, (path) => {
    const last = path.at(-1);
    return last === undefined ? undefined : (fieldNames[last] ?? last);
  });
  if (fault.kind !== 'rejected') return fault;
  if (/does not exist|not found/i.test(error.message))
    return {
      ...fault,
      cause: 'gone',
      message: `${fault.message}. It was deleted there, or merged into another: dismiss this.`,
    };
  if (/taken/i.test(error.message))
    return {
      ...fault,
      cause: 'taken',
      message: `${fault.message}. Another customer of the shop has it: correct one of the two.`,
    };
  if (fault.field === 'phone')
    return { ...fault, message: `${fault.message}. Write it with its country, such as +32 470 12 34 56.` };
  return fault;
}
