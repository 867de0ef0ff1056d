-- A record that others wait for and that nobody brings: the Exception it became, open or decided, and until when a person lets it wait once more.
alter table binding add column exception_id uuid, add column patient_until timestamptz;
create index binding_exception on binding (exception_id) where exception_id is not null;
create index delivery_awaiting on delivery (promised_at) where waits > 0;

-- A person says: wait once more, as long as before; for a record that nobody brings as long as its Exception's owner has. True when the Exception was
-- about something that is still to come.
create or replace function wait_again(exception uuid) returns boolean language sql security definer set search_path = crossdock, pg_temp as $$
  with again as (
    update expectation e set exception_id = null, due_at = now() + make_interval(secs => e.within_seconds)
    where e.exception_id = wait_again.exception and e.answered_at is null returning 1),
  records as (
    update binding b set exception_id = null, patient_until = now() + (select x.due_at - x.opened_at from crossdock.exception x where x.id = wait_again.exception)
    where b.exception_id = wait_again.exception and b.external_id is null returning 1)
  select exists (select from again) or exists (select from records) $$;
