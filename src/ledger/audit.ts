import { newId } from '../core/ids.ts';
import { canonicalJson, sha256 } from '../core/seal.ts';
import type { Database, Sql } from './database.ts';
import { columns } from './rows.ts';

export interface AuditRecord {
  entity: string;
  /** `hub`, or who decided: `cli:anna`. */
  actor: string;
  /** What was done, such as `delivery.delivered`. */
  action: string;
  /** What it was done to, such as `delivery:<id>`. */
  object: string;
  detail?: object;
}

/** Appends audit records in the transaction of the act they record. */
export async function appendAudit(sql: Sql, records: readonly AuditRecord[]): Promise<void> {
  if (records.length === 0) return;
  await sql.query(
    'audit_append',
    'insert into audit (id, entity, actor, action, object, detail) select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::jsonb[])',
    columns(
      records.map((record) => ({ id: newId(), detail: {}, ...record })),
      ['id', 'entity', 'actor', 'action', 'object', 'detail'],
    ),
  );
}

/** What the first link follows. */
export const genesis = sha256('crossdock audit');

interface AuditRow {
  id: string;
  entity: string;
  at_text: string;
  at: Date;
  xid: string;
  actor: string;
  action: string;
  object: string;
  detail: object;
}

const linkOf = (previous: Buffer, row: AuditRow): Buffer =>
  sha256(
    Buffer.concat([
      previous,
      Buffer.from(canonicalJson([row.id, row.entity, row.at_text, row.actor, row.action, row.object, row.detail])),
    ]),
  );
const rowColumns = `id, entity, to_char(at, 'YYYY-MM-DD"T"HH24:MI:SS.US') as at_text, at, xid::text, actor, action, object, detail`;

/**
 * Chains up to `limit` audit records that no running transaction can precede any more (below the oldest running xid), in order of transaction
 * and id. One sealer at a time, under its lease. Returns how many were sealed.
 *
 * A dump that was read into another cluster brings transaction numbers along which mean nothing there: those that are still to come there are of
 * records that were committed elsewhere, and a mark among them says nothing of what is appended from now on.
 */
export async function sealAudit(db: Database, limit = 5000): Promise<number> {
  return db.transaction(async (sql) => {
    await sql.query('seal_lock', 'select pg_advisory_xact_lock(7070, 3)');
    const [last] = await sql.query<{ seq: bigint; hash: Buffer }>(
      'seal_last',
      'select seq, hash from audit_seal order by seq desc limit 1',
    );
    const [mark] = await sql.query<{ value: string }>(
      'seal_mark',
      "select value from setting where name = 'audit_sealed_xid' and value::xid8 < pg_snapshot_xmax(pg_current_snapshot())",
    );
    const rows = await sql.query<AuditRow & { elsewhere: boolean }>(
      'seal_rows',
      `select ${rowColumns}, a.xid >= pg_snapshot_xmax(pg_current_snapshot()) as elsewhere from audit a
       where xid >= $1::xid8 and (xid < pg_snapshot_xmin(pg_current_snapshot()) or xid >= pg_snapshot_xmax(pg_current_snapshot()))
         and not exists (select from audit_seal s where s.audit_id = a.id)
       order by elsewhere desc, a.xid, a.id limit $2`,
      [mark?.value ?? '0', limit],
    );
    if (rows.length === 0) return 0;
    let seq = last?.seq ?? 0n;
    let hash = last?.hash ?? genesis;
    const seals = rows.map((row) => {
      hash = linkOf(hash, row);
      // As text: a Date would cut the microseconds off.
      return { seq: ++seq, id: row.id, at: `${row.at_text}Z`, hash };
    });
    await sql.query(
      'seal_add',
      'insert into audit_seal (seq, audit_id, at, hash) select * from unnest($1::bigint[], $2::uuid[], $3::timestamptz[], $4::bytea[])',
      columns(seals, ['seq', 'id', 'at', 'hash']),
    );
    await sql.query(
      'seal_mark_set',
      "insert into setting (name, value) values ('audit_sealed_xid', $1) on conflict (name) do update set value = excluded.value",
      [rows.findLast(({ elsewhere }) => !elsewhere)?.xid ?? mark?.value ?? '0'],
    );
    return rows.length;
  });
}

