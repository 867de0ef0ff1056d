import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { seeded, systemClock } from '../../src/core/clock.ts';
import { Hub } from '../../src/engine/hub.ts';
import { people } from '../odoo/estate.ts';
import type { OdooServer } from '../odoo/servers.ts';
import { silent, testLedger } from '../support/hub.ts';
import { type StoryParts, storyEstate } from './estate.ts';
import { furnishOdoo } from './people.ts';
import { openMedusa } from './shops.ts';

interface Options extends Pick<StoryParts, 'money' | 'noticed'> {
  /** Where the hub finds the Medusa that is at `url`. Default: there. */
  readonly road?: (url: string) => Promise<string>;
  /** Secrets beside those of both systems. */
  readonly secrets?: Readonly<Record<string, string>>;
}

/** A Medusa, an Odoo and a hub between them, which is not started yet; all of it ends with the test. `returns`: the file in which the warehouse says what came back. */
export async function openStory(
  t: TestContext,
  startOdoo: () => Promise<OdooServer>,
  { road = async (url) => url, secrets = {}, ...more }: Options = {},
) {
  const from = new Date().toISOString();
  const lab = await openMedusa();
  t.after(() => lab.stop());
  const server = await startOdoo();
  t.after(() => server.stop());
  const medusa = await road(lab.url);
  const at = await people(server);
  await furnishOdoo(at);
  const { code } = await at.direct.warehouse(at.cx);
  const folder = mkdtempSync(join(tmpdir(), 'crossdock-medusa-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const returns = join(folder, 'returns');
  writeFileSync(returns, '');
  const ledger = await testLedger(t);
  const all: Readonly<Record<string, string>> = { MEDUSA_KEY: lab.key, ODOO_KEY: server.key, ...secrets };
  const hub = new Hub({
    estate: storyEstate({
      ...{ medusa, location: lab.location },
      ...{ odoo: server.url, database: server.db, login: server.login, warehouse: code },
      ...{ taxes: { VAT21: 'VAT 21%' }, returns, from },
      ...more,
    }),
    db: ledger.db,
    vault: ledger.vault,
    clock: systemClock,
    random: seeded(1),
    log: silent,
    secret: (name) => all[name]!,
    terms: { pollSeconds: 0.05, retrySeconds: [0.02, 0.2], attempts: 60 },
  });
  t.after(() => hub.stop());
  return { lab, at, ledger, hub, returns };
}
