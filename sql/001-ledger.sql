-- The ledger. Live work (events not yet routed, lanes, open deliveries) stands in small unpartitioned tables; what is finished moves to
-- monthly history that is dropped whole; `seen` outlives every sender's retries. Every business row carries its entity.
-- Sealed columns (bytea named *_sealed) are AES-256-GCM under a data key; digests are keyed (HMAC-SHA-256).

create table setting (
  name  text primary key,
  value text not null
);

-- Data keys, wrapped by the master key: one to seal with, one for keyed digests.
create table data_key (
  id         smallint primary key,
  purpose    text not null check (purpose in ('seal', 'digest')),
  wrapped    bytea not null,
  created_at timestamptz not null default now()
);

-- Hub processes that share this ledger.
create table node (
  id         uuid primary key,
  started_at timestamptz not null default now(),
  seen_at    timestamptz not null default now(),
  about      jsonb not null
);

-- Tokens of leases never repeat, so a zombie's token can never be valid again.
create sequence lease_epoch as bigint;

-- Named leases: router shards, pollers, writers, the audit sealer. Their time is this database's clock.
create table lease (
  name       text primary key,
  holder     uuid,
  epoch      bigint not null default 0,
  expires_at timestamptz not null default '-infinity'
);

create table connection (
  name       text primary key,
  entity     text not null,
  connector  text not null,
  state      text not null default 'active' check (state in ('active', 'paused')),
  reason     text,
  changed_at timestamptz not null default now(),
  changed_by text not null default 'hub'
);

create table cursor (
  entity     text not null,
  connection text not null,
  source     text not null,
  value      text not null,
  saved_at   timestamptz not null default now(),
  primary key (connection, source)
);

-- Whole versions of Mapping tables: rows as { code: target }.
create table mapping_version (
  entity     text not null,
  name       text not null,
  version    integer not null,
  owner      text not null,
  about      text not null,
  rows       jsonb not null,
  changed_by text not null,
  changed_at timestamptz not null default now(),
  primary key (entity, name, version)
);

-- Dedupe keys of everything ever received (Idempotent Receiver).
create table seen (
  entity     text not null,
  connection text not null,
  key        bytea not null,
  event_id   uuid not null,
  seen_at    timestamptz not null default now(),
  primary key (connection, key)
) partition by hash (key);

-- Events that are not routed yet; `parked` ones wait for a person and hold their subject.
create table event (
  id             uuid primary key,
  seq            bigint generated always as identity,
  entity         text not null,
  connection     text not null,
  source         text not null,
  subject        text not null,
  shard          smallint not null,
  source_version bigint,
  occurred_at    timestamptz not null,
  received_at    timestamptz not null default now(),
  payload_sealed bytea,
  labels         jsonb not null default '{}',
  lines          integer not null default 0,
  currency       text,
  minor          bigint not null default 0,
  absolute       bigint not null default 0,
  state          text not null default 'new' check (state in ('new', 'parked')),
  decision       text,
  attempts       integer not null default 0,
  not_before     timestamptz not null default '-infinity'
);
create index event_unrouted on event (shard, seq) where state = 'new';
create index event_subject on event (connection, subject, seq);

create table event_history (
  id             uuid not null,
  entity         text not null,
  connection     text not null,
  source         text not null,
  subject        text not null,
  source_version bigint,
  occurred_at    timestamptz not null,
  received_at    timestamptz not null,
  payload_sealed bytea,
  labels         jsonb not null,
  lines          integer not null,
  currency       text,
  minor          bigint not null,
  absolute       bigint not null,
  outcome        text not null check (outcome in ('routed', 'duplicate', 'late', 'dismissed')),
  finished_at    timestamptz not null default now(),
  primary key (id, finished_at)
) partition by range (finished_at);
create index on event_history (connection, subject);

-- What was heard about a subject: its newest source version, and what the flow keeps between events.
create table subject (
  entity         text not null,
  connection     text not null,
  flow           text not null,
  subject        text not null,
  source_version bigint,
  memory_sealed  bytea,
  updated_at     timestamptz not null default now(),
  primary key (connection, flow, subject)
);

