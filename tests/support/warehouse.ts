import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type WarehouseFilesConfig, warehouseFiles } from '../../src/connectors/warehouse-files/index.ts';
import { orderOf, partners } from '../../src/connectors/warehouse-files/testing.ts';
import { type Clock, seeded, systemClock } from '../../src/core/clock.ts';
import type { Item, PollSource, Result, Sink } from '../../src/core/connector.ts';
import { defineEstate } from '../../src/core/estate.ts';
import { FaultError } from '../../src/core/fault.ts';
import { Hub } from '../../src/engine/hub.ts';
import { rehearseReplay } from '../../src/engine/replay.ts';
import { fulfilment } from '../../src/flows/fulfilment.ts';
import { functionalAcknowledgements, warehouseAcknowledgements } from '../../src/flows/warehouse-messages.ts';
import { shopShipments, warehouseShipments } from '../../src/flows/warehouse-shipments.ts';
import { listExceptions } from '../../src/ledger/exceptions.ts';
import type { FulfilmentOrder } from '../../src/model/fulfilment-order.ts';
import { type Shipment, ShipmentDocument } from '../../src/model/shipment.ts';
import { type Faults, Warehouse } from '../../src/simulators/warehouse/index.ts';
import { connectionOf, drained, silent, type TestLedger } from './hub.ts';

/** A system that is told of shipments, and keeps its own record of each telling. */
class ShipmentTarget {
  readonly held = new Map<string, Shipment>();
  /** Every telling that changed something. */
  readonly effects: string[] = [];
  /** Shipments of which it was told, at any time, that the rest will not come. */
  readonly closing = new Set<string>();
  away = false;

  sink(): Sink<typeof ShipmentDocument> {
    return {
      name: 'shipments',
      accepts: ShipmentDocument,
      idempotency: 'external-id',
      needsBound: false,
      settle: 0,
      deadline: '10s',
      batch: { max: 10, onFailure: 'independent' },
      deliver: async (items) => {
        if (this.away) throw new FaultError({ kind: 'transient', message: 'nobody answers' });
        return items.map((item) => this.#take(item));
      },
    };
  }

  #take({ key, document }: Item<Shipment>): Result {
    if (document.closes) this.closing.add(key);
    if (JSON.stringify(this.held.get(key)) !== JSON.stringify(document)) {
      this.held.set(key, document);
      this.effects.push(key);
    }
    return { outcome: 'done', id: key };
  }

  /** Units by code of each shipment, by its number. */
  units(): Record<string, Record<string, number>> {
    const all = [...this.held.values()].map(({ number, lines }) => {
      const units: Record<string, number> = {};
      for (const { sku, quantity } of lines) units[sku] = (units[sku] ?? 0) + Number(quantity);
      return [number, units] as const;
    });
    return Object.fromEntries(all.sort(([a], [b]) => a.localeCompare(b)));
  }
}

export interface ExchangeOptions {
  readonly at?: (folder: string) => WarehouseFilesConfig['at'];
  readonly faults?: Faults;
  readonly seed?: number;
  readonly acknowledgeWithin?: WarehouseFilesConfig['acknowledgeWithin'];
  readonly clock?: Clock;
}

