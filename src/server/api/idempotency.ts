import { HubError } from '../../core/errors.ts';
import { canonicalJson, sameBytes, sha256 } from '../../core/seal.ts';
import type { Ledger, Sql } from '../../ledger/database.ts';
import { answerRequest, takeRequestKey } from '../../ledger/requests.ts';
import type { Vault } from '../../ledger/vault.ts';

export interface Answered {
  status: number;
  answer: unknown;
  /** True when the effect was there already and this is the answer of that time. */
  replayed: boolean;
}

interface Asked {
  token: string;
  /** The Idempotency-Key, or undefined. */
  key: string | undefined;
  /** What is asked: method, path and body. */
  request: readonly [method: string, path: string, body: unknown];
}

/** The key of a request. Throws HubError BAD_USE unless it is 1 to 255 visible ASCII characters. */
export function idempotencyKey(header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined;
  if (typeof header === 'string' && /^[\x21-\x7e]{1,255}$/.test(header)) return header;
  throw new HubError('BAD_USE', 'the Idempotency-Key is not one text of 1 to 255 visible ASCII characters', {
    hint: 'a new UUID for each act, the same one when it is repeated',
  });
}

/**
 * Runs a write in one transaction together with its key: the effect and the stored answer are committed at once or not at all, so the same
 * request under the same key has one effect however often, and however concurrently, it is sent (Idempotent Receiver). A request that fails
 * stores nothing and may be sent again. Throws HubError IDEMPOTENCY_KEY_REUSED for another request under a key of the last 24 hours.
 */
export function once(
  { ledger, vault }: { ledger: Ledger; vault: Vault },
  { token, key, request }: Asked,
  write: (joined: Ledger) => Promise<{ status: number; answer: unknown }>,
): Promise<Answered> {
  return ledger.transaction(async (sql) => {
    if (key === undefined) return { ...(await write(joined(sql))), replayed: false };
    const taken = {
      tokenId: token,
      key: vault.digest(`idempotency ${token} ${key}`),
      digest: sha256(canonicalJson(request)),
    };
    const place = `request:${token}:${taken.key.toString('hex')}`;
    const before = await takeRequestKey(sql, taken);
    if (before) {
      if (!sameBytes(before.digest, taken.digest))
        throw new HubError('IDEMPOTENCY_KEY_REUSED', 'this Idempotency-Key was used for another request', {
          hint: 'a new key for each act; the same one only to repeat the same request',
        });
      return {
        status: before.status!,
        answer: JSON.parse(vault.unseal(before.answer_sealed!, place).toString()),
        replayed: true,
      };
    }
    const done = await write(joined(sql));
    await answerRequest(sql, taken, { status: done.status, sealed: vault.seal(JSON.stringify(done.answer), place) });
    return { ...done, replayed: false };
  });
}

/** A ledger all of whose transactions are this one. */
const joined = (sql: Sql): Ledger => ({
  transaction: (work) => work(sql),
  snapshot: (work) => work(sql),
  query: (name, text, values) => sql.query(name, text, values),
});
