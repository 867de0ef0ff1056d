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
 * A sealed value is: format byte 1 · 12 bytes nonce · ciphertext · 16 bytes tag. The associated data binds it to its place.
 */
const FORMAT = 1;

/** 32 bytes; a KeyObject (`createSecretKey`) for a key that is used often: it is made ready once instead of each time. */
export type Key = Uint8Array | KeyObject;

const NONCE = 12;
const nonces = Buffer.alloc(NONCE * 256);
let nextNonce = nonces.length;

/** Random and used once; many are drawn at a time. */
function newNonce(): Buffer {
  if (nextNonce === nonces.length) {
    randomFillSync(nonces);
    nextNonce = 0;
  }
  nextNonce += NONCE;
  return Buffer.from(nonces.subarray(nextNonce - NONCE, nextNonce));
}

export function seal(key: Key, plain: Uint8Array, place: string): Buffer {
  const nonce = newNonce();
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(place));
  return Buffer.concat([Buffer.of(FORMAT), nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/** Throws when the key or the place is another, or the bytes were altered. */
export function unseal(key: Key, sealed: Uint8Array, place: string): Buffer {
  if (sealed[0] !== FORMAT || sealed.length < 29) throw new Error('not a sealed value');
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(1, 13)).setAAD(Buffer.from(place));
  decipher.setAuthTag(sealed.subarray(sealed.length - 16));
  return Buffer.concat([decipher.update(sealed.subarray(13, sealed.length - 16)), decipher.final()]);
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
