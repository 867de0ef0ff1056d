import type { Context } from '../../core/connector.ts';
import { FaultError } from '../../core/fault.ts';
import { CLAIMS, returnCalls } from './documents/returns.ts';
import { faultOfUserError, type UserError } from './errors.ts';
import type { Shop } from './shop.ts';

/** Units of a return of the shop's own that goods in the books are. */
export interface Claim {
  /** Shopify's id of the return. */
  readonly return: string;
  /** By Shopify's id of the return's line: how many units were to be processed when it was claimed, and how many of them these goods are. */
  readonly lines: Readonly<Record<string, { readonly before: number; readonly units: number }>>;
}

/** By the key of the return in the books. */
export type Claims = Readonly<Record<string, Claim>>;

/** An order's claims as they are stored, with the digest that they must still have when they are written. */
export interface Stored {
  readonly claims: Claims;
  readonly digest: string | null;
}

/**
 * A return that the customer opened in the shop takes no mark of ours. So which goods were put to it stands with the order, in a metafield of the app's own that people do not see:
 * written before anything is processed, compared when it is written, and read with the order, so that `webOrders` does not tell these units back.
 *
 * Throws `rejected` for what the hub did not write. `then`: what is to be done once it is gone; an order that was read is translated as it was read, however often that is retried.
 */
export function readClaims(text: string | null | undefined, then: 'retry' | 'read anew'): Claims {
  if (!text) return {};
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && Object.values(value).every(isClaim)) return value as Claims;
  } catch {
    // Falls through: what cannot be read must not be written over either.
  }
  throw new FaultError({
    kind: 'rejected',
    message: `The order's metafield crossdock_returns, which says which returned goods the books know, is not what the hub wrote. Shopify's admin does not show it: let whoever has the app's token keep a copy and delete it (metafieldsDelete, namespace $app), then ${steps[then]}. Returns of this order that the books know may be told to them once more: look for these.`,
    cause: 'claims-unreadable',
    field: 'order',
  });
}

const steps = {
  retry: 'retry',
  'read anew': 'add a note to the order, so that it is read anew, and dismiss this',
};

function isClaim(value: unknown): value is Claim {
  if (typeof value !== 'object' || value === null || !('return' in value) || !('lines' in value)) return false;
  const { lines } = value;
  if (typeof value.return !== 'string' || typeof lines !== 'object' || lines === null) return false;
  return Object.values(lines).every(
    (line: unknown) =>
      typeof line === 'object' &&
      line !== null &&
      'before' in line &&
      'units' in line &&
      Number.isInteger(line.before) &&
      Number.isInteger(line.units),
  );
}

/** How many units of each line of the shop's own returns the books have told, by Shopify's id of the line. */
export function claimedUnits(claims: Claims): ReadonlyMap<string, number> {
  const all = new Map<string, number>();
  for (const { lines } of Object.values(claims))
    for (const [line, { units }] of Object.entries(lines)) all.set(line, (all.get(line) ?? 0) + units);
  return all;
}

/** Adds a claim. Throws `transient` where somebody wrote in between: it is read anew then. */
export async function writeClaim(
  shop: Shop,
  order: string,
  { claims, digest }: Stored,
  claim: { readonly key: string; readonly value: Claim },
  cx: Context,
): Promise<void> {
  const value = JSON.stringify({ ...claims, [claim.key]: claim.value });
  const metafield = { ownerId: order, key: CLAIMS, type: 'json', value, compareDigest: digest };
  const { metafieldsSet: told } = await shop.call<{
    metafieldsSet: { metafields: { id: string }[] | null; userErrors: UserError[] } | null;
  }>(returnCalls.claim, { metafields: [metafield] }, cx);
  const [error] = told?.userErrors ?? [];
  if (error?.code === 'STALE_OBJECT' || error?.code === 'INVALID_COMPARE_DIGEST')
    throw new FaultError({ kind: 'transient', message: 'Another return of the order was written down meanwhile.' });
  if (error) throw new FaultError(faultOfUserError(returnCalls.claim, error, () => 'order'));
  if ((told?.metafields ?? []).length === 0)
    throw new FaultError({ kind: 'unknown', message: 'Shopify did not say that the return was written down' });
}
