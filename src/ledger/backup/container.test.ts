import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { Readable, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { test } from 'node:test';
import { HEADER, openingStream, opensWith, sealingStream } from './container.ts';

const master = randomBytes(32);
const PIECE = 256 * 1024;
const SEALED = 4 + PIECE + 16;

async function through(bytes: Uint8Array, stream: Transform, step = 100_000): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const pieces = Array.from({ length: Math.ceil(bytes.length / step) }, (_, n) =>
    Buffer.from(bytes.subarray(n * step, (n + 1) * step)),
  );
  await pipeline(Readable.from(pieces), stream, async (out: AsyncIterable<Buffer>) => {
    for await (const chunk of out) chunks.push(chunk);
  });
  return Buffer.concat(chunks);
}

const refused = (bytes: Uint8Array, why: RegExp) =>
  assert.rejects(through(bytes, openingStream(master)), (error: Error & { code: string }) => {
    assert.equal(error.code, 'BACKUP_INVALID');
    assert.match(error.message, why);
    return true;
  });

test('what was sealed comes back, whatever its size and however it is cut on the way', async () => {
  for (const size of [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE])
    for (const step of [1_000_000, 65_536, 7_777]) {
      const plain = randomBytes(size);
      const sealed = await through(plain, sealingStream(master), step);
      assert.ok((await through(sealed, openingStream(master), step)).equals(plain), `${size} by ${step}`);
      assert.ok(opensWith(sealed, master));
    }
});

test('a file that was cut off, altered, reordered, mixed or added to is refused', async () => {
  const plain = randomBytes(3 * PIECE + 1000);
  const sealed = await through(plain, sealingStream(master));
  const other = await through(plain, sealingStream(master));
  assert.ok(!sealed.subarray(HEADER).equals(other.subarray(HEADER)), 'no two files have a key in common');
  for (const end of [HEADER, HEADER + 3, HEADER + SEALED, HEADER + 3 * SEALED, sealed.length - 1])
    await refused(sealed.subarray(0, end), /cut off/);
  await refused(sealed.subarray(0, HEADER - 1), /cut off|nothing but its beginning/);
  await refused(Buffer.concat([sealed, Buffer.of(0)]), /added to the end/);
  await refused(Buffer.concat([sealed, sealed.subarray(HEADER)]), /added to the end/);
  for (const at of [HEADER, HEADER + 2, HEADER + 4, HEADER + 5 + SEALED, sealed.length - 1, sealed.length - 17]) {
    const altered = Buffer.from(sealed);
    altered[at]! ^= 1;
    await refused(altered, /altered|cut off/);
  }
  const piece = (n: number, from = sealed) => from.subarray(HEADER + n * SEALED, HEADER + (n + 1) * SEALED);
  const head = sealed.subarray(0, HEADER);
  await refused(Buffer.concat([head, piece(1), piece(0), piece(2), piece(3)]), /altered/);
  await refused(Buffer.concat([head, piece(0), piece(2), piece(3)]), /altered/);
  await refused(Buffer.concat([head, piece(0), piece(1, other), piece(2), piece(3)]), /altered/);
  // The mark of the last piece moved to an earlier one.
  const shortened = Buffer.from(Buffer.concat([head, piece(0), piece(1)]));
  shortened[HEADER + SEALED]! |= 0x80;
  await refused(shortened, /altered/);
  await refused(
    Buffer.from('something else that is long enough to hold a header, or so it might seem'),
    /not a backup/,
  );
});

test('another master key is told apart from a damaged file', async () => {
  const sealed = await through(randomBytes(10), sealingStream(master));
  assert.equal(opensWith(sealed, randomBytes(32)), false);
  await assert.rejects(through(sealed, openingStream(randomBytes(32))), { code: 'MASTER_KEY' });
});
