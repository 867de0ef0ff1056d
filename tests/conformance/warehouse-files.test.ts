import { mkdtempSync, rmSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { conform, type FileSourceUnderTest, type SinkUnderTest } from '../../src/conformance/index.ts';
import { type WarehouseFilesConfig, warehouseFiles } from '../../src/connectors/warehouse-files/index.ts';
import { orderOf, partners } from '../../src/connectors/warehouse-files/testing.ts';
import type { Item } from '../../src/core/connector.ts';
import { FaultError } from '../../src/core/fault.ts';
import type { FulfilmentOrder } from '../../src/model/fulfilment-order.ts';
import { openSftpServer, type SftpServer } from '../support/sftp-server.ts';

const folder = mkdtempSync(join(tmpdir(), 'crossdock wms '));
const servers: SftpServer[] = [];
after(async () => {
  for (const server of servers) await server.close();
  rmSync(folder, { recursive: true, force: true });
});

const formats: Record<string, WarehouseFilesConfig['format']> = {
  csv: { kind: 'csv' },
  xml: { kind: 'xml' },
  x12: { kind: 'x12', ...partners },
};

const itemOf = (n: number, changes: Partial<FulfilmentOrder> = {}): Item<FulfilmentOrder> => ({
  key: `odoo:${n}`,
  id: null,
  document: orderOf(n, changes),
  version: 1,
  number: n,
  owedAt: new Date('2026-11-25T16:30:00Z'),
  links: new Map(),
});

/** Orders as files: what the warehouse's folder holds in the end counts, temporary files left out. */
function sinkIn(path: string, at: WarehouseFilesConfig['at'], format: WarehouseFilesConfig['format']): SinkUnderTest {
  const connection = warehouseFiles({ at, format, acknowledgeWithin: '30m' });
  return {
    sink: connection.sinks.fulfilmentOrders,
    secrets: { WMS_PASSWORD: 'open sesame' },
    item: itemOf,
    bad: (n) => itemOf(n, { number: `WH\nOUT ${n}` }),
    badIsFoundBy: 'sink',
    badField: 'number',
    held: async ({ number }) => {
      const name = new RegExp(`-${String(number).padStart(9, '0')}-`);
      const files = await readdir(join(path, 'in')).catch(() => []);
      return files.filter((file) => name.test(file) && !file.endsWith('.part')).length;
    },
    writes: ({ method }) => method === 'move',
    hollow: () => null,
    refuses: () => new FaultError({ kind: 'refused', message: 'the warehouse does not accept the password' }),
    // Files know no such thing.
    limited: [],
  };
}

const csvFiles: FileSourceUnderTest = {
  source: warehouseFiles({ at: { kind: 'folder', path: folder }, format: { kind: 'csv' } }).sources.shippingAdvices,
  files: () =>
    [1, 2].map((n) => ({
      name: `shipped-${n}.csv`,
      bytes: Buffer.from(
        [
          'shipment,fulfilment_order,shipped_at,closes,sku,quantity',
          `S${n}A,WH/OUT/1,2026-11-26T08:00:00Z,yes,MUG,1`,
          `S${n}B,WH/OUT/2,2026-11-26T08:00:00Z,no,MUG,2`,
          'END,2\n',
        ].join('\n'),
      ),
    })),
  subjects: ['shipment:S1A', 'shipment:S1B', 'shipment:S2A', 'shipment:S2B'],
  bad: () => ({ name: 'shipped-bad.csv', bytes: Buffer.from('shipment,fulfilment_order\nS1,WH/OUT/1\n') }),
};

const sinks = Object.fromEntries(
  Object.entries(formats).flatMap(([name, format]) => [
    [`${name} in a folder`, () => sinkIn(join(folder, name), { kind: 'folder', path: join(folder, name) }, format)],
  ]),
);

conform({
  sinks: {
    ...sinks,
    'x12 by SFTP': async () => {
      const server = await openSftpServer({ root: join(folder, 'far'), user: 'crossdock', password: 'open sesame' });
      servers.push(server);
      return sinkIn(join(folder, 'far'), server.config('WMS_PASSWORD'), formats.x12!);
    },
  },
  files: { 'shipping advices': () => csvFiles },
});
