import type { Customer } from './records.ts';
import type { Shop } from './shop.ts';
import { customerView } from './views.ts';

interface CustomerInput {
  readonly id?: string | null;
  readonly firstName?: string | null;
  readonly lastName?: string | null;
  readonly email?: string | null;
  readonly phone?: string | null;
}

/** As Shopify keeps it; null for what cannot be dialled from everywhere. */
function e164(phone: string): string | null {
  const digits = phone.replace(/[\s().-]/g, '');
  return /^\+[1-9]\d{6,14}$/.test(digits) ? digits : null;
}

/** `customerUpdate`: fields that are not given stay; e-mail address and telephone number are one customer's only. */
export function updateCustomer(shop: Shop, input: CustomerInput) {
  const refused = (field: string | null, message: string) => ({
    customer: null,
    userErrors: [{ field: field === null ? null : [field], message }],
  });
  const customer = shop.customers.get(input.id ?? '');
  if (!customer) return refused('id', 'Customer does not exist');
  const others = [...shop.customers.values()].filter(({ id }) => id !== customer.id);
  const change: { -readonly [K in 'firstName' | 'lastName' | 'email' | 'phone']?: Customer[K] } = {};
  for (const name of ['firstName', 'lastName'] as const)
    if (input[name] !== undefined) change[name] = input[name] || null;
  if (input.email !== undefined) {
    const email = input.email?.trim().toLowerCase() || null;
    if (email !== null && !/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(email)) return refused('email', 'Email is invalid');
    if (email !== null && others.some((one) => one.email === email))
      return refused('email', 'Email has already been taken');
    change.email = email;
  }
  if (input.phone !== undefined) {
    const phone = input.phone ? e164(input.phone) : null;
    if (input.phone && phone === null) return refused('phone', 'Phone is invalid');
    if (phone !== null && others.some((one) => one.phone === phone))
      return refused('phone', 'Phone has already been taken');
    change.phone = phone;
  }
  const { firstName, lastName, email, phone } = { ...customer, ...change };
  if (!firstName && !lastName && !email && !phone)
    return refused(null, 'A name, phone number, or email address must be present');
  shop.changeCustomer(customer, change);
  return { customer: customerView(customer), userErrors: [] };
}
