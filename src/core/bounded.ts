import { FaultError } from './fault.ts';

const MIB = 1024 * 1024;

/** Of one answer of a system that answers in pages, in bytes. */
export const MOST_ANSWERED = 32 * MIB;

/** An answer that was longer than what is read of one. Whether anything was done for it it does not say. */
export class TooLong extends Error {
  constructor(most: number) {
    super(`more than ${most % MIB === 0 ? `${most / MIB} MiB` : `${most} bytes`} and was not read on`);
  }
}

/** The body of an answer, at most `most` bytes. Throws TooLong: what is longer is not read on. */
async function bytesWithin(response: Response, most: number): Promise<Uint8Array> {
  if (Number(response.headers.get('content-length') ?? 0) > most) {
    await response.body?.cancel();
    throw new TooLong(most);
  }
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body ?? []) {
    length += part.byteLength;
    // Leaving the loop cancels the body.
    if (length > most) throw new TooLong(most);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** The text of an answer of at most `most` bytes. Throws TooLong. */
export const textWithin = async (response: Response, most = MOST_ANSWERED): Promise<string> =>
  new TextDecoder().decode(await bytesWithin(response, most));

/**
 * The body of an answer to a question that changes nothing, at most `most` bytes. Throws a `transient` Fault whose words name `whose` answer it is, for the
 * system may answer less another time.
 */
export async function bodyWithin(response: Response, most: number, whose: string): Promise<Uint8Array> {
  try {
    return await bytesWithin(response, most);
  } catch (error) {
    if (!(error instanceof TooLong)) throw error;
    throw new FaultError(
      { kind: 'transient', message: `the answer of ${whose} has ${error.message}` },
      { cause: error },
    );
  }
}
