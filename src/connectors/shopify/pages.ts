import { FaultError } from '../../core/fault.ts';

/** A page of a connection as `documents` ask for it. */
export interface Page<T> {
  readonly nodes: readonly T[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
}

/** All records of a connection whose first page is there; `next` reads the page after a cursor. */
export async function allOf<T>(
  first: Page<T>,
  next: (after: string) => Promise<Page<T> | null | undefined>,
): Promise<T[]> {
  const nodes = [...first.nodes];
  for (let page: Page<T> = first; page.pageInfo.hasNextPage && page.pageInfo.endCursor !== null; ) {
    const more = await next(page.pageInfo.endCursor);
    // It was there a moment ago: whoever asks reads it once more.
    if (!more) throw new FaultError({ kind: 'transient', message: 'a record went away while its pages were read' });
    nodes.push(...more.nodes);
    page = more;
  }
  return nodes;
}
