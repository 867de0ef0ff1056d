import type { Version } from './types.ts';

type Account = readonly [code: string, name: string, type: string, reconcile: boolean];

const both: readonly Account[] = [
  ['101000', 'Current Assets', 'asset_current', false],
  ['101300', 'Account Receivable (PoS)', 'asset_receivable', true],
  ['101401', 'Bank', 'asset_cash', false],
  ['101402', 'Bank Suspense Account', 'asset_current', false],
  ['101403', 'Outstanding Receipts', 'asset_current', true],
  ['101404', 'Outstanding Payments', 'asset_current', true],
  ['101701', 'Liquidity Transfer', 'asset_current', true],
  ['110100', 'Stock Valuation', 'asset_current', false],
  ['110400', 'Cost of Production', 'asset_current', true],
  ['110500', 'Work in Progress', 'asset_current', true],
  ['121000', 'Account Receivable', 'asset_receivable', true],
  ['121100', 'Products to receive', 'asset_current', true],
  ['128000', 'Prepaid Expenses', 'asset_current', false],
  ['131000', 'Tax Paid', 'asset_current', false],
  ['191000', 'Fixed Assets', 'asset_fixed', false],
  ['211000', 'Account Payable', 'liability_payable', true],
  ['201000', 'Current Liabilities', 'liability_current', false],
  ['251000', 'Tax Received', 'liability_current', false],
  ['301000', 'Capital', 'equity', false],
  ['400000', 'Product Sales', 'income', false],
  ['441000', 'Foreign Exchange Gain', 'income', false],
  ['442000', 'Cash Difference Gain', 'income', false],
  ['443000', 'Cash Discount Loss', 'expense', false],
  ['500000', 'Cost of Goods Sold', 'expense_direct_cost', false],
  ['600000', 'Expenses', 'expense', false],
  ['611000', 'Purchase of Equipments', 'expense', false],
  ['612000', 'Rent', 'expense', false],
  ['620000', 'Bank Fees', 'expense', false],
  ['630000', 'Salary Expenses', 'expense', false],
  ['641000', 'Foreign Exchange Loss', 'expense', false],
  ['642000', 'Cash Difference Loss', 'expense', false],
  ['643000', 'Cash Discount Gain', 'income', false],
  ['961000', 'RD Expenses', 'expense', false],
  ['962000', 'Sales Expenses', 'expense', false],
  ['999999', 'Undistributed Profits/Losses', 'equity_unaffected', false],
];

const only18: readonly Account[] = [
  ['101501', 'Cash', 'asset_cash', false],
  ['110200', 'Stock Interim (Received)', 'asset_current', true],
  ['110300', 'Stock Interim (Delivered)', 'asset_current', true],
  ['132000', 'Tax Receivable', 'asset_current', false],
  ['252000', 'Tax Payable', 'liability_current', false],
];

const only19: readonly Account[] = [
  ['122000', "Owner's Current Account", 'asset_receivable', true],
  ['132000', 'Tax Receivable', 'asset_receivable', true],
  ['252000', 'Tax Payable', 'liability_payable', true],
  ['610000', 'Stock Variation', 'expense', false],
];

/** The accounts of the generic chart. */
export const accountsOf = (version: Version): Account[] => [...both, ...(version >= 19 ? only19 : only18)];

interface Journal {
  readonly name: string;
  readonly code: string;
  readonly type: string;
  readonly account?: string;
  readonly suspense?: string;
}

/** The journals of the generic chart. */
export const journalsOf = (version: Version): Journal[] => [
  { name: version >= 19 ? 'Sales' : 'Customer Invoices', code: 'INV', type: 'sale', account: '400000' },
  { name: version >= 19 ? 'Purchases' : 'Vendor Bills', code: 'BILL', type: 'purchase', account: '600000' },
  { name: 'Miscellaneous Operations', code: 'MISC', type: 'general' },
  { name: 'Exchange Difference', code: 'EXCH', type: 'general' },
  { name: 'Cash Basis Taxes', code: 'CABA', type: 'general' },
  { name: 'Bank', code: 'BNK1', type: 'bank', account: '101401', suspense: '101402' },
  ...(version >= 19 ? [] : [{ name: 'Cash', code: 'CSH1', type: 'cash', account: '101501', suspense: '101402' }]),
  { name: 'Inventory Valuation', code: 'STJ', type: 'general' },
];
