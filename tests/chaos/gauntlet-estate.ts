/**
 * The estate of the gauntlet: signed webhooks bring notes and payments; notes go to records that a key protects from doubles, payments to a target
 * that makes another one at every call and must be asked first.
 */
import { Type } from 'typebox';
import type { Context, Item, Result, Sink, WebhookSource } from '../../src/core/connector.ts';
import { defineDocument } from '../../src/core/document.ts';
import { defineEstate } from '../../src/core/estate.ts';
import { FaultError } from '../../src/core/fault.ts';
import { defineFlow } from '../../src/core/flow.ts';
import { readJson } from '../../src/core/json.ts';
import { isSigned } from '../../src/core/standard-webhooks.ts';

export interface Told {
  kind: 'note' | 'payment';
  id: string;
  /** Greater is newer. */
  n: number;
}

const { GAUNTLET_TARGET } = process.env;
if (!GAUNTLET_TARGET) throw new Error('this estate is started by tests/chaos');

const schema = Type.Object({ id: Type.String({ maxLength: 60 }), n: Type.Integer({ minimum: 1 }) });
const measure = ({ n }: { n: number }) => ({ lines: 1, currency: 'EUR', minor: BigInt(n), absolute: BigInt(n) });
const Note = defineDocument({ name: 'note', version: '1.0', schema, key: ({ id }) => id, measure });
const Payment = defineDocument({ name: 'payment', version: '1.0', schema, key: ({ id }) => id, measure });

const source: WebhookSource<Told> = {
  kind: 'webhook',
  name: 'told',
  topic: 'told',
  verify: (request, cx) => isSigned(request, [cx.secret('GAUNTLET_SECRET')], request.receivedAt),
  read: (request) => {
    const told = readJson(request.body) as Told;
    return [
      {
        dedupeKey: `${told.kind}/${told.id}/${told.n}`,
        subject: `${told.kind}:${told.id}`,
        ...(told.kind === 'note' ? { sourceVersion: BigInt(told.n) } : {}),
        occurredAt: request.receivedAt,
        bytes: request.body,
        measure: measure(told),
      },
    ];
  },
  decode: (bytes) => JSON.parse(Buffer.from(bytes).toString()) as Told,
};

/** By the clock that no skew touches (ms): until then this process was told to wait. */
let quietUntil = 0;
const now = (): number => Number(process.hrtime.bigint() / 1_000_000n);

/** One call for all items; the answer says what became of each. A call that this process was told not to make yet says so to the target. */
async function call(path: string, items: readonly Item<Told>[], cx: Context): Promise<Result[]> {
  const response = await cx.fetch(`${GAUNTLET_TARGET}/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(now() < quietUntil ? { 'x-too-early': 'yes' } : {}) },
    body: JSON.stringify(items.map(({ key, document }) => ({ key, n: document.n }))),
    timeout: '2s',
  });
  if (response.status === 429 || response.status === 503) {
    const seconds = Number(response.headers.get('retry-after') ?? 1);
    // Some patience for timers, and for a call that was on its way to here when the answer came.
    setTimeout(() => {
      quietUntil = now() + seconds * 1000 - 150;
    }, 100);
    throw new FaultError({
      kind: 'throttled',
      message: `the target asks to wait (${response.status})`,
      retryAfter: `${seconds}s`,
    });
  }
  if (!response.ok) throw new Error(`the target answered ${response.status}`);
  const answers = (await response.json()) as { id?: string; problem?: string }[];
  return answers.map(({ id, problem }) =>
    id === undefined
      ? { outcome: 'failed', fault: { kind: 'rejected', message: problem ?? 'refused', cause: 'bad-note' } }
      : { outcome: 'done', id },
  );
}

const notes: Sink<typeof Note> = {
  name: 'notes',
  accepts: Note,
  idempotency: 'external-id',
  settle: '4s',
  deadline: '3s',
  batch: { max: 50, onFailure: 'independent' },
  deliver: (items, cx) => call('notes', items as never, cx),
};

const payments: Sink<typeof Payment> = {
  name: 'payments',
  accepts: Payment,
  idempotency: 'find-first',
  settle: '4s',
  deadline: '3s',
  batch: { max: 20, onFailure: 'independent' },
  find: async (items, cx) => {
    const response = await cx.fetch(
      `${GAUNTLET_TARGET}/find?keys=${items.map(({ key }) => encodeURIComponent(key)).join(',')}`,
      {
        timeout: '2s',
      },
    );
    if (!response.ok) throw new FaultError({ kind: 'transient', message: `the target answered ${response.status}` });
    const ids = (await response.json()) as (string | null)[];
    return ids.map((id) => (id === null ? { found: 'absent' as const } : { found: 'whole' as const, id }));
  },
  deliver: (items, cx) => call('payments', items as never, cx),
};

const shop = { connector: 'gauntlet', entity: 'shop', sources: { told: source }, sinks: {}, async *check() {} };
const target = {
  connector: 'gauntlet',
  entity: 'shop',
  sources: {},
  sinks: { notes, payments } as never,
  async *check() {},
};

export default defineEstate({
  name: 'gauntlet',
  connections: { shop, target },
  flows: [
    defineFlow({
      id: 'told',
      about: 'what is told goes where it belongs',
      documents: [Note, Payment],
      from: source,
      to: { note: notes, payment: payments },
      latency: 'realtime',
      promise: { within: '1m', critical: true },
      onException: { owner: 'nobody', within: '1d', hold: 'lane' },
      fallback: 'the sender sends again',
      translate: (told: Told) => ({
        outcome: 'routed' as const,
        documents: [{ kind: told.kind, body: { id: told.id, n: told.n } }],
      }),
    }),
  ],
});
