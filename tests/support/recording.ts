import type { Sink } from '../../src/core/connector.ts';
import type { AnyDocumentType } from '../../src/core/document.ts';

/** A version of a record, as it was given to a sink. */
export interface Written {
  readonly kind: string;
  readonly key: string;
  readonly version: number;
  readonly body: unknown;
}

/** A sink that writes down all it is given, and is there at once. */
export const recording = <D extends AnyDocumentType>(accepts: D, written: Written[]): Sink<D> => ({
  name: accepts.name,
  accepts,
  idempotency: 'external-id',
  needsBound: false,
  settle: 0,
  deadline: '10s',
  batch: { max: 100, onFailure: 'independent' },
  deliver: async (items) =>
    items.map(({ key, version, document }) => {
      written.push({ kind: accepts.name, key, version, body: document });
      return { outcome: 'done', id: key };
    }),
});
