import { type TProperties, type TSchema, Type } from 'typebox';

/** Every object of the API says all its fields: what is not here does not leave the hub, and what is not here is refused in a request. */
export const exact = <P extends TProperties>(properties: P, options: { title?: string; description?: string } = {}) =>
  Type.Object(properties, { ...options, additionalProperties: false });

const orNull = <S extends TSchema>(schema: S, description?: string) =>
  Type.Union([schema, Type.Null()], description === undefined ? {} : { description });

export const Id = Type.String({ format: 'uuid' });
const Time = Type.String({ format: 'date-time' });
const Text = Type.String();
const Count = Type.Integer({ minimum: 0 });
/** Names of entities, connections, flows, kinds, keys in filters. */
export const Name = Type.String({ minLength: 1, maxLength: 300, pattern: '^[^\\u0000]+$' });

const Labels = Type.Record(Type.String(), Type.String(), {
  description: 'What an operator calls it, such as an invoice number.',
});

const Money = exact(
  {
    amount: Type.String({ pattern: '^-?\\d+(\\.\\d+)?$', description: "Plain decimal with the currency's digits." }),
    currency: Type.String({ description: 'ISO 4217.' }),
  },
  { title: 'Money' },
);
const Value = orNull(Money, 'Null where no money is concerned.');

const measure = {
  labels: Labels,
  lines: Type.Integer({ description: 'Source lines.' }),
  value: Value,
  absolute: orNull(Money, 'Line values added without their signs.'),
};

export const eventStates = ['new', 'parked', 'routed', 'duplicate', 'late', 'dismissed'] as const;
export const EventView = exact(
  {
    id: Id,
    entity: Text,
    connection: Text,
    source: Text,
    subject: Type.String({ description: 'What it is about; events of one subject are routed in order.' }),
    sourceVersion: orNull(Text),
    state: Type.Enum(eventStates),
    attempts: Count,
    occurredAt: Time,
    receivedAt: Time,
    finishedAt: orNull(Time),
    payloadKept: Type.Boolean({ description: 'Whether the raw bytes are still within their retention.' }),
    ...measure,
  },
  { title: 'Event', description: 'An immutable fact that was received.' },
);

export const PayloadView = exact(
  {
    event: Id,
    size: Count,
    base64: Type.String({ description: 'The raw bytes as they were received.' }),
    record: Type.Unknown({ description: 'The same as JSON, where it is JSON; else null.' }),
  },
  { title: 'Payload' },
);

const documentFields = {
  id: Id,
  entity: Text,
  kind: Text,
  key: Text,
  version: Type.Integer({ minimum: 1 }),
  shape: Text,
  flow: Text,
  event: Type.String({ format: 'uuid', description: 'The Event that made this version.' }),
  writtenAt: Time,
  ...measure,
};
export const DocumentView = exact(documentFields, {
  title: 'Document',
  description: 'A canonical record at its newest version.',
});

const Binding = exact(
  { connection: Text, externalId: Text, version: orNull(Type.Integer()), boundAt: orNull(Time) },
  { title: 'Binding', description: 'What a target holds of the Document.' },
);
const maskedFlag = Type.Boolean({
  description: 'True when something was hidden: the token has no scope personal:read.',
});
const Awaited = exact(
  {
    connection: Text,
    key: Text,
    about: Text,
    version: Type.Integer({ minimum: 1, description: 'Version of the document that was sent.' }),
    until: Time,
    answeredAt: orNull(Time),
    exception: orNull(Id, 'The Exception that it became.'),
  },
  { title: 'Awaited', description: 'What must still come of a document that was sent, or has come.' },
);

export const DocumentDetail = exact(
  {
    ...documentFields,
    body: Type.Unknown({
      description:
        'The record; personal and payment fields read "[personal]" and "[payment]" when masked. Null past its retention.',
    }),
    bodyVersion: Type.Integer({ minimum: 1 }),
    masked: maskedFlag,
    bindings: Type.Array(Binding),
    expectations: Type.Array(Awaited),
  },
  { title: 'DocumentDetail' },
);

