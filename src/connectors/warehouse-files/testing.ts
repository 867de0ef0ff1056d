import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FulfilmentOrder } from '../../model/fulfilment-order.ts';
import { x12Codec } from './x12/index.ts';

export const fixture = (name: string): string => readFileSync(join(import.meta.dirname, 'fixtures', name), 'utf8');

export const partners = {
  us: { qualifier: 'ZZ', id: 'CROSSDOCK' },
  warehouse: { qualifier: 'ZZ', id: 'WMS' },
};
export const x12 = x12Codec({ kind: 'x12', ...partners });

/** The `n`th order: two lines, and all that can go wrong on paper in its address. */
export const orderOf = (n: number, changes: Partial<FulfilmentOrder> = {}): FulfilmentOrder => ({
  id: `odoo:${n}`,
  number: `WH/OUT/${String(n).padStart(5, '0')}`,
  order: `shop:${1000 + n}`,
  orderNumber: `S${1000 + n}`,
  location: 'WH3',
  method: 'ship',
  state: 'open',
  service: 'standard',
  promisedAt: '2026-11-27T12:00:00.000Z',
  shipTo: {
    name: 'Zoë Müller',
    company: 'A & B "Söhne" <GmbH>',
    street: 'Straße 1, Hof',
    street2: null,
    city: 'Köln',
    postalCode: '50667',
    region: null,
    country: 'DE',
    phone: '+49 221 1',
    email: 'zoe@example.com',
  },
  lines: [
    { id: 'a', orderLine: '11', sku: 'MUG-R', description: 'Mug*red, "large"', quantity: '2' },
    { id: 'b', orderLine: '12', sku: 'TEE-M', description: 'Tee ~ M', quantity: '0.5' },
  ],
  ...changes,
});
