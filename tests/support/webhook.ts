import type { Incoming, WebhookSource } from '../../src/core/connector.ts';
import { type AnyFlow, defineEstate, type Estate } from '../../src/core/estate.ts';
import { readJson } from '../../src/core/json.ts';
import { isSigned, signedHeaders } from '../../src/core/standard-webhooks.ts';
import { connectionOf, type NativeNote, noteFlow } from './hub.ts';
import { Target } from './target.ts';

/** `whsec_` and 32 bytes. */
export const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
export const OLD_SECRET = `whsec_${Buffer.alloc(32, 8).toString('base64')}`;

/** Signed notes, one or a list of them; what is `null` is for nobody. */
const noteWebhook = (changes: Partial<WebhookSource<NativeNote>> = {}): WebhookSource<NativeNote> => ({
  kind: 'webhook',
  name: 'pushed',
  topic: 'notes',
  verify: (request, cx) => isSigned(request, [cx.secret('NEW'), cx.secret('OLD')], request.receivedAt),
  read: (request) => {
    const told = readJson(request.body) as NativeNote | NativeNote[] | null;
    const notes = told === null ? [] : Array.isArray(told) ? told : [told];
    return notes.map(
      (note): Incoming => ({
        dedupeKey: `${note.id}/${note.n}`,
        subject: `note:${note.id}`,
        occurredAt: request.receivedAt,
        bytes: Buffer.from(JSON.stringify(note)),
        labels: { note: note.id },
      }),
    );
  },
  decode: (bytes) => JSON.parse(Buffer.from(bytes).toString()) as NativeNote,
  ...changes,
});

/** An estate whose notes come in over `POST /in/from/notes` and go to a target. */
export function webhookEstate(
  changes: Partial<WebhookSource<NativeNote>> = {},
  target = new Target(),
): { estate: Estate; target: Target; flow: AnyFlow } {
  const source = noteWebhook(changes);
  const sink = target.sink();
  const flow = { ...noteFlow(sink), from: source };
  const estate = defineEstate({
    name: 'webhooks',
    connections: {
      from: connectionOf({ sources: { pushed: source } }),
      target: connectionOf({ sinks: { notes: sink } }),
    },
    flows: [flow],
  });
  return { estate, target, flow };
}

let made = 0;

/** Headers of a body signed now, or `age` seconds ago. */
export const signed = (
  body: string | Uint8Array,
  { secret = SECRET, age = 0, id = `msg_${process.pid}_${++made}` } = {},
): Record<string, string> =>
  signedHeaders({ id, timestamp: Math.floor(Date.now() / 1000) - age, body: Buffer.from(body) }, [secret]);