-- The newest version of each canonical record; older ones move to document_version.
create table document (
  id          uuid primary key,
  entity      text not null,
  kind        text not null,
  key         text not null,
  version     integer not null,
  shape       text not null,
  digest      bytea not null,
  body_sealed bytea not null,
  flow        text not null,
  event_id    uuid not null,
  labels      jsonb not null,
  lines       integer not null,
  currency    text,
  minor       bigint not null,
  absolute    bigint not null,
  written_at  timestamptz not null default now(),
  unique (entity, kind, key)
);

create table document_version (
  document_id uuid not null,
  entity      text not null,
  version     integer not null,
  shape       text not null,
  digest      bytea not null,
  body_sealed bytea not null,
  event_id    uuid not null,
  written_at  timestamptz not null,
  replaced_at timestamptz not null default now(),
  primary key (document_id, version, replaced_at)
) partition by range (replaced_at);

-- Keyed digests to search by: order numbers, e-mail addresses, SKUs.
create table reference (
  entity      text not null,
  kind        text not null,
  value       bytea not null,
  document_id uuid not null references document (id) on delete cascade,
  primary key (entity, kind, value, document_id)
);
create index reference_document on reference (document_id);

-- External id ↔ canonical key for a connection. A row without external_id says that somebody waits for it or that it is on its way.
create table binding (
  entity      text not null,
  connection  text not null,
  kind        text not null,
  key         text not null,
  external_id text,
  -- What was last written there: version, digest and measure of the document.
  version     integer,
  digest      bytea,
  lines       integer not null default 0,
  currency    text,
  minor       bigint not null default 0,
  absolute    bigint not null default 0,
  bound_at    timestamptz,
  primary key (connection, entity, kind, key)
);

-- Strictly first in, first out per key. ready_at is null while its head may not be worked; quiet_until keeps the next delivery from
-- overtaking one that may still land.
create table lane (
  connection  text not null,
  sink        text not null,
  key         text not null,
  entity      text not null,
  priority    smallint not null default 0,
  next_place  bigint not null default 0,
  ready_at    timestamptz,
  quiet_until timestamptz not null default '-infinity',
  holder      uuid,
  epoch       bigint not null default 0,
  lease_until timestamptz,
  primary key (connection, sink, key)
);
create index lane_ready on lane (connection, sink, priority desc, ready_at) where holder is null and ready_at is not null;
create index lane_leased on lane (lease_until) where holder is not null;

-- One document version owed to one connection, with its intent.
create table delivery (
  id              uuid primary key,
  entity          text not null,
  flow            text not null,
  connection      text not null,
  sink            text not null,
  lane_key        text not null,
  place           bigint not null,
  document_id     uuid not null,
  kind            text not null,
  key             text not null,
  version         integer not null,
  event_id        uuid not null,
  state           text not null default 'waiting' check (state in ('waiting', 'leased', 'unknown', 'parked')),
  waits           integer not null default 0,
  attempts        integer not null default 0,
  not_before      timestamptz not null default '-infinity',
  -- The Intent: until when the call may run, and until when the target may still commit it.
  intent_deadline timestamptz,
  intent_settles  timestamptz,
  -- Set once an outcome was unknown: after this moment it can no longer change.
  settled_at      timestamptz,
  labels          jsonb not null,
  lines           integer not null,
  currency        text,
  minor           bigint not null,
  absolute        bigint not null,
  created_at      timestamptz not null default now(),
  promised_at     timestamptz,
  unique (connection, sink, lane_key, place)
);
create index delivery_document on delivery (document_id);

create table delivery_history (
  id          uuid not null,
  entity      text not null,
  flow        text not null,
  connection  text not null,
  sink        text not null,
  lane_key    text not null,
  place       bigint not null,
  document_id uuid not null,
  kind        text not null,
  key         text not null,
  version     integer not null,
  event_id    uuid not null,
  outcome     text not null check (outcome in ('delivered', 'superseded', 'dismissed')),
  attempts    integer not null,
  labels      jsonb not null,
  lines       integer not null,
  currency    text,
  minor       bigint not null,
  absolute    bigint not null,
  created_at  timestamptz not null,
  promised_at timestamptz,
  finished_at timestamptz not null default now(),
  primary key (id, finished_at)
) partition by range (finished_at);
create index on delivery_history (document_id);

-- Bindings that a delivery still waits for; the transaction that makes the binding removes the row and releases the delivery.
create table awaits (
  delivery_id uuid not null references delivery (id) on delete cascade,
  connection  text not null,
  entity      text not null,
  kind        text not null,
  key         text not null,
  primary key (delivery_id, kind, key)
);
create index awaits_binding on awaits (connection, entity, kind, key);

