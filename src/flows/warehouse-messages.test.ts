import assert from 'node:assert/strict';
import { test } from 'node:test';
import { odoo } from '../connectors/odoo/index.ts';
import { warehouseFiles } from '../connectors/warehouse-files/index.ts';
import { defineEstate, secret } from '../core/estate.ts';
import { warehouseAcknowledgements, warehouseReceipts, warehouseStock } from './warehouse-messages.ts';
import { warehouseShipments } from './warehouse-shipments.ts';

const books = odoo({ url: 'https://odoo.example', database: 'd', login: 'l', key: secret('K') });
const folder = (path: string) => warehouseFiles({ at: { kind: 'folder', path }, format: { kind: 'csv' } });

test('two warehouses fit into one estate, each with flows of its own', () => {
  const warehouses = { north: folder('north'), south: folder('south') };
  const { shipments: shipment, receipts: receipt, stockAdjustments } = books.sinks;
  const { flows } = defineEstate({
    name: 'two',
    connections: { books, ...warehouses },
    flows: Object.entries(warehouses).flatMap(([name, { sources }]) => [
      warehouseShipments({ id: `${name}-shipments`, from: sources.shippingAdvices, to: { shipment } }),
      warehouseReceipts({
        id: `${name}-receipts`,
        from: sources.receipts,
        to: { receipt, 'stock-adjustment': stockAdjustments },
      }),
      warehouseStock({ id: `${name}-stock`, from: sources.inventory, location: name }),
      warehouseAcknowledgements({ id: `${name}-acknowledgements`, from: sources.acknowledgements }),
    ]),
  });
  assert.deepEqual(
    flows.map(({ id, from }) => [id, from.name]),
    Object.keys(warehouses).flatMap((name) => [
      [`${name}-shipments`, 'shippingAdvices'],
      [`${name}-receipts`, 'receipts'],
      [`${name}-stock`, 'inventory'],
      [`${name}-acknowledgements`, 'acknowledgements'],
    ]),
  );
});
