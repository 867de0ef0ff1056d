import { type Random, seeded, systemClock } from '../../src/core/clock.ts';
import { Hub } from '../../src/engine/hub.ts';
import { documentPlace } from '../../src/engine/look.ts';
import { importMapping } from '../../src/engine/mappings.ts';
import { listExceptions } from '../../src/ledger/exceptions.ts';
import { type FaultRule, type OdooSimulator, startOdooSimulator } from '../../src/simulators/odoo/index.ts';
import { placeOrder } from '../../src/simulators/shopify/orders.ts';
import { makeContext } from '../odoo/context.ts';
import { directly, rpc } from '../odoo/servers.ts';
import { silent, type TestLedger } from '../support/hub.ts';
import { SECRET } from '../support/webhook.ts';
import { CHANNELS, type Channel, type Channels, estateOf, openChannels, SHOPS, tablesOf } from './estate.ts';

export interface Story {
  readonly skus: number;
  readonly sales: number;
  readonly moves: number;
  readonly seed: number;
  /** Answers cut, 5xx, throttling; none where only calls are counted. */
  readonly faulty: boolean;
  /** Seconds until all must agree. */
  readonly patience: number;
  /** Sales a second, at most. */
  readonly rate: number;
  /** Milliseconds between looks at Odoo's stock. */
  readonly every: number;
  readonly say?: (line: string) => void;
}

export interface Told {
  readonly sold: Record<Channel, number>;
  readonly moved: number;
  /** What differs in the end, what was undone, in words; empty when all is well. */
  readonly wrong: string[];
  /** Units that were sold beyond what there was, in the end. */
  readonly oversold: number;
  /** Calls that read or set stock at each channel. */
  readonly calls: Record<Channel, number>;
  readonly seconds: number;
  /** From the last sale or move until all agreed. */
  readonly settledAfter: number;
  readonly ordersInOdoo: number;
}

const FAULTS: readonly FaultRule[] = [
  { kind: 'cut-after-commit', probability: 0.01 },
  { kind: 'cut-before-commit', probability: 0.01 },
  { kind: 'status', status: 503, probability: 0.01 },
  { kind: 'serialization', probability: 0.01 },
];

/** Odoo as its people know it: products by SKU, and what is counted. */
class Stockroom {
  readonly onHand = new Map<string, number>();
  readonly cx;
  readonly #server: OdooSimulator;
  readonly #odoo;
  #products = new Map<string, number>();
  #uid = 0;
  #location = 0;

  constructor(server: OdooSimulator) {
    this.#server = server;
    this.cx = makeContext({ connection: 'people', secrets: { ODOO_KEY: server.key } });
    this.#odoo = directly(server);
  }

  async open(skus: readonly string[]): Promise<void> {
    this.#uid = (await this.#odoo.introduction(this.cx)).uid;
    this.#location = (await this.#odoo.warehouse(this.cx)).stockLocation;
    const rows = await this.#odoo.read('product.product', [['default_code', 'in', skus]], ['default_code'], this.cx);
    this.#products = new Map(rows.map((row) => [String(row.default_code), row.id as number]));
  }

  get known(): number {
    return this.#products.size;
  }

