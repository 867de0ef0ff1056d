import { Type } from 'typebox';
import type { SinkUnderTest } from '../../src/conformance/index.ts';
import type { Context, Idempotency, Item, Result, Sink } from '../../src/core/connector.ts';
import { defineDocument } from '../../src/core/document.ts';
import { type Fault, FaultError } from '../../src/core/fault.ts';

const KEY = 'key-4711-0815';

/** A label with a text: what the reference target keeps. */
const LabelDocument = defineDocument({
  name: 'label',
  version: '1.0',
  schema: Type.Object({ id: Type.String(), text: Type.String() }),
  key: (label) => label.id,
});
type Label = { id: string; text: string };

type BatchMode = Sink['batch']['onFailure'];

interface Posted {
  /** Idempotency key, external id, or the key under which a value is overwritten. */
  key?: string;
  /** Free text that may be searched. */
  memo: string;
  text: string;
}

type Answered = { id: string } | { error: { field: string; message: string } } | { skipped: true };

/** A target in memory that speaks HTTP as `fetch` sees it: it knows keys when it is given some, and fails batches in one of the three ways. */
class ReferenceTarget {
  readonly records: { id: string; key: string | undefined; memo: string; text: string }[] = [];
  readonly mode: BatchMode;
  #made = 0;

  constructor(mode: BatchMode) {
    this.mode = mode;
  }

  readonly fetch = async (url: string, init: RequestInit = {}): Promise<Response> => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    if (new Headers(init.headers).get('authorization') !== `bearer ${KEY}`) return Response.json({}, { status: 401 });
    const { searchParams } = new URL(url);
    if (init.method === 'POST') return Response.json(this.#post(JSON.parse(String(init.body)) as Posted[]));
    const ids = searchParams.getAll('id');
    const memos = searchParams.getAll('memo');
    return Response.json(this.records.filter(({ id, memo }) => ids.includes(id) || memos.includes(memo)));
  };

  #post(items: readonly Posted[]): Answered[] {
    const wrong = (item: Posted) => item.text.startsWith('bad');
    const error = { field: 'text', message: "The text of a label must not start with 'bad'." };
    const first = items.findIndex(wrong);
    return items.map((item, index): Answered => {
      if (wrong(item)) return this.mode === 'stops' && index > first ? { skipped: true } : { error };
      const spoilt = first >= 0 && (this.mode === 'none-lands' || (this.mode === 'stops' && index > first));
      return spoilt ? { skipped: true } : { id: this.#write(item) };
    });
  }

  #write({ key, memo, text }: Posted): string {
    const held = key === undefined ? undefined : this.records.find((record) => record.key === key);
    if (held) {
      held.text = text;
      return held.id;
    }
    this.#made += 1;
    const id = `L${this.#made}`;
    this.records.push({ id, key, memo, text });
    return id;
  }
}

/** What a connector's author may get wrong. */
export type Mistake =
  | 'sends no key'
  | 'sends a new key each time'
  | 'has no find'
  | 'finds nothing'
  | 'finds in the order of the target'
  | 'find says partial of what is whole'
  | 'asks at once'
  | 'takes a lost answer for nothing'
  | 'takes a lost answer for a bad document'
  | 'takes a page of a proxy for success'
  | 'takes 429 for a failure'
  | 'ignores Retry-After'
  | 'takes 401 for a bad document'
  | 'gives no words'
  | 'gives the traceback'
  | 'names no field'
  | 'takes a bad document for a passing failure'
  | 'mixes up the order'
  | 'forgets an item'
  | 'trusts the status'
  | 'sends past cx.fetch'
  | 'goes on without a lease'
  | 'says none-lands of what is independent'
  | 'says stops of what is independent'
  | 'says independent of none-lands'
  | 'calls untouched what landed'
  | 'tells the key'
  | 'gives no id';

const failed = (fault: Fault): Result => ({ outcome: 'failed', fault });

