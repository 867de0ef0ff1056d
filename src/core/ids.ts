import { randomFillSync } from 'node:crypto';

/** Of each id: eight bytes at its end, and two for where a millisecond's sequence begins. */
const RANDOM = 10;
/** Many are drawn at a time: asking for ten bytes costs as much as asking for ten thousand. */
const pool = Buffer.alloc(RANDOM * 1024);
let drawn = pool.length;
const buffer = Buffer.alloc(16);
let last = 0;
let sequence = 0;

/** A new UUIDv7 (RFC 9562): ordered by time, also within one millisecond of this process. */
export function newId(now: number = Date.now()): string {
  if (drawn === pool.length) {
    randomFillSync(pool);
    drawn = 0;
  }
  pool.copy(buffer, 8, drawn, drawn + 8);
  // A new millisecond begins somewhere in the lower half of the sequence, so that there is room behind it.
  sequence = now > last ? pool.readUInt16BE(drawn + 8) & 0x7ff : sequence + 1;
  drawn += RANDOM;
  last = Math.max(last, now);
  if (sequence > 0xfff) {
    last += 1;
    sequence = 0;
  }
  buffer.writeUIntBE(last, 0, 6);
  buffer[6] = 0x70 | (sequence >>> 8);
  buffer[7] = sequence & 0xff;
  buffer[8] = 0x80 | (buffer[8]! & 0x3f);
  const hex = buffer.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
