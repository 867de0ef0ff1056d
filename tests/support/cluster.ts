import { Database } from '../../src/ledger/database.ts';
import { openEmbeddedPostgres } from '../../src/ledger/embedded/index.ts';
import { migrate } from '../../src/ledger/migrate.ts';

const TEMPLATE = 'crossdock_template';

/** A PostgreSQL for one test run: embedded, not durable, with a migrated template database that each test file copies. */
export async function openTestCluster(home: string): Promise<{ url: string; stop(): Promise<void> }> {
  const postgres = await openEmbeddedPostgres({
    home,
    createDatabases: true,
    settings: { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: '600' },
  });
  await makeTemplate(postgres.url);
  return { url: postgres.url, stop: () => postgres.stop() };
}

/** Makes the migrated database that tests copy. */
export async function makeTemplate(url: string): Promise<void> {
  const db = Database.open(url, { size: 1 });
  await db.query('template', `create database ${TEMPLATE}`);
  await db.close();
  const template = Database.open(databaseUrl(url, TEMPLATE), { size: 2 });
  await migrate(template);
  await template.close();
}

function databaseUrl(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  return changed.href;
}

/** Makes a fresh copy of the template and returns its URL. */
export async function freshDatabase(): Promise<string> {
  const url = process.env.CROSSDOCK_TEST_URL;
  if (!url) throw new Error('run tests through npm test (or: node bin/run.mjs tests/run.ts FILE)');
  const name = `t_${process.pid}_${Math.random().toString(36).slice(2, 8)}`;
  const db = Database.open(url, { size: 1 });
  for (let attempt = 1; ; attempt++) {
    try {
      await db.query(`create_${name}`, `create database ${name} template ${TEMPLATE}`);
      break;
    } catch (error) {
      // Another test file is copying the template at this moment.
      if (attempt === 50) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  await db.close();
  return databaseUrl(url, name);
}

/** Makes a database with nothing in it and returns its URL. */
export async function emptyDatabase(): Promise<string> {
  const url = process.env.CROSSDOCK_TEST_URL!;
  const db = Database.open(url, { size: 1 });
  const name = `e_${process.pid}_${Math.random().toString(36).slice(2, 8)}`;
  await db.query('create', `create database ${name}`);
  await db.close();
  return databaseUrl(url, name);
}
