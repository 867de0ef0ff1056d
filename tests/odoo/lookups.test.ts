import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { odoo } from '../../src/connectors/odoo/index.ts';
import { secret } from '../../src/core/estate.ts';
import { makeContext } from './context.ts';
import { type People, people } from './estate.ts';
import { type OdooServer, servers } from './servers.ts';

for (const { name, start } of servers)
  describe(`look-ups: ${name}`, () => {
    let server: OdooServer;
    let at: People;
    before(async () => {
      server = await start();
      at = await people(server);
    });
    after(() => server?.stop());

    it('stock is what may be sold now, with what is reserved and kept back taken off; by code in any case of letters', async () => {
      const { url, db, login, company } = server;
      const { code } = await at.direct.warehouse(at.cx);
      const { lookups } = odoo({
        url,
        database: db,
        login,
        key: secret('ODOO_KEY'),
        ...(company ? { company } : {}),
        capture: { safety: '2' },
      });
      const cx = makeContext({
        secrets: { ODOO_KEY: server.key },
        mappings: { 'odoo-warehouses': { [code]: 'central' } },
      });
      const product = await at.product('Look', 10);
      await at.order(product, 3);
      await at.product('None');
      const key = (sku: string, location = 'central') =>
        `${location}/${sku}-${at.run}`.replace(/\/.*/, (sku) => sku.toUpperCase());
      const levels = await lookups.stockLevels.look(
        [key('None'), key('Look'), key('Nobody'), key('Look', 'elsewhere'), 'central/100%_'],
        cx,
      );
      assert.deepEqual(
        levels.map((level) => level && [level.id, level.free, level.safety, level.available]),
        [[key('None'), '0', '2', '0'], [key('Look'), '7', '2', '5'], null, null, null],
      );
    });
  });
