import { HubError } from '../../../core/errors.ts';
import { rejected } from '../../../core/fault.ts';
import type { Beside, Codec, MessageKind, MessageOf, SetProblem } from '../messages.ts';
import { acknowledgementRows, readAcknowledgement } from './acknowledgement.ts';
import {
  type Group,
  isExact,
  type Partner,
  readInterchange,
  type TransactionSet,
  writeInterchange,
} from './envelope.ts';
import { checkOrder, orderRows } from './order.ts';
import { readAdvice, readInventory, readReceipt, SetError } from './read.ts';

/** X12, release 004010. */
export interface X12Config {
  readonly kind: 'x12';
  /** Us, as the warehouse knows us: ISA05 and ISA06. */
  readonly us: Partner;
  /** The warehouse: ISA07 and ISA08. */
  readonly warehouse: Partner;
  /** ISA15. Default 'P', production; files of the other kind are refused. */
  readonly usage?: 'P' | 'T';
  /** Qualifier (element 235) under which goods are named. Default 'VN'. */
  readonly itemQualifier?: string;
}

/** Transaction set and functional group of each kind. */
const SETS: Readonly<Record<MessageKind, { set: string; functional: string }>> = {
  'shipping-advice': { set: '945', functional: 'SW' },
  receipt: { set: '944', functional: 'RE' },
  inventory: { set: '846', functional: 'IB' },
  acknowledgement: { set: '997', functional: 'FA' },
};

const readers: {
  readonly [K in MessageKind]: (set: TransactionSet, group: Group, qualifier: string) => MessageOf<K> | null;
} = {
  'shipping-advice': readAdvice,
  receipt: readReceipt,
  inventory: readInventory,
  acknowledgement: readAcknowledgement,
};

/** Throws HubError CONFIG_INVALID for partners that cannot stand in an ISA. */
export function x12Codec({ us, warehouse, usage = 'P', itemQualifier = 'VN' }: X12Config): Codec {
  for (const { qualifier, id } of [us, warehouse])
    if (!/^[A-Z0-9]{2}$/.test(qualifier) || !isExact(id, 15))
      throw new HubError('CONFIG_INVALID', `warehouse-files: '${qualifier} ${id}' is no X12 partner`, {
        hint: 'a qualifier has two characters (ZZ, 01, 12), an id at most 15',
      });
  const envelope = { from: us, to: warehouse, usage };
  return {
    extension: 'x12',
    prefix: '940',
    patterns: { 'shipping-advice': '945*', receipt: '944*', inventory: '846*', acknowledgement: '997*' },
    checkOrder,
    writeOrder: (message) =>
      writeInterchange(
        { ...envelope, functional: 'OW', type: '940', number: message.number, at: message.at },
        orderRows(message, itemQualifier),
      ),
    writeAcknowledgement: (number, at, group) =>
      writeInterchange({ ...envelope, functional: 'FA', type: '997', number, at }, acknowledgementRows(group)),
    read: <K extends MessageKind>(kind: K, file: string, content: string) => {
      const interchange = readInterchange(file, content);
      const refuse = (what: string) => rejected(`${file}: ${what}`, 'file-unreadable');
      if (interchange.sender !== warehouse.id || interchange.receiver !== us.id)
        throw refuse(
          `is from '${interchange.sender}' to '${interchange.receiver}', not from '${warehouse.id}' to '${us.id}'.`,
        );
      if (interchange.usage !== usage)
        throw refuse(`is marked '${interchange.usage}' (ISA15), and this connection takes '${usage}' only.`);
      return interchange.groups.flatMap((group) => readGroup(kind, file, group, itemQualifier));
    },
  };
}

function readGroup<K extends MessageKind>(
  kind: K,
  file: string,
  group: Group,
  qualifier: string,
): (MessageOf<K> | Beside)[] {
  const { set: wanted, functional } = SETS[kind];
  const stranger = group.sets.find(({ type }) => type !== wanted);
  if (stranger || group.functional !== functional)
    throw rejected(
      `${file}: holds a ${stranger?.type ?? group.functional} where its name says ${wanted}.`,
      'file-unreadable',
    );
  const read = group.sets.map((set) => readSet(kind, file, group, set, qualifier));
  const messages = read.flatMap(({ message }) => (message === null ? [] : [message]));
  if (kind === 'acknowledgement') return messages;
  const sets = group.sets.map(({ type, control }, index) => ({ type, control, problems: read[index]!.problems }));
  return [...messages, { kind: 'group', functional: group.functional, control: group.control, sets }];
}

function readSet<K extends MessageKind>(
  kind: K,
  file: string,
  group: Group,
  set: TransactionSet,
  qualifier: string,
): { message: MessageOf<K> | Beside | null; problems: SetProblem[] } {
  const about = `${set.type} ${set.control} of group ${group.control}`;
  try {
    if (set.fault) throw new SetError(null, set.fault.code, set.fault.why);
    return { message: readers[kind](set, group, qualifier), problems: [] };
  } catch (error) {
    if (!(error instanceof SetError)) throw error;
    const { segment } = error.problem;
    const where =
      segment === null ? null : segment.place === 0 ? segment.id : `${segment.id}, segment ${segment.place}`;
    // What is missing was missed at the end.
    const missed = segment?.place === 0 ? { ...segment, place: set.segments.length } : segment;
    const why = `${file}: ${about} is wrong: ${error.message}.`;
    return {
      message: { kind: 'bad', about: `${about}, ${file}`, why, where },
      problems: [{ ...error.problem, segment: missed }],
    };
  }
}
