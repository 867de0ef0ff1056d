-- A person may say that a record is in its target already, and under which id: the Exception is then `bound`.
alter table exception drop constraint exception_state_check;
alter table exception add constraint exception_state_check check (state in ('open', 'retried', 'edited', 'dismissed', 'bound'));

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
  return wanted;
end $$;

select prepare_api_role();