  code = async (): Promise<string> => (await this.#odoo.warehouse(this.cx)).code;

  /** Counts several products in one call, as an import does. */
  async count(counts: ReadonlyMap<string, number>): Promise<void> {
    const vals = [...counts].map(([sku, quantity]) => ({
      product_id: this.#products.get(sku),
      location_id: this.#location,
      inventory_quantity: quantity,
    }));
    const made = await this.#call('stock.quant', 'create', [vals], { inventory_mode: true });
    await this.#call('stock.quant', 'action_apply_inventory', [Array.isArray(made) ? made : [made]]);
    for (const [sku, quantity] of counts) this.onHand.set(sku, quantity);
  }

  /** As Odoo counts it: on hand − reserved, by SKU; and orders that are there. */
  async free(): Promise<Map<string, number>> {
    const ids = [...this.#products.values()];
    const quants = await this.#odoo.read(
      'stock.quant',
      [
        ['product_id', 'in', ids],
        ['location_id', '=', this.#location],
      ],
      ['product_id', 'quantity', 'reserved_quantity'],
      this.cx,
    );
    const sums = new Map<number, number>();
    for (const { product_id, quantity, reserved_quantity } of quants) {
      const [id] = product_id as [number];
      sums.set(id, (sums.get(id) ?? 0) + Number(quantity) - Number(reserved_quantity));
    }
    return new Map([...this.#products].map(([sku, id]) => [sku, sums.get(id) ?? 0]));
  }

  orders = (): Promise<number> => insisting(() => this.#odoo.count('sale.order', [['state', '=', 'sale']], this.cx));

  async faults(rules: readonly FaultRule[]): Promise<void> {
    const { admin } = this.#server;
    await fetch(`${admin}/faults`, { method: 'DELETE' });
    if (rules.length > 0) await fetch(`${admin}/faults`, { method: 'POST', body: JSON.stringify(rules) });
  }

  #call = (model: string, method: string, args: readonly unknown[], context = {}): Promise<unknown> =>
    insisting(() => rpc(this.#server, this.#uid, model, method, args, { context }));
}

/** People try again when something fails: they only look, and counts are absolute. */
async function insisting<T>(act: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++)
    try {
      return await act();
    } catch (error) {
      if (attempt === 20) throw error;
      await systemClock.sleep(20);
    }
}

/**
 * Two shops and a till sell what Odoo has, while it moves there and every line is bad. In the end the levels must be the same in all four ledgers, and no
 * channel's record may show that a figure was followed by an older one.
 */
export async function trade(ledger: TestLedger, story: Story): Promise<Told> {
  const skus = Array.from({ length: story.skus }, (_, n) => `SKU-${n + 1}`);
  const server = await startOdooSimulator({ version: 19, seed: story.seed, currency: 'EUR' });
  const channels = await openChannels(skus, story.seed, story.faulty);
  const room = new Stockroom(server);
  const hub = new Hub({
    estate: estateOf(server, channels, story.every),
    db: ledger.db,
    vault: ledger.vault,
    clock: systemClock,
    random: seeded(story.seed),
    log: silent,
    secret: (name) =>
      ({ ODOO_KEY: server.key, SHOP_TOKEN: channels.web.token, SHOP_SECRET: 's', TOKEN: 't', SECRET })[name]!,
    terms: { pollSeconds: 0.05, retrySeconds: [0.05, 0.5], attempts: 200 },
  });
  for (const [name, rows] of Object.entries(tablesOf(channels, await room.code())))
    await importMapping(ledger.db, { entity: 'main', name, rows, owner: 'x' }, { by: 'test', reason: 'begins' });
  try {
    await hub.start();
    return await tell(ledger, hub, { story, skus, channels, room });
  } finally {
    await hub.stop();
    await Promise.all([channels.web.stop(), channels.market.stop(), channels.till.stop(), server.stop()]);
  }
}

interface World {
  readonly story: Story;
  readonly skus: readonly string[];
  readonly channels: Channels;
  readonly room: Stockroom;
}

async function tell(ledger: TestLedger, hub: Hub, world: World): Promise<Told> {
  const { story, skus, channels, room } = world;
  const say = story.say ?? (() => undefined);
  const random = seeded(story.seed);
  await until('the products are in Odoo', 120, async () => {
    await room.open(skus);
    return room.known === skus.length;
  });
  await room.count(new Map(skus.map((sku) => [sku, 20 + Math.floor(random() * 80)])));
  await until('the channels are stocked', 120, async () => (await differences(world)).length === 0);
  say('everything is stocked');
  if (story.faulty) await room.faults(FAULTS);
  const before = callsOf(channels);
  const began = performance.now();
  const sold = { web: 0, market: 0, till: 0 };
  const ordered = new Map<string, number>();
  let moved = 0;
  const selling = (async () => {
    for (let n = 1; n <= story.sales; n++) {
      const channel = CHANNELS[Math.floor(random() * CHANNELS.length)]!;
      const sku = skus[Math.floor(random() * skus.length)]!;
      const quantity = sell(channels, channel, sku, random, n);
      if (quantity > 0) {
        sold[channel] += 1;
        ordered.set(sku, (ordered.get(sku) ?? 0) + quantity);
      }
      const due = began + (n / story.rate) * 1000 - performance.now();
      if (due > 0 || n % 20 === 0) await systemClock.sleep(Math.max(due, 1));
      if (n % 1000 === 0)
        say(
          `${n} tried, ${JSON.stringify(sold)}, ${await room.orders()} in Odoo, ${Math.round((performance.now() - began) / 1000)} s`,
        );
    }
  })();
  const moving = (async () => {
    for (let open = story.moves; open > 0; ) {
      const some = new Map<string, number>();
      const size = Math.min(open, story.sales > 0 ? 5 : skus.length);
      while (some.size < Math.min(size, skus.length)) {
        const sku = skus[Math.floor(random() * skus.length)]!;
        // Goods come in and get lost, about as many as are sold.
        some.set(sku, Math.max(0, room.onHand.get(sku)! + Math.floor(random() * 12) - 4));
      }
      await room.count(some);
      open -= some.size;
      moved += some.size;
      if (moved % 10_000 < some.size) say(`${moved} moved, ${Math.round((performance.now() - began) / 1000)} s`);
      if (story.sales > 0) await systemClock.sleep((some.size / story.moves) * (story.sales / story.rate) * 900);
    }
  })();
  await Promise.all([selling, moving]);
  await room.faults([]);
  const ended = performance.now();
  const all = sold.web + sold.market + sold.till;
  const agreed = await until('all agree', story.patience, async () => {
    if ((await room.orders()) < all) return false;
    return (await differences(world)).length === 0;
  }).then(
    () => true,
    () => false,
  );
  const settledAfter = (performance.now() - ended) / 1000;
  const after = callsOf(channels);
  const oversold = [...ordered].reduce((sum, [sku, units]) => sum + Math.max(0, units - room.onHand.get(sku)!), 0);
  const orders = await room.orders();
  const { routable, deliverable, leased } = await hub.progress();
  return {
    sold,
    moved,
    wrong: [
      ...(agreed ? [] : await underway(ledger)),
      ...(orders === all
        ? []
        : [`${orders} orders in Odoo, ${all} sold; hub ${JSON.stringify({ routable, deliverable, leased })}`]),
      ...(await differences(world)),
      ...(await undone(ledger, channels)),
      ...(await asked(ledger)),
    ],
    oversold,
    calls: Object.fromEntries(CHANNELS.map((name) => [name, after[name] - before[name]])) as Told['calls'],
    seconds: (performance.now() - began) / 1000,
    settledAfter,
    ordersInOdoo: orders,
  };
}

/** Sells one or two where the channel has them, by its own ledger; gives how many. */
function sell(channels: Channels, channel: Channel, sku: string, random: Random, n: number): number {
  const wanted = 1 + Math.floor(random() * 2);
  const quantity = Math.min(wanted, shown(channels, channel, sku));
  if (quantity <= 0) return 0;
  if (channel !== 'till') {
    const { shop } = channels[channel];
    const variant = [...shop.variants.values()].find((one) => one.sku === sku)!;
    placeOrder(shop, { lines: [{ variantId: variant.id, quantity }] });
    return quantity;
  }
  const id = `T${n}`;
  const line = { id: `${id}-1`, sku, name: sku, quantity: String(quantity), unitPrice: '10.00', taxes: ['zero'] };
  const total = quantity * 1000;
  const common = { currency: 'EUR', pricesIncludeTax: true, customer: null, refersTo: null, location: 'till' };
  const soldAt = new Date().toISOString();
  channels.till.write({ id, number: id, revision: 1, soldAt, ...common, lines: [{ ...line, total }], total });
  return quantity;
}

/** What a channel's own ledger says may be sold. */
function shown(channels: Channels, channel: Channel, sku: string): number {
  if (channel === 'till') return Number(channels.till.levels.get(`central/${sku}`)?.value ?? 0);
  const { shop } = channels[channel];
  const [place] = shop.locations.values();
  const variant = [...shop.variants.values()].find((one) => one.sku === sku)!;
  return shop.level(variant.inventoryItemId, place!.id)!.available;
}

async function differences({ channels, room, skus }: World): Promise<string[]> {
  const free = await room.free();
  return skus.flatMap((sku) =>
    CHANNELS.flatMap((channel) => {
      const [theirs, ours] = [shown(channels, channel, sku), Math.max(0, free.get(sku)!)];
      return theirs === ours ? [] : [`${sku}: Odoo has ${ours} to sell, ${channel} shows ${theirs}`];
    }),
  );
}

/** What is still on its way, by target. */
const underway = async ({ db }: TestLedger): Promise<string[]> =>
  (
    await db.query<{ words: string }>(
      'test_underway',
      `select format('%s deliveries of %s to %s %s, at most %s attempts', count(*), kind, connection, state, max(attempts)) as words
       from delivery group by kind, connection, state
       union all select format('%s events of %s %s', count(*), connection, state) from event group by connection, state
       union all select format('%s history %s %s', connection, source, outcome) || count(*) from event_history group by connection, source, outcome
       union all select format('%s in flight', count(*)) from in_flight having count(*) > 0`,
    )
  ).map(({ words }) => words);

/** What people would be asked. */
const asked = async ({ db, vault }: TestLedger): Promise<string[]> =>
  (await listExceptions(db, null, 20)).map(
    ({ id, cause, message_sealed }) => `${cause}: ${vault.unseal(message_sealed, `exception:${id}`).toString()}`,
  );

/** Figures that were set at a channel after a newer one was: by the channel's record of writes, and the order of the hub's versions. */
async function undone({ db, vault }: TestLedger, channels: Channels): Promise<string[]> {
  const rows = await db.query<{ entity: string; key: string; version: number; body: Buffer }>(
    'test_levels',
    `select entity, key, version, body_sealed as body from document where kind = 'stock-level'
     union all select d.entity, d.key, v.version, v.body_sealed from document_version v join document d on d.id = v.document_id where d.kind = 'stock-level'
     order by 2, 3`,
  );
  const values = new Map<string, string[]>();
  for (const { entity, key, body } of rows) {
    const { available } = JSON.parse(vault.unseal(body, documentPlace(entity, 'stock-level', key)).toString());
    values.set(key, [...(values.get(key) ?? []), available]);
  }
  return [...writesOf(channels)].flatMap(([key, written]) => {
    const known = values.get(key) ?? [];
    let at = 0;
    return written.flatMap((value, n) => {
      const next = known.indexOf(value, at);
      if (next < 0) return [`${key}: write ${n + 1} set ${value}, which was not the figure any more`];
      at = next;
      return [];
    });
  });
}

/** Every figure that was set at a channel, by the key of its level, in order. */
function writesOf(channels: Channels): Map<string, string[]> {
  const writes = new Map<string, string[]>();
  const add = (key: string, value: string) => writes.set(key, [...(writes.get(key) ?? []), value]);
  for (const name of SHOPS) {
    const { shop } = channels[name];
    for (const { inventoryItemId, quantity } of shop.stockSet)
      add(`central/${shop.variantOf(inventoryItemId)!.sku}@${name}`, String(quantity));
  }
  for (const { key, value } of channels.till.levelsSet) add(`${key}@till`, value);
  return writes;
}

const callsOf = ({ web, market, till }: Channels): Record<Channel, number> => {
  const stock = ({ requests }: Channels['web']) => requests.filter(({ operation }) => /stock/i.test(operation)).length;
  return { web: stock(web), market: stock(market), till: till.requests };
};

async function until(what: string, seconds: number, holds: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + seconds * 1000;
  while (!(await holds().catch(() => false))) {
    if (performance.now() > end) throw new Error(`${what}: not within ${seconds} s`);
    await systemClock.sleep(300);
  }
}
