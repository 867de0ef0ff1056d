export const currencies = [
  ['USD', 'United States dollar', '$', 'before', 0.01],
  ['EUR', 'Euro', '€', 'after', 0.01],
  ['GBP', 'Pound sterling', '£', 'before', 0.01],
  ['CHF', 'Swiss franc', 'CHF', 'after', 0.01],
  ['JPY', 'Japanese yen', '¥', 'before', 1],
  ['SEK', 'Swedish krona', 'kr', 'after', 0.01],
  ['CAD', 'Canadian dollar', '$', 'before', 0.01],
  ['INR', 'Indian rupee', '₹', 'before', 0.01],
] as const;

export const MANAGER_GROUPS = [
  'base.group_user',
  'base.group_partner_manager',
  'account.group_account_invoice',
  'account.group_account_manager',
  'account.group_account_readonly',
  'account.group_account_user',
  'stock.group_stock_user',
  'stock.group_stock_manager',
  'sales_team.group_sale_salesman',
  'sales_team.group_sale_manager',
  'purchase.group_purchase_user',
  'purchase.group_purchase_manager',
  'point_of_sale.group_pos_user',
  'point_of_sale.group_pos_manager',
];
