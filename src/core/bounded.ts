import { FaultError } from './fault.ts';

/**
 * The body of an answer, at most `most` bytes: what is longer is not read on. Throws a `transient` Fault whose words name `whose` answer it is, for the
 * system may answer less another time.
 */
export async function bodyWithin(response: Response, most: number, whose: string): Promise<Uint8Array> {
  const tooLong = () =>
    new FaultError({ kind: 'transient', message: `${whose} answered more than ${most} bytes: it was not read on` });
  if (Number(response.headers.get('content-length') ?? 0) > most) {
    await response.body?.cancel();
    throw tooLong();
  }
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body ?? []) {
    length += part.byteLength;
    // Leaving the loop cancels the body.
    if (length > most) throw tooLong();
    parts.push(part);
  }
  return Buffer.concat(parts);
}
