import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { rejected } from '../../core/fault.ts';
import { readJson } from '../../core/json.ts';
import { momentOf } from '../../core/moment.ts';
import { Decimal, expect, Id, Moment, message, orNull, Recipient, Text, TextOrNull, Version } from './contract.ts';

/** What a store is to prepare: goods that a customer collects there, or that it ships. */
const Fulfilment = Type.Object(
  {
    number: Id('What people know it by, and what the store names it by.'),
    order: Id("The order's own number."),
    status: Type.Union([Type.Literal('open'), Type.Literal('cancelled')], {
      description: 'cancelled: whoever has not begun must not begin; what is prepared goes back to the shelf.',
    }),
    method: Type.Union([Type.Literal('collect'), Type.Literal('ship')]),
    location: Id("The store's own code of the place."),
    promisedAt: orNull(Moment('What the customer was promised.')),
    service: TextOrNull('Code of the shipping service; null: the store decides.'),
    recipient: Recipient,
    lines: Type.Array(
      Type.Object({
        id: Id('Stable for the life of the fulfilment.'),
        sku: Id('Code.'),
        name: Text('What it is.'),
        quantity: Decimal('Above 0: all that is to be handed over, what has left already included.'),
      }),
      { minItems: 1, maxItems: 2000 },
    ),
    version: Version,
  },
  { title: 'Fulfilment' },
);

/** What a store says of a fulfilment. */
const Report = Type.Object(
  {
    id: Id('Never used for another report.'),
    fulfilment: Id('Number of the fulfilment.'),
    status: Type.Union(
      [
        Type.Literal('ready', { description: 'All of it is prepared and waits for the customer, who is told.' }),
        Type.Literal('collected', { description: 'Handed over, once for each fulfilment.' }),
        Type.Literal('not-collected', { description: 'Nobody came for it; it is back on the shelf.' }),
        Type.Literal('not-available', { description: 'The store does not have the goods.' }),
        Type.Literal('shipped', { description: 'A parcel has left.' }),
      ],
      { title: 'Status' },
    ),
    at: Moment('When it happened.'),
    lines: Type.Optional(
      Type.Array(
        Type.Object({
          id: Id('Of the line of the fulfilment.'),
          quantity: Decimal('What was handed over or has left.'),
        }),
        { minItems: 1, maxItems: 2000, description: 'collected and shipped only; absent: all of it.' },
      ),
    ),
    parcel: Type.Optional(
      Type.Object(
        {
          number: Id("The store's own number of the parcel."),
          carrier: orNull(Id("The store's code of the carrier.")),
          tracking: Type.Array(Id('A tracking number.'), { maxItems: 50 }),
          last: Type.Boolean({ description: 'True: what is still open will not leave from here.' }),
        },
        { description: 'shipped only, and there it must be.' },
      ),
    ),
  },
  { title: 'Report' },
);
export type StoreReport = Static<typeof Report>;

const ReportsPage = Type.Object(
  {
    reports: Type.Array(Report, { maxItems: 500, description: 'In the order in which they were written.' }),
    cursor: Type.String({ maxLength: 300, description: 'Where to go on; opaque.' }),
  },
  { title: 'ReportsPage' },
);

/** What of all this goes over the line, and as what. */
export const fulfilments = {
  requested: message('fulfilment.requested', Type.Object({ fulfilment: Fulfilment })),
  reported: message('fulfilment.reported', Type.Object({ report: Report })),
  Report,
  ReportsPage,
};

const checks = {
  envelope: Compile(Type.Object({ type: Type.String() })),
  fulfilment: Compile(Fulfilment),
  reported: Compile(fulfilments.reported),
  page: Compile(Type.Object({ reports: Type.Array(Type.Unknown()), cursor: ReportsPage.properties.cursor })),
  report: Compile(Report),
};

/** The fulfilment, if the contract allows it. Throws `rejected` naming the first field that it does not allow. */
export const checkedFulfilment = (value: unknown): Static<typeof Fulfilment> => expect(checks.fulfilment, value);

/** A pushed report; null for kinds of messages that a later version may have. Throws `rejected`. */
export function readReported(body: Uint8Array): StoreReport | null {
  const value = readJson(body);
  const { type } = expect(checks.envelope, value);
  return type === 'fulfilment.reported' ? whole(expect(checks.reported, value).data.report) : null;
}

/** A listed page; its reports are looked at one by one. */
export const readReportsPage = (body: Uint8Array): { reports: unknown[]; cursor: string } =>
  expect(checks.page, readJson(body));

/** A report as the ledger kept it. */
export const readReport = (bytes: Uint8Array): StoreReport => whole(expect(checks.report, readJson(bytes)));

/** What a schema cannot say. */
function whole(report: StoreReport): StoreReport {
  const wrong = (words: string, field: string) =>
    rejected(`Report ${report.id} of fulfilment ${report.fulfilment}: ${words}.`, 'not-the-contract', field);
  if (Number.isNaN(momentOf(report.at))) throw wrong(`'${report.at}' is no moment`, 'at');
  if (report.status === 'shipped' && !report.parcel) throw wrong('what is shipped has a parcel', 'parcel');
  if (report.status !== 'shipped' && report.parcel) throw wrong(`what is ${report.status} has no parcel`, 'parcel');
  if (report.lines && report.status !== 'shipped' && report.status !== 'collected')
    throw wrong(`'${report.status}' is said of the whole, not of lines`, 'lines');
  return report;
}
