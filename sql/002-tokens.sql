-- Tokens of the HTTP API, what it answered to writes that carry an Idempotency-Key, and the role its transactions run as.

create table api_token (
  id           uuid primary key,
  name         text not null,
  -- SHA-256 of 256 random bits: the token itself is shown once and stored nowhere.
  digest       bytea not null unique,
  scopes       text[] not null,
  -- {*}: every entity.
  entities     text[] not null check (cardinality(entities) > 0),
  created_at   timestamptz not null default now(),
  created_by   text not null,
  expires_at   timestamptz not null,
  last_used_at timestamptz,
  revoked_at   timestamptz,
  revoked_by   text
);

-- One row per Idempotency-Key of a token: the request's digest, and the answer once the effect is committed (in the same transaction).
create table api_request (
  token_id      uuid not null references api_token (id) on delete cascade,
  key           bytea not null,
  digest        bytea not null,
  status        smallint,
  answer_sealed bytea,
  created_at    timestamptz not null default now(),
  primary key (token_id, key)
);
create index api_request_age on api_request (created_at);

-- A session that speaks for a token sees that token's requests only; the engine's own sees all.
create function token_visible(token uuid) returns boolean language sql stable as
  $$ select case coalesce(current_setting('crossdock.token', true), '')
       when '' then coalesce(current_setting('crossdock.entity', true), '') = '*'
       else current_setting('crossdock.token', true) = token::text end $$;

alter table api_request enable row level security;
alter table api_request force row level security;
create policy token on api_request using (token_visible(token_id)) with check (token_visible(token_id));

-- A session may be given several entities: a JSON array of their names. One name, and '*' for the engine's own, are as before.
create function visible_entities() returns text[] language sql stable as
  $$ select case
       when left(current_setting('crossdock.entity', true), 1) = '['
         then array(select jsonb_array_elements_text(current_setting('crossdock.entity', true)::jsonb))
       else array[current_setting('crossdock.entity', true)] end $$;
create function all_entities_visible() returns boolean language sql stable as
  $$ select coalesce(current_setting('crossdock.entity', true), '') = '*' $$;

-- As sub-selects both are asked once a statement: asked for every row, they made a scan under row-level security ten times as long.
create or replace function protect_entity(name text) returns void language plpgsql as $$
begin
  execute format('alter table %I enable row level security', name);
  execute format('alter table %I force row level security', name);
  execute format('drop policy if exists entity on %I', name);
  execute format('create policy entity on %1$I using (%2$s) with check (%2$s)', name,
    '(select all_entities_visible()) or entity = any ((select visible_entities())::text[])');
end $$;

do $$
declare
  name text;
begin
  for name in select tablename from pg_policies where schemaname = 'crossdock' and policyname = 'entity' loop
    perform protect_entity(name);
  end loop;
end $$;
drop function entity_visible(text);

/*
 The role that the API's transactions take on (`set local role`): it owns nothing, so row-level security binds it whoever made the ledger, and it
 may do what the API does and nothing else (no keys, no tokens, no leases; the audit is append-only to it). It is called like the ledger's owner
 with `_api` at the end. Returns its name, or null where it is not there and the ledger's owner may not make it. Called at every start of a hub.
*/
create function prepare_api_role() returns text language plpgsql as $$
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
  return wanted;
end $$;

select prepare_api_role();
