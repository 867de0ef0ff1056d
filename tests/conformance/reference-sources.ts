import { createHmac, timingSafeEqual } from 'node:crypto';
import type { PollSourceUnderTest, SignatureUnderTest } from '../../src/conformance/index.ts';
import type { Incoming, PollSource } from '../../src/core/connector.ts';
import { FaultError, rejected } from '../../src/core/fault.ts';

const KEY = 'key-4711-0815';
const PAGE = 4;

/** What the author of a polled source may get wrong. */
export type SourceMistake =
  | 'reads the first page only'
  | 'gives the cursor of the next page'
  | 'pages by time alone'
  | 'starts again each time'
  | 'takes the time of reading for the key'
  | 'takes the subject for the key'
  | 'dies of a bad record'
  | 'passes over a bad record'
  | 'throws what it likes'
  | 'changes what it decodes'
  | 'takes a lost page for the end'
  | 'subscribes whenever it reads'
  | 'reads on when told to wait'
  | 'takes 401 for the end';

interface Change {
  seq: number;
  /** Seconds: several changes share one. */
  at: number;
  subject: string;
  body: string;
}

let runs = 0;

/** A polled source on a feed in memory, right unless told to make a mistake. */
export function referencePoll(mistake: SourceMistake | null = null): PollSourceUnderTest {
  runs += 1;
  const run = runs;
  const changes: Change[] = [];
  const add = (body: (subject: string) => string): string => {
    const seq = changes.length + 1;
    const subject = `thing:${run}-${seq}`;
    changes.push({ seq, at: 1_700_000_000 + Math.floor(seq / 3), subject, body: body(subject) });
    return subject;
  };
  const feed = async (url: string, init: RequestInit = {}): Promise<Response> => {
    if (new Headers(init.headers).get('authorization') !== `bearer ${KEY}`) return Response.json({}, { status: 401 });
    const { searchParams } = new URL(url);
    const after = Number(searchParams.get('after'));
    const rows =
      mistake === 'pages by time alone'
        ? changes.filter(({ at }) => at > after).slice(0, PAGE)
        : changes.filter(({ seq }) => seq > after).slice(0, PAGE);
    return Response.json(rows);
  };
  const source: PollSource<{ subject: string }> = {
    kind: 'poll',
    name: 'things',
    every: '1m',
    async *pull(cursor, cx) {
      if (mistake === 'subscribes whenever it reads')
        await cx.fetch('http://reference.invalid/subscriptions', {
          method: 'POST',
          headers: { authorization: `bearer ${KEY}` },
        });
      let after = mistake === 'starts again each time' ? 0 : Number(cursor ?? 0);
      for (;;) {
        const headers = { authorization: `bearer ${cx.secret('KEY')}` };
        let rows: Change[];
        try {
          const response = await cx.fetch(`http://reference.invalid/changes?after=${after}`, { headers });
          if (response.status === 401) {
            if (mistake === 'takes 401 for the end') return;
            throw new FaultError({ kind: 'refused', message: 'the feed does not accept our key' });
          }
          if (response.status === 429) {
            if (mistake === 'reads on when told to wait') return;
            const retryAfter = Number(response.headers.get('retry-after')) * 1000;
            throw new FaultError({ kind: 'throttled', message: 'the feed asks to wait', retryAfter });
          }
          rows = (await response.json()) as Change[];
        } catch (error) {
          if (error instanceof FaultError) throw error;
          if (mistake === 'takes a lost page for the end') {
            yield { items: [], cursor: String(changes.length) };
            return;
          }
          throw new FaultError({ kind: 'transient', message: 'the feed gave no answer' }, { cause: error });
        }
        if (rows.length === 0) return;
        const items = rows.flatMap(({ seq, at, subject, body }): Incoming[] => {
          if (body.startsWith('{bad')) {
            if (mistake === 'dies of a bad record')
              throw new FaultError({ kind: 'transient', message: 'a record is bad' });
            if (mistake === 'passes over a bad record') return [];
          }
          return [
            {
              dedupeKey:
                mistake === 'takes the time of reading for the key'
                  ? `${subject}/${performance.now()}`
                  : mistake === 'takes the subject for the key'
                    ? 'thing'
                    : `change ${run}-${seq}`,
              subject,
              sourceVersion: BigInt(seq),
              occurredAt: new Date(at * 1000),
              bytes: Buffer.from(body),
            },
          ];
        });
        const last = rows.at(-1)!;
        after = mistake === 'pages by time alone' ? last.at : last.seq;
        yield { items, cursor: String(mistake === 'gives the cursor of the next page' ? after + PAGE : after) };
        if (mistake === 'reads the first page only') return;
      }
    },
    decode: (bytes) => {
      try {
        const native = JSON.parse(Buffer.from(bytes).toString()) as { subject: string };
        if (mistake === 'changes what it decodes') bytes.fill(0x20);
        return native;
      } catch (error) {
        if (mistake === 'throws what it likes') throw error;
        throw rejected('this change of the feed is no JSON and cannot be read', 'unreadable');
      }
    },
  };
  return {
    source,
    network: feed,
    secrets: { KEY },
    pageSize: PAGE,
    make: async (count) => Array.from({ length: count }, () => add((subject) => JSON.stringify({ subject, ä: 1 }))),
    makeBad: async () => void add(() => '{bad'),
  };
}

/** What the author of a signed source may get wrong. */
export type SignatureMistake =
  | 'accepts everything'
  | 'signs the parsed body'
  | 'accepts what is not signed'
  | 'looks at no time'
  | 'forgets the key before';

interface Signed {
  body: Uint8Array;
  headers: Record<string, string>;
}

const secretOf = { current: 'whsec-new', previous: 'whsec-old', stranger: 'whsec-other' };

/** A signature over time and raw body, as Standard Webhooks has it, right unless told to make a mistake. */
export function referenceSignature(mistake: SignatureMistake | null = null): SignatureUnderTest<Signed> {
  const mac = (secret: string, stamp: string, body: Uint8Array): Buffer => {
    const whole = mistake === 'signs the parsed body' ? Buffer.from(Buffer.from(body).toString().trim()) : body;
    return createHmac('sha256', secret).update(`${stamp}.`).update(whole).digest();
  };
  const keys = mistake === 'forgets the key before' ? [secretOf.current] : [secretOf.current, secretOf.previous];
  return {
    sign: (body, signer, at) => {
      const stamp = String(Math.floor(at.getTime() / 1000));
      return { body, headers: { stamp, signature: mac(secretOf[signer], stamp, body).toString('base64') } };
    },
    withBody: (request, body) => ({ ...request, body }),
    unsigned: ({ body, headers: { stamp } }) => ({ body, headers: { stamp: stamp! } }),
    verify: ({ body, headers: { stamp = '', signature } }) => {
      if (mistake === 'accepts everything') return true;
      if (signature === undefined) return mistake === 'accepts what is not signed';
      if (mistake !== 'looks at no time' && Math.abs(Date.now() / 1000 - Number(stamp)) > 300) return false;
      const given = Buffer.from(signature, 'base64');
      return keys.some((key) => {
        const own = mac(key, stamp, body);
        return own.length === given.length && timingSafeEqual(own, given);
      });
    },
    tolerance: '5m',
    rotates: true,
  };
}
