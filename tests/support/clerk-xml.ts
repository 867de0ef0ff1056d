import type { Job, Parcel, Units } from './clerk.ts';

// XML as the warehouse's own people write and read it: they know nothing of the hub's.

type Values = Readonly<Record<string, string | number | undefined>>;

const tag = (name: string, values: Values, inner = ''): string => {
  const set = Object.entries(values).flatMap(([key, value]) => (value === undefined ? [] : [` ${key}="${value}"`]));
  return inner === '' ? `<${name}${set.join('')}/>` : `<${name}${set.join('')}>${inner}</${name}>`;
};

const file = (root: string, inner: string): string => `<?xml version="1.0"?>\n<${root}>\n${inner}\n</${root}>\n`;

const goods = (units: Units): string =>
  Object.entries(units)
    .map(([sku, quantity]) => tag('Line', { sku, quantity }))
    .join('');

export const xmlAdvice = (parcel: Parcel, shippedAt: string, sentAt: string): string => {
  const { shipment, order, tracking, units, closes, milestone } = parcel;
  const head = { shipment, fulfilmentOrder: order, shippedAt, carrier: 'UPSN', closes: closes ? 'yes' : 'no', sentAt };
  const numbers = tracking === '' ? '' : tag('Tracking', { number: tracking });
  return file('ShippingAdvices', tag('ShippingAdvice', { ...head, milestone }, `${numbers}${goods(units)}`));
};

export const xmlReceipt = (
  head: { readonly receipt: string; readonly reference: string; readonly receivedAt: string; readonly sentAt: string },
  units: Units,
): string => file('Receipts', tag('Receipt', head, goods(units)));

export const xmlCount = (
  head: { readonly report: string; readonly asOf: string },
  shelves: Readonly<Record<string, { onHand?: number; available?: number }>>,
): string => {
  const lines = Object.entries(shelves).map(([sku, { onHand, available }]) =>
    tag('Line', { sku, quantity: onHand, available }),
  );
  return file('Inventories', tag('Inventory', head, lines.join('')));
};

const valuesOf = (element: string): Readonly<Record<string, string>> =>
  Object.fromEntries([...element.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name!, value!]));

export const xmlJobs = (text: string): Job[] => {
  const [head] = /<FulfilmentOrder [^>]*>/.exec(text) ?? [];
  if (head === undefined || !text.trimEnd().endsWith('</FulfilmentOrder>')) throw new Error(`no order: ${text}`);
  const { number, action, promisedAt } = valuesOf(head);
  const lines = [...text.matchAll(/<Line [^>]*\/>/g)].map(([line]) => {
    const { line: place, sku, quantity } = valuesOf(line);
    return { line: place!, sku: sku!, quantity: Number(quantity) };
  });
  return [{ number: number!, action: action!, promisedAt: promisedAt ?? null, lines }];
};
