import type { TSchema } from 'typebox';
import { catalogue } from './catalogue-contract.ts';
import { contractVersion, posted, pushed, Sale, SaleLine, SalesPage } from './contract.ts';
import { figures } from './figures-contract.ts';
import { fulfilments } from './fulfilment-contract.ts';

type Json = Record<string, unknown>;

const plain = (schema: TSchema): Json => JSON.parse(JSON.stringify(schema)) as Json;
const json = (schema: Json): Json => ({ content: { 'application/json': { schema } } });
const ref = (name: string): Json => ({ $ref: `#/components/schemas/${name}` });

const signature = [
  ['webhook-id', 'Of the message; the same whenever it is sent again.'],
  ['webhook-timestamp', 'Seconds since 1970; older than five minutes is refused.'],
  [
    'webhook-signature',
    '`v1,` and the base64 HMAC-SHA256 of `id.timestamp.body` over the raw body; several are separated by blanks.',
  ],
].map(([name, description]) => ({ name, in: 'header', required: true, description, schema: { type: 'string' } }));

/** The store contract as OpenAPI 3.1: `paths` is what the store serves, `webhooks` what it sends to the hub (`POST /in/{connection}/sales`, `/reports` for reports, `/figures` to ask). */
export function storeContract(): Json {
  const message = (name: string, schema: TSchema, summary: string, answers: Json): Json => ({
    post: {
      operationId: name,
      summary,
      parameters: signature,
      requestBody: { required: true, ...json(plain(schema)) },
      responses: answers,
    },
  });
  const taken = {
    '2XX': {
      description:
        'It is kept. A repeat of its webhook-id, or an older version, is answered the same and changes nothing.',
    },
    '401': { description: 'The signature is not right.' },
    '429': { description: 'Come again after Retry-After seconds.' },
  };
  return {
    openapi: '3.1.0',
    info: {
      title: 'Crossdock store contract',
      version: contractVersion,
      description:
        'What a till or a shop of one’s own serves and sends to work with a Crossdock hub. Signatures are those of Standard Webhooks. Stock and prices are asked for at `/figures`, either way: the hub asks the store, the store asks the hub.',
    },
    paths: {
      '/sales': {
        get: {
          operationId: 'listSales',
          summary: 'Sales and their corrections in the order in which they were written, after a cursor',
          security: [{ token: [] }],
          parameters: [
            { name: 'after', in: 'query', schema: { type: 'string' }, description: 'Empty: from the first.' },
          ],
          responses: {
            '200': { description: 'A page; an empty one is the end.', ...json(ref('SalesPage')) },
            '401': { description: 'The token is not right.' },
            '429': { description: 'Come again after Retry-After seconds.' },
          },
        },
      },
      '/reports': {
        get: {
          operationId: 'listReports',
          summary:
            'What the store said of fulfilments, in the order in which it was written, after a cursor. Only stores that are sent fulfilments have it.',
          security: [{ token: [] }],
          parameters: [
            { name: 'after', in: 'query', schema: { type: 'string' }, description: 'Empty: from the first.' },
          ],
          responses: {
            '200': { description: 'A page; an empty one is the end.', ...json(ref('ReportsPage')) },
            '401': { description: 'The token is not right.' },
            '429': { description: 'Come again after Retry-After seconds.' },
          },
        },
      },
      '/figures': {
        post: {
          ...figuresOperation('tellFigures', [{ token: [] }]),
          summary:
            'Stock that the store counts, or prices that it keeps, now. Reads only. Only stores that the hub’s look-ups ask have it.',
        },
      },
      '/webhooks': {
        post: {
          operationId: 'hear',
          summary: 'What the hub tells the store',
          parameters: signature,
          requestBody: {
            required: true,
            ...json({ oneOf: [...Object.values(posted), catalogue.changed, fulfilments.requested].map(plain) }),
          },
          responses: {
            ...taken,
            '422': {
              description:
                'Nothing of it is taken: it tells a level or a price of products that the store was not told of. Only stores that are told what they sell answer so.',
              ...json(ref('ProductsUnknown')),
            },
          },
        },
      },
    },
    webhooks: {
      'sale.completed': message('saleCompleted', pushed.completed, 'A sale, whole', hubAnswers),
      'sale.changed': message(
        'saleChanged',
        pushed.changed,
        'Only that a sale is new or changed: the hub lists then',
        hubAnswers,
      ),
      'fulfilment.reported': message(
        'fulfilmentReported',
        fulfilments.reported,
        'What was to be prepared is ready, collected, shipped, or neither',
        hubAnswers,
      ),
      figures: {
        post: {
          ...figuresOperation('askFigures', []),
          summary:
            'The same question, asked by the store: stock and prices of the retailer’s other systems, now. Only where the estate has look-ups that answer it.',
        },
      },
    },
    components: {
      schemas: {
        Sale: {
          ...plain(Sale),
          properties: {
            ...plain(Sale.properties as never),
            lines: { type: 'array', minItems: 1, items: ref('SaleLine') },
          },
        },
        SaleLine: plain(SaleLine),
        ProductsUnknown: plain(catalogue.unknown),
        FiguresAsked: plain(figures.asked),
        Figures: plain(figures.answered),
        Report: plain(fulfilments.Report),
        ReportsPage: plain(fulfilments.ReportsPage),
        SalesPage: {
          ...plain(SalesPage),
          properties: { ...plain(SalesPage.properties as never), sales: { type: 'array', items: ref('Sale') } },
        },
      },
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
    },
  };
}

/** Asked and answered alike by the store and by the hub. */
const figuresOperation = (operationId: string, security: Json[]): Json => ({
  operationId,
  security,
  parameters: signature,
  requestBody: { required: true, ...json(ref('FiguresAsked')) },
  responses: {
    '200': {
      description: 'One for each that was asked for, in the same order; null for what is not there.',
      ...json(ref('Figures')),
    },
    '400': { description: 'It cannot be read; the answer says which field and why.' },
    '401': { description: 'The signature (or the token) is not right.' },
    '429': { description: 'Come again after Retry-After seconds.' },
    '503': {
      description:
        'Who has the figures does not answer, and what was heard last is too old to count: come again after Retry-After seconds.',
    },
  },
});

const hubAnswers = {
  '202': { description: 'It is committed.' },
  '200': { description: 'It was known.' },
  '401': { description: 'The signature is not right, or too old.' },
  '4XX': { description: 'It cannot be read; the answer says which field and why.' },
  '503': { description: 'Send it again after Retry-After seconds.' },
};
