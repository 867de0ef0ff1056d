import { HubError } from '../../core/errors.ts';

/** What a backup says of itself, at its beginning. */
export interface Manifest {
  readonly crossdock: string;
  readonly postgres: string;
  /** Id of the ledger. */
  readonly ledger: string;
  readonly era: number;
  /** The moment whose state this is, by the ledger's clock, RFC 3339. */
  readonly at: string;
  /** Migrations the ledger had, in order. */
  readonly migrations: readonly { readonly name: string; readonly checksum: string }[];
  /** Tables in an order in which their rows may be written, with the columns that are kept. */
  readonly tables: readonly { readonly name: string; readonly columns: readonly string[] }[];
  /** First days of the months that history has partitions for, `YYYY-MM-DD`. */
  readonly months: readonly string[];
}

/** What came after the rows: how many there were, and where sequences stood then. */
export interface Summary {
  readonly rows: Readonly<Record<string, number>>;
  readonly sequences: readonly { readonly name: string; readonly value: string }[];
}

/** One record: a kind, 4 bytes length, and a body. Rows come in any number of pieces; a table ends with its count. */
export type BackupRecord =
  | { readonly kind: 'manifest'; readonly manifest: Manifest }
  | { readonly kind: 'table'; readonly name: string }
  | { readonly kind: 'rows'; readonly bytes: Buffer }
  | { readonly kind: 'end'; readonly rows: number }
  | { readonly kind: 'summary'; readonly summary: Summary };

const kinds = ['manifest', 'table', 'rows', 'end', 'summary'] as const;
const HEAD = 5;

export function encodeRecord(record: BackupRecord): Buffer {
  const { kind, ...rest } = record;
  const body = record.kind === 'rows' ? record.bytes : Buffer.from(JSON.stringify(rest));
  const head = Buffer.alloc(HEAD);
  head[0] = kinds.indexOf(kind);
  head.writeUInt32BE(body.length, 1);
  return Buffer.concat([head, body]);
}

/** Records of a stream of bytes that was authenticated. Throws HubError BACKUP_INVALID for what is none. */
export async function* decodeRecords(bytes: AsyncIterable<Buffer>): AsyncGenerator<BackupRecord> {
  let waiting: Buffer = Buffer.alloc(0);
  for await (const chunk of bytes) {
    waiting = waiting.length === 0 ? chunk : Buffer.concat([waiting, chunk]);
    while (waiting.length >= HEAD) {
      const length = waiting.readUInt32BE(1);
      if (waiting.length < HEAD + length) break;
      const kind = kinds[waiting[0]!];
      const body = waiting.subarray(HEAD, HEAD + length);
      waiting = waiting.subarray(HEAD + length);
      if (kind === undefined) throw new HubError('BACKUP_INVALID', 'the backup holds a record of an unknown kind');
      yield kind === 'rows' ? { kind, bytes: body } : ({ kind, ...JSON.parse(body.toString()) } as BackupRecord);
    }
  }
  if (waiting.length > 0) throw new HubError('BACKUP_INVALID', 'the backup ends within a record');
}
