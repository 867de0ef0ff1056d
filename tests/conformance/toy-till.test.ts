import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after } from 'node:test';
import { conform, type Signer, type WebhookSourceUnderTest } from '../../src/conformance/index.ts';
import { toyTill } from '../../src/connectors/toy-till/index.ts';
import { startToyTill, type ToyTill } from '../../src/simulators/toy-till.ts';
import { OLD_SECRET, SECRET, signed } from '../support/webhook.ts';

const secretOf: Record<Signer, string> = {
  current: SECRET,
  previous: OLD_SECRET,
  stranger: `whsec_${Buffer.alloc(32, 9).toString('base64')}`,
};
/** What is to be closed in the end; the suite makes its subject within its first check. */
const opened: { stop(): unknown }[] = [];
after(() => Promise.all(opened.map((one) => one.stop())));
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

/** Takes what a till pushes, and keeps the bytes. */
async function letterbox(): Promise<{ url: string; bodies: Buffer[] }> {
  const bodies: Buffer[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    bodies.push(Buffer.concat(chunks));
    response.writeHead(202).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  opened.push({ stop: () => server.close() });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/in/till/sales`, bodies };
}

async function tillOf(faults: { thin?: number }): Promise<ToyTill> {
  const till = await startToyTill({ seed: 5, token: 'till-token', secret: SECRET, faults });
  opened.push(till);
  return till;
}

/** The connector's webhook, told by the simulated till itself. */
async function pushedSales(): Promise<WebhookSourceUnderTest> {
  const [till, thin, { url, bodies }] = [await tillOf({}), await tillOf({ thin: 1 }), await letterbox()];
  const { sources } = toyTill({
    url: till.url,
    allowPrivate: true,
    token: { secret: 'TOKEN' },
    signedWith: [{ secret: 'NEW' }, { secret: 'OLD' }],
  });
  const pushed = async (sell: Promise<unknown>): Promise<Buffer> => {
    await sell;
    return bodies.pop()!;
  };
  const changed = await pushed(thin.sell(url));
  const [sale, { type, timestamp }] = [await till.sell(url), JSON.parse(bodies.pop()!.toString())];
  const completed = (data: unknown): Buffer => json({ type, timestamp, data });
  return {
    source: sources.pushed,
    feeds: sources.sales,
    connection: 'till',
    secrets: { NEW: SECRET, OLD: OLD_SECRET, TOKEN: 'till-token' },
    signedHeaders: ['webhook-id', 'webhook-timestamp', 'webhook-signature'],
    tolerance: '5m',
    rotates: true,
    sign: (body, signer, at) => ({
      headers: signed(body, { secret: secretOf[signer], age: Math.round((Date.now() - at.getTime()) / 1000) }),
      query: '',
      body,
      receivedAt: new Date(),
    }),
    facts: async (count) => {
      const facts = [];
      for (let n = 0; n < count; n++) {
        const { id } = await till.sell(url);
        facts.push({ body: bodies.pop()!, subject: `sale:${id}` });
      }
      return facts;
    },
    versions: async () => {
      const first = await till.sell(url);
      const older = bodies.pop()!;
      return { older, newer: await pushed(till.sell(url, first)) };
    },
    hints: [changed],
    pings: [json({ type: 'ping', timestamp, data: {} }), json({ type: 'drawer.opened', timestamp, data: { n: 1 } })],
    malformed: [
      completed({}),
      completed({ sale: { ...sale, total: '8.50' } }),
      completed({ sale: { ...sale, lines: [] } }),
      json({ type: 'sale.changed', timestamp, data: {} }),
      json({ timestamp, data: { sale } }),
    ],
  };
}

conform({ webhooks: { 'sales of a Toy Till': pushedSales } });
