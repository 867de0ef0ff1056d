import { type Static, Type } from 'typebox';
import { classified } from '../core/document.ts';

const personal = () => Type.Union([Type.String(), Type.Null()], classified('personal'));

/** Where goods or papers go. What the channel does not say is null; nothing is guessed. */
export const AddressSchema = Type.Object({
  name: Type.String(classified('personal')),
  company: personal(),
  /** Street and number, as the channel has them. */
  street: Type.String(classified('personal')),
  street2: personal(),
  city: Type.String(classified('personal')),
  postalCode: personal(),
  /** ISO 3166-2 subdivision without the country, such as `CA`. */
  region: personal(),
  /** ISO 3166-1 alpha-2. */
  country: Type.String(),
  phone: personal(),
  email: personal(),
});

export type Address = Static<typeof AddressSchema>;
