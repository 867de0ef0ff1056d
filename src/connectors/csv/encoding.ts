import { isUtf8 } from 'node:buffer';

/** How a file's bytes become text. A byte order mark (UTF-8, UTF-16) in the file wins over the declared encoding. */
export type Encoding = 'utf-8' | 'windows-1252' | 'iso-8859-1' | 'iso-8859-15' | 'utf-16le';

/** Bytes that windows-1252 does not define. */
const undefinedIn1252 = new Set([0x81, 0x8d, 0x8f, 0x90, 0x9d]);

/** Text that cannot be what the file was meant to hold. `line` counts from 1; 0 when it is not known. */
export class Undecodable extends Error {
  readonly line: number;
  constructor(message: string, line: number) {
    super(message);
    this.name = 'Undecodable';
    this.line = line;
  }
}

const startsWith = (bytes: Uint8Array, mark: readonly number[]): boolean => mark.every((byte, i) => bytes[i] === byte);

const hex = (byte: number): string => `0x${byte.toString(16).padStart(2, '0').toUpperCase()}`;

function lineOf(bytes: Uint8Array, wrong: (line: Uint8Array) => boolean): number {
  let line = 1;
  for (let start = 0; start <= bytes.length; line++) {
    const newline = bytes.indexOf(0x0a, start);
    const end = newline === -1 ? bytes.length : newline;
    if (wrong(bytes.subarray(start, end))) return line;
    start = end + 1;
  }
  return 0;
}

/** Text of the whole file without its byte order mark. Throws Undecodable. */
export function decodeText(bytes: Uint8Array, declared: Encoding): string {
  const text = decodeBytes(bytes, declared);
  const nul = text.indexOf('\0');
  if (nul !== -1) throw new Undecodable('a NUL character', text.slice(0, nul).split('\n').length);
  return text;
}

function decodeBytes(bytes: Uint8Array, declared: Encoding): string {
  if (startsWith(bytes, [0xff, 0xfe])) return utf16(bytes.subarray(2));
  if (startsWith(bytes, [0xfe, 0xff]))
    throw new Undecodable('UTF-16 with the most significant byte first, which is not supported', 1);
  if (declared === 'utf-8' || startsWith(bytes, [0xef, 0xbb, 0xbf])) {
    if (!isUtf8(bytes))
      throw new Undecodable(
        'bytes that are not UTF-8',
        lineOf(bytes, (line) => !isUtf8(line)),
      );
    return new TextDecoder('utf-8').decode(bytes);
  }
  if (declared === 'utf-16le') return utf16(bytes);
  if (declared === 'windows-1252') {
    const bad = bytes.findIndex((byte) => undefinedIn1252.has(byte));
    if (bad !== -1)
      throw new Undecodable(
        `byte ${hex(bytes[bad]!)}, which windows-1252 does not define`,
        lineOf(bytes, (line) => line.some((byte) => undefinedIn1252.has(byte))),
      );
  }
  // The Encoding Standard reads 'iso-8859-1' as windows-1252; the real one maps each byte to the same code point.
  if (declared === 'iso-8859-1') return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
  return new TextDecoder(declared).decode(bytes);
}

function utf16(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-16le', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw Object.assign(new Undecodable('bytes that are not UTF-16', 0), { cause });
  }
}
