import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { openSftpServer, type SftpServerOptions } from '../../../tests/support/sftp-server.ts';
import { systemClock } from '../../core/clock.ts';
import type { Context } from '../../core/connector.ts';
import { type Fault, FaultError } from '../../core/fault.ts';
import { writeOnce } from './outbox.ts';
import { type SftpConfig, sftpPlace } from './sftp.ts';

const clean: (() => unknown)[] = [];
after(async () => {
  for (const end of clean) await end();
});

const contextOf = (password = 'open sesame', signal = new AbortController().signal): Context => ({
  connection: 'wms',
  entity: 'main',
  log: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
  clock: systemClock,
  signal,
  look: false,
  node: 'test',
  fetch: () => assert.fail('nothing here goes by HTTP'),
  call: (_, run) => run(),
  secret: () => password,
  mapping: () => assert.fail('nothing is mapped'),
  otherBoundTo: () => assert.fail('nothing is taken over'),
});

async function server(options: Partial<SftpServerOptions> = {}) {
  const root = mkdtempSync(join(tmpdir(), 'crossdock sftp '));
  const sftp = await openSftpServer({ root, user: 'crossdock', password: 'open sesame', ...options });
  clean.push(
    () => sftp.close(),
    () => rmSync(root, { recursive: true, force: true }),
  );
  return { ...sftp, root, at: (changes: Partial<SftpConfig> = {}) => ({ ...sftp.config('WMS'), ...changes }) };
}

async function faultIn(act: () => Promise<unknown>): Promise<Fault> {
  try {
    await act();
  } catch (error) {
    assert.ok(error instanceof FaultError, String(error));
    return error.fault;
  }
  throw new Error('it worked');
}

