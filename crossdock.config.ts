// The demo estate that `npm start` runs: Odoo, a web shop, a till, a store and a warehouse.
import { existsSync } from 'node:fs';
import { join } from 'node:path';

// Where the demo in this home has its systems, so that plan, check and adopt in a second terminal reach them. What is set in the environment counts.
const settings = join(process.env.CROSSDOCK_HOME ?? '.crossdock', 'demo', 'settings.env');
if (existsSync(settings)) process.loadEnvFile(settings);

export default (await import('./examples/retailer/crossdock.config.ts')).default;
