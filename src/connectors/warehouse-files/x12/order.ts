import { add, decimal, decimalText, integer } from '../../../core/decimal.ts';
import { rejected } from '../../../core/fault.ts';
import type { Address } from '../../../model/address.ts';
import type { FulfilmentOrder } from '../../../model/fulfilment-order.ts';
import { checkOrderText } from '../fields.ts';
import type { OrderMessage } from '../messages.ts';
import { isExact, plain } from './envelope.ts';

type Row = readonly (string | number)[];

/** W0501, order status code (element 473). */
const STATUS = { new: 'N', change: 'R', cancel: 'F' } as const;

/**
 * Body of a 940, warehouse shipping order.
 *
 * @see https://www.stedi.com/edi/x12-004010/940
 */
export function orderRows({ action, order }: OrderMessage, itemQualifier: string): Row[] {
  const { number, orderNumber, location, service, promisedAt, method, shipTo, lines } = order;
  return [
    ['W05', STATUS[action], number, plain(orderNumber, 22)],
    ...party(shipTo),
    ['N1', 'WH', '', '92', plain(location, 80)],
    ...contacts(shipTo),
    ...(promisedAt === null ? [] : [['G62', '02', promisedAt.slice(0, 10).replaceAll('-', '')]]),
    ...(method === 'collect' ? [['NTE', 'GEN', 'Collected by the customer']] : []),
    ...(service === null ? [] : [['W66', 'PP', 'M', '', '', plain(service, 35)]]),
    ...lines.flatMap((line, index): Row[] => [
      ['LX', index + 1],
      ['W01', line.quantity, 'EA', '', itemQualifier, line.sku],
      ...(plain(line.description, 45) === '' ? [] : [['G69', plain(line.description, 45)]]),
      ['N9', 'LI', index + 1],
    ]),
    ['W76', total(order)],
  ];
}

function party({ name, company, street, street2, city, region, postalCode, country }: Address): Row[] {
  const region2 = region !== null && /^[A-Za-z]{2}$/.test(region) ? region.toUpperCase() : '';
  return [
    ['N1', 'ST', plain(name, 60)],
    ...(company === null ? [] : [['N2', plain(company, 60)]]),
    ['N3', plain(street, 55), ...(street2 === null ? [] : [plain(street2, 55)])],
    ['N4', plain(city, 30), region2, plain(postalCode, 15), plain(country, 3)],
  ];
}

function contacts({ name, phone, email }: Address): Row[] {
  const contact = plain(name, 60);
  return [
    ...(phone === null ? [] : [['G61', 'DC', contact, 'TE', plain(phone, 80)]]),
    ...(email === null ? [] : [['G61', 'DC', contact, 'EM', plain(email, 80)]]),
  ];
}

const total = ({ lines }: FulfilmentOrder): string =>
  decimalText(lines.reduce((sum, { quantity }) => add(sum, decimal(quantity)), integer(0)));

/** Numbers and codes that cannot stand in a 940 as they are. */
export function checkOrder(order: FulfilmentOrder): void {
  checkOrderText(order);
  const { number, lines } = order;
  if (!isExact(number, 22))
    throw rejected(
      `Fulfilment order ${plain(number, 40)}: its number cannot stand in a 940: at most 22 characters, without * ~ > ^ or letters beyond ASCII.`,
      'unwritable',
      'number',
    );
  const bad = lines.find(({ sku }) => !isExact(sku, 48));
  if (bad)
    throw rejected(
      `Fulfilment order ${number}: the code ${plain(bad.sku, 60)} cannot stand in a 940: at most 48 characters, without * ~ > ^ or letters beyond ASCII.`,
      'unwritable',
      'lines.sku',
    );
}
