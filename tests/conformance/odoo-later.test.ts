import { servers } from '../odoo/servers.ts';
import { conformOdoo } from './odoo.ts';

for (const server of servers.slice(1)) await conformOdoo(server);