/** A sink of each grade on the reference target, right unless told to make a mistake. */
function referenceSink(
  target: ReferenceTarget,
  idempotency: Idempotency,
  mistake: Mistake | null = null,
): Sink<typeof LabelDocument> {
  const url = 'http://reference.invalid/labels';
  let calls = 0;

  const call = async (cx: Context, query: string, init: RequestInit, writes: boolean): Promise<unknown> => {
    const lost: Fault = { kind: writes ? 'unknown' : 'transient', message: 'the target gave no answer to this call' };
    let response: Response;
    try {
      const headers = { authorization: `bearer ${cx.secret('KEY')}` };
      const send = mistake === 'sends past cx.fetch' && writes ? target.fetch : cx.fetch;
      response = await send(`${url}?${query}`, { ...init, headers });
    } catch (error) {
      if (error instanceof FaultError) throw error;
      if (writes && mistake === 'takes a lost answer for nothing') throw new FaultError({ ...lost, kind: 'transient' });
      if (mistake === 'takes a lost answer for a bad document')
        throw new FaultError({ kind: 'rejected', message: lost.message });
      throw new FaultError(lost);
    }
    const text = await response.text();
    if (response.status === 200) {
      const value: unknown = JSON.parse(text);
      return value;
    }
    if (mistake === 'takes a page of a proxy for success' && response.status === 502) return [{ id: 'L1' }];
    if (mistake === 'tells the key') cx.log.warn(`the target said ${text}`);
    if (response.status === 401)
      throw new FaultError({
        kind: mistake === 'takes 401 for a bad document' ? 'rejected' : 'refused',
        message: 'the target does not accept our key',
      });
    const after = response.headers.get('retry-after');
    if (response.status === 429 || (response.status === 503 && after !== null)) {
      if (mistake === 'takes 429 for a failure')
        throw new FaultError({ kind: 'transient', message: 'the target has failed us' });
      const seconds = mistake === 'ignores Retry-After' ? 60 : Number(after ?? 30);
      throw new FaultError({ kind: 'throttled', message: 'the target asks to wait', retryAfter: seconds * 1000 });
    }
    throw new FaultError(lost);
  };

  const posted = (item: Item<Label>): Posted => {
    calls += 1;
    const keyed = repeats && mistake !== 'sends no key';
    const key = mistake === 'sends a new key each time' ? `${item.key}/${calls}` : item.key;
    return { ...(keyed ? { key } : {}), memo: item.key, text: item.document.text };
  };
  const repeats = idempotency !== 'find-first' && idempotency !== 'unsafe';

  const resultOf = (answered: Answered): Result => {
    if ('skipped' in answered) return { outcome: 'untouched' };
    if ('id' in answered) return { outcome: 'done', id: mistake === 'gives no id' ? '' : answered.id };
    const { field, message } = answered.error;
    if (mistake === 'takes a bad document for a passing failure') return failed({ kind: 'transient', message });
    const told =
      mistake === 'gives no words'
        ? 'E422'
        : mistake === 'gives the traceback'
          ? `Error: ${message}\n    at post (x.ts:1:1)`
          : message;
    return failed({
      kind: 'rejected',
      message: told,
      cause: 'target-refused',
      ...(mistake === 'names no field' ? {} : { field }),
    });
  };

  const readBack = async (results: Result[], cx: Context): Promise<Result[]> => {
    const ids = results.flatMap((result) => (result.outcome === 'done' ? [result.id] : []));
    if (ids.length === 0 || mistake === 'trusts the status') return results;
    const there = (await call(cx, ids.map((id) => `id=${id}`).join('&'), { method: 'GET' }, false).catch(
      (error: unknown) => {
        if (!(error instanceof FaultError)) throw error;
        throw new FaultError({ kind: 'unknown', message: `it was written, but: ${error.fault.message}` });
      },
    )) as { id: string }[];
    return results.map((result) =>
      result.outcome === 'done' && !there.some(({ id }) => id === result.id)
        ? failed({ kind: 'unknown', message: 'the target said that it wrote it, but it is not there' })
        : result,
    );
  };

  const declared: BatchMode =
    mistake === 'says none-lands of what is independent'
      ? 'none-lands'
      : mistake === 'says stops of what is independent'
        ? 'stops'
        : mistake === 'says independent of none-lands'
          ? 'independent'
          : target.mode;

  return {
    name: 'labels',
    accepts: LabelDocument,
    idempotency,
    settle: mistake === 'asks at once' ? 0 : '150ms',
    deadline: '10s',
    batch: { max: 10, onFailure: declared },
    ...(idempotency !== 'find-first' || mistake === 'has no find'
      ? {}
      : {
          find: async (items, cx) => {
            if (mistake === 'finds nothing') return items.map(() => ({ found: 'absent' }));
            const query = items.map(({ key }) => `memo=${encodeURIComponent(key)}`).join('&');
            const rows = (await call(cx, query, { method: 'GET' }, false)) as { id: string; memo: string }[];
            if (mistake === 'finds in the order of the target')
              return items.map((_, index) =>
                rows[index] ? { found: 'whole', id: rows[index].id } : { found: 'absent' },
              );
            return items.map(({ key }) => {
              const row = rows.find(({ memo }) => memo === key);
              if (!row) return { found: 'absent' };
              return mistake === 'find says partial of what is whole'
                ? { found: 'partial' }
                : { found: 'whole', id: row.id };
            });
          },
        }),
    deliver: async (items, cx) => {
      const sent = idempotency === 'find-first' ? items.filter(({ id }) => id === null) : items;
      const bound = items.filter((item) => !sent.includes(item));
      const batch = mistake === 'forgets an item' ? sent.slice(0, Math.max(1, sent.length - 1)) : sent;
      let answers: Answered[] = [];
      if (batch.length > 0) {
        const attempt = () => call(cx, '', { method: 'POST', body: JSON.stringify(batch.map(posted)) }, true);
        try {
          answers = (await attempt()) as Answered[];
        } catch (error) {
          if (mistake !== 'goes on without a lease') throw error;
          return items.map(({ key }) => ({ outcome: 'done', id: key }));
        }
      }
      let results = await readBack(answers.map(resultOf), cx);
      if (mistake === 'calls untouched what landed' && results.some(({ outcome }) => outcome === 'failed'))
        results = results.map((result) => (result.outcome === 'done' ? { outcome: 'untouched' } : result));
      if (mistake === 'mixes up the order') results.reverse();
      const all = new Map(batch.map((item, index) => [item, results[index]!]));
      for (const item of bound) all.set(item, { outcome: 'done', id: item.id! });
      return items.flatMap((item) => all.get(item) ?? []);
    },
  };
}

let runs = 0;

/** The reference sink as the suite wants it. */
export function referenceSubject(
  idempotency: Idempotency,
  mode: BatchMode = 'independent',
  mistake: Mistake | null = null,
): SinkUnderTest {
  const target = new ReferenceTarget(mode);
  runs += 1;
  const item = (key: string, text: string): Item<Label> => ({
    key,
    id: null,
    document: { id: key, text },
    version: 1,
    links: new Map(),
  });
  return {
    sink: referenceSink(target, idempotency, mistake),
    network: target.fetch,
    secrets: { KEY },
    item: (n) => item(`r${runs}-${n}`, `label ${n}`),
    bad: (n) => item(`r${runs}-${n}`, `bad ${n}`),
    badIsFoundBy: 'target',
    badField: 'text',
    held: async ({ key }) => target.records.filter(({ memo }) => memo === key).length,
    writes: ({ method }) => method === 'POST',
    hollow: () => Response.json([{ id: 'L999999' }]),
    late: 40,
  };
}
