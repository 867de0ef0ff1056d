import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { send } from './send.ts';

async function serve(t: TestContext, answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
const fine = (): void => undefined;

test('sends method, headers and body, and gives status, headers and body back', async (t) => {
  const url = await serve(t, async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    response.writeHead(201, {
      'x-told': `${request.method} ${request.headers['x-mine']} ${request.headers['content-length']}`,
    });
    response.end(Buffer.concat(chunks));
  });
  for (let round = 0; round < 3; round++) {
    const response = await send(`${url}/a?b=1`, { method: 'POST', headers: { 'x-mine': 'yes' }, body: 'ü' }, fine);
    assert.deepEqual(
      [response.status, response.headers.get('x-told'), await response.text()],
      [201, 'POST yes 2', 'ü'],
    );
  }
});

test('asks in the moment of writing: what it throws is thrown and nothing was sent', async (t) => {
  let received = 0;
  const url = await serve(t, (_request, response) => {
    received += 1;
    response.writeHead(204).end();
  });
  const refuse = (): void => {
    throw new RangeError('no longer');
  };
  await assert.rejects(send(url, { method: 'POST', body: 'x' }, refuse), RangeError);
  assert.equal(received, 0);
  // Also over a connection that stands already.
  const response = await send(url, {}, fine);
  assert.deepEqual([response.status, await response.text()], [204, '']);
  await assert.rejects(send(url, { method: 'POST', body: 'x' }, refuse), RangeError);
  assert.equal(received, 1);
});

test('does not follow redirects', async (t) => {
  const url = await serve(t, (_request, response) => response.writeHead(302, { location: '/elsewhere' }).end());
  const response = await send(url, {}, fine);
  assert.deepEqual([response.status, response.headers.get('location')], [302, '/elsewhere']);
});

test('ends when the signal says so, before and within the answer', async (t) => {
  const url = await serve(t, (request, response) => {
    if (request.url === '/begins') response.write('some');
  });
  const silent = send(url, { signal: AbortSignal.timeout(50) }, fine);
  await assert.rejects(silent, { name: 'TimeoutError' });
  const begun = await send(`${url}/begins`, { signal: AbortSignal.timeout(200) }, fine);
  await assert.rejects(begun.text());
  await assert.rejects(send(url, { signal: AbortSignal.abort(new Error('over')) }, fine), { message: 'over' });
});

test('names the cause when there is no connection or it breaks off', async (t) => {
  const url = await serve(t, (request) => request.socket.destroy());
  const codeOf = (error: Error): unknown => (error.cause as { code?: unknown }).code;
  await assert.rejects(
    send(url, {}, fine),
    (error: Error) => error instanceof TypeError && codeOf(error) === 'ECONNRESET',
  );
  const nobody = 'http://127.0.0.1:9';
  await assert.rejects(send(nobody, {}, fine), (error: Error) => codeOf(error) === 'ECONNREFUSED');
});
