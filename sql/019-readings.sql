-- What was last read of a subject by a source whose records tell it whole: each reading is newer than the one before it, whatever its version says.
create table reading (
  entity     text not null,
  connection text not null,
  source     text not null,
  subject    text not null,
  -- Keyed digest of the record's dedupe key.
  key        bytea not null,
  event_id   uuid not null,
  version    bigint,
  updated_at timestamptz not null default now(),
  primary key (connection, source, subject)
);
select protect_entity('reading');
