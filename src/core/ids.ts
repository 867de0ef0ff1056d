import { randomFillSync } from 'node:crypto';

const buffer = new Uint8Array(16);
let last = 0;
let sequence = 0;

/** A new UUIDv7 (RFC 9562): ordered by time, also within one millisecond of this process. */
export function newId(now: number = Date.now()): string {
  randomFillSync(buffer);
  sequence = now > last ? ((buffer[6]! & 0x07) << 8) | buffer[7]! : sequence + 1;
  last = Math.max(last, now);
  if (sequence > 0xfff) {
    last += 1;
    sequence = 0;
  }
  let time = last;
  for (let i = 5; i >= 0; i--) {
    buffer[i] = time & 0xff;
    time = Math.floor(time / 256);
  }
  buffer[6] = 0x70 | (sequence >>> 8);
  buffer[7] = sequence & 0xff;
  buffer[8] = 0x80 | (buffer[8]! & 0x3f);
  const hex = Buffer.from(buffer).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
