import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Judgement } from '../../src/simulators/retailer/judge.ts';
import { lastJson, must, root, scratch } from '../support/package.ts';

interface Told {
  verified: { lost: number; duplicated: number; outOfOrder: number; differences: number };
  hops: Judgement;
  wrong: string[];
  documents: Record<string, number>;
  money: Record<string, { difference: string }>;
  exceptions: { cause: string }[];
  stockDelay: { moves: number; unseen: number };
  forged: { sent: number; taken: number };
  unacknowledged: number;
}

const { folder, clean } = scratch();
after(clean);
const home = join(folder, 'home');

const day = async (...options: string[]): Promise<Told> =>
  lastJson<Told>(
    await must('node', ['bin/crossdock.mjs', 'demo', '--json', ...options], {
      cwd: root,
      env: { CROSSDOCK_HOME: home, CROSSDOCK_LOG: 'silent' },
    }),
  );

/** The till asks about entries by hand, the store about what nobody collected; a buyer, or people in Odoo, may cancel or change an order in the moment in which the parcel leaves, and Odoo and the shop both ask what to do. */
const asked = [
  'manual-entry',
  'not-collected',
  'already-shipped',
  'nothing-to-ship',
  'shipped-after-cancellation',
  'cancelled-after-shipping',
  'shipped',
  'more-than-ordered',
  'unknown-sku',
];

/** What a short day may end without: only what was delivered comes back, and only who has ordered rings up. */
const later = [
  'refundsToOdoo',
  'returnsToOdoo',
  'creditsToShop',
  'paidBackToOdoo',
  'takenBackToShop',
  'cancellationsToShop',
  'contactsToShop',
  'receiptsToOdoo',
  'noticesToShop',
  'shipmentsToStore',
];

/** What there is little of: it may be none. */
const seldom = ['uncollectedToPeople', 'shortToPeople', 'straysToPeople'];

/** A shop with so few customers does not see everything in one day; after so many it has. */
const MOST_STORMS = 4;

/** Every system's own books agree with its neighbours', and there was something to agree on. */
function assertAgreed({ verified, hops, wrong, money }: Told): void {
  assert.deepEqual(wrong, []);
  assert.deepEqual(verified, { lost: 0, duplicated: 0, outOfOrder: 0, differences: 0 });
  for (const [name, { compared, money: sums }] of Object.entries(hops)) {
    if (![...later, ...seldom].includes(name)) assert.ok(compared > 0, `${name}: ${compared} compared`);
    if (sums) assert.equal(sums.difference, '0.00', name);
  }
  for (const [name, hop] of Object.entries(hops)) assert.equal(hop.differences, 0, name);
  for (const [currency, { difference }] of Object.entries(money)) assert.equal(difference, '0.00', currency);
}

const unseen = ({ hops }: Told): string[] => later.filter((name) => hops[name as keyof Judgement].compared === 0);

/** A stormy day, which goes on where the one before it ended, and in which every book agrees. */
async function storm(): Promise<Told> {
  const told = await day('--for', '9s', '--rate', '3', '--faults', 'storm');
  assertAgreed(told);
  assert.ok(told.forged.sent > 0 && told.forged.taken === 0, `forged webhooks: ${JSON.stringify(told.forged)}`);
  assert.ok(told.unacknowledged > 0, 'the warehouse is silent for a while, and people are told');
  return told;
}

test('a calm day of the whole retailer, and stormy ones that go on where it ended: every order, sale, payment, refund, parcel, customer, product, price and stock figure crosses once', async () => {
  const calm = await day('--for', '6s', '--rate', '2');
  assertAgreed(calm);
  assert.ok(calm.stockDelay.moves > 0 && calm.stockDelay.unseen === 0, JSON.stringify(calm.stockDelay));
  assert.deepEqual(
    calm.exceptions.filter(({ cause }) => !asked.includes(cause)),
    [],
    'only the till and buyers ask people anything',
  );
  let last = await storm();
  for (const hop of ['tillToOdoo', 'ordersToOdoo', 'shipmentsToShop', 'catalogueToShop', 'storeSalesToOdoo'] as const)
    assert.ok(last.hops[hop].compared > calm.hops[hop].compared, `${hop}: the second day adds to the first`);
  for (let storms = 1; unseen(last).length > 0 && storms < MOST_STORMS; storms++) last = await storm();
  assert.deepEqual(unseen(last), [], 'everything happens in the end');
  assert.match(readFileSync(join(home, 'demo', 'shop.ndjson'), 'utf8'), /"name":"#1001"/);
  const books = (name: string) => readFileSync(join(home, 'demo', name), 'utf8');
  for (const name of ['shop.ndjson', 'store.ndjson'])
    assert.match(books(name), /"sku":"OWN-1[^"]+"[^}]*"quantity"/, `${name}: what was brought out was bought`);
  assert.match(books('shop.ndjson'), /"title":"[^"]+, edition /, 'names change after that');
  assert.match(books('shop.ndjson'), /"edited":true/, 'customers change what they ordered');
});
