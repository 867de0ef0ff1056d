import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
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

interface Messages {
  /** The source's name, and how its files are called. */
  readonly source: 'shippingAdvices' | 'receipts' | 'inventory' | 'acknowledgements';
  readonly name: string;
  /** What the `n`th file says, of 1 and 2. */
  csv(n: number): { header: string; rows: string[] };
  xml(n: number): { root: string; messages: string[] };
  x12(n: number): { functional: string; set: string; sets: string[][] };
  /** Of both files; X12 tells of its groups as well, but for those of acknowledgements. */
  readonly subjects: readonly string[];
}

const at = '2026-11-26T08:00:00Z';
const both = <T>(one: (letter: string) => T): T[] => ['A', 'B'].map(one);

const messages: Readonly<Record<string, Messages>> = {
  'shipping advices': {
    source: 'shippingAdvices',
    name: 'shipped',
    csv: (n) => ({
      header: 'shipment,fulfilment_order,shipped_at,closes,sku,quantity',
      rows: both((letter) => `S${n}${letter},WH/OUT/${n}${letter},${at},yes,MUG,${n}`),
    }),
    xml: (n) => ({
      root: 'ShippingAdvices',
      messages: both(
        (letter) =>
          `<ShippingAdvice shipment="S${n}${letter}" fulfilmentOrder="WH/OUT/${n}${letter}" shippedAt="${at}" closes="yes"><Line sku="MUG" quantity="${n}"/></ShippingAdvice>`,
      ),
    }),
    x12: (n) => ({
      functional: 'SW',
      set: '945',
      sets: both((letter) => [
        `W06*F*WH/OUT/${n}${letter}*20261126*S${n}${letter}`,
        'W27*M*UPSN',
        'LX*1',
        `W12*CC*${n}*${n}**EA**VN*MUG`,
        'N9*LI*1',
        `W03*${n}`,
      ]),
    }),
    subjects: ['1A', '1B', '2A', '2B'].map((one) => `fulfilment:WH/OUT/${one}`),
  },
  receipts: {
    source: 'receipts',
    name: 'received',
    csv: (n) => ({
      header: 'receipt,reference,received_at,sku,quantity',
      rows: both((letter) => `R${n}${letter},PO${n},${at},MUG,${n}`),
    }),
    xml: (n) => ({
      root: 'Receipts',
      messages: both(
        (letter) =>
          `<Receipt receipt="R${n}${letter}" reference="PO${n}" receivedAt="${at}"><Line sku="MUG" quantity="${n}"/></Receipt>`,
      ),
    }),
    x12: (n) => ({
      functional: 'RE',
      set: '944',
      sets: both((letter) => [`W17*F*20261126*R${n}${letter}*PO${n}`, `W07*${n}*EA**VN*MUG`, `W14*${n}`]),
    }),
    subjects: ['1A', '1B', '2A', '2B'].map((one) => `receipt:R${one}`),
  },
  inventory: {
    source: 'inventory',
    name: 'stock',
    csv: (n) => ({
      header: 'report,as_of,sku,quantity',
      rows: both((letter) => `C${n}${letter},2026-11-2${n}T0${letter === 'A' ? 1 : 2}:00:00Z,MUG,${n}`),
    }),
    xml: (n) => ({
      root: 'Inventories',
      messages: both(
        (letter) =>
          `<Inventory report="C${n}${letter}" asOf="2026-11-2${n}T0${letter === 'A' ? 1 : 2}:00:00Z"><Line sku="MUG" quantity="${n}"/></Inventory>`,
      ),
    }),
    x12: (n) => ({
      functional: 'IB',
      set: '846',
      sets: both((letter) => [
        `BIA*00*MB*C${n}${letter}*2026112${n}*0${letter === 'A' ? 1 : 2}00`,
        'LIN*1*VN*MUG',
        `QTY*17*${n}`,
        'CTT*1',
      ]),
    }),
    subjects: ['inventory'],
  },
  acknowledgements: {
    source: 'acknowledgements',
    name: 'ack',
    csv: (n) => ({ header: 'message,verdict,sent_at', rows: [1, 2].map((m) => `${n}${m},accepted,${at}`) }),
    xml: (n) => ({
      root: 'Acknowledgements',
      messages: [1, 2].map((m) => `<Acknowledgement message="${n}${m}" verdict="accepted" sentAt="${at}"/>`),
    }),
    x12: (n) => ({
      functional: 'FA',
      set: '997',
      sets: [1, 2].map((m) => [`AK1*OW*${n}${m}`, 'AK2*940*0001', 'AK5*A', 'AK9*A*1*1*1']),
    }),
    subjects: ['11', '12', '21', '22'].map((one) => `acknowledgement:${one}`),
  },
};

