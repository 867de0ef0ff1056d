import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Signer, WebhookSourceUnderTest } from '../../src/conformance/index.ts';
import type { Incoming, PollSource, RawRequest, WebhookSource } from '../../src/core/connector.ts';
import { rejected } from '../../src/core/fault.ts';

/** What the author of a webhook source may get wrong. */
export type WebhookMistake =
  | 'signs the parsed body'
  | 'accepts what is not signed'
  | 'looks at no time'
  | 'forgets the key before'
  | 'does not sign the id'
  | 'throws at a header that is missing'
  | 'names all facts alike'
  | 'names the subject by the key'
  | 'takes the time of arrival for the key'
  | 'takes the id of the push for the key'
  | 'takes the record for the key'
  | 'takes the time of arrival for the version'
  | 'stores a notice'
  | 'passes over a notice'
  | 'hints with nothing to read'
  | 'stores a ping'
  | 'refuses a ping'
  | 'trips over what it cannot read'
  | 'believes whatever it is sent'
  | 'passes over what it does not understand'
  | 'quotes its secret'
  | 'pushes under other keys than it lists'
  | 'pushes less than it lists'
  | 'changes what it decodes';

interface Thing {
  id: string;
  revision: number;
  text: string;
}

const secrets = { NEW: 'whsec-new-4711', OLD: 'whsec-old-0815' };
const secretOf: Record<Signer, string> = { current: secrets.NEW, previous: secrets.OLD, stranger: 'whsec-other-1' };
let made = 0;

