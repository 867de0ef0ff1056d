import type { IncomingMessage } from 'node:http';
import { HubError } from '../core/errors.ts';

/** After an answer to a request that had not come in whole: how long the rest may still come, to be thrown away. */
const LINGER_MS = 2_000;

interface Reading {
  bytes: number;
  giveWay(): void;
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
      const chunks: Buffer[] = [];
      const reading: Reading = { bytes: 0, giveWay: () => stop(refuse(request, tooSlow())) };
      const end = (): void => {
        this.#readings.delete(reading);
        this.#held -= reading.bytes;
        request.off('data', take).off('end', done).off('error', stop).off('close', broken);
      };
      const stop = (error: Error): void => {
        end();
        reject(error);
      };
      const done = (): void => {
        end();
        resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks));
      };
      const broken = (): void => stop(new HubError('BAD_USE', 'the connection broke off'));
      const take = (chunk: Buffer): void => {
        if (reading.bytes + chunk.length > limit) {
          stop(refuse(request, tooLarge(limit)));
          return;
        }
        reading.bytes += chunk.length;
        this.#held += chunk.length;
        chunks.push(chunk);
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