/** An interchange of one group, as the warehouse writes it. */
function interchange(control: number, { functional, set, sets }: ReturnType<Messages['x12']>): string {
  const isa = String(control).padStart(9, '0');
  const segments = sets.flatMap((rows, index) => {
    const number = String(index + 1).padStart(4, '0');
    return [`ST*${set}*${number}`, ...rows, `SE*${rows.length + 2}*${number}`];
  });
  return [
    `ISA*00*          *00*          *ZZ*WMS            *ZZ*CROSSDOCK      *261126*0905*U*00401*${isa}*0*P*>`,
    `GS*${functional}*WMS*CROSSDOCK*20261126*0905*${control}*X*004010`,
    ...segments,
    `GE*${sets.length}*${control}`,
    `IEA*1*${isa}`,
  ]
    .map((segment) => `${segment}~\n`)
    .join('');
}

/** How the messages of a file are written in each format, and one that ends before it should. */
const writers: Readonly<Record<string, (of: Messages, n: number) => { text: string; cut: string }>> = {
  csv: (of, n) => {
    const { header, rows } = of.csv(n);
    const text = [header, ...rows].join('\n');
    return { text: `${text}\nEND,${rows.length}\n`, cut: text };
  },
  xml: (of, n) => {
    const { root, messages: all } = of.xml(n);
    const text = `<?xml version="1.0" encoding="UTF-8"?>\n<${root}>${all.join('')}`;
    return { text: `${text}</${root}>\n`, cut: text };
  },
  x12: (of, n) => {
    const text = interchange(n, of.x12(n));
    return { text, cut: text.slice(0, text.indexOf('IEA')) };
  },
};

/** A source of files in a place, of which the warehouse's folder `out` is at `path`. */
function sourceIn(path: string, where: WarehouseFilesConfig['at'], format: string, of: Messages): FileSourceUnderTest {
  const { sources } = warehouseFiles({ at: where, format: formats[format]! });
  const files = [1, 2].map((n) => ({
    name: `${of.name}-${n}.${format}`,
    bytes: Buffer.from(writers[format]!(of, n).text),
  }));
  const groups = [1, 2].map((n) => `group:${of.x12(n).functional}:${n}`);
  const answered = format === 'x12' && of.source !== 'acknowledgements';
  return {
    source: sources[of.source] as FileSourceUnderTest['source'],
    secrets: { WMS_PASSWORD: 'open sesame' },
    files: () => files,
    subjects: [...of.subjects, ...(answered ? groups : [])],
    bad: () => ({ name: `${of.name}-bad.${format}`, bytes: Buffer.from(writers[format]!(of, 1).cut) }),
    lay: async ({ name, bytes }) => {
      await mkdir(join(path, 'out'), { recursive: true });
      await writeFile(join(path, 'out', name), bytes);
    },
  };
}

async function farServer(name: string): Promise<{ path: string; at: WarehouseFilesConfig['at'] }> {
  const path = join(folder, name);
  const server = await openSftpServer({ root: path, user: 'crossdock', password: 'open sesame' });
  servers.push(server);
  return { path, at: server.config('WMS_PASSWORD') };
}

const files = Object.fromEntries(
  Object.keys(formats).flatMap((format) =>
    Object.entries(messages).map(([name, of]) => {
      const path = join(folder, `${format} ${name}`);
      return [`${name} as ${format} in a folder`, () => sourceIn(path, { kind: 'folder', path }, format, of)];
    }),
  ),
);

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
      const { path, at: where } = await farServer('far');
      return sinkIn(path, where, formats.x12!);
    },
  },
  files: {
    ...files,
    'shipping advices as x12 by SFTP': async () => {
      const { path, at: where } = await farServer('far advices');
      return sourceIn(path, where, 'x12', messages['shipping advices']!);
    },
  },
});
