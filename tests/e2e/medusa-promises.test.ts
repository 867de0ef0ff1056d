import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dismissException } from '../../src/engine/resolve.ts';
import { listExceptions } from '../../src/ledger/exceptions.ts';
import { startOdooSimulator } from '../../src/simulators/odoo/index.ts';
import type { LabVariant, Placed } from '../medusa/shops.ts';
import { openStory } from '../medusa/story.ts';
import { startProxy } from '../odoo/proxy.ts';
import { until } from '../support/target.ts';

interface Shown {
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly updated_at: string;
}
interface Changes {
  readonly order_changes: readonly { readonly actions: readonly { readonly details: { readonly new: Told } }[] }[];
}
type Told = Readonly<Record<string, string>>;

const today = Math.floor(Date.now() / 1000) * 1000;
const day = (n: number): string => `${new Date(today + n * 86_400_000).toISOString().slice(0, 19)}Z`;
const naive = (n: number): string => day(n).slice(0, 19).replace('T', ' ');

/** What a Medusa's checkout promised, and what people make of it in Odoo: judged by the books of both. */
for (const version of [18, 19] as const)
  test(`a promised order of a Medusa is promised in Odoo ${version}, and people who move it there move it in the shop, each once, while answers are lost`, async (t) => {
    let lost = 0;
    // Of what is told to an order every second answer is lost, first after Medusa has done it and then before.
    const road = async (url: string): Promise<string> => {
      const proxy = await startProxy(url, ({ method }) => {
        if (!/^\/admin\/orders\/\w+$/.test(method)) return undefined;
        lost += 1;
        return lost % 4 === 1 ? { do: 'cut-after' } : lost % 4 === 3 ? { do: 'cut-before' } : undefined;
      });
      t.after(() => proxy.close());
      return proxy.url;
    };
    const startOdoo = () => startOdooSimulator({ version, seed: 7, currency: 'EUR' });
    const { lab, at, ledger, hub } = await openStory(t, startOdoo, { road });
    await hub.start();
    const exceptions = async () =>
      (await listExceptions(ledger.db, null, 50)).map(({ id, message_sealed: sealed }) =>
        ledger.vault.unseal(sealed, `exception:${id}`).toString(),
      );
    const soon = (what: string, isSo: () => Promise<boolean>) =>
      until(what, isSo, 90).catch(async (error) => {
        throw new Error(`${error.message}: ${(await exceptions()).join('; ')}`);
      });
    const saleOf = async ({ number }: Placed) =>
      (await at.direct.read('sale.order', [['client_order_ref', '=', number]], ['commitment_date'], at.cx))[0];
    const dateIn = async (order: Placed) => (await saleOf(order))?.commitment_date;
    const move = async (order: Placed, n: number | null) =>
      at.write('sale.order', (await saleOf(order))!.id as number, { commitment_date: n === null ? false : naive(n) });
    const shown = async ({ id }: Placed) =>
      (await lab.admin<{ order: Shown }>('GET', `/admin/orders/${id}?fields=id,metadata,updated_at`)).order;
    const told = async (order: Placed) => (await shown(order)).metadata?.crossdock_promised_at;
    /** What was written to an order in Medusa, from the first. */
    const written = async ({ id }: Placed) => {
      const path = `/admin/orders/${id}/changes?change_type=update_order&fields=id,actions.*`;
      const { order_changes: all } = await lab.admin<Changes>('GET', path);
      return all.map(({ actions }) => actions[0]!.details.new);
    };
    /** Until the hub has read an order as it is now, and nothing is under way. */
    const heard = async (order: Placed) => {
      const last = BigInt(Date.parse((await shown(order)).updated_at));
      await soon(`order ${order.number} is read again`, async () => {
        const [row] = await ledger.db.query<{ newest: bigint | null }>(
          '',
          'select max(source_version) as newest from event_history where subject = $1',
          [`order:${order.id}`],
        );
        const { routable, deliverable, leased } = await hub.progress();
        return BigInt(row?.newest ?? 0) >= last && routable + deliverable + leased === 0;
      });
    };
    const versionOf = async ({ id }: Placed) =>
      (
        await ledger.db.query<{ version: number }>(
          '',
          "select version from document where kind = 'order' and key = $1",
          [`web:${id}`],
        )
      )[0]!.version;

    const [a] = lab.variants as [LabVariant];
    const buy = (metadata?: object) => lab.place([[a, 1]], metadata ? { metadata: { ...metadata, gift: 'yes' } } : {});
    const moved = await buy({ promised_at: day(3) });
    const kept = await buy({ promised_at: day(3) });
    const free = await buy();
    const wrong = await buy({ promised_at: 'on Tuesday' });
    await soon('the orders are promised in Odoo', async () => (await dateIn(moved)) === naive(3));
    await soon('all are there', async () => (await dateIn(kept)) === naive(3) && (await dateIn(free)) === false);
    await soon('what is no time is asked about', async () => (await exceptions()).length === 1);
    const words = `Order ${wrong.number}: 'on Tuesday' is not an RFC 3339 time: write metadata.promised_at as in 2026-12-01T17:00:00Z, then dismiss this.`;
    assert.match((await exceptions())[0]!, new RegExp(words.replaceAll('.', '\\.')));
    assert.equal(await saleOf(wrong), undefined);
    await lab.admin('POST', `/admin/orders/${wrong.id}`, { metadata: { promised_at: day(4) } });
    for (const row of await listExceptions(ledger.db, null, 50))
      await dismissException(hub.parts, row, { by: 'anna', reason: 'was put right in the shop' });
    await soon('it is put right in the shop', async () => (await dateIn(wrong)) === naive(4));

    await move(moved, 9);
    await move(free, 7);
    await soon('the shop says so', async () => (await told(moved)) === day(9) && (await told(free)) === day(7));
    await heard(moved);
    assert.deepEqual(
      [await versionOf(moved), (await shown(moved)).metadata],
      [1, { promised_at: day(3), gift: 'yes', crossdock_promised_at: day(9) }],
      'what the hub wrote is no change',
    );
    await move(moved, 11);
    await soon('the shop has the last', async () => (await told(moved)) === day(11));
    // The shop's own new promise goes to Odoo, but not over the date that people have set there.
    for (const { id } of [moved, kept])
      await lab.admin('POST', `/admin/orders/${id}`, { metadata: { promised_at: day(5) } });
    await soon('what the shop moved is moved in Odoo', async () => (await dateIn(kept)) === naive(5));
    await heard(moved);
    assert.equal(await dateIn(moved), naive(11));
    const own = new Date(day(5)).toISOString();
    await move(moved, null);
    await move(free, null);
    await soon('without a date of Odoo the shop goes by its own', async () => (await told(moved)) === own);
    await soon('what is promised no more is gone', async () => (await told(free)) === undefined);
    for (const order of [moved, kept, free]) await heard(order);
    const ours = (...times: string[]) => times.map((time) => ({ crossdock_promised_at: time }));
    assert.deepEqual(
      [await written(moved), await written(kept), await written(free)],
      [[...ours(day(9), day(11)), { promised_at: day(5) }, ...ours(own)], [{ promised_at: day(5) }], ours(day(7), '')],
    );
    assert.ok(lost > 4, 'no answer was lost');
    assert.deepEqual(await exceptions(), []);
  });
