import assert from 'node:assert/strict';
import type { LookupAddress } from 'node:dns';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { FaultError } from '../core/fault.ts';
import { isPublic, publicLookup, refusePrivateHost } from './reach.ts';
import { send } from './send.ts';

const inside = [
  ...[
    '127.0.0.1',
    '127.9.9.9',
    '0.0.0.0',
    '10.1.2.3',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '169.254.169.254',
  ],
  ...['100.64.0.1', '192.0.2.1', '198.18.0.1', '224.0.0.1', '240.0.0.1', '255.255.255.255'],
  ...['::1', '::', 'fe80::1', 'fc00::1', 'fd12:3456::1', 'ff02::1', 'fec0::1', '2001:db8::1', '2002:7f00:1::1'],
  ...[
    '::ffff:127.0.0.1',
    '::ffff:10.0.0.1',
    '::ffff:a9fe:a9fe',
    '::127.0.0.1',
    '64:ff9b::7f00:1',
    '::ffff:0:127.0.0.1',
  ],
  ...['fe80::1%eth0', 'nonsense', ''],
];

test('only addresses of the open internet are public, however they are wrapped', () => {
  for (const address of inside) assert.equal(isPublic(address), false, address);
  for (const address of ['1.1.1.1', '8.8.8.8', '172.32.0.1', '2606:4700::1111', '::ffff:8.8.8.8'])
    assert.equal(isPublic(address), true, address);
});

test('every way to write an inside address in a URL is refused before anything is connected', async (t) => {
  let connections = 0;
  const server = createServer((_request, response) => response.end('inside'));
  server.on('connection', () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  for (const host of [
    '127.0.0.1',
    '127.1',
    '2130706433',
    '0x7f000001',
    '0177.0.0.1',
    '[::1]',
    '[::ffff:127.0.0.1]',
    'localhost',
    '0',
  ])
    await assert.rejects(
      send(`http://${host}:${port}/`, {}, () => undefined, 'public'),
      (error) => error instanceof FaultError && error.fault.kind === 'refused',
      host,
    );
  assert.equal(connections, 0);
  assert.equal(
    await (await send(`http://127.0.0.1:${port}/`, {}, () => undefined)).text(),
    'inside',
    'unless it is meant',
  );
  // A connection that stands already is not lent to a call that may not lead there.
  await assert.rejects(
    send(`http://127.0.0.1:${port}/`, {}, () => undefined, 'public'),
    FaultError,
  );
});

test('a name is judged by all it resolves to in the moment of connecting', async () => {
  const judged = (addresses: string[], all = true) =>
    new Promise<unknown>((resolve) => {
      const resolver = ((_host: string, _options: object, callback: (error: null, found: LookupAddress[]) => void) =>
        callback(
          null,
          addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
        )) as never;
      publicLookup(resolver)('shop.example', { all }, (error, found) => resolve(error ? error.cause : found));
    });
  assert.deepEqual(await judged(['1.1.1.1', '2606:4700::1111']), [
    { address: '1.1.1.1', family: 4 },
    { address: '2606:4700::1111', family: 6 },
  ]);
  assert.equal(await judged(['8.8.8.8'], false), '8.8.8.8');
  for (const addresses of [['10.0.0.1'], ['1.1.1.1', '127.0.0.1'], ['::ffff:169.254.169.254'], []])
    assert.ok((await judged(addresses)) instanceof FaultError, addresses.join());
  assert.doesNotThrow(() => refusePrivateHost('shop.example'));
});
