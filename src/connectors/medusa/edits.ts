import type { Context } from '../../core/connector.ts';
import type { MedusaAdjustment, MedusaEdit, MedusaLine } from './native.ts';
import type { Shop } from './shop.ts';

/** An order as a list names it. */
interface Listed {
  readonly id: string;
  /** Goes up with each edit, and with much else. Medusa keeps lines and what promotions take off them by it. */
  readonly version?: number;
  readonly items?: readonly { readonly id: string }[];
}

interface Action {
  readonly action: string;
  readonly ordering: number;
  readonly details: {
    readonly reference_id?: string;
    readonly quantity?: number;
    readonly quantity_diff?: number;
    readonly unit_price?: number | null;
  };
}

interface ListedEdit {
  readonly id: string;
  readonly version: number;
  readonly confirmed_at: string;
  readonly actions: readonly Action[];
}

/** A line as it was when the order last had it, with what was taken off it in every version. */
interface KeptLine {
  readonly item_id: string;
  readonly unit_price: number | null;
  readonly item: Omit<MedusaLine, 'adjustments'> & {
    readonly adjustments: readonly (MedusaAdjustment & { readonly version: number })[];
  };
}

/** What Medusa's list leaves out of an edited order. */
interface History {
  readonly edits: readonly MedusaEdit[];
  readonly removed: readonly MedusaLine[];
}

const none: History = { edits: [], removed: [] };

const EDIT_FIELDS = 'id,version,change_type,status,confirmed_at,actions.*';
const LINE_FIELDS = 'id,item_id,version,quantity,unit_price,item.*,item.tax_lines.*,item.adjustments.*';
/** Versions of orders whose history is remembered: each poll reaches back over what the last one read. */
const REMEMBERED = 2000;

/**
 * Completes orders by their edits. A line of which nothing is left is no longer among an order's lines, and of what an edit took off only its own record tells: so orders
 * that have changed since they were placed are asked for their edits, once for each version, and edited ones for all lines they ever had.
 */
export function orderHistory(shop: Shop): <O extends Listed>(orders: readonly O[], cx: Context) => Promise<O[]> {
  const known = new Map<string, History>();
  const historyOf = async ({ id, version = 1, items = [] }: Listed, cx: Context): Promise<History> => {
    if (version === 1) return none;
    const key = `${id} ${version}`;
    const held = known.get(key);
    if (held) return held;
    const history = await read(shop, { id, version, items }, cx);
    known.set(key, history);
    const [oldest] = known.keys();
    if (known.size > REMEMBERED) known.delete(oldest!);
    return history;
  };
  return async (orders, cx) => {
    const all: (typeof orders)[number][] = [];
    for (const order of orders) all.push({ ...order, ...(await historyOf(order, cx)) });
    return all;
  };
}

async function read(shop: Shop, { id, version, items }: Required<Listed>, cx: Context): Promise<History> {
  const path = `/admin/orders/${id}`;
  const query = { change_type: 'edit', status: 'confirmed', fields: EDIT_FIELDS };
  const { order_changes } = await shop.read<{ order_changes: ListedEdit[] }>(`${path}/changes`, query, cx);
  // What came after the order was read belongs to its next state.
  const edits = order_changes.filter((one) => one.version <= version).sort((a, b) => a.version - b.version);
  if (edits.length === 0) return none;
  const { order_items } = await shop.read<{ order_items: KeptLine[] }>(
    `${path}/line-items`,
    { fields: LINE_FIELDS },
    cx,
  );
  const touched = new Set(edits.flatMap(({ actions }) => actions.map(({ details }) => details.reference_id)));
  const gone = order_items.filter(({ item_id: line }) => touched.has(line) && !items.some((item) => item.id === line));
  return { edits: statesOf(edits, order_items), removed: gone.map(removedLine) };
}

const removedLine = ({ item, unit_price }: KeptLine): MedusaLine => ({
  ...item,
  unit_price: unit_price ?? item.unit_price,
  quantity: 0,
  detail: { return_received_quantity: 0, return_dismissed_quantity: 0 },
  adjustments: [],
});

/** Each edit's lines before and after it. An action names what changes only, so prices are followed from the first. */
function statesOf(edits: readonly ListedEdit[], lines: readonly KeptLine[]): MedusaEdit[] {
  const prices = new Map(lines.map(({ item_id, item }) => [item_id, item.unit_price]));
  return edits.map(({ id, version, confirmed_at, actions }) => {
    const last = new Map<string, Action>();
    for (const one of [...actions].sort((a, b) => a.ordering - b.ordering))
      if (one.action.startsWith('ITEM_') && one.details.reference_id) last.set(one.details.reference_id, one);
    const items = [...last].flatMap(([line, { action, details }]): MedusaEdit['items'] => {
      const kept = lines.find(({ item_id }) => item_id === line);
      const before = prices.get(line);
      if (!kept || before === undefined || details.quantity === undefined) return [];
      const after = details.unit_price ?? before;
      prices.set(line, after);
      const at = (wanted: number) => kept.item.adjustments.filter((one) => one.version === wanted);
      const quantity = action === 'ITEM_ADD' ? 0 : details.quantity - (details.quantity_diff ?? 0);
      const to = { quantity: details.quantity, unit_price: after, adjustments: at(version) };
      return [{ id: line, from: { quantity, unit_price: before, adjustments: at(version - 1) }, to }];
    });
    return { id, version, confirmed_at, items };
  });
}
