/** A column whose values are sealed: how its rows are told apart (column → type), and the place its values are bound to, as SQL. */
export interface SealedColumn {
  readonly table: string;
  readonly column: string;
  readonly key: Readonly<Record<string, string>>;
  readonly place: string;
}

/**
 * Every sealed column of the ledger (a test compares it with the schema). In the order in which rows travel from live work to history: who walks them in
 * this order meets every row, also one that moves meanwhile.
 */
export const sealedColumns: readonly SealedColumn[] = [
  { table: 'event', column: 'payload_sealed', key: { id: 'uuid' }, place: `'event:' || t.id` },
  {
    table: 'event_history',
    column: 'payload_sealed',
    key: { id: 'uuid', finished_at: 'timestamptz' },
    place: `'event:' || t.id`,
  },
  {
    table: 'subject',
    column: 'memory_sealed',
    key: { connection: 'text', flow: 'text', subject: 'text' },
    place: `'subject:' || t.connection || ':' || t.flow || ':' || t.subject`,
  },
  {
    table: 'document',
    column: 'body_sealed',
    key: { id: 'uuid' },
    place: `'document:' || t.entity || ':' || t.kind || ':' || t.key`,
  },
  {
    table: 'document_version',
    column: 'body_sealed',
    key: { document_id: 'uuid', version: 'integer', replaced_at: 'timestamptz' },
    place: `(select 'document:' || d.entity || ':' || d.kind || ':' || d.key from document d where d.id = t.document_id)`,
  },
  {
    table: 'attempt',
    column: 'message_sealed',
    key: { delivery_id: 'uuid', number: 'integer', finished_at: 'timestamptz' },
    place: `'attempt:' || t.delivery_id`,
  },
  { table: 'exception', column: 'message_sealed', key: { id: 'uuid' }, place: `'exception:' || t.id` },
  {
    table: 'expectation',
    column: 'message_sealed',
    key: { connection: 'text', key: 'text' },
    place: `'expectation:' || t.connection || ':' || t.key`,
  },
  {
    table: 'expectation',
    column: 'refusal_sealed',
    key: { connection: 'text', key: 'text' },
    place: `'refusal:' || t.connection || ':' || t.key`,
  },
  {
    table: 'api_request',
    column: 'answer_sealed',
    key: { token_id: 'uuid', key: 'bytea' },
    place: `'request:' || t.token_id || ':' || encode(t.key, 'hex')`,
  },
];
