import { Value } from 'typebox/value';
import type { Incoming, PollSource } from '../../core/connector.ts';
import { canonicalJson, sha256 } from '../../core/seal.ts';
import { type Change, changed } from './changes.ts';
import { type MedusaProduct, readProduct, schemas } from './native.ts';
import { before, listed, type Shop } from './shop.ts';

const PAGE = 50;
const VARIANT = ['id', 'title', 'sku', 'barcode', 'ean', 'upc', 'updated_at'].map((name) => `variants.${name}`);
const FIELDS = ['id', 'title', 'status', 'is_giftcard', 'updated_at', ...VARIANT].join(',');

interface Cursor {
  /** The newest change of a product, and of a variant, that was read. */
  readonly products: string;
  readonly variants: string;
}

const latest = (a: string, b: string): string => (Date.parse(b) > Date.parse(a) ? b : a);

/** Products with all their variants, each time one changes. A variant that changes leaves Medusa's product as it is, so both are looked at. */
export function productSource(shop: Shop): PollSource<MedusaProduct> {
  const { every, overlap } = shop.settings;
  return {
    kind: 'poll',
    name: 'products',
    every,
    coarseVersions: true,
    async *pull(text, cx) {
      const began = cx.clock.now().toISOString();
      const known = text === null ? null : (JSON.parse(text) as Cursor);
      let cursor: Cursor = known ?? { products: began, variants: began };
      const products = { path: '/admin/products', list: 'products', fields: FIELDS, pageSize: PAGE };
      const since = known === null ? null : before(known.products, overlap);
      for await (const { records, newest } of changed<Change>(shop, products, since, cx)) {
        cursor = { ...cursor, products: known === null ? newest! : latest(known.products, newest!) };
        yield { items: records.map(incomingOf), cursor: JSON.stringify(cursor) };
      }
      const variants = { path: '/admin/product-variants', list: 'variants', fields: 'id,updated_at,product_id' };
      const changes = changed<ListedVariant>(
        shop,
        { ...variants, pageSize: PAGE },
        before(cursor.variants, overlap),
        cx,
      );
      for await (const { records, newest } of changes) {
        cursor = { ...cursor, variants: latest(cursor.variants, newest!) };
        const ids = [...new Set(records.flatMap(({ product_id }) => product_id ?? []))];
        const query = { fields: FIELDS, limit: String(PAGE), 'id[]': ids };
        const { products: whole } = await shop.read<{ products: Change[] }>('/admin/products', query, cx);
        yield { items: whole.map(incomingOf), cursor: JSON.stringify(cursor) };
      }
    },
    decode: readProduct,
  };
}

interface ListedVariant extends Change {
  readonly product_id: string | null;
}

function incomingOf(record: Change): Incoming {
  const { variants: told } = record as Change & Partial<MedusaProduct>;
  listed(told, `the variants of ${record.id}`);
  const product = Value.Clean(schemas.product, structuredClone(record)) as MedusaProduct;
  const variants = [...product.variants].sort((a, b) => (a.id < b.id ? -1 : 1));
  const text = canonicalJson({ ...product, variants });
  const at = new Date(Math.max(...[product, ...variants].map(({ updated_at }) => Date.parse(updated_at))));
  return {
    dedupeKey: `product ${product.id} ${sha256(text).toString('hex')}`,
    subject: `product:${product.id}`,
    sourceVersion: BigInt(at.getTime()),
    occurredAt: at,
    bytes: Buffer.from(text),
  };
}
