import { GraphQLError } from 'graphql';

export interface PageArgs {
  readonly first?: number | null;
  readonly after?: string | null;
  readonly reverse?: boolean | null;
}

/** A refusal of the API, with its code. */
export const refusal = (message: string, code: string): GraphQLError =>
  new GraphQLError(message, { extensions: { code } });

/** As many as there are: what a bulk operation asks of each connection. As a call it would cost more than any may. */
export const EVERYTHING = 2 ** 31 - 1;

/** A connection over records that are all there already; cursors name the record, so that pages stay right while others are added. */
export function page<T, V>(all: readonly T[], args: PageArgs, idOf: (record: T) => string, view: (record: T) => V) {
  const { first, after } = args;
  if (first === undefined || first === null) throw refusal('you must provide one of first or last', 'BAD_REQUEST');
  if (first > 250 && first !== EVERYTHING) throw refusal('first cannot exceed 250', 'BAD_REQUEST');
  const ordered = args.reverse ? [...all].reverse() : all;
  const name = (record: T): string => Buffer.from(idOf(record)).toString('base64url');
  const from = after ? ordered.findIndex((record) => name(record) === after) + 1 : 0;
  if (after && from === 0) throw refusal('Invalid cursor for current pagination sort.', 'BAD_REQUEST');
  const nodes = ordered.slice(from, from + first);
  const views = nodes.map(view);
  return {
    nodes: views,
    edges: views.map((node, index) => ({ cursor: name(nodes[index]!), node })),
    pageInfo: {
      hasNextPage: from + first < ordered.length,
      hasPreviousPage: from > 0,
      startCursor: nodes.length > 0 ? name(nodes[0]!) : null,
      endCursor: nodes.length > 0 ? name(nodes.at(-1)!) : null,
    },
  };
}

/**
 * The condition of a search such as `sku:"MUG-1" OR barcode:"123"`, in whatever letter case, among the fields that are given; null where the search is another one.
 */
export function searchedFor<T>(
  query: string | null | undefined,
  fields: Readonly<Record<string, (record: T) => string | null>>,
): ((record: T) => boolean) | null {
  const terms = [...(query ?? '').matchAll(/(\w+):"((?:[^"\\]|\\.)*)"(?: OR |$)/g)];
  if (terms.length === 0 || terms.map(([whole]) => whole).join('') !== query) return null;
  if (terms.some(([, name]) => !Object.hasOwn(fields, name!))) return null;
  return (record) =>
    terms.some(([, name, text]) => {
      const value = fields[name!]!(record);
      return value !== null && value.toUpperCase() === text!.replace(/\\(.)/g, '$1').toUpperCase();
    });
}

/**
 * The condition of a search such as `updated_at:>='2026-11-25T10:00:00Z'`. Of Shopify's search syntax only this is simulated, and all else is refused:
 * Shopify would pass over what it does not understand.
 */
export function searched(query: string | null | undefined): (record: { updatedAt: Date }) => boolean {
  if (!query) return () => true;
  const found = /^updated_at:(>=|>)'?([0-9TZ:.+-]+)'?$/.exec(query.trim());
  const at = Date.parse(found?.[2] ?? '');
  if (!found || Number.isNaN(at))
    throw refusal(`the simulated shop does not understand the search '${query}'`, 'BAD_REQUEST');
  return ({ updatedAt }) => (found[1] === '>=' ? updatedAt.getTime() >= at : updatedAt.getTime() > at);
}
