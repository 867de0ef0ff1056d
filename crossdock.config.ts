// The demo estate that `npm start` runs: Odoo, a web shop, a till and a warehouse.
export { default } from './examples/retailer/crossdock.config.ts';