export const deliveryStates = [
  'waiting',
  'leased',
  'unknown',
  'parked',
  'delivered',
  'superseded',
  'dismissed',
] as const;
export const DeliveryView = exact(
  {
    id: Id,
    entity: Text,
    flow: Text,
    connection: Text,
    sink: Text,
    lane: Type.String({ description: 'Ordering key: deliveries of one lane go strictly one after the other.' }),
    place: Type.String({ description: 'Its place in the lane.' }),
    document: Id,
    kind: Text,
    key: Text,
    version: Type.Integer({ minimum: 1 }),
    event: Id,
    state: Type.Enum(deliveryStates),
    waitsFor: Type.Integer({ minimum: 0, description: 'How many other records must arrive first.' }),
    awaits: Type.Array(exact({ kind: Text, key: Text }), {
      description: 'Which; the delivery goes by itself once the connection has them.',
    }),
    behind: orNull(
      exact({
        delivery: Id,
        version: Type.Integer({ minimum: 1 }),
        exception: orNull(Id),
        cause: orNull(Text),
      }),
      'The parked delivery that holds its lane: it goes once a person has decided on that Exception.',
    ),
    late: Type.Boolean({
      description: 'True when what the flow promises is over and it has neither arrived nor is held.',
    }),
    attempts: Count,
    notBefore: orNull(Time),
    settledAt: orNull(Time, 'After this moment an unknown outcome can no longer change.'),
    createdAt: Time,
    promisedAt: orNull(Time),
    finishedAt: orNull(Time),
    ...measure,
  },
  { title: 'Delivery', description: 'One Document version owed to one connection.' },
);

export const AttemptView = exact(
  {
    number: Count,
    outcome: Text,
    message: orNull(Text, "The target's words."),
    masked: maskedFlag,
    node: Id,
    startedAt: Time,
    finishedAt: Time,
  },
  { title: 'Attempt' },
);

export const exceptionStates = ['open', 'retried', 'edited', 'dismissed', 'bound'] as const;
const exceptionFields = {
  id: Id,
  entity: Text,
  flow: Text,
  connection: Text,
  subject: orNull(Text),
  kind: orNull(Text),
  key: orNull(Text),
  event: orNull(Id),
  delivery: orNull(Id),
  holds: Type.Boolean({ description: 'Whether a lane or subject waits for the decision.' }),
  cause: Type.String({ description: 'Stable slug.' }),
  field: orNull(Text),
  message: Type.String({ description: 'In words an operator can act on; personal data hidden when masked.' }),
  masked: maskedFlag,
  owner: Text,
  state: Type.Enum(exceptionStates),
  openedAt: Time,
  dueAt: Time,
  reason: orNull(Text),
  closedBy: orNull(Text),
  closedAt: orNull(Time),
  ...measure,
};
export const ExceptionView = exact(exceptionFields, {
  title: 'Exception',
  description: 'What cannot go on without a person.',
});
const HeldRecord = exact(
  {
    what: Type.Enum(['payload', 'document']),
    document: orNull(Id),
    version: orNull(Type.Integer()),
    body: Type.Unknown({
      description: 'The record that `edit` changes. Null for a raw payload without the scope personal:read.',
    }),
    masked: maskedFlag,
  },
  { title: 'HeldRecord' },
);
export const ExceptionDetail = exact(
  { ...exceptionFields, record: orNull(HeldRecord, 'Null when none is held or it is past its retention.') },
  { title: 'ExceptionDetail' },
);

const TraceStepView = exact(
  {
    at: Time,
    what: Type.Enum(['event', 'document', 'delivery', 'attempt', 'exception', 'binding', 'expectation', 'decision']),
    id: Text,
    about: Text,
    state: Text,
    detail: Type.Record(Type.String(), Type.Unknown()),
    message: orNull(Text),
  },
  { title: 'TraceStep' },
);
export const TraceView = exact(
  { key: Text, steps: Type.Array(TraceStepView) },
  { title: 'Trace', description: 'Every step in the life of a record, oldest first.' },
);

const mappingFields = {
  entity: Text,
  name: Text,
  version: Type.Integer({ minimum: 1 }),
  owner: Text,
  about: Text,
  changedBy: Text,
  changedAt: Time,
};
export const MappingView = exact(
  { ...mappingFields, rows: Count },
  { title: 'Mapping', description: 'A version of a Mapping table; `rows` counts them.' },
);
export const MappingDetail = exact(
  { ...mappingFields, rows: Type.Record(Type.String(), Type.String()) },
  { title: 'MappingDetail', description: 'A version of a Mapping table with its rows, code to target.' },
);

export const ConnectionView = exact(
  {
    name: Text,
    entity: Text,
    connector: Text,
    state: Type.Enum(['active', 'paused']),
    reason: orNull(Text),
    changedAt: Time,
    sources: Type.Array(Text),
    sinks: Type.Array(Text),
    inEstate: Type.Boolean({ description: "Whether this hub's estate still has it." }),
  },
  { title: 'Connection' },
);
const FindingView = exact(
  { level: Type.Enum(['ok', 'warning', 'error']), subject: Text, message: Text, hint: orNull(Text) },
  { title: 'Finding' },
);
export const CheckView = exact(
  { connection: Text, ok: Type.Boolean(), findings: Type.Array(FindingView) },
  { title: 'Check' },
);