create table attempt (
  delivery_id    uuid not null,
  entity         text not null,
  number         integer not null,
  node           uuid not null,
  outcome        text not null,
  message_sealed bytea,
  started_at     timestamptz not null,
  finished_at    timestamptz not null default now(),
  primary key (delivery_id, number, finished_at)
) partition by range (finished_at);

-- What cannot go on without a person.
create table exception (
  id             uuid primary key,
  entity         text not null,
  flow           text not null,
  connection     text not null,
  subject        text,
  kind           text,
  key            text,
  event_id       uuid,
  delivery_id    uuid,
  holds          boolean not null,
  cause          text not null,
  field          text,
  message_sealed bytea not null,
  owner          text not null,
  due_at         timestamptz not null,
  labels         jsonb not null,
  lines          integer not null,
  currency       text,
  minor          bigint not null,
  absolute       bigint not null,
  state          text not null default 'open' check (state in ('open', 'retried', 'edited', 'dismissed')),
  reason         text,
  closed_by      text,
  opened_at      timestamptz not null default now(),
  closed_at      timestamptz
);
create index exception_open on exception (opened_at) where state = 'open';
create index exception_delivery on exception (delivery_id) where state = 'open';
create index exception_event on exception (event_id) where state = 'open';

-- Appended in the transaction of the act; chained afterwards by one leased sealer, below the oldest running transaction.
create table audit (
  id     uuid not null,
  entity text not null,
  at     timestamptz not null default now(),
  xid    xid8 not null default pg_current_xact_id(),
  actor  text not null,
  action text not null,
  object text not null,
  detail jsonb not null default '{}',
  primary key (id, at)
) partition by range (at);
create index on audit (xid);

create table audit_seal (
  seq       bigint primary key,
  audit_id  uuid not null unique,
  at        timestamptz not null,
  hash      bytea not null,
  sealed_at timestamptz not null default now()
);

do $$
begin
  for part in 0..7 loop
    execute format('create table seen_%s partition of seen for values with (modulus 8, remainder %s)', part, part);
  end loop;
end $$;

-- Row-level security: a session sees the entities it was given ('*' is the engine's own), and no session sees any before it was told.
create function entity_visible(entity text) returns boolean language sql stable as
  $$ select current_setting('crossdock.entity', true) in ('*', entity) $$;

create function protect_entity(name text) returns void language plpgsql as $$
begin
  execute format('alter table %I enable row level security', name);
  execute format('alter table %I force row level security', name);
  execute format('create policy entity on %I using (entity_visible(entity)) with check (entity_visible(entity))', name);
end $$;

-- Monthly partitions of all history, from the month of `first` on, `months` of them; existing ones are left alone.
create function ensure_history(first date, months integer) returns void language plpgsql as $$
declare
  parent text;
  start date;
begin
  perform pg_advisory_xact_lock(7070, 1);
  foreach parent in array array['event_history', 'document_version', 'delivery_history', 'attempt', 'audit'] loop
    for step in 0..months - 1 loop
      start := (date_trunc('month', first) + make_interval(months => step))::date;
      if to_regclass(format('%s_%s', parent, to_char(start, 'YYYY_MM'))) is null then
        execute format('create table %s_%s partition of %s for values from (%L) to (%L)',
          parent, to_char(start, 'YYYY_MM'), parent, start::text || ' 00:00:00+00', (start + interval '1 month')::date::text || ' 00:00:00+00');
        -- A partition that is read by its own name is under its own policy, not its parent's.
        perform protect_entity(format('%s_%s', parent, to_char(start, 'YYYY_MM')));
      end if;
    end loop;
  end loop;
end $$;

select ensure_history((now() at time zone 'utc')::date - 31, 4);

do $$
declare
  name text;
begin
  for part in 0..7 loop
    perform protect_entity(format('seen_%s', part));
  end loop;
  foreach name in array array['connection', 'cursor', 'mapping_version', 'seen', 'event', 'event_history', 'subject', 'document', 'document_version',
    'reference', 'binding', 'lane', 'delivery', 'delivery_history', 'awaits', 'attempt', 'exception', 'audit'] loop
    perform protect_entity(name);
  end loop;
end $$;
