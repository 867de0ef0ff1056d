import { servers } from '../odoo/servers.ts';
import { conformOdoo } from './odoo.ts';

// The real Odoo where there is one; of the simulated ones the later has a file of its own, so that they run side by side.
await conformOdoo(servers[0]!);
