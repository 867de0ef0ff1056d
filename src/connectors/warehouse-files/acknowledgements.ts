import { type Static, Type } from 'typebox';
import type { Sink } from '../../core/connector.ts';
import { classified, defineDocument } from '../../core/document.ts';
import { rejected } from '../../core/fault.ts';
import type { FilePlace } from '../../core/file-store.ts';
import type { Codec, ReceivedGroup } from './messages.ts';
import { writeOnce } from './outbox.ts';
import { visit } from './visit.ts';

const internal = (): ReturnType<typeof Type.String> => Type.String(classified('internal'));

const Schema = Type.Object({
  /** Connection, functional group and control number, and what was found. */
  id: internal(),
  functional: internal(),
  control: internal(),
  sets: Type.Array(
    Type.Object({
      type: internal(),
      control: internal(),
      problems: Type.Array(
        Type.Object({
          segment: Type.Union([Type.Object({ id: internal(), place: Type.Integer() }), Type.Null()]),
          code: internal(),
          why: internal(),
        }),
      ),
    }),
  ),
});

export type FunctionalAcknowledgement = Static<typeof Schema>;

/** What the warehouse hears of one group of messages that was read (997). */
export const FunctionalAcknowledgementDocument = defineDocument({
  name: 'functional-acknowledgement',
  version: '1.0',
  schema: Schema,
  key: (acknowledgement) => acknowledgement.id,
  references: ({ functional, control }) => [['edi-group', `${functional} ${control}`]],
});

/** Functional acknowledgements for the warehouse, one file each. They are not acknowledged themselves. */
export function functionalAcknowledgements(
  place: FilePlace,
  codec: Codec,
): Sink<typeof FunctionalAcknowledgementDocument> {
  return {
    name: 'functionalAcknowledgements',
    accepts: FunctionalAcknowledgementDocument,
    idempotency: 'external-id',
    numbered: true,
    settle: '30s',
    deadline: '2m',
    batch: { max: 20, onFailure: 'independent' },
    deliver: (items, cx) =>
      visit(place, cx, async (store, each) =>
        each(items, async ({ document, number, owedAt, key }) => {
          if (number === undefined) throw new Error(`functional acknowledgement ${key} came without a number`);
          const group: ReceivedGroup = { kind: 'group', ...document };
          if (!codec.writeAcknowledgement) throw rejected('Only X12 has functional acknowledgements.', 'unwritable');
          const bytes = Buffer.from(codec.writeAcknowledgement(number, owedAt ?? new Date(0), group));
          const name = `997-${String(number).padStart(9, '0')}.${codec.extension}`;
          await writeOnce(store, place.where, name, bytes, (held) => bytes.equals(held), cx);
          return { outcome: 'done', id: name };
        }),
      ),
  };
}