export const LookupView = exact(
  {
    id: Text,
    about: Text,
    entity: Type.String({ description: 'Of the connection that is asked.' }),
    kind: Type.String({ description: 'Kind of the documents it gives.' }),
    keyForm: orNull(Text, 'How a key is written, such as `location/SKU`; null: as the documents have it.'),
    fresh: Type.String({ description: 'An answer younger than this is given again without asking.' }),
    stale: Type.String({ description: 'While the system does not answer, one younger than this still counts.' }),
    within: Type.String({ description: 'Longest wait for the system.' }),
  },
  { title: 'Lookup' },
);

export const LookupAnswer = exact(
  {
    items: Type.Array(
      exact({
        key: Text,
        found: Type.Boolean(),
        document: Type.Unknown({ description: 'The record as the system has it; null where it has none.' }),
        problem: orNull(
          Type.String({ description: 'Why nothing can be said of this key; null otherwise. `found` is false then.' }),
        ),
        from: Type.Enum(['system', 'memory', 'stale'], {
          description: 'Asked just now; heard a moment ago; or heard before, for the system does not answer.',
        }),
        age: Type.Number({ minimum: 0, description: 'Seconds since the system said so.' }),
      }),
    ),
  },
  { title: 'LookupAnswer' },
);

export const FlowView = exact(
  {
    id: Text,
    about: Text,
    entity: Type.String({ description: 'Of the connection it reads from.' }),
    from: exact({ connection: Text, source: Text }),
    to: Type.Array(exact({ kind: Text, connection: Text, sink: Text })),
    latency: Type.String({ description: '`realtime`, or a cron expression and its time zone.' }),
    promise: exact({ within: Text, critical: Type.Boolean() }),
    onException: exact({ owner: Text, within: Text, hold: Type.Enum(['lane', 'nothing']) }),
    fallback: Text,
    approval: orNull(
      exact(
        { reason: Text, by: Text, sinks: Type.Array(exact({ kind: Text, sink: Text, idempotency: Text })) },
        { description: 'Where a sink cannot promise one effect by itself: who approved of it, and why.' },
      ),
    ),
    mappings: Type.Array(Text),
  },
  { title: 'Flow' },
);

export const AuditView = exact(
  {
    id: Id,
    entity: Text,
    at: Time,
    actor: Text,
    action: Text,
    object: Text,
    detail: Type.Record(Type.String(), Type.Unknown()),
    sealed: Type.Boolean({ description: 'Whether the chain holds it already.' }),
  },
  { title: 'AuditRecord' },
);
export const AuditVerdictView = exact(
  {
    holds: Type.Boolean(),
    sealed: Count,
    unsealed: Count,
    broken: orNull(exact({ link: Count, why: Text })),
  },
  { title: 'AuditVerdict' },
);

export const TokenView = exact(
  { id: Id, name: Text, scopes: Type.Array(Text), entities: Type.Array(Text), expiresAt: Time },
  { title: 'Token', description: 'The token that asks.' },
);

export const ProblemView = exact(
  {
    type: Type.String({ description: '`urn:crossdock:error:CODE`.' }),
    title: Text,
    status: Type.Integer(),
    detail: Text,
    code: Type.String({ description: 'Stable; to be acted on by programs.' }),
    hint: Type.Optional(Type.String({ description: 'What to do.' })),
  },
  { title: 'Problem', description: 'RFC 9457 problem details.' },
);

export const Reason = Type.String({
  minLength: 1,
  maxLength: 1000,
  pattern: '\\S',
  description: 'Why; kept in the audit.',
});

/** A page of a list: `next` is the cursor of the page after, null on the last one. */
export const pageOf = <S extends TSchema>(item: S) => exact({ items: Type.Array(item), next: orNull(Type.String()) });

export const pageQuery = {
  limit: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 200, description: 'At most so many items; 50 unless it says otherwise.' }),
  ),
  cursor: Type.Optional(
    Type.String({ minLength: 1, maxLength: 1000, description: '`next` of the page before, with the same filters.' }),
  ),
};
export const entityQuery = { entity: Type.Optional(Name) };
export const sinceQuery = {
  since: Type.Optional(Type.String({ format: 'date-time', description: 'From this moment on (RFC 3339).' })),
};
export const IdParams = exact({ id: Id });
