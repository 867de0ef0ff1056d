import { conform } from '../../src/conformance/index.ts';
import { csv } from '../../src/connectors/csv/index.ts';

const files = (): { name: string; bytes: Uint8Array }[] =>
  [
    [
      'day-1.csv',
      [
        ['1', 'Mug, blue'],
        ['1', 'Mug, blue'],
        ['2', 'Jam „süß“'],
        ['3', 'Tea'],
      ],
    ],
    [
      'day-2.csv',
      [
        ['4', 'Tea'],
        ['5', 'Line\nbreak'],
        ['4', 'Salt'],
      ],
    ],
  ].map(([name, rows]) => ({
    name: name as string,
    bytes: Buffer.from(
      `no,name,qty,price,at\n${(rows as string[][]).map(([no, text]) => `${no},"${text}",2,2.50,2024-05-06 07:08:09\n`).join('')}`,
    ),
  }));

conform({
  files: {
    'csv, day files': () => {
      const { sources } = csv({
        entity: 'shop',
        folder: 'nowhere',
        zone: 'Europe/London',
        groupBy: 'no',
        measure: { quantity: 'qty', price: 'price', currency: 'EUR' },
        columns: { no: 'text', name: 'text', qty: 'integer', price: 'decimal', at: 'datetime' },
      });
      return {
        source: sources.files,
        files,
        subjects: ['1', '2', '3', '4', '5'].map((no) => `invoice:${no}`),
        bad: () => ({ name: 'day-3.csv', bytes: Buffer.from('no,name,qty\n6,"Tea,2\n') }),
      };
    },
  },
});
