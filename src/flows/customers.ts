import type { ContactRecord } from '../connectors/odoo/sources/contacts.ts';
import type { ShopifyCustomer } from '../connectors/shopify/index.ts';
import { customerFrom } from '../connectors/shopify/mapping/orders.ts';
import type { Sink, Source } from '../core/connector.ts';
import { defineFlow, type Flow } from '../core/flow.ts';
import { type Customer, CustomerDocument } from '../model/customer.ts';

/** Whose word on a field of a customer counts. */
export type CustomerOwner = 'shop' | 'odoo';

/** Each field has one owner. The country is the shop's: there it is part of an address, which the hub does not write. */
export interface CustomerOwners {
  /** Default 'shop'. With 'odoo' the first word becomes the first name in the shop, the rest the last name. */
  readonly name?: CustomerOwner;
  /** Default 'shop', where it is what people sign in with. */
  readonly email?: CustomerOwner;
  /** Default 'odoo': it is corrected by those who call it. */
  readonly phone?: CustomerOwner;
}

type OwnField = 'name' | 'email' | 'phone' | 'country';

function fieldsOf(owner: CustomerOwner, { name = 'shop', email = 'shop', phone = 'odoo' }: CustomerOwners): OwnField[] {
  const owners: Readonly<Record<OwnField, CustomerOwner>> = { name, email, phone, country: 'shop' };
  return (Object.keys(owners) as OwnField[]).filter((field) => owners[field] === owner);
}

/** What the owner says of its fields, over what is known of the customer. */
const told = (known: Customer, says: Partial<Customer>, fields: readonly OwnField[]): Customer => ({
  ...known,
  ...Object.fromEntries(fields.map((field) => [field, says[field]])),
});

const isWithheld = ({ displayName, defaultEmailAddress, defaultPhoneNumber }: ShopifyCustomer): boolean =>
  displayName.trim() === '' && defaultEmailAddress === null && defaultPhoneNumber === null;

interface Parts<N> {
  /** Flow's id where an estate has several shops. */
  readonly id?: string;
  readonly from: Source<N>;
  readonly to: { readonly customer: Sink<typeof CustomerDocument> };
  /** The same for both directions. */
  readonly owners?: CustomerOwners;
}

const terms = {
  documents: [CustomerDocument],
  latency: 'realtime',
  promise: { within: '15m', critical: false },
  onException: { owner: 'sales', within: '1d', hold: 'lane' },
} as const;

/**
 * Customers of a shop become partners, with or without orders, and the fields that the shop owns follow it. A customer that is new brings all fields. Give `webOrders`
 * `newCustomersOnly`, or its orders go on changing customers by what they carried.
 */
export const webCustomers = ({
  id = 'web-customers',
  from,
  to,
  owners = {},
}: Parts<ShopifyCustomer>): Flow<ShopifyCustomer, typeof CustomerDocument> => {
  const fields = fieldsOf('shop', owners);
  return defineFlow({
    ...terms,
    id,
    about: 'Customers of a web shop go to Odoo; what the shop owns of them follows it.',
    from,
    to,
    fields: { customer: fields },
    fallback: 'Odoo has customers as they were when they last ordered.',
    translate: async (native, look) => {
      // Shopify keeps nobody without a name, an address and a number: what an app may not see comes so, and says nothing.
      if (isWithheld(native)) return { outcome: 'duplicate', documents: [] };
      const says = customerFrom(native, look);
      const known = await look.current(CustomerDocument, says.body.id);
      const body = known === null ? says.body : told(known, says.body, fields);
      return { outcome: 'routed', documents: [{ ...says, body }] };
    },
  });
};

export interface OdooContactsParts extends Parts<ContactRecord> {
  /** Whether a customer is the shop's, by its key (`web:…`). */
  readonly sold: (customer: string) => boolean;
}

/** That a contact was heard of: from then on what is empty was emptied. */
interface Heard {
  readonly heard: true;
}

/** What Odoo owns of a shop's customers follows it to the shop. Partners that are bound to none of them are passed over. */
export const odooContacts = ({
  id = 'odoo-contacts',
  from,
  to,
  owners = {},
  sold,
}: OdooContactsParts): Flow<ContactRecord, typeof CustomerDocument, Heard> => {
  const fields = fieldsOf('odoo', owners);
  return defineFlow({
    ...terms,
    id,
    about: 'What Odoo owns of the shop’s customers is told to the shop.',
    from,
    to,
    fields: { customer: fields },
    fallback: 'The shop has what it was told last.',
    translate: async (record, look) => {
      const key = await look.keyOf(CustomerDocument, String(record.id));
      const known = key !== null && sold(key) ? await look.current(CustomerDocument, key) : null;
      // Guests and walk-ins are customers of one order, which the shop knows by no number.
      if (known === null || known.number === null) return { outcome: 'duplicate', documents: [] };
      const { name, email, phone } = record;
      const says: Partial<Customer> = { name, email, phone };
      // What is empty when it is first heard of was perhaps never filled in: it empties nothing.
      const heard = look.memory ? fields : fields.filter((field) => says[field]);
      return {
        outcome: 'routed',
        documents: [{ kind: 'customer', body: told(known, says, heard) }],
        memory: { heard: true },
      };
    },
  });
};
