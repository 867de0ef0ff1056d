-- Goods that are promised already, on their way into the books of a connection: what a delivery takes, until that connection is known to count it
-- itself. Of a later version of a document only the difference, so a quantity may be negative.
create table in_flight (
  entity      text not null,
  connection  text not null,
  delivery_id uuid not null,
  document_id uuid not null,
  name        text not null,
  -- Location code, or '' where nobody has said from where it is taken.
  place       text not null,
  quantity    numeric not null,
  -- Delivered then: a record that was read later counts it.
  told_at     timestamptz,
  primary key (delivery_id, name, place)
);
create index in_flight_name on in_flight (entity, connection, name);
create index in_flight_document on in_flight (document_id);
create index in_flight_told on in_flight (connection, told_at) where told_at is not null;
select protect_entity('in_flight');

-- Which names the records of a source are about, so that whoever heeds what is in flight can be told again.
create table concern (
  entity     text not null,
  connection text not null,
  source     text not null,
  subject    text not null,
  name       text not null,
  shard      smallint not null,
  primary key (connection, source, subject, name)
);
create index concern_name on concern (entity, connection, name);
select protect_entity('concern');

-- Subjects whose last record is to be told again; one row however often that was asked for, until it becomes an event.
create table nudge (
  entity     text not null,
  connection text not null,
  source     text not null,
  subject    text not null,
  shard      smallint not null,
  looked_at  timestamptz,
  primary key (connection, source, subject)
);
select protect_entity('nudge');

-- When the source began to read what the event says, and the newest of these.
alter table event add column looked_at timestamptz;
alter table subject add column looked_at timestamptz;

-- An answer that may come although nobody awaits it: that goods left, of an order that was sent when that was not awaited yet.
alter table expectation add column unasked boolean not null default false;
-- An answer may come in parts, in any order: it has come when all of `parts` have; null: it comes whole.
alter table expectation add column parts text[];
alter table expectation add column came text[] not null default '{}';
drop index expectation_due;
create index expectation_due on expectation (due_at) where exception_id is null and (answered_at is null or (kind is null and not unasked));

create index expectation_of on expectation (entity, kind, document_key);

create or replace function prepare_api_role() returns text language plpgsql as $$
declare
  wanted text := left(current_user, 59) || '_api';
  taking text := case when current_setting('server_version_num')::integer >= 160000 then 'set' else 'member' end;
begin
  perform pg_advisory_xact_lock(7070, 4);
  if not exists (select from pg_roles where rolname = wanted) then
    begin
      execute format('create role %I nologin nosuperuser nobypassrls', wanted);
    exception
      when insufficient_privilege then return null;
      -- Another database of this server makes its own at this moment.
      when duplicate_object or unique_violation then null;
    end;
  end if;
  if exists (select from pg_roles where rolname = wanted and (rolsuper or rolbypassrls)) then
    return null;
  end if;
  -- From PostgreSQL 16 on, whoever makes a role is its administrator and yet may not take it on.
  if not pg_has_role(current_user, wanted, taking) then
    begin
      execute format('grant %I to current_user', wanted);
    exception when insufficient_privilege then return null;
    end;
    if not pg_has_role(current_user, wanted, taking) then
      return null;
    end if;
  end if;
  if not has_schema_privilege(wanted, 'crossdock', 'usage') or not has_table_privilege(wanted, 'crossdock.api_request', 'delete') then
    execute format('grant usage on schema crossdock to %I', wanted);
    execute format('grant select on connection, mapping_version, event, event_history, document, document_version, reference, binding, lane, delivery,
      delivery_history, awaits, attempt, exception, audit to %I', wanted);
    execute format('grant select (audit_id) on audit_seal to %I', wanted);
    execute format('grant insert on mapping_version, event, event_history, document_version, delivery_history, audit to %I', wanted);
    execute format('grant update on event, document, lane, delivery, exception to %I', wanted);
    execute format('grant update (state, reason, changed_at, changed_by) on connection to %I', wanted);
    execute format('grant delete on event, delivery to %I', wanted);
    execute format('grant select, insert, update, delete on api_request to %I', wanted);
  end if;
  -- Since a person may say under which id a record is in its target.
  if not has_table_privilege(wanted, 'crossdock.binding', 'insert') then
    execute format('grant insert, update on binding to %I', wanted);
    execute format('grant delete on awaits to %I', wanted);
  end if;
  -- Since there is something in flight, and since what is awaited is shown.
  if not has_table_privilege(wanted, 'crossdock.nudge', 'insert') then
    execute format('grant select, update, delete on in_flight to %I', wanted);
    execute format('grant select on concern, expectation to %I', wanted);
    execute format('grant select, insert, update on nudge to %I', wanted);
  end if;
  return wanted;
end $$;

select prepare_api_role();
