-- What keeps a ledger over the years: its identity and eras, more than one sealing key, retention, and the audit's cut.

-- Who this ledger is; its backups and checkpoints carry it.
insert into setting (name, value) values ('ledger', gen_random_uuid()::text) on conflict do nothing;

-- A restore begins a new era: what the hub did after the backup is not in the ledger, and may all the same have happened.
create table era (
  number     integer primary key,
  id         uuid not null default gen_random_uuid(),
  began_at   timestamptz not null default now(),
  -- The moment of the backup; null in the first era.
  backup_at  timestamptz,
  -- Links of the audit chain when it began.
  audit_seq  bigint not null default 0,
  -- When a hub had made the open deliveries ready for it.
  adopted_at timestamptz
);
insert into era (number, adopted_at) values (1, now());

-- Sources that were read to their end in an era.
create table era_source (
  era        integer not null references era (number),
  connection text not null,
  source     text not null,
  read_at    timestamptz not null default now(),
  primary key (era, connection, source)
);

-- A new sealing key is `announced` until every hub has it, then `active`; those before it are `kept` to read with. `handover` is the new key
-- sealed with the one before it, for hubs that run on while the master key changes.
alter table data_key
  add column state text not null default 'active' check (state in ('announced', 'active', 'kept')),
  add column handover bytea;

-- What rows said in the figures that retention has removed.
create table retired (
  entity   text not null,
  what     text not null check (what in ('event', 'delivery', 'exception')),
  name     text not null,
  currency text not null,
  count    bigint not null,
  lines    bigint not null,
  minor    bigint not null,
  absolute bigint not null,
  primary key (entity, what, name, currency)
);
select protect_entity('retired');

-- Where the audit chain begins since its oldest records went. Up to `seq` links are gone as well; records up to `last_seq` are gone when they are older
-- than `before`.
create table audit_cut (
  seq      bigint primary key,
  hash     bytea not null,
  last_seq bigint not null,
  before   timestamptz not null,
  cut_at   timestamptz not null default now()
);

-- Dedupe keys are removed by age; in order of arrival as they are, a block range index is all it takes.
create index seen_age on seen using brin (seen_at);
