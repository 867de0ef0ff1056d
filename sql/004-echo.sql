-- Echoes: what the Binding last wrote at a target and last saw there, per flow that reads from it and on that flow's own fields (keyed digests).
-- `*_version` is the target's own version of the record, `*_document` the version of the canonical document: the larger one is what the target holds.
create table binding_flow (
  entity           text not null,
  connection       text not null,
  kind             text not null,
  key              text not null,
  flow             text not null,
  written_digest   bytea,
  written_version  bigint,
  written_document integer,
  written_at       timestamptz,
  seen_digest      bytea,
  seen_version     bigint,
  seen_document    integer,
  seen_at          timestamptz,
  primary key (connection, entity, kind, key, flow)
);
select protect_entity('binding_flow');

-- From the target's id back to the canonical key.
create index binding_external on binding (connection, kind, external_id) where external_id is not null;

alter table event_history drop constraint event_history_outcome_check;
alter table event_history add constraint event_history_outcome_check check (outcome in ('routed', 'duplicate', 'late', 'dismissed', 'echo'));
