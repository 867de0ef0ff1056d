import { add, decimal, decimalText, integer } from '../../../core/decimal.ts';
import { rejected } from '../../../core/fault.ts';
import type { Look, MappingSeed } from '../../../core/flow.ts';
import type { StockRules } from './stock-levels.ts';

export const warehouses: MappingSeed = {
  table: 'odoo-warehouses',
  owner: 'logistics',
  about: 'Codes of warehouses in Odoo → location codes of the hub; no row means stock of it is held.',
  rows: {},
};

export const safetyStock: MappingSeed = {
  table: 'safety-stock',
  owner: 'logistics',
  about:
    'Pieces that are never promised, by `channel/location/SKU` (channel `-` where the feed names none); `web/*` is a whole channel, `*` all.',
  rows: { '*': '0' },
};

/** What the hub takes off what is free: the pieces of Mapping table `safety-stock`, and what is on its way to Odoo. Of feeds and look-ups alike. */
export const hubRules = (channel: string | undefined): StockRules => ({
  channel,
  inFlight: soldOf,
  safety: (sku, location, look) => safetyOf(channel, sku, location, look),
});

/** Pieces that Mapping table `safety-stock` keeps back. Throws a `rejected` Fault for what is no number of pieces. */
function safetyOf(channel: string | undefined, sku: string, location: string, look: Look): string {
  const code = `${channel ?? '-'}/${location}/${sku}`;
  const pieces = look.mapping(safetyStock.table).find(code) ?? '0';
  if (/^\d{1,9}(\.\d{1,6})?$/.test(pieces)) return pieces;
  throw rejected(
    `Mapping table 'safety-stock', '${code}': '${pieces}' is not a number such as 2`,
    'not-a-number',
    'safety',
  );
}

/** Plain decimal: what is sold and on its way to Odoo, from the location or from wherever. */
async function soldOf(sku: string, location: string, look: Look): Promise<string> {
  const taken = (await look.inFlight(sku)).filter(({ place }) => place === null || place === location);
  return decimalText(taken.map(({ quantity }) => decimal(quantity)).reduce(add, integer(0)));
}