export interface AuditVerdict {
  sealed: bigint;
  unsealed: number;
  /** The first broken link, or null. */
  broken: { seq: bigint; why: string } | null;
}

interface Cut {
  seq: bigint;
  hash: Buffer;
  last_seq: bigint;
  before: Date;
  told: boolean;
}

/** Where retention has cut the chain's beginning off, and whether the audit itself tells of it. */
async function latestCut(sql: Sql): Promise<Cut | null> {
  const rows = await sql.query<Cut>(
    'audit_cut',
    `select seq, hash, last_seq, before, exists (
       select from audit where action = 'audit.cut' and detail->>'seq' = c.seq::text and detail->>'hash' = encode(c.hash, 'hex')) as told
     from audit_cut c order by seq desc limit 1`,
  );
  return rows[0] ?? null;
}

/** Links by their number, as far as they are there. */
export async function linksAt(sql: Sql, seqs: readonly bigint[]): Promise<{ seq: bigint; hash: Buffer }[]> {
  return sql.query(
    'audit_links',
    'select seq, hash from audit_seal where seq = any($1) union select seq, hash from audit_cut where seq = any($1)',
    [seqs],
  );
}

/** The newest link, and where the chain begins. */
export async function chainEnds(sql: Sql): Promise<{ first: bigint; last: { seq: bigint; hash: Buffer } | null }> {
  const [last] = await sql.query<{ seq: bigint; hash: Buffer }>(
    'seal_last',
    'select seq, hash from audit_seal order by seq desc limit 1',
  );
  return { first: (await latestCut(sql))?.seq ?? 0n, last: last ?? null };
}

/** Walks the whole chain, from where retention has cut it, and compares it with the records. */
export async function verifyAudit(sql: Sql): Promise<AuditVerdict> {
  const cut = await latestCut(sql);
  let hash = cut?.hash ?? genesis;
  let seq = cut?.seq ?? 0n;
  if (cut && !cut.told)
    return {
      sealed: seq,
      unsealed: 0,
      broken: { seq, why: `the chain begins after link ${seq}, and no record says why` },
    };
  for (;;) {
    const rows = await sql.query<AuditRow & { seq: bigint; audit_id: string; hash: Buffer; sealed_at: Date }>(
      'seal_walk',
      `select s.seq, s.audit_id, s.hash, s.at as sealed_at, a.id, a.entity, to_char(a.at, 'YYYY-MM-DD"T"HH24:MI:SS.US') as at_text, a.at, a.xid::text, a.actor, a.action, a.object, a.detail
       from audit_seal s left join audit a on a.id = s.audit_id and a.at = s.at where s.seq > $1 order by s.seq limit 5000`,
      [seq],
    );
    for (const row of rows) {
      const broken = (why: string): AuditVerdict => ({ sealed: row.seq, unsealed: 0, broken: { seq: row.seq, why } });
      if (row.seq !== seq + 1n) return broken(`the link before it is missing`);
      if (row.id === null && cut && row.seq <= cut.last_seq && row.sealed_at < cut.before) {
        hash = row.hash;
        seq = row.seq;
        continue;
      }
      if (row.id === null) return broken(`record ${row.audit_id} is gone or its time was changed`);
      const expected = linkOf(hash, row);
      if (!expected.equals(row.hash)) return broken(`record ${row.id} or a link was altered`);
      hash = expected;
      seq = row.seq;
    }
    if (rows.length < 5000) break;
  }
  // Everything below the newest sealed transaction of this cluster was there to be sealed with it: what is not in the chain was put in later.
  const [rest] = await sql.query<{ unsealed: number; inserted: string | null }>(
    'seal_rest',
    `select count(*)::int as unsealed, min(id::text) filter (where xid < (
         select value::xid8 from setting where name = 'audit_sealed_xid' and value::xid8 < pg_snapshot_xmax(pg_current_snapshot()))) as inserted
     from audit a where not exists (select from audit_seal s where s.audit_id = a.id)`,
  );
  const { unsealed, inserted } = rest!;
  const broken = inserted === null ? null : { seq, why: `record ${inserted} was put in among sealed ones` };
  return { sealed: seq, unsealed, broken };
}
