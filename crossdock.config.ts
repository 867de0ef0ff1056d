// The demo estate that `npm start` runs: a till that drops day files, and an Odoo.
export { default } from './examples/day-sales/crossdock.config.ts';
