import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { appendFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { HubError } from '../core/errors.ts';
import { canonicalJson } from '../core/seal.ts';
import { type AuditVerdict, chainEnds, linksAt, verifyAudit } from '../ledger/audit.ts';
import type { Sql } from '../ledger/database.ts';
import { allEras, ledgerId } from '../ledger/eras.ts';
import type { Vault } from '../ledger/vault.ts';

/** How far the audit chain had come, signed (Ed25519), to be kept where nobody who can change the ledger can change it. One line of JSON each. */
export interface Checkpoint {
  readonly ledger: string;
  readonly era: number;
  /** Number of the newest link, and its hash in hex. */
  readonly link: string;
  readonly hash: string;
  readonly at: string;
  /** Public key of the ledger, base64url of its 32 bytes: the same for its whole life. */
  readonly signer: string;
  readonly signature: string;
}

const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI_ED25519 = Buffer.from('302a300506032b6570032100', 'hex');

/** From the digest key, which is never replaced: a rotation of the others leaves earlier checkpoints valid. */
function signerOf(vault: Pick<Vault, 'derive'>): { key: KeyObject; name: string } {
  const seed = vault.derive('audit checkpoints');
  const key = createPrivateKey({ key: Buffer.concat([PKCS8_ED25519, seed]), format: 'der', type: 'pkcs8' });
  const name = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(SPKI_ED25519.length);
  return { key, name: name.toString('base64url') };
}

const signed = ({ signature: _, ...told }: Checkpoint): Buffer => Buffer.from(canonicalJson(told));

/** The checkpoint of this moment, or null while nothing is sealed. */
export async function makeCheckpoint(sql: Sql, vault: Pick<Vault, 'derive'>, now: Date): Promise<Checkpoint | null> {
  const { last } = await chainEnds(sql);
  if (!last) return null;
  const { key, name } = signerOf(vault);
  const checkpoint = {
    ledger: await ledgerId(sql),
    era: (await allEras(sql)).at(-1)!.number,
    link: String(last.seq),
    hash: last.hash.toString('hex'),
    at: now.toISOString(),
    signer: name,
    signature: '',
  };
  return { ...checkpoint, signature: sign(null, signed(checkpoint), key).toString('base64url') };
}

/** Adds a checkpoint to the folder's file of this ledger, `audit-<ledger>.ndjson`. Returns its path. */
export function appendCheckpoint(folder: string, checkpoint: Checkpoint): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `audit-${checkpoint.ledger}.ndjson`);
  appendFileSync(path, `${JSON.stringify(checkpoint)}\n`, { flush: true });
  return path;
}

/** Throws HubError BAD_USE for a file that cannot be read as checkpoints. */
export function readCheckpoints(path: string): Checkpoint[] {
  try {
    return readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map((line) => JSON.parse(line) as Checkpoint);
  } catch (cause) {
    throw new HubError('BAD_USE', `${path} cannot be read as checkpoints: ${(cause as Error).message}`, { cause });
  }
}

export interface AnchoredVerdict extends AuditVerdict {
  /** Checkpoints that the chain agrees with. */
  readonly agreed: number;
  /** Checkpoints of links that retention has removed. */
  readonly before: number;
  /** Checkpoints made after a backup that was restored since: their records are in no ledger any more. */
  readonly lost: number;
}

/**
 * Walks the chain and compares it with checkpoints from outside: only they tell when its end was cut off or all of it written anew. A checkpoint of
 * an earlier era beyond the backup that was restored counts as `lost`: whoever reads the verdict knows whether there was a restore.
 */
export async function verifyAgainst(
  sql: Sql,
  vault: Pick<Vault, 'derive'>,
  checkpoints: readonly Checkpoint[],
): Promise<AnchoredVerdict> {
  const verdict = await verifyAudit(sql);
  const counts = { agreed: 0, before: 0, lost: 0 };
  const broken = (link: string, why: string): AnchoredVerdict => ({
    ...verdict,
    ...counts,
    broken: { seq: BigInt(link), why },
  });
  if (verdict.broken) return { ...verdict, ...counts };
  const { name } = signerOf(vault);
  const id = await ledgerId(sql);
  const eras = await allEras(sql);
  const { first } = await chainEnds(sql);
  const links = new Map(
    (
      await linksAt(
        sql,
        checkpoints.map(({ link }) => BigInt(link)),
      )
    ).map(({ seq, hash }) => [String(seq), hash]),
  );
  for (const checkpoint of checkpoints) {
    const { link, hash, at, era } = checkpoint;
    if (checkpoint.ledger !== id) return broken(link, `the checkpoint of ${at} is of another ledger`);
    if (checkpoint.signer !== name || !isSigned(checkpoint))
      return broken(link, `the checkpoint of ${at} was not signed by this ledger, or was altered`);
    const restored = eras.find(({ number, audit_seq }) => number > era && audit_seq < BigInt(link));
    if (restored) counts.lost += 1;
    else if (links.get(link)?.toString('hex') === hash) counts.agreed += 1;
    else if (BigInt(link) < first) counts.before += 1;
    else if (BigInt(link) > verdict.sealed)
      return broken(
        link,
        `the chain ends at link ${verdict.sealed}, but had reached ${link} at ${at}: its end was cut off`,
      );
    else return broken(link, `link ${link} is not the one it was at ${at}: the chain was written anew`);
  }
  return { ...verdict, ...counts };
}

function isSigned(checkpoint: Checkpoint): boolean {
  try {
    const der = Buffer.concat([SPKI_ED25519, Buffer.from(checkpoint.signer, 'base64url')]);
    const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
    return verify(null, signed(checkpoint), key, Buffer.from(checkpoint.signature, 'base64url'));
  } catch {
    return false;
  }
}
