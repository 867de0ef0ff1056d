import type { Duration } from '../../core/clock.ts';
import type { DroppedFile, FileSource, Incoming } from '../../core/connector.ts';
import { rejected } from '../../core/fault.ts';
import type { FilePlace } from '../../core/file-store.ts';
import { canonicalJson, sha256 } from '../../core/seal.ts';
import type { Beside, Codec, Message, MessageKind, MessageOf } from './messages.ts';

export interface Reading {
  readonly place: FilePlace;
  readonly codec: Codec;
  readonly every: Duration;
  readonly quiet: Duration;
  readonly keep: boolean;
  readonly patterns: Partial<Readonly<Record<MessageKind, string>>>;
}

const MOST_BYTES = 32 * 1024 * 1024;

/** Files of one kind of message: each message is a fact of its own, known by what it is about and what it says. */
export function messageSource<K extends MessageKind>(
  name: string,
  kind: K,
  { place, codec, every, quiet, keep, patterns }: Reading,
): FileSource<MessageOf<K> | Beside, readonly (MessageOf<K> | Beside)[]> {
  return {
    kind: 'file',
    name,
    folder: place.where,
    place,
    every,
    quiet,
    keep,
    pattern: patterns[kind] ?? codec.patterns[kind],
    alone: true,
    coarseVersions: true,
    maxBytes: MOST_BYTES,
    parse: (file) => codec.read(kind, file.name, textOf(file)),
    events: (files) => lastWordsLast(files.flatMap(({ parsed }) => parsed)).map((message) => factOf(message)),
    report: (messages) => ({ messages: messages.length, lines: messages.reduce((sum, one) => sum + linesOf(one), 0) }),
    decode: (bytes) => JSON.parse(Buffer.from(bytes).toString()),
  };
}

const linesOf = (message: Message | Beside): number => ('lines' in message ? message.lines.length : 0);

function textOf({ name, bytes }: DroppedFile): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw rejected(`${name}: is not text in UTF-8.`, 'file-unreadable');
  }
}

/** Of what is read in one go the shipments that close their orders stand behind those that do not: what left with them is known by then. */
function lastWordsLast<M extends Message | Beside>(messages: readonly M[]): M[] {
  const closing = new Map<string, boolean>();
  for (const one of messages) if (one.kind === 'shipping-advice') closing.set(one.shipment, one.closes !== 'nothing');
  const isLast = (one: M): number => Number(one.kind === 'shipping-advice' && closing.get(one.shipment));
  return messages.toSorted((a, b) => isLast(a) - isLast(b));
}

/** What a message is about, as a subject. Shipments of one order are told one after the other: what closes it depends on the others. */
function subjectOf(message: Message | Beside): string {
  switch (message.kind) {
    case 'shipping-advice':
      return `fulfilment:${message.order}`;
    case 'receipt':
      return `receipt:${message.receipt}`;
    case 'inventory':
      return 'inventory';
    case 'acknowledgement':
      return `acknowledgement:${message.to}`;
    case 'bad':
      return `bad:${message.about}`.slice(0, 200);
    case 'group':
      return `group:${message.functional}:${message.control}`;
  }
}

/** When the warehouse said it: a message sent earlier than the last one heard of its subject changes nothing. Of shipments, of which a subject has several, the flow goes by it. */
const saidAt = (message: Message | Beside): string | null =>
  message.kind === 'inventory' ? message.asOf : 'sentAt' in message ? message.sentAt : null;

const happenedAt = (message: Message | Beside): string =>
  message.kind === 'shipping-advice'
    ? message.shippedAt
    : message.kind === 'receipt'
      ? message.receivedAt
      : (saidAt(message) ?? '1970-01-01T00:00:00.000Z');

function factOf(message: Message | Beside): Incoming {
  const bytes = Buffer.from(canonicalJson(message));
  const said = message.kind === 'shipping-advice' ? null : saidAt(message);
  const subject = subjectOf(message);
  return {
    dedupeKey: `${message.kind} ${sha256(bytes).toString('hex')}`,
    subject,
    ...(said === null ? {} : { sourceVersion: BigInt(Date.parse(said)) }),
    occurredAt: new Date(happenedAt(message)),
    bytes,
    measure: { lines: linesOf(message), currency: null, minor: 0n, absolute: 0n },
    labels: labelsOf(message),
  };
}

function labelsOf(message: Message | Beside): Record<string, string> {
  switch (message.kind) {
    case 'shipping-advice':
      return { shipment: message.shipment, 'fulfilment order': message.order };
    case 'receipt':
      return { receipt: message.receipt, ...(message.reference === null ? {} : { reference: message.reference }) };
    case 'inventory':
      return { report: message.report };
    case 'acknowledgement':
      return { message: String(message.to) };
    case 'bad':
      return { message: message.about };
    case 'group':
      return { group: `${message.functional} ${message.control}` };
  }
}
