import type { IncomingMessage } from 'node:http';
import { HubError } from '../core/errors.ts';

/** After an answer to a request that had not come in whole: how long the rest may still come, to be thrown away. */
const LINGER_MS = 2_000;

interface Reading {
  /** Of memory, not of body. */
  bytes: number;
  giveWay(): void;
}

/**
 * Bytes gathered into one buffer that grows. A list of chunks would cost a stranger one byte and us an object for each: a body of one-byte chunks would
 * take a hundred times its size.
 */
class Gathered {
  #buffer: Buffer = Buffer.alloc(0);
  #own = false;
  length = 0;

  get capacity(): number {
    return this.#buffer.length;
  }

  /** The first chunk is kept as it is: most bodies come whole. */
  add(chunk: Buffer): void {
    const needed = this.length + chunk.length;
    if (this.length === 0) this.#buffer = chunk;
    else {
      if (!this.#own || needed > this.#buffer.length) {
        const larger = Buffer.allocUnsafeSlow(Math.max(1024, needed * 2));
        this.#buffer.copy(larger, 0, 0, this.length);
        this.free();
        this.#buffer = larger;
        this.#own = true;
      }
      chunk.copy(this.#buffer, this.length);
    }
    this.length = needed;
  }

  /** Gives memory back at once: waiting for the garbage collector, refused bodies would pile up outside of the heap that it watches. */
  free(): void {
    if (this.#own) (this.#buffer.buffer as ArrayBuffer).transfer(0);
    this.#own = false;
  }

  bytes(): Buffer {
    return this.#buffer.subarray(0, this.length);
  }
}

/**
 * Reads bodies of strangers within one allowance of memory for all of them. Nobody is believed yet, so when it is used up the body goes that has
 * been coming for the longest time: an honest one is here in a moment.
 */
export class BodyReader {
  readonly #most: number;
  /** In order of their beginnings. */
  readonly #readings = new Set<Reading>();
  #held = 0;

  /** `most` is for all bodies that are still coming in, in bytes. */
  constructor(most: number) {
    this.#most = most;
  }

  /** The body's bytes as they travelled. Throws HubError TOO_LARGE above `limit` bytes and TOO_SLOW when it had to give way. */
  read(request: IncomingMessage, limit: number): Promise<Buffer> {
    const declared = request.headers['content-length'];
    if (declared !== undefined && Number(declared) > limit) return Promise.reject(refuse(request, tooLarge(limit)));
    return new Promise((resolve, reject) => {
      const gathered = new Gathered();
      const reading: Reading = { bytes: 0, giveWay: () => stop(refuse(request, tooSlow())) };
      const end = (): void => {
        this.#readings.delete(reading);
        this.#held -= reading.bytes;
        reading.bytes = 0;
        request.off('data', take).off('end', done).off('error', stop).off('close', broken);
      };
      const stop = (error: Error): void => {
        end();
        gathered.free();
        reject(error);
      };
      const done = (): void => {
        end();
        resolve(gathered.bytes());
      };
      const broken = (): void => stop(new HubError('BAD_USE', 'the connection broke off'));
      const take = (chunk: Buffer): void => {
        if (gathered.length + chunk.length > limit) {
          stop(refuse(request, tooLarge(limit)));
          return;
        }
        gathered.add(chunk);
        this.#held += gathered.capacity - reading.bytes;
        reading.bytes = gathered.capacity;
        while (this.#held > this.#most) {
          const [oldest] = this.#readings;
          oldest!.giveWay();
        }
      };
      this.#readings.add(reading);
      request.on('data', take).once('end', done).once('error', stop).once('close', broken);
    });
  }
}

const tooLarge = (limit: number): HubError =>
  new HubError('TOO_LARGE', `the body is larger than ${limit} bytes`, { hint: 'send fewer records at a time' });
const tooSlow = (): HubError => new HubError('TOO_SLOW', 'the body came in too slowly while many others were waiting');

/** Lets the rest of a refused body run into nothing, so that its sender reads the answer; not for long. */
function refuse(request: IncomingMessage, error: HubError): HubError {
  request.resume();
  const timer = setTimeout(() => request.socket.destroy(), LINGER_MS);
  timer.unref();
  const over = (): void => clearTimeout(timer);
  request.once('end', over).once('close', over);
  return error;
}
