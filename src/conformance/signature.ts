import assert from 'node:assert/strict';
import { type Duration, milliseconds } from '../core/clock.ts';
import type { Check } from './lab.ts';

/** Whose key signs: the one in force, the one before it while keys are being changed, or a stranger's. */
export type Signer = 'current' | 'previous' | 'stranger';

/**
 * A signed request, and who checks it. `Request` is whatever the source's `verify` takes: the suite only makes, changes and hands it over.
 */
export interface SignatureUnderTest<Request> {
  /** A request with this body, signed as the sender does. */
  sign(body: Uint8Array, signer: Signer, at: Date): Request;
  /** The same request with another body and the signature it had. */
  withBody(request: Request, body: Uint8Array): Request;
  /** The same request without its signature. */
  unsigned(request: Request): Request;
  /** True when the source accepts it. Must not throw for what is malformed. */
  verify(request: Request): boolean | Promise<boolean>;
  /** How old a signature may be; absent where the system signs no time. */
  readonly tolerance?: Duration;
  /** True where two keys are accepted while keys are being changed. */
  readonly rotates?: boolean;
}

// biome-ignore lint/suspicious/noExplicitAny: a request of any shape; each subject's functions take their own
type Any = SignatureUnderTest<any>;

const body = Buffer.from(
  JSON.stringify({ id: 'evt_1', type: 'order.paid', data: { number: 'Größe 1001', total: 1250 } }),
);

/** What every signed source must do. */
export const signatureChecks: Readonly<Record<string, Check<Any>>> = {
  'accepts what is signed, over the bytes as they came': async (subject) => {
    for (const bytes of [body, Buffer.from(' {"a" : 1}\n'), Buffer.from([0xff, 0x00, 0x80]), Buffer.alloc(0)])
      assert.equal(await subject.verify(subject.sign(bytes, 'current', new Date())), true, `${bytes.length} bytes`);
  },

  'refuses a body of which any byte differs': async (subject) => {
    const genuine = subject.sign(body, 'current', new Date());
    for (let at = 0; at < body.length; at++) {
      const altered = Buffer.from(body);
      altered[at]! ^= 1;
      assert.equal(await subject.verify(subject.withBody(genuine, altered)), false, `byte ${at} was altered`);
    }
    for (const other of [Buffer.concat([body, Buffer.from('\n')]), body.subarray(1), Buffer.alloc(0)])
      assert.equal(await subject.verify(subject.withBody(genuine, other)), false, 'bytes were added or taken away');
  },

  'refuses what is not signed, or signed by a stranger': async (subject) => {
    const genuine = subject.sign(body, 'current', new Date());
    assert.equal(await subject.verify(subject.unsigned(genuine)), false, 'without a signature');
    assert.equal(await subject.verify(subject.sign(body, 'stranger', new Date())), false, 'by a stranger');
  },

  'refuses what is too old or from the future': async (subject) => {
    if (subject.tolerance === undefined) return;
    const tolerance = milliseconds(subject.tolerance);
    for (const [offset, accepted] of [
      [-tolerance * 0.8, true],
      [-tolerance * 1.2, false],
      [tolerance * 1.2, false],
    ] as const)
      assert.equal(
        await subject.verify(subject.sign(body, 'current', new Date(Date.now() + offset))),
        accepted,
        `signed ${Math.round(offset / 1000)} s from now`,
      );
  },

  'accepts both keys while they are being changed': async (subject) => {
    if (!subject.rotates) return;
    assert.equal(await subject.verify(subject.sign(body, 'previous', new Date())), true);
  },
};
