import type { Context, Item } from '../../../core/connector.ts';
import { FaultError, rejected } from '../../../core/fault.ts';
import type { Return } from '../../../model/return.ts';
import { type Claim, type Stored, writeClaim } from '../claims.ts';
import { returnCalls } from '../documents/returns.ts';
import { tailOf } from '../mapping/terms.ts';
import { allOf, type Page } from '../pages.ts';
import type { Shop } from '../shop.ts';
import { type ReturnedLine, type Reversed, type ReverseLine, unitsOf } from './return-lines.ts';

export interface ReturnNow extends Reversed {
  readonly id: string;
  readonly name: string;
  readonly status: string;
}

/** What one place awaits of a return. */
interface Reverse {
  readonly id: string;
  readonly lineItems: Page<ReverseLine>;
}

interface Shown extends Omit<ReturnNow, keyof Reversed> {
  readonly returnLineItems: Page<ReturnedLine>;
  readonly reverseFulfillmentOrders: Page<Reverse>;
}

/** A return as it is now, with all of its lines. Throws `rejected` for one that is gone. */
export async function returnNow(shop: Shop, number: string, id: string, cx: Context): Promise<ReturnNow> {
  const ask = async (cursors: { readonly after?: string; readonly reverseAfter?: string }) =>
    (await shop.call<{ return: Shown | null }>(returnCalls.returnNow, { id, ...cursors }, cx)).return;
  const first = await ask({});
  if (!first) throw rejected(`Return ${number} is no longer in the shop.`, 'gone', 'state');
  const { returnLineItems, reverseFulfillmentOrders, ...rest } = first;
  const lines = await allOf(returnLineItems, async (after) => (await ask({ after }))?.returnLineItems);
  const reverses = await allOf(
    reverseFulfillmentOrders,
    async (reverseAfter) => (await ask({ reverseAfter }))?.reverseFulfillmentOrders,
  );
  const reverseLines: ReverseLine[] = [];
  for (const one of reverses) reverseLines.push(...(await reverseLinesOf(shop, one, cx)));
  return { ...rest, returnLineItems: lines, reverseLines };
}

const reverseLinesOf = (shop: Shop, { id, lineItems }: Reverse, cx: Context): Promise<ReverseLine[]> =>
  allOf(lineItems, async (after) => {
    const { reverseFulfillmentOrder: more } = await shop.call<{ reverseFulfillmentOrder: Reverse | null }>(
      returnCalls.moreReverseLines,
      { id, after },
      cx,
    );
    return more?.lineItems;
  });

const leftOf = ({ unprocessedQuantity = 0 }: ReturnedLine): number => unprocessedQuantity;

/** Whether nothing of the return is to be processed any more. */
export const isWhole = ({ returnLineItems }: ReturnNow): boolean => returnLineItems.every((line) => leftOf(line) === 0);

/** Whether the units of a claim have been processed. */
export function isProcessed({ lines }: Claim, { returnLineItems }: ReturnNow): boolean {
  const left = new Map(returnLineItems.map((line) => [line.id, leftOf(line)]));
  return Object.entries(lines).every(([id, { before, units }]) => (left.get(id) ?? before) <= before - units);
}

/**
 * The return that the customer opened in the shop for goods that have come: which of its units they are is written down before anything is processed. Null where no open return awaits any of them.
 *
 * One that awaits just these goods is theirs, else the only one that awaits all of them, and more. Throws `rejected` where other goods came than were announced, `early` while other goods
 * of that return are being told.
 */
export async function claimFor(
  shop: Shop,
  item: Item<Return>,
  { order, open, stored }: { readonly order: string; readonly open: readonly string[]; readonly stored: Stored },
  cx: Context,
): Promise<Claim | null> {
  const { document, key } = item;
  const all: ReturnNow[] = [];
  for (const id of open) all.push(await returnNow(shop, document.number, id, cx));
  const awaiting = all.filter((one) => one.status === 'OPEN' && awaitsSome(document, one));
  if (awaiting.length === 0) return null;
  const fits = awaiting.flatMap((now) => claimOf(document, now) ?? []);
  const exact = fits.filter((claim) => awaiting.some((now) => now.id === claim.return && takesAll(claim, now)));
  const value = exact[0] ?? (fits.length === 1 ? fits[0] : undefined);
  if (value === undefined) throw differs(document, awaiting);
  const now = awaiting.find(({ id }) => id === value.return)!;
  if (Object.values(stored.claims).some((other) => other.return === now.id && !isProcessed(other, now)))
    throw new FaultError({
      kind: 'early',
      message: `Other goods of return ${now.name} came before those of ${document.number} and are not told to Shopify yet: see to them, then retry.`,
      cause: 'return-first',
      field: 'lines',
    });
  await writeClaim(shop, order, stored, { key, value }, cx);
  return value;
}

const orderLineOf = ({ fulfillmentLineItem }: ReturnedLine): string => tailOf(fulfillmentLineItem?.lineItem.id ?? '');

const awaitsSome = ({ lines }: Return, { returnLineItems }: ReturnNow): boolean =>
  returnLineItems.some((one) => leftOf(one) > 0 && lines.some(({ orderLine }) => orderLine === orderLineOf(one)));

const takesAll = ({ lines }: Claim, { returnLineItems }: ReturnNow): boolean =>
  returnLineItems.every((one) => leftOf(one) === (lines[one.id]?.units ?? 0));

/** The units of the return that these goods are; null where it does not await all of them. */
function claimOf({ number, lines }: Return, now: ReturnNow): Claim | null {
  const wanted = new Map<string, number>();
  for (const line of lines) wanted.set(line.orderLine, (wanted.get(line.orderLine) ?? 0) + unitsOf(line, number));
  const claimed: Record<string, { before: number; units: number }> = {};
  for (const one of now.returnLineItems) {
    const open = wanted.get(orderLineOf(one)) ?? 0;
    const units = Math.min(open, leftOf(one));
    if (units === 0) continue;
    claimed[one.id] = { before: leftOf(one), units };
    wanted.set(orderLineOf(one), open - units);
  }
  return [...wanted.values()].every((left) => left === 0) ? { return: now.id, lines: claimed } : null;
}

const differs = ({ number, orderNumber }: Return, awaiting: readonly ReturnNow[]): FaultError =>
  rejected(
    `Return ${number} brought other goods of order ${orderNumber} than ${awaiting.map(({ name }) => name).join(', ')} in Shopify ${awaiting.length === 1 ? 'awaits' : 'await'}: process there what came, or change that return, then dismiss or retry this.`,
    'return-differs',
    'lines',
  );
