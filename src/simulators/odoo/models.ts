import { accountModels } from './account.ts';
import { baseModels } from './base.ts';
import { invoiceModels } from './invoice.ts';
import type { Model } from './model.ts';
import { partnerModels } from './partner.ts';
import { pickingModels } from './picking.ts';
import { priceModels } from './price.ts';
import { productModels } from './product.ts';
import { purchaseModels } from './purchase.ts';
import { reversalModels } from './reversal.ts';
import { saleModels } from './sale.ts';
import { stockModels } from './stock.ts';
import { taxModels } from './tax.ts';
import type { Version } from './types.ts';

/** Every model of a version. Their order decides which reference is named when several forbid a deletion. */
export const modelsOf = (version: Version): Model[] => [
  ...baseModels(version),
  ...partnerModels(version),
  ...productModels(version),
  ...priceModels(version),
  ...taxModels(version),
  ...accountModels(version),
  ...pickingModels(version),
  ...stockModels(version),
  ...saleModels(version),
  ...purchaseModels(version),
  ...invoiceModels(),
  ...reversalModels(),
];
