import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { type StoreFaults, startRestStore } from '../rest-store.ts';
import { isRight } from '../signature.ts';
import { CounterQuestions } from './counter-questions.ts';

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

/** A till that knows of one product, and a hub that answers as told; what it was asked is kept. */
async function world(t: { after(done: () => Promise<unknown>): void }, random: number, faults: StoreFaults = {}) {
  const hub = { status: 200, answer: {} as object, stranger: 401, asked: [] as string[] };
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const isOurs = isRight(request, body, SECRET);
    hub.asked.push(isOurs ? String(request.headers['webhook-id']) : 'stranger');
    response.writeHead(isOurs ? hub.status : hub.stranger).end(JSON.stringify(hub.answer));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const store = await startRestStore({ seed: 1, token: 't', secret: SECRET, faults });
  t.after(async () => {
    await store.stop();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  (store.prices as Map<string, unknown>).set('web/MUG', { value: '499', version: 1, changes: 1 });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { hub, questions: new CounterQuestions(store, () => random, url) };
}

const figure = { available: '7', amount: 499, age: 1.5 };

test('the till keeps what it is told, and that of which there is none', async (t) => {
  const { hub, questions } = await world(t, 0.5);
  hub.answer = { levels: [figure], prices: [null] };
  await questions.ask();
  assert.deepEqual(
    questions.told
      .map(({ kind, sku, value, age, stale }) => ({ kind, sku, value, age, stale }))
      .sort((a, b) => a.kind.localeCompare(b.kind)),
    [
      { kind: 'levels', sku: 'MUG', value: 7, age: 1500, stale: false },
      { kind: 'prices', sku: 'MUG', value: null, age: 0, stale: false },
    ],
  );
  assert.deepEqual(questions.wrong, []);
});

test('that nothing can be said now is an answer; any other refusal is not, nor is one to a stranger', async (t) => {
  const { hub, questions } = await world(t, 0);
  Object.assign(hub, { status: 503, answer: { code: 'LOOKUP_UNANSWERED' } });
  await questions.ask();
  assert.deepEqual([questions.unanswered, questions.wrong], [2, []]);
  assert.ok(hub.asked.includes('stranger'));
  Object.assign(hub, { status: 500, stranger: 200 });
  await questions.ask();
  assert.deepEqual(questions.wrong.toSorted(), [
    'levels of MUG: a stranger who asked was answered 200',
    'levels of MUG: answered 500',
    'prices of MUG: answered 500',
  ]);
});

test('on a bad line it is asked twice at once, and again after the line was gone', async (t) => {
  const { hub, questions } = await world(t, 0.5, { twice: 1, cut: 1 });
  hub.answer = { levels: [figure], prices: [figure] };
  await questions.ask();
  assert.equal(questions.told.length, 2);
  // Numbered as they are asked; what was hung up need not have arrived.
  assert.equal(Math.max(...hub.asked.map((id) => Number(id.replace('ask_', '')))), 6);
  assert.ok(new Set(hub.asked).size >= 4);
});
