import type { MappingSeed } from '../../core/flow.ts';

/** What till codes stand for (see `roles`). Codes are looked up in upper case. */
export const tillCodes: MappingSeed = {
  table: 'till-codes',
  owner: 'finance',
  about: `What a code of the till stands for: goods, voucher (a liability), or a service: carriage, discount, fee, manual, sample, service.
Goods are stored and counted; services are not. Codes are in upper case; # is a digit, ? any character, * any rest.`,
  rows: {
    '#####*': 'goods',
    'DCGS*': 'goods',
    'GIFT_0001_*': 'voucher',
    POST: 'carriage',
    DOT: 'carriage',
    C2: 'carriage',
    D: 'discount',
    M: 'manual',
    S: 'sample',
    AMAZONFEE: 'fee',
    'BANK CHARGES': 'fee',
  },
};

/** Country names of tills → ISO 3166-1 alpha-2; an empty target means that the till does not say. */
export const tillCountries: MappingSeed = {
  table: 'till-countries',
  owner: 'sales-ops',
  about: 'Country names of the till and their ISO 3166-1 codes of two letters. An empty code: not said.',
  rows: {
    Australia: 'AU',
    Austria: 'AT',
    Bahrain: 'BH',
    Belgium: 'BE',
    Brazil: 'BR',
    Canada: 'CA',
    'Channel Islands': '',
    Cyprus: 'CY',
    'Czech Republic': 'CZ',
    Denmark: 'DK',
    EIRE: 'IE',
    'European Community': '',
    Finland: 'FI',
    France: 'FR',
    Germany: 'DE',
    Greece: 'GR',
    'Hong Kong': 'HK',
    Iceland: 'IS',
    Israel: 'IL',
    Italy: 'IT',
    Japan: 'JP',
    Lebanon: 'LB',
    Lithuania: 'LT',
    Malta: 'MT',
    Netherlands: 'NL',
    Norway: 'NO',
    Poland: 'PL',
    Portugal: 'PT',
    RSA: 'ZA',
    'Saudi Arabia': 'SA',
    Singapore: 'SG',
    Spain: 'ES',
    Sweden: 'SE',
    Switzerland: 'CH',
    'United Arab Emirates': 'AE',
    'United Kingdom': 'GB',
    Unspecified: '',
    USA: 'US',
  },
};

/** Accounts that the flow needs to be booked right; `201000` is Current Liabilities in Odoo's generic chart. */
export const accounts: MappingSeed = {
  table: 'accounts',
  owner: 'finance',
  about:
    'Accounts of the books by what they are for: their codes in the target. voucher-liability: where gift vouchers are sold to, until redeemed.',
  rows: { 'voucher-liability': '201000' },
};
