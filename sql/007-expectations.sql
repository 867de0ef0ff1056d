-- What must still come of something that was sent: an acknowledgement, say. Written with the outcome of the delivery, answered by an event that names
-- its key. An answer may come before we know ourselves that we sent: then the row has no `kind` yet.
create table expectation (
  entity          text not null,
  connection      text not null,
  key             text not null,
  -- The flow that sent, or, until that is known, the one that heard the answer.
  flow            text not null,
  owner           text not null,
  -- The owner's time, once it is an Exception.
  patience_seconds double precision not null,
  kind            text,
  document_key    text,
  version         integer,
  labels          jsonb not null default '{}',
  -- What was sent, and what to say when nothing comes.
  message_sealed  bytea,
  within_seconds  double precision not null,
  due_at          timestamptz not null,
  answered_at     timestamptz,
  -- What a negative answer said.
  refusal_sealed  bytea,
  -- The Exception it became, open or not.
  exception_id    uuid,
  primary key (connection, key)
);
create index expectation_due on expectation (due_at) where exception_id is null and (answered_at is null or kind is null);
create index expectation_document on expectation (connection, kind, document_key) where answered_at is null;
create index expectation_exception on expectation (exception_id) where exception_id is not null;
select protect_entity('expectation');

-- A person says: wait once more, as long as before. True when the Exception was about something that is still to come.
create function wait_again(exception uuid) returns boolean language sql security definer set search_path = crossdock, pg_temp as $$
  with again as (
    update expectation e set exception_id = null, due_at = now() + make_interval(secs => e.within_seconds)
    where e.exception_id = exception and e.answered_at is null returning 1)
  select exists (select from again) $$;

-- Numbers that a partner counts by (control numbers of EDI): one for each document version, the same at every attempt, in one row per connection.
create table partner_counter (
  entity     text not null,
  connection text primary key,
  last       bigint not null
);
create table partner_number (
  entity      text not null,
  connection  text not null,
  sink        text not null,
  document_id uuid not null,
  version     integer not null,
  number      bigint not null,
  given_at    timestamptz not null default now(),
  primary key (connection, sink, document_id, version),
  unique (connection, number)
);
select protect_entity('partner_counter');
select protect_entity('partner_number');
