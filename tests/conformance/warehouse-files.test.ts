import { mkdtempSync, rmSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { conform, type FileSourceUnderTest, type SinkUnderTest } from '../../src/conformance/index.ts';
import type { FunctionalAcknowledgement } from '../../src/connectors/warehouse-files/acknowledgements.ts';
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

/** What the warehouse hears of groups that were read, one file each. */
function repliesIn(path: string): SinkUnderTest {
  const connection = warehouseFiles({ at: { kind: 'folder', path }, format: formats.x12! });
  const reply = (n: number, control = String(n)): Item<FunctionalAcknowledgement> => ({
    key: `wms SW ${n}`,
    id: null,
    version: 1,
    number: n,
    owedAt: new Date('2026-11-25T16:30:00Z'),
    links: new Map(),
    document: {
      id: `wms SW ${n}`,
      functional: 'SW',
      control,
      sets: [
        { type: '945', control: '0001', problems: [{ segment: { id: 'W06', place: 2 }, code: '8', why: 'no date' }] },
      ],
    },
  });
  return {
    sink: connection.sinks.functionalAcknowledgements,
    secrets: {},
    item: (n) => reply(n),
    bad: (n) => reply(n, '7*1~'),
    badIsFoundBy: 'sink',
    badField: 'control',
    held: async ({ number }) => {
      const files = await readdir(join(path, 'in')).catch(() => []);
      return files.filter((file) => file === `997-${String(number).padStart(9, '0')}.x12`).length;
    },
    writes: ({ method }) => method === 'move',
    hollow: () => null,
    refuses: () => new FaultError({ kind: 'refused', message: 'the folder may not be written' }),
    limited: [],
  };
}

const csvSources = warehouseFiles({ at: { kind: 'folder', path: folder }, format: { kind: 'csv' } }).sources;

/** A source of comma-separated files: `rows` of the `n`th file, and the subjects of both. */
const csvOf = (
  source: FileSourceUnderTest['source'],
  name: string,
  header: string,
  rows: (n: number) => string[],
  subjects: string[],
): FileSourceUnderTest => ({
  source,
  files: () =>
    [1, 2].map((n) => ({
      name: `${name}-${n}.csv`,
      bytes: Buffer.from([header, ...rows(n), `END,${rows(n).length}\n`].join('\n')),
    })),
  subjects,
  bad: () => ({ name: `${name}-bad.csv`, bytes: Buffer.from([header, ...rows(3)].join('\n')) }),
});

const csvFiles: FileSourceUnderTest = {
  source: warehouseFiles({ at: { kind: 'folder', path: folder }, format: { kind: 'csv' } }).sources.shippingAdvices,
  files: () =>
    [1, 2].map((n) => ({
      name: `shipped-${n}.csv`,
      bytes: Buffer.from(
        [
          'shipment,fulfilment_order,shipped_at,closes,sku,quantity',
          `S${n}A,WH/OUT/${n}1,2026-11-26T08:00:00Z,no,MUG,1`,
          `S${n}B,WH/OUT/${n}2,2026-11-26T08:00:00Z,yes,MUG,2`,
          'END,2\n',
        ].join('\n'),
      ),
    })),
  subjects: ['11', '12', '21', '22'].map((number) => `fulfilment:WH/OUT/${number}`),
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
    'functional acknowledgements': () => repliesIn(join(folder, 'replies')),
    'x12 by SFTP': async () => {
      const server = await openSftpServer({ root: join(folder, 'far'), user: 'crossdock', password: 'open sesame' });
      servers.push(server);
      return sinkIn(join(folder, 'far'), server.config('WMS_PASSWORD'), formats.x12!);
    },
  },
  files: {
    'shipping advices': () => csvFiles,
    receipts: () =>
      csvOf(
        csvSources.receipts as never,
        'received',
        'receipt,reference,received_at,sku,quantity',
        (n) => ['A', 'B'].map((letter) => `R${n}${letter},PO${n},2026-11-26T08:00:00Z,MUG,${n}`),
        ['receipt:R1A', 'receipt:R1B', 'receipt:R2A', 'receipt:R2B'],
      ),
    inventory: () =>
      csvOf(
        csvSources.inventory as never,
        'stock',
        'report,as_of,sku,quantity',
        (n) => [1, 2].map((hour) => `C${n}${hour},2026-11-2${n}T0${hour}:00:00Z,MUG,${n}`),
        ['inventory'],
      ),
    acknowledgements: () =>
      csvOf(
        csvSources.acknowledgements as never,
        'ack',
        'message,verdict,sent_at',
        (n) => [1, 2].map((m) => `${n}${m},accepted,2026-11-26T08:00:00Z`),
        ['acknowledgement:11', 'acknowledgement:12', 'acknowledgement:21', 'acknowledgement:22'],
      ),
  },
});
