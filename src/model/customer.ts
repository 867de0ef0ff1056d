import { type Static, Type } from 'typebox';
import { classified, defineDocument } from '../core/document.ts';

const CustomerSchema = Type.Object({
  id: Type.String(classified('personal')),
  /** The number the channel knows the customer by; null for a till's own walk-in partner. */
  number: Type.Union([Type.String(), Type.Null()], classified('personal')),
  name: Type.String(classified('personal')),
  /** ISO 3166-1 alpha-2, or null where the channel does not say. */
  country: Type.Union([Type.String(), Type.Null()]),
  /** As the channel has it. */
  email: Type.Optional(Type.Union([Type.String(), Type.Null()], classified('personal'))),
  phone: Type.Optional(Type.Union([Type.String(), Type.Null()], classified('personal'))),
});

export type Customer = Static<typeof CustomerSchema>;

/** Who buys: a person, a firm, or the till's own partner for sales without a name. */
export const CustomerDocument = defineDocument({
  name: 'customer',
  version: '1.1',
  schema: CustomerSchema,
  key: (customer) => customer.id,
  keyClassification: 'personal',
  references: ({ number, email }) => [
    ...(number === null ? [] : [['customer', number] as const]),
    ...(email ? [['email', email.trim().toLowerCase()] as const] : []),
  ],
});
