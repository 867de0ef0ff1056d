import {
  type FunctionalAcknowledgement,
  FunctionalAcknowledgementDocument,
} from '../connectors/warehouse-files/acknowledgements.ts';
import type { Acknowledgement, Beside, InventoryReport, Receipt } from '../connectors/warehouse-files/index.ts';
import {
  adjustmentOf,
  badMessage,
  type Comparison,
  comparisonsOf,
  type Known,
  receiptOf,
  replyOf,
} from '../connectors/warehouse-files/mapping.ts';
import type { Sink, Source } from '../core/connector.ts';
import { nothing } from '../core/document.ts';
import { defineFlow, type Flow, type Look as FlowLook } from '../core/flow.ts';
import { canonicalJson, sha256 } from '../core/seal.ts';
import { ReceiptDocument } from '../model/receipt.ts';
import { StockAdjustmentDocument } from '../model/stock-adjustment.ts';
import { type StockLevel, StockLevelDocument } from '../model/stock-level.ts';

/** The warehouse's acknowledgements answer what it was sent. What it rejects, or never acknowledges, becomes an Exception of the flow that sent it. */
export const warehouseAcknowledgements = ({
  id = 'warehouse-acknowledgements',
  from,
}: {
  /** One flow for each warehouse. Default 'warehouse-acknowledgements'. */
  readonly id?: string;
  readonly from: Source<Acknowledgement | Beside>;
}): Flow<Acknowledgement | Beside, never> =>
  defineFlow<Acknowledgement | Beside, never, unknown>({
    id,
    about: 'The warehouse says which messages it took.',
    documents: [],
    from,
    to: {},
    latency: 'realtime',
    promise: { within: '10m', critical: false },
    onException: { owner: 'logistics', within: '4h', hold: 'nothing' },
    fallback: 'What is not acknowledged in time is shown as an Exception.',
    translate: (native, look) => {
      if (native.kind === 'bad') throw badMessage(native);
      if (native.kind === 'group') return { outcome: 'duplicate', documents: [] };
      return { outcome: 'routed', documents: [], replies: [replyOf(native, look.connection)] };
    },
  });

export interface WarehouseReceiptsParts {
  /** One flow for each warehouse. Default 'warehouse-receipts'. */
  readonly id?: string;
  readonly from: Source<Receipt | Beside>;
  readonly to: {
    readonly receipt: Sink<typeof ReceiptDocument>;
    readonly 'stock-adjustment': Sink<typeof StockAdjustmentDocument>;
  };
  /** Whether a reference is a purchase order's number, or a transfer's, in the books. Default: all are. Where it is none the goods are stock that was found. */
  readonly announced?: (reference: string) => boolean;
}

/** Goods that came in at the warehouse are received of what announced them; those that nothing announced are found in the books. */
export const warehouseReceipts = ({
  id = 'warehouse-receipts',
  from,
  to,
  announced = () => true,
}: WarehouseReceiptsParts): Flow<Receipt | Beside, typeof ReceiptDocument | typeof StockAdjustmentDocument> =>
  defineFlow({
    id,
    about: 'Goods received by the warehouse become stock, against the purchase order that they are of.',
    documents: [ReceiptDocument, StockAdjustmentDocument],
    from,
    to,
    latency: 'realtime',
    promise: { within: '30m', critical: false },
    onException: { owner: 'logistics', within: '1d', hold: 'lane' },
    fallback: 'Stock is promised once it is in the books.',
    translate: async (native, look) => {
      if (native.kind === 'bad') throw badMessage(native);
      if (native.kind === 'group') return { outcome: 'duplicate', documents: [] };
      const { reference, receipt } = native;
      // What earlier versions of the hub booked as found is not received once more.
      const found = await look.current(StockAdjustmentDocument, `${look.connection}:${receipt}`);
      if (reference !== null && announced(reference) && found === null) {
        const body = receiptOf(native, reference, look.connection);
        return { outcome: 'routed', documents: body === null ? [] : [{ kind: 'receipt', body }] };
      }
      const body = adjustmentOf(native, look.connection);
      return { outcome: 'routed', documents: body === null ? [] : [{ kind: 'stock-adjustment', body }] };
    },
  });

const CAUSE = 'stock-differs';
const SHOWN = 10;

/** A difference that stands, and the number of the count that found it. */
type Difference = Omit<Comparison, 'verdict'> & { readonly report: string };
type Look = FlowLook<readonly Difference[]>;

/**
 * What the hub heard of goods in a location, at the moment of a count and since; null where it heard nothing of them by then. Each channel may have a level of its own; all of
 * them were made of the same figures, and the one that was written last counts. Not the one with the latest time of counting: a row of the books that is deleted
 * takes its own along. What changed within the second of the count, or within its minute where it tells no seconds, may have been before it or after.
 */
async function knownOf(sku: string, location: string, counted: string, look: Look): Promise<Known | null> {
  const isBefore = (level: StockLevel): boolean => Date.parse(level.asOf) < Date.parse(counted);
  const newest = (await look.find(StockLevelDocument, ['sku', sku])).find((level) => level.location === location);
  if (newest === undefined) return null;
  const levels = isBefore(newest) ? [newest] : await look.since(StockLevelDocument, newest.id, new Date(counted));
  const [then, ...since] = levels
    .slice(0, levels.findIndex(isBefore) + 1)
    .toReversed()
    .map(figuresOf);
  return then ? { then, since } : null;
}

