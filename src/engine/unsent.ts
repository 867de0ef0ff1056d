import { milliseconds } from '../core/clock.ts';
import type { Due, Sink } from '../core/connector.ts';
import type { AnyFlow } from '../core/estate.ts';
import type { Sql } from '../ledger/database.ts';
import type { ExpectationRow } from '../ledger/expectations.ts';
import {
  addUnsent,
  endUnsent,
  forgoUnsent,
  lockUnsent,
  type NewUnsent,
  type UnsentFacts,
  unsentFacts,
  unsentKey,
} from '../ledger/unsent.ts';
import { closeByItself } from './exception.ts';
import { messagePlace, type Words } from './expectations.ts';
import type { Parts } from './parts.ts';

/** A document version that is now owed to a sink. */
export interface Owing {
  readonly connection: string;
  readonly sink: Sink;
  readonly flow: AnyFlow;
  readonly body: unknown;
  readonly document: { id: string; entity: string; kind: string; key: string; version: number };
  readonly labels: Readonly<Record<string, string>>;
  /** When it may go at the earliest, where that is not now. */
  readonly notBefore: Date | null;
}

const rowOf = ({ connection, sink, document }: Owing) => ({ connection, key: unsentKey(sink.name, document.id) });
const idOf = ({ connection, key }: { connection: string; key: string }): string => `${connection} ${key}`;

/** Writes down by when documents must be sent, in the transaction that owes them. What a later version says counts; where it is overdue as well, the Exception stays. */
export async function writeUnsent(
  { vault, clock }: Pick<Parts, 'vault' | 'clock'>,
  sql: Sql,
  all: readonly Owing[],
): Promise<void> {
  const owed = all.filter(({ sink }) => sink.due !== undefined);
  if (owed.length === 0) return;
  const later = owed.filter(({ document }) => document.version > 1);
  const before = new Map((await lockUnsent(sql, later.map(rowOf))).map((row) => [idOf(row), row]));
  const now = clock.now();
  const planned = owed.map((one) => {
    const row = before.get(idOf(rowOf(one)));
    const since = row ? new Date(now.getTime() - row.waited * 1000) : (one.notBefore ?? now);
    return { one, since, due: one.sink.due!(one.body as never, since) };
  });
  await addUnsent(
    sql,
    planned.flatMap(({ one, since, due }) => (due ? [newUnsent(vault, one, { since, now, due })] : [])),
  );
  const forgone = planned.filter(({ one, due }) => due === null && one.document.version > 1);
  const closing = planned.flatMap(({ one, due }) => {
    const { exception_id = null } = before.get(idOf(rowOf(one))) ?? {};
    return exception_id !== null && due && due.at > now ? [exception_id] : [];
  });
  const [{ entity }] = owed.map(({ document }) => document) as [Owing['document']];
  await closeByItself(sql, entity, closing, { reason: 'a later version has more time' });
  await closeByItself(
    sql,
    entity,
    await forgoUnsent(
      sql,
      forgone.map(({ one }) => rowOf(one)),
    ),
    { reason: 'a later version says that it does not matter any more when it is sent' },
  );
}

function newUnsent(
  vault: Parts['vault'],
  one: Owing,
  { since, now, due: { at, about, otherwise } }: { since: Date; now: Date; due: Due },
): NewUnsent {
  const { flow, document, labels } = one;
  const row = rowOf(one);
  const words: Words = { about, cause: 'not-sent', overdue: otherwise };
  return {
    ...row,
    entity: document.entity,
    flow: flow.id,
    owner: flow.onException.owner,
    patienceSeconds: milliseconds(flow.onException.within) / 1000,
    kind: document.kind,
    documentKey: document.key,
    documentId: document.id,
    version: document.version,
    labels,
    message: vault.seal(JSON.stringify(words), messagePlace(row)),
    withinSeconds: (at.getTime() - since.getTime()) / 1000,
    leftSeconds: (at.getTime() - now.getTime()) / 1000,
  };
}

/** Deliveries are about to end, delivered or by a person: nobody waits for them to be sent any more. */
export async function endSending(
  sql: Sql,
  entity: string,
  deliveries: readonly string[],
  reason: string,
): Promise<void> {
  await closeByItself(sql, entity, await endUnsent(sql, deliveries), { reason });
}

/** What to say of what is not sent and overdue. */
export async function unsentWords(
  { vault }: Pick<Parts, 'vault'>,
  sql: Sql,
  rows: readonly ExpectationRow[],
): Promise<Map<ExpectationRow, string>> {
  const facts = new Map((await unsentFacts(sql, rows)).map((row) => [idOf(row), row]));
  return new Map(
    rows.map((row) => {
      const { about, overdue }: Words = JSON.parse(vault.unseal(row.message_sealed!, messagePlace(row)).toString());
      const known = facts.get(idOf(row));
      const why = known ? `, and owed since ${known.owed.toISOString()}: ${reasonOf(vault, known)}` : '.';
      return [row, `${about[0]!.toUpperCase()}${about.slice(1)} is not sent to ${row.connection}${why} ${overdue}`];
    }),
  );
}

/** Why it is not sent, and what comes of it by itself. */
function reasonOf(
  vault: Pick<Parts['vault'], 'unseal'>,
  { connection, bound, paused, needs, held, away, answer }: UnsentFacts,
): string {
  const goes = 'It goes by itself once that ends, and this closes then.';
  const earlier = bound ? ` ${connection} has an earlier version of it.` : '';
  if (held !== null)
    return `its version ${held} stands at another Exception and goes first. Decide on that one: then this one goes, and this closes.${earlier}`;
  if (paused) return `${connection} is paused since ${paused.toISOString()}. ${goes}${earlier}`;
  if (needs) return `it waits for the ${needs.kind} ${needs.key}, which ${connection} does not have. ${goes}${earlier}`;
  if (away && answer) {
    const words = vault.unseal(answer.message_sealed, `attempt:${answer.delivery_id}`).toString();
    return `${connection} takes nothing since ${away.toISOString()}; its last answer was: ${words.replace(/\.$/, '')}. ${goes}${earlier}`;
  }
  return `it was not its turn yet. ${goes}${earlier}`;
}
