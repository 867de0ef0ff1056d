import type { Reader, Sql } from './database.ts';

export interface Figures {
  events: {
    received: number;
    duplicate: number;
    routed: number;
    late: number;
    /** Changes at a target that we had made ourselves. */
    echo: number;
    waiting: number;
    parked: number;
    dismissed: number;
    /** Events that stand, whole or in part, at an open Exception. */
    excepted: number;
  };
  deliveries: {
    delivered: number;
    superseded: number;
    dismissed: number;
    waiting: number;
    leased: number;
    unknown: number;
    parked: number;
  };
  documents: Record<string, number>;
  /** By currency (null: no money): what events brought, what targets hold, what stands as an Exception; minor units and lines. */
  measures: {
    what: 'received' | 'bound' | 'excepted';
    kind: string | null;
    currency: string | null;
    lines: number;
    minor: bigint;
    absolute: bigint;
  }[];
  exceptions: { cause: string; currency: string | null; count: number; lines: number; minor: bigint }[];
}

const counts = (rows: { name: string; count: number }[]): Record<string, number> =>
  Object.fromEntries(rows.map((row) => [row.name, row.count]));

/** Everything that was ever counted, from the ledger's rows of one moment. */
export const readFigures = (db: Reader): Promise<Figures> => db.snapshot(countAll);

async function countAll(sql: Sql): Promise<Figures> {
  const events = counts(
    await sql.query(
      'figures_events',
      `select outcome as name, count(*)::int as count from event_history group by 1
       union all select case state when 'new' then 'waiting' else state end, count(*)::int from event group by 1`,
    ),
  );
  const [excepted] = await sql.query<{ events: number }>(
    'figures_excepted',
    "select count(distinct event_id)::int as events from exception where state = 'open'",
  );
  const deliveries = counts(
    await sql.query(
      'figures_deliveries',
      `select outcome as name, count(*)::int as count from delivery_history group by 1
       union all select state, count(*)::int from delivery group by 1`,
    ),
  );
  const documents = counts(
    await sql.query(
      'figures_documents',
      'select kind as name, count(*)::int as count from document group by 1 order by 1',
    ),
  );
  // Objections that were decided and routed again are counted by the later event, not twice.
  const measures = await sql.query<Figures['measures'][number]>(
    'figures_measures',
    `select 'received' as what, null as kind, currency, sum(lines)::int as lines, sum(minor)::bigint as minor, sum(absolute)::bigint as absolute from (
       select currency, lines, minor, absolute from event_history where outcome in ('routed', 'dismissed')
       union all select currency, lines, minor, absolute from event
       union all select currency, -lines, -minor, -absolute from exception where event_id is not null and not holds and state in ('retried', 'edited')) e group by currency
     union all
     select 'bound', kind, currency, sum(lines)::int, sum(minor)::bigint, sum(absolute)::bigint from binding where external_id is not null group by kind, currency
     union all
     select 'excepted', null, currency, sum(lines)::int, sum(minor)::bigint, sum(absolute)::bigint from exception where state in ('open', 'dismissed') group by currency`,
  );
  const exceptions = await sql.query<Figures['exceptions'][number]>(
    'figures_exceptions',
    `select cause, currency, count(*)::int as count, sum(lines)::int as lines, sum(minor)::bigint as minor from exception where state = 'open' group by 1, 2 order by 3 desc, 1`,
  );
  const of = (source: Record<string, number>, name: string): number => source[name] ?? 0;
  return {
    events: {
      received: Object.values(events).reduce((a, b) => a + b, 0),
      duplicate: of(events, 'duplicate'),
      routed: of(events, 'routed'),
      late: of(events, 'late'),
      echo: of(events, 'echo'),
      dismissed: of(events, 'dismissed'),
      waiting: of(events, 'waiting'),
      parked: of(events, 'parked'),
      excepted: excepted?.events ?? 0,
    },
    deliveries: {
      delivered: of(deliveries, 'delivered'),
      superseded: of(deliveries, 'superseded'),
      dismissed: of(deliveries, 'dismissed'),
      waiting: of(deliveries, 'waiting'),
      leased: of(deliveries, 'leased'),
      unknown: of(deliveries, 'unknown'),
      parked: of(deliveries, 'parked'),
    },
    documents,
    measures,
    exceptions,
  };
}

export interface Progress {
  /** Events that routing could still move by itself. */
  routable: number;
  /** Lanes that delivery could still move by itself, now or later. */
  deliverable: number;
  /** Lanes whose lease is held now. */
  leased: number;
}

/** What the hub can still do without a person; all zero means idle. */
export async function readProgress(sql: Sql): Promise<Progress> {
  const [row] = await sql.query<Progress>(
    'progress',
    `select
       (select count(*)::int from event e where state = 'new'
          and not exists (select from event p where p.connection = e.connection and p.subject = e.subject and p.seq < e.seq and p.state = 'parked')) as routable,
       (select count(*)::int from lane where holder is null and ready_at is not null) as deliverable,
       (select count(*)::int from lane where holder is not null) as leased`,
  );
  return row!;
}
