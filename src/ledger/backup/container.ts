import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { Transform } from 'node:stream';
import { HubError } from '../../core/errors.ts';
import { deriveKey, sameBytes } from '../../core/seal.ts';

/**
 * The sealed file around a backup: `CROSSDOCK-BACKUP`, a format byte, 32 bytes salt, 16 bytes by which the right master key is known; then pieces, each 4
 * bytes length (the highest bit marks the last piece), ciphertext, 16 bytes tag. AES-256-GCM under a key that is derived from master key and salt for
 * this file alone, so a piece's number serves as its nonce; header, number and mark are authenticated with it. A piece that is altered, missing, moved or
 * of another file does not open, and without the last one the file is cut off.
 */
const MAGIC = Buffer.from('CROSSDOCK-BACKUP');
const FORMAT = 1;
const SALT = 32;
const CHECK = 16;
export const HEADER = MAGIC.length + 1 + SALT + CHECK;
const TAG = 16;
const PIECE = 256 * 1024;
const LAST = 0x8000_0000;

const keyOf = (master: Uint8Array, salt: Buffer): Buffer => deriveKey(master, `backup ${salt.toString('hex')}`);
const checkOf = (master: Uint8Array, salt: Buffer): Buffer =>
  deriveKey(master, `backup check ${salt.toString('hex')}`).subarray(0, CHECK);

const nonceOf = (number: number): Buffer => {
  const nonce = Buffer.alloc(12);
  nonce.writeBigUInt64BE(BigInt(number), 4);
  return nonce;
};

const prefixOf = (length: number, last: boolean): Buffer => {
  const prefix = Buffer.alloc(4);
  prefix.writeUInt32BE((length | (last ? LAST : 0)) >>> 0);
  return prefix;
};

const invalid = (message: string): HubError =>
  new HubError('BACKUP_INVALID', message, {
    hint: 'fetch the file again from where it was kept, or use an older backup; nothing was changed',
  });

/** Seals what flows through it with the master key (32 bytes). */
export function sealingStream(master: Uint8Array): Transform {
  const salt = randomBytes(SALT);
  const header = Buffer.concat([MAGIC, Buffer.of(FORMAT), salt, checkOf(master, salt)]);
  const key = keyOf(master, salt);
  let waiting: Buffer[] = [];
  let size = 0;
  let number = 0;
  const piece = (plain: Buffer, last: boolean): Buffer => {
    const prefix = prefixOf(plain.length, last);
    const cipher = createCipheriv('aes-256-gcm', key, nonceOf(number++)).setAAD(Buffer.concat([header, prefix]));
    return Buffer.concat([prefix, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  };
  return new Transform({
    construct(done) {
      this.push(header);
      done();
    },
    transform(chunk: Buffer, _, done) {
      waiting.push(chunk);
      size += chunk.length;
      if (size > PIECE) {
        const plain = Buffer.concat(waiting);
        let from = 0;
        // One byte at least stays: whether a piece is the last one is known only at the end.
        for (; plain.length - from > PIECE; from += PIECE) this.push(piece(plain.subarray(from, from + PIECE), false));
        waiting = [plain.subarray(from)];
        size = plain.length - from;
      }
      done();
    },
    flush(done) {
      this.push(piece(Buffer.concat(waiting), true));
      done();
    },
  });
}

/** The header of a file that is a backup. Throws HubError BACKUP_INVALID otherwise. */
function checkHeader(header: Uint8Array): void {
  if (header.length < HEADER || !sameBytes(header.subarray(0, MAGIC.length), MAGIC))
    throw invalid('this file is not a backup of Crossdock, or nothing but its beginning is left');
  if (header[MAGIC.length] !== FORMAT)
    throw new HubError(
      'BACKUP_INVALID',
      `the backup has format ${header[MAGIC.length]}; this release reads ${FORMAT}`,
      {
        hint: 'restore it with the release that made it or a newer one',
      },
    );
}

/** Whether the master key is the one that a backup with this header was made with. Throws HubError BACKUP_INVALID. */
export function opensWith(header: Buffer, master: Uint8Array): boolean {
  checkHeader(header);
  const salt = header.subarray(MAGIC.length + 1, MAGIC.length + 1 + SALT);
  return sameBytes(checkOf(master, salt), header.subarray(HEADER - CHECK, HEADER));
}

/** Opens what flows through it. Fails with HubError BACKUP_INVALID as soon as a piece is not as it was written, and at the end when there was no last one. */
export function openingStream(master: Uint8Array): Transform {
  let header: Buffer | null = null;
  let key: Buffer = Buffer.alloc(0);
  let waiting: Buffer = Buffer.alloc(0);
  let number = 0;
  let over = false;
  const open = (prefix: Buffer, sealed: Buffer): Buffer => {
    const decipher = createDecipheriv('aes-256-gcm', key, nonceOf(number++)).setAAD(Buffer.concat([header!, prefix]));
    decipher.setAuthTag(sealed.subarray(sealed.length - TAG));
    try {
      return Buffer.concat([decipher.update(sealed.subarray(0, sealed.length - TAG)), decipher.final()]);
    } catch {
      throw invalid(`the backup was altered or damaged (piece ${number})`);
    }
  };
  return new Transform({
    transform(chunk: Buffer, _, done) {
      try {
        waiting = waiting.length === 0 ? chunk : Buffer.concat([waiting, chunk]);
        if (!header) {
          if (waiting.length < HEADER) return done();
          if (!opensWith(waiting, master)) throw wrongKey();
          header = waiting.subarray(0, HEADER);
          key = keyOf(master, header.subarray(MAGIC.length + 1, MAGIC.length + 1 + SALT));
          waiting = waiting.subarray(HEADER);
        }
        while (waiting.length >= 4) {
          if (over) throw invalid('something was added to the end of the backup');
          const prefix = waiting.readUInt32BE(0);
          const length = (prefix & ~LAST) >>> 0;
          if (length > PIECE) throw invalid(`the backup was altered or damaged (piece ${number + 1})`);
          if (waiting.length < 4 + length + TAG) break;
          over = prefix >= LAST;
          this.push(open(waiting.subarray(0, 4), waiting.subarray(4, 4 + length + TAG)));
          waiting = waiting.subarray(4 + length + TAG);
        }
        if (over && waiting.length > 0) throw invalid('something was added to the end of the backup');
        done();
      } catch (error) {
        done(error as Error);
      }
    },
    flush(done) {
      done(over ? null : invalid('the backup is cut off: its end is missing'));
    },
  });
}

const wrongKey = (): HubError =>
  new HubError('MASTER_KEY', 'this backup was made with another master key', {
    hint: 'give the key that was in use when it was made: put it into the file master.key of the home folder, or name a file with --key-file; nothing was changed',
  });
