import { verifyPayments } from '../verify-payments.ts';
import type { BooksLedger, ShopLedger, Units } from './ledgers.ts';
import { type Hop, minorOf, moneyOf, Tally, text } from './tally.ts';

/** The shop writes down which paper of Odoo it acted on. */
const isFor =
  (name: string | null) =>
  ({ note }: { readonly note: string }): boolean =>
    note.startsWith(`${name} `);

/** Every credit note that people posted in Odoo for an order of the shop was paid back there, once and to the cent, and nothing else was. */
export function creditsInShop({ orders }: ShopLedger, { credit_notes: notes }: BooksLedger): Hop {
  const tally = new Tally();
  let [there, here] = [0, 0];
  for (const { name, paidBack } of orders) {
    const own = notes.filter(({ order, xmlid, state }) => order === name && xmlid === null && state === 'posted');
    for (const { name: number, total } of own) {
      const [paid, ...more] = paidBack.filter(isFor(number));
      tally.compared += 1;
      there += minorOf(total);
      if (!paid) tally.miss(`${name}: credit note ${number} (${text(minorOf(total))}) was not paid back`);
      else if (paid.amount !== minorOf(total))
        tally.miss(
          `${name}: of credit note ${number} (${text(minorOf(total))}) the shop paid back ${text(paid.amount)}`,
        );
      if (more.length > 0) tally.extra(`${name}: credit note ${number} was paid back ${more.length + 1} times`);
    }
    for (const paid of paidBack) {
      here += paid.amount;
      if (!own.some(({ name: number }) => isFor(number)(paid)))
        tally.extra(`${name}: the shop paid back ${text(paid.amount)} for '${paid.note}', which is not posted in Odoo`);
    }
  }
  return { ...tally.hop, ...moneyOf(there, here) };
}

/** What the shop paid back for credit notes is registered on them, once and to the cent. */
export function paidBackInBooks({ orders }: ShopLedger, { payments, credit_notes: notes }: BooksLedger): Hop {
  const memo = /credit-note-(\d+)/;
  const sent = orders.flatMap(({ paidBack }) =>
    paidBack.map(({ note, amount }) => ({ id: memo.exec(note)?.[1] ?? note, amount })),
  );
  const held = payments.flatMap((one) => {
    const id = memo.exec(one.memo ?? '')?.[1];
    return id === undefined ? [] : [{ ...one, memo: id }];
  });
  const { lost, doubled, wrong, words } = verifyPayments(sent, held);
  const owed = notes.filter(({ xmlid, state, residual }) => xmlid === null && state === 'posted' && residual !== 0);
  return {
    compared: sent.length,
    lost: lost + wrong + owed.length,
    duplicated: doubled,
    outOfOrder: 0,
    differences: 0,
    wrong: [
      ...words.map((one) => `credit note ${one}`),
      ...owed.map(({ name, order, residual }) => `${order}: ${residual} of credit note ${name} is still owed in Odoo`),
    ],
    ...moneyOf(
      sent.reduce((sum, { amount }) => sum + amount, 0),
      held.reduce((sum, { amount }) => sum + minorOf(amount), 0),
    ),
  };
}

const show = (units: Units): string =>
  Object.entries(units)
    .map(([sku, count]) => `${count} × ${sku}`)
    .sort()
    .join(', ') || 'nothing';

/** What people took back in Odoo has come back in the shop, once and in the same pieces. */
export function takenBackInShop({ orders }: ShopLedger, { pickings, sale_orders: sales }: BooksLedger): Hop {
  const tally = new Tally();
  const byId = new Map(pickings.map((one) => [one.id, one]));
  for (const { name, takenBack } of orders) {
    const ids = sales.filter((one) => one.client_order_ref === name).flatMap((one) => one.pickings);
    const own = ids.map((id) => byId.get(id)!).filter(isTakenBack);
    for (const { name: number, moves } of own) {
      tally.compared += 1;
      const came: Record<string, number> = {};
      for (const { state, default_code: sku, quantity } of moves)
        if (state === 'done') came[sku ?? '?'] = (came[sku ?? '?'] ?? 0) + quantity;
      const [back, ...more] = takenBack.filter(isFor(number));
      if (!back) tally.miss(`${name}: ${show(came)} came back by ${number}, and the shop has no return`);
      else if (show(back.units) !== show(came))
        tally.miss(`${name}: ${show(came)} came back by ${number}, in the shop ${show(back.units)}`);
      if (more.length > 0) tally.extra(`${name}: ${number} is ${more.length + 1} returns in the shop`);
    }
    for (const back of takenBack)
      if (!own.some(({ name: number }) => isFor(number)(back)))
        tally.extra(`${name}: the shop has the return '${back.note}', and nothing came back in Odoo`);
  }
  return tally.hop;
}

/** A receipt of people's own: what the hub books has an external id. */
const isTakenBack = ({ xmlid, state, return_of: of }: BooksLedger['pickings'][number]): boolean =>
  xmlid === null && of !== null && state === 'done';
