import { boolean, char, integer, many2many, many2one, selection } from './fields.ts';
import { defineModel, type Model } from './model.ts';
import type { Version } from './types.ts';

const accountTypes = [
  ['asset_receivable', 'Receivable'],
  ['asset_cash', 'Bank and Cash'],
  ['asset_current', 'Current Assets'],
  ['asset_non_current', 'Non-current Assets'],
  ['asset_prepayments', 'Prepayments'],
  ['asset_fixed', 'Fixed Assets'],
  ['liability_payable', 'Payable'],
  ['liability_credit_card', 'Credit Card'],
  ['liability_current', 'Current Liabilities'],
  ['liability_non_current', 'Non-current Liabilities'],
  ['equity', 'Equity'],
  ['equity_unaffected', 'Current Year Earnings'],
  ['income', 'Income'],
  ['income_other', 'Other Income'],
  ['expense', 'Expenses'],
  ['expense_depreciation', 'Depreciation'],
  ['expense_direct_cost', 'Cost of Revenue'],
  ['off_balance', 'Off-Balance Sheet'],
] as const;

export const chart = (version: Version): Model[] => [
  defineModel({
    name: 'account.account',
    label: 'Account',
    order: 'code, name, id',
    nameSearch: ['code', 'name'],
    fields: {
      name: char('Account Name', { required: true }),
      code: char('Code', { index: true }),
      account_type: selection('Type', accountTypes, { required: true, index: true }),
      reconcile: boolean('Allow Reconciliation'),
      active: boolean('Active', { default: true }),
      company_ids: many2many('res.company', 'Companies', { default: (env) => [env.company] }),
    },
    display: (_env, row) => (version >= 19 ? String(row.name) : `${row.code} ${row.name}`),
  }),
  defineModel({
    name: 'account.journal',
    label: 'Journal',
    order: 'sequence, type, code',
    companyRule: true,
    fields: {
      name: char('Journal Name', { required: true }),
      code: char('Sequence Prefix', { required: true, index: true }),
      type: selection(
        'Type',
        [
          ['sale', 'Sales'],
          ['purchase', 'Purchase'],
          ['cash', 'Cash'],
          ['bank', 'Bank'],
          ['credit', 'Credit Card'],
          ['general', 'Miscellaneous'],
        ],
        { required: true, index: true },
      ),
      sequence: integer('Sequence', { default: 10 }),
      active: boolean('Active', { default: true }),
      company_id: many2one('res.company', 'Company', { required: true, default: (env) => env.company }),
      currency_id: many2one('res.currency', 'Currency'),
      default_account_id: many2one('account.account', 'Default Account'),
      suspense_account_id: many2one('account.account', 'Suspense Account'),
    },
  }),
  defineModel({
    name: 'account.payment.term',
    label: 'Payment Terms',
    fields: { name: char('Payment Terms', { required: true }), active: boolean('Active', { default: true }) },
  }),
];
