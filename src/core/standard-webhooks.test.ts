import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { isSigned, signedHeaders } from './standard-webhooks.ts';

// The reference library is the judge here, both ways; it is not used in the product: it makes text of the bytes before it signs them, knows
// one secret at a time and no clock but its own.
const secretOf = (bytes: Uint8Array): string => `whsec_${Buffer.from(bytes).toString('base64')}`;
const keys = fc.uint8Array({ minLength: 24, maxLength: 64 }).map(secretOf);
const ids = fc.stringMatching(/^[a-zA-Z0-9_-]{1,40}$/);

test('what the reference library signs is verified, and what is signed here the reference library verifies', () => {
  fc.assert(
    fc.property(keys, keys, ids, fc.string({ unit: 'binary' }), (secret, other, id, text) => {
      const now = new Date();
      const timestamp = Math.floor(now.getTime() / 1000);
      const body = Buffer.from(text);
      const theirs = {
        'webhook-id': id,
        'webhook-timestamp': String(timestamp),
        'webhook-signature': new Webhook(secret).sign(id, new Date(timestamp * 1000), body.toString()),
      };
      assert.ok(isSigned({ headers: theirs, body }, [other, secret], now));
      assert.equal(isSigned({ headers: theirs, body }, [other], now), other === secret);
      const ours = signedHeaders({ id, timestamp, body }, [other, secret]);
      assert.doesNotThrow(() => new Webhook(secret).verify(body, ours, { jsonParse: false }));
      assert.equal(
        ours['webhook-signature'],
        `${new Webhook(other).sign(id, now, body)} ${theirs['webhook-signature']}`,
      );
    }),
    { numRuns: 60 },
  );
});

test('the bytes count, not the text they may stand for', () => {
  const secret = secretOf(Buffer.alloc(32, 1));
  const now = new Date(1_700_000_000_000);
  const headers = signedHeaders({ id: 'a', timestamp: 1_700_000_000, body: Buffer.from([0x22, 0xff, 0x22]) }, [secret]);
  assert.ok(isSigned({ headers, body: Buffer.from([0x22, 0xff, 0x22]) }, [secret], now));
  // Both are U+FFFD to whoever reads them as text.
  assert.ok(!isSigned({ headers, body: Buffer.from([0x22, 0xfe, 0x22]) }, [secret], now));
});

test('five minutes either way, to the second', () => {
  const secret = secretOf(Buffer.alloc(32, 1));
  const headers = signedHeaders({ id: 'a', timestamp: 1_700_000_000, body: Buffer.from('x') }, [secret]);
  const at = (seconds: number) =>
    isSigned({ headers, body: Buffer.from('x') }, [secret], new Date((1_700_000_000 + seconds) * 1000));
  assert.deepEqual([-301, -300, 0, 300, 301].map(at), [false, true, true, true, false]);
});

test('nothing is signed that lacks a header, or whose headers are none', () => {
  const secret = secretOf(Buffer.alloc(24, 1));
  const body = Buffer.from('x');
  const now = new Date(1_700_000_000_000);
  const headers = signedHeaders({ id: 'a', timestamp: 1_700_000_000, body }, [secret]);
  const signature = headers['webhook-signature']!;
  const signed = (changes: Record<string, string | readonly string[] | undefined>) =>
    isSigned({ headers: { ...headers, ...changes }, body }, [secret], now);
  assert.ok(signed({}));
  const wrong = `v1,${Buffer.alloc(32).toString('base64')}`;
  assert.ok(signed({ 'webhook-signature': `${wrong} v1a,x ${signature}` }), 'one of several is enough');
  assert.ok(
    !signed({ 'webhook-signature': `${Array(16).fill(wrong).join(' ')} ${signature}` }),
    'the 17th is not looked at',
  );
  for (const name of Object.keys(headers)) {
    assert.ok(!signed({ [name]: undefined }), `${name} is missing`);
    assert.ok(!signed({ [name]: [headers[name]!] }), `${name} is no text`);
  }
  const senseless = {
    'webhook-id': ['', 'a.b', 'ü', 'a'.repeat(201)],
    'webhook-timestamp': ['', '-1', '1e9', '1700000000.5', ' 1700000000', '1'.repeat(13)],
    'webhook-signature': ['', 'v1', `v1a,${signature.slice(3)}`, signature.slice(3), 'v1,', wrong],
  };
  for (const [name, values] of Object.entries(senseless))
    for (const value of values) assert.ok(!signed({ [name]: value }), `${name}: ${value.slice(0, 30)}`);
});

test('a secret that is too short or no base64 is refused without being shown', () => {
  const message = { id: 'a', timestamp: 1, body: Buffer.from('x') };
  for (const secret of ['whsec_c2hvcnQ=', 'hunter2hunter2hunter2hunter2!!', '', secretOf(Buffer.alloc(23))])
    assert.throws(
      () => signedHeaders(message, [secret]),
      (error: Error & { code?: string }) => error.code === 'CONFIG_INVALID' && !error.message.includes('hunter'),
      secret,
    );
});