describe('sftp', () => {
  test('lists, reads, writes, renames and removes; a name that is taken is never overwritten', async () => {
    const { root, at } = await server();
    const store = await sftpPlace(at(), 'in').open(contextOf());
    assert.deepEqual(await store.list(), [], 'a folder that is not there has no files');
    const large = Buffer.alloc(200_000, 'x');
    await store.put('a.part', large);
    assert.equal(await store.move('a.part', 'a'), true);
    assert.ok(large.equals((await store.read('a'))!));
    await store.put('b.part', Buffer.from('other'));
    assert.equal(await store.move('b.part', 'a'), false);
    assert.ok(large.equals(readFileSync(join(root, 'in/a'))));
    assert.equal(await store.move('a', 'done/a'), true);
    assert.deepEqual(
      (await store.list('done')).map(({ name, size }) => [name, size]),
      [['a', 200_000]],
    );
    assert.equal(await store.read('a'), null);
    await store.remove('b.part');
    await store.remove('b.part');
    assert.deepEqual(readdirSync(join(root, 'in')), ['done']);
    await store.close();
  });

  test('a look makes no folder, and says that it is not there', async () => {
    const { at, root } = await server();
    const place = sftpPlace(at(), 'mistyped');
    const fault = await faultIn(() => place.open(contextOf(), { look: true }));
    assert.match(fault.message, /mistyped is not there/);
    assert.ok(!readdirSync(root).includes('mistyped'));
    const store = await sftpPlace(at(), '.').open(contextOf(), { look: true });
    await store.close();
  });

  test('another host key is refused before the password is shown, in words that name both', async () => {
    const { at, fingerprint, acts } = await server();
    const pinned = `SHA256:${'A'.repeat(43)}`;
    const fault = await faultIn(() => sftpPlace(at({ hostKey: pinned }), 'in').open(contextOf()));
    assert.equal(fault.kind, 'refused');
    assert.ok(fault.message.includes(fingerprint) && fault.message.includes(pinned), fault.message);
    assert.doesNotMatch(fault.message, /than before/, 'nobody has been there before');
    assert.deepEqual(acts, []);
    const store = await sftpPlace(at({ hostKey: [pinned, fingerprint] }), 'in').open(contextOf());
    await store.close();
  });

  test('a wrong password is refused; a server that is away is transient; neither tells the password', async () => {
    const { at } = await server();
    const wrong = await faultIn(() => sftpPlace(at(), 'in').open(contextOf('wrong password')));
    assert.equal(wrong.kind, 'refused');
    assert.doesNotMatch(wrong.message, /wrong password/);
    const listener = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => listener.once('listening', resolve));
    const { port } = listener.address() as { port: number };
    await new Promise((resolve) => listener.close(resolve));
    const away = await faultIn(() => sftpPlace(at({ port }), 'in').open(contextOf()));
    assert.deepEqual([away.kind, /ECONNREFUSED/.test(away.message)], ['transient', true]);
  });

  test('settings that cannot be are refused at once', () => {
    const at: SftpConfig = {
      kind: 'sftp',
      host: 'wms',
      user: 'us',
      password: { secret: 'X' },
      hostKey: `SHA256:${'A'.repeat(43)}`,
    };
    assert.throws(() => sftpPlace({ ...at, hostKey: 'aa:bb:cc' }, 'in'), /is not a fingerprint/);
    assert.throws(() => sftpPlace({ ...at, hostKey: [] }, 'in'), /needs its hostKey/);
    assert.throws(() => sftpPlace({ ...at, privateKey: { secret: 'Y' } }, 'in'), /one of password and privateKey/);
  });

  test('wherever the line breaks while a file is written, it is there once or not at all, and a repeat ends it', async () => {
    let left = -1;
    const breaks = () => (left-- === 0 ? ('before' as const) : undefined);
    const late = (act: string) => (act.endsWith(' done') && left-- === 0 ? ('after' as const) : undefined);
    for (const way of [breaks, late]) {
      const { root: all, at } = await server({ breaks: way });
      for (let step = 0; ; step++) {
        const root = join(all, `step ${step}`);
        mkdirSync(root);
        const bytes = Buffer.from('order 1');
        const write = async () => {
          const store = await sftpPlace(at({ path: `step ${step}` }), 'in').open(contextOf());
          await writeOnce(store, 'in', 'order.x12', bytes, (held) => bytes.equals(held), contextOf()).finally(() =>
            store.close(),
          );
        };
        left = step;
        const fault = await write().then(
          () => null,
          (error) => (error as FaultError).fault,
        );
        if (left >= 0) {
          assert.ok(step > 3, 'the line broke at several steps');
          break;
        }
        left = -1;
        const there = () => readdirSync(root).includes('in') && readdirSync(join(root, 'in')).includes('order.x12');
        if (fault?.kind === 'transient') assert.equal(there(), false, `step ${step}: transient, and it is there`);
        else if (fault) assert.equal(fault.kind, 'unknown', `step ${step}: ${fault.message}`);
        await write();
        assert.deepEqual(
          readdirSync(join(root, 'in')).filter((name) => !name.endsWith('.part')),
          ['order.x12'],
        );
        assert.equal(readFileSync(join(root, 'in/order.x12'), 'utf8'), 'order 1');
      }
    }
  });

  test("a file of the same name that is another's is left alone and told", async () => {
    const { root, at } = await server();
    const store = await sftpPlace(at(), '.').open(contextOf());
    writeFileSync(join(root, 'order.x12'), 'somebody else');
    const fault = await faultIn(() =>
      writeOnce(store, 'in', 'order.x12', Buffer.from('ours'), () => false, contextOf()),
    );
    assert.deepEqual([fault.kind, readFileSync(join(root, 'order.x12'), 'utf8')], ['rejected', 'somebody else']);
    await store.close();
  });

  test('when the call is given up, the connection ends with it', async () => {
    const { at } = await server({ breaks: () => undefined });
    const stop = new AbortController();
    const store = await sftpPlace(at(), 'in').open(contextOf('open sesame', stop.signal));
    stop.abort();
    assert.equal((await faultIn(() => store.list())).kind, 'transient');
    await store.close();
  });
});
