import type { Env } from './env.ts';
import { accessError } from './errors.ts';
import type { Model, Operation } from './model.ts';
import type { Version } from './types.ts';

/** Groups by external id, each with its full name in version 18 and 19. */
export const groups: Readonly<Record<string, readonly [in18: string, in19: string]>> = {
  'base.group_user': ['User types/Internal User', 'Role / User'],
  'base.group_portal': ['User types/Portal', 'Role / Portal'],
  'base.group_system': ['Administration/Settings', 'Role / Administrator'],
  'base.group_erp_manager': ['Administration/Access Rights', 'Access Rights'],
  'base.group_partner_manager': ['Extra Rights/Contact Creation', 'Contact/Creation'],
  'base.group_allow_export': ['Technical/Access to export feature', 'Access to export feature'],
  'api_doc.group_allow_doc': ['Technical Documentation', 'Technical Documentation'],
  'account.group_account_invoice': ['Invoicing/Invoicing', 'Accounting/Invoicing'],
  'account.group_account_manager': ['Invoicing/Administrator', 'Accounting/Administrator'],
  'account.group_account_readonly': [
    'Technical/Show Accounting Features - Readonly',
    'Show Accounting Features - Readonly',
  ],
  'account.group_account_user': ['Technical/Show Full Accounting Features', 'Show Full Accounting Features'],
  'stock.group_stock_user': ['Inventory/User', 'Inventory/User'],
  'stock.group_stock_manager': ['Inventory/Administrator', 'Inventory/Administrator'],
  'sales_team.group_sale_salesman': ['Sales/User: Own Documents Only', 'Sales/User: Own Documents Only'],
  'sales_team.group_sale_manager': ['Sales/Administrator', 'Sales/Administrator'],
  'purchase.group_purchase_user': ['Purchase/User', 'Purchase/User'],
  'purchase.group_purchase_manager': ['Purchase/Administrator', 'Purchase/Administrator'],
  'point_of_sale.group_pos_user': ['Point of Sale/User', 'Point of Sale/User'],
  'point_of_sale.group_pos_manager': ['Point of Sale/Administrator', 'Point of Sale/Administrator'],
};

const SYSTEM = ['base.group_system'];
const SALES = ['sales_team.group_sale_manager', 'sales_team.group_sale_salesman'];
const STOCK = ['stock.group_stock_manager', 'stock.group_stock_user'];
const ACCOUNTING = ['account.group_account_invoice', 'purchase.group_purchase_user'];
const READ_ORDERS = [
  'account.group_account_invoice',
  'stock.group_stock_user',
  ...SALES,
  'base.group_portal',
  'account.group_account_readonly',
  'account.group_account_user',
];
const READ_MOVES = [
  'account.group_account_invoice',
  ...STOCK,
  'point_of_sale.group_pos_user',
  'purchase.group_purchase_manager',
  'purchase.group_purchase_user',
  ...SALES,
  'account.group_account_readonly',
];

type Rights = Partial<Record<Operation, readonly string[]>>;

const changing = (names: readonly string[]): Rights => ({ write: names, create: names, unlink: names });
const only = (names: readonly string[]): Rights => ({ read: names, ...changing(names) });

const PURCHASING = ['purchase.group_purchase_manager', 'purchase.group_purchase_user'];
const BILLS = [...PURCHASING, 'account.group_account_invoice'];
const PURCHASES: Rights = { read: [...BILLS, ...STOCK], write: BILLS, create: PURCHASING, unlink: PURCHASING };

const PARTNERS = [
  'base.group_partner_manager',
  'stock.group_stock_manager',
  'purchase.group_purchase_manager',
  'sales_team.group_sale_manager',
];
const PRODUCTS = ['sales_team.group_sale_manager', 'stock.group_stock_manager', 'purchase.group_purchase_manager'];

/** Who may do what; where nothing is said every internal user may. */
const rights: Readonly<Record<string, Rights>> = {
  'ir.config_parameter': only(SYSTEM),
  'ir.model.data': only(['base.group_erp_manager']),
  'ir.module.module': only(SYSTEM),
  'base.automation': only(SYSTEM),
  'decimal.precision': changing(SYSTEM),
  'res.company': changing(['base.group_erp_manager']),
  'res.currency': changing(SYSTEM),
  'res.users': changing(['base.group_erp_manager']),
  'res.groups': changing(['base.group_erp_manager']),
  'res.partner': changing(PARTNERS),
  'product.template': changing(PRODUCTS),
  'product.product': changing(PRODUCTS),
  'product.pricelist': changing(PRODUCTS),
  'sale.order': { read: READ_ORDERS, ...changing(SALES) },
  'sale.order.line': { read: READ_ORDERS, ...changing(SALES) },
  'purchase.order': PURCHASES,
  'purchase.order.line': PURCHASES,
  'stock.move': { read: READ_MOVES, ...changing(STOCK) },
  'stock.move.line': { read: READ_MOVES, ...changing(STOCK) },
  'stock.picking': { read: READ_MOVES, ...changing(STOCK) },
  'stock.quant': { read: READ_MOVES, ...changing(['stock.group_stock_user']) },
  'stock.warehouse': changing(['stock.group_stock_manager']),
  'stock.location': changing(['stock.group_stock_manager']),
  'account.move': { read: READ_ORDERS, ...changing(ACCOUNTING) },
  'account.move.line': { read: READ_ORDERS, ...changing(ACCOUNTING) },
  'account.payment': only(['account.group_account_invoice']),
  'account.payment.register': only(['account.group_account_invoice']),
  'account.tax': changing(['account.group_account_manager']),
  'account.journal': changing(['account.group_account_manager']),
  'account.account': changing(['account.group_account_manager']),
};

const verbs: Record<Operation, string> = { read: 'access', write: 'modify', create: 'create', unlink: 'delete' };

/** True when the user has the right on the model. */
export function allowed(env: Env, model: string, operation: Operation): boolean {
  const names = rights[model]?.[operation];
  return !names || names.some((name) => env.groups.has(name));
}

const label = (version: Version, name: string) => groups[name]![version >= 19 ? 1 : 0];

/** 18 sorts the groups by their full name; in 19 they come in the order of their privileges. */
function listed(version: Version, names: readonly string[]): string {
  const labels = names.map((name) => label(version, name));
  return (version >= 19 ? labels : labels.sort()).map((text) => `\t- ${text}\n`).join('');
}

/** Throws AccessError, with the groups that would be allowed. */
export function checkAccess(env: Env, model: Model, operation: Operation): void {
  if (allowed(env, model.name, operation)) return;
  throw accessError(
    `You are not allowed to ${verbs[operation]} '${model.label}' (${model.name}) records.\n\n` +
      `This operation is allowed for the following groups:\n${listed(env.db.version, rights[model.name]![operation]!)}\n` +
      'Contact your administrator to request access if necessary.',
  );
}