const figuresOf = ({ onHand, free }: StockLevel): Known['then'] => ({ onHand: onHand ?? null, free: free ?? null });

const nameOf = ({ sku, what }: Pick<Difference, 'sku' | 'what'>): string => `${sku} ${what}`;

/** What people read; the difference that was found last comes first. */
function wordsOf(differences: readonly Difference[], location: string): string {
  const { report } = differences[0]!;
  const first = differences.slice(0, SHOWN).map(({ sku, counted, known, what, report: found }) => {
    const where = found === report ? '' : ` in count ${found}`;
    return `${sku} ${counted} ${what} (books: ${known}${where})`;
  });
  const more = differences.length > SHOWN ? ` and ${differences.length - SHOWN} more` : '';
  return `Count ${report} of the warehouse differs from the books in ${location}: ${first.join(', ')}${more}. Find out whose count is right and correct the other; the next equal count closes this.`;
}

/**
 * What the warehouse counts is compared with what the books had there at that moment, as the stock feeds tell it. It changes nothing: whose count is right is for people to
 * say. A difference stands until a count of the same goods agrees: one that does not name them, or of which it cannot be said whether they moved before it, says nothing of it.
 */
export const warehouseStock = ({
  id = 'warehouse-stock',
  from,
  location,
}: {
  /** One flow for each warehouse. Default 'warehouse-stock'. */
  readonly id?: string;
  readonly from: Source<InventoryReport | Beside>;
  /** Location code of the hub. */
  readonly location: string;
}): Flow<InventoryReport | Beside, never, readonly Difference[]> =>
  defineFlow<InventoryReport | Beside, never, readonly Difference[]>({
    id,
    about: "The warehouse's count is compared with what the books had there.",
    documents: [],
    from,
    to: {},
    latency: 'realtime',
    promise: { within: '1h', critical: false },
    onException: { owner: 'logistics', within: '1d', hold: 'nothing' },
    fallback: 'Differences are found at the next count.',
    translate: async (native, look) => {
      if (native.kind === 'bad') throw badMessage(native);
      if (native.kind === 'group') return { outcome: 'duplicate', documents: [] };
      const known = new Map<string, Known>();
      for (const { sku } of native.lines) {
        const heard = await knownOf(sku, location, native.asOf, look);
        if (heard) known.set(sku, heard);
      }
      // A person who asks again has put the books right since the count.
      const compared = comparisonsOf(native, known).filter(
        ({ verdict }) => verdict !== 'moved' || look.decision !== null,
      );
      const found = compared.flatMap(({ verdict, ...one }) =>
        verdict === 'differs' ? [{ ...one, report: native.report }] : [],
      );
      const names = new Set(compared.map(nameOf));
      const before = look.memory ?? [];
      const kept = before.filter((one) => !names.has(nameOf(one)));
      const isAsBefore = found.length === 0 && kept.length > 0 && kept.length === before.length;
      if (isAsBefore && look.decision === null) return { outcome: 'routed', documents: [] };
      const stand = [...found, ...kept];
      return {
        outcome: 'routed',
        documents: [],
        answers: [CAUSE],
        objections: stand.length === 0 ? [] : [{ cause: CAUSE, message: wordsOf(stand, location), measure: nothing }],
        memory: stand,
      };
    },
  });

/** What was read of the warehouse's X12 files is acknowledged to it: each set accepted or rejected, with the segment and why (997). */
export const functionalAcknowledgements = ({
  id,
  from,
  to,
}: {
  /** One flow for each source: `shipping-advices-heard`. */
  readonly id: string;
  readonly from: Source<{ readonly kind: string } | Beside>;
  readonly to: { readonly 'functional-acknowledgement': Sink<typeof FunctionalAcknowledgementDocument> };
}): Flow<{ readonly kind: string } | Beside, typeof FunctionalAcknowledgementDocument> =>
  defineFlow({
    id,
    about: 'The warehouse hears which of its messages were taken.',
    documents: [FunctionalAcknowledgementDocument],
    from,
    to,
    latency: 'realtime',
    promise: { within: '30m', critical: false },
    onException: { owner: 'logistics', within: '1d', hold: 'nothing' },
    fallback: 'The warehouse sends again what it does not know to have arrived.',
    translate: (native, look) => {
      if (native.kind !== 'group') return { outcome: 'duplicate', documents: [] };
      const { functional, control, sets } = native as Extract<Beside, { kind: 'group' }>;
      const found = sha256(canonicalJson(sets)).toString('hex').slice(0, 12);
      const body: FunctionalAcknowledgement = {
        id: `${look.connection}:${functional}:${control}:${found}`,
        functional,
        control,
        sets: sets.map((set) => ({ ...set, problems: [...set.problems] })),
      };
      return { outcome: 'routed', documents: [{ kind: 'functional-acknowledgement', body }] };
    },
  });
