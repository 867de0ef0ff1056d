import type { CsvConfig } from '../../connectors/csv/index.ts';

/** How the UCI "Online Retail" export is laid out: what `csv({ …uci, entity, folder })` needs to read it. */
export const uci = {
  zone: 'Europe/London',
  groupBy: 'InvoiceNo',
  subject: 'invoice',
  measure: { quantity: 'Quantity', price: 'UnitPrice', currency: 'GBP' },
  columns: {
    InvoiceNo: 'text',
    StockCode: 'text',
    Description: 'text',
    Quantity: 'integer',
    InvoiceDate: 'datetime',
    UnitPrice: 'decimal',
    CustomerID: 'text',
    Country: 'text',
  },
} as const satisfies Partial<CsvConfig>;
