import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AnyFlow, defineEstate } from '../core/estate.ts';
import { daySales } from './day-sales.ts';
import { storeHandovers, storeReceipts, storeSales } from './store-sales.ts';
import { tillReceipts, tillSales } from './till-sales.ts';
import { medusaOrders, webOrders } from './web-orders.ts';

test('a zone that is none is refused when the estate is read, not when the first sale comes', () => {
  const made: Record<string, (zone: string) => unknown> = {
    'store-sales': (zone) => storeSales({ zone, to: {} } as never),
    'store-receipts': (zone) => storeReceipts({ zone, to: {} } as never),
    'store-handovers': (zone) => storeHandovers({ zone, to: {} } as never),
    'till-sales': (zone) => tillSales({ zone, to: {} } as never),
    'till-receipts': (zone) => tillReceipts({ zone, to: {} } as never),
    'web-orders': (zone) => webOrders({ zone, to: {} } as never),
    'medusa-orders': (zone) => medusaOrders({ id: 'medusa-orders', zone, to: {} } as never),
    'day-sales': (zone) => daySales({ to: {}, options: { zone } } as never),
  };
  for (const [id, make] of Object.entries(made)) {
    assert.throws(() => make('Europe/Bruxelles'), {
      code: 'CONFIG_INVALID',
      message: new RegExp(`flow '${id}': zone 'Europe/Bruxelles' is no IANA time zone`),
    });
    make('Europe/Brussels');
  }
});

test("so is the zone of a flow's batches", () => {
  const flow = { id: 'nightly', latency: { batch: '0 2 * * *', zone: 'Mars/Olympus' } } as unknown as AnyFlow;
  assert.throws(
    () => defineEstate({ name: 'x', connections: {}, flows: [flow] }),
    /flow 'nightly': zone 'Mars\/Olympus'/,
  );
});
