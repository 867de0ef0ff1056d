import type { Duration } from '../../core/clock.ts';
import type { Connection, Context, FileSource, Finding, Sink } from '../../core/connector.ts';
import { HubError } from '../../core/errors.ts';
import type { FilePlace } from '../../core/file-store.ts';
import { folderPlace } from '../../core/folder.ts';
import type { FulfilmentOrderDocument } from '../../model/fulfilment-order.ts';
import { type FunctionalAcknowledgementDocument, functionalAcknowledgements } from './acknowledgements.ts';
import { csvCodec } from './csv.ts';
import type {
  Acknowledgement,
  Beside,
  Codec,
  InventoryReport,
  MessageKind,
  Receipt,
  ShippingAdvice,
} from './messages.ts';
import { type SftpConfig, sftpPlace } from './sftp.ts';
import { fulfilmentOrders } from './sinks.ts';
import { messageSource } from './sources.ts';
import { type X12Config, x12Codec } from './x12/index.ts';
import { xmlCodec } from './xml.ts';

export type { Acknowledgement, Beside, InventoryReport, Receipt, ShippingAdvice } from './messages.ts';

export interface WarehouseFilesConfig {
  /** Company, brand or country whose goods these are. Default 'main'. */
  readonly entity?: string;
  /** Where the warehouse's files lie: folders of this machine, or of an SFTP server. */
  readonly at: { readonly kind: 'folder'; readonly path: string } | SftpConfig;
  /** Folder in which the warehouse finds what it is sent. Default 'in', as the warehouse calls it. */
  readonly outbox?: string;
  /** Folder in which it leaves its own files. Default 'out'. */
  readonly inbox?: string;
  readonly format: { readonly kind: 'csv' } | { readonly kind: 'xml' } | X12Config;
  /** How soon the warehouse acknowledges what it is sent, or null where it never does. Default '30m'. */
  readonly acknowledgeWithin?: Duration | null;
  /** What the warehouse does with the same message sent twice: `knows` its number and acts once (the default), or acts `twice`. */
  readonly repeats?: 'knows' | 'twice';
  /** How long before the customer's promise all goods must have left: the carrier's time. Default 1d. */
  readonly shipBefore?: Duration;
  /** How long what is promised nobody, or too late already, may take to leave. Default 3d; null: it is not awaited. */
  readonly shipWithin?: Duration | null;
  /** How often the inbox is looked at. Default: 1s for a folder, 1m for SFTP. */
  readonly every?: Duration;
  /** How long a file must not have changed before it is read. Default: 1s for a folder, 10s for SFTP. */
  readonly quiet?: Duration;
  /** Leave files that were read where they are. Default false: moved to done/ or failed/. */
  readonly keep?: boolean;
  /** Names of the files of each kind, where they differ from the format's own. */
  readonly patterns?: Partial<Readonly<Record<MessageKind, string>>>;
}

type Source<M> = FileSource<M | Beside, readonly (M | Beside)[]>;

export interface WarehouseFilesConnection extends Connection {
  readonly sources: {
    readonly shippingAdvices: Source<ShippingAdvice>;
    readonly receipts: Source<Receipt>;
    readonly inventory: Source<InventoryReport>;
    readonly acknowledgements: Source<Acknowledgement>;
  };
  readonly sinks: {
    readonly fulfilmentOrders: Sink<typeof FulfilmentOrderDocument>;
    /** X12 only: other formats have none, and refuse it. */
    readonly functionalAcknowledgements: Sink<typeof FunctionalAcknowledgementDocument>;
  };
}

/**
 * A third-party warehouse that speaks by files: orders out; shipping advices, receipts, stock counts and acknowledgements in. Throws HubError
 * CONFIG_INVALID.
 */
export function warehouseFiles(config: WarehouseFilesConfig): WarehouseFilesConnection {
  const codec = codecOf(config.format);
  const far = config.at.kind === 'sftp';
  const outbox = placeOf(config.at, config.outbox ?? 'in');
  const inbox = placeOf(config.at, config.inbox ?? 'out');
  const reading = {
    place: inbox,
    codec,
    every: config.every ?? (far ? '1m' : '1s'),
    quiet: config.quiet ?? (far ? '10s' : '1s'),
    keep: config.keep ?? false,
    patterns: config.patterns ?? {},
  };
  const sources = {
    shippingAdvices: messageSource('shippingAdvices', 'shipping-advice', reading),
    receipts: messageSource('receipts', 'receipt', reading),
    inventory: messageSource('inventory', 'inventory', reading),
    acknowledgements: messageSource('acknowledgements', 'acknowledgement', reading),
  };
  return {
    connector: 'warehouse-files',
    entity: config.entity ?? 'main',
    sources,
    sinks: {
      fulfilmentOrders: fulfilmentOrders({
        place: outbox,
        codec,
        idempotency: config.repeats === 'twice' ? 'unsafe' : 'external-id',
        acknowledgeWithin: config.acknowledgeWithin === undefined ? '30m' : config.acknowledgeWithin,
        ships: {
          before: config.shipBefore ?? '1d',
          within: config.shipWithin === undefined ? '3d' : config.shipWithin,
        },
      }),
      functionalAcknowledgements: functionalAcknowledgements(outbox, codec),
    },
    check: (cx) => checkPlaces({ inbox, outbox, patterns: Object.values(sources).map(({ pattern }) => pattern) }, cx),
  };
}

function codecOf(format: WarehouseFilesConfig['format']): Codec {
  switch (format.kind) {
    case 'csv':
      return csvCodec;
    case 'xml':
      return xmlCodec;
    case 'x12':
      return x12Codec(format);
  }
}

function placeOf(at: WarehouseFilesConfig['at'], folder: string): FilePlace {
  if (folder === '' || folder.split('/').some((step) => step === '..' || step === ''))
    throw new HubError('CONFIG_INVALID', `warehouse-files: '${folder}' is not a folder below the warehouse's own`);
  return at.kind === 'sftp' ? sftpPlace(at, folder) : folderPlace(`${at.path}/${folder}`);
}

async function* checkPlaces(
  { inbox, outbox, patterns }: { inbox: FilePlace; outbox: FilePlace; patterns: readonly string[] },
  cx: Context,
): AsyncIterable<Finding> {
  for (const place of [outbox, inbox])
    try {
      const store = await place.open(cx, { look: true });
      const files = await store.list().finally(() => store.close());
      yield { level: 'ok', subject: place.where, message: `can be read, ${files.length} files` };
      if (place !== inbox) continue;
      const named = (name: string): boolean => patterns.some((pattern) => name.startsWith(pattern.split(/[*?]/)[0]!));
      const strangers = files.filter(({ name }) => !named(name) && !name.startsWith('.') && !name.endsWith('.part'));
      if (strangers.length > 0)
        yield {
          level: 'warning',
          subject: place.where,
          message: `${strangers.length} files have names that nobody reads, such as ${strangers[0]!.name}`,
          hint: `files are read by their names: ${patterns.join(', ')}; set \`patterns\``,
        };
    } catch (error) {
      yield { level: 'error', subject: place.where, message: (error as Error).message };
    }
}
