import type { Context, Result } from '../../core/connector.ts';
import { FaultError, faultOf } from '../../core/fault.ts';
import type { FilePlace, FileStore } from '../../core/file-store.ts';

type Each = <T>(items: readonly T[], one: (item: T) => Promise<Result>) => Promise<Result[]>;

/** One after the other, each with its own outcome. */
const each: Each = async (items, one) => {
  const results: Result[] = [];
  for (const item of items)
    results.push(await one(item).catch((error): Result => ({ outcome: 'failed', fault: faultOf(error, 'unknown') })));
  return results;
};

/** Opens a place for one piece of work and closes it again. To open it changes nothing: what goes wrong then is never `unknown`. */
export async function visit<T>(
  place: FilePlace,
  cx: Context,
  work: (store: FileStore, one: Each) => Promise<T>,
): Promise<T> {
  const store = await cx
    .call({ verb: 'open', to: place.where }, () => place.open(cx))
    .catch((cause: unknown) => {
      if (cause instanceof FaultError && cause.fault.kind !== 'unknown') throw cause;
      throw new FaultError({ kind: 'transient', message: `${place.where} cannot be reached.` }, { cause });
    });
  try {
    return await work(store, each);
  } finally {
    await store.close();
  }
}