/** A hub between a warehouse of its own, the books, a shop, and a market that sells from the same warehouse. */
export async function openExchange(ledger: TestLedger, options: ExchangeOptions = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'crossdock warehouse '));
  const warehouse = new Warehouse({
    folder,
    us: partners.warehouse.id,
    them: partners.us.id,
    seed: options.seed ?? 1,
    faults: options.faults ?? {},
  });
  const books = new ShipmentTarget();
  const shop = new ShipmentTarget();
  const market = new ShipmentTarget();
  const wms = warehouseFiles({
    at: options.at?.(folder) ?? { kind: 'folder', path: folder },
    format: { kind: 'x12', ...partners },
    acknowledgeWithin: options.acknowledgeWithin ?? '30m',
    every: '100ms',
    quiet: '100ms',
  });
  const orders: PollSource<FulfilmentOrder> = {
    kind: 'poll',
    name: 'orders',
    every: '1h',
    async *pull() {},
    decode: (bytes) => JSON.parse(Buffer.from(bytes).toString()),
  };
  const [toBooks, toShop, toMarket] = [books.sink(), shop.sink(), market.sink()];
  const carriers = { UPSN: 'ups' };
  const estate = defineEstate({
    name: 'test',
    connections: {
      source: connectionOf({ sources: { orders } }),
      wms,
      books: connectionOf({ sinks: { shipments: toBooks as Sink } }),
      shop: connectionOf({ sinks: { shipments: toShop as Sink } }),
      market: connectionOf({ sinks: { shipments: toMarket as Sink } }),
    },
    flows: [
      fulfilment({ from: orders, to: { 'fulfilment-order': wms.sinks.fulfilmentOrders }, toOrder: (order) => order }),
      warehouseShipments({ from: wms.sources.shippingAdvices, to: { shipment: toBooks }, carriers }),
      shopShipments({
        from: wms.sources.shippingAdvices,
        to: { shipment: toShop },
        carriers,
        sold: (order) => order.startsWith('shop:'),
      }),
      shopShipments({
        id: 'market-shipments',
        from: wms.sources.shippingAdvices,
        to: { shipment: toMarket },
        carriers,
        sold: (order) => order.startsWith('market:'),
      }),
      warehouseAcknowledgements({ from: wms.sources.acknowledgements }),
      functionalAcknowledgements({
        id: 'advices-heard',
        from: wms.sources.shippingAdvices,
        to: { 'functional-acknowledgement': wms.sinks.functionalAcknowledgements },
      }),
    ],
  });
  const start = async (): Promise<Hub> => {
    const hub = new Hub({
      estate,
      db: ledger.db,
      vault: ledger.vault,
      clock: options.clock ?? systemClock,
      random: seeded(1),
      log: silent,
      secret: () => 'open sesame',
      terms: { pollSeconds: 0.05, retrySeconds: [0.02, 0.2], attempts: 1000 },
    });
    await hub.start();
    return hub;
  };
  let hub = await start();
  const files = (sub: string): string[] =>
    readdirSync(join(folder, sub), { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ name }) => name);
  const settled = async (): Promise<void> => {
    for (let quiet = 0; quiet < 3; ) {
      await drained(hub);
      await new Promise((resolve) => setTimeout(resolve, 150));
      quiet = files('out').length === 0 ? quiet + 1 : 0;
    }
  };
  return {
    folder,
    warehouse,
    books,
    shop,
    market,
    wms,
    files,
    settled,
    hub: () => hub,
    restart: async () => {
      await hub.stop();
      hub = await start();
    },
    order: async (n: number, changes: Partial<FulfilmentOrder> = {}) => {
      const lines = orderOf(n).lines.map((line) => ({ ...line, quantity: '3' }));
      const order = orderOf(n, { lines, ...changes });
      const bytes = Buffer.from(JSON.stringify(order));
      const incoming = { dedupeKey: bytes.toString(), subject: `order:${n}`, occurredAt: new Date(), bytes };
      await hub.intake.receive({ connection: 'source', source: 'orders', incoming });
    },
    /** The warehouse works for some rounds; what it leaves is read. */
    rounds: async (count = 3) => {
      for (let n = 0; n < count; n++) {
        await drained(hub);
        warehouse.work(new Date());
        await settled();
      }
    },
    open: async () =>
      (await listExceptions(ledger.db, null, 500)).map(({ id, cause, labels, owner, message_sealed }) => ({
        cause,
        labels,
        owner,
        words: ledger.vault.unseal(message_sealed, `exception:${id}`).toString(),
      })),
    /** What telling the books again of an order would come to. */
    again: (n: number) =>
      rehearseReplay(hub.parts, hub.parts.wiring.flow('warehouse-shipments')!, {
        connection: 'wms',
        entity: 'main',
        subject: `fulfilment:${orderOf(n).number}`,
      }),
    close: async () => {
      await hub.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