/** A webhook that pushes things and feeds a list of them, right unless told to make a mistake. */
export function referenceWebhook(mistake: WebhookMistake | null = null): WebhookSourceUnderTest {
  const things: Thing[] = [];
  const mac = (secret: string, head: string, body: Uint8Array): Buffer => {
    const whole = mistake === 'signs the parsed body' ? Buffer.from(Buffer.from(body).toString().trim()) : body;
    return createHmac('sha256', secret).update(head).update(whole).digest();
  };
  const headOf = (id: string, stamp: string): string =>
    mistake === 'does not sign the id' ? `${stamp}.` : `${id}.${stamp}.`;
  const factOf = (thing: Thing, { headers, receivedAt }: Pick<RawRequest, 'headers' | 'receivedAt'>): Incoming => {
    const key = `thing ${thing.id} ${thing.revision}`;
    return {
      dedupeKey:
        mistake === 'names all facts alike'
          ? 'thing'
          : mistake === 'takes the time of arrival for the key'
            ? `${key} ${receivedAt.getTime()}`
            : mistake === 'takes the id of the push for the key'
              ? String(headers['x-id'])
              : mistake === 'takes the record for the key'
                ? `thing ${thing.id}`
                : key,
      subject: mistake === 'names the subject by the key' ? key : `thing:${thing.id}`,
      sourceVersion:
        mistake === 'takes the time of arrival for the version' ? BigInt(receivedAt.getTime()) : BigInt(thing.revision),
      occurredAt: receivedAt,
      bytes: Buffer.from(JSON.stringify(thing)),
    };
  };
  const decode = (bytes: Uint8Array): Thing => {
    const thing = JSON.parse(Buffer.from(bytes).toString()) as Thing;
    if (mistake === 'changes what it decodes') bytes.fill(0x20);
    return thing;
  };
  const feeds: PollSource<Thing> = {
    kind: 'poll',
    name: 'things',
    every: '1m',
    async *pull() {
      const at = { headers: { 'x-id': 'list' }, receivedAt: new Date(0) };
      const items = things.map((thing) => {
        const fact = factOf(thing, at);
        if (mistake === 'pushes under other keys than it lists')
          return { ...fact, dedupeKey: `${fact.dedupeKey} listed` };
        if (mistake === 'pushes less than it lists')
          return { ...fact, bytes: Buffer.from(JSON.stringify({ ...thing, text: `${thing.text}, and more` })) };
        return fact;
      });
      yield { items, cursor: String(things.length) };
    },
    decode: (bytes) => JSON.parse(Buffer.from(bytes).toString()) as Thing,
  };
  const source: WebhookSource<Thing> = {
    kind: 'webhook',
    name: 'pushed',
    topic: 'things',
    ...(mistake === 'hints with nothing to read' ? {} : { feeds: 'things' }),
    verify: ({ headers, body, receivedAt }, cx) => {
      const { 'x-id': id, 'x-time': stamp, 'x-signature': signature } = headers;
      if (mistake === 'throws at a header that is missing' && (stamp as string).trim() === '') return false;
      if (signature === undefined || signature === '') return mistake === 'accepts what is not signed';
      if (typeof id !== 'string' || typeof stamp !== 'string' || typeof signature !== 'string' || id === '')
        return false;
      const age = Math.abs(receivedAt.getTime() / 1000 - Number(stamp));
      if (mistake !== 'looks at no time' && !(stamp !== '' && age <= 300)) return false;
      const given = Buffer.from(signature, 'base64');
      const keys = mistake === 'forgets the key before' ? ['NEW'] : ['NEW', 'OLD'];
      return keys.some((name) => {
        const own = mac(cx.secret(name), headOf(id, stamp), body);
        return own.length === given.length && timingSafeEqual(own, given);
      });
    },
    read: (request, cx) => {
      const { type, thing } = parse(request.body, mistake, cx.secret('NEW')) as { type?: unknown; thing?: Thing };
      if (type === 'ping') {
        if (mistake === 'refuses a ping') throw rejected('a ping is nothing we know', 'unknown-type');
        return mistake === 'stores a ping' ? [factOf({ id: 'ping', revision: 1, text: '' }, request)] : [];
      }
      if (type === 'changed') {
        if (mistake === 'passes over a notice') return [];
        return mistake === 'stores a notice' ? [factOf(thing!, request)] : [{ hint: `thing:${thing?.id}` }];
      }
      if (type === 'thing' && (isThing(thing) || mistake === 'believes whatever it is sent'))
        return [factOf(thing as Thing, request)];
      if (type === 'thing' && mistake !== 'passes over what it does not understand')
        throw rejected('this is not what a thing looks like', 'not-a-thing');
      return [];
    },
    decode,
  };
  const whole = (thing: Thing): Buffer => {
    things.push(thing);
    return Buffer.from(JSON.stringify({ type: 'thing', thing, words: 'süß' }));
  };
  const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
  return {
    source,
    feeds,
    secrets,
    signedHeaders: ['x-id', 'x-time', 'x-signature'],
    tolerance: '5m',
    rotates: true,
    sign: (body, signer, at) => {
      const id = `push-${++made}`;
      const stamp = String(Math.floor(at.getTime() / 1000));
      const signature = mac(secretOf[signer], headOf(id, stamp), body).toString('base64');
      const headers = { 'x-id': id, 'x-time': stamp, 'x-signature': signature };
      return { headers, query: '', body, receivedAt: new Date() };
    },
    facts: async (count) =>
      Array.from({ length: count }, () => {
        const id = String(things.length + 1);
        return { body: whole({ id, revision: 1, text: 'a thing' }), subject: `thing:${id}` };
      }),
    versions: async () => {
      const id = String(things.length + 1);
      return { older: whole({ id, revision: 1, text: 'a' }), newer: whole({ id, revision: 2, text: 'b' }) };
    },
    hints: [json({ type: 'changed', thing: { id: '7' } })],
    pings: [json({ type: 'ping' }), json({ type: 'of a later release' })],
    malformed: [json({ type: 'thing' }), json({ type: 'thing', thing: { id: '1', revision: 'one', text: '' } })],
  };
}

const isThing = (thing: unknown): thing is Thing => {
  const { id, revision, text } = (thing ?? {}) as Partial<Thing>;
  return typeof id === 'string' && Number.isSafeInteger(revision) && typeof text === 'string';
};

/** A message, or what the sender is to blame for. */
function parse(body: Uint8Array, mistake: WebhookMistake | null, secret: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    const words = mistake === 'quotes its secret' ? `as it should be, signed with ${secret}` : 'that can be read';
    throw rejected(`the body is not JSON ${words}`, 'not-json');
  }
  const isMessage = value !== null && typeof value === 'object';
  if (!isMessage && mistake !== 'trips over what it cannot read')
    throw rejected('the body is no message of ours', 'not-a-message');
  return value;
}
