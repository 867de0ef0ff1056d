// Where the demo in this home has its systems, so that plan, check and adopt in a second terminal reach them. What is set in the environment counts.
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const settings = join(process.env.CROSSDOCK_HOME ?? '.crossdock', 'demo', 'settings.env');
if (existsSync(settings)) process.loadEnvFile(settings);
