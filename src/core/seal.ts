import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  hash,
  hkdfSync,
  type KeyObject,
  randomFillSync,
  timingSafeEqual,
} from 'node:crypto';

/**
 * Encrypting, keyed digests and masking as pure functions of their keys (AES-256-GCM, HMAC-SHA-256, HKDF-SHA-256).
 * A sealed value is: format byte 1 · 12 bytes nonce · ciphertext · 16 bytes tag, under a ledger's first key; or format byte 2 · 2 bytes number of
 * the key · the same. The associated data binds it to its place.
 */
const FIRST_KEY = 1;
const NUMBERED = 2;
const TAG = 16;

/** 32 bytes; a KeyObject (`createSecretKey`) for a key that is used often: it is made ready once instead of each time. */
export type Key = Uint8Array | KeyObject;

const NONCE = 12;
const nonces = Buffer.alloc(NONCE * 256);
let nextNonce = nonces.length;

/** Writes a nonce to where it stands in `sealed`: random and used once; many are drawn at a time. */
function drawNonce(sealed: Buffer, at: number): Buffer {
  if (nextNonce === nonces.length) {
    randomFillSync(nonces);
    nextNonce = 0;
  }
  nonces.copy(sealed, at, nextNonce, nextNonce + NONCE);
  nextNonce += NONCE;
  return sealed.subarray(at, at + NONCE);
}

/** Number of the key that a value was sealed with, 1 and up. Throws for what is not a sealed value. */
export function keyNumber(sealed: Uint8Array): number {
  if (sealed[0] === FIRST_KEY) return 1;
  if (sealed[0] !== NUMBERED || sealed.length < 3) throw new Error('not a sealed value');
  return sealed[1]! * 256 + sealed[2]!;
}

const boundTo = (place: string, number: number): Buffer =>
  Buffer.from(number === 1 ? place : `${place}\nkey ${number}`);

export function seal(key: Key, plain: Uint8Array, place: string, number = 1): Buffer {
  const from = number === 1 ? 1 : 3;
  const sealed = Buffer.allocUnsafe(from + NONCE + plain.length + TAG);
  if (number === 1) sealed[0] = FIRST_KEY;
  else {
    sealed[0] = NUMBERED;
    sealed.writeUInt16BE(number, 1);
  }
  const cipher = createCipheriv('aes-256-gcm', key, drawNonce(sealed, from)).setAAD(boundTo(place, number));
  // GCM is a stream: as many bytes come out as went in, and none are left for the end.
  cipher.update(plain).copy(sealed, from + NONCE);
  cipher.final();
  cipher.getAuthTag().copy(sealed, sealed.length - TAG);
  return sealed;
}

/** Throws when the key or the place is another, or the bytes were altered. */
export function unseal(key: Key, sealed: Uint8Array, place: string): Buffer {
  const number = keyNumber(sealed);
  const from = sealed[0] === FIRST_KEY ? 1 : 3;
  if (sealed.length < from + NONCE + TAG) throw new Error('not a sealed value');
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(from, from + NONCE)).setAAD(
    boundTo(place, number),
  );
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG));
  return Buffer.concat([decipher.update(sealed.subarray(from + NONCE, sealed.length - TAG)), decipher.final()]);
}

/** A 32-byte key for one purpose, derived from another key. */
export const deriveKey = (key: Uint8Array, purpose: string): Buffer =>
  Buffer.from(hkdfSync('sha256', key, Buffer.alloc(0), `crossdock ${purpose}`, 32));

/** Keyed digest (32 bytes): equal values are found without being readable. */
export const keyedDigest = (key: Key, text: string | Uint8Array): Buffer =>
  createHmac('sha256', key).update(text).digest();

export const sha256 = (bytes: string | Uint8Array): Buffer => hash('sha256', bytes, 'buffer');

export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && timingSafeEqual(a, b);

/** JSON with object keys in sorted order and no white space: equal content gives equal text. */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null';
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const fields = Object.entries(value).filter(([, v]) => v !== undefined);
  fields.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `{${fields.map(([k, v]) => `${JSON.stringify(k)}:${canonicalJson(v)}`).join(',')}}`;
}
