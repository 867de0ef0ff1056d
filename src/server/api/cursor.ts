import { HubError } from '../../core/errors.ts';
import type { PageTerms } from '../../ledger/pages/page.ts';
import type { Call } from './route.ts';

/** A cursor is sealed for one token, one list and its filters: it says nothing to others and serves nothing else. */
const sealPlace = ({ bearer, place }: Call): string => `cursor:${bearer.id}:${place}`;

const cursorOf = (call: Call, position: unknown): string =>
  call.parts.vault.seal(JSON.stringify(position), sealPlace(call)).toString('base64url');

/** Throws HubError CURSOR_INVALID. */
function positionOf<Position>(call: Call, cursor: string | undefined): Position | null {
  if (cursor === undefined) return null;
  try {
    return JSON.parse(
      call.parts.vault.unseal(Buffer.from(cursor, 'base64url'), sealPlace(call)).toString(),
    ) as Position;
  } catch (cause) {
    throw new HubError('CURSOR_INVALID', 'this cursor does not belong to this list with these filters and this token', {
      cause,
      hint: 'start again without a cursor',
    });
  }
}

type Listing = Call<unknown, { limit?: number; cursor?: string }>;

/** One page: `fetch` gets one row more than asked for, which tells whether there is a page after. `position` is what the next page starts after. */
export async function paged<Row, Item, Position>(
  call: Listing,
  fetch: (after: Position | null, limit: number) => Promise<Row[]>,
  position: (row: Row) => Position,
  view: (rows: Row[]) => Item[] | Promise<Item[]>,
): Promise<{ items: Item[]; next: string | null }> {
  const limit = call.query.limit ?? 50;
  const rows = await fetch(positionOf<Position>(call, call.query.cursor), limit + 1);
  const shown = rows.slice(0, limit);
  const next = rows.length > limit ? cursorOf(call, position(shown.at(-1)!)) : null;
  return { items: await view(shown), next };
}

type Filtered = Call<unknown, { since?: string; entity?: string }>;

/** What every list of the ledger is asked for. Throws HubError BAD_USE for a moment that does not exist. */
export function termsOf({ query }: Filtered, before: string | null, limit: number): PageTerms {
  const since = query.since === undefined ? null : new Date(query.since);
  if (since !== null && Number.isNaN(since.getTime()))
    throw new HubError('BAD_USE', `since is '${query.since}', which is no moment`);
  return { before, limit, since, entity: query.entity ?? null };
}
