// The demo estate that `npm start` runs: Odoo, a web shop, a till, a store and a warehouse. Its settings are read first.
import './src/cli/demo-settings.ts';

export { default } from './examples/retailer/crossdock.config.ts';
